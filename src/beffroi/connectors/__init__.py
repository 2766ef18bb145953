"""Connectors: one room for each protocol the post understands. None knows another."""

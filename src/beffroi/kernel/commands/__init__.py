"""Requests to equipment: asked, authorised, sent, acknowledged, read back, undone (docs/explanation/commands.md)."""

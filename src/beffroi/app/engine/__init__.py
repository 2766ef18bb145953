"""The engine: reads partitions of the durable log and applies them, each batch in one transaction with its position."""

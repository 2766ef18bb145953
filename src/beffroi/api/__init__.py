"""The interface for machines: `/api/v1`. It reads, through the same door as the console (docs/reference/api)."""

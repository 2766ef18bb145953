"""The kernel: what every desk shares. Rooms import downward only; see docs/explanation/the-house.md."""

"""Simulated equipment: pure models of what each kind of equipment says, and of how it fails.

No model knows the network, the wire or the clock: `step(now)` returns what is said by then, and failures are methods.
"""

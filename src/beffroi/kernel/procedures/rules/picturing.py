"""How a picture names the step of a run that it was attached for."""

from __future__ import annotations

import hashlib

LONGEST = 64
"""Characters that a picture keeps of its step."""


def picture_name(run: int, key: str) -> str:
    """Return the name that a picture gives to a step of a run: the same for the same step, whatever its key's length."""
    plain = f"run-{run}/{key}"
    if len(plain) <= LONGEST:
        return plain
    return f"run-{run}/{hashlib.sha256(key.encode()).hexdigest()[:32]}"

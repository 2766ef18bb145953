"""Identifiers: UUID version 7 (RFC 9562), ordered by the instant they were made."""

from __future__ import annotations

import secrets
from uuid import UUID

from beffroi.foundation.clock import Instant


def new_id(at: Instant, randomness: bytes | None = None) -> UUID:
    """Return a UUIDv7 for an instant; `randomness` (10 bytes) is passed in where a result must be repeatable."""
    noise = int.from_bytes(randomness if randomness is not None else secrets.token_bytes(10), "big")
    value = (at // 1000 & (1 << 48) - 1) << 80 | noise & (1 << 80) - 1
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)

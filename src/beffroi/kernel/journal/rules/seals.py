"""A seal's digest, and a seal as a line of the file outside the database. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec

from beffroi.kernel.journal.types import Seal

NO_SEAL = b"\x00" * 32
"""What the first seal names as the one before it."""

_SEAL = b"beffroi journal seal 1\n"


def seal_digest(seal: Seal) -> bytes:
    """Return the SHA-256 of a seal: all its fields but the digest itself, binary ones in hexadecimal."""
    fields = (seal.number, seal.first_seq, seal.last_seq, seal.root.hex(), seal.previous.hex(), seal.sealed_at)
    return hashlib.sha256(_SEAL + msgspec.json.encode(fields)).digest()


def with_digest(draft: Seal) -> Seal:
    """Return the seal with its digest filled in."""
    return replace(draft, digest=seal_digest(draft))

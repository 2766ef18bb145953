"""A seal's digest, and a seal as a line of the file outside the database. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.types import Seal, WitnessAdoption, WitnessSeal

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


def witness_seal(seal: Seal, *, copied_at: Instant = 0) -> WitnessSeal:
    """Return a seal as the file outside holds it."""
    return WitnessSeal(
        number=seal.number,
        first_seq=seal.first_seq,
        last_seq=seal.last_seq,
        root=seal.root.hex(),
        previous=seal.previous.hex(),
        digest=seal.digest.hex(),
        sealed_at=seal.sealed_at,
        copied_at=copied_at,
    )


def to_witness(seal: Seal, *, copied_at: Instant = 0) -> bytes:
    """Return a seal as a line of the file outside, its line feed included."""
    return msgspec.json.encode(witness_seal(seal, copied_at=copied_at)) + b"\n"


def from_witness(told: WitnessSeal) -> Seal:
    """Return the seal that a line of the file tells. Raises ValueError for digests that are no hexadecimal."""
    root, previous, digest = (bytes.fromhex(text) for text in (told.root, told.previous, told.digest))
    return Seal(told.number, told.first_seq, told.last_seq, root, previous, digest, told.sealed_at)


def read_witness_line(line: bytes) -> WitnessSeal | WitnessAdoption | None:
    """Return what a line of the file tells; None for one that was cut off by a crash, or written over."""
    told: WitnessSeal | WitnessAdoption
    try:
        told = _WITNESS.decode(line)
        if isinstance(told, WitnessSeal):
            from_witness(told)
    except (msgspec.DecodeError, ValueError):
        return None
    return told


_WITNESS = msgspec.json.Decoder(WitnessSeal | WitnessAdoption)

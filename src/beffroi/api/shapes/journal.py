"""Lines of the journal, and proofs that they are sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Actor(msgspec.Struct):
    """Who acted: a person, a rule, a piece of equipment, a partner, or the system."""

    kind: str
    id: str
    name: str


class Line(msgspec.Struct):
    """A line of the journal. `digest` is its SHA-256 in hexadecimal; how it is taken is in docs/reference/journal."""

    sequence: int
    id: str
    recorded_at: str
    effective_at: str
    actor: Actor
    room: str
    verb: str
    subject: str
    related: list[str]
    purpose: str
    reason: str
    sensitivity: str
    content: Mapping[str, Any]
    digest: str
    corrects: int | None
    """The line that this one corrects."""

    corrected_by: list[int]
    """The lines that correct this one, the oldest first."""

    about: str | None
    """Whom or which case its encrypted part is about; the part itself is not given here."""
    personal: str | None
    """What becomes of that part for who asks: `readable`, `withheld`, `erased`, `keyless`; null where there is none."""


class Lines(msgspec.Struct):
    """A page of the journal, the newest first (the oldest first with `after`)."""

    items: list[Line]
    next: str | None


class ProofSeal(msgspec.Struct):
    """A seal, with all that its digest is taken from. Digests are in hexadecimal, `sealed_at` in microseconds of 1970."""

    number: int
    first_seq: int
    last_seq: int
    root: str
    previous: str
    sealed_at: int
    digest: str


class Proof(msgspec.Struct):
    """That a line is under a seal (RFC 6962, section 2.1.1). How it is checked is in docs/reference/journal."""

    format: str
    line: int
    line_text: str | None
    line_digest: str
    place: int
    size: int
    path: list[str]
    seal: ProofSeal | None

"""Pictures as evidence of an incident."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from beffroi.foundation.clock import Instant


class EvidenceKind(StrEnum):
    """What a picture shows: how it was before anything was done, how it is after, or anything else."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A picture that somebody attached to an incident, without its bytes. It is kept as JPEG, encrypted under the case's key.

    `sha256` (hexadecimal) and `size_bytes` are those of the JPEG that is kept. `taken_at` is what the camera's clock said;
    `first` the reference of the incident it was attached to, where that one is now a duplicate. `erased_at`: it opens no
    more, since that instant and for that reason; `readable` is False then, and where its master key is missing.
    """

    id: UUID
    incident: int
    kind: EvidenceKind
    taken_at: Instant
    attached_at: Instant
    by: str
    by_name: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    mission: int | None = None
    step: str = ""
    first: str = ""
    readable: bool = True
    erased_at: Instant | None = None
    erased_reason: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is opened: what is known of it, and its JPEG."""

    evidence: Evidence
    jpeg: bytes

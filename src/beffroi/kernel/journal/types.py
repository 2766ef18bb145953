"""What the journal's room shows: actors, entries to write, lines written, seals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from beffroi.foundation.clock import Instant


class ActorKind(StrEnum):
    """Who may act: never the anonymous 'system did it' when a rule or a piece of equipment did."""

    PERSON = "person"
    RULE = "rule"
    EQUIPMENT = "equipment"
    PARTNER = "partner"
    SYSTEM = "system"


class Sensitivity(StrEnum):
    """Who may read a line's content: everyone in the rooms, one desk, or those a vault names."""

    COMMON = "common"
    DESK = "desk"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `id` is stable (account name, rule code, asset code); `name` is what people read."""

    kind: ActorKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line to write. `subject` and `related` are `kind:id` (`incident:42`, `alarm:7`, `asset:A-014`).

    `content` holds JSON values only. `effective_at` is when it happened in the world, if not now.
    """

    actor: Actor
    room: str
    verb: str
    subject: str
    related: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    purpose: str = ""
    reason: str = ""
    sensitivity: Sensitivity = Sensitivity.COMMON
    effective_at: Instant | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """Everything of a line that its digest covers, in this order. `content` is canonical JSON text."""

    seq: int
    id: str
    recorded_at: Instant
    effective_at: Instant
    actor_kind: str
    actor_id: str
    actor_name: str
    room: str
    verb: str
    subject: str
    related: tuple[str, ...]
    purpose: str
    reason: str
    sensitivity: str
    content: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands for ever, numbered without gap in the order of commitment."""

    seq: int
    id: UUID
    recorded_at: Instant
    effective_at: Instant
    actor: Actor
    room: str
    verb: str
    subject: str
    related: tuple[str, ...]
    purpose: str
    reason: str
    sensitivity: Sensitivity
    content: Mapping[str, Any]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal over the lines `first_seq..last_seq`: Merkle root, chained to the seal before."""

    number: int
    first_seq: int
    last_seq: int
    root: bytes
    previous: bytes
    digest: bytes
    sealed_at: Instant


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the journal was altered: the line or the seal, and what does not fit."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `beffroi journal verify` found."""

    lines: int
    seals: int
    last_seq: int
    sealed_seq: int
    breaks: tuple[Break, ...]

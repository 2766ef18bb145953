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

    `content` holds JSON values only. `effective_at` is when it happened in the world, if not now. `personal` is what tells
    of persons: it is kept encrypted with the key of that person or case (`about`: `person:…` or `case:…`), and goes when
    that key is destroyed.
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
    about: str = ""
    personal: Mapping[str, Any] = field(default_factory=dict)


class Record(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Everything of a line that its digest covers, in this order. `content` is canonical JSON text.

    `about` and `personal` (the encrypted part) are in the digest where there is one.
    """

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
    about: str = ""
    personal: bytes = b""


class PersonalState(StrEnum):
    """What becomes of a line's personal part for who reads it."""

    READABLE = "readable"
    WITHHELD = "withheld"
    ERASED = "erased"
    KEYLESS = "keyless"
    """The master key that wraps its key is not in this post's folder of keys, or the part does not decrypt."""


@dataclass(frozen=True, slots=True)
class Personal:
    """The personal part of a line, as it is read: opened, withheld, or erased with the instant and the reason."""

    about: str
    state: PersonalState
    content: Mapping[str, Any] = field(default_factory=dict)
    erased_at: Instant | None = None
    erased_reason: str = ""


@dataclass(frozen=True, slots=True)
class ToKeep:
    """What another room keeps in a table of its own, encrypted like a line's personal part: about whom, and its name there.

    The name (`incidents_evidence.picture:…`) is bound to the bytes: moved to another row they do not open.
    """

    about: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is kept, as its table holds it: `part` is what `encrypt_kept` returned for this name."""

    about: str
    name: str
    part: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, as it is read: opened, or erased with the instant and the reason, or without its master key."""

    state: PersonalState
    data: bytes = b""
    erased_at: Instant | None = None
    erased_reason: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A text that people wrote freely, kept under the key of a person or a case, as it is read. False: nothing was written."""

    text: str = ""
    state: PersonalState = PersonalState.READABLE
    erased_at: Instant | None = None
    erased_reason: str = ""

    def __bool__(self) -> bool:
        """Tell whether something was written, readable or not."""
        return bool(self.text) or self.state is not PersonalState.READABLE

    def __str__(self) -> str:
        """Return the text, empty where it is not readable: who shows it says why (`state`)."""
        return self.text


NO_WORDS = Words()
WORDS = "words"
"""The name to which free texts are bound: the same for all, so that a copy opens wherever it goes, and goes with its origin."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a reader may see of lines beyond their being there. Nothing but common content unless the door said so.

    `desks` and `personal` say where a desk's lines, and personal parts, are read: pairs of desk and commune, each empty
    for every one.
    """

    desks: frozenset[tuple[str, str]] = frozenset()
    personal: frozenset[tuple[str, str]] = frozenset()
    vault: bool = False


EVERYWHERE = frozenset({("", "")})
EVERYTHING = Reach(desks=EVERYWHERE, personal=EVERYWHERE, vault=True)
COMMON_ONLY = Reach()


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
    personal: Personal | None = None
    withheld: bool = False
    """Its content is a desk's or a vault's, and not for who reads it."""


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
    """What `beffroi journal verify` found. `last_seal` is the last one that was verified; `notes` break nothing."""

    lines: int
    seals: int
    last_seq: int
    sealed_seq: int
    breaks: tuple[Break, ...]
    notes: tuple[str, ...] = ()
    last_seal: Seal | None = None


class WitnessSeal(msgspec.Struct, frozen=True, tag_field="kind", tag="seal", omit_defaults=True):
    """A seal as the file outside the database holds it, one JSON object in a line; digests in hexadecimal.

    `copied_at`: it was not written before the database's, but copied from it: what came before is not witnessed.
    """

    number: int
    first_seq: int
    last_seq: int
    root: str
    previous: str
    digest: str
    sealed_at: Instant
    copied_at: Instant = 0


class WitnessAdoption(msgspec.Struct, frozen=True, tag_field="kind", tag="adoption"):
    """A restored database was accepted: seals after `number` in the files before this one are of what was lost."""

    number: int
    lost_seals: int
    lost_seq: int
    at: Instant
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request to erase what the journal holds about a person or a case; `outcome` is empty while it waits."""

    id: int
    subject: str
    reason: str
    asked_by: str
    asked_by_name: str
    asked_at: Instant
    outcome: str = ""
    decided_by_name: str = ""
    decided_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A person or case about whom the journal holds encrypted content: since when, and whether it was erased."""

    subject: str
    since: Instant
    keys: int
    erased_at: Instant | None
    erased_reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """That a line is under a seal: the text its digest is taken from, its place among the seal's lines, and the path.

    `seal` is None, and the path empty, while the line waits to be sealed. `text` is empty for who may not read the line.
    """

    seq: int
    text: str
    digest: bytes
    place: int = 0
    size: int = 0
    path: tuple[bytes, ...] = ()
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class SealingState:
    """How far sealing has come. `still_since` is when the oldest line was written that waits too long; None: all is well."""

    last_seq: int
    sealed_seq: int
    sealed_at: Instant | None
    still_since: Instant | None

    @property
    def waiting(self) -> int:
        """How many lines no seal covers yet."""
        return self.last_seq - self.sealed_seq

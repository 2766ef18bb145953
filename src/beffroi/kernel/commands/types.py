"""What the commands' room shows: what equipment can be asked for, and what became of each request. No framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from beffroi.foundation.clock import Instant
from beffroi.kernel.twin.types import (
    Answer,
    Commander,
    Order,
    Outcome,
    Receipt,
    Sender,
    Unsupported,
    WireCommand,
)

__all__ = [
    "AWAITED_STATES",
    "MAX_ASSETS",
    "OPEN_STATES",
    "TOLD_EACH",
    "UNDONE_FROM",
    "Ability",
    "Answer",
    "Answered",
    "Asked",
    "Command",
    "CommandEvent",
    "CommandState",
    "Commander",
    "DryRun",
    "Group",
    "LeftOut",
    "Order",
    "Outcome",
    "Parameter",
    "Proof",
    "Proven",
    "Receipt",
    "Request",
    "Scalar",
    "Sender",
    "Touched",
    "Undo",
    "Unsupported",
    "WireCommand",
]
"""The connectors' part of it stands in the twin's room, with their manifest."""

Scalar = float | str
TOLD_EACH = 20
"""Commands of one request up to which the journal tells each by itself; more are told together, by their counts."""

MAX_ASSETS = 50_000
"""Equipment that one request may touch: a whole metropolis' lights, and no more."""


class CommandState(StrEnum):
    """How far a command has come. Only `effective` says that it is done: a reading has shown it."""

    ASKED = "asked"
    AUTHORISED = "authorised"
    DENIED = "denied"
    CANCELLED = "cancelled"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    EFFECTIVE = "effective"
    FAILED = "failed"
    EXPIRED = "expired"
    REVERTED = "reverted"


class CommandEvent(StrEnum):
    """What happens to a command."""

    AUTHORISE = "authorise"
    DENY = "deny"
    CANCEL = "cancel"
    SEND = "send"
    KEEP_BACK = "keep_back"
    """It was marked as sent, and for certain nothing has left: it may be tried again."""
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    PROVE = "prove"
    EXPIRE = "expire"
    REVERT = "revert"


OPEN_STATES = (CommandState.ASKED, CommandState.AUTHORISED, CommandState.SENT, CommandState.ACKNOWLEDGED)
"""Something is still expected: of a person, of the sender, of the equipment."""

AWAITED_STATES = (CommandState.SENT, CommandState.ACKNOWLEDGED)
"""It has left, and what it did is not known yet."""

UNDONE_FROM = (CommandState.SENT, CommandState.ACKNOWLEDGED, CommandState.EFFECTIVE, CommandState.EXPIRED)
"""It may have been done: what is undone at the end. An expired one that never left is not."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What must be said with a request: a number between two bounds, in a unit, or one of some words."""

    name: str
    label: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    step: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    default: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The reading that shows that it is done: a quantity that equals a value or a parameter, give or take.

    `within_s` counts from the sending; the equipment is heard for so long.
    """

    quantity: str
    within_s: int
    value: float | None = None
    parameter: str = ""
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Undo:
    """What brings equipment back: another ability of the same class, with its parameters."""

    ability: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that a class of equipment can be asked for. `effect` is one sentence, with {parameters} in it.

    `expires_after_s`: for how long it may wait for a second person and for its turn; then nobody sends it any more.
    `acknowledged_within_s`: after which equipment that has said nothing is shown as silent.
    `longest_hold_s`: for how long at most it is left in force before it is undone by itself; 0: no end may be set.
    """

    slug: str
    asset_class: str
    desk: str
    label: str
    effect: str
    parameters: tuple[Parameter, ...] = ()
    dangerous: bool = False
    expires_after_s: int = 900
    acknowledged_within_s: int = 30
    proof: Proof | None = None
    undo: Undo | None = None
    longest_hold_s: int = 0

    @property
    def silent_after_s(self) -> int:
        """For how long after it was sent an answer or a proof may still come."""
        return max(self.acknowledged_within_s, self.proof.within_s if self.proof else 0)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for, and of which equipment: by code, fed by a cabinet, or in a zone.

    `zone` is the name of a commune, or `*` for the whole city; `street` narrows it. `due_at` None: now. `hold_s` None:
    until somebody undoes it. `key`: what makes two messages the same request.
    """

    ability: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    assets: tuple[str, ...] = ()
    cabinet: str = ""
    zone: str = ""
    street: str = ""
    reason: str = ""
    incident: int | None = None
    hold_s: int | None = None
    due_at: Instant | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """Equipment that a request would command."""

    asset_id: int
    code: str
    name: str
    place: str
    commune: str
    source: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Equipment that a request would not command, and why; `key` is stable."""

    code: str
    name: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a request would do, before it is asked: every piece of equipment by name, and those left out with their reason."""

    ability: Ability
    effect: str
    parameters: Mapping[str, Scalar]
    dangerous: bool
    touched: tuple[Touched, ...]
    left_out: tuple[LeftOut, ...]
    due_at: Instant
    expires_at: Instant
    returns_at: Instant | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request. `id` follows it: the command's own, or the group's when there are several."""

    id: UUID
    group: UUID | None
    commands: tuple[UUID, ...]
    state: CommandState
    left_out: tuple[LeftOut, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One request to one piece of equipment, as it stands. `group` is None when it was asked alone.

    `in_doubt`: it was marked as sent, and it is not known whether it has left. `silent_at`: without an answer by then, the
    equipment is silent.
    """

    id: UUID
    group: UUID | None
    asset_id: int
    asset_code: str
    asset_name: str
    place: str
    commune: str
    ability: Ability
    effect: str
    parameters: Mapping[str, Scalar]
    state: CommandState
    reason: str
    incident: int | None
    asked_by: str
    asked_name: str
    asked_at: Instant
    authorised_by: str
    authorised_name: str
    authorised_at: Instant | None
    due_at: Instant
    expires_at: Instant
    returns_at: Instant | None
    sent_at: Instant | None
    silent_at: Instant | None
    acknowledged_at: Instant | None
    effective_at: Instant | None
    ended_at: Instant | None
    end_reason: str
    ended_by: str
    in_doubt: bool
    proof_value: float | None
    reverts: UUID | None
    reverted_by: UUID | None

    @property
    def is_open(self) -> bool:
        """Tell whether something is still expected."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Group:
    """A request as a whole: what, by whom, why, and how many of its commands have come how far."""

    id: UUID
    ability: Ability
    effect: str
    parameters: Mapping[str, Scalar]
    reason: str
    incident: int | None
    size: int
    counts: Mapping[CommandState, int]
    in_doubt: int
    unconfirmed: int
    """Of those that expired, how many had left: nobody knows whether they were done."""
    left_out: Mapping[str, int]
    asked_by: str
    asked_name: str
    asked_at: Instant
    authorised_by: str
    authorised_name: str
    authorised_at: Instant | None
    due_at: Instant
    expires_at: Instant
    returns_at: Instant | None
    reverts: UUID | None
    reverted_by: UUID | None

    @property
    def open(self) -> int:
        """How many of its commands still expect something."""
        return sum(self.counts.get(state, 0) for state in OPEN_STATES)


@dataclass(frozen=True, slots=True)
class Proven:
    """A reading that shows that a command is done."""

    command: UUID
    value: float
    observed_at: Instant


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that the engine took from the log, with the source that gave it."""

    command: UUID
    source_id: int
    accepted: bool
    reason: str
    observed_at: Instant

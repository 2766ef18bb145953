"""What the incidents' room shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.types import NO_WORDS, Words


class IncidentState(StrEnum):
    """States of an incident. Those of OPEN_STATES ask for somebody; the others are its ends, each with its own name.

    That somebody saw it is a clock (`acknowledged`), not a state: an incident may be seen and not yet qualified.
    """

    NEW = "new"
    QUALIFIED = "qualified"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DUPLICATE = "duplicate"
    FALSE_ALARM = "false_alarm"
    NOT_COMPETENT = "not_competent"
    CANCELLED = "cancelled"
    NO_ACTION = "no_action"


OPEN_STATES = (
    IncidentState.NEW,
    IncidentState.QUALIFIED,
    IncidentState.ASSIGNED,
    IncidentState.IN_PROGRESS,
    IncidentState.ON_HOLD,
    IncidentState.REOPENED,
    IncidentState.RESOLVED,
)
ENDED_STATES = tuple(state for state in IncidentState if state not in OPEN_STATES)


class CloseReason(StrEnum):
    """Why an incident is closed: one must be chosen."""

    REPAIRED = "repaired"
    RETURNED_BY_ITSELF = "returned_by_itself"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    NOT_COMPETENT = "not_competent"
    CANCELLED = "cancelled"
    NO_ACTION = "no_action"


CLOSES_ACTIVE = (CloseReason.FALSE_ALARM, CloseReason.NO_ACTION)
"""Reasons that explain why an incident is closed while an alarm of it still stands."""

NEEDS_WORDS = (CloseReason.CANCELLED, CloseReason.NO_ACTION)
"""Reasons that say nothing by themselves: "no action, because" is written out."""


class IncidentEvent(StrEnum):
    """What moves an incident from one state to another. RESOLVE and REVIVE may follow its alarms; RESUME may come by itself."""

    ACKNOWLEDGE = "acknowledge"
    QUALIFY = "qualify"
    ASSIGN = "assign"
    TAKE = "take"
    MARK = "mark"
    HOLD = "hold"
    RESUME = "resume"
    ACCEPT = "accept"
    RESOLVE = "resolve"
    REVIVE = "revive"
    CLOSE = "close"
    MERGE = "merge"
    DISMISS = "dismiss"
    HAND_OUT = "hand_out"
    CANCEL = "cancel"
    DROP = "drop"
    REOPEN = "reopen"
    SPLIT = "split"


class Clock(StrEnum):
    """What is dated in the life of an incident. ENGAGED, ON_SITE and SAFE are told by a person; the others by their act."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    TAKEN = "taken"
    ENGAGED = "engaged"
    ON_SITE = "on_site"
    SAFE = "safe"
    RESOLVED = "resolved"
    CLOSED = "closed"


TOLD_CLOCKS = (Clock.ENGAGED, Clock.ON_SITE, Clock.SAFE)
DUE_CLOCKS = (Clock.ACKNOWLEDGED, Clock.TAKEN, Clock.ENGAGED, Clock.ON_SITE, Clock.SAFE, Clock.RESOLVED)
"""Clocks for which the city's profile may set a deadline."""

TRANSFER = "transfer"
"""What a proposal to another desk or body is called among the deadlines: how long its answer may take."""


class TransferState(StrEnum):
    """What became of a proposal to hand an incident over. It is the first desk's until it is accepted."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in instants; `end` is None while it goes on."""

    begin: Instant
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a clock may wait, in seconds, from the reception. An empty category stands for all, a None priority too."""

    clock: str
    within_s: int
    category: str = ""
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A desk of the post, or a body outside (State roads, water company, neighbour commune), that an incident may go to.

    `reach` says how to reach it, in the words of the room; `inside` that it answers in this console.
    """

    code: str
    name: str
    inside: bool = False
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A clock as somebody dated it. `by` is a name; a later line about the same clock corrects this one."""

    clock: str
    effective_at: Instant
    recorded_at: Instant
    by: str
    reason: Words = NO_WORDS
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A time that the deadlines do not count: why, and what shows it. `corrected`: another line says it better."""

    id: int
    span: Span
    reason: Words
    proof: Words
    by: str
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A proposal to hand an incident over to a desk or a body, and its answer."""

    id: int
    from_desk: str
    to: str
    to_name: str
    inside: bool
    reason: Words
    proposed_at: Instant
    proposed_by: str
    due_at: Instant | None
    state: TransferState
    answered_at: Instant | None = None
    answered_by: str = ""
    answer: Words = NO_WORDS


@dataclass(frozen=True, slots=True)
class Due:
    """The next deadline of an incident; `at` is None while a pause stops it, and `left` is what remains then."""

    clock: str
    at: Instant | None
    left: Instant


class Origin(StrEnum):
    """What opened an incident: an alarm's rule, a person of the rooms, another body through the API, a procedure."""

    ALARM = "alarm"
    PERSON = "person"
    PARTNER = "partner"
    PROCEDURE = "procedure"


class Channel(StrEnum):
    """How the post learned of it."""

    ALARM = "alarm"
    PHONE = "phone"
    RADIO = "radio"
    PATROL = "patrol"
    CAMERA = "camera"
    COUNTER = "counter"
    MAIL = "mail"
    APPLICATION = "application"
    PARTNER = "partner"
    PROCEDURE = "procedure"


CHANNELS_OF_PEOPLE = (
    Channel.PHONE,
    Channel.RADIO,
    Channel.PATROL,
    Channel.CAMERA,
    Channel.COUNTER,
    Channel.MAIL,
    Channel.APPLICATION,
)
"""Those that a person chooses from; the phone first."""


_Code = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{1,47}$")]
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an incident may be about: its title as people read it, the desk that answers, its usual priority.

    `alarms` names the definitions whose incidents are about the same thing: they are of one family with it.
    """

    code: _Code
    title: _Title
    desk: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    priority: Annotated[int, msgspec.Meta(ge=1, le=4)]
    alarms: tuple[str, ...] = ()


Relation = Literal["same_asset", "feeds", "same_feeder", "contains", "same_container"]
"""How the equipment of two incidents may stand to each other in the twin."""


class Correlation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two open incidents may be one: near each other, within a time, related, about the same thing.

    `sources` are those of the later one: an `Origin`, a `Channel`, or the code of the source of its equipment. A rule
    that is `safe` unites them by itself; the others propose, and a person confirms.
    """

    code: _Code
    title: _Title
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    within_m: Annotated[float, msgspec.Meta(gt=0, le=5_000)]
    within_min: Annotated[float, msgspec.Meta(gt=0, le=10_080)]
    relations: tuple[Relation, ...] = ()
    category: Literal["any", "family", "same"] = "any"
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody tells the post: what about, where, in their words. The position is WGS 84.

    `asset` is the code of the equipment, where it is known; an empty place or commune is found from the position.
    """

    category: str
    lon: float
    lat: float
    place: str = ""
    commune: str = ""
    description: str = ""
    channel: Channel = Channel.PHONE
    priority: int | None = None
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that was told about an incident: a call, a patrol's word, a partner's message.

    `first` is the reference of the incident that it was told for, where that one is now a duplicate of this.
    """

    id: int
    channel: Channel
    description: Words
    place: str
    received_at: Instant
    teller: str
    first: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as every room sees it: place, state and need. What people wrote of it is asked for apart (`Written`)."""

    id: int
    reference: str
    title: str
    category: str
    priority: int
    state: IncidentState
    desk: str
    place: str
    commune: str
    lon: float
    lat: float
    asset_code: str | None
    asset_name: str
    owner: str
    owner_name: str
    owner_initials: str
    opened_at: Instant
    acknowledged_at: Instant | None
    taken_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    close_reason: str
    alarm_ids: tuple[int, ...]
    version: int
    asset_id: int | None = None
    acknowledged_by: str = ""
    closed_by: str = ""
    origin: Origin = Origin.ALARM
    channel: Channel = Channel.ALARM
    duplicate_of: int | None = None
    duplicate_reference: str = ""
    proposed: int = 0
    associated: tuple[str, ...] = ()
    received_at: Instant = 0
    engaged_at: Instant | None = None
    on_site_at: Instant | None = None
    safe_at: Instant | None = None
    held_until: Instant | None = None
    due_clock: str = ""
    due_at: Instant | None = None
    due_left_s: int | None = None
    missed: tuple[str, ...] = ()
    paused: bool = False
    round: int = 1
    round_at: Instant = 0
    assigned_by: str = ""
    proposed_to: str = ""
    proposed_name: str = ""
    proposed_until: Instant | None = None
    transferred_to: str = ""
    transferred_name: str = ""
    rung: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What people wrote freely of an incident, and may name persons: for those alone who may read that."""

    description: Words = NO_WORDS
    close_comment: Words = NO_WORDS
    hold_reason: Words = NO_WORDS


NOTHING_WRITTEN = Written()


@dataclass(frozen=True, slots=True)
class Near:
    """An open incident near a place, and how far it is in metres. `alike`: it is about the same thing."""

    incident: Incident
    distance_m: float
    alike: bool


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


class PairState(StrEnum):
    """What became of the idea that two incidents are one."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNITED = "united"


@dataclass(frozen=True, slots=True)
class Facts:
    """Why two incidents may be one: how far apart, how long between them (seconds), how their equipment is related.

    `through` names the equipment that they share; `category` is `same`, `family`, or empty.
    """

    distance_m: float
    gap_s: int
    relation: str = ""
    through: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another incident that may be the same as the one looked at. `later`: it was opened after it."""

    id: int
    other: Incident
    rule: str
    title: str
    facts: Facts
    later: bool

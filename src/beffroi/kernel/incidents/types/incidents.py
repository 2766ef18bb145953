"""Incidents, where they come from, and what people told and wrote of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents.types.states import IncidentState
from beffroi.kernel.journal.types import NO_WORDS, Words


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

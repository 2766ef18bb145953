"""Alarms, what keeps one from people, and what moves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms.types.definitions import Definition
from beffroi.kernel.alarms.types.states import AlarmState
from beffroi.kernel.journal.types import Entry


@dataclass(frozen=True, slots=True)
class Transition:
    """The condition of a definition began (`raise`) or ceased (`return`) on an asset, delays included.

    `at` is when, in observed time; `value` is what the equipment said of the quantity that is shown (periods missed, for
    silence; None when a rule of several quantities holds without it).
    """

    kind: Literal["raise", "return"]
    code: str
    asset_id: int
    value: float | None
    at: Instant


@dataclass(frozen=True, slots=True)
class SetAside:
    """Who keeps an alarm from people, why, and until when: it is shelved, or its equipment is out of service.

    `why` is what the person wrote, under the key of its case: `queries.reasons_aside` opens it for who may read it.
    """

    by: str
    why: bytes
    since: Instant
    until: Instant
    ended_by: str = ""
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command of ours in force on a piece of equipment: what it is known to cause is explained by it, while it lasts.

    `ability` is its slug, `title` how people call it, `by` the number of who asked it and `by_name` the name (empty: by
    itself). `since`: when it was sent.
    """

    command: UUID
    asset_id: int
    ability: str
    title: str
    since: Instant
    by: int | None = None
    by_name: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A command in force that explains alarms: the equipment, how many alarms, of which definitions."""

    commanded: Commanded
    asset_code: str
    asset_name: str
    place: str
    commune: str
    alarms: int
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelving:
    """A definition put aside on a piece of equipment: whose, why, until when. It ends by itself."""

    id: int
    alarm_id: int
    code: str
    title: str
    asset_code: str
    asset_name: str
    place: str
    commune: str
    priority: int
    desk: str
    kept: SetAside
    holds: bool


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Out of service: a piece of equipment, one definition on it, or a whole source. A person puts it back.

    `until` is when it is expected back; past it, it is recalled every day. `alarms` counts those recorded meanwhile.
    """

    id: int
    source: str
    asset_code: str
    asset_name: str
    place: str
    commune: str
    code: str
    title: str
    desk: str
    kept: SetAside
    alarms: int
    reminded_at: Instant | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence of a definition on an asset.

    `raised_at` is when the condition was established, `announced_at` when it was last put before a person (None while it
    never was, being explained by another alarm or set aside). `rung` counts how far up it was told since (`RUNGS`).
    `set_aside` tells who keeps it from people, while it is shelved or out of service; `commanded` which command of ours
    explains it, while it is suppressed by one.
    """

    id: int
    definition: Definition
    asset_id: int
    asset_code: str
    asset_name: str
    place: str
    commune: str
    lon: float
    lat: float
    state: AlarmState
    priority: int
    desk: str
    value: float | None
    raised_at: Instant
    announced_at: Instant | None
    acknowledged_at: Instant | None
    acknowledged_by: str
    returned_at: Instant | None
    ended_at: Instant | None
    suppressed_by_id: int | None
    suppressed_count: int
    chattering: bool = False
    stale: bool = False
    rung: int = 0
    escalated_at: Instant | None = None
    set_aside: SetAside | None = None
    ended_by: str = ""
    commanded: Commanded | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that now stands before people: new, come back, or no longer explained by another.

    Carries what an incident is opened from, so that nobody has to look it up again.
    """

    alarm_id: int
    asset_id: int
    code: str
    title: str
    priority: int
    desk: str
    opens_incident: bool
    at: Instant


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of transitions changed, and the journal lines that tell it.

    `returned` and `suppressed` are the alarms whose condition ceased (or that were reset), or is now explained by another
    alarm or by a command: neither keeps an incident going. `ignored` counts transitions that changed nothing (already so, or no longer
    defined).
    """

    raised: tuple[Raised, ...] = ()
    returned: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()
    ignored: int = 0
    lines: tuple[Entry, ...] = ()

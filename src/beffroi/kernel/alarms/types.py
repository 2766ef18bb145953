"""What the alarms' room shows: definitions, states and events after ISA-18.2 / IEC 62682, alarms, transitions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.types import Entry

Operator = Literal[">", ">=", "<", "<=", "==", "!="]

PRIORITIES = (1, 2, 3, 4)
"""1 asks for an act now, 4 waits for the morning list. About 5 % of alarms should be 1, 15 % 2 (EEMUA 191)."""

RELATIONS = ("self", "feeds", "contains")
"""How one asset's alarm may explain another's: on the same asset, or through a relation of the twin, from upstream."""


class AlarmState(StrEnum):
    """States of an alarm (ISA-18.2, clause 5.6). NORMAL is where an occurrence ends."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    SUPPRESSED = "suppressed"
    NORMAL = "normal"


OPEN_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.SUPPRESSED,
)

ACTIVE_STATES = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.SUPPRESSED)
"""Those in which the condition still holds on the equipment."""

STANDING_STATES = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)
"""Those that are put before a person."""


class AlarmEvent(StrEnum):
    """What moves an alarm from one state to another (ISA-18.2, figure of the alarm state transitions)."""

    RAISE = "raise"
    RETURN = "return"
    ACKNOWLEDGE = "acknowledge"
    SUPPRESS = "suppress"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Definition:
    """Why an alarm exists and what to do about it. No rule without the five answers.

    Either a threshold on a quantity (`quantity operator threshold`) or, with `silence_periods`, the absence of reports
    for that many of the asset's periods. Delays in seconds, dead band in the quantity's unit. `suppressed_by` names
    what upstream explains this alarm, as `relation:definition`: `feeds:lighting_cabinet_tripped` on a light point.
    Once the explanation has returned, the alarm has `release_delay_s` to return too; past it, it stands by itself.
    A `latching` alarm stays after its return until a person resets it. After `re_alarm_s` an acknowledged alarm whose
    condition still holds is put before people again (0: never). One that nobody acknowledges is told one rung higher
    after each `escalate_after_s` (None: as its priority says in the city's profile, 0: never).
    """

    code: str
    version: int
    title: str
    asset_class: str
    quantity: str | None
    operator: Operator | None
    threshold: float | None
    silence_periods: float | None
    on_delay_s: float
    off_delay_s: float
    dead_band: float
    cause: str
    consequence: str
    response: str
    allowable_time_s: int
    priority: int
    desk: str
    opens_incident: bool
    suppressed_by: tuple[str, ...] = ()
    release_delay_s: float = 0
    latching: bool = False
    re_alarm_s: int = 0
    escalate_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """The condition of a definition began (`raise`) or ceased (`return`) on an asset, delays included.

    `at` is when, in observed time; `value` is what the equipment said (periods missed, for silence).
    """

    kind: Literal["raise", "return"]
    code: str
    asset_id: int
    value: float
    at: Instant


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence of a definition on an asset.

    `raised_at` is when the condition was established, `announced_at` when it was last put before a person (None while it
    never was, being explained by another alarm).
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
class FloodChange:
    """A post's flood opened or closed, at an instant, with how many alarms it had had in the ten minutes until then."""

    kind: Literal["open", "close"]
    at: Instant
    count: int


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood of a post: from ten new alarms in ten minutes until under five. `alarms`: announced since it opened.

    `peak` is the most alarms in ten minutes while it lasted. `closed_at` None: it lasts.
    """

    post: str
    opened_at: Instant
    closed_at: Instant | None
    peak: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Chatter:
    """A time during which one alarm chattered: raised three times in a minute, until ten minutes without a raise."""

    code: str
    title: str
    asset_code: str
    asset_name: str
    began_at: Instant
    last_at: Instant
    ended_at: Instant | None
    raises: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of transitions changed, and the journal lines that tell it.

    `returned` and `suppressed` are the alarms whose condition ceased, or is now explained by another alarm: neither
    keeps an incident going. `ignored` counts transitions that changed nothing (already so, or no longer defined).
    """

    raised: tuple[Raised, ...] = ()
    returned: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()
    ignored: int = 0
    lines: tuple[Entry, ...] = ()

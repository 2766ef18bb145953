"""What the alarms' room shows: definitions, states and events after ISA-18.2 / IEC 62682, alarms, transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.types import Entry

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Join = Literal["all", "any"]

PRIORITIES = (1, 2, 3, 4)
"""1 asks for an act now, 4 waits for the morning list. About 5 % of alarms should be 1, 15 % 2 (EEMUA 191)."""

RELATIONS = ("self", "feeds", "contains", "source")
"""How one asset's alarm may explain another's: on the same asset, or through a relation of the twin, from upstream."""


class AlarmState(StrEnum):
    """States of an alarm (ISA-18.2, clause 5.6). NORMAL is where an occurrence ends."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED = "latched"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    NORMAL = "normal"


OPEN_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.LATCHED,
    AlarmState.SHELVED,
    AlarmState.SUPPRESSED,
    AlarmState.OUT_OF_SERVICE,
)

HIDDEN_STATES = (AlarmState.SUPPRESSED, AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
"""Those that are not put before people: another alarm explains it, or somebody answers for it until an end."""

ACTIVE_STATES = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, *HIDDEN_STATES)
"""Those in which the condition still holds on the equipment; a latching alarm that is hidden may have returned."""

STANDING_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.LATCHED,
)
"""Those that are put before a person."""


class AlarmEvent(StrEnum):
    """What moves an alarm from one state to another (ISA-18.2, figure of the alarm state transitions)."""

    RAISE = "raise"
    RETURN = "return"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    RE_ALARM = "re_alarm"
    ESCALATE = "escalate"
    SUPPRESS = "suppress"
    RELEASE = "release"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    RESTORE = "restore"


class Refusal(StrEnum):
    """Why an event does not concern an alarm in its state: the name of every pair that the table lacks."""

    ENDED = "alarm-ended"
    STANDS = "alarm-stands-already"
    ACKNOWLEDGED = "already-acknowledged"
    RETURNED = "already-returned"
    LATCHED = "latched"
    EXPLAINED = "explained"
    SHELVED = "already-shelved"
    OUT_OF_SERVICE = "out-of-service"
    NOT_SHELVED = "not-shelved"
    NOT_EXPLAINED = "not-explained"
    NOT_OUT_OF_SERVICE = "not-out-of-service"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    HOLDS = "condition-holds"


RUNGS = ("room_supervisor", "duty_officer")
"""Who is told of an alarm that nobody acknowledges, rung after rung: the room's supervisor, then the city's duty officer."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity against one value. The dead band, in the quantity's unit, is how far beyond it a value must go back."""

    quantity: str
    operator: Operator
    threshold: float
    dead_band: float = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What the equipment of a trial says at a second: its values, or none of them (it reports, and that is all)."""

    at_s: float
    values: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a trial expects, or what came: the alarm is raised, or returns, at a second."""

    kind: Literal["raise", "return"]
    at_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A test beside a definition: given these reports of one piece of equipment, this and nothing else until `until_s`."""

    name: str
    given: tuple[Said, ...]
    expect: tuple[Told, ...]
    until_s: float


@dataclass(frozen=True, slots=True)
class Definition:
    """Why an alarm exists and what to do about it. No rule without the five answers.

    The rule is one of four: a threshold on a quantity (`quantity operator threshold`); `comparisons` of which `all` or
    `any` must hold (`join`); an `expression` in CEL; or, with `silence_periods`, the absence of reports for that many of
    the asset's periods. `quantity` is then the one that is shown. Delays in seconds, dead band in the quantity's unit.
    `suppressed_by` names what upstream explains this alarm, as `relation:definition`: `feeds:lighting_cabinet_tripped`
    on a light point. Once the explanation has returned, the alarm has `release_delay_s` to return too; past it, it
    stands by itself. A `latching` alarm stays after its return until a person resets it. After `re_alarm_s` an
    acknowledged alarm whose condition still holds is put before people again (0: never). One that nobody acknowledges is
    told one rung higher after each `escalate_after_s` (None: as its priority says in the city's profile, 0: never).
    `tests` say what the rule does; none may fail when the definition is put in force.
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
    comparisons: tuple[Comparison, ...] = ()
    join: Join = "all"
    expression: str = ""
    tests: tuple[Trial, ...] = ()


class RevisionState(StrEnum):
    """Where a written change of a definition stands. DRAFT and PROPOSED are open: one open change for a definition."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    DROPPED = "dropped"


OPEN_REVISIONS = (RevisionState.DRAFT, RevisionState.PROPOSED)


@dataclass(frozen=True, slots=True)
class Revision:
    """A written change of a definition: what it would be (None: withdrawn), who wrote it and why, who judged it.

    `base_version` is the version that was in force when it was written (0: none); `version` the one that it became.
    `what_if` is the last replay over history, as `rules.replay` gives it. `fields` are the fields as they were written.
    """

    id: int
    code: str
    state: RevisionState
    definition: Definition | None
    fields: Mapping[str, Any]
    title: str
    desk: str
    base_version: int
    version: int | None
    reason: str
    author: str
    author_name: str
    written_at: Instant
    proposed_at: Instant | None
    reviewer: str
    reviewer_name: str
    reviewed_at: Instant | None
    review_reason: str
    what_if: Mapping[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has decided of it yet."""
        return self.state in OPEN_REVISIONS


@dataclass(frozen=True, slots=True)
class Card:
    """A definition as the list shows it: its last version, whether it is in force, and the change that is open on it."""

    definition: Definition
    in_force: bool
    revision: Revision | None = None
    is_new: bool = False
    """It never was in force: it is only written, or proposed."""


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
class Priority:
    """What the city's profile says of a priority: when an alarm that nobody acknowledges is told one rung higher (0:
    never), and for how long one may be put aside at most. In seconds.
    """

    priority: int
    escalate_after_s: int
    shelve_max_s: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Who keeps an alarm from people, why, and until when: it is shelved, or its equipment is out of service."""

    by: str
    reason: str
    since: Instant
    until: Instant
    ended_by: str = ""
    ended_at: Instant | None = None


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
    `set_aside` tells who keeps it from people, while it is shelved or out of service.
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


class GroupKind(StrEnum):
    """What holds a group together, the tightest first."""

    RELATION = "relation"
    SOURCE = "source"
    STREET = "street"
    COMMUNE = "commune"
    CAUSE = "cause"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class GroupItem:
    """What waits for a person and may be gathered with others: an incident or an alarm that has none.

    `name` is how the journal calls it (`incident:42`, `alarm:7`). `roots`: (asset, its name) of what stands before its
    equipment in the twin, or of the equipment itself. `silent`: it tells that something is not heard.
    """

    name: str
    code: str
    title: str
    priority: int
    since: Instant
    unseen: bool
    silent: bool
    street: str
    commune: str
    source: str
    roots: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Items that have something in common. `key` stands for what that is: the same cause in the same place keeps it.

    `title` is empty where the items' definitions differ; `priority` is that of the worst, `since` of the oldest.
    """

    key: str
    kind: GroupKind
    title: str
    place: str
    commune: str
    priority: int
    since: Instant
    items: tuple[GroupItem, ...]

    @property
    def unseen(self) -> int:
        """How many of the items nobody has acknowledged."""
        return sum(item.unseen for item in self.items)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of transitions changed, and the journal lines that tell it.

    `returned` and `suppressed` are the alarms whose condition ceased (or that were reset), or is now explained by another
    alarm: neither keeps an incident going. `ignored` counts transitions that changed nothing (already so, or no longer
    defined).
    """

    raised: tuple[Raised, ...] = ()
    returned: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()
    ignored: int = 0
    lines: tuple[Entry, ...] = ()

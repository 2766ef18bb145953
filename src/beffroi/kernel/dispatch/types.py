"""What dispatch shows: crews (units), missions, who is nearest, positions on duty, distress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.places.types import Vehicle


class UnitKind(StrEnum):
    """What a crew is. What it can do is said by its skills."""

    LIGHTING_CREW = "lighting_crew"
    ROAD_CREW = "road_crew"
    POLICE_PATROL = "police_patrol"
    TRAFFIC_TECHNICIAN = "traffic_technician"
    BUILDING_GUARD = "building_guard"
    ON_CALL = "on_call"


class DutyState(StrEnum):
    """Whether a crew is at work. What it does there is said by its mission."""

    OFF = "off"
    ON = "on"
    BREAK = "break"
    UNAVAILABLE = "unavailable"


class Unavailability(StrEnum):
    """Why a crew cannot be sent for now. A short list, and no words: nobody has to write that somebody is unwell."""

    REFUELLING = "refuelling"
    BREAKDOWN = "breakdown"
    ESCORT = "escort"
    PAPERWORK = "paperwork"
    OTHER = "other"


class UnitStatus(StrEnum):
    """What a crew is doing, as the rooms read it: it follows from its duty, its mission and its distress."""

    OFF_DUTY = "off_duty"
    AVAILABLE = "available"
    ALERTED = "alerted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    BREAK = "break"
    UNAVAILABLE = "unavailable"
    DISTRESS = "distress"


class MissionState(StrEnum):
    """States of a mission. A crew has one live mission at most, and none that it did not accept counts as engaged."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DONE = "done"
    CANCELLED = "cancelled"


LIVE_STATES = (MissionState.PROPOSED, MissionState.ACCEPTED, MissionState.EN_ROUTE, MissionState.ON_SITE)
ENGAGED_STATES = (MissionState.ACCEPTED, MissionState.EN_ROUTE, MissionState.ON_SITE)


class MissionEvent(StrEnum):
    """What moves a mission. DEPART accepts by the same touch what was only proposed."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    REFUSE = "refuse"
    DEPART = "depart"
    ARRIVE = "arrive"
    MAKE_SAFE = "make_safe"
    FINISH = "finish"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a mission ends. REPAIRED and MADE_SAFE say that nobody is in danger any more."""

    REPAIRED = "repaired"
    MADE_SAFE = "made_safe"
    NOTHING_FOUND = "nothing_found"
    NOT_DONE = "not_done"


SAFE_OUTCOMES = (Outcome.REPAIRED, Outcome.MADE_SAFE)


class Silence(StrEnum):
    """What a crew did not do in its time: answer, move, or (alone on site) give a sign of life."""

    NO_ANSWER = "no_answer"
    NO_MOVE = "no_move"
    NO_SIGN = "no_sign"


class DistressKind(StrEnum):
    """What raised a distress: the button of a crew, or the silence of somebody alone."""

    BUTTON = "button"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the ground, WGS 84."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Position:
    """Where a crew on duty was last: `coarse` during a break (a square of the grid, not the place itself)."""

    lon: float
    lat: float
    observed_at: Instant
    accuracy_m: float | None = None
    coarse: bool = False

    def age_s(self, at: Instant) -> int:
        """How old it is at an instant, in seconds."""
        return max(0, (at - self.observed_at) // SECOND)


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """A crew as the city's profile declares it. `crew` names the accounts that may man it.

    `anonymous`: its people are counted and never named outside their own desk (police). `alone`: its people work alone
    whatever their number. `base` is where it starts from.
    """

    slug: str
    name: str
    callsign: str
    kind: UnitKind
    desk: str
    post: str
    base: Point
    skills: tuple[str, ...] = ()
    vehicle: Vehicle = Vehicle.CAR
    asset: str = ""
    crew: tuple[str, ...] = ()
    anonymous: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What a mission of some categories tells its crew: skills it asks for, hazards, and the list to check on site."""

    categories: tuple[str, ...]
    skills: tuple[str, ...] = ()
    hazards: str = ""
    checklist: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """How long crews may be silent and how long their positions are kept; data of the city, bounded by rules.profile."""

    answer_within_s: Mapping[int, int] = field(default_factory=lambda: {1: 60, 2: 120, 3: 600, 4: 1800})
    """By the incident's priority."""
    moves_within_s: int = 600
    sign_within_s: int = 900
    longest_duty_s: int = 43_200
    stale_after_s: int = 120
    last_kept_s: int = 3_600
    track_kept_s: int = 259_200
    grid_m: int = 500
    tired_after_s: int = 28_800


@dataclass(frozen=True, slots=True)
class Profile:
    """All that the city decides beforehand about its crews."""

    units: tuple[UnitEntry, ...] = ()
    skills: Mapping[str, str] = field(default_factory=dict)
    cards: tuple[Card, ...] = ()
    times: Times = field(default_factory=Times)


@dataclass(frozen=True, slots=True)
class Unit:
    """A crew as every room sees it. `crew` holds names, empty where they are not for who looks; `headcount` counts them.

    `position` is None off duty, unshared, or erased. `mission` is the number of its live mission.
    """

    slug: str
    name: str
    callsign: str
    kind: UnitKind
    desk: str
    post: str
    vehicle: Vehicle
    skills: tuple[str, ...]
    asset_id: int | None
    status: UnitStatus
    duty: DutyState
    duty_since: Instant | None
    duty_until: Instant | None
    headcount: int
    alone: bool
    crew: tuple[str, ...]
    shares: bool
    position: Position | None
    base: Point
    mission: int | None
    mission_state: MissionState | None
    incident: int | None
    distress: int | None
    reason: str
    version: int
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class CheckItem:
    """A line of a mission's list, and when it was checked."""

    text: str
    checked_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission: one crew sent for one incident. Instants are None until it happened.

    `silent` names what the crew did not do in its time; `last_act`, `last_by`, `last_at`: the last act, as who comes
    late is told.
    """

    number: int
    incident: int
    reference: str
    unit: str
    unit_name: str
    callsign: str
    desk: str
    state: MissionState
    priority: int
    title: str
    instructions: str
    hazards: str
    checklist: tuple[CheckItem, ...]
    lon: float
    lat: float
    address: str
    commune: str
    proposed_at: Instant
    proposed_by: str
    proposed_name: str
    accepted_at: Instant | None = None
    departed_at: Instant | None = None
    arrived_at: Instant | None = None
    safe_at: Instant | None = None
    ended_at: Instant | None = None
    outcome: str = ""
    reason: str = ""
    travel_s: int | None = None
    silent: str = ""
    due_at: Instant | None = None
    last_act: str = ""
    last_by: str = ""
    last_at: Instant | None = None
    version: int = 1

    @property
    def id(self) -> int:
        """Its number, as lists that are cut by number ask for it."""
        return self.number

    @property
    def live(self) -> bool:
        """Tell whether somebody may still act on it."""
        return self.state in LIVE_STATES


@dataclass(frozen=True, slots=True)
class CrewsOut:
    """Crews asked for or out for an incident: how many, and how many of them are silent past their time."""

    count: int
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A crew that may be sent, how long it needs, and why it stands where it does, in one sentence.

    `from_base`: its position is unknown, so the time is from where it starts. `position_age_s`: how old its position is;
    past the city's bound it counts against the crew in the order, not in `travel_s`. `by_streets`: False where no street
    leads there and the time is reckoned in a straight line; `closed`: how many closed streets the only way crosses.
    `missing`: skills asked for that it has not.
    """

    unit: Unit
    travel_s: int
    reason: str
    metres: int
    by_streets: bool = False
    closed: int = 0
    from_base: bool = False
    position_age_s: int | None = None
    stale: bool = False
    missing: tuple[str, ...] = ()
    duty_s: int = 0
    tired: bool = False
    free: bool = True


@dataclass(frozen=True, slots=True)
class Distress:
    """Somebody of a crew asks for help, or does not answer any more. It stands until one person answers it, by name.

    `raised_by` is empty where the crew's people are not named, and for a silence.
    """

    id: int
    unit: str
    unit_name: str
    callsign: str
    desk: str
    kind: DistressKind
    incident: int
    reference: str
    raised_at: Instant
    raised_by: str
    place: str
    commune: str
    lon: float | None
    lat: float | None
    mission: int | None = None
    answered_at: Instant | None = None
    answered_by: str = ""
    answered_name: str = ""
    ended_at: Instant | None = None
    ended_name: str = ""


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """A point of the way of a crew during a mission; kept for a stated time, shown for a stated purpose."""

    at: Instant
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class TrackKept:
    """What is kept of the way of a crew during a mission, without the way itself: how many points, and until when.

    `began`: the crew accepted; before that nothing is kept. `kept_until` is its term, also once it is past.
    """

    mission: Mission
    points: int
    began: bool
    kept_until: Instant

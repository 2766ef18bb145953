"""What the places' room shows: communes, addresses, streets, ways along them, closures, what was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import Instant

Position = tuple[float, float]
"""(longitude, latitude), WGS 84 degrees."""


@dataclass(frozen=True, slots=True)
class Commune:
    """A municipality."""

    code: str
    name: str
    population: int


@dataclass(frozen=True, slots=True)
class Address:
    """A street number, or a street as a whole when `number` is empty (its position is then the middle of it)."""

    number: str
    street: str
    commune: str
    lon: float
    lat: float

    @property
    def text(self) -> str:
        """The address as it is written: `12 rue Monge, Dijon`."""
        return f"{self.number} {self.street}, {self.commune}".strip()


@dataclass(frozen=True, slots=True)
class NearAddress:
    """The nearest address to a position, and how far it is, in metres."""

    address: Address
    distance_m: float


class RoadClass(StrEnum):
    """What a street is for, from the widest to the narrowest; the words are those of OpenStreetMap."""

    MOTORWAY = "motorway"
    TRUNK = "trunk"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    TERTIARY = "tertiary"
    UNCLASSIFIED = "unclassified"
    RESIDENTIAL = "residential"
    LIVING_STREET = "living_street"
    SERVICE = "service"
    PEDESTRIAN = "pedestrian"
    TRACK = "track"
    CYCLEWAY = "cycleway"
    FOOTWAY = "footway"


class Vehicle(StrEnum):
    """How somebody goes. A van is what most crews drive; a lorry carries a lift or a grab."""

    CAR = "car"
    VAN = "van"
    LORRY = "lorry"
    BICYCLE = "bicycle"
    FOOT = "foot"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of street between two junctions. `line` runs in the direction of traffic where `oneway`."""

    id: str
    name: str
    road_class: RoadClass
    commune: str
    oneway: bool
    speed_kmh: float
    line: tuple[Position, ...]


class Unreached(StrEnum):
    """Why there is no way: no street was imported, one end is far from every street, or no street joins the two."""

    NO_STREETS = "no_streets"
    OFF_NETWORK = "off_network"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Travel:
    """How long it takes, or why there is no way. `closed`: stretches of closed street that must be entered all the same.

    A place inside a closed street is reached from its open end at walking pace; a way that avoids closed streets is always
    preferred, however long.
    """

    seconds: float | None
    closed: int = 0
    reason: Unreached | None = None

    @property
    def rank(self) -> tuple[bool, int, float]:
        """What orders travels: a way before none, open streets before closed ones, then the quickest."""
        return self.seconds is None, self.closed, self.seconds or 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """The quickest way: along which streets, named in order, and the line to draw from one end to the other.

    `metres` are driven; `walked_m` is what lies between the ends and the nearest street. `closed` names the closed
    streets that must be entered all the same.
    """

    metres: float
    seconds: float
    line: tuple[Position, ...]
    streets: tuple[str, ...]
    walked_m: float = 0.0
    closed: tuple[str, ...] = ()


class ClosureState(StrEnum):
    """A closure is planned until it begins, then in force until its end; it may be lifted before."""

    PLANNED = "planned"
    IN_FORCE = "in_force"
    ENDED = "ended"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class Closure:
    """Streets closed to traffic, from an instant to another, for a reason, perhaps for an incident (by its number)."""

    id: int
    segments: tuple[str, ...]
    street: str
    commune: str
    begins_at: Instant
    until: Instant
    reason: str
    incident: int | None
    state: ClosureState
    closed_by: str
    closed_at: Instant
    ended_at: Instant | None = None
    ended_by: str = ""
    end_reason: str = ""

"""A city's profile: what is placed and chosen by hand, read from one YAML file and checked once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beffroi.foundation.errors import Misconfigured

PROFILES = Path(__file__).parent.parent / "profiles"
Position = tuple[float, float]
"""Longitude, latitude, WGS 84 degrees."""


class Part(BaseModel):
    """A piece of a profile: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Commune(Part):
    """A commune: INSEE-like code, seat, inhabitants."""

    code: str
    name: str
    at: Position
    population: int = Field(gt=0)


class Water(Part):
    """A river, canal or lake around its axis."""

    name: str
    kind: Literal["river", "canal", "lake"]
    width_m: float
    points: list[Position]


class Railyard(Part):
    """A wide railway area around its axis."""

    points: list[Position]
    width_m: float


class Road(Part):
    """A road placed by hand. `width_m` is the corridor that nothing else crosses, for motorways."""

    name: str
    road_class: Literal["motorway", "primary", "secondary", "tertiary", "pedestrian"] = Field(
        "secondary", alias="class"
    )
    speed_kmh: int | None = None
    width_m: float = 0
    smooth: int = 1
    points: list[Position]


class BoulevardRing(Part):
    """A closed boulevard, cut into as many equal parts as it has names."""

    names: list[str]
    points: list[Position]


class Line(Part):
    """A tram or bus line: coarse anchors that are routed on the street graph."""

    line: str
    via: list[Position]


class Disc(Part):
    """A rough round area."""

    at: Position
    radius_m: float


class Zone(Disc):
    """An area with a use that changes what is built or drawn there."""

    kind: Literal["industrial", "estate", "forest", "vineyard"]


class NamedDisc(Disc):
    """A park or a square."""

    name: str


class Fabric(Part):
    """How an urban fabric is cut into blocks and built. Shares are between 0 and 1."""

    block_m2: float
    wobble: float
    bow: float
    dead_ends: float = 0
    one_way: float = 0
    pedestrian: float = 0
    setback_m: float
    depth_m: float
    width_m: Position
    gap_m: Position
    terraced: float = 0
    height_m: Position


class Depot(Part):
    """Where vehicles park."""

    name: str
    at: Position


class FleetShare(Part):
    """The vehicles of one service."""

    service: str
    count: int
    kind: str


class Equipment(Part):
    """How many of each: the generator gives these numbers exactly or fails."""

    light_points: int
    lights_per_cabinet: int
    intersections: int
    cameras: int
    buildings: int
    boiler_rooms: int
    bollards: int
    vehicles: int
    buses: int
    sensors_chirpstack: int
    sensors_things_stack: int
    depots: list[Depot]
    bus_depot: Depot
    fleet: list[FleetShare]


class BuildingKind(Part):
    """A kind of secured building, and how many."""

    kind: str
    count: int
    use: str


class Names(Part):
    """Words that names are made of."""

    people: list[str]
    nature: list[str]
    places: list[str]
    old: list[str]
    lieux_dits: tuple[list[str], list[str]]
    building_kinds: list[BuildingKind]


class Profile(Part):
    """One city. The file's own comments say what each part is."""

    name: str
    attribution: str
    centre: Position
    outline: list[Position]
    communes: list[Commune]
    water: list[Water]
    railways: list[list[Position]]
    railyards: list[Railyard] = []
    roads: list[Road]
    rings: list[BoulevardRing]
    trams: list[Line] = []
    bus_lines: list[Line]
    built: list[Disc] = []
    zones: list[Zone]
    parks: list[NamedDisc]
    squares: list[NamedDisc]
    more_squares: int
    roundabouts: int
    fabrics: dict[str, Fabric]
    inner_radius_m: float
    suburb_radius_m: float
    equipment: Equipment
    names: Names
    tempo: float = Field(1, ge=1, le=20)
    """How many times faster than life its crews answer, drive and work: more than 1 where nobody has the time to watch."""

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        """Town halls and listed kinds must make up the buildings, services the fleet."""
        buildings = len(self.communes) + sum(kind.count for kind in self.names.building_kinds)
        if buildings != self.equipment.buildings:
            raise ValueError(
                f"town halls and building_kinds make {buildings}, buildings says {self.equipment.buildings}"
            )
        fleet = sum(share.count for share in self.equipment.fleet)
        if fleet != self.equipment.vehicles:
            raise ValueError(f"fleet makes {fleet}, vehicles says {self.equipment.vehicles}")
        if not self.rings or "core" not in self.fabrics:
            raise ValueError("a city needs a first ring around its old town, and a fabric named core")
        return self


def load_profile(name: str) -> Profile:
    """Read a profile by its name in `rehearsal/profiles`, or by the path of a YAML file. Raises Misconfigured."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else PROFILES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in PROFILES.glob("*.yaml")))
        raise Misconfigured(f"there is no city profile {name!r}; known: {known}, or the path of a YAML file")
    try:
        return Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Misconfigured(f"the city profile {path.name} is wrong: {error}") from error

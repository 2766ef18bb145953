"""How fast one goes on which street: classes, limits and kinds of vehicle. Pure.

Speeds are those of an ordinary working day, junctions and lights included, as a share of the limit; crews of a city keep to
the limit. They are assumptions, gathered in two tables below and explained in docs/explanation/travel-time.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.kernel.places.types import RoadClass, Vehicle

WALK_KMH = 4.5
"""Between a street and a place beside it; and the pace at which a closed street is entered to reach a place in it."""

CONTRAFLOW_KMH = 30.0
"""Up to this limit a one-way street is open to bicycles in both directions (Code de la route, article R412-28-1)."""

OTHER_WORDS: Mapping[str, RoadClass] = {
    "road": RoadClass.UNCLASSIFIED,
    "path": RoadClass.FOOTWAY,
    "steps": RoadClass.FOOTWAY,
    "bridleway": RoadClass.FOOTWAY,
    "corridor": RoadClass.FOOTWAY,
    "busway": RoadClass.SERVICE,
    "bus_guideway": RoadClass.SERVICE,
}

LIMITS_KMH: Mapping[RoadClass, float] = {
    RoadClass.MOTORWAY: 110,
    RoadClass.TRUNK: 90,
    RoadClass.PRIMARY: 50,
    RoadClass.SECONDARY: 50,
    RoadClass.TERTIARY: 50,
    RoadClass.UNCLASSIFIED: 50,
    RoadClass.RESIDENTIAL: 30,
    RoadClass.LIVING_STREET: 20,
    RoadClass.SERVICE: 20,
    RoadClass.PEDESTRIAN: 10,
    RoadClass.TRACK: 20,
    RoadClass.CYCLEWAY: 20,
    RoadClass.FOOTWAY: 10,
}
"""The limit where a file gives none."""

_FLOW: Mapping[RoadClass, float] = {
    RoadClass.MOTORWAY: 0.95,
    RoadClass.TRUNK: 0.9,
    RoadClass.PRIMARY: 0.7,
    RoadClass.SECONDARY: 0.7,
    RoadClass.TERTIARY: 0.65,
    RoadClass.UNCLASSIFIED: 0.7,
    RoadClass.RESIDENTIAL: 0.7,
    RoadClass.LIVING_STREET: 0.75,
    RoadClass.SERVICE: 0.75,
    RoadClass.PEDESTRIAN: 0.6,
    RoadClass.TRACK: 0.75,
}
"""Share of the limit that a motor vehicle keeps up. A class that is missing is closed to motors."""

_MOTORS: Mapping[Vehicle, tuple[float, float]] = {
    Vehicle.CAR: (130.0, 1.0),
    Vehicle.VAN: (110.0, 0.95),
    Vehicle.LORRY: (80.0, 0.8),
}
"""Vehicle -> the fastest it may go, and its share of what a car keeps up."""

_BICYCLE_KMH = 16.0


def road_class(word: str) -> RoadClass | None:
    """Return the class that a file's word means: ours, OpenStreetMap's, with `_link` for slip roads; None for no class."""
    plain = word.strip().casefold().removesuffix("_link")
    if plain in set(RoadClass):
        return RoadClass(plain)
    return OTHER_WORDS.get(plain)


def pace_kmh(road: RoadClass, limit_kmh: float, vehicle: Vehicle) -> float:
    """Return the speed that a vehicle keeps up on a street in its direction; 0 where it may not go."""
    if vehicle is Vehicle.FOOT:
        return 0.0 if road in (RoadClass.MOTORWAY, RoadClass.TRUNK) else WALK_KMH
    if vehicle is Vehicle.BICYCLE:
        if road in (RoadClass.MOTORWAY, RoadClass.TRUNK):
            return 0.0
        return WALK_KMH if road in (RoadClass.PEDESTRIAN, RoadClass.FOOTWAY) else min(limit_kmh, _BICYCLE_KMH)
    fastest, share = _MOTORS[vehicle]
    pace = min(limit_kmh * _FLOW.get(road, 0.0), fastest) * share
    return max(pace, WALK_KMH) if pace else 0.0


def pace_against_kmh(road: RoadClass, limit_kmh: float, vehicle: Vehicle, *, oneway: bool) -> float:
    """Return the speed against the direction of the street; 0 where it may not go: one-way streets bind vehicles only."""
    if not oneway or vehicle is Vehicle.FOOT:
        return pace_kmh(road, limit_kmh, vehicle)
    if vehicle is Vehicle.BICYCLE and limit_kmh <= CONTRAFLOW_KMH:
        return pace_kmh(road, limit_kmh, vehicle)
    return 0.0

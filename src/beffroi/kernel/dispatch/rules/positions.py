"""Positions: which may be told, how coarse they become during a break, what counts as moving. Pure."""

from __future__ import annotations

from math import asin, cos, floor, radians, sin, sqrt

from beffroi.foundation.clock import MINUTE, SECOND, Instant
from beffroi.foundation.errors import Refused
from beffroi.foundation.geo import is_position
from beffroi.kernel.dispatch.types import DutyState, Point

_DEGREE_M = 111_320.0
_EARTH_M = 6_371_000.0
MOVED_M = 50.0
"""How far a crew must have come to count as moving: a receiver that stands still wanders by less."""

TOO_OLD: Instant = 10 * MINUTE
TRACK_EVERY: Instant = 10 * SECOND
"""Points of a way that are nearer in time than this are one."""


def check_position(lon: float, lat: float, accuracy_m: float | None) -> None:
    """Let a position pass, or raise Refused: on the globe, with a radius between 0 and 100 km."""
    if not is_position(lon, lat):
        raise Refused(f"{lon}, {lat} is no position: write degrees, longitude first", key="place-missing")
    if accuracy_m is not None and not 0 <= accuracy_m <= 100_000:
        raise Refused(f"{accuracy_m} m is no accuracy: write 0 to 100000", key="accuracy-unknown")


def check_may_follow(duty: DutyState, shares: bool) -> None:
    """Raise Refused when a crew may not be followed: off duty, or while it switched its position off. Nothing is kept."""
    if duty is DutyState.OFF:
        raise Refused("off duty: no position is taken, and none was kept", key="off-duty")
    if not shares:
        raise Refused("the crew switched its position off: none is taken", key="not-shared")


def kept_of(lon: float, lat: float, duty: DutyState, grid_m: int) -> tuple[Point, bool]:
    """Return what is kept of a position, and whether it is coarse: during a break, the middle of a square of the grid."""
    if duty is not DutyState.BREAK:
        return Point(lon, lat), False
    return coarse(lon, lat, grid_m), True


def coarse(lon: float, lat: float, grid_m: int) -> Point:
    """Return the middle of the square of a grid, some `grid_m` wide, in which a position lies. The place itself is lost."""
    step_lat = grid_m / _DEGREE_M
    middle_lat = (floor(lat / step_lat) + 0.5) * step_lat
    step_lon = grid_m / (_DEGREE_M * max(0.01, cos(radians(middle_lat))))
    middle_lon = (floor(lon / step_lon) + 0.5) * step_lon
    return Point(round(middle_lon, 6), round(middle_lat, 6))


def metres_between(one: Point, other: Point) -> float:
    """Return the distance between two points in metres, over a sphere: good to half a percent."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other.lon - one.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * _EARTH_M * asin(sqrt(min(1.0, chord)))


def moved(before: Point | None, now: Point) -> bool:
    """Tell whether a crew moved between two positions; the first one counts as moving."""
    return before is None or metres_between(before, now) >= MOVED_M

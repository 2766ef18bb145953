"""The streets as something to drive on: a graph with lengths and speeds, and journeys along it.

Written without the geometry libraries of the generator: the simulated city must stay a small process.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

Position = tuple[float, float]
"""Longitude, latitude."""
LATITUDE_M = 111_132.0
FOOTWAY_KMH = 8.0
FASTEST_KMH = 110.0
STOP_AT_CROSSING = 0.14
STOP_S = (4.0, 28.0)


def metres_between(one: Position, other: Position) -> float:
    """Return the distance on the ground, good to a per mille within a metropolis."""
    x = (other[0] - one[0]) * LATITUDE_M * 1.0017 * math.cos(math.radians((one[1] + other[1]) / 2))
    return math.hypot(x, (other[1] - one[1]) * LATITUDE_M)


@dataclass(frozen=True, slots=True)
class Street:
    """One way along a street segment. `lengths_m` are the running distances of its points from the first."""

    id: str
    points: tuple[Position, ...]
    lengths_m: tuple[float, ...]
    speed_kmh: float

    @property
    def length_m(self) -> float:
        """Length of the segment."""
        return self.lengths_m[-1]

    def place(self, along_m: float) -> tuple[Position, float]:
        """Return the position `along_m` from the start, and the heading there in degrees from north, clockwise."""
        index = 1
        while index < len(self.points) - 1 and self.lengths_m[index] < along_m:
            index += 1
        one, other = self.points[index - 1], self.points[index]
        span = self.lengths_m[index] - self.lengths_m[index - 1]
        share = min(max((along_m - self.lengths_m[index - 1]) / span if span else 0.0, 0.0), 1.0)
        position = one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share
        east = (other[0] - one[0]) * math.cos(math.radians(one[1]))
        return position, math.degrees(math.atan2(east, other[1] - one[1])) % 360


class Roads:
    """The driving graph of a city's streets."""

    def __init__(self, features: Sequence[Mapping[str, Any]]) -> None:
        self._ways: dict[Position, list[Street]] = defaultdict(list)
        self._by_id: dict[str, tuple[Street, Street]] = {}
        for feature in features:
            points = tuple((lon, lat) for lon, lat, *_ in feature["geometry"]["coordinates"])
            about = feature["properties"]
            speed_kmh = FOOTWAY_KMH if about["class"] == "pedestrian" else float(about["speed_kmh"])
            there, back = _street(about["id"], points, speed_kmh), _street(about["id"], points[::-1], speed_kmh)
            self._by_id[about["id"]] = there, back
            self._ways[points[0]].append(there)
            if not about["oneway"]:
                self._ways[points[-1]].append(back)
        self.crossings = sorted(self._ways)

    def chain(self, identifiers: Sequence[str]) -> list[Street]:
        """Return segments joined end to end in this order, each turned the way it is run. Raises ValueError if not."""
        pairs = [self._by_id[identifier] for identifier in identifiers]
        for first in pairs[0]:
            chained, at = [first], first.points[-1]
            for pair in pairs[1:]:
                following = next((way for way in pair if way.points[0] == at), None)
                if following is None:
                    break
                chained.append(following)
                at = following.points[-1]
            if len(chained) == len(pairs):
                return chained
        raise ValueError(f"the {len(pairs)} segments from {identifiers[0]} do not follow one another")

    def nearest(self, at: Position) -> Position:
        """Return the crossing nearest to a position."""
        return min(self.crossings, key=lambda crossing: metres_between(crossing, at))

    def route(self, start: Position, goal: Position) -> list[Street]:
        """Return the quickest way from crossing to crossing (A*); empty when there is none, or none to go."""
        best: dict[Position, float] = {start: 0.0}
        came: dict[Position, Street] = {}
        queue = [(0.0, start)]
        done: set[Position] = set()
        while queue:
            _, at = heapq.heappop(queue)
            if at == goal:
                break
            if at in done:
                continue
            done.add(at)
            for way in self._ways[at]:
                end = way.points[-1]
                seconds = best[at] + way.length_m / (way.speed_kmh / 3.6)
                if seconds < best.get(end, math.inf):
                    best[end], came[end] = seconds, way
                    heapq.heappush(queue, (seconds + metres_between(end, goal) / (FASTEST_KMH / 3.6), end))
        path: list[Street] = []
        at = goal
        while at != start and at in came:
            path.append(came[at])
            at = came[at].points[0]
        return path[::-1]


def _street(identifier: str, points: tuple[Position, ...], speed_kmh: float) -> Street:
    lengths = [0.0]
    for one, other in pairwise(points):
        lengths.append(lengths[-1] + metres_between(one, other))
    return Street(identifier, points, tuple(lengths), speed_kmh)


class Whereabouts(NamedTuple):
    """Where a vehicle is and how it moves."""

    position: Position
    speed_kmh: float
    heading_deg: float


class Journey:
    """A drive along streets: slower than the limit, with stops at crossings, told by how long one drives."""

    def __init__(self, streets: Sequence[Street], random: Random, pace: float = 0.8) -> None:
        self._streets, self._random, self._pace = streets, random, pace
        self._index, self._along_m, self._waiting_s, self._speed_kmh = 0, 0.0, 0.0, 0.0

    @property
    def ended(self) -> bool:
        """Whether the last street has been driven to its end."""
        return self._index >= len(self._streets)

    def advance(self, seconds: float) -> float:
        """Drive for a time, and return what is left of it at the end of the journey (0 if not there yet)."""
        while seconds > 0 and not self.ended:
            if self._waiting_s > 0:
                waited = min(self._waiting_s, seconds)
                self._waiting_s -= waited
                seconds -= waited
                self._speed_kmh = 0.0
                continue
            street = self._streets[self._index]
            self._speed_kmh = street.speed_kmh * self._pace * self._random.uniform(0.85, 1.05)
            left_m, driven_m = street.length_m - self._along_m, self._speed_kmh / 3.6 * seconds
            if driven_m < left_m:
                self._along_m += driven_m
                return 0.0
            seconds -= left_m / (self._speed_kmh / 3.6) if left_m > 0 else 0.0
            self._index, self._along_m = self._index + 1, 0.0
            if self._random.random() < STOP_AT_CROSSING:
                self._waiting_s = self._random.uniform(*STOP_S)
        return max(seconds, 0.0)

    def whereabouts(self) -> Whereabouts:
        """Return the present position; at rest at the end of the last street once ended."""
        if self.ended:
            last = self._streets[-1]
            position, heading = last.place(last.length_m)
            return Whereabouts(position, 0.0, round(heading, 1))
        position, heading = self._streets[self._index].place(self._along_m)
        return Whereabouts(position, round(self._speed_kmh, 1), round(heading, 1))

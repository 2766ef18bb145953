"""The streets as a network: junctions, the two directions of each stretch, and where a position lies along them. Pure.

Built once from the city's streets, and again only when they change. What a closure changes are weights (`rules/graph.py`).
Where two stretches end at the same coordinates (to a millionth of a degree, a tenth of a metre) there is a junction; a
bridge that passes over another street shares no end with it, and so joins nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from beffroi.kernel.places.rules.roads import pace_against_kmh, pace_kmh
from beffroi.kernel.places.types import Position, Segment, Vehicle

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

OFF_NETWORK_M = 1_000.0
"""Farther than this from every street, a position is on no way: a fault of the receiver, or another city."""

AT_JUNCTION_M = 0.5
"""A position nearer than this to the end of a stretch is at the junction: receivers are no better."""

_PER_DEGREE = 1_000_000
_LEAST_M = 0.01


@dataclass(frozen=True, slots=True)
class Snapped:
    """Where positions lie on the streets: stretch (-1: none is near), share of its length from its start, metres beside it."""

    segment: Ints
    share: Floats
    off_m: Floats

    def __len__(self) -> int:
        return len(self.segment)


class Network:
    """Every stretch with its two junctions, its length and its line in metres; `place_of` finds one by its identifier."""

    def __init__(self, segments: Sequence[Segment], metres: Sequence[Floats]) -> None:
        """Join stretches at their ends. `metres` holds the vertices of each line in the city's projected metres."""
        self.segments = tuple(segments)
        self.place_of = {segment.id: place for place, segment in enumerate(self.segments)}
        self.metres = tuple(metres)
        self.along_m = tuple(_along(points) for points in self.metres)
        self.length_m: Floats = np.array([max(along[-1], _LEAST_M) for along in self.along_m], dtype=float)
        self.tail, self.head, self.junctions = _ends(self.segments)
        self.lines = np.array([shapely.LineString(points) for points in self.metres], dtype=object)
        self._paces: dict[Vehicle, tuple[Floats, Floats]] = {}
        self._trees: dict[Vehicle, tuple[Ints, shapely.STRtree]] = {}
        self._everything: shapely.STRtree | None = None

    def __len__(self) -> int:
        return len(self.segments)

    def seconds(self, vehicle: Vehicle) -> tuple[Floats, Floats]:
        """Return how long each stretch takes along its line and against it; infinite where this vehicle may not go."""
        if vehicle not in self._paces:
            along = [pace_kmh(each.road_class, each.speed_kmh, vehicle) for each in self.segments]
            against = [
                pace_against_kmh(each.road_class, each.speed_kmh, vehicle, oneway=each.oneway) for each in self.segments
            ]
            self._paces[vehicle] = (_seconds(self.length_m, along), _seconds(self.length_m, against))
        return self._paces[vehicle]

    def snap(self, x_m: Floats, y_m: Floats, vehicle: Vehicle) -> Snapped:
        """Find, for each position in metres, the nearest stretch on which this vehicle may go."""
        places, tree = self._tree(vehicle)
        if not len(places):
            nowhere = np.full(len(x_m), -1)
            return Snapped(nowhere, np.zeros(len(x_m)), np.full(len(x_m), np.inf))
        points = shapely.points(x_m, y_m)
        segment = places[np.atleast_1d(tree.nearest(points))]
        lines = self.lines[segment]
        off_m: Floats = np.asarray(shapely.distance(lines, points), dtype=float)
        length_m = self.length_m[segment]
        at_m = np.asarray(shapely.line_locate_point(lines, points), dtype=float)
        at_m = np.where(at_m < AT_JUNCTION_M, 0.0, np.where(length_m - at_m < AT_JUNCTION_M, length_m, at_m))
        return Snapped(np.where(off_m > OFF_NETWORK_M, -1, segment), at_m / length_m, off_m)

    def nearest(self, x_m: float, y_m: float, within_m: float) -> int | None:
        """Return the place of the stretch nearest to a position, whoever may take it; None beyond so many metres."""
        if self._everything is None:
            self._everything = shapely.STRtree(self.lines)
        point = shapely.Point(x_m, y_m)
        found = self._everything.query_nearest(point, max_distance=within_m, all_matches=False)
        return int(found[0]) if len(found) else None

    def stretch(self, place: int, start: float, end: float) -> tuple[Position, ...]:
        """Return the line of a stretch between two shares of its length; backwards where `start` is past `end`."""
        low, high = sorted((start, end))
        along = self.along_m[place] / max(self.along_m[place][-1], _LEAST_M)
        line = np.asarray(self.segments[place].line, dtype=float)
        inside = line[(along > low) & (along < high)]
        cut = [_at(line, along, low), *((float(lon), float(lat)) for lon, lat in inside), _at(line, along, high)]
        return tuple(cut if start <= end else reversed(cut))

    def _tree(self, vehicle: Vehicle) -> tuple[Ints, shapely.STRtree]:
        if vehicle not in self._trees:
            along, against = self.seconds(vehicle)
            places = np.flatnonzero(np.isfinite(along) | np.isfinite(against))
            self._trees[vehicle] = (places, shapely.STRtree(self.lines[places]))
        return self._trees[vehicle]


def _along(points: Floats) -> Floats:
    steps = np.hypot(*np.diff(points, axis=0).T)
    return np.concatenate(([0.0], np.cumsum(steps)))


def _ends(segments: Sequence[Segment]) -> tuple[Ints, Ints, int]:
    """Return the junction at which each stretch starts and ends, and how many junctions there are."""
    if not segments:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0
    ends = np.array([(*segment.line[0], *segment.line[-1]) for segment in segments], dtype=float)
    keys = np.round(ends.reshape(-1, 2) * _PER_DEGREE).astype(np.int64)
    unique, places = np.unique(keys, axis=0, return_inverse=True)
    joined = places.reshape(-1, 2).astype(np.int64)
    return joined[:, 0], joined[:, 1], len(unique)


def _seconds(length_m: Floats, paces_kmh: Sequence[float]) -> Floats:
    pace_ms = np.array(paces_kmh, dtype=float) / 3.6
    seconds: Floats = np.full(len(pace_ms), np.inf)
    np.divide(length_m, pace_ms, out=seconds, where=pace_ms > 0)
    return seconds


def _at(line: Floats, along: Floats, share: float) -> Position:
    return float(np.interp(share, along, line[:, 0])), float(np.interp(share, along, line[:, 1]))

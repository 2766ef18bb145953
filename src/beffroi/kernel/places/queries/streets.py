"""The city's streets in memory: read once for each process, and again when an import changed them. The caller asks the door."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from beffroi.foundation.geo import point_to_metres, to_metres
from beffroi.kernel.places import models
from beffroi.kernel.places.rules import folded, road_class
from beffroi.kernel.places.types import RoadClass, Segment

if TYPE_CHECKING:
    from beffroi.kernel.places.rules.network import Network

NEAR_M = 80.0
MOST_STREETS = 20

_READING = threading.Lock()
_held: tuple[str, Network] | None = None


def network() -> Network:
    """Return the streets as a network; about a second's work for a metropolis, once for each process and import.

    One small row is read at each call to tell whether they are those held.
    """
    global _held  # noqa: PLW0603 -- one copy for the whole process, replaced whole
    stamp = _stamp()
    held = _held
    if held is not None and held[0] == stamp:
        return held[1]
    with _READING:
        if _held is None or _held[0] != stamp:
            _held = (stamp, _read())
        return _held[1]


def segments(ids: Iterable[str]) -> tuple[Segment, ...]:
    """Return stretches by their identifiers, those that exist, in the order asked."""
    net = network()
    return tuple(net.segments[net.place_of[key]] for key in ids if key in net.place_of)


def nearest_segment(lon: float, lat: float, within_m: float = NEAR_M) -> Segment | None:
    """Return the stretch of street nearest to a position, or None when there is none within so many metres."""
    net = network()
    place = net.nearest(*point_to_metres(lon, lat), within_m)
    return None if place is None else net.segments[place]


def street_of(segment_id: str) -> tuple[Segment, ...]:
    """Return the whole street of a stretch: what bears its name in its commune and hangs together with it.

    A stretch without a name is alone. Empty when there is no such stretch.
    """
    net = network()
    first = net.place_of.get(segment_id)
    if first is None:
        return ()
    here = net.segments[first]
    if not here.name:
        return (here,)
    same = [p for p, each in enumerate(net.segments) if (each.name, each.commune) == (here.name, here.commune)]
    at: dict[int, list[int]] = {}
    for place in same:
        for junction in (int(net.tail[place]), int(net.head[place])):
            at.setdefault(junction, []).append(place)
    found, waiting = {first}, deque([first])
    while waiting:
        place = waiting.popleft()
        for junction in (int(net.tail[place]), int(net.head[place])):
            fresh = [each for each in at[junction] if each not in found]
            found.update(fresh)
            waiting.extend(fresh)
    return tuple(net.segments[place] for place in sorted(found))


def ends_of(segment_id: str) -> tuple[str, str]:
    """Return the name of a street met at each end of a stretch; empty where there is none: a dead end, or no name."""
    net = network()
    place = net.place_of.get(segment_id)
    if place is None:
        return "", ""
    here = net.segments[place].name
    found = []
    for junction in (int(net.tail[place]), int(net.head[place])):
        meeting = np.flatnonzero((net.tail == junction) | (net.head == junction))
        names = sorted({net.segments[each].name for each in meeting} - {here, ""})
        found.append(names[0] if names else "")
    return found[0], found[1]


def length_m(ids: Iterable[str]) -> float:
    """Return how long stretches are together, in metres."""
    net = network()
    return float(sum(net.length_m[net.place_of[key]] for key in ids if key in net.place_of))


def streets_named(text: str, limit: int = MOST_STREETS) -> tuple[Segment, ...]:
    """Return one stretch of each street whose name and commune hold every word typed, those that begin with it first."""
    words = folded(text[:200]).split()
    if not words:
        return ()
    found: dict[tuple[str, str], tuple[tuple[bool, str], Segment]] = {}
    for each in network().segments:
        if not each.name or (each.name, each.commune) in found:
            continue
        name = folded(f"{each.name} {each.commune}")
        if all(f" {word}" in f" {name}" for word in words):
            found[each.name, each.commune] = ((not name.startswith(words[0]), name), each)
    ranked = sorted(found.values(), key=lambda each: each[0])
    return tuple(segment for _rank, segment in ranked[: max(1, min(limit, MOST_STREETS))])


def _stamp() -> str:
    return models.StreetBase.objects.values_list("stamp", flat=True).first() or ""


def _read() -> Network:
    from beffroi.kernel.places.rules.network import Network

    rows = models.Street.objects.order_by("id").values_list(
        "id", "name", "street_class", "commune", "oneway", "speed_kmh", "line"
    )
    found = [
        Segment(
            key,
            name,
            road_class(kind) or RoadClass.UNCLASSIFIED,
            commune,
            oneway,
            speed_kmh,
            tuple((float(point[0]), float(point[1])) for point in line),
        )
        for key, name, kind, commune, oneway, speed_kmh, line in rows
    ]
    points = np.array([point for segment in found for point in segment.line], dtype=float).reshape(-1, 2)
    metres = np.column_stack(to_metres(points[:, 0], points[:, 1]))
    cuts = np.cumsum([len(segment.line) for segment in found])[:-1]
    return Network(found, np.split(metres, cuts) if found else ())

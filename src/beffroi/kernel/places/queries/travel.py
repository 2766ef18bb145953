"""Travel times and ways on the streets as they are open now. The caller asks the door.

The streets are held in memory; what is closed is read at each question (one indexed read of some rows), so that a street
closed a moment ago by anybody, in any process, counts at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation import clock
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import NotFound, Refused
from beffroi.foundation.geo import to_metres
from beffroi.kernel.places.queries.closures import closed_now
from beffroi.kernel.places.queries.streets import network
from beffroi.kernel.places.types import Position, Travel, Unreached, Vehicle, Way

if TYPE_CHECKING:
    from beffroi.kernel.places.rules.graph import Graph, Roads
    from beffroi.kernel.places.rules.network import Network, Snapped

MAX_POINTS = 5_000
"""Positions in one question."""

_HOLDING = threading.Lock()
_roads: dict[Vehicle, Roads] = {}
_graphs: dict[Vehicle, tuple[frozenset[str], Graph]] = {}

_WHY = {
    Unreached.NO_STREETS: "no street was imported: `beffroi import streets FILE`",
    Unreached.OFF_NETWORK: "one of the two places is more than a kilometre from every street that this vehicle may take",
    Unreached.DISCONNECTED: "no street that this vehicle may take joins the two places",
}


def street_graph(vehicle: Vehicle | str = Vehicle.VAN, *, at: Instant | None = None) -> Graph:
    """Return the graph of the streets for one kind of vehicle, with what is closed now (or at an instant).

    Held in memory: the streets are read anew only after an import, and a closure changes weights alone.
    """
    from beffroi.kernel.places.rules.graph import Roads

    kind, net = Vehicle(vehicle), network()
    closed = closed_now(clock.now() if at is None else at)
    with _HOLDING:
        roads = _roads.get(kind)
        if roads is None or roads.network is not net:
            roads = _roads[kind] = Roads(net, kind)
            _graphs.pop(kind, None)
        held = _graphs.get(kind)
        if held is None or held[0] != closed:
            graph = roads.graph([net.place_of[key] for key in closed if key in net.place_of])
            held = _graphs[kind] = (closed, graph)
        return held[1]


def travels(
    origins: Sequence[Position], to: Position, *, vehicle: Vehicle | str = Vehicle.VAN, at: Instant | None = None
) -> tuple[Travel, ...]:
    """Return how long each origin is from a place, or why there is no way; at most 5,000 origins."""
    if not origins:
        return ()
    graph = street_graph(vehicle, at=at)
    return graph.travels(_snapped(graph, origins), _snapped(graph, [to]))


def travel_times(
    origins: Sequence[Position], to: Position, *, vehicle: Vehicle | str = Vehicle.VAN, at: Instant | None = None
) -> tuple[float | None, ...]:
    """Return the seconds from each origin to a place; None where there is no way. `travels` says why, and what is closed."""
    return tuple(travel.seconds for travel in travels(origins, to, vehicle=vehicle, at=at))


def matrix(
    origins: Sequence[Position],
    destinations: Sequence[Position],
    *,
    vehicle: Vehicle | str = Vehicle.VAN,
    at: Instant | None = None,
) -> NDArray[np.float64]:
    """Return the seconds from each origin (row) to each destination (column); infinite where there is no way.

    At most 5,000 of each.
    """
    if not origins or not destinations:
        return np.zeros((len(origins), len(destinations)))
    graph = street_graph(vehicle, at=at)
    return graph.matrix(_snapped(graph, origins), _snapped(graph, destinations))


def way(origin: Position, to: Position, *, vehicle: Vehicle | str = Vehicle.VAN, at: Instant | None = None) -> Way:
    """Return the quickest way between two places. Raises NotFound saying why there is none."""
    graph = street_graph(vehicle, at=at)
    found = graph.way(_snapped(graph, [origin]), _snapped(graph, [to]))
    if isinstance(found, Unreached):
        raise NotFound(f"there is no way: {_WHY[found]}", key=f"no-way-{found.replace('_', '-')}")
    return found


def _snapped(graph: Graph, points: Sequence[Position]) -> Snapped:
    if len(points) > MAX_POINTS:
        raise Refused(f"{len(points)} positions; {MAX_POINTS} at most in one question")
    lon, lat = np.asarray(points, dtype=float).T
    x_m, y_m = to_metres(lon, lat)
    net: Network = graph.roads.network
    return net.snap(x_m, y_m, graph.roads.vehicle)

"""Small invented street networks: a grid of junctions a tenth of a kilometre apart, and random ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from beffroi.foundation.geo import to_metres
from beffroi.kernel.places.rules.graph import CLOSED, WALK_MS, Roads
from beffroi.kernel.places.rules.network import Network, Snapped
from beffroi.kernel.places.types import Position, RoadClass, Segment, Vehicle

WEST, SOUTH = 5.0, 47.3
STEP_LON, STEP_LAT = 0.00132, 0.0009
SIDE = 4
CLASSES = (RoadClass.RESIDENTIAL, RoadClass.PRIMARY, RoadClass.PEDESTRIAN)


def junction(column: int, row: int) -> Position:
    """Return a crossing of the grid; a step is about a hundred metres either way."""
    return round(WEST + column * STEP_LON, 6), round(SOUTH + row * STEP_LAT, 6)


def segment(
    key: str,
    *line: Position,
    name: str = "",
    kind: RoadClass = RoadClass.RESIDENTIAL,
    oneway: bool = False,
    kmh: float = 30,
) -> Segment:
    """Return a stretch of street of Montrond."""
    return Segment(key, name or f"rue {key}", kind, "Montrond", oneway, kmh, line)


def joined(*segments: Segment) -> Network:
    """Return stretches as a network."""
    metres = [np.column_stack(to_metres(*np.asarray(each.line, dtype=float).T)) for each in segments]
    return Network(segments, metres)


def snapped(network: Network, *positions: Position, vehicle: Vehicle = Vehicle.VAN) -> Snapped:
    """Return where positions lie on it."""
    return network.snap(*to_metres(*np.asarray(positions, dtype=float).T), vehicle)


@dataclass(frozen=True, slots=True)
class Town:
    """A random town: streets between crossings of the grid, some one-way, some twice, some going nowhere."""

    network: Network
    closed: frozenset[int]
    places: Snapped
    vehicle: Vehicle


_CROSSINGS = [(column, row) for column, row in itertools.product(range(SIDE), range(SIDE))]
_STREET = st.tuples(
    st.sampled_from(_CROSSINGS), st.sampled_from(_CROSSINGS), st.sampled_from(CLASSES), st.booleans(),
    st.sampled_from([20.0, 30.0, 50.0]),
)  # fmt: skip


@st.composite
def towns(draw: st.DrawFn, *, oneways: bool = True, closures: bool = True) -> Town:
    """Draw a town, some of its streets closed, and three to six places on them."""
    drawn: Sequence[tuple[tuple[int, int], tuple[int, int], RoadClass, bool, float]] = draw(
        st.lists(_STREET, min_size=1, max_size=24).filter(lambda them: any(a != b for a, b, *_ in them))
    )
    streets = [
        segment(str(place), *_line(junction(*a), junction(*b), place), kind=kind, oneway=oneway and oneways, kmh=kmh)
        for place, (a, b, kind, oneway, kmh) in enumerate(drawn)
        if a != b
    ]
    network = joined(*streets)
    count = draw(st.integers(3, 6))
    on = [draw(st.integers(0, len(streets) - 1)) for _ in range(count)]
    share = [draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) for _ in range(count)]
    off_m = [draw(st.sampled_from([0.0, 40.0])) for _ in range(count)]
    closed = draw(st.frozensets(st.integers(0, len(streets) - 1), max_size=4)) if closures else frozenset()
    places = Snapped(np.array(on), np.array(share), np.array(off_m))
    return Town(network, closed, places, draw(st.sampled_from([Vehicle.VAN, Vehicle.BICYCLE, Vehicle.FOOT])))


def _line(a: Position, b: Position, place: int) -> tuple[Position, ...]:
    """Return a line with a bend of its own, so that two streets between the same crossings differ in length."""
    bend = (1 + place % 5) * 0.0001
    middle = (round((a[0] + b[0]) / 2 + bend, 6), round((a[1] + b[1]) / 2 + bend, 6))
    return a, middle, b


def cost_elsewhere(town: Town, closed: frozenset[int], origin: int, to: int) -> float:
    """Return what another library says that it costs: networkx, on a graph built from the streets in its own way."""
    net, roads = town.network, Roads(town.network, town.vehicle)
    graph: nx.DiGraph = nx.DiGraph()

    def link(a: object, b: object, seconds: float, share: float, place: int) -> None:
        cost = seconds if place not in closed else max(seconds, float(net.length_m[place]) / WALK_MS)
        cost = 0.0 if share == 0 else cost * share + (CLOSED if place in closed else 0.0)
        if np.isfinite(cost) and cost < graph.get_edge_data(a, b, {"cost": np.inf})["cost"]:
            graph.add_edge(a, b, cost=cost)

    for place in range(len(net)):
        start, end = int(net.tail[place]), int(net.head[place])
        link(start, end, float(roads.along_s[place]), 1.0, place)
        link(end, start, float(roads.against_s[place]), 1.0, place)
    for name, at in (("origin", origin), ("to", to)):
        place, share = int(town.places.segment[at]), float(town.places.share[at])
        start, end = int(net.tail[place]), int(net.head[place])
        along, against = float(roads.along_s[place]), float(roads.against_s[place])
        graph.add_node(name)
        for junction_, from_here, to_here, part in (
            (start, against, along, share),
            (end, along, against, 1 - share),
        ):
            link(name, junction_, from_here, part, place)
            link(junction_, name, to_here, part, place)
    here, there = int(town.places.segment[origin]), int(town.places.segment[to])
    if here == there:
        ahead = float(town.places.share[to] - town.places.share[origin])
        link("origin", "to", float((roads.along_s if ahead >= 0 else roads.against_s)[here]), abs(ahead), here)
    try:
        return float(nx.dijkstra_path_length(graph, "origin", "to", weight="cost"))
    except nx.NetworkXNoPath:
        return np.inf

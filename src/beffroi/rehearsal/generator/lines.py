"""Tram and bus lines: the fastest way through their anchors on the street graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree
from shapely.geometry import LineString

from beffroi.rehearsal.generator.geometry import Metres, Plane
from beffroi.rehearsal.generator.names import short_name
from beffroi.rehearsal.generator.network import Network, Segment, nodes_of
from beffroi.rehearsal.generator.profile import Profile

STOP_EVERY_M = 520.0
MOTORWAY_DETERRENT = 6.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop, named after its street."""

    name: str
    at: Metres


@dataclass(frozen=True, slots=True)
class Route:
    """A line both ways, as identifiers of segments in the order they are run."""

    line: str
    kind: str
    there: list[str]
    back: list[str]
    shape: LineString
    stops: list[Stop]


def route_lines(profile: Profile, plane: Plane, network: Network) -> list[Route]:
    """Route every tram and bus line of the profile."""
    nodes, places = nodes_of(network)
    tree = cKDTree(places)
    graphs = {"tram": _graph(network, directed=False), "bus": _graph(network, directed=True)}
    routes = []
    for kind, lines in (("tram", profile.trams), ("bus", profile.bus_lines)):
        for line in lines:
            anchors = [nodes[int(tree.query(plane.point(position))[1])] for position in line.via]
            there = _path(graphs[kind], network, anchors)
            back = _path(graphs[kind], network, anchors[::-1])
            shape = _shape(anchors[0], there)
            routes.append(
                Route(line.line, kind, [s.id for s in there], [s.id for s in back], shape, _stops(shape, there))
            )
    return routes


def _graph(network: Network, *, directed: bool) -> nx.DiGraph[Metres]:
    """Return the driving graph in seconds. Trams run against one-way streets and along footways, and keep off motorways."""
    graph: nx.DiGraph[Metres] = nx.DiGraph()
    for place, segment in enumerate(network.segments):
        start, end = segment.ends
        speed_kmh = segment.speed_kmh
        if segment.street_class == "pedestrian":
            speed_kmh = 6 if directed else 25
        seconds = segment.line.length / (speed_kmh / 3.6) + (3 if segment.rank < 2 else 0)
        if segment.street_class == "motorway":
            seconds *= MOTORWAY_DETERRENT
        ways = [(start, end)] if directed and segment.one_way else [(start, end), (end, start)]
        for one, other in ways:
            if not graph.has_edge(one, other) or graph.edges[one, other]["seconds"] > seconds:
                graph.add_edge(one, other, seconds=seconds, place=place)
    return graph


def _path(graph: nx.DiGraph[Metres], network: Network, anchors: Sequence[Metres]) -> list[Segment]:
    """Return the segments of the fastest way through the anchors."""
    passed: list[Segment] = []
    for start, end in pairwise(anchors):
        way = nx.shortest_path(graph, start, end, weight="seconds")
        passed += [network.segments[graph.edges[edge]["place"]] for edge in pairwise(way)]
    return passed


def _shape(start: Metres, segments: Sequence[Segment]) -> LineString:
    """Chain segments into one line, turning those run backwards."""
    at = start
    points: list[tuple[float, ...]] = [start]
    for segment in segments:
        forward = segment.ends[0] == at
        points += list(segment.line.coords if forward else segment.line.reverse().coords)[1:]
        at = segment.ends[1] if forward else segment.ends[0]
    return LineString(points)


def _stops(shape: LineString, segments: Sequence[Segment]) -> list[Stop]:
    """Set stops at regular distances, named after the street they are in; a second in the same street counts."""
    count = max(2, round(shape.length / STOP_EVERY_M) + 1)
    ends = np.cumsum([segment.line.length for segment in segments])
    stops: list[Stop] = []
    seen: set[str] = set()
    for distance in np.linspace(0, shape.length, count):
        segment = segments[min(int(np.searchsorted(ends, distance)), len(segments) - 1)]
        name = short_name(segment.name)
        if name in seen:
            name = f"{name} {sum(each == name or each.startswith(f'{name} ') for each in seen) + 1}"
        seen.add(name)
        point = shape.interpolate(distance)
        stops.append(Stop(name, (point.x, point.y)))
    return stops

"""The street network: drawn streets cut at every crossing, named, and kept where they hang together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.prepared import prep

from beffroi.rehearsal.generator.drafts import RANKS, SPEEDS_KMH, Draft
from beffroi.rehearsal.generator.geometry import Floats, Metres, lines, stable_id, stream
from beffroi.rehearsal.generator.names import Namer
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

GRID_M = 0.5
WALK_KMH = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """A street between two crossings, drawn in the direction of its numbers (and of traffic when one-way).

    `start_m` is its distance from the beginning of the whole street, `draft` the street it is a part of, `ends` the
    crossings it joins.
    """

    id: str
    line: LineString
    street_class: str
    name: str
    commune: str
    fabric: str
    one_way: bool
    bridge: bool
    speed_kmh: int
    draft: int
    start_m: float
    kind: str
    ends: tuple[Metres, Metres]

    @property
    def rank(self) -> int:
        """Rank of the street's class on the map, 0 to 5."""
        return RANKS.get(self.street_class, 0)


@dataclass(frozen=True, slots=True)
class Network:
    """The connected street network, and what runs on outside the communes (for the map only)."""

    segments: list[Segment]
    outside: list[Segment]

    def graph(self) -> nx.MultiGraph[Metres]:
        """Return the undirected graph: nodes are crossings, edge key and attribute `place` the segment's place in the list."""
        graph: nx.MultiGraph[Metres] = nx.MultiGraph()
        for place, segment in enumerate(self.segments):
            start, end = segment.ends
            graph.add_edge(start, end, key=place, place=place, seconds=_seconds(segment))
        return graph


def build_network(profile: Profile, territory: Territory, drafts: list[Draft], seed: int) -> Network:
    """Cut, name and connect the drawn streets."""
    pieces, owners = _node(drafts)
    middles = np.array([piece.interpolate(0.5, normalized=True).coords[0][:2] for piece in pieces])
    communes = territory.commune_of(middles)
    names = _name_drafts(profile, drafts, owners, communes, seed)
    crossed = prep(territory.crossed)
    segments = [
        _segment(piece, drafts[owner], owner, names[owner], commune, crossed.intersects(piece), seed)
        for piece, owner, commune in zip(pieces, owners, communes, strict=True)
    ]
    inside = _connected([segment for segment in segments if segment.commune])
    outside = [segment for segment in segments if not segment.commune and segment.rank >= 2]
    return Network(_passable(_without_doubles(inside)), outside)


def _node(drafts: list[Draft]) -> tuple[list[LineString], list[int]]:
    """Cut all lines at their crossings on a half-metre grid; give each piece the street it lies on, in its direction."""
    drawn = [draft.line for draft in drafts]
    noded = lines(shapely.union_all(np.array(drawn), grid_size=GRID_M))
    middles = [piece.interpolate(0.5, normalized=True) for piece in noded]
    owners = [int(owner) for owner in shapely.STRtree(drawn).nearest(middles)]
    return [_directed(piece, drafts[owner]) for piece, owner in zip(noded, owners, strict=True)], owners


def _directed(piece: LineString, draft: Draft) -> LineString:
    """Turn a piece to run as its street was drawn; a roundabout's runs anticlockwise."""
    (x1, y1), (x2, y2) = piece.coords[0][:2], piece.coords[1][:2]
    if draft.round_at is not None:
        x0, y0 = draft.round_at
        backwards = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) < 0
    else:
        backwards = draft.line.project(piece.interpolate(0.45, normalized=True)) > draft.line.project(
            piece.interpolate(0.55, normalized=True)
        )
    return piece.reverse() if backwards else piece


def _name_drafts(
    profile: Profile, drafts: list[Draft], owners: list[int], communes: list[str], seed: int
) -> dict[int, str]:
    """Name every whole street once, first those the profile names, so that no generated name repeats them."""
    streets: dict[int, Draft] = {}
    for draft in drafts:
        streets.setdefault(id(draft.whole), draft)
    crossed: dict[int, set[str]] = defaultdict(set)
    for owner, commune in zip(owners, communes, strict=True):
        if commune:
            crossed[id(drafts[owner].whole)].add(commune)
    namer = Namer(profile.names, stream(seed, "names"))
    named: dict[int, str] = {}
    for street, draft in streets.items():
        if draft.name:
            named[street] = draft.name
            namer.take(draft.name, sorted(crossed[street]))
    for kind in ("square", "street", "roundabout"):
        for street, draft in streets.items():
            if draft.name or draft.kind != kind:
                continue
            within = sorted(crossed[street])
            if kind == "square":
                named[street] = namer.square(within)
            elif kind == "roundabout":
                named[street] = namer.roundabout(within)
            else:
                named[street] = namer.street(draft.street_class, draft.fabric, within)
    return {index: named[id(draft.whole)] for index, draft in enumerate(drafts)}


def _segment(piece: LineString, draft: Draft, owner: int, name: str, commune: str, bridge: bool, seed: int) -> Segment:
    speed_kmh = draft.speed_kmh or SPEEDS_KMH[draft.street_class]
    start_m = draft.whole.project(shapely.Point(piece.coords[0]))
    (x1, y1), (x2, y2) = piece.coords[0][:2], piece.coords[-1][:2]
    ends = (round(x1, 2), round(y1, 2)), (round(x2, 2), round(y2, 2))
    middle = piece.interpolate(0.5, normalized=True)
    identifier = stable_id(seed, *(f"{x:.0f},{y:.0f}" for x, y in (*sorted(ends), (middle.x, middle.y))))
    return Segment(
        f"r{identifier}",
        piece,
        draft.street_class,
        name,
        commune,
        draft.fabric,
        draft.one_way,
        bool(bridge),
        speed_kmh,
        owner,
        start_m,
        draft.kind,
        ends,
    )


def _without_doubles(segments: Iterable[Segment]) -> list[Segment]:
    """Order by identifier, and drop what lies on another segment to the metre."""
    unique = {segment.id: segment for segment in segments}
    return [unique[identifier] for identifier in sorted(unique)]


def _connected(segments: list[Segment]) -> list[Segment]:
    """Keep the largest part that hangs together."""
    graph: nx.Graph[Metres] = nx.Graph()
    graph.add_edges_from(segment.ends for segment in segments)
    main = max(nx.connected_components(graph), key=len)
    return [segment for segment in segments if segment.ends[0] in main]


def _passable(segments: list[Segment]) -> list[Segment]:
    """Open one-way streets to both directions where they would shut somebody in, until all can reach all."""
    while True:
        graph: nx.DiGraph[Metres] = nx.DiGraph()
        for segment in segments:
            start, end = segment.ends
            graph.add_edge(start, end)
            if not segment.one_way:
                graph.add_edge(end, start)
        main = max(nx.strongly_connected_components(graph), key=len)
        if len(main) == graph.number_of_nodes():
            return segments
        shut = [segment.one_way and not (segment.ends[0] in main and segment.ends[1] in main) for segment in segments]
        segments = [
            replace(segment, one_way=False) if closed else segment
            for segment, closed in zip(segments, shut, strict=True)
        ]


def _seconds(segment: Segment) -> float:
    """Time to drive a segment; footways are crossed at walking pace."""
    speed_kmh = WALK_KMH if segment.street_class == "pedestrian" else segment.speed_kmh
    return segment.line.length / (speed_kmh / 3.6)


def nodes_of(network: Network) -> tuple[list[Metres], Floats]:
    """Return the crossings, in a fixed order, as points and as an array."""
    nodes = sorted({end for segment in network.segments for end in segment.ends})
    return nodes, np.array(nodes)

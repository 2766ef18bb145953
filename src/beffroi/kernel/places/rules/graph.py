"""Shortest ways on the network for one kind of vehicle, with what is closed: scipy's Dijkstra on rows of neighbours. Pure.

A cost is seconds, plus `CLOSED` for each closed stretch entered: so a way that avoids closures comes before any that does
not, and a place inside a closed street is still reached, from its open end, at walking pace. Costs only grow when a street
closes, and are what they were when it opens again.

Positions lie along stretches: what is asked is added to the graph as one more node, joined to the ends of its stretch by
the parts of it that may be driven. Nothing is rebuilt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from beffroi.kernel.places.rules.network import Flags, Floats, Ints, Network, Snapped
from beffroi.kernel.places.rules.roads import WALK_KMH
from beffroi.kernel.places.types import Position, Travel, Unreached, Vehicle, Way

CLOSED = 1e6
"""What a closed stretch costs beside its seconds: more than any way across a city, and a double still tells microseconds."""

WALK_MS = WALK_KMH / 3.6
_AT_ONCE = 200
"""Origins of a matrix in one pass: 12,000 junctions x 200 x 8 bytes are 20 MB."""


@dataclass(frozen=True, slots=True)
class _Slots:
    """The pairs of neighbours, in the order of the rows: which directed stretches join each (several may)."""

    edges: Ints
    starts: Ints
    keys: Ints
    row: Ints
    column: Ints


class Roads:
    """The network as one kind of vehicle finds it. Made once for each; what is closed is put on it by `graph`."""

    def __init__(self, network: Network, vehicle: Vehicle) -> None:
        self.network, self.vehicle = network, vehicle
        self.along_s, self.against_s = network.seconds(vehicle)
        self.slots = self._slots()

    def _slots(self) -> _Slots:
        """Number each stretch along its line, then each against it, and put those that may be driven in rows."""
        net = self.network
        tails, heads = np.concatenate((net.tail, net.head)), np.concatenate((net.head, net.tail))
        open_to_us = np.isfinite(np.concatenate((self.along_s, self.against_s)))
        edges = np.flatnonzero(open_to_us & (tails != heads))
        keys = tails[edges] * net.junctions + heads[edges]
        order = np.argsort(keys, kind="stable")
        edges, keys = edges[order], keys[order]
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else edges
        return _Slots(edges, starts, keys[starts], tails[edges[starts]], heads[edges[starts]])

    def graph(self, closed: Collection[int] = ()) -> Graph:
        """Return the weights with these stretches closed, by their place in the network."""
        flags: Flags = np.zeros(len(self.network), dtype=bool)
        flags[list(closed)] = True
        return Graph(self, flags)


class Graph:
    """Weights of one instant: what is open and what is closed, for one kind of vehicle."""

    def __init__(self, roads: Roads, closed: Flags) -> None:
        self.roads, self.closed = roads, closed
        network = roads.network
        walked = network.length_m / WALK_MS
        self.along_s: Floats = np.where(closed, np.maximum(walked, roads.along_s), roads.along_s)
        self.against_s: Floats = np.where(closed, np.maximum(walked, roads.against_s), roads.against_s)
        self._extra: Floats = np.where(closed, CLOSED, 0.0)
        self._costs = np.concatenate((self.along_s + self._extra, self.against_s + self._extra))
        slots = roads.slots
        costs = np.minimum.reduceat(self._costs[slots.edges], slots.starts) if len(slots.starts) else np.zeros(0)
        shape = (network.junctions, network.junctions)
        self._forth = csr_array((costs, (slots.row, slots.column)), shape=shape)
        self._back = csr_array((costs, (slots.column, slots.row)), shape=shape)

    def travels(self, origins: Snapped, to: Snapped) -> tuple[Travel, ...]:
        """Return how long it takes from each origin to one place: one search, backwards from it."""
        if not len(self.roads.network):
            return (Travel(None, reason=Unreached.NO_STREETS),) * len(origins)
        found = self._search(self._back, to, self._entries(to))
        costs = self._met(found, origins, self._exits(origins))[0]
        return self._told(np.minimum(costs, self._direct(origins, to)), origins, to)

    def matrix(self, origins: Snapped, destinations: Snapped) -> Floats:
        """Return the seconds from each origin (row) to each destination (column); infinite where there is no way."""
        walk = origins.off_m[:, None] / WALK_MS + destinations.off_m[None, :] / WALK_MS
        if not len(self.roads.network):
            return np.full((len(origins), len(destinations)), np.inf)
        backwards = len(destinations) < len(origins)
        graph, near, far = (self._back, destinations, origins) if backwards else (self._forth, origins, destinations)
        rows = []
        for start in range(0, len(near), _AT_ONCE):
            part = _part(near, slice(start, start + _AT_ONCE))
            found = self._search(graph, part, self._entries(part) if backwards else self._exits(part))
            costs = self._met(found, far, self._exits(far) if backwards else self._entries(far))
            direct = self._direct_all(far, part).T if backwards else self._direct_all(part, far)
            rows.append(np.minimum(costs, direct))
        costs = np.concatenate(rows) if rows else np.zeros((0, len(far)))
        reached = np.isfinite(costs)
        np.remainder(costs, CLOSED, out=costs, where=reached)
        seconds: Floats = (costs.T if backwards else costs) + walk
        return seconds

    def way(self, origin: Snapped, to: Snapped) -> Way | Unreached:
        """Return the quickest way between two places, or why there is none."""
        if not len(self.roads.network):
            return Unreached.NO_STREETS
        if origin.segment[0] < 0 or to.segment[0] < 0:
            return Unreached.OFF_NETWORK
        junctions = self.roads.network.junctions
        widened = self._widened(self._forth, origin, self._exits(origin))
        found: Any = dijkstra(widened, indices=[junctions], return_predecessors=True)
        reached, before = found[0][0], found[1][0]
        ends, entries = self._entries(to)
        costs = reached[ends[:, 0]] + entries[:, 0]
        direct = float(self._direct(origin, to)[0])
        if not np.isfinite(min(float(costs.min()), direct)):
            return Unreached.DISCONNECTED
        if direct <= costs.min():
            parts = [(int(to.segment[0]), float(origin.share[0]), float(to.share[0]))]
        else:
            parts = self._parts(before, int(ends[int(costs.argmin()), 0]), origin, to)
        return self._drawn(parts, min(direct, float(costs.min())), float(origin.off_m[0] + to.off_m[0]))

    def _exits(self, places: Snapped) -> tuple[Ints, Floats]:
        """Return the junctions by which places are left, (2, n): the start of their stretch and its end; and the costs."""
        return self._ends(places, start=self.against_s, end=self.along_s)

    def _entries(self, places: Snapped) -> tuple[Ints, Floats]:
        """Return the junctions by which places are reached, (2, n), and the costs."""
        return self._ends(places, start=self.along_s, end=self.against_s)

    def _ends(self, places: Snapped, *, start: Floats, end: Floats) -> tuple[Ints, Floats]:
        network, segment = self.roads.network, places.segment
        ends = np.stack((network.tail[segment], network.head[segment]))
        shares = np.stack((places.share, 1.0 - places.share))
        costs = self._part_costs(np.stack((start[segment], end[segment])), shares, self._extra[segment])
        return ends, np.where(segment < 0, np.inf, costs)

    @staticmethod
    def _part_costs(seconds: Floats, shares: Floats, extra: Floats) -> Floats:
        """Return what parts of stretches cost; nothing at the junction itself, whichever way the street runs."""
        costs: Floats = np.zeros_like(seconds)
        moves = shares > 0
        np.multiply(seconds, shares, out=costs, where=moves)
        return np.where(moves, costs + extra, 0.0)

    @staticmethod
    def _widened(graph: csr_array, places: Snapped, ends: tuple[Ints, Floats]) -> csr_array:
        """Return the graph with one more node for each place, joined to the junctions that it can reach."""
        junctions, costs = ends
        usable = np.isfinite(costs).T.ravel()
        indices = np.concatenate((graph.indices, junctions.T.ravel()[usable]))
        data = np.concatenate((graph.data, costs.T.ravel()[usable]))
        counts = usable.reshape(-1, 2).sum(axis=1)
        indptr = np.concatenate((graph.indptr, graph.indptr[-1] + np.cumsum(counts)))
        size = len(graph.indptr) - 1 + len(places)
        return csr_array((data, indices, indptr), shape=(size, size))

    def _search(self, graph: csr_array, places: Snapped, ends: tuple[Ints, Floats]) -> Floats:
        """Return the cost from each place to each junction: (places, junctions)."""
        junctions = self.roads.network.junctions
        nodes = np.arange(junctions, junctions + len(places))
        found: Any = dijkstra(self._widened(graph, places, ends), indices=nodes)
        reached: Floats = found[:, :junctions]
        return reached

    @staticmethod
    def _met(found: Floats, places: Snapped, ends: tuple[Ints, Floats]) -> Floats:
        """Join what was found at junctions with the last parts: (rows of `found`, places)."""
        junctions, costs = ends
        met: Floats = np.minimum(found[:, junctions[0]] + costs[0], found[:, junctions[1]] + costs[1])
        return met

    def _direct(self, origins: Snapped, to: Snapped) -> Floats:
        """Return what it costs along the stretch that an origin shares with the place; infinite elsewhere."""
        return self._direct_all(origins, to)[:, 0]

    def _direct_all(self, origins: Snapped, to: Snapped) -> Floats:
        """Return what it costs along a shared stretch, (origins, destinations); infinite where none is shared."""
        costs: Floats = np.full((len(origins), len(to)), np.inf)
        here, there = np.nonzero((origins.segment[:, None] == to.segment[None, :]) & (origins.segment[:, None] >= 0))
        segment = origins.segment[here]
        ahead = to.share[there] - origins.share[here]
        seconds = np.where(ahead >= 0, self.along_s[segment], self.against_s[segment])
        costs[here, there] = self._part_costs(seconds, np.abs(ahead), self._extra[segment])
        return costs

    @staticmethod
    def _told(costs: Floats, origins: Snapped, to: Snapped) -> tuple[Travel, ...]:
        walked_s = (origins.off_m + to.off_m[0]) / WALK_MS
        off = (origins.segment < 0) | (to.segment[0] < 0)
        return tuple(
            Travel(None, reason=Unreached.OFF_NETWORK if away else Unreached.DISCONNECTED)
            if not np.isfinite(cost)
            else Travel(float(cost % CLOSED + walked), int(cost // CLOSED))
            for cost, walked, away in zip(costs.tolist(), walked_s.tolist(), off.tolist(), strict=True)
        )

    def _parts(self, before: Ints, last: int, origin: Snapped, to: Snapped) -> list[tuple[int, float, float]]:
        """Walk back from the last junction; return the stretches in order, each with the shares at which it is taken."""
        network = self.roads.network
        nodes = [last]
        while (previous := int(before[nodes[-1]])) != network.junctions:
            nodes.append(previous)
        nodes.reverse()
        leaving, arriving = int(origin.segment[0]), int(to.segment[0])
        first = self._side(leaving, float(origin.share[0]), nodes[0], self._exits(origin))
        final = self._side(arriving, float(to.share[0]), nodes[-1], self._entries(to))
        parts = [(leaving, float(origin.share[0]), first)]
        for tail, head in pairwise(nodes):
            edge = self._edge(tail, head)
            place = edge % len(network)
            parts.append((place, 0.0, 1.0) if edge < len(network) else (place, 1.0, 0.0))
        return [*parts, (arriving, final, float(to.share[0]))]

    def _side(self, segment: int, share: float, node: int, ends: tuple[Ints, Floats]) -> float:
        """Return at which end (0 or 1) a stretch is left or entered; on a loop both are the same junction."""
        junctions, costs = ends
        sides = [side for side in (0, 1) if int(junctions[side, 0]) == node]
        return float(min(sides, key=lambda side: float(costs[side, 0])))

    def _edge(self, tail: int, head: int) -> int:
        """Return the cheapest directed stretch from one junction to the next."""
        slots = self.roads.slots
        found = int(np.searchsorted(slots.keys, tail * self.roads.network.junctions + head))
        end = slots.starts[found + 1] if found + 1 < len(slots.starts) else len(slots.edges)
        edges = slots.edges[slots.starts[found] : end]
        return int(edges[int(self._costs[edges].argmin())])

    def _drawn(self, parts: Sequence[tuple[int, float, float]], cost: float, walked_m: float) -> Way:
        network = self.roads.network
        moved = [part for part in parts if part[1] != part[2]] or list(parts[:1])
        line: list[Position] = []
        streets: list[str] = []
        closed: list[str] = []
        for place, start, end in moved:
            drawn = network.stretch(place, start, end)
            line.extend(drawn[1:] if line else drawn)
            name = network.segments[place].name
            if name and (not streets or streets[-1] != name):
                streets.append(name)
            if self.closed[place] and start != end and name not in closed:
                closed.append(name)
        metres = sum(abs(end - start) * float(network.length_m[place]) for place, start, end in moved)
        seconds = cost % CLOSED + walked_m / WALK_MS
        return Way(metres, seconds, tuple(line), tuple(streets), walked_m, tuple(closed))


def _part(places: Snapped, which: slice) -> Snapped:
    return Snapped(places.segment[which], places.share[which], places.off_m[which])

"""Travel times on the streets of the generated city: `python -m bench.routing`. Prints figures, and asserts none.

The streets are drawn from the profile and the seed and read from the file that a city would import; then: how long the
network takes to stand in memory, the nearest of N units, a matrix, a way, a closure that begins to count. Beside it, and
on the same graph, the shortest paths of networkx: the time of one search, and the largest difference between the two.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np

from beffroi.foundation.geo import to_metres
from beffroi.kernel.places.rules import road_class
from beffroi.kernel.places.rules.graph import Roads
from beffroi.kernel.places.rules.network import Floats, Network, Snapped
from beffroi.kernel.places.types import RoadClass, Segment, Vehicle
from beffroi.rehearsal.generator import export
from beffroi.rehearsal.generator.geometry import Plane
from beffroi.rehearsal.generator.network import build_network
from beffroi.rehearsal.generator.profile import load_profile
from beffroi.rehearsal.generator.streets import draw_streets
from beffroi.rehearsal.generator.territory import build_territory


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="dijon")
    parser.add_argument("--seed", type=int, default=21231)
    parser.add_argument("--streets", type=Path, help="A file of streets instead of the generated ones.")
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--side", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = asked.streets or _drawn(asked.profile, asked.seed, Path(folder))
        began = time.perf_counter()
        network = _read(file)
        print(f"{len(network):,} stretches, {network.junctions:,} junctions, {network.length_m.sum() / 1000:,.0f} km")
        print(f"read and joined           {time.perf_counter() - began:8.2f} s")
    began = time.perf_counter()
    roads = Roads(network, Vehicle.VAN)
    graph = roads.graph()
    print(f"weights of one vehicle    {1000 * (time.perf_counter() - began):8.1f} ms")
    rng = np.random.default_rng(asked.seed)
    units, there = _places(network, rng, asked.units), _places(network, rng, 1)
    graph.travels(units.at, there.at)

    _print(f"nearest of {asked.units} units", asked.rounds, lambda: graph.travels(units.again(), there.again()))
    _print("way, drawn and named", asked.rounds, lambda: graph.way(there.again(), _one(units.at, 0)))
    _print("closure: new weights", asked.rounds, lambda: roads.graph(rng.integers(0, len(network), 5).tolist()))
    many, others = _places(network, rng, asked.side), _places(network, rng, asked.side)
    _print(f"matrix {asked.side} x {asked.side}", 3, lambda: graph.matrix(many.again(), others.again()))
    _compare(network, roads, graph.travels(units.at, there.at), units, there)


class _Places:
    """Positions in metres, and where they lie; `again` puts them on the streets anew, as each question does."""

    def __init__(self, network: Network, x_m: Floats, y_m: Floats) -> None:
        self.network, self.x_m, self.y_m = network, x_m, y_m
        self.at = self.again()

    def again(self) -> Snapped:
        return self.network.snap(self.x_m, self.y_m, Vehicle.VAN)


def _places(network: Network, rng: np.random.Generator, count: int) -> _Places:
    """Draw positions at some metres from streets."""
    ends = np.array([network.metres[place][0] for place in rng.integers(0, len(network), count)])
    x_m, y_m = (ends + rng.normal(0, 15, ends.shape)).T
    return _Places(network, x_m, y_m)


def _one(places: Snapped, which: int) -> Snapped:
    part = slice(which, which + 1)
    return Snapped(places.segment[part], places.share[part], places.off_m[part])


def _print(what: str, rounds: int, act: Callable[[], object]) -> None:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - began))
    print(f"{what:25} {statistics.median(took):8.1f} ms (most {max(took):.1f})")


def _compare(network: Network, roads: Roads, ours: tuple[object, ...], units: _Places, there: _Places) -> None:
    """Ask networkx the same, from junction to junction, on a graph built from the stretches."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for place in range(len(network)):
        ends = int(network.tail[place]), int(network.head[place])
        for (a, b), seconds in ((ends, roads.along_s[place]), (ends[::-1], roads.against_s[place])):
            if np.isfinite(seconds) and seconds < graph.get_edge_data(a, b, {"s": np.inf})["s"]:
                graph.add_edge(a, b, s=float(seconds))
    at = np.zeros(len(units.at))
    tails = network.tail[units.at.segment]
    from_tails = Snapped(units.at.segment, at, at)
    place = int(there.at.segment[0])
    found = roads.graph().travels(from_tails, Snapped(there.at.segment, at[:1], at[:1]))
    began = time.perf_counter()
    theirs = nx.single_source_dijkstra_path_length(graph.reverse(copy=False), int(network.tail[place]), weight="s")
    took = time.perf_counter() - began
    apart = [
        abs((each.seconds if each.seconds is not None else np.inf) - theirs.get(int(tail), np.inf))
        for each, tail in zip(found, tails, strict=True)
    ]
    print(f"networkx, one search      {1000 * took:8.1f} ms; largest difference {max(apart):.2e} s of {len(apart)}")


def _drawn(profile: str, seed: int, folder: Path) -> Path:
    chosen = load_profile(profile)
    plane = Plane(chosen.centre)
    territory = build_territory(chosen, plane, seed)
    drafts, _blocks = draw_streets(chosen, plane, territory, seed)
    network = build_network(chosen, territory, drafts, seed)
    file = folder / "streets.geojson"
    export.write_streets(file, plane, network.segments)
    return file


def _read(file: Path) -> Network:
    segments = [
        Segment(
            each["properties"]["id"],
            each["properties"]["name"],
            road_class(each["properties"]["class"]) or RoadClass.UNCLASSIFIED,
            each["properties"]["commune"],
            bool(each["properties"]["oneway"]),
            float(each["properties"]["speed_kmh"]),
            tuple((lon, lat) for lon, lat in each["geometry"]["coordinates"]),
        )
        for each in json.loads(file.read_text())["features"]
    ]
    points = np.array([point for segment in segments for point in segment.line])
    metres = np.column_stack(to_metres(points[:, 0], points[:, 1]))
    cuts = np.cumsum([len(segment.line) for segment in segments])[:-1]
    return Network(segments, np.split(metres, cuts))


if __name__ == "__main__":
    main()

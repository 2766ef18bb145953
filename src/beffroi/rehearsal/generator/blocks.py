"""Blocks: the ground between main roads, split again and again across its longer side, with a street in each cut."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.ops import split

from beffroi.rehearsal.generator.drafts import Block, Draft
from beffroi.rehearsal.generator.geometry import Floats, Metres, Random, keep_apart, lines, polygons, stretch
from beffroi.rehearsal.generator.profile import Fabric, Profile
from beffroi.rehearsal.generator.territory import Territory, fabric_of

DEEPEST_CUT = 15
REACH_M = 38.0
"""A new street is moved by as much to continue one that ends across the road: crossings, not staggered junctions."""


class Cutter:
    """Cuts faces into blocks across their longer side until each has the size of its fabric."""

    def __init__(self, profile: Profile, territory: Territory, rng: Random) -> None:
        self._profile, self._territory, self._rng = profile, territory, rng
        self.blocks: list[Block] = []
        self.drafts: list[Draft] = []
        self._ends: dict[tuple[int, int], list[Metres]] = defaultdict(list)

    def cut(self, faces: list[Polygon]) -> tuple[list[Block], list[Draft]]:
        """Cut every face; return the blocks and the streets between them."""
        for face, fabric in zip(faces, fabric_of(self._profile, self._territory, faces), strict=True):
            self._cut(face, fabric, 0)
        return self.blocks, self.drafts

    def _cut(self, shape: Polygon, name: str, depth: int) -> None:
        fabric, rng = self._profile.fabrics[name], self._rng
        if shape.area < fabric.block_m2 * rng.uniform(0.75, 1.5) or depth > DEEPEST_CUT:
            self.blocks.append(Block(shape, name))
            return
        blade = self._continued(shape, _blade(shape, fabric, rng))
        parts = [] if blade is None else [part for part in polygons(split(shape, blade)) if part.area > 60]
        if blade is None or len(parts) < 2:
            self.blocks.append(Block(shape, name))
            return
        streets = [part for part in lines(blade.intersection(shape)) if part.length > 8]
        if shape.area < fabric.block_m2 * 2.6 and rng.uniform() < fabric.dead_ends:
            for street in streets:
                dead_end = stretch(street, 0, 0.6)
                self.drafts.append(Draft(dead_end, "living_street", fabric=name))
            self.blocks.append(Block(shape, name))
            return
        street_class = self._class(shape.area, fabric)
        one_way = street_class in {"residential", "unclassified"} and rng.uniform() < fabric.one_way
        for street in streets:
            line = street if rng.uniform() < 0.5 else street.reverse()
            self.drafts.append(Draft(line, street_class, fabric=name, one_way=bool(one_way)))
            for x, y in (line.coords[0][:2], line.coords[-1][:2]):
                self._ends[int(x // REACH_M), int(y // REACH_M)].append((x, y))
        for part in parts:
            self._cut(part, name, depth + 1)

    def _continued(self, shape: Polygon, blade: LineString | None) -> LineString | None:
        """Move the ends of a blade to streets that end on the edge of the shape, from the other side, within reach."""
        inside = lines(blade.intersection(shape)) if blade is not None else []
        if blade is None or len(inside) != 1 or inside[0].length < 3 * REACH_M:
            return blade
        points = np.asarray(inside[0].coords)[:, :2]
        moved = points.copy()
        for place in (0, -1):
            near = [at for at in self._around(points[place]) if shape.boundary.distance(shapely.Point(at)) < 1]
            if near:
                moved[place] = min(near, key=lambda at: math.dist(at, points[place]))
        if len(moved) == 2 or np.array_equal(moved, points):
            return _lengthened(moved)
        shift = np.linspace(moved[0] - points[0], moved[-1] - points[-1], len(points))
        return _lengthened(points + shift)

    def _around(self, at: Floats) -> list[Metres]:
        """Return known street ends within reach of a point."""
        column, row = int(at[0] // REACH_M), int(at[1] // REACH_M)
        cells = [(column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        return [end for cell in cells for end in self._ends.get(cell, ()) if math.dist(end, at) < REACH_M]

    def _class(self, area_m2: float, fabric: Fabric) -> str:
        """The wider the ground a street divides, the greater the street."""
        if area_m2 < 30_000 and fabric.pedestrian and self._rng.uniform() < fabric.pedestrian:
            return "pedestrian"
        if area_m2 > 420_000:
            return "tertiary"
        return "unclassified" if area_m2 > 140_000 else "residential"


def _blade(shape: Polygon, fabric: Fabric, rng: Random) -> LineString | None:
    """Return the line that cuts a shape across its longer side, a little off centre, off square and bowed."""
    box = shape.minimum_rotated_rectangle
    if not isinstance(box, Polygon):
        return None
    corners = np.asarray(box.exterior.coords)[:, :2]
    along, across = corners[1] - corners[0], corners[2] - corners[1]
    if np.hypot(*along) < np.hypot(*across):
        along, across = across, along
    length, width = float(np.hypot(*along)), float(np.hypot(*across))
    if width < 1:
        return None
    u, v = along / length, across / width
    turn = rng.normal(0, fabric.wobble)
    cos, sin = math.cos(turn), math.sin(turn)
    v = np.array([v[0] * cos - v[1] * sin, v[0] * sin + v[1] * cos])
    middle = corners[:4].mean(0) + u * rng.uniform(-0.11, 0.11) * length
    bow = rng.normal(0, fabric.bow) * width
    return LineString(
        [
            middle - v * width * 1.2,
            middle - v * width * 0.25 + u * bow,
            middle + v * width * 0.25 + u * bow,
            middle + v * width * 1.2,
        ]
    )


def _lengthened(points: Floats) -> LineString:
    """Return the line through points, two metres longer at each end, so that it cuts the edges it comes to."""
    first, last = points[0] - points[1], points[-1] - points[-2]
    start = points[0] + 2 * first / max(float(np.hypot(*first)), 0.01)
    end = points[-1] + 2 * last / max(float(np.hypot(*last)), 0.01)
    return LineString(np.vstack([start, points, end]))


def open_squares(profile: Profile, blocks: list[Block], rng: Random) -> tuple[list[Block], list[Draft]]:
    """Open a few small blocks as squares, each with a footpath across it that bears the square's name."""
    candidates = [
        (index, (block.shape.centroid.x, block.shape.centroid.y))
        for index, block in enumerate(blocks)
        if block.fabric in {"core", "inner", "suburb", "village"} and 1500 < block.shape.area < 9000
    ]
    shuffled = [candidates[place] for place in rng.permutation(len(candidates))]
    chosen = {shuffled[place][0] for place in keep_apart([at for _, at in shuffled], 700, profile.more_squares)}
    paths = []
    for index in sorted(chosen):
        edge = blocks[index].shape.exterior
        start = edge.interpolate(rng.uniform(0, 0.5), normalized=True)
        end = edge.interpolate((edge.project(start) / edge.length + 0.5) % 1, normalized=True)
        middle = blocks[index].shape.representative_point()
        paths.append(Draft(LineString([start, middle, end]), "pedestrian", None, blocks[index].fabric, kind="square"))
    kept = [replace(block, open=True) if index in chosen else block for index, block in enumerate(blocks)]
    return kept, paths

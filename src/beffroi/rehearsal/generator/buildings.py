"""Footprints along the edges of blocks, and the addresses of those that stand on a street."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from beffroi.rehearsal.generator.drafts import Block
from beffroi.rehearsal.generator.geometry import Floats, Metres, Random, polygons, stable_id, stream
from beffroi.rehearsal.generator.network import Network
from beffroi.rehearsal.generator.profile import Fabric, Profile

NUMBER_STEP_M = 10.0
"""Numbers grow by two every ten metres, odd on the left."""
FURTHEST_M = 60.0


@dataclass(frozen=True, slots=True)
class Footprints:
    """All buildings of the city: outlines and heights in metres, in the same order."""

    shapes: list[Polygon]
    heights_m: Floats


@dataclass(frozen=True, slots=True)
class Address:
    """A number in a street. The identifier holds as long as the street's place and the number do."""

    id: str
    number: int
    street: str
    commune: str
    at: Metres


def raise_buildings(profile: Profile, blocks: list[Block], seed: int) -> Footprints:
    """Build along the edges of every closed block in the manner of its fabric."""
    rng = stream(seed, "buildings")
    corners, heights = [], []
    for block in blocks:
        if block.open:
            continue
        fabric = profile.fabrics[block.fabric]
        facade = block.shape.buffer(-(fabric.setback_m + fabric.depth_m / 2), join_style="mitre")
        for part in polygons(facade):
            boxes = _row(LineString(part.exterior.coords), fabric, rng)
            corners.append(boxes)
            heights.append(rng.uniform(*fabric.height_m, len(boxes)))
    return Footprints([Polygon(box) for box in np.concatenate(corners)], np.concatenate(heights).round(1))


def _row(edge: LineString, fabric: Fabric, rng: Random) -> Floats:
    """Return the corners (n x 5 x 2) of the buildings set side by side along an edge; none stands across a corner."""
    count = int(edge.length / fabric.width_m[0]) + 1
    widths = rng.uniform(*fabric.width_m, count)
    gaps = rng.uniform(*fabric.gap_m, count) * (rng.uniform(size=count) >= fabric.terraced)
    starts = np.concatenate([[0.0], np.cumsum(widths + gaps)[:-1]])
    fits = starts + widths <= edge.length
    starts, widths = starts[fits], widths[fits]
    first = shapely.get_coordinates(shapely.line_interpolate_point(edge, starts))
    last = shapely.get_coordinates(shapely.line_interpolate_point(edge, starts + widths))
    along = last - first
    lengths = np.hypot(along[:, 0], along[:, 1])
    straight = lengths > widths * 0.93
    first, last, along, lengths = first[straight], last[straight], along[straight], lengths[straight]
    middle = (first + last) / 2
    half = along * (widths[straight] * 0.49 / lengths)[:, None]
    deep = np.c_[-along[:, 1], along[:, 0]] / lengths[:, None] * fabric.depth_m / 2
    ring = [
        middle - half - deep,
        middle + half - deep,
        middle + half + deep,
        middle - half + deep,
        middle - half - deep,
    ]
    return np.stack(ring, axis=1)


def number_buildings(network: Network, footprints: Footprints, seed: int) -> list[Address]:
    """Give a number to each building that stands within reach of a street: 2 x distance / 10 m, odd left, even right."""
    streets = [
        segment for segment in network.segments if segment.street_class != "motorway" and segment.kind != "roundabout"
    ]
    axes = np.array([segment.line for segment in streets])
    centres = shapely.centroid(np.array(footprints.shapes))
    nearest = shapely.STRtree(axes).nearest(centres)
    along = shapely.line_locate_point(axes[nearest], centres)
    doors = shapely.get_coordinates(shapely.line_interpolate_point(axes[nearest], along))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(axes[nearest], along + 1))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(axes[nearest], np.maximum(along - 1, 0)))
    towards = shapely.get_coordinates(centres) - doors
    distance = np.hypot(towards[:, 0], towards[:, 1])
    heading = ahead - behind
    left = heading[:, 0] * towards[:, 1] - heading[:, 1] * towards[:, 0] > 0
    fronts = doors + towards * np.minimum(1, 9 / np.maximum(distance, 0.1))[:, None]
    origin: dict[tuple[str, str], float] = defaultdict(lambda: float("inf"))
    for segment in streets:
        key = (segment.name, segment.commune)
        origin[key] = min(origin[key], segment.start_m)
    found: dict[tuple[str, str, int], Metres] = {}
    for index, place in enumerate(nearest):
        if distance[index] > FURTHEST_M:
            continue
        segment = streets[place]
        run_m = segment.start_m + along[index] - origin[segment.name, segment.commune]
        number = 2 * int(run_m / NUMBER_STEP_M) + (1 if left[index] else 2)
        found.setdefault((segment.commune, segment.name, number), (float(fronts[index, 0]), float(fronts[index, 1])))
    return [
        Address(f"a{stable_id(seed, commune, street, number)}", number, street, commune, at)
        for (commune, street, number), at in sorted(found.items())
    ]

"""The drawing of the streets: the hand-placed skeleton, squares, and blocks cut between them by recursive splitting."""

from __future__ import annotations

from dataclasses import replace

import shapely
from shapely.geometry import LineString, Polygon
from shapely.ops import polygonize

from beffroi.rehearsal.generator.blocks import Cutter, open_squares
from beffroi.rehearsal.generator.drafts import RANKS, Block, Draft
from beffroi.rehearsal.generator.geometry import (
    Metres,
    Plane,
    Random,
    keep_apart,
    lines,
    point,
    polygons,
    smooth,
    stream,
    stretch,
)
from beffroi.rehearsal.generator.joining import join_streets
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

SMALLEST_FACE_M2 = 1500
ATTACH_M = 160.0


def draw_streets(profile: Profile, plane: Plane, territory: Territory, seed: int) -> tuple[list[Draft], list[Block]]:
    """Return all streets as drawn, and the blocks between them."""
    skeleton = _skeleton(profile, plane, territory)
    blocks, infill = Cutter(profile, territory, stream(seed, "blocks")).cut(_faces(skeleton, territory))
    blocks, crossings = open_squares(profile, blocks, stream(seed, "squares"))
    drafts = _roundabouts(profile, territory, skeleton + join_streets(infill) + crossings, stream(seed, "roundabouts"))
    return drafts, blocks


def _skeleton(profile: Profile, plane: Plane, territory: Territory) -> list[Draft]:
    """Hand-placed roads and rings, interrupted by the squares, whose edges carry the traffic round."""
    drafts = []
    for ring in profile.rings:
        whole, parts = smooth(plane.line(ring.points)), len(ring.names)
        for index, name in enumerate(ring.names):
            piece = stretch(whole, index / parts, (index + 1) / parts)
            drafts.append(Draft(piece, "primary", name))
    for road in profile.roads:
        line = smooth(plane.line(road.points), road.smooth)
        drafts.append(Draft(line, road.road_class, road.name, speed_kmh=road.speed_kmh))
    drafts = _attached(drafts, first=sum(len(ring.names) for ring in profile.rings))
    squares = shapely.union_all([shape for _, shape in territory.squares])
    cut = [draft.part(part) for draft in drafts for part in lines(draft.line.difference(squares)) if part.length > 4]
    for name, shape in territory.squares:
        edge = shape.exterior
        busy = any(draft.street_class != "pedestrian" and draft.line.distance(edge) < 1 for draft in cut)
        cut.append(Draft(LineString(edge.coords), "tertiary" if busy else "pedestrian", name, "core", kind="square"))
    return cut


def _attached(drafts: list[Draft], first: int) -> list[Draft]:
    """Lengthen the roads from place `first` on that stop just short of another one: hand-placed points never quite meet."""
    done = list(drafts)
    for index in range(first, len(done)):
        others = shapely.union_all([draft.line for place, draft in enumerate(done) if place != index])
        points = list(done[index].line.coords)
        for end in (0, -1):
            here = shapely.Point(points[end])
            gap_m = here.distance(others)
            if 0.3 < gap_m < ATTACH_M:
                there = shapely.shortest_line(here, others).coords[1]
                points = [there, *points] if end == 0 else [*points, there]
        done[index] = replace(done[index], line=LineString(points))
    return done


def _faces(skeleton: list[Draft], territory: Territory) -> list[Polygon]:
    """Return the built-up ground between the skeleton's roads, without what is closed to streets."""
    network = shapely.union_all([draft.line for draft in skeleton] + [territory.built.boundary])
    inside = [face for face in polygonize(network) if face.representative_point().within(territory.built)]
    return [
        part for face in inside for part in polygons(face.difference(territory.closed)) if part.area > SMALLEST_FACE_M2
    ]


def _roundabouts(profile: Profile, territory: Territory, drafts: list[Draft], rng: Random) -> list[Draft]:
    """Replace some crossings of main roads outside the old town by rings driven anticlockwise."""
    main = [draft for draft in drafts if draft.street_class in {"secondary", "tertiary"} and draft.kind == "street"]
    crossings: dict[tuple[int, int], tuple[float, Metres, int]] = {}
    tree = shapely.STRtree([draft.line for draft in main])
    first, second = tree.query([draft.line for draft in main], predicate="intersects")
    for one, other in zip(first, second, strict=True):
        if one >= other:
            continue
        for at in shapely.get_parts(main[one].line.intersection(main[other].line)):
            rank = RANKS[main[one].street_class] + RANKS[main[other].street_class]
            key = (round(at.centroid.x / 40), round(at.centroid.y / 40))
            crossings.setdefault(key, (rank + rng.uniform(), (at.centroid.x, at.centroid.y), rank))
    avoid = shapely.union_all(
        [territory.core.buffer(150), territory.crossed.buffer(30)]
        + [draft.line.buffer(90) for draft in drafts if draft.street_class in {"motorway", "primary"}]
    )
    shapely.prepare(avoid)
    ranked = sorted((each for each in crossings.values() if not avoid.contains(point(each[1]))), reverse=True)
    count = min(profile.roundabouts, len(ranked))
    discs = []
    for place in keep_apart([at for _, at, _ in ranked], 300, count):
        _, at, rank = ranked[place]
        radius_m = 24 if rank >= 6 else 17
        discs.append((at, point(at).buffer(radius_m, quad_segs=5), "secondary" if rank >= 5 else "tertiary"))
    return _with_discs(drafts, discs)


def _with_discs(drafts: list[Draft], discs: list[tuple[Metres, Polygon, str]]) -> list[Draft]:
    """Cut every street at the discs' edges and add the edges as one-way rings."""
    tree = shapely.STRtree([disc for _, disc, _ in discs])
    changed: list[Draft] = []
    for draft in drafts:
        touched = [discs[index][1] for index in tree.query(draft.line, predicate="intersects")]
        if not touched:
            changed.append(draft)
            continue
        rest = lines(draft.line.difference(shapely.union_all(touched)))
        changed += [draft.part(part) for part in rest if part.length > 4]
    for at, disc, street_class in discs:
        edge = LineString(shapely.geometry.polygon.orient(disc, 1.0).exterior.coords)
        changed.append(Draft(edge, street_class, None, "suburb", 30, True, at, kind="roundabout"))
    return changed

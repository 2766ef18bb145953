"""The ground: commune limits, water, railways, built-up areas, parks, zones. In metres around the centre."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import Voronoi
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.prepared import prep

from beffroi.rehearsal.generator.geometry import Floats, Metres, Plane, blob, largest, polygons, smooth, stream, warp
from beffroi.rehearsal.generator.profile import Profile

PARCEL_M = 420.0
"""Spacing of the parcels that communes are made of: limits follow parcel edges, as real ones do."""
WAVES = ((3100.0, 170.0), (1150.0, 60.0), (420.0, 20.0))
RAIL_HALF_M = 22.0


@dataclass(frozen=True, slots=True)
class Territory:
    """What streets must respect. `closed` is ground no new street may enter."""

    outline: Polygon
    communes: dict[str, Polygon]
    seats: dict[str, Metres]
    waters: list[tuple[str, str, LineString, BaseGeometry]]
    railways: list[LineString]
    core: Polygon
    built: BaseGeometry
    parks: list[tuple[str, Polygon]]
    squares: list[tuple[str, Polygon]]
    zones: dict[str, BaseGeometry]
    crossed: BaseGeometry
    closed: BaseGeometry

    def commune_of(self, points: Floats) -> list[str]:
        """Return the commune of each point; a point on no commune (outside, or on a sliver) gives ''."""
        names = list(self.communes)
        tree = shapely.STRtree(list(self.communes.values()))
        found = [""] * len(points)
        for point, place in zip(*tree.query(shapely.points(points), predicate="intersects"), strict=True):
            found[point] = names[place]
        return found


def build_territory(profile: Profile, plane: Plane, seed: int) -> Territory:
    """Lay out the ground of a profile."""
    rng = stream(seed, "territory")
    outline, communes = _communes(profile, plane, seed)
    seats = {commune.name: plane.point(commune.at) for commune in profile.communes}
    waters: list[tuple[str, str, LineString, BaseGeometry]] = []
    for water in profile.water:
        axis = smooth(plane.line(water.points), 3 if water.kind == "river" else 2)
        waters.append((water.name, water.kind, axis, axis.buffer(water.width_m / 2)))
    railways = [smooth(plane.line(points)) for points in profile.railways]
    yards: list[BaseGeometry] = [plane.line(yard.points).buffer(yard.width_m / 2) for yard in profile.railyards]
    motorways = [
        smooth(plane.line(road.points), road.smooth).buffer(road.width_m / 2) for road in profile.roads if road.width_m
    ]
    parks = [(park.name, blob(rng, plane.point(park.at), park.radius_m)) for park in profile.parks]
    squares = [(square.name, blob(rng, plane.point(square.at), square.radius_m, 8, 0.15)) for square in profile.squares]
    built = _built(profile, plane, seats, seed)
    zones = _zones(profile, plane, built, seed)
    crossed = shapely.union_all(
        [shape for *_, shape in waters] + [line.buffer(RAIL_HALF_M) for line in railways] + yards
    )
    closed = shapely.union_all([crossed, *motorways, *(park for _, park in parks), *(square for _, square in squares)])
    core = Polygon(smooth(plane.line(profile.rings[0].points)).coords).buffer(0)
    return Territory(
        outline, communes, seats, waters, railways, largest(core), built, parks, squares, zones, crossed, closed
    )


def _communes(profile: Profile, plane: Plane, seed: int) -> tuple[Polygon, dict[str, Polygon]]:
    """Cut the outline into parcels, give each to a seat by power distance, then warp the whole at three scales."""
    rng = stream(seed, "communes")
    rough = largest(Polygon([plane.point(position) for position in profile.outline]).buffer(0))
    west, south, east, north = rough.bounds
    size = min(PARCEL_M, (east - west) / 8)
    grid = [
        (x + rng.uniform(-0.42, 0.42) * size, y + rng.uniform(-0.42, 0.42) * size)
        for x in np.arange(west - 2 * size, east + 2 * size, size)
        for y in np.arange(south - 2 * size, north + 2 * size, size)
    ]
    diagram = Voronoi(np.array(grid))
    seats = np.array([plane.point(commune.at) for commune in profile.communes])
    reach = np.array([150 + 6.6 * math.sqrt(commune.population) for commune in profile.communes])
    owned: dict[int, list[Polygon]] = defaultdict(list)
    for site, region_index in zip(grid, diagram.point_region, strict=True):
        region = diagram.regions[region_index]
        if -1 in region or not region:
            continue
        power = ((seats - np.array(site)) ** 2).sum(1) - reach**2
        owned[int(np.argmin(power))].append(Polygon(diagram.vertices[region]))
    move = warp(rng, WAVES)
    outline = largest(move(rough.segmentize(90)).buffer(0))
    claims: dict[int, BaseGeometry] = {
        owner: move(shapely.union_all(cells).segmentize(90)).buffer(0) for owner, cells in owned.items()
    }
    return outline, _without_islands(profile, outline, claims)


def _without_islands(profile: Profile, outline: Polygon, claims: dict[int, BaseGeometry]) -> dict[str, Polygon]:
    """Keep one piece for each commune; give the others to the neighbour with the longest common limit."""
    main: dict[int, BaseGeometry] = {}
    pieces: list[Polygon] = []
    for owner in sorted(claims):
        parts = sorted(polygons(claims[owner].intersection(outline)), key=lambda part: -part.area)
        if not parts:
            raise ValueError(f"the commune {profile.communes[owner].name} lies outside the outline of its profile")
        main[owner] = parts[0]
        pieces += parts[1:]
    for piece in pieces:
        nearest = max(sorted(main), key=lambda owner: main[owner].intersection(piece.buffer(1)).area)
        main[nearest] = main[nearest].union(piece.buffer(0.05))
    return {profile.communes[owner].name: largest(shape.buffer(0)) for owner, shape in sorted(main.items())}


def _built(profile: Profile, plane: Plane, seats: dict[str, Metres], seed: int) -> BaseGeometry:
    """Built-up areas: the last ring and its faubourgs, one area around each seat by its population, and the profile's own."""
    rng = stream(seed, "built")
    areas: list[BaseGeometry] = []
    if len(profile.rings) > 1:
        areas.append(Polygon(smooth(plane.line(profile.rings[-1].points)).coords).buffer(900))
    for commune in profile.communes:
        if commune.population > 50_000:
            continue
        per_person_m2 = 270 if commune.population < 4000 else 330
        radius_m = math.sqrt(commune.population * per_person_m2 / math.pi) + 130
        areas.append(blob(rng, seats[commune.name], radius_m))
    areas += [blob(rng, plane.point(area.at), area.radius_m) for area in profile.built]
    return shapely.union_all(areas).buffer(60).buffer(-60)


def _zones(profile: Profile, plane: Plane, built: BaseGeometry, seed: int) -> dict[str, BaseGeometry]:
    """Zones by kind; forests and vineyards stop at built-up areas, vineyards at forests."""
    rng = stream(seed, "zones")
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for zone in profile.zones:
        corners, rough = {"forest": (24, 0.4), "vineyard": (18, 0.3), "industrial": (16, 0.2)}.get(
            zone.kind, (16, 0.28)
        )
        shapes[zone.kind].append(blob(rng, plane.point(zone.at), zone.radius_m, corners, rough))
    empty = shapely.GeometryCollection()
    union = {
        kind: shapely.union_all(shapes[kind]) if kind in shapes else empty
        for kind in ("industrial", "estate", "forest", "vineyard")
    }
    union["forest"] = union["forest"].difference(built)
    union["vineyard"] = union["vineyard"].difference(built).difference(union["forest"])
    return union


def fabric_of(profile: Profile, territory: Territory, shapes: list[Polygon]) -> list[str]:
    """Return the fabric of each shape: old town, zone, else by distance to the centre, among those the profile has."""
    core, zones = prep(territory.core), {kind: prep(shape) for kind, shape in territory.zones.items()}
    found = []
    for shape in shapes:
        inside = shape.representative_point()
        distance_m = math.hypot(inside.x, inside.y)
        if core.contains(inside):
            fabric = "core"
        elif zones["industrial"].contains(inside):
            fabric = "industrial"
        elif zones["estate"].contains(inside):
            fabric = "estate"
        elif distance_m < profile.inner_radius_m:
            fabric = "inner"
        else:
            fabric = "suburb" if distance_m < profile.suburb_radius_m else "village"
        found.append(fabric if fabric in profile.fabrics else "village")
    return found

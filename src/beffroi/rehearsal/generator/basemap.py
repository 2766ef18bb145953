"""The basemap: one PMTiles archive of vector tiles, zoom 8 to 14, cut by freestiler. The only file that knows the tool.

Layers and the properties that a style may use: landuse (kind, name), water (kind, name), communes (name, population),
places (name, population, pop), roads_major (rank 2 to 5) and roads_minor (kind, name, rank, oneway, bridge), rail, tram
(line), waterlines (name), blocks (kind), buildings (height_m).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from beffroi.rehearsal.generator.buildings import Footprints
from beffroi.rehearsal.generator.drafts import Block
from beffroi.rehearsal.generator.geometry import Plane, point
from beffroi.rehearsal.generator.lines import Route
from beffroi.rehearsal.generator.network import Network, Segment
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

MIN_ZOOM, MAX_ZOOM = 8, 14
LAYER_ZOOMS = {
    "landuse": (8, 14),
    "water": (8, 14),
    "communes": (8, 14),
    "places": (8, 14),
    "roads_major": (8, 14),
    "roads_minor": (12, 14),
    "rail": (8, 14),
    "tram": (9, 14),
    "waterlines": (9, 14),
    "blocks": (11, 13),
    "buildings": (13, 14),
}
Features = list[tuple[BaseGeometry, dict[str, Any]]]


def basemap_layers(
    profile: Profile,
    plane: Plane,
    territory: Territory,
    network: Network,
    blocks: list[Block],
    footprints: Footprints,
    routes: list[Route],
) -> dict[str, Features]:
    """Return the features of each layer, in metres."""
    roads = [*network.outside, *network.segments]
    return {
        "landuse": _landuse(territory, blocks),
        "water": [(shape, {"kind": kind, "name": name}) for name, kind, _, shape in territory.waters],
        "communes": [
            (territory.communes[commune.name], {"name": commune.name, "population": commune.population})
            for commune in profile.communes
        ],
        "places": [
            (point(territory.seats[commune.name]), {"name": commune.name, "pop": commune.population})
            for commune in profile.communes
        ],
        "roads_major": [_road(segment) for segment in roads if segment.rank >= 2],
        "roads_minor": [_road(segment) for segment in roads if segment.rank < 2],
        "rail": [(line, {"kind": "rail"}) for line in territory.railways],
        "tram": [(route.shape, {"line": route.line}) for route in routes if route.kind == "tram"],
        "waterlines": [(axis, {"name": name}) for name, kind, axis, _ in territory.waters if kind != "lake"],
        "blocks": [(block.shape, {"kind": block.fabric}) for block in blocks if not block.open],
        "buildings": [
            (shape, {"height_m": float(height)})
            for shape, height in zip(footprints.shapes, footprints.heights_m, strict=True)
        ],
    }


def _road(segment: Segment) -> tuple[BaseGeometry, dict[str, Any]]:
    return segment.line, {
        "kind": segment.street_class,
        "name": segment.name,
        "rank": segment.rank,
        "oneway": segment.one_way,
        "bridge": segment.bridge,
    }


def _landuse(territory: Territory, blocks: list[Block]) -> Features:
    """Land use from the widest to the narrowest: a style that draws in this order is right."""
    zones = territory.zones
    features: Features = [
        (
            territory.outline.envelope.buffer(14_000, cap_style="square", join_style="mitre"),
            {"kind": "farmland", "name": ""},
        ),
        (zones["forest"], {"kind": "forest", "name": ""}),
        (zones["vineyard"], {"kind": "vineyard", "name": ""}),
        (territory.built, {"kind": "urban", "name": ""}),
        (zones["industrial"].intersection(territory.built), {"kind": "industrial", "name": ""}),
        (territory.core, {"kind": "core", "name": ""}),
    ]
    features += [(shape, {"kind": "park", "name": name}) for name, shape in territory.parks]
    features += [(shape, {"kind": "square", "name": name}) for name, shape in territory.squares]
    features += [(block.shape, {"kind": "square", "name": ""}) for block in blocks if block.open]
    return features


def write_basemap(path: Path, plane: Plane, layers: dict[str, Features]) -> None:
    """Cut the layers into tiles. Layers without a feature are left out."""
    import freestiler
    import geopandas

    frames = {}
    for name, features in layers.items():
        kept = [(shape, properties) for shape, properties in features if not shape.is_empty]
        if not kept:
            continue
        shapes = plane.to_degrees(shapely.GeometryCollection([shape for shape, _ in kept]))
        columns = {key: [properties[key] for _, properties in kept] for key in kept[0][1]}
        frame = geopandas.GeoDataFrame(columns, geometry=list(shapely.get_parts(shapes)), crs=4326)
        low, high = LAYER_ZOOMS[name]
        frames[name] = freestiler.freestile_layer(frame, min_zoom=low, max_zoom=high)
    path.unlink(missing_ok=True)
    freestiler.freestile(frames, path, min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM, quiet=True)

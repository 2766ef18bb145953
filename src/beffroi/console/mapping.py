"""What the map is drawn from: equipment as columns, the few at once, the many by cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from beffroi.console import reading
from beffroi.console.door import page
from beffroi.foundation.errors import NotFound
from beffroi.foundation.geo import point_to_metres
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import CLASSES

FINE = ("light_point",)
"""Classes so many that they are only drawn from near: they come by cell."""

SLUGS = tuple(CLASSES)
CELL_ZOOM = 14
MOST_IN_CELL = 5_000
_CELLS: int = 1 << CELL_ZOOM
MOST_AT_ONCE = 20_000
Place = tuple[int, str, str, float, float]
"""(id, code, class, longitude, latitude)"""


@require_safe
@page(Verb.SEE, Kind.ASSET)
def map_assets(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Return the equipment that is few enough for one answer, with its condition; at most 20,000, and it says so."""
    places, total = reading.map_places(FINE, MOST_AT_ONCE, viewer=viewer)
    body = columns(places, reading.all_conditions()) | {
        "classes": SLUGS,
        "fine": {"classes": FINE, "zoom": CELL_ZOOM, "url": f"/map/cells/{CELL_ZOOM}/{{x}}/{{y}}.json"},
        "movers": [slug for slug, entry in CLASSES.items() if entry.moves],
        "total": total,
    }
    return _json(body)


@require_safe
@page(Verb.SEE, Kind.ASSET)
def map_cell(request: HttpRequest, viewer: Viewer, x: int, y: int) -> HttpResponse:
    """Return the equipment of the many classes in one cell (web map tile of zoom 14), at most 5,000 of each."""
    if not (0 <= x < _CELLS and 0 <= y < _CELLS):
        raise NotFound("there is no such cell")
    west, north, east, south = cell_bounds(x, y)
    x_m, y_m = point_to_metres((west + east) / 2, (north + south) / 2)
    reach_m = math.dist((x_m, y_m), point_to_metres(west, north))
    within = reading.communes_of(viewer)
    places = [
        (asset.id, asset.code, asset.asset_class, asset.lon, asset.lat)
        for slug in FINE
        for asset, _far in twin.nearest(x_m, y_m, asset_class=slug, within_m=reach_m, limit=MOST_IN_CELL)
        if west <= asset.lon < east and south <= asset.lat < north and (within is None or asset.commune in within)
    ]
    return _json(columns(places, reading.conditions_of([place[0] for place in places])))


def cell_bounds(x: int, y: int) -> tuple[float, float, float, float]:
    """Return west, north, east, south of a web map tile of zoom 14, in degrees."""

    def lat(line: int) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * line / _CELLS))))

    def lon(column: int) -> float:
        return column * 360.0 / _CELLS - 180.0

    return lon(x), lat(y), lon(x + 1), lat(y + 1)


def columns(places: Iterable[Place], conditions: Mapping[int, int]) -> dict[str, Any]:
    """Return places as columns: half the bytes of objects, and quick to read."""
    rows = list(places)
    return {
        "id": [row[0] for row in rows],
        "code": [row[1] for row in rows],
        "class": [SLUGS.index(row[2]) if row[2] in CLASSES else -1 for row in rows],
        "lon": [round(row[3], 6) for row in rows],
        "lat": [round(row[4], 6) for row in rows],
        "condition": [conditions.get(row[0], 0) for row in rows],
    }


def _json(body: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(body), content_type="application/json", headers={"Cache-Control": "no-store"}
    )

"""The way of a crew during a mission: opened for a purpose that is journalled, drawn with its times, kept until a stated day."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from beffroi.console.door import page
from beffroi.console.pictures import place_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant, to_datetime
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.rules import metres_between
from beffroi.kernel.dispatch.types import Mission, Point, TrackPoint
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places

ROWS = 40
"""Times written beside the way at most: more say nothing more, and cover each other on the map."""


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.OPEN, Kind.POSITION)
def track(request: HttpRequest, viewer: Viewer, mission: int) -> HttpResponse:
    """Ask the purpose; with it, write that the way was opened, and draw it once. Nothing keeps the answer."""
    kept = queries.track_kept(mission, seen_by=viewer)
    points: Sequence[TrackPoint] = ()
    purpose = request.POST.get("purpose", "")
    if request.method == "POST":
        points = actions.open_track(mission, purpose=purpose, by=viewer, at=clock.now())
    sees = people.may(viewer, Verb.SEE, Kind.INCIDENT)
    known = incidents.of_ids([kept.mission.incident], seen_by=viewer) if sees else ()
    context: dict[str, Any] = surround(request, viewer) | {
        "kept": kept,
        "it": kept.mission,
        "where": place_words(kept.mission.address, kept.mission.commune),
        "lon": f"{kept.mission.lon:.6f}",
        "lat": f"{kept.mission.lat:.6f}",
        "over": kept.kept_until <= clock.now(),
        "linked": bool(known),
        "opened": request.method == "POST",
        "purpose": purpose.strip(),
        "rows": shown(points, kept.mission),
        "line": json.dumps([[[each.lon, each.lat] for each in points]]) if len(points) > 1 else "",
        "metres": round(length_m(points)),
        "bounds": bounds_of([*((each.lon, each.lat) for each in points), (kept.mission.lon, kept.mission.lat)]),
    }
    response = render(request, "console/track.html", context)
    response["Cache-Control"] = "no-store"
    return response


def shown(points: Sequence[TrackPoint], mission: Mission) -> list[dict[str, Any]]:
    """Return the points whose time is written: the first, the last, those where a step was said, and some between."""
    steps = [
        at for at in (mission.departed_at, mission.arrived_at, mission.safe_at, mission.ended_at) if at is not None
    ]
    rows = []
    for place in chosen([each.at for each in points], steps):
        each = points[place]
        street = places.nearest_segment(each.lon, each.lat)
        rows.append(
            {
                "at": each.at,
                "hour": f"{timezone.localtime(to_datetime(each.at)):%H:%M}",
                "lon": f"{each.lon:.6f}",
                "lat": f"{each.lat:.6f}",
                "street": place_words(street.name, street.commune) if street else "",
                "metres": round(length_m(points[: place + 1])),
            }
        )
    return rows


def chosen(instants: Sequence[Instant], steps: Iterable[Instant]) -> list[int]:
    """Return the places of the points whose time is written, in their order: at most `ROWS`, a minute apart at least."""
    if not instants:
        return []
    near = {min(range(len(instants)), key=lambda place: abs(instants[place] - step)) for step in steps}
    kept = {0, len(instants) - 1, *near}
    apart = max(MINUTE, (instants[-1] - instants[0]) // (ROWS - len(kept)))
    last = instants[0]
    for place, at in enumerate(instants):
        if at - last >= apart:
            kept.add(place)
            last = at
    return sorted(kept)[:ROWS]


def length_m(points: Sequence[TrackPoint]) -> float:
    """Return how long a way is, in metres, from point to point."""
    pairs = itertools.pairwise(points)
    return sum(metres_between(Point(one.lon, one.lat), Point(other.lon, other.lat)) for one, other in pairs)


def bounds_of(places_: Iterable[tuple[float, float]]) -> str:
    """Return the box that holds all of these, as the map reads it: west, south, east, north."""
    found = list(places_)
    lons, lats = [lon for lon, _lat in found], [lat for _lon, lat in found]
    return f"{min(lons):.6f},{min(lats):.6f},{max(lons):.6f},{max(lats):.6f}"

"""The pages of crews, on their phone: a shell that opens without network, its service worker, and the day as it stands.

The shell holds no person's data: the phone's script asks for the day and keeps it (docs/explanation/crews-offline.md).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beffroi.console.build import crew_build, crew_worker
from beffroi.console.crew_day import day_of
from beffroi.console.crew_words import crew_words
from beffroi.console.door import page
from beffroi.foundation import clock
from beffroi.foundation.errors import NotFound
from beffroi.foundation.geo import is_position
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places

NO_STORE = {"Cache-Control": "no-store"}


@require_safe
@page(Verb.REPORT, Kind.MISSION)
def shell(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Give the shell: words, scripts and style. The phone keeps it."""
    get_token(request)  # the cookie with which the phone's script sends its acts
    context = {
        "language": viewer.language,
        "palette": viewer.palette,
        "build": crew_build(),
        "words": crew_words(),
        "person": viewer.username,
    }
    response = render(request, "console/crew.html", context)
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def worker(_request: HttpRequest) -> HttpResponse:
    """Give the service worker, with the list of what it keeps. It is the same for everyone, and holds nothing of anybody."""
    return HttpResponse(
        crew_worker(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@require_safe
@page(Verb.REPORT, Kind.MISSION)
def day(_request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Give all that the phone shows."""
    return JsonResponse(day_of(viewer, clock.now()), headers=NO_STORE)


@require_safe
@page(Verb.REPORT, Kind.MISSION)
def way(request: HttpRequest, viewer: Viewer, mission: int) -> HttpResponse:
    """Give the way to a mission from `?lon=&lat=`, street after street; no street where none leads there.

    Nothing of that position is kept.
    """
    found = dispatch.mission(mission, seen_by=viewer)
    unit = dispatch.unit_of_person(viewer)
    base = (unit.base.lon, unit.base.lat) if unit is not None else (found.lon, found.lat)
    try:
        origin = (float(request.GET.get("lon", "")), float(request.GET.get("lat", "")))
    except ValueError:
        origin = base
    if not is_position(*origin):
        origin = base
    try:
        led = places.way(origin, (found.lon, found.lat), vehicle=unit.vehicle if unit is not None else "car")
    except NotFound:
        return JsonResponse({"metres": 0, "seconds": 0, "streets": [], "closed": []}, headers=NO_STORE)
    told = {"metres": round(led.metres), "seconds": round(led.seconds), "streets": led.streets, "closed": led.closed}
    return JsonResponse(told, headers=NO_STORE)

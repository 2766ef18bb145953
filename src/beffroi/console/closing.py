"""The page of closed streets: a street is found by its name, on the map or from an incident; closed, and opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import streets
from beffroi.console.door import page, wants_json
from beffroi.console.moments import moment_of
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.foundation.geo import is_position
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import actions
from beffroi.kernel.places import queries as places
from beffroi.kernel.places.types import Segment

PICKED_WITHIN_M = 60.0
"""How far from a street one may click, or an incident may stand, for it to be meant."""


@require_safe
@page(Verb.SEE, Kind.PLACE)
def closures(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what is closed, and the form that closes: `?street=` finds, `?segment=`, `?near=` and `?incident=` choose."""
    since = journal.last_seq()
    may_close = people.may(viewer, Verb.CLOSE, Kind.STREET)
    incident = _incident(request, viewer)
    sought = request.GET.get("street", "").strip()[:120]
    segment, looked = _chosen(request, incident) if may_close else (None, False)
    context = surround(request, viewer, since=since) | {
        "closures": streets.render_closures(viewer),
        "over": streets.over(viewer),
        "may_close": may_close,
        "incident": incident,
        "sought": sought,
        "found": places.streets_named(sought) if sought and may_close else (),
        "chosen": streets.chosen(segment) if segment else None,
        "nothing_near": looked and segment is None,
        "durations": streets.durations(),
        **_view(segment, incident),
    }
    return render(request, "console/closures_page.html", context)


@require_POST
@page(Verb.CLOSE, Kind.STREET)
def close(request: HttpRequest, viewer: Viewer, segment: str) -> HttpResponse:
    """Close a stretch of street, or the whole of it."""
    whole = request.POST.get("extent") == "street"
    found = places.street_of(segment) if whole else places.segments([segment])
    if not found:
        raise NotFound(f"there is no street `{segment[:40]}`")
    incident = _incident(request, viewer)
    at = clock.now()
    begins = moment_of(request.POST.get("begins", ""))

    def act() -> None:
        actions.close_street(
            [each.id for each in found], reason=request.POST.get("why", ""), until=_end(request, begins or at),
            begins_at=begins, incident=incident.id if incident else None, by=viewer, at=at,
        )  # fmt: skip

    return _done(request, viewer, act, _("%(street)s est fermée.") % {"street": _name(found[0])})


@require_POST
@page(Verb.REOPEN, Kind.STREET)
def reopen(request: HttpRequest, viewer: Viewer, closure: int) -> HttpResponse:
    """Open again before the end."""
    known = places.closure(closure, at=clock.now())

    def act() -> None:
        actions.reopen_street(closure, reason=request.POST.get("why", ""), by=viewer, at=clock.now())

    said = _("%(street)s est rouverte.") % {"street": known.street or known.commune}
    return _done(request, viewer, act, said)


@require_POST
@page(Verb.CLOSE, Kind.STREET)
def prolong(request: HttpRequest, viewer: Viewer, closure: int) -> HttpResponse:
    """Give a closure another end."""
    at = clock.now()

    def act() -> None:
        actions.prolong_closure(closure, until=_end(request, at), reason=request.POST.get("why", ""), by=viewer, at=at)

    return _done(request, viewer, act, _("La fin de la fermeture est changée."))


def _done(request: HttpRequest, viewer: Viewer, act: Callable[[], object], said: str) -> HttpResponse:
    """Do it and answer: a sentence and the lists as they stand, also to who came second."""
    status = 200
    try:
        act()
    except Conflict as conflict:
        status = conflict.status
        said = {
            "already-closed": _("Cette rue est déjà fermée pour tout ce temps : voyez la liste."),
            "already-reopened": _("Quelqu’un l’a déjà rouverte."),
            "closure-over": _("Cette fermeture est déjà arrivée à sa fin."),
        }.get(conflict.key, _("Quelqu’un a agi avant vous : regardez à nouveau."))
    if wants_json(request):
        seq = journal.last_seq()  # first: what is drawn then holds every line up to it
        answer = {"said": said, "detail": said, "fragments": streets.fragments(viewer), "seq": seq}
        return JsonResponse(answer, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    return HttpResponseRedirect(reverse("console:closures"))


def _incident(request: HttpRequest, viewer: Viewer) -> Incident | None:
    """Return the incident that the address names. Raises NotFound, also for who may not see it."""
    reference = request.GET.get("incident", "")
    return incidents.get(reference, viewer) if reference else None


def _chosen(request: HttpRequest, incident: Incident | None) -> tuple[Segment | None, bool]:
    """Return the stretch that is meant, and whether one was looked for."""
    if named := request.GET.get("segment", ""):
        found = places.segments([named])
        return (found[0] if found else None), True
    near = request.GET.get("near", "")
    lon, _comma, lat = near.partition(",")
    try:
        if near and is_position(float(lon), float(lat)):
            return places.nearest_segment(float(lon), float(lat), PICKED_WITHIN_M), True
    except ValueError:
        return None, True
    if incident is not None and not request.GET.get("street"):
        return places.nearest_segment(incident.lon, incident.lat, PICKED_WITHIN_M), True
    return None, bool(near)


def _view(segment: Segment | None, incident: Incident | None) -> dict[str, Any]:
    """Return where the map opens: on the incident, else on the stretch."""
    if incident is not None:
        return {"lon": f"{incident.lon:.6f}", "lat": f"{incident.lat:.6f}", "zoom": "16"}
    if segment is not None:
        lon, lat = segment.line[len(segment.line) // 2]
        return {"lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "zoom": "15.5"}
    return {"lon": "", "lat": "", "zoom": ""}


def _name(segment: Segment) -> str:
    return segment.name or _("La rue sans nom")


def _end(request: HttpRequest, begins: Instant) -> Instant:
    """Return the end that was given: a date and time of the city, else so many minutes from the beginning."""
    if moment := moment_of(request.POST.get("until", "")):
        return moment
    minutes = request.POST.get("minutes", "")
    if not (minutes.isascii() and minutes.isdigit() and int(minutes[:6]) in streets.MINUTES):
        raise Refused("no end is given: choose until when", key="end-missing")
    return begins + int(minutes) * MINUTE

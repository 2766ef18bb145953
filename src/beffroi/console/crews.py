"""The page of crews: the list twin of the map, by travel time to the incident that is chosen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beffroi.console import crews_out, reading
from beffroi.console.door import page
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.kernel.dispatch import actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import OPEN_STATES
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer


@require_safe
@page(Verb.SEE, Kind.UNIT)
def crews(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show every crew; with `?incident=`, who is nearest to it and why. Who looks at positions is told, once an hour."""
    since = journal.last_seq()
    look(viewer)
    reference = request.GET.get("incident", "")
    chosen = incidents.get(reference, viewer) if reference else None
    sees = people.may(viewer, Verb.SEE, Kind.INCIDENT)
    context = surround(request, viewer, since=since) | {
        "crews": crews_out.page_rows(viewer, chosen),
        "incident": chosen,
        "may_engage": chosen is not None
        and chosen.state in OPEN_STATES
        and people.may(viewer, Verb.PROPOSE, Kind.MISSION),
        "open_incidents": reading.queue(viewer)[:60] if sees else (),
    }
    return render(request, "console/crews.html", context)


def look(viewer: Viewer) -> None:
    """Tell that this person looks at where crews are, if they may see it."""
    if people.may(viewer, Verb.SEE, Kind.POSITION):
        actions.look_at_positions(by=viewer, at=clock.now())

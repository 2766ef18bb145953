"""The situation page, an incident's page and panel, the help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from beffroi.console import crews, crews_out, frames, gathering, reading, streets
from beffroi.console.door import page
from beffroi.console.pictures import row_order
from beffroi.console.surround import MAP_LIVE, surround
from beffroi.foundation.errors import BeffroiError, NotFound
from beffroi.foundation.geo import is_position
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Group
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer

VIEWS = {
    "": _("Ma file"),
    "ours": _("Ma salle"),
    "asked": _("Proposés à nous"),
    "late": _("Hors délai"),
}
"""Views of the queue. Its rows say of themselves whether they are in one, so that frames need not know which is chosen."""


@require_safe
@page(Verb.SEE, Kind.SITUATION)
def situation(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the queue, the map and the panel of the incident that `?incident=` names. `?at=lon,lat` centres the map."""
    since = journal.last_seq()
    crews.look(viewer)
    chosen = request.GET.get("incident", "")
    opened = reading.queue(viewer)
    selected = next((incident for incident in opened if incident.reference == chosen), None)
    if chosen and selected is None:
        selected = _maybe(chosen, viewer)
    groups = gathering.groups_of(viewer)
    group = next((each for each in groups if each.key == request.GET.get("group")), None)
    detail = frames.render_detail(reading.detail(selected, viewer), viewer) if selected else ""
    if group is not None and not selected:
        detail = gathering.render_group_panel(group, viewer, since=since)
    context = surround(request, viewer, since=since, live=MAP_LIVE) | {
        "rows": _rows(opened, selected, groups, group, viewer),
        "flood": frames.render_flood(reading.counts(viewer), groups, viewer),
        "detail": detail,
        **_first_view(request),
        "closed_streets": streets.render_closed(viewer),
        "crews_out": crews_out.render_out(viewer),
        "views": [(name, str(label)) for name, label in VIEWS.items()],
        "view": request.GET.get("view", "") if request.GET.get("view", "") in VIEWS else "",
    }
    return render(request, "console/situation.html", context)


@require_safe
@page(Verb.SEE, Kind.INCIDENT)
def incident(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Show one incident on a page of its own, open or closed."""
    since = journal.last_seq()
    found = incidents.get(reference, viewer)
    context = surround(request, viewer, since=since, live=MAP_LIVE) | {
        "incident": found,
        "detail": frames.render_detail(reading.detail(found, viewer), viewer),
        "lon": f"{found.lon:.6f}",
        "lat": f"{found.lat:.6f}",
    }
    return render(request, "console/incident.html", context)


@require_safe
@page(Verb.SEE, Kind.INCIDENT)
def incident_print(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Show one incident as it goes on paper: its facts, its times and its journal, the oldest line first."""
    found = incidents.get(reference, viewer)
    detail = reading.detail(found, viewer)
    context = surround(request, viewer) | frames.detail_context(detail, viewer)
    context["lines"] = context["lines"][::-1]
    return render(request, "console/incident_print.html", context)


@require_safe
@page(Verb.SEE, Kind.INCIDENT)
def incident_panel(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Return an incident's panel alone: what a page asks for when its row changed."""
    found = incidents.get(reference, viewer)
    return HttpResponse(
        frames.render_detail(reading.detail(found, viewer), viewer), headers={"Cache-Control": "no-store"}
    )


@require_safe
@page()
def help_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Explain the screen, the keys and the life of an incident."""
    return render(request, "console/help.html", surround(request, viewer))


def _rows(
    opened: Sequence[Incident],
    selected: Incident | None,
    groups: Sequence[Group],
    group: Group | None,
    viewer: Viewer,
) -> list[SafeString]:
    """Return the queue's rows in their order, those of groups among those of incidents: the page shows one or the other."""
    marks = alarms.marks(alarm for each in opened for alarm in each.alarm_ids)
    crews = dispatch.crews_of(each.id for each in opened)
    rows = [
        (row_order(each), frames.render_incident_row(each, viewer, selected=each == selected, marks=marks, crews=crews))
        for each in opened
    ]
    rows += [
        (gathering.row_order(each), html) for each, html in gathering.render_group_rows(groups, viewer, selected=group)
    ]
    return [html for _order, html in sorted(rows, key=lambda row: row[0])]


def _maybe(reference: str, viewer: Viewer) -> Any:
    try:
        return incidents.get(reference, viewer)
    except BeffroiError:
        return None


def _first_view(request: HttpRequest) -> dict[str, str]:
    """Return where the map opens, from `?at=lon,lat`; nothing for what is no position."""
    lon, _comma, lat = request.GET.get("at", "").partition(",")
    try:
        if is_position(float(lon), float(lat)):
            return {"at_lon": f"{float(lon):.6f}", "at_lat": f"{float(lat):.6f}"}
    except ValueError:
        pass
    return {}


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an address that leads nowhere, in the console's own words."""
    from beffroi.console.door import refusal
    from beffroi.kernel.people import queries as people

    return refusal(request, people.viewer_of(request.user), NotFound("no page has this address"))

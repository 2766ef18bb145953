"""The pictures of an incident: attached from the panel, chosen by a small one, opened for the purpose of that incident."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console.acts import done
from beffroi.console.door import page
from beffroi.console.pictures import short_title
from beffroi.console.surround import surround
from beffroi.console.thumbnails import address_of, pictures_of, step_titles
from beffroi.foundation import clock
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.rules.evidence import MAX_SENT_BYTES
from beffroi.kernel.incidents.types import Evidence, Incident
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries as procedures

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
"""A picture stays in no cache: it is gone when it is erased."""


@require_POST
@page(Verb.ATTACH, Kind.EVIDENCE)
def attach(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Keep a picture that the operator chose."""
    queries.get(reference, viewer)
    sent = request.FILES.get("picture")
    if sent is None:
        raise Refused("there is no picture: choose one", key="picture-missing")
    if (sent.size or 0) > MAX_SENT_BYTES:
        raise Refused(f"the picture has {sent.size} bytes; {MAX_SENT_BYTES} at most", key="picture-too-large")
    kind, step, data = request.POST.get("picture_kind", ""), request.POST.get("picture_step", ""), sent.read()

    def act(number: int) -> Incident:
        known = procedures.known_picture_name(number, step)
        actions.attach_evidence(number, kind=kind, picture=data, step=known, by=viewer, at=clock.now())
        return queries.get(number, viewer)

    return done(request, viewer, reference, act, _("Image jointe à %(ref)s."))


@require_safe
@page(Verb.SEE, Kind.PERSONAL)
def evidence(request: HttpRequest, viewer: Viewer, reference: str, picture: UUID) -> HttpResponse:
    """Show one picture, what is known of it, and the ones before and after."""
    incident, pictures, place = _found(viewer, reference, picture)
    around = {
        name: address_of("evidence", incident, pictures[at].id)
        for name, at in (("before", place - 1), ("after", place + 1))
        if 0 <= at < len(pictures)
    }
    context: dict[str, Any] = surround(request, viewer) | {
        "incident": incident,
        "title": short_title(incident),
        "it": pictures[place],
        "step": step_titles(incident, pictures[place : place + 1]).get(pictures[place].step, ""),
        "place": place + 1,
        "count": len(pictures),
        "picture": address_of("picture", incident, picture),
        "around": around,
    }
    return render(request, "console/evidence.html", context)


@require_safe
@page(Verb.SEE, Kind.PERSONAL)
def picture(request: HttpRequest, viewer: Viewer, reference: str, picture: UUID) -> HttpResponse:
    """Give the picture itself. That it was opened is journalled, for the purpose of its incident."""
    _found(viewer, reference, picture)
    opened = actions.open_evidence(picture, by=viewer, at=clock.now())
    return HttpResponse(opened.jpeg, content_type="image/jpeg", headers=PRIVATE)


@require_safe
@page(Verb.SEE, Kind.PERSONAL)
def thumbnail(request: HttpRequest, viewer: Viewer, reference: str, picture: UUID) -> HttpResponse:
    """Give the small form of a picture."""
    _found(viewer, reference, picture)
    return HttpResponse(queries.picture(picture, viewer, small=True).jpeg, content_type="image/jpeg", headers=PRIVATE)


def _found(viewer: Viewer, reference: str, picture: UUID) -> tuple[Incident, tuple[Evidence, ...], int]:
    incident = queries.get(reference, viewer)
    pictures = pictures_of(incident, viewer)
    place = next((at for at, each in enumerate(pictures) if each.id == picture), None)
    if place is None:
        raise NotFound("this incident has no such picture, or you may not see it")
    return incident, pictures, place

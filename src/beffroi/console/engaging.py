"""What an operator does with crews: engage one, write what it says by radio, call it back; answer a distress and end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, sending
from beffroi.console.door import page, wants_json
from beffroi.foundation import clock
from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Mission
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer

_BY_RADIO: dict[str, Callable[..., Mission]] = {
    "accept": actions.accept_mission,
    "depart": actions.depart,
    "arrive": actions.arrive,
    "safe": actions.make_safe,
}


@require_safe
@page(Verb.PROPOSE, Kind.MISSION)
def offers(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Return the crews that may be sent for an incident, each with its reason: asked for when they are looked at."""
    found = incidents.get(reference, viewer)
    return HttpResponse(sending.render_offers(found, viewer), headers={"Cache-Control": "no-store"})


@require_POST
@page(Verb.PROPOSE, Kind.MISSION)
def engage(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Propose a mission to the crew that is chosen."""
    number = incidents.get(reference, viewer).id
    slug = request.POST.get("unit", "")
    if not slug:
        raise Refused("which crew? choose one", key="crew-missing")
    travel = request.POST.get(f"travel_{slug}", "")
    try:
        sent = actions.propose_mission(
            number,
            slug,
            instructions=request.POST.get("instructions", ""),
            travel_s=int(travel) if travel.isascii() and travel.isdigit() and len(travel) < 7 else None,
            by=viewer,
            at=clock.now(),
        )
    except Conflict as conflict:
        return _answer(request, viewer, number, _why_not(slug, conflict, viewer), conflict.status)
    said = _("%(crew)s : mission proposée pour %(ref)s.") % {"crew": sent.unit_name, "ref": sent.reference}
    return _answer(request, viewer, number, said)


@require_POST
@page(Verb.MARK, Kind.MISSION)
def radio(request: HttpRequest, viewer: Viewer, mission: int, step: str) -> HttpResponse:
    """Write what a crew says by radio."""
    act = _BY_RADIO.get(step)
    if act is None:
        raise Refused(f"`{step[:20]}` is no step", key="refused")
    return _do(request, viewer, mission, lambda: act(mission, by=viewer, at=clock.now()))


@require_POST
@page(Verb.MARK, Kind.MISSION)
def finish(request: HttpRequest, viewer: Viewer, mission: int) -> HttpResponse:
    """Write how a mission ended, as the crew says it by radio."""
    outcome, comment = request.POST.get("outcome", ""), request.POST.get("comment", "")
    return _do(
        request,
        viewer,
        mission,
        lambda: actions.finish(mission, outcome=outcome, comment=comment, by=viewer, at=clock.now()),
    )


@require_POST
@page(Verb.CANCEL, Kind.MISSION)
def cancel(request: HttpRequest, viewer: Viewer, mission: int) -> HttpResponse:
    """Call a crew back, saying why."""
    why = request.POST.get("back_why", "")
    return _do(request, viewer, mission, lambda: actions.cancel_mission(mission, reason=why, by=viewer, at=clock.now()))


@require_POST
@page(Verb.ACKNOWLEDGE, Kind.DISTRESS)
def answer_distress(request: HttpRequest, viewer: Viewer, distress: int) -> HttpResponse:
    """Answer a distress, by name."""
    try:
        seen = actions.answer_distress(distress, by=viewer, at=clock.now())
    except Conflict:
        seen = queries.distress(distress, seen_by=viewer)
        told = {"crew": seen.callsign, "who": seen.answered_name, "at": _hour(seen.answered_at)}
        return _answer(request, viewer, seen.incident, _("%(who)s a répondu à %(crew)s à %(at)s.") % told, 409)
    said = _("Vous répondez à la détresse de %(crew)s : parlez-lui.") % {"crew": seen.callsign}
    return _answer(request, viewer, seen.incident, said)


@require_POST
@page(Verb.CLOSE, Kind.DISTRESS)
def end_distress(request: HttpRequest, viewer: Viewer, distress: int) -> HttpResponse:
    """End a distress that was answered, saying what became of it."""
    why = request.POST.get("ended_why", "")
    try:
        seen = actions.end_distress(distress, reason=why, by=viewer, at=clock.now())
    except Conflict:
        seen = queries.distress(distress, seen_by=viewer)
        told = {"crew": seen.callsign, "who": seen.ended_name, "at": _hour(seen.ended_at)}
        said = _("La détresse de %(crew)s a été levée par %(who)s à %(at)s.") % told
        return _answer(request, viewer, seen.incident, said, 409)
    return _answer(request, viewer, seen.incident, _("Détresse de %(crew)s levée.") % {"crew": seen.callsign})


def _do(request: HttpRequest, viewer: Viewer, number: int, act: Callable[[], Mission]) -> HttpResponse:
    before = queries.mission(number, seen_by=viewer)
    status = 200
    try:
        act()
    except Conflict as conflict:
        status = conflict.status
    after = queries.mission(number, seen_by=viewer)
    told = {"crew": after.callsign, "state": sending.MISSION_STATES[after.state], "who": after.last_by}
    said = _("%(crew)s : mission %(state)s.") % told
    if status != 200:
        said = _("%(crew)s : mission %(state)s par %(who)s à %(at)s, avant vous.") % {
            **told,
            "at": _hour(after.last_at),
        }
    return _answer(request, viewer, before.incident, said, status)


def _why_not(slug: str, conflict: Conflict, viewer: Viewer) -> str:
    """Return why a crew was not engaged, in words: who engaged it first, for what, and when."""
    unit = queries.unit(slug, seen_by=viewer)
    if conflict.key == "already-engaged" and unit.mission is not None:
        other = queries.mission(unit.mission, seen_by=viewer)
        return _("%(crew)s a été engagé pour %(ref)s par %(who)s à %(at)s.") % {
            "crew": unit.name,
            "ref": other.reference,
            "who": other.proposed_name,
            "at": _hour(other.proposed_at),
        }
    words: dict[str, Any] = {
        "off-duty": _("%(crew)s n’est plus en service."),
        "in-distress": _("%(crew)s est en détresse : aidez-le d’abord."),
        "unavailable": _("%(crew)s est indisponible."),
        "already-closed": _("L’incident est clos : rouvrez-le d’abord."),
        "already-united": _("L’incident a été réuni avec un autre : engagez depuis celui qui continue."),
    }
    return str(words.get(conflict.key, _("%(crew)s : quelqu’un a agi avant vous, regardez à nouveau."))) % {
        "crew": unit.name
    }


def _hour(at: Instant | None) -> str:
    return "" if at is None else date_format(timezone.localtime(to_datetime(at)), "H:i:s")


def _answer(request: HttpRequest, viewer: Viewer, number: int, said: str, status: int = 200) -> HttpResponse:
    """Answer with a sentence, the incident's row as it stands, and the distresses."""
    if wants_json(request):
        seq = journal.last_seq()  # first: what is drawn then holds every line up to it
        found = incidents.of_ids([number], seen_by=viewer)
        fragments = [*(frames.queue_fragment(each, viewer) for each in found), frames.distress_fragment(viewer)]
        return JsonResponse({"said": said, "detail": said, "fragments": fragments, "seq": seq}, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    found = incidents.of_ids([number], seen_by=viewer)
    shown = f"?incident={found[0].reference}" if found else ""
    return HttpResponseRedirect(f"{reverse('console:situation')}{shown}")

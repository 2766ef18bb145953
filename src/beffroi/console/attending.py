"""What an operator does to one alarm, and the page of what is kept from people: who, why, until when."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, keeping
from beffroi.console.door import page, wants_json
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.alarms import actions as alarm_actions
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Alarm, SetAside
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer

MOST_MINUTES = 90 * 24 * 60

CONFLICTS: Mapping[str, object] = {
    "already-acknowledged": gettext_lazy("L’alarme est déjà acquittée par %(seen_by)s, à %(seen_at)s."),
    "already-shelved": gettext_lazy("L’alarme est déjà mise de côté par %(kept_by)s, depuis %(since)s."),
    "out-of-service": gettext_lazy("L’équipement est déjà hors service : %(kept_by)s, depuis %(since)s."),
    "explained": gettext_lazy("Une autre alarme explique celle-ci : agissez sur l’autre."),
    "condition-holds": gettext_lazy("La condition est toujours là : l’alarme ne peut pas être réarmée."),
    "not-acknowledged": gettext_lazy("Personne ne l’a encore acquittée : acquittez-la d’abord."),
    "latched": gettext_lazy("L’alarme est verrouillée : acquittez-la, puis réarmez-la."),
    "alarm-ended": gettext_lazy("L’alarme est terminée : %(ended_by)s."),
    "not-shelved": gettext_lazy("Elle n’est plus de côté : %(put_back_by)s."),
    "not-out-of-service": gettext_lazy("C’est déjà remis en service : %(put_back_by)s."),
}


@require_POST
@page(Verb.ACKNOWLEDGE, Kind.ALARM)
def acknowledge(request: HttpRequest, viewer: Viewer, alarm: int) -> HttpResponse:
    """Say that one alarm was seen."""

    def act() -> object:
        return alarm_actions.acknowledge_alarm(alarm, by=viewer, at=clock.now())

    return _done(request, viewer, alarm, act, _("Alarme acquittée."))


@require_POST
@page(Verb.SHELVE, Kind.ALARM)
def shelve(request: HttpRequest, viewer: Viewer, alarm: int) -> HttpResponse:
    """Put one alarm aside, for so many minutes, saying why."""
    at = clock.now()
    until = at + _minutes(request) * MINUTE

    def act() -> object:
        return actions.shelve_alarm(alarm, until=until, reason=request.POST.get("why", ""), by=viewer, at=at)

    hour = timezone.localtime(to_datetime(until)).strftime("%H:%M")
    return _done(request, viewer, alarm, act, _("Alarme mise de côté jusqu’à %(hour)s.") % {"hour": hour})


@require_POST
@page(Verb.SHELVE, Kind.ALARM)
def unshelve(request: HttpRequest, viewer: Viewer, alarm: int) -> HttpResponse:
    """Put one alarm back before people."""
    shelving = alarms.shelving_of(alarm)
    if shelving is None:
        raise NotFound(f"alarm {alarm} was never put aside")

    def act() -> None:
        actions.unshelve_alarm(shelving, by=viewer, at=clock.now())

    return _done(request, viewer, alarm, act, _("Alarme remise devant vous."))


@require_POST
@page(Verb.ACKNOWLEDGE, Kind.ALARM)
def reset(request: HttpRequest, viewer: Viewer, alarm: int) -> HttpResponse:
    """End a latched alarm."""

    def act() -> object:
        return actions.reset_alarm(alarm, by=viewer, at=clock.now())

    return _done(request, viewer, alarm, act, _("Alarme réarmée."))


@require_POST
@page(Verb.WITHDRAW, Kind.ALARM)
def withdraw(request: HttpRequest, viewer: Viewer, alarm: int) -> HttpResponse:
    """Take the equipment of an alarm, or this alarm of it, out of service."""
    found = alarms.get(alarm, viewer)
    code = found.definition.code if request.POST.get("what") == "alarm" else ""

    def act() -> None:
        actions.take_out_of_service(
            asset=found.asset_code, code=code, until=_until(request), reason=request.POST.get("why", ""), by=viewer,
            at=clock.now(),
        )  # fmt: skip

    return _done(request, viewer, alarm, act, _("Hors service, jusqu’à sa remise en service."))


@require_safe
@page(Verb.SEE, Kind.ALARM)
def aside(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what is put aside and what is out of service: who, why, until when."""
    since = journal.last_seq()
    context = surround(request, viewer, since=since) | {
        "aside": keeping.render_aside(viewer),
        **keeping.may_withdraw(viewer),
    }
    return render(request, "console/aside_page.html", context)


@require_POST
@page(Verb.WITHDRAW, Kind.ALARM)
def take_out(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Take equipment or a whole source out of service, from the page."""
    asset, source = request.POST.get("asset", "").strip(), request.POST.get("source", "").strip()
    if bool(asset) == bool(source):
        raise Refused("name a piece of equipment or a source", key="what-missing")

    def act() -> None:
        actions.take_out_of_service(
            asset=asset, source=source, until=_until(request), reason=request.POST.get("why", ""), by=viewer,
            at=clock.now(),
        )  # fmt: skip

    return _done_aside(request, viewer, act, _("%(what)s est hors service.") % {"what": asset or source})


@require_POST
@page(Verb.SHELVE, Kind.ALARM)
def end_shelving(request: HttpRequest, viewer: Viewer, shelving: int) -> HttpResponse:
    """Put back what is put aside, from the page."""

    def act() -> None:
        actions.unshelve_alarm(shelving, by=viewer, at=clock.now())

    return _done_aside(request, viewer, act, _("Alarme remise devant la salle."), alarms.shelving_kept(shelving))


@require_POST
@page(Verb.WITHDRAW, Kind.ALARM)
def put_back(request: HttpRequest, viewer: Viewer, withdrawal: int) -> HttpResponse:
    """Put back in service, saying what was done."""

    def act() -> None:
        reason = request.POST.get("why", "")
        actions.put_back_in_service(withdrawal, reason=reason, by=viewer, at=clock.now())

    return _done_aside(request, viewer, act, _("Remis en service."), alarms.withdrawal_kept(withdrawal))


def _minutes(request: HttpRequest) -> int:
    text = request.POST.get("minutes", "")
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 0 < int(text) <= MOST_MINUTES):
        raise Refused("no duration is chosen", key="duration-missing")
    return int(text)


def _until(request: HttpRequest) -> Instant:
    """Return the instant that a date and time of the city name; Refused without one."""
    text = request.POST.get("until", "")
    if text.isdigit():
        return clock.now() + _whole(text) * MINUTE
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("no end is given: choose until when", key="end-missing")
    return from_datetime(timezone.make_aware(moment) if timezone.is_naive(moment) else moment)


def _whole(text: str) -> int:
    return int(text) if len(text) < 7 and int(text) <= MOST_MINUTES else MOST_MINUTES


def _done(request: HttpRequest, viewer: Viewer, number: int, act: Callable[[], object], said: str) -> HttpResponse:
    """Do it and answer: a sentence, the incident's row and the figures as they stand, also to who came second."""
    alarms.get(number, viewer)
    status = 200
    try:
        act()
    except Conflict as conflict:
        status = conflict.status
        said = _first(alarms.get(number, viewer), conflict)
    seq = journal.last_seq()  # first: what is drawn then holds every line up to it
    fragments = frames.fragments_for([f"alarm:{number}"], viewer)
    if wants_json(request):
        answer = {"said": said, "detail": said, "fragments": fragments, "seq": seq}
        return JsonResponse(answer, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    found = incidents.of_ids(incidents.incidents_of_alarms([number]).values(), seen_by=viewer)
    query = f"?incident={found[0].reference}" if found else ""
    return HttpResponseRedirect(f"{reverse('console:situation')}{query}")


def _done_aside(
    request: HttpRequest,
    viewer: Viewer,
    act: Callable[[], object],
    said: str,
    kept: SetAside | None = None,
) -> HttpResponse:
    status = 200
    try:
        act()
    except Conflict as conflict:
        status = conflict.status
        said = _told(conflict, kept)
    if wants_json(request):
        seq = journal.last_seq()
        fragments = [keeping.aside_fragment(viewer)]
        return JsonResponse({"said": said, "detail": said, "fragments": fragments, "seq": seq}, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    return HttpResponseRedirect(reverse("console:aside"))


def _first(alarm: Alarm, conflict: Conflict) -> str:
    """Tell who came second who was first and when."""
    kept = alarm.set_aside or alarms.last_aside(alarm.id)
    ended = _("%(who)s, à %(when)s") if alarm.ended_by or alarm.acknowledged_by else _("elle est revenue à la normale")
    who = alarm.ended_by or alarm.acknowledged_by
    names = {
        "seen_by": alarm.acknowledged_by,
        "seen_at": _hour(alarm.acknowledged_at),
        "ended_by": ended % {"who": who, "when": _hour(alarm.ended_at)} if who else ended,
    }
    return _told(conflict, kept, names)


def _told(conflict: Conflict, kept: SetAside | None, names: Mapping[str, str] | None = None) -> str:
    said = str(CONFLICTS.get(conflict.key, _("Quelqu’un a agi avant vous : regardez à nouveau.")))
    back = _("%(who)s, à %(when)s") if kept and kept.ended_by else _("c’était fini")
    aside = {
        "kept_by": kept.by if kept else "",
        "since": _hour(kept.since if kept else None),
        "put_back_by": back % {"who": kept.ended_by, "when": _hour(kept.ended_at)} if kept and kept.ended_by else back,
    }
    blank = {"seen_by": "", "seen_at": "", "ended_by": ""}
    return said % {**blank, **aside, **(names or {})}


def _hour(at: Instant | None) -> str:
    return alarms.clock_time(at) if at else "–"

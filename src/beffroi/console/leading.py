"""What an operator does to lead an incident: qualify, date its clocks, make it wait, associate a desk, hand it over.

Each act is asked of the kernel, which journals it. A form whose field is wrong is answered with what to write; what was
typed stays in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beffroi.console.acts import done
from beffroi.console.door import page
from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.people.types import Kind, Verb, Viewer

Act = Callable[[int], Incident]


@require_POST
@page(Verb.QUALIFY, Kind.INCIDENT)
def qualify(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say how urgent it is, and why that changes."""
    priority = request.POST.get("priority", "")
    chosen = int(priority) if priority in ("1", "2", "3", "4") else None

    def act(number: int) -> Incident:
        reason = request.POST.get("qualify_why", "")
        return actions.qualify_incident(number, priority=chosen, reason=reason, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s qualifié."))


@require_POST
@page(Verb.ASSIGN, Kind.INCIDENT)
def assign(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Give it to somebody, by their account."""
    to, why = request.POST.get("person", ""), request.POST.get("assign_why", "")
    if not to.strip():
        raise Refused("to whom? choose a person", key="person-missing")

    def act(number: int) -> Incident:
        return actions.assign_incident(number, to=to, reason=why, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s affecté à %(owner)s."))


@require_POST
@page(Verb.CLOSE, Kind.INCIDENT)
def resolve(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say that what had to be done is done."""
    text = request.POST.get("done", "")

    def act(number: int) -> Incident:
        return actions.resolve_incident(number, text=text, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s résolu."))


@require_POST
@page(Verb.MARK, Kind.INCIDENT)
def mark(request: HttpRequest, viewer: Viewer, reference: str, name: str) -> HttpResponse:
    """Date a clock, now."""

    def act(number: int) -> Incident:
        return actions.mark_incident(number, name, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s : c’est daté."))


@require_POST
@page(Verb.MARK, Kind.INCIDENT)
def correct(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Write the time of a clock anew, saying why."""
    name, why = request.POST.get("clock", ""), request.POST.get("correct_why", "")
    at = clock.now()
    moment = _needed(read_moment(request.POST.get("correct_at", ""), at))

    def act(number: int) -> Incident:
        return actions.correct_mark(number, name, effective_at=moment, reason=why, by=viewer, at=at)

    return done(request, viewer, reference, act, _("%(ref)s : heure corrigée."))


@require_POST
@page(Verb.HOLD, Kind.INCIDENT)
def hold(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Make it wait until a date, at which it comes back by itself."""
    why, proof, minutes = (request.POST.get(name, "") for name in ("hold_why", "proof", "minutes"))
    at = clock.now()
    stated = read_moment(request.POST.get("until", ""), at)
    ahead = at + int(minutes) * MINUTE if minutes.isascii() and minutes.isdigit() and len(minutes) < 7 else at
    until = ahead if stated is None else stated

    def act(number: int) -> Incident:
        return actions.hold_incident(number, reason=why, until=until, proof=proof, by=viewer, at=at)

    return done(request, viewer, reference, act, _("%(ref)s en attente."))


@require_POST
@page(Verb.HOLD, Kind.INCIDENT)
def resume(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Go on with it before its date."""

    def act(number: int) -> Incident:
        return actions.resume_incident(number, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s reprend."))


@require_POST
@page(Verb.HOLD, Kind.INCIDENT)
def pause(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Tell a time, now past, that the deadlines do not count; or write one anew when `pause` names it."""
    why, proof, corrects = (request.POST.get(name, "") for name in ("pause_why", "pause_proof", "pause"))
    at = clock.now()
    begin = _needed(read_moment(request.POST.get("begin", ""), at))
    end = read_moment(request.POST.get("end", ""), at)

    def act(number: int) -> Incident:
        if corrects.isascii() and corrects.isdigit() and len(corrects) < 18:
            return actions.correct_pause(number, int(corrects), begin=begin, end=end, reason=why, by=viewer, at=at)
        told = {"reason": why, "proof": proof}
        return actions.declare_pause(number, begin=begin, end=_needed(end), **told, by=viewer, at=at)

    return done(request, viewer, reference, act, _("%(ref)s : suspension du délai écrite."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def associate(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Have another desk of the post see it and act within its rights."""
    desk = request.POST.get("desk", "")

    def act(number: int) -> Incident:
        return actions.associate_desk(number, desk, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s : salle associée."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def dissociate(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Have a desk concerned no more, saying why."""
    desk, why = request.POST.get("desk_off", ""), request.POST.get("desk_why", "")

    def act(number: int) -> Incident:
        return actions.dissociate_desk(number, desk, reason=why, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s : salle retirée."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def propose(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Ask another desk, or a body outside, to take it over."""
    to, why = request.POST.get("to", ""), request.POST.get("to_why", "")

    def act(number: int) -> Incident:
        return actions.propose_transfer(number, to=to, reason=why, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s proposé ; il reste à vous jusqu’à la réponse."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def withdraw(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Take the proposal back before its answer."""
    why = request.POST.get("back_why", "")

    def act(number: int) -> Incident:
        return actions.withdraw_transfer(number, reason=why, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s : proposition retirée."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def accept(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Take it over for one's own desk; or, with `who`, write that a body outside did, and when."""
    at = clock.now()
    moment = read_moment(request.POST.get("who_at", ""), at)

    def act(number: int) -> Incident:
        if "who" in request.POST:
            return actions.record_acceptance(number, who=request.POST["who"], effective_at=moment, by=viewer, at=at)
        return actions.accept_transfer(number, by=viewer, at=at)

    return done(request, viewer, reference, act, _("%(ref)s : transfert accepté."))


@require_POST
@page(Verb.TRANSFER, Kind.INCIDENT)
def refuse(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say no to the proposal, saying why."""
    why = request.POST.get("refuse_why", "")

    def act(number: int) -> Incident:
        return actions.refuse_transfer(number, reason=why, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s : transfert refusé."))


def read_moment(text: str, now: Instant) -> Instant | None:
    """Return the instant of `2026-11-25T22:15` or of `22:15` (the last one) in the post's zone; None for nothing.

    Raises Refused for what is neither.
    """
    stated = text.strip()
    if not stated:
        return None
    zone = timezone.get_current_timezone()
    try:
        if len(stated) <= 8:
            local = timezone.localtime(to_datetime(now))
            found = datetime.combine(local.date(), time.fromisoformat(stated), zone)
            late = found > local + timedelta(minutes=1)
            return from_datetime(found - timedelta(days=1) if late else found)
        parsed = datetime.fromisoformat(stated)
        return from_datetime(parsed if parsed.tzinfo else parsed.replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise Refused(f"`{stated[:40]}` is no time: write it as 22:15", key="time-unread") from error


def _needed(moment: Instant | None) -> Instant:
    if moment is None:
        raise Refused("no time: write it as 22:15", key="time-unread")
    return moment

"""Shift hand-over (relève): what one leaves, what one finds; two signatures; instructions and promises of the post."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import leaving, words
from beffroi.console.door import page, refusal_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import BeffroiError, Refused
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import InstructionKind, Kind, Verb, Viewer


@require_safe
@page(Verb.SEE, Kind.SHIFT)
def handover(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what this post leaves or finds, who is on duty, and what waits for a signature."""
    return _page(request, viewer)


@require_safe
@page(Verb.SEE, Kind.SHIFT)
def handover_record(request: HttpRequest, viewer: Viewer, handover_id: int) -> HttpResponse:
    """Show a hand-over as it was signed: to be read, and printed."""
    found = people.get_handover(handover_id, seen_by=viewer)
    context = surround(request, viewer) | {
        "handover": found,
        "post_title": next((each.title for each in people.posts() if each.code == found.post), found.post),
        "left": leaving.pictured(dict(found.content)),
    }
    return render(request, "console/handover_record.html", context)


@require_POST
@page(Verb.HAND_OVER, Kind.SHIFT)
def begin_duty(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Come on duty at one's post without a hand-over: the first of the day."""
    actions.begin_duty(by=viewer, at=clock.now())
    return _told(request, _("Vous êtes en poste : %(post)s.") % {"post": viewer.post.title})


@require_POST
@page(Verb.HAND_OVER, Kind.SHIFT)
def hand_over(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Sign what one leaves: the content is read now, frozen, and shown to who comes."""
    now = clock.now()
    out, into, _when = leaving.turn_at(now)
    try:
        content = leaving.left(viewer, now, _since(viewer, now))
        text = request.POST.get("text", "")
        actions.hand_over_shift(text=text, content=content, shift_out=out.title, shift_in=into.title, by=viewer, at=now)
    except BeffroiError as error:
        return _page(request, viewer, refused=error)
    return _told(request, _("Relève signée : elle attend la signature de qui arrive."))


@require_POST
@page(Verb.HAND_OVER, Kind.SHIFT)
def take_over(request: HttpRequest, viewer: Viewer, handover_id: int) -> HttpResponse:
    """Sign that one has it: the hand-over is closed, one is on duty."""
    try:
        actions.take_over_shift(handover_id, remark=request.POST.get("remark", ""), by=viewer, at=clock.now())
    except BeffroiError as error:
        return _page(request, viewer, refused=error)
    return _told(request, _("Relève close : vous êtes en poste."))


@require_POST
@page(Verb.HAND_OVER, Kind.SHIFT)
def withdraw(request: HttpRequest, viewer: Viewer, handover_id: int) -> HttpResponse:
    """Take a hand-over back before anybody countersigned it."""
    try:
        actions.withdraw_handover(
            handover_id, reason=request.POST.get("withdraw_reason", ""), by=viewer, at=clock.now()
        )
    except BeffroiError as error:
        return _page(request, viewer, refused=error)
    return _told(request, _("Relève reprise : vous êtes de nouveau en poste."))


@require_POST
@page(Verb.NOTE, Kind.SHIFT)
def instruct(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Leave an instruction or a promise at the post."""
    posted = request.POST
    try:
        actions.write_instruction(
            posted.get("kind", ""),
            posted.get("instruction", ""),
            subject=_subject(posted.get("about", ""), viewer),
            due_at=_moment(posted.get("due", "")),
            by=viewer,
            at=clock.now(),
        )
    except BeffroiError as error:
        return _page(request, viewer, refused=error)
    return _told(request, _("Consigne laissée au poste."))


@require_POST
@page(Verb.NOTE, Kind.SHIFT)
def end_instruction(request: HttpRequest, viewer: Viewer, instruction_id: int) -> HttpResponse:
    """Say that a promise was kept, or give an instruction up with a reason."""
    how = request.POST.get("how", "")
    try:
        reason = request.POST.get(f"why-{instruction_id}", "")
        actions.end_instruction(instruction_id, how, reason=reason, by=viewer, at=clock.now())
    except BeffroiError as error:
        return _page(request, viewer, refused=error)
    return _told(request, _("Consigne terminée."))


def _page(request: HttpRequest, viewer: Viewer, *, refused: BeffroiError | None = None) -> HttpResponse:
    """Draw the page; after a refusal, with what was typed and what to do."""
    seq, now = journal.last_seq(), clock.now()
    out, into, when_min = leaving.turn_at(now)
    waiting = people.waiting_handover(viewer.post.code)
    duty = people.duty_of(viewer.username)
    since = waiting.out_at if waiting else _since(viewer, now)
    present = leaving.left(viewer, now, since)
    context = surround(request, viewer, since=seq) | {
        "shift_out": out,
        "shift_in": into,
        "when_min": when_min,
        "turns": words.lasting(60 * abs(when_min)),
        "duty": duty,
        "waiting": waiting,
        "mine": waiting is not None and waiting.out_by == viewer.username,
        "found": leaving.pictured(dict(waiting.content)) if waiting else None,
        "left": leaving.pictured(present),
        "kinds": [str(kind) for kind in InstructionKind],
        "last": people.list_handovers(seen_by=viewer, post=viewer.post.code, limit=8),
        "refusal": refusal_words(refused) if refused else "",
        "typed": request.POST if refused else {},
        "may_sign": people.may(viewer, Verb.HAND_OVER, Kind.SHIFT),
    }
    return render(request, "console/handover.html", context, status=refused.status if refused else 200)


def _since(viewer: Viewer, now: Instant) -> Instant:
    """Return from when a person tells: since they came on duty at this post, else since the shift began."""
    duty = people.duty_of(viewer.username)
    if duty is not None and duty.post == viewer.post.code:
        return duty.began_at
    out, into, when_min = leaving.turn_at(now)
    return leaving.began_at(into if when_min < 0 else out, now)


def _told(request: HttpRequest, text: str) -> HttpResponse:
    messages.success(request, text)
    return HttpResponseRedirect(reverse("console:handover"))


def _subject(reference: str, viewer: Viewer) -> str:
    """Return what an instruction is about, from the reference that was typed, or nothing. Raises NotFound."""
    return f"incident:{incidents.get(reference.strip(), viewer).id}" if reference.strip() else ""


def _moment(text: str) -> Instant | None:
    """Return an instant from a `datetime-local` field, in the post's time zone. Raises Refused for what is none."""
    if not text.strip():
        return None
    try:
        return from_datetime(datetime.fromisoformat(text.strip()).replace(tzinfo=timezone.get_current_timezone()))
    except (ValueError, OverflowError) as error:
        raise Refused(f"`{text[:40]}` is no date and hour", key="due-unreadable") from error

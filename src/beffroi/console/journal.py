"""The journal's pages: its lines with their filters, one line with its proof, what corrects it, and what leaves the house."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import taking_out, told, words
from beffroi.console.door import page
from beffroi.console.records import number_of
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import from_datetime
from beffroi.foundation.errors import Forbidden
from beffroi.kernel.journal import actions
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.queries import Filters
from beffroi.kernel.journal.types import EVERYTHING, ActorKind, Line, Sensitivity
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

PAGE = 100
ASKED = ("text", "room", "verb", "actor", "subject", "from", "to")


@require_safe
@page(Verb.SEE, Kind.JOURNAL)
def journal_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the journal, the newest first, filtered by words, room, verb, actor, subject and days, with what is sealed."""
    asked = asked_of(request.GET)
    filters, refusal = filters_of(asked, before=number_of(request.GET.get("before", "")))
    state = journal.sealing_state(clock.now())
    reach = people.reach_of(viewer)
    lines = journal.list_lines(filters, limit=PAGE + 1, reach=reach)
    shown = lines[:PAGE]
    kept = {name: value for name, value in asked.items() if value}
    older = f"?{urlencode(kept | {'before': str(shown[-1].seq)})}" if len(lines) > PAGE else ""
    corrections = journal.corrections_of([line.seq for line in shown], reach=reach)
    context = surround(request, viewer, since=state.last_seq) | {
        "lines": told.tell_with(shown, corrections),
        "filters": asked,
        "day_from": asked["from"],
        "filtered": bool(kept),
        "rooms": [(slug, words.told(words.ROOMS, slug)) for slug in words.ROOMS],
        "verbs": sorted(((verb, str(told.SENTENCES[verb])) for verb in told.SENTENCES), key=lambda pair: pair[1]),
        "state": state,
        "older": older,
        "newest": "before" in request.GET and f"?{urlencode(kept)}",
        "refusal": refusal,
        "may_export": people.may(viewer, Verb.EXPORT, Kind.JOURNAL),
        "may_erase": people.may(viewer, Verb.CONFIRM, Kind.PERSONAL),
    }
    return render(request, "console/journal.html", context)


def asked_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that a request names, as texts."""
    asked = {name: given.get(name, "").strip()[:160] for name in ASKED}
    return asked | {"from": asked["from"] or given.get("day", "")[:20], "to": asked["to"] or given.get("day", "")[:20]}


def filters_of(asked: Mapping[str, str], *, before: int | None = None) -> tuple[Filters, str]:
    """Return what is asked for, and what is said of days that are none."""
    spans: dict[str, tuple[int, int] | None] = {}
    refusal = ""
    for name in ("from", "to"):
        try:
            spans[name] = _day(asked[name])
        except ValueError:
            spans[name] = None
            refusal = _("« %(day)s » n’est pas une date : écrivez-la comme 2026-11-22.") % {"day": asked[name]}
    since, until = spans["from"], spans["to"]
    filters = Filters(
        before_seq=before,
        subject=asked["subject"],
        room=asked["room"],
        verb=asked["verb"],
        actor=asked["actor"],
        text=asked["text"],
        since=since[0] if since else None,
        until=until[1] if until else None,
    )
    return filters, refusal


@require_safe
@page(Verb.SEE, Kind.JOURNAL)
def line_page(request: HttpRequest, viewer: Viewer, seq: int) -> HttpResponse:
    """Show one line: all that it says, its seal and the proof that it is under it, and what corrects it."""
    return _line(request, viewer, journal.get_line(seq, reach=people.reach_of(viewer)))


@require_POST
@page(Verb.OPEN, Kind.VAULT_LINE)
def open_line(request: HttpRequest, viewer: Viewer, seq: int) -> HttpResponse:
    """Show a vault's line with its content, once, for a purpose that is journalled."""
    purpose = request.POST.get("purpose", "")
    line = actions.open_vault_line(seq, purpose=purpose, by=viewer.actor, at=clock.now())
    return _line(request, viewer, line, opened=True)


@require_POST
@page(Verb.SEE, Kind.JOURNAL)
def correct(request: HttpRequest, viewer: Viewer, seq: int) -> HttpResponse:
    """Write the line that corrects another: one's own, or any for who has that right."""
    reach = people.reach_of(viewer)
    if not may_correct(journal.get_line(seq, reach=reach), viewer):
        raise Forbidden(f"{viewer.username} corrects their own lines; others are corrected by a room supervisor")
    text, reason = request.POST.get("text", ""), request.POST.get("reason", "")
    number = actions.correct_line(seq, text=text, reason=reason, by=viewer.actor, reach=reach, at=clock.now())
    messages.success(request, _("Ligne %(seq)s corrigée par la ligne %(number)s.") % {"seq": seq, "number": number})
    return HttpResponseRedirect(reverse("console:journal_line", args=[seq]))


def may_correct(line: Line, viewer: Viewer) -> bool:
    """Tell whether this person may correct a line: any with that right, else what they noted themselves."""
    if line.withheld:
        return False
    if people.may(viewer, Verb.CORRECT, Kind.JOURNAL):
        return True
    own = line.actor.kind is ActorKind.PERSON and line.actor.id == viewer.username
    desk, commune = str(line.content.get("desk", "")), str(line.content.get("commune", ""))
    return own and people.may(viewer, Verb.NOTE, Kind.INCIDENT, desk=desk, commune=commune)


@require_safe
@page(Verb.SEE, Kind.JOURNAL)
def proof(request: HttpRequest, viewer: Viewer, seq: int) -> HttpResponse:
    """Give the proof of a line as a file that another program can check (docs/reference/journal.md)."""
    found = journal.proof_of(seq, reach=people.reach_of(viewer))
    name = f"ligne-{seq}-preuve.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(taking_out.proof_file(found), content_type="application/json", headers=headers)


@require_POST
@page(Verb.EXPORT, Kind.JOURNAL)
def export(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Give the lines that are asked for as a file, for a purpose that is journalled; 20,000 at most."""
    asked, form = asked_of(request.POST), request.POST.get("form", "csv")
    filters, refusal = filters_of(asked)
    if refusal:
        messages.warning(request, refusal)
        return HttpResponseRedirect(reverse("console:journal"))
    lines = taking_out.selection(filters, people.reach_of(viewer))
    purpose = request.POST.get("purpose", "")
    number = actions.tell_export(asked, lines=len(lines), purpose=purpose, by=viewer.actor, at=clock.now())
    as_json = form == "json"
    body = taking_out.lines_as_json(lines) if as_json else taking_out.lines_as_csv(lines)
    headers = {"Content-Disposition": f'attachment; filename="main-courante-{number}.{"json" if as_json else "csv"}"'}
    return HttpResponse(
        body, content_type="application/json" if as_json else "text/csv; charset=utf-8", headers=headers
    )


def _line(request: HttpRequest, viewer: Viewer, line: Line, *, opened: bool = False) -> HttpResponse:
    reach = people.reach_of(viewer)
    last = journal.last_seq()
    first = int(line.content.get("corrects", 0))
    vault = line.sensitivity is Sensitivity.VAULT
    context: dict[str, Any] = surround(request, viewer, since=last) | {
        "line": line,
        "told": told.tell_with([line], journal.corrections_of([line.seq], reach=reach))[0],
        "content": sorted((name, value) for name, value in line.content.items() if value not in ("", None, [], {})),
        "personal": sorted(line.personal.content.items()) if line.personal else (),
        "first": first,
        "proof": journal.proof_of(line.seq, reach=EVERYTHING),
        "before": line.seq - 1 if line.seq > 1 else None,
        "after": line.seq + 1 if line.seq < last else None,
        "may_correct": may_correct(line, viewer),
        "may_open": vault and not opened and people.may(viewer, Verb.OPEN, Kind.VAULT_LINE),
        "sensitivity": words.told(words.SENSITIVITIES, str(line.sensitivity)),
        "room": words.told(words.ROOMS, line.room),
    }
    return render(request, "console/journal_line.html", context)


def _day(text: str) -> tuple[int, int] | None:
    """Return the instants between which a day lies in the post's time zone. Raises ValueError for what is no date."""
    if not text:
        return None
    zone = timezone.get_current_timezone()
    day = date.fromisoformat(text)
    try:
        begin = datetime.combine(day, time.min, zone)
        end = datetime.combine(day + timedelta(days=1), time.min, zone)
        return from_datetime(begin) - 1, from_datetime(end)
    except OverflowError as error:
        raise ValueError(f"{text} is at the end of the calendar") from error

"""What was written and what could not be read: the journal's page and the quarantine's."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from beffroi.console import told, words
from beffroi.console.door import page
from beffroi.console.surround import surround
from beffroi.foundation.clock import from_datetime
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.queries import Filters
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin

PAGE = 100
EXCERPT_BYTES = 600


@require_safe
@page(Verb.SEE, Kind.JOURNAL)
def journal_page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the journal, the newest first, filtered by subject, room, actor and day, with what is sealed."""
    asked = {name: request.GET.get(name, "").strip()[:160] for name in ("subject", "room", "actor", "day", "before")}
    refusal, span = "", None
    try:
        span = _day(asked["day"])
    except ValueError:
        refusal = _("« %(day)s » n’est pas une date : écrivez-la comme 2026-11-22.") % {"day": asked["day"]}
    before = _number(asked["before"])
    filters = Filters(
        before_seq=before,
        subject=asked["subject"],
        room=asked["room"],
        actor=asked["actor"],
        since=span[0] if span else None,
        until=span[1] if span else None,
    )
    last, sealed = journal.last_seq(), journal.sealed_seq()
    lines = journal.list_lines(filters, limit=PAGE + 1, reach=people.reach_of(viewer))
    kept = {name: value for name, value in asked.items() if value and name != "before"}
    older = f"?{urlencode(kept | {'before': lines[PAGE - 1].seq})}" if len(lines) > PAGE else ""
    context = surround(request, viewer, since=last) | {
        "lines": [told.tell(line) for line in lines[:PAGE]],
        "filters": asked,
        "filtered": bool(kept),
        "rooms": [(slug, words.told(words.ROOMS, slug)) for slug in words.ROOMS],
        "last": last,
        "sealed": sealed,
        "older": older,
        "refusal": refusal,
    }
    return render(request, "console/journal.html", context)


@require_safe
@page(Verb.SEE, Kind.QUARANTINE)
def quarantine(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the frames that could not be read or were refused, with the reason and the beginning of each."""
    source = request.GET.get("source", "").strip()[:64]
    asked = request.GET.get("before", "")
    before = _number(asked)
    frames = twin.list_quarantine(source=source or None, before=before, limit=PAGE + 1)
    kept = {"source": source} if source else {}
    context = surround(request, viewer) | {
        "frames": [
            {
                "received_at": frame.received_at,
                "source": frame.source,
                "verdict": frame.verdict,
                "reason": frame.reason,
                "topic": frame.topic,
                "size": ngettext("%(n)s octet", "%(n)s octets", len(frame.payload)) % {"n": len(frame.payload)},
                "excerpt": excerpt(frame.payload),
            }
            for frame in frames[:PAGE]
        ],
        "source": source,
        "counters_by_source": sorted(twin.totals().by_source.items()),
        "older": f"?{urlencode(kept | {'before': frames[PAGE - 1].id})}" if len(frames) > PAGE else "",
    }
    return render(request, "console/quarantine.html", context)


def excerpt(payload: bytes) -> str:
    """Return the beginning of a frame as text that shows every byte: what is no character is written `\\xNN`."""
    shown = payload[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")
    text = "".join(sign if sign.isprintable() or sign == "\n" else f"\\x{ord(sign):02x}" for sign in shown)
    return text + ("…" if len(payload) > EXCERPT_BYTES else "")


def _number(text: str) -> int | None:
    """Return a line's number as it was asked for, None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


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

"""The page on which incidents are found, open or closed, however many there are."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.console import reading, words
from beffroi.console.door import page
from beffroi.console.pictures import place_words, short_title
from beffroi.console.surround import surround
from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.incidents import queries
from beffroi.kernel.incidents.queries import Filters
from beffroi.kernel.incidents.types import IncidentState
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places

PAGE = 50
FIELDS = ("text", "category", "commune", "state", "desk", "owner", "from", "to", "around", "within", "before")
WITHIN_M = ("50", "100", "200", "500", "1000", "5000")
OPEN = "open"


@require_safe
@page(Verb.SEE, Kind.INCIDENT)
def incidents(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Find incidents by words, place, category, state, owner, period and distance; the newest first."""
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip()[:160] for name in FIELDS}
    refusals: list[str] = []
    filters = _filters(asked, viewer, refusals)
    before = int(asked["before"]) if asked["before"].isascii() and asked["before"].isdigit() else None
    found = () if refusals else queries.list_incidents(filters, seen_by=viewer, before=before, limit=PAGE + 1)
    until = None if refusals else queries.told_until(filters, seen_by=viewer, before=before)
    kept = {name: value for name, value in asked.items() if value and name not in ("before", "within")}
    if asked["around"]:
        kept["within"] = asked["within"] or "200"
    context = surround(request, viewer) | {
        "rows": [(each, short_title(each), place_words(each.place, each.commune)) for each in found[:PAGE]],
        "asked": asked | {"within": asked["within"] or "200"},
        "filtered": bool(kept),
        "refusals": refusals,
        "categories": queries.categories(),
        "communes": [commune.name for commune in places.communes()],
        "states": [OPEN, *(str(state) for state in IncidentState)],
        "desks": list(words.DESKS),
        "distances": WITHIN_M,
        "told_until": until[1] if until else None,
        "further": f"?{urlencode(kept | {'before': until[0]})}" if until else "",
        "older": f"?{urlencode(kept | {'before': found[PAGE - 1].id})}" if len(found) > PAGE else "",
    }
    return render(request, "console/incidents.html", context)


def _filters(asked: dict[str, str], viewer: Viewer, refusals: list[str]) -> Filters:
    state = asked["state"]
    return Filters(
        state=IncidentState(state) if state in set(IncidentState) else None,
        open_only=state == OPEN,
        desk=asked["desk"],
        commune=asked["commune"],
        category=asked["category"],
        owner=asked["owner"].casefold(),
        since=_day(asked["from"], refusals),
        until=_day(asked["to"], refusals, after=True),
        text=asked["text"],
        around=_around(asked["around"], viewer, refusals),
        within_m=float(asked["within"]) if asked["within"] in WITHIN_M else 200.0,
    )


def _day(text: str, refusals: list[str], *, after: bool = False) -> Instant | None:
    """Return where a day begins (or, with `after`, ends) in the post's time zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=after)
        return from_datetime(datetime.combine(day, time.min, timezone.get_current_timezone()))
    except (ValueError, OverflowError):
        refusals.append(_("« %(day)s » n’est pas une date : écrivez-la comme 2026-11-22.") % {"day": text})
        return None


def _around(text: str, viewer: Viewer, refusals: list[str]) -> tuple[float, float] | None:
    """Return the position of what is named: an incident, a piece of equipment, or an address."""
    if not text:
        return None
    try:
        return reading.position_of(text, viewer)
    except NotFound:
        found: Any = reading.find_addresses(text, viewer)
    if found:
        return found[0].lon, found[0].lat
    refusals.append(_("« %(text)s » n’est ni une adresse, ni un équipement, ni un incident connu.") % {"text": text})
    return None

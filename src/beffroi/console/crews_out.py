"""Crews on duty as the rooms see them: the list over the situation's map, which the map draws, and the page of crews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from beffroi.console import sending
from beffroi.foundation import clock
from beffroi.kernel.dispatch import queries
from beffroi.kernel.dispatch.rules import sentence
from beffroi.kernel.dispatch.types import Candidate, DutyState, Point, Unit, UnitStatus
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

LETTERS: Mapping[str, str] = {
    UnitStatus.AVAILABLE: "D",
    UnitStatus.ALERTED: "A",
    UnitStatus.EN_ROUTE: "R",
    UnitStatus.ON_SITE: "S",
    UnitStatus.BREAK: "P",
    UnitStatus.UNAVAILABLE: "I",
    UnitStatus.DISTRESS: "!",
}
"""What the map writes in a crew's shape, which says the same."""

TOLD_BY = ("unit:", "units:", "mission:", "distress:", "position:")
"""Kinds of subject that change what is shown of crews; `position:` is no line of the journal, and is never kept."""


def render_out(viewer: Viewer) -> SafeString:
    """Draw the crews on duty, as the map's list; nothing for who may not see crews."""
    seen = people.may(viewer, Verb.SEE, Kind.UNIT)
    shown = _told(queries.units(seen_by=viewer, on_duty=True), viewer) if seen else []
    with translation.override(viewer.language):
        return SafeString(render_to_string("console/crews_out.html", {"crews": _worded(shown)}).strip())


def fragment(viewer: Viewer) -> dict[str, Any]:
    """Return what brings that list up to date; the page of crews reads itself again when it comes."""
    return {"target": "crews-out", "html": render_out(viewer)}


def page_rows(viewer: Viewer, incident: Incident | None) -> list[dict[str, Any]]:
    """Return the crews of the page: by travel time to the incident that is chosen, each with its reason; else in order.

    Crews off duty come last, without a position.
    """
    everyone = queries.units(seen_by=viewer)
    found: Sequence[Candidate] = ()
    if incident is not None and people.may(viewer, Verb.PROPOSE, Kind.MISSION):
        card = queries.card_of(incident.category)
        place = Point(incident.lon, incident.lat)
        found = queries.nearest(place, skills=card.skills, seen_by=viewer, at=clock.now(), limit=50)
    tracks = queries.latest_tracks(seen_by=viewer, at=clock.now())
    reasons = {each.unit.slug: each for each in found}
    place_of = {each.unit.slug: place for place, each in enumerate(found)}
    ordered = sorted(everyone, key=lambda unit: (unit.duty is DutyState.OFF, place_of.get(unit.slug, len(place_of))))
    rows = _worded(_told(ordered, viewer))
    for row in rows:
        candidate = reasons.get(row["it"].slug)
        row["minutes"] = None if candidate is None else max(1, round(candidate.travel_s / 60))
        row["reason"] = "" if candidate is None else sentence(candidate, queries.skills(), gettext)
        row["track"] = tracks.get(row["it"].slug)
        row["free"] = candidate is not None and candidate.free
        row["travel_s"] = 0 if candidate is None else candidate.travel_s
    return rows


def _told(units: Iterable[Unit], viewer: Viewer) -> list[dict[str, Any]]:
    shown = list(units)
    numbers = {unit.incident for unit in shown if unit.incident is not None}
    sees = people.may(viewer, Verb.SEE, Kind.INCIDENT)
    known = {each.id: each.reference for each in incidents.of_ids(numbers, seen_by=viewer)} if sees and numbers else {}
    return [{"it": unit, "reference": known.get(unit.incident or 0, "")} for unit in shown]


def _worded(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the words of the language in force, and where the map draws each."""
    names = queries.skills()
    for row in shown:
        unit: Unit = row["it"]
        row["status"] = sending.status_words(unit.status)
        row["unavailable"] = sending.unavailable_words(unit)
        row["letter"] = LETTERS.get(unit.status, "")
        row["lon"] = f"{unit.position.lon:.6f}" if unit.position else ""
        row["lat"] = f"{unit.position.lat:.6f}" if unit.position else ""
        row["skills"] = [names.get(skill, skill) for skill in unit.skills]
    return shown

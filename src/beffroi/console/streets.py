"""Streets as the console shows them: what is closed and until when, in lists whose lines the map draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.console import words
from beffroi.console.pictures import Detail
from beffroi.foundation import clock
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.places.types import Closure, ClosureState, Position, Segment

MINUTES = (30, 60, 120, 240, 480, 1_440, 10_080)
"""Durations that are offered for a closure."""

MOST_OVER = 30
_DEGREES = 6


def render_closures(viewer: Viewer) -> SafeString:
    """Draw the list of closures in force and planned, with what this person may do to each."""
    shown = places.closures(seen_by=viewer, at=clock.now())
    with translation.override(viewer.language):
        return SafeString(render_to_string("console/closures.html", {"closures": _told(shown, viewer)}).strip())


def render_closed(viewer: Viewer) -> SafeString:
    """Draw the streets closed now, as the map's list."""
    shown = [each for each in places.closures(seen_by=viewer, at=clock.now()) if each.state is ClosureState.IN_FORCE]
    with translation.override(viewer.language):
        return SafeString(render_to_string("console/closed_streets.html", {"closures": _told(shown, viewer)}).strip())


def fragments(viewer: Viewer) -> list[dict[str, Any]]:
    """Return what brings both lists up to date."""
    return [
        {"target": "closures", "html": render_closures(viewer)},
        {"target": "closed-streets", "html": render_closed(viewer)},
    ]


def of_incident(detail: Detail, viewer: Viewer) -> dict[str, Any]:
    """Return what an incident's panel shows of the streets closed for it."""
    open_now = detail.incident.closed_at is None
    return {
        "closures": [{"it": each, "state": state_words(each)} for each in detail.closures],
        "may_close_street": open_now and people.may(viewer, Verb.CLOSE, Kind.STREET, commune=detail.incident.commune),
    }


def over(viewer: Viewer) -> list[dict[str, Any]]:
    """Return the last closures that are over."""
    return _told(places.closures(seen_by=viewer, at=clock.now(), ended=True, limit=MOST_OVER), viewer)


def chosen(segment: Segment) -> dict[str, Any]:
    """Return what the form of a closure shows of a stretch: its name, between which streets, and the whole street."""
    street = places.street_of(segment.id)
    return {
        "id": segment.id,
        "name": segment.name or _("rue sans nom"),
        "commune": segment.commune,
        "between": _between(*places.ends_of(segment.id)),
        "length": places.length_m([segment.id]),
        "pieces": len(street),
        "whole": places.length_m(each.id for each in street),
        "lines": _lines([segment]),
    }


def durations() -> list[tuple[int, str]]:
    """Return the durations that the form offers, in minutes and in words."""
    return [
        (each, _("%(n)s j") % {"n": each // 1_440} if each >= 1_440 else words.duration(each * 60)) for each in MINUTES
    ]


def state_words(closure: Closure) -> str:
    """Return a closure's state as a row says it."""
    return str(words.CLOSURE_STATES[closure.state])


def _between(one: str, other: str) -> str:
    if one and other:
        return _("entre %(one)s et %(other)s") % {"one": one, "other": other}
    met = one or other
    return _("à partir de %(street)s") % {"street": met} if met else _("ce tronçon")


def _told(shown: Iterable[Closure], viewer: Viewer) -> list[dict[str, Any]]:
    found = list(shown)
    references = _references(found, viewer)
    return [
        {
            "it": each,
            "name": each.street or each.commune,
            "state": state_words(each),
            "length": places.length_m(each.segments),
            "lines": _lines(places.segments(each.segments)),
            "reference": references.get(each.incident or 0, ""),
            "may_reopen": people.may(viewer, Verb.REOPEN, Kind.STREET, commune=each.commune),
            "may_close": people.may(viewer, Verb.CLOSE, Kind.STREET, commune=each.commune),
        }
        for each in found
    ]


def _references(shown: Iterable[Closure], viewer: Viewer) -> Mapping[int, str]:
    """Return the references of the incidents for which streets are closed, of those that this person may see."""
    numbers = {each.incident for each in shown if each.incident is not None}
    if not numbers or not people.may(viewer, Verb.SEE, Kind.INCIDENT):
        return {}
    return {each.id: each.reference for each in incidents.of_ids(numbers, seen_by=viewer)}


def _lines(segments: Sequence[Segment]) -> str:
    """Return the lines of stretches as JSON for the map."""

    def rounded(line: Sequence[Position]) -> list[list[float]]:
        return [[round(lon, _DEGREES), round(lat, _DEGREES)] for lon, lat in line]

    return msgspec.json.encode([rounded(segment.line) for segment in segments]).decode()

"""Distresses that stand, and those of before."""

from __future__ import annotations

from django.db.models import QuerySet

from beffroi.foundation.clock import from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.dispatch import models
from beffroi.kernel.dispatch.types import Distress, DistressKind
from beffroi.kernel.incidents.rules import reference_of
from beffroi.kernel.people.queries import may, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_STANDING = 50


def standing_distresses(*, seen_by: Viewer) -> tuple[Distress, ...]:
    """Return the distresses that nobody ended, those without an answer first, then the oldest.

    They come before every post whatever its desks; a clearance of one desk alone narrows them to it.
    """
    desks = {territory.desk for territory in territories(seen_by, Verb.SEE, Kind.DISTRESS)}
    rows = _whole().filter(ended_at=None)
    if "" not in desks:
        rows = rows.filter(unit__desk__in=desks)
    found = [distress_of(row) for row in rows.order_by("raised_at", "id")[:MAX_STANDING]]
    return tuple(sorted(found, key=lambda each: (each.answered_at is not None, each.raised_at, each.id)))


def distress(number: int, *, seen_by: Viewer) -> Distress:
    """Return a distress by its number. Raises NotFound, also for who may not see it."""
    row = _whole().filter(pk=number).first()
    if row is None or not may(seen_by, Verb.SEE, Kind.DISTRESS, desk=row.unit.desk):
        raise NotFound(f"there is no distress {number}, or you may not see it")
    return distress_of(row)


def distress_of_unit(slug: str) -> Distress | None:
    """Return the distress of a crew that stands, for its own people; None: none. The caller asks the door."""
    row = _whole().filter(unit__slug=slug, ended_at=None).first()
    return None if row is None else distress_of(row)


def _whole() -> QuerySet[models.Distress]:
    return models.Distress.objects.select_related("unit", "incident", "raised_by", "answered_by", "ended_by")


def distress_of(row: models.Distress) -> Distress:
    """Return a distress as the other rooms see it."""
    unit, incident = row.unit, row.incident
    named = row.raised_by.display_name if row.raised_by and not unit.anonymous else ""
    return Distress(
        id=row.pk,
        unit=unit.slug,
        unit_name=unit.name,
        callsign=unit.callsign,
        desk=unit.desk,
        kind=DistressKind(row.kind),
        incident=row.incident_id,
        reference=reference_of(incident.pk, from_datetime(incident.opened_at)),
        raised_at=from_datetime(row.raised_at),
        raised_by=named,
        place=row.place,
        commune=row.commune,
        lon=row.lon,
        lat=row.lat,
        mission=row.mission_id,
        answered_at=from_datetime(row.answered_at) if row.answered_at else None,
        answered_by=row.answered_by.username if row.answered_by else "",
        answered_name=row.answered_by.display_name if row.answered_by else "",
        ended_at=from_datetime(row.ended_at) if row.ended_at else None,
        ended_name=row.ended_by.display_name if row.ended_by else "",
    )

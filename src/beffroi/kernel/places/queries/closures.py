"""Closures of streets: what is closed now, and the list of what is, was and will be. The caller asks the door."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.people.queries import communes_of
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import models, rules
from beffroi.kernel.places.types import Closure

MOST_LISTED = 500


def closed_now(at: Instant) -> frozenset[str]:
    """Return the stretches closed at an instant by any closure."""
    moment = to_datetime(at)
    rows = models.Closure.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=moment), begins_at__lte=moment, until__gt=moment
    )
    return frozenset(key for keys in rows.values_list("segments", flat=True) for key in keys)


def closures(*, seen_by: Viewer, at: Instant, ended: bool = False, limit: int = MOST_LISTED) -> tuple[Closure, ...]:
    """Return the closures in force, then those planned, by their beginning; with `ended`, instead those that are over.

    Narrowed to the communes where the person sees places; those over come from the newest, at most 500.
    """
    rows = _seen(_rows(), seen_by)
    over = ~Q(ended_at=None) | Q(until__lte=to_datetime(at))
    rows = rows.filter(over).order_by("-until", "-id") if ended else rows.exclude(over).order_by("begins_at", "id")
    return tuple(told(row, at) for row in rows[: max(1, min(limit, MOST_LISTED))])


def closures_of_incident(number: int, *, at: Instant) -> tuple[Closure, ...]:
    """Return the closures made for an incident, the oldest first."""
    return tuple(told(row, at) for row in _rows().filter(incident=number).order_by("id")[:MOST_LISTED])


def closure(number: int, *, at: Instant) -> Closure:
    """Return a closure by its number. Raises NotFound."""
    row = _rows().filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no closure {number}")
    return told(row, at)


def told(row: models.Closure, at: Instant) -> Closure:
    """Return a row as the room shows it at an instant."""
    begins_at, until = from_datetime(row.begins_at), from_datetime(row.until)
    ended_at = from_datetime(row.ended_at) if row.ended_at else None
    return Closure(
        id=row.pk,
        segments=tuple(row.segments),
        street=row.street,
        commune=row.commune,
        begins_at=begins_at,
        until=until,
        reason=row.reason,
        incident=row.incident,
        state=rules.state_of(begins_at, until, ended_at, at),
        closed_by=row.closed_by.display_name,
        closed_at=from_datetime(row.closed_at),
        ended_at=ended_at,
        ended_by=row.ended_by.display_name if row.ended_by else "",
        end_reason=row.end_reason,
    )


def _rows() -> QuerySet[models.Closure]:
    return models.Closure.objects.select_related("closed_by", "ended_by")


def _seen(rows: QuerySet[models.Closure], viewer: Viewer) -> QuerySet[models.Closure]:
    communes = communes_of(viewer, Verb.SEE, Kind.PLACE)
    return rows if communes is None else rows.filter(commune__in=communes)

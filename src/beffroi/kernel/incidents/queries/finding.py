"""Finding incidents among very many: by words, place, distance, category, period and the rest, each by an index of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.geo import point_to_metres
from beffroi.kernel.incidents import models, rules
from beffroi.kernel.incidents.queries.catalogue import categories
from beffroi.kernel.incidents.types import OPEN_STATES, IncidentState
from beffroi.kernel.places.rules import sought

MAX_WITHIN_M = 20_000.0
_OPEN = Q(state__in=[str(state) for state in OPEN_STATES])
_WORDS = "incidents_incident.search @@ to_tsquery('pg_catalog.french', %s)"
_BOX = "point(incidents_incident.x_m, incidents_incident.y_m) <@ box(point(%s, %s), point(%s, %s))"
_CIRCLE = "(incidents_incident.x_m - %s) ^ 2 + (incidents_incident.y_m - %s) ^ 2 <= %s"
_WIDE_M = 1_500.0
"""Past it a circle holds so many that reading from the newest on and stopping is quicker than the index of places."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which incidents are asked for; what is left empty does not filter. `open_only` leaves out the closed ones.

    `text` is what a person types: words of the title and the place, in any order and without accents, each as its
    beginning; or a reference. Words that people wrote are encrypted: they are looked for, by who may read them, in the
    newest incidents that the other filters let through (`wording.MOST_OPENED`). `around` is a longitude and a latitude, with `within_m` metres about it. A category
    stands for its family: the alarms that are about the same thing. `concerns` names a desk that answers for it, is
    associated, or is asked to take it over; `late`: it missed a deadline; `reopened`: it was closed before.
    """

    state: IncidentState | None = None
    open_only: bool = False
    desk: str = ""
    commune: str = ""
    priority: int | None = None
    category: str = ""
    asset: str = ""
    owner: str = ""
    since: Instant | None = None
    until: Instant | None = None
    text: str = ""
    around: tuple[float, float] | None = None
    within_m: float = 200.0
    concerns: str = ""
    proposed_to: str = ""
    late: bool = False
    reopened: bool = False


NOTHING_ASKED = Filters()


def concerned(desk: str) -> Q:
    """The desk answers for it, is associated, or is asked to take it over."""
    return Q(desk=desk) | Q(associated__contains=[desk]) | Q(proposed_to=desk)


def of_post(desks: Collection[str]) -> Q:
    """One of these desks answers for it, is associated, or is asked to take it over."""
    names = list(desks)
    return Q(desk__in=names) | Q(associated__overlap=names) | Q(proposed_to__in=names)


def narrowed_to(rows: QuerySet[models.Incident], filters: Filters) -> QuerySet[models.Incident]:
    """Narrow incidents to what is asked for; words are looked for apart (`saying`, and `wording.told_among`)."""
    exact = {
        "state": filters.state,
        "desk": filters.desk,
        "commune": filters.commune,
        "priority": filters.priority,
        "asset__code": filters.asset,
        "owner__username": filters.owner,
        "proposed_to": filters.proposed_to,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if filters.category:
        rows = rows.filter(category__in=rules.codes_of(filters.category, categories()))
    if filters.open_only:
        rows = rows.filter(_OPEN)
    if filters.concerns:
        rows = rows.filter(concerned(filters.concerns))
    if filters.late:
        rows = rows.exclude(missed="")
    if filters.reopened:
        rows = rows.filter(round__gt=1)
    if filters.since is not None:
        rows = rows.filter(opened_at__gte=to_datetime(filters.since))
    if filters.until is not None:
        rows = rows.filter(opened_at__lt=to_datetime(filters.until))
    if filters.around is not None:
        rows = _around(rows, filters.around, filters.within_m)
    return rows


def sought_words(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words that a person looks for, each in its forms: a street number counts as one."""
    wanted = sought(text)
    return (*((part,) for part in wanted.number.split()), *wanted.words)


def saying(rows: QuerySet[models.Incident], text: str) -> QuerySet[models.Incident]:
    """Narrow to a reference, or to those whose title and place hold a beginning of each word."""
    number = rules.number_of(text)
    if number is not None and not text.strip().isdigit():
        return rows.filter(pk=number)
    words = " & ".join(f"({' | '.join(f'{form}:*' for form in forms)})" for forms in sought_words(text))
    if not words:
        return rows.none()
    with connection.cursor() as cursor:
        cursor.execute("SELECT numnode(to_tsquery('pg_catalog.french', %s))", [words])
        telling = int(cursor.fetchone()[0])
    if not telling:
        return rows  # « de la » : words that tell nothing do not filter
    return rows.extra(where=[_WORDS], params=[words])  # noqa: S610 - fixed text, parameters apart


def _around(rows: QuerySet[models.Incident], around: tuple[float, float], within_m: float) -> QuerySet[models.Incident]:
    """Narrow to a distance: a box by the index, or by its sides where it is wide, then the circle."""
    far = max(0.0, min(within_m, MAX_WITHIN_M))
    x_m, y_m = point_to_metres(*around)
    west, south, east, north = x_m - far, y_m - far, x_m + far, y_m + far
    if far > _WIDE_M:
        rows = rows.filter(x_m__range=(west, east), y_m__range=(south, north))
    else:
        rows = rows.extra(where=[_BOX], params=[west, south, east, north])  # noqa: S610 - fixed text
    return rows.extra(where=[_CIRCLE], params=[x_m, y_m, far * far])  # noqa: S610 - fixed text

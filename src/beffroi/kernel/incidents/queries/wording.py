"""What people wrote freely of incidents: opened for who may read it, and looked through for words (docs/decisions/0023)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import models, rules
from beffroi.kernel.incidents.queries.tree import tree_of
from beffroi.kernel.incidents.types import Written
from beffroi.kernel.journal.queries import holders_of, lines_of_any, read_words
from beffroi.kernel.people.queries import territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MOST_OPENED = 400
"""Incidents whose words one search opens: the newest that hold any, of those that the other filters let through."""

_HOLDS_WORDS = ~Q(description=b"") | ~Q(close_comment=b"")


def written(incident_ids: Collection[int], *, readable: bool = True) -> dict[int, Written]:
    """Return what people wrote of incidents, by their number. The caller asks the door: not `readable`, it is withheld."""
    columns = ("description", "close_comment", "hold_reason")
    rows = list(models.Incident.objects.filter(pk__in=list(incident_ids)).values_list("id", *columns))
    read = read_words([part for _number, *parts in rows for part in parts], readable=readable)
    return {number: Written(*(read.words(part) for part in parts)) for number, *parts in rows}


def cases_of(incident_id: int) -> tuple[str, ...]:
    """Return the cases under whose keys the words stand that an incident shows, its own first: whose erasure reaches them.

    A signal that came by a union, a note that was carried: their words go with the case where they were told; why an alarm
    was put aside goes with that alarm's.
    """
    numbers, own = tree_of(incident_id), rules.case_of(incident_id)
    found = {rules.case_of(number) for number in numbers}
    parts = models.Signal.objects.filter(incident_id__in=numbers).values_list("description", flat=True)
    found |= holders_of(bytes(part) for part in parts)
    lines = lines_of_any([f"incident:{number}" for number in numbers], limit=500)
    found |= {line.personal.about for line in lines if line.personal}
    alarm_ids = models.IncidentAlarm.objects.filter(incident_id__in=numbers).values_list("alarm_id", flat=True)
    found |= holders_of(alarms.written_of(alarm_ids))
    return (own, *sorted(found - {own}))


def told_among(rows: QuerySet[models.Incident], words: Sequence[Sequence[str]], *, seen_by: Viewer) -> tuple[int, ...]:
    """Return the newest of these incidents that say all these words, counting what people wrote and this person may read.

    At most `MOST_OPENED` are opened: what is older is found by its title, its place, or within a period.
    """
    columns = ("id", "title", "place", "commune", "description", "close_comment")
    found = list(_readable(rows, seen_by).values_list(*columns)[:MOST_OPENED])
    more: dict[int, list[bytes]] = {}
    told = models.Signal.objects.filter(incident_id__in=[row[0] for row in found])
    for number, part in told.values_list("incident_id", "description"):
        more.setdefault(number, []).append(bytes(part))
    read = read_words([part for row in found for part in (*row[4:], *more.get(row[0], ()))])
    return tuple(
        number
        for number, title, place, commune, *parts in found
        if rules.says_all(
            " ".join([title, place, commune, *(read.words(part).text for part in (*parts, *more.get(number, ())))]),
            words,
        )
    )


def oldest_opened(rows: QuerySet[models.Incident], *, seen_by: Viewer) -> tuple[int, Instant] | None:
    """Return number and beginning of the last incident whose words `told_among` opens, where there are older ones; else None."""
    last = list(_readable(rows, seen_by).values_list("id", "opened_at")[MOST_OPENED - 1 : MOST_OPENED + 1])
    return (last[0][0], from_datetime(last[0][1])) if len(last) > 1 else None


def _readable(rows: QuerySet[models.Incident], seen_by: Viewer) -> QuerySet[models.Incident]:
    """Return those that hold words which this person may read, the newest first."""
    where = Q(pk__in=[])
    for territory in territories(seen_by, Verb.SEE, Kind.PERSONAL):
        here = Q(desk=territory.desk) if territory.desk else Q()
        where |= here & (Q(commune=territory.commune) if territory.commune else Q())
        if not territory.desk and not territory.commune:
            where = Q()
            break
    return rows.filter(where).filter(_HOLDS_WORDS).order_by("-id")

"""Which incidents were united with which: a tree, whose root is the one that lives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.incidents.types import ENDED_STATES, IncidentState

_TREE = """
WITH RECURSIVE tree(id) AS (
    SELECT %s::bigint UNION SELECT i.id FROM incidents_incident i JOIN tree t ON i.duplicate_of_id = t.id
) SELECT id FROM tree ORDER BY id
"""
_ROOT = """
WITH RECURSIVE up(id, over) AS (
    SELECT id, duplicate_of_id FROM incidents_incident WHERE id = %s
    UNION SELECT i.id, i.duplicate_of_id FROM incidents_incident i JOIN up ON i.id = up.over
) SELECT id FROM up WHERE over IS NULL
"""


_ENDED = """
WITH RECURSIVE up(start, id, over) AS (
    SELECT id, id, duplicate_of_id FROM incidents_incident WHERE id = ANY(%s)
    UNION SELECT up.start, i.id, i.duplicate_of_id FROM up JOIN incidents_incident i ON i.id = up.over
)
SELECT up.start, i.id, i.state, i.round, coalesce(i.closed_at, i.resolved_at),
    EXISTS (SELECT 1 FROM incidents_incidentalarm a WHERE a.incident_id = i.id)
FROM up JOIN incidents_incident i ON i.id = up.id WHERE up.over IS NULL AND i.state = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """That what was told is over: in which incident it lives, how, in which round, since when; whether alarms are of it."""

    number: int
    state: IncidentState
    round: int
    at: Instant
    alarmed: bool


def ended_among(incident_ids: Collection[int]) -> dict[int, Ended]:
    """Return, of these incidents, those that are resolved or closed, each as the one that it was united with in the end."""
    states = [str(state) for state in (*ENDED_STATES, IncidentState.RESOLVED)]
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, [list(incident_ids), states])
        return {
            int(start): Ended(int(number), IncidentState(state), int(turn), from_datetime(at), bool(alarmed))
            for start, number, state, turn, at, alarmed in cursor.fetchall()
            if at is not None
        }


def tree_of(incident_id: int) -> tuple[int, ...]:
    """Return an incident and every duplicate of it, however far down."""
    with connection.cursor() as cursor:
        cursor.execute(_TREE, [incident_id])
        return tuple(int(row[0]) for row in cursor.fetchall())


def living_of(incident_id: int) -> int:
    """Return the incident in which this one lives: itself, or the one that it was united with in the end."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOT, [incident_id])
        row = cursor.fetchone()
    return int(row[0]) if row else incident_id

"""Which incidents were united with which: a tree, whose root is the one that lives."""

from __future__ import annotations

from django.db import connection

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

"""What commands of ours do to alarms: what they are known to cause is explained by them, and asks nothing of anybody.

Suppressed by design (ISA-18.2, clause 5.6), and never a condition that began before the command left. The commands' room
says which are in force: one that has left and is waited for, or that a reading has shown and no reading has belied since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.actions.batch import Batch
from beffroi.kernel.alarms.actions.covering import hold_covers
from beffroi.kernel.alarms.actions.explaining import under_commands
from beffroi.kernel.alarms.actions.rows import check_transaction
from beffroi.kernel.alarms.types import Applied, Commanded

_BEGIN = """
INSERT INTO alarms_commanded (command, asset_id, ability, title, by_id, since)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
ON CONFLICT (command) DO NOTHING RETURNING ability, asset_id
"""


def follow_commands(in_force: Sequence[Commanded], *, at: Instant) -> Applied:
    """Take up which commands are in force now, in the caller's transaction: what they explain is suppressed, or let go.

    A command that is over is never in force again. What it explained has its release delay to return; what still stands
    then stands before people, as after any explanation. Nothing is locked when nothing changed.
    """
    check_transaction()
    known = dict(models.Commanded.objects.filter(ended_at=None).values_list("command", "id"))
    here = {each.command: each for each in in_force}
    over = [key for command, key in known.items() if command not in here]
    new = [each for command, each in here.items() if command not in known]
    if not over and not new:
        return Applied()
    hold_covers(alone=True)
    models.Commanded.objects.filter(pk__in=over, ended_at=None).update(ended_at=to_datetime(at))
    batch = Batch(at)
    rows = under_commands(_begin(new), batch.definitions.values())
    batch.explain({row.id: row for row in rows})
    return batch.applied()


def _begin(new: Sequence[Commanded]) -> list[tuple[str, int]]:
    """Keep commands that nobody has kept before; return their (ability, asset)."""
    if not new:
        return []
    values: list[Any] = [
        [each.command for each in new],
        [each.asset_id for each in new],
        [each.ability for each in new],
        [each.title for each in new],
        [each.by for each in new],
        [to_datetime(each.since) for each in new],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        return list(cursor.fetchall())

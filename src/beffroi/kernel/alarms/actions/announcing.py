"""Noting what is put before people: the one count from which load, floods, chattering and figures come."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms.rules.flood import ANNOUNCING
from beffroi.kernel.journal.types import Entry

_NOTE = """
INSERT INTO alarms_announcement (alarm_id, asset_id, code, desk, priority, at)
SELECT a.id, a.asset_id, a.code, a.desk, a.priority, %s
FROM unnest(%s::bigint[]) WITH ORDINALITY AS w(id, place) JOIN alarms_alarm a ON a.id = w.id ORDER BY w.place
"""


def note_announcements(lines: Iterable[Entry], *, at: Instant) -> int:
    """Note each line that puts an alarm before people, in the transaction that writes it; return how many.

    From the lines themselves, so that the figures and the journal can never disagree. Only adds rows: nothing is locked.
    """
    ids = [int(line.subject.partition(":")[2]) for line in lines if line.verb in ANNOUNCING]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [to_datetime(at), ids])
    return len(ids)

"""What people say of an alarm once it is over: was it of use? The one figure that no clock can measure."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms.actions.rows import check_transaction
from beffroi.kernel.people.types import Viewer

_SAY = """
INSERT INTO alarms_verdict (alarm_id, code, desk, useful, by_id, at)
SELECT a.id, a.code, a.desk, %s, %s, %s FROM alarms_alarm a WHERE a.id = ANY(%s) ORDER BY a.id
ON CONFLICT (alarm_id) DO UPDATE SET useful = excluded.useful, by_id = excluded.by_id, at = excluded.at
"""


def judge_alarms(alarm_ids: Iterable[int], *, useful: bool, by: Viewer, at: Instant) -> None:
    """Note whether these alarms were of use, in the caller's transaction, which has locked them and tells it in its line.

    Said again, the last word counts: an incident that was reopened is closed with what is known then.
    """
    check_transaction()
    with connection.cursor() as cursor:
        cursor.execute(_SAY, [useful, by.id, to_datetime(at), list(alarm_ids)])

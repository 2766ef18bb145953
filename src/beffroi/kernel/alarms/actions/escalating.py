"""What time does to an alarm before people: nobody acknowledges it, or it was acknowledged long ago and still holds.

Both are looked for every second, under lock, by what the alarm's row says: so a process that was killed and comes back
neither forgets one nor does one twice.
"""

from __future__ import annotations

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.batch import Batch
from beffroi.kernel.alarms.actions.covering import hold_covers
from beffroi.kernel.alarms.actions.rows import check_transaction, open_rows
from beffroi.kernel.alarms.rules import next_state
from beffroi.kernel.alarms.types import RUNGS, AlarmEvent, AlarmState, Applied

MAX_A_PASS = 200

_DUE_TO_ESCALATE = """
SELECT a.id, a.rung FROM alarms_alarm a
JOIN alarms_definition d ON d.id = a.definition_id
JOIN unnest(%s::int[], %s::int[]) AS p(priority, after_s) ON p.priority = a.priority
WHERE a.state = 'unacknowledged' AND a.rung < %s AND coalesce(d.escalate_after_s, p.after_s) > 0
    AND coalesce(a.escalated_at, a.announced_at) + coalesce(d.escalate_after_s, p.after_s) * interval '1 second' <= %s
ORDER BY a.id LIMIT %s FOR UPDATE OF a
"""

_DUE_TO_RE_ALARM = """
SELECT a.id FROM alarms_alarm a JOIN alarms_definition d ON d.id = a.definition_id
WHERE a.state = 'acknowledged' AND d.re_alarm_s > 0 AND a.acknowledged_at + d.re_alarm_s * interval '1 second' <= %s
ORDER BY a.id LIMIT %s FOR UPDATE OF a
"""


def escalate_alarms(*, at: Instant) -> Applied:
    """Tell one rung higher the alarms that nobody acknowledged in time; in the caller's transaction.

    The first rung is due once the alarm has stood for its time, the next as long after that one was told. An alarm that
    returned asks for no response any more, and is told no higher.
    """
    check_transaction()
    policies = queries.priorities()
    with connection.cursor() as cursor:
        after_s = [policy.escalate_after_s for policy in policies.values()]
        cursor.execute(_DUE_TO_ESCALATE, [list(policies), after_s, len(RUNGS), to_datetime(at), MAX_A_PASS])
        rungs = dict(cursor.fetchall())
    batch = Batch(at)
    for row in open_rows(pk__in=list(rungs)) if rungs else ():
        rung = rungs[row.id] + 1
        models.Alarm.objects.filter(pk=row.id).update(rung=rung, escalated_at=to_datetime(at))
        batch.happened("escalate_alarm", row, rung=rung, told=RUNGS[rung - 1])
    return batch.applied()


def re_alarm(*, at: Instant) -> Applied:
    """Put before people again what was acknowledged long ago and still holds; in the caller's transaction."""
    check_transaction()
    hold_covers()
    with connection.cursor() as cursor:
        cursor.execute(_DUE_TO_RE_ALARM, [to_datetime(at), MAX_A_PASS])
        due = [row[0] for row in cursor.fetchall()]
    batch = Batch(at)
    rows = open_rows(pk__in=due) if due else []
    for row in rows:
        row.state = next_state(row.state, AlarmEvent.RE_ALARM) or AlarmState.UNACKNOWLEDGED
    batch.come_out("re_alarm", rows, otherwise="keep_aside")
    return batch.applied()

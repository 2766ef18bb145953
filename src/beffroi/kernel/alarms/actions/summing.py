"""Keeping sums: what was put before people and acknowledged, by slots of ten minutes, so that a year is read at once."""

from __future__ import annotations

from django.db import connection, transaction

from beffroi.foundation.clock import DAY, HOUR, MINUTE, Instant, from_datetime, to_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.rules.figures import SLOT, slot_of

_SUM_LOCK = 0x73756D73  # "sums": the advisory lock of whoever sums
NAME = "sums"
LAG: Instant = 2 * MINUTE
AGAIN: Instant = HOUR
AT_ONCE: Instant = 31 * DAY
_CLEAR = "DELETE FROM alarms_tally WHERE slot >= %s AND slot < %s"
_SUM = """
INSERT INTO alarms_tally
    (slot, desk, code, priority, announced, acknowledged, acknowledge_total_s, acknowledge_longest_s)
SELECT date_bin('10 minutes', at, 'epoch'), desk, code, priority,
    sum(announced), sum(acknowledged), sum(waited_s), max(waited_s)
FROM (
    SELECT at, desk, code, priority, 1 AS announced, 0 AS acknowledged, 0::float8 AS waited_s
    FROM alarms_announcement WHERE at >= %s AND at < %s
    UNION ALL
    SELECT acknowledged_at, desk, code, priority, 0, 1,
        greatest(0, extract(epoch FROM acknowledged_at - announced_at))::float8
    FROM alarms_alarm WHERE acknowledged_at >= %s AND acknowledged_at < %s AND announced_at IS NOT NULL
) AS each
GROUP BY 1, 2, 3, 4
"""


def sum_up(*, at: Instant) -> Instant:
    """Sum the slots that are over by two minutes, and the last hour's again; return up to where sums are kept.

    Sums are made anew from the announcements, never added to: doing it twice, or being cut off, changes nothing. At most
    a month at a time, so that an old store is caught up with in steps. The journal's own lines stay the authority.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SUM_LOCK])
            if not cursor.fetchone()[0]:
                return at
        row = models.Watching.objects.filter(pk=NAME).first()
        known = from_datetime(row.looked_at) if row else _first()
        until = slot_of(at - LAG)
        if known is None or until <= known:
            return until if known is None else known
        until = min(until, known + AT_ONCE - AT_ONCE % SLOT)
        span = [to_datetime(slot_of(known - AGAIN)), to_datetime(until)]
        with connection.cursor() as cursor:
            cursor.execute(_CLEAR, span)
            cursor.execute(_SUM, [*span, *span])
        models.Watching.objects.update_or_create(name=NAME, defaults={"looked_at": to_datetime(until)})
    return until


def _first() -> Instant | None:
    """Return where the first announcement's slot begins; None before there is any."""
    first = models.Announcement.objects.order_by("at").first()
    return slot_of(from_datetime(first.at)) if first else None

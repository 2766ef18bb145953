"""Frames kept aside: how they are written, and how they go, when their time is past or there is no more room.

What lies there is counted by day and source in the transaction that writes or removes it, so that the bound costs one small
read. The engine and whoever makes room take these counts in the same order, by day and source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.clock import DAY, Instant, to_datetime

CHUNK = 5_000
ROOM_LEFT = 0.9
_MOST_CHUNKS = 10_000
_COPY = (
    "COPY twin_quarantine (stream, sequence, entry, source_id, topic, payload, received_at, verdict, reason) FROM STDIN"
)
_COUNT = (
    "INSERT INTO twin_quarantineday AS old (day, source_id, rows, bytes, seen, dropped) VALUES (%s, %s, %s, %s, %s, 0)"
    " ON CONFLICT (day, source_id) DO UPDATE SET rows = old.rows + excluded.rows, bytes = old.bytes + excluded.bytes,"
    " seen = old.seen + excluded.seen"
)
_REMOVE = """
WITH gone AS (
    DELETE FROM twin_quarantine WHERE id IN (
        SELECT id FROM twin_quarantine WHERE received_at >= %(first)s AND received_at < %(end)s
        ORDER BY received_at LIMIT %(most)s)
    RETURNING coalesce(source_id, 0) AS source, octet_length(payload) AS size),
sums AS (SELECT source, count(*) AS n, sum(size) AS bytes FROM gone GROUP BY source),
counted AS (
    UPDATE twin_quarantineday d SET rows = greatest(d.rows - s.n, 0), bytes = greatest(d.bytes - s.bytes, 0),
        dropped = d.dropped + CASE WHEN %(for_room)s THEN s.n ELSE 0 END
    FROM sums s WHERE d.day = %(day)s AND d.source_id = s.source)
SELECT coalesce(sum(n), 0) FROM sums"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A frame, or an entity of a frame, that is kept aside with its reason. `verdict`: quarantined or refused."""

    stream: str
    sequence: int
    entry: int
    source_id: int | None
    topic: str
    payload: bytes
    received_at: Instant
    verdict: str
    reason: str


def quarantine(cursor: Any, rows: Sequence[Quarantined]) -> None:
    """Keep frames aside, whole, with their reason, and count them."""
    if not rows:
        return
    with cursor.copy(_COPY) as stream:
        for row in rows:
            stream.write_row(
                (
                    row.stream,
                    row.sequence,
                    row.entry,
                    row.source_id,
                    row.topic[:400].replace("\0", "␀"),
                    row.payload,
                    to_datetime(row.received_at),
                    row.verdict,
                    row.reason[:2000].replace("\0", "␀"),
                )
            )
    for (day, source), (count, size) in sorted(_by_day(rows).items()):
        cursor.execute(_COUNT, [day, source, count, size, count])


def _by_day(rows: Iterable[Quarantined]) -> dict[tuple[date, int], tuple[int, int]]:
    sums: dict[tuple[date, int], tuple[int, int]] = {}
    for row in rows:
        key = (to_datetime(row.received_at).date(), row.source_id or 0)
        count, size = sums.get(key, (0, 0))
        sums[key] = (count + 1, size + len(row.payload))
    return sums


def bound_quarantine(*, max_rows: int, max_bytes: int) -> int:
    """Make room once the quarantine holds more than either bound: the oldest frames go, until nine tenths of it are left.

    Returns how many went; each is counted in its day. In transactions of at most 5,000 frames, so that no engine waits long.
    """
    if not _over(max_rows, max_bytes):
        return 0
    dropped = 0
    for _ in range(_MOST_CHUNKS):
        if not (excess := _over(int(max_rows * ROOM_LEFT), int(max_bytes * ROOM_LEFT))):
            break
        dropped += _remove_oldest(excess)
    return dropped


def _over(max_rows: int, max_bytes: int) -> int:
    """Return how many of the oldest frames should go now, at most a chunk; 0 within the bounds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM twin_quarantineday")
        rows, size = map(int, cursor.fetchone())
    if rows <= max_rows and size <= max_bytes:
        return 0
    by_bytes = -(-(size - max_bytes) * rows // max(size, 1)) if size > max_bytes else 0
    return min(CHUNK, max(rows - max_rows, by_bytes, 1))


def _remove_oldest(most: int) -> int:
    """Remove at most so many frames of the oldest day that has some; a day that has none in truth is set right."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM twin_quarantineday WHERE day = (SELECT min(day) FROM twin_quarantineday WHERE rows > 0)"
            " ORDER BY day, source_id FOR UPDATE"
        )
        row = cursor.fetchone()
        if row is None:
            return 0
        gone = _remove(cursor, row[0], most, for_room=True)
        if not gone:
            cursor.execute("UPDATE twin_quarantineday SET rows = 0, bytes = 0 WHERE day = %s", [row[0]])
    return gone


def _remove(cursor: Any, day: date, most: int | None, *, for_room: bool) -> int:
    first = f"{day.isoformat()}T00:00:00Z"
    cursor.execute(
        _REMOVE.replace("%(end)s", "%(first)s::timestamptz + interval '24 hours'"),
        {"first": first, "most": most, "for_room": for_room, "day": day},
    )
    return int(cursor.fetchone()[0])


def expire_quarantine(at: Instant, days: int) -> int:
    """Remove frames of whole days past their time; return how many went. What was counted of them is kept."""
    oldest = to_datetime(at - days * DAY).date()
    gone = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM twin_quarantineday WHERE day < %s AND rows > 0 ORDER BY day, source_id FOR UPDATE",
            [oldest],
        )
        for day in sorted({day for (day,) in cursor.fetchall()}):
            gone += _remove(cursor, day, None, for_room=False)
            cursor.execute("UPDATE twin_quarantineday SET rows = 0, bytes = 0 WHERE day = %s", [day])
    return gone

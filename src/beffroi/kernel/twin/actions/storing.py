"""The hot writes: values, positions, counts, quarantine, freshness. On a cursor inside the engine's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction

from beffroi.foundation.arrays import Packed, PackedDumper, packed
from beffroi.foundation.clock import DAY, Instant, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.kernel.twin.actions.setting_aside import Quarantined, expire_quarantine, quarantine
from beffroi.kernel.twin.models import Quantity
from beffroi.kernel.twin.rules import LIVE, Columns, last_values, pack_history

FETCHED = "fetched"
"""What stands for a stream where a frame reached none."""
FETCHED_EXCERPT = 65_536
_HISTORY = (
    "COPY twin_history (observed_at, received_at, value, asset_id, quantity_id, quality) FROM STDIN (FORMAT BINARY)"
)
_ROWS = (
    "unnest(%b::bigint[], %b::smallint[], %b::float8[], %b::timestamptz[], %b::timestamptz[], %b::smallint[])"
    " WITH ORDINALITY AS new(asset_id, quantity_id, value, observed_at, received_at, quality, place)"
)
_UPDATE_STATE = f"""
UPDATE twin_state AS old SET value = new.value, observed_at = new.observed_at, received_at = new.received_at,
    quality = new.quality
FROM {_ROWS}
WHERE old.asset_id = new.asset_id AND old.quantity_id = new.quantity_id AND old.observed_at <= new.observed_at"""
_NOT_UPDATED = f"""
SELECT new.place - 1, old.asset_id IS NULL FROM {_ROWS}
LEFT JOIN twin_state AS old ON old.asset_id = new.asset_id AND old.quantity_id = new.quantity_id
WHERE old.asset_id IS NULL OR old.observed_at > new.observed_at"""
_INSERT_STATE = f"""
INSERT INTO twin_state (asset_id, quantity_id, value, observed_at, received_at, quality)
SELECT asset_id, quantity_id, value, observed_at, received_at, quality FROM {_ROWS}"""


@dataclass(slots=True)
class Tally:
    """What a batch adds to the counters of one source."""

    received: int = 0
    stored: int = 0
    quarantined: int = 0
    refused: int = 0
    last_received_at: Instant = 0


def store_values(cursor: Any, batch: Columns) -> Columns:
    """Write history and last values; return the rows that are now the last of their (asset, quantity).

    One COPY and one UPDATE when all were seen before; what the UPDATE did not touch is looked at again, and inserted where
    it is new. A value observed before the one already kept goes to the history only. In the caller's transaction, which
    holds the partition of these assets: nobody else writes their state.
    """
    if not len(batch):
        return batch
    with cursor.copy(_HISTORY) as stream:
        stream.write(pack_history(batch))
    newest = last_values(batch)
    cursor.adapters.register_dumper(Packed, PackedDumper)
    if _with_rows(cursor, _UPDATE_STATE, newest).rowcount == len(newest):
        return newest
    left = _with_rows(cursor, _NOT_UPDATED, newest).fetchall()
    new = [place for place, is_new in left if is_new]
    if new:
        _with_rows(cursor, _INSERT_STATE, newest.take(np.asarray(new, np.int64)))
    kept = np.ones(len(newest), bool)
    kept[[place for place, is_new in left if not is_new]] = False
    return newest.take(np.flatnonzero(kept))


def _with_rows(cursor: Any, statement: str, rows: Columns) -> Any:
    return cursor.execute(
        statement,
        [
            packed(rows.asset_id, "bigint"),
            packed(rows.quantity_id, "smallint"),
            packed(rows.value, "float8"),
            packed(rows.observed_at, "timestamptz"),
            packed(rows.received_at, "timestamptz"),
            packed(rows.quality, "smallint"),
        ],
    )


def advance_position(cursor: Any, stream: str, partition: int, sequence: int, epoch: int, received_at: Instant) -> None:
    """Write how far a partition is applied, in the transaction of what it covers.

    Raises Conflict when another engine has claimed the partition since (the fencing epoch): nothing must be committed.
    """
    cursor.execute(
        "UPDATE twin_position SET sequence = %s, received_at = %s WHERE stream = %s AND partition = %s AND epoch = %s",
        [sequence, to_datetime(received_at), stream, partition, epoch],
    )
    if cursor.rowcount != 1:
        raise Conflict(f"partition {partition} of {stream} has been taken over by another engine")


def identity() -> str:
    """Return what tells this post from another on one bus (12 hexadecimal digits), making it at the first call."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM twin_identity")
        if (row := cursor.fetchone()) is None:
            cursor.execute(
                "INSERT INTO twin_identity (id, name, made_at) VALUES (1, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
                [secrets.token_hex(6)],
            )
            cursor.execute("SELECT name FROM twin_identity")
            row = cursor.fetchone()
    return str(row[0])


def note_pending(pending: Mapping[tuple[str, int], int], at: Instant) -> None:
    """Write how many messages wait in each partition that this engine reads, as of now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE twin_position AS old SET pending = new.n, checked_at = %s"
            " FROM unnest(%s::text[], %s::smallint[], %s::bigint[]) AS new(s, p, n)"
            " WHERE old.stream = new.s AND old.partition = new.p",
            [
                to_datetime(at),
                [stream for stream, _ in pending],
                [partition for _, partition in pending],
                list(pending.values()),
            ],
        )


def claim_position(stream: str, partition: int) -> tuple[int, int]:
    """Open a new epoch on a partition; return (position, epoch). Whoever held it can commit nothing any more.

    Epochs name consumers on the bus, which outlives a store that is emptied or restored: they follow the clock (in
    seconds), so that none is given twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO twin_position AS old (stream, partition, sequence, epoch, pending)"
            " VALUES (%s, %s, 0, extract(epoch FROM clock_timestamp())::bigint, 0) ON CONFLICT (stream, partition)"
            " DO UPDATE SET epoch = greatest(old.epoch + 1, excluded.epoch) RETURNING sequence, epoch",
            [stream, partition],
        )
        sequence, epoch = cursor.fetchone()
    return int(sequence), int(epoch)


def match_log(stream: str, partition: int, epoch: int, *, log: str, last: int) -> int:
    """Return the position of a partition in this log, which is given a name and whose last number is `last`.

    A log made anew (its store was lost) counts from 1: what it holds is read from its beginning. One that lost its end
    (a power cut where it is not flushed at once) is read from where it ends. Raises Conflict when fenced off.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE twin_position SET sequence = CASE WHEN log IN ('', %s) THEN least(sequence, %s) ELSE 0 END, log = %s"
            " WHERE stream = %s AND partition = %s AND epoch = %s RETURNING sequence",
            [log, last, log, stream, partition, epoch],
        )
        row = cursor.fetchone()
    if row is None:
        raise Conflict(f"partition {partition} of {stream} has been taken over by another engine")
    return int(row[0])


def count(cursor: Any, tallies: Mapping[int, Tally]) -> None:
    """Add a batch's counts to those of each source."""
    for source_id, tally in sorted(tallies.items()):
        cursor.execute(
            "INSERT INTO twin_counter AS old (source_id, received, stored, quarantined, refused, denied, last_received_at)"
            " VALUES (%s, %s, %s, %s, %s, 0, %s) ON CONFLICT (source_id) DO UPDATE SET"
            " received = old.received + excluded.received, stored = old.stored + excluded.stored,"
            " quarantined = old.quarantined + excluded.quarantined, refused = old.refused + excluded.refused,"
            " last_received_at = greatest(old.last_received_at, excluded.last_received_at)",
            [
                source_id,
                tally.received,
                tally.stored,
                tally.quarantined,
                tally.refused,
                to_datetime(tally.last_received_at),
            ],
        )


def count_denied(source_code: str, denied: int) -> None:
    """Add publishes that the bus refused outside a gateway's permission (it acknowledges and drops them)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO twin_counter AS old (source_id, received, stored, quarantined, refused, denied)"
            " SELECT id, 0, 0, 0, %s, %s FROM twin_source WHERE code = %s ON CONFLICT (source_id) DO UPDATE SET"
            " refused = old.refused + excluded.refused, denied = old.denied + excluded.denied",
            [denied, denied, source_code],
        )


def note_answers(answers: Mapping[int, Instant]) -> None:
    """Write when sources that are fetched last answered, with something new or not: they are heard then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO twin_counter AS old (source_id, received, stored, quarantined, refused, denied, answered_at)"
            " SELECT s.id, 0, 0, 0, 0, 0, new.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS new(id, at)"
            " JOIN twin_source s USING (id) ORDER BY s.id ON CONFLICT (source_id) DO UPDATE SET"
            " answered_at = greatest(old.answered_at, excluded.answered_at)",
            [list(answers), [to_datetime(at) for at in answers.values()]],
        )


def quarantine_fetched(source_id: int, topic: str, payload: bytes, reason: str, at: Instant) -> None:
    """Keep aside what was fetched and could not be given to the log: its beginning, and the count of its source."""
    row = Quarantined(FETCHED, 0, 0, source_id, topic, payload[:FETCHED_EXCERPT], at, "quarantined", reason)
    with transaction.atomic(), connection.cursor() as cursor:
        quarantine(cursor, [row])
        count(cursor, {source_id: Tally(received=1, quarantined=1, last_received_at=at)})


def set_freshness(cursor: Any, changes: Sequence[tuple[int, int]], at: Instant) -> None:
    """Record which assets became stale or silent, and which are live again."""
    live = [asset for asset, level in changes if level == LIVE]
    late = [(asset, level) for asset, level in changes if level != LIVE]
    if live:
        cursor.execute("DELETE FROM twin_freshness WHERE asset_id = ANY(%s)", [live])
    if late:
        cursor.execute(
            "INSERT INTO twin_freshness (asset_id, level, since) SELECT a, l, %s FROM unnest(%s::bigint[], %s::smallint[])"
            " AS new(a, l) ON CONFLICT (asset_id) DO UPDATE SET level = excluded.level, since = excluded.since",
            [to_datetime(at), [asset for asset, _ in late], [level for _, level in late]],
        )


def ensure_quantities(names: Iterable[str]) -> dict[str, int]:
    """Return the number of each quantity, giving one to those that have none."""
    wanted = sorted(set(names))
    Quantity.objects.bulk_create([Quantity(name=name) for name in wanted], ignore_conflicts=True)
    return dict(Quantity.objects.filter(name__in=wanted).values_list("name", "id"))


def ensure_history(first: Instant, last: Instant) -> None:
    """Make the history's partitions for every day from `first` to `last` (bounded: 400 days)."""
    day = first - first % DAY
    days = [to_datetime(start).date() for start in range(day, min(last, day + 400 * DAY) + 1, DAY)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT twin_make_history(day) FROM unnest(%s::date[]) AS day", [days])


def drop_expired(at: Instant, *, history_days: int, quarantine_days: int) -> tuple[int, int]:
    """Drop days of history and quarantined frames past their time; return how many of each."""
    oldest = to_datetime(at - history_days * DAY).date()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT twin_drop_history(%s)", [oldest])
        days = int(cursor.fetchone()[0])
    return days, expire_quarantine(at, quarantine_days)

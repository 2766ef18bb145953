"""Writing in the journal: lines, and the seals over them. There is no other verb: a line is never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.foundation.ids import new_id
from beffroi.kernel.journal import models, queries, rules
from beffroi.kernel.journal.types import Entry, Record, Seal

MAX_LINES_A_SEAL = 50_000
_COPY = f"COPY journal_line ({', '.join(Record.__struct_fields__)}, digest) FROM STDIN"
_SEAL_LOCK = 0x6A6F75726E616C  # "journal": the advisory lock of whoever seals


def append(entries: Sequence[Entry], *, at: Instant) -> int:
    """Write lines inside the caller's transaction; return the number of the last one (or of the last there is).

    The row of the head stays locked until the caller commits: numbers follow the order of commitment, and an abandoned
    transaction gives its numbers back. So append last, just before the end of the transaction: others wait behind it.
    Raises Conflict outside a transaction, Refused for an entry that cannot be stored.
    """
    if not connection.in_atomic_block:
        raise Conflict("a journal line is written in the transaction of what it tells: open one")
    if not entries:
        return queries.last_seq()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE journal_head SET seq = seq + %s WHERE id = 1 RETURNING seq", [len(entries)])
        last = int(cursor.fetchone()[0])
    first = last - len(entries) + 1
    records = [rules.record_of(entry, seq=first + i, line_id=new_id(at), at=at) for i, entry in enumerate(entries)]
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for record in records:
            copy.write_row(_row(record))
    return last


def _row(record: Record) -> tuple[Any, ...]:
    fields = msgspec.structs.asdict(record) | {
        "recorded_at": to_datetime(record.recorded_at),
        "effective_at": to_datetime(record.effective_at),
        "related": list(record.related),
    }
    return (*fields.values(), rules.line_digest(record))


def seal(at: Instant) -> Seal | None:
    """Seal the lines that no seal covers yet, at most 50,000 of them; call again until it returns None.

    Returns None too while another process seals. The chain goes on from the last seal, whose digest is in this one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEAL_LOCK])
            if not cursor.fetchone()[0]:
                return None
        last = queries.last_seal()
        leaves = queries.digests_after(last.last_seq if last else 0, limit=MAX_LINES_A_SEAL)
        if not leaves:
            return None
        sealed = _seal_over(leaves, last, at)
        models.Seal.objects.create(
            number=sealed.number,
            first_seq=sealed.first_seq,
            last_seq=sealed.last_seq,
            root=sealed.root,
            previous=sealed.previous,
            digest=sealed.digest,
            sealed_at=to_datetime(sealed.sealed_at),
        )
    return sealed


def _seal_over(leaves: Sequence[tuple[int, bytes]], last: Seal | None, at: Instant) -> Seal:
    draft = Seal(
        number=last.number + 1 if last else 1,
        first_seq=leaves[0][0],
        last_seq=leaves[-1][0],
        root=rules.merkle_root(digest for _, digest in leaves),
        previous=last.digest if last else rules.NO_SEAL,
        digest=b"",
        sealed_at=at,
    )
    return rules.with_digest(draft)

"""Writing lines in the journal. There is no other verb: a line is never changed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.foundation.ids import new_id
from beffroi.kernel.journal import queries, rules
from beffroi.kernel.journal.actions.keys import keys_for
from beffroi.kernel.journal.types import Entry, Record

_COPY = f"COPY journal_line ({', '.join(Record.__struct_fields__)}, digest) FROM STDIN"


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
    line_ids = [new_id(at) for _ in entries]
    parts = _encrypted(entries, line_ids, at)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE journal_head SET seq = seq + %s WHERE id = 1 RETURNING seq", [len(entries)])
        last = int(cursor.fetchone()[0])
    first = last - len(entries) + 1
    records = [
        rules.record_of(entry, seq=first + i, line_id=line_ids[i], at=at, personal=parts[i])
        for i, entry in enumerate(entries)
    ]
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for record in records:
            copy.write_row(_row(record))
    return last


def _encrypted(entries: Sequence[Entry], line_ids: Sequence[UUID], at: Instant) -> list[bytes]:
    """Return the personal part of each entry, encrypted with the key of whom it is about; nothing where there is none."""
    for entry in entries:
        rules.check_about(entry)
    subjects = {entry.about for entry in entries if entry.about}
    if not subjects:
        return [b""] * len(entries)
    keys = keys_for(subjects, at=at)
    return [
        rules.encrypt_part(
            rules.canonical_content(entry.personal),
            key=keys[entry.about][1],
            key_id=keys[entry.about][0],
            line_id=line_id,
            about=entry.about,
            nonce=secrets.token_bytes(rules.NONCE_BYTES),
        )
        if entry.about
        else b""
        for entry, line_id in zip(entries, line_ids, strict=True)
    ]


def _row(record: Record) -> tuple[Any, ...]:
    fields = msgspec.structs.asdict(record) | {
        "recorded_at": to_datetime(record.recorded_at),
        "effective_at": to_datetime(record.effective_at),
        "related": list(record.related),
    }
    return (*fields.values(), rules.line_digest(record))

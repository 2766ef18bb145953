"""The proof that nothing was altered: lines and seals read again from the first to the last."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal.queries.rows import LINE_COLUMNS, SEAL_COLUMNS, record_of_row, seal_of_row
from beffroi.kernel.journal.rules import Verifier
from beffroi.kernel.journal.types import Record, Seal, Verification

_EXTENT = """
SELECT h.seq, coalesce((SELECT max(seq) FROM journal_line), 0), coalesce((SELECT max(number) FROM journal_seal), 0)
FROM journal_head h
"""
_CHUNK = 2_000


def verify(since_seal: int | None = None) -> Verification:
    """Read the whole journal again, or what follows a seal that is trusted, and name each place that was altered.

    Every line's digest, every gap in the numbers, each seal's root and its place in the chain, the last number given.
    Streams: memory does not grow with the journal. Lines written meanwhile are left to the next verification.
    What no one journal can show by itself is that its end was cut off together with its last seals: for that, compare
    with a seal that was published outside. Raises NotFound for a seal that does not exist.
    """
    anchor = _anchor(since_seal)
    verifier = Verifier(anchor)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_EXTENT)
            head, last, last_seal_number = cursor.fetchone()
        with closing(_stream_seals(anchor, last_seal_number)) as seals, closing(_stream_lines(anchor, last)) as lines:
            verifier.walk(lines, seals)
    verifier.check_end(head_seq=int(head), last_seq=int(last))
    return Verification(verifier.lines, verifier.seals, int(last), verifier.sealed_seq, tuple(verifier.breaks))


def _anchor(number: int | None) -> Seal | None:
    if number is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE number = %s", [number])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no seal {number} in this journal")
    return seal_of_row(row)


def _stream_seals(anchor: Seal | None, last: int) -> Generator[Seal, None, None]:
    condition = "number <= %s AND number > %s" if anchor else "number <= %s"
    parameters = [last, anchor.number] if anchor else [last]
    for row in _stream(f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE {condition} ORDER BY number", parameters):
        yield seal_of_row(row)


def _stream_lines(anchor: Seal | None, last: int) -> Generator[tuple[Record, bytes], None, None]:
    condition = "seq <= %s AND seq > %s" if anchor else "seq <= %s"
    parameters = [last, anchor.last_seq] if anchor else [last]
    for row in _stream(f"SELECT {LINE_COLUMNS} FROM journal_line WHERE {condition} ORDER BY seq", parameters):
        yield record_of_row(row), bytes(row[-1])


def _stream(query: str, parameters: Sequence[int]) -> Generator[tuple[Any, ...], None, None]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows

"""That one line is under a seal, so that another program can check it; and how far sealing has come."""

from __future__ import annotations

from django.db import connection

from beffroi.foundation.clock import SECOND, Instant, from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.lines import digests_after, last_seal, last_seq, seal_of_line
from beffroi.kernel.journal.queries.rows import LINE_COLUMNS, lines_of_rows, record_of_row
from beffroi.kernel.journal.types import COMMON_ONLY, Proof, Reach, SealingState

STANDS_STILL: Instant = 10 * SECOND
"""How long a line waits for its seal before people are told: sealing is done every second."""

FORMAT = "beffroi journal proof 1"


def proof_of(seq: int, *, reach: Reach = COMMON_ONLY) -> Proof:
    """Return the proof of a line: its text and digest, its seal, and the audit path between them. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {LINE_COLUMNS} FROM journal_line WHERE seq = %s", [seq])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no line {seq} in this journal")
    withheld = lines_of_rows([row], reach)[0].withheld
    text = "" if withheld else rules.line_text(record_of_row(row))
    seal, digest = seal_of_line(seq), bytes(row[-1])
    if seal is None:
        return Proof(seq, text, digest)
    leaves = digests_after(seal.first_seq - 1, limit=seal.last_seq - seal.first_seq + 1)
    place = seq - seal.first_seq
    return Proof(seq, text, digest, place, len(leaves), rules.merkle_path([leaf for _, leaf in leaves], place), seal)


def sealing_state(now: Instant) -> SealingState:
    """Return how far sealing has come, and whether it stands still."""
    last, seal = last_seq(), last_seal()
    sealed = seal.last_seq if seal else 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT recorded_at FROM journal_line WHERE seq > %s ORDER BY seq LIMIT 1", [sealed])
        row = cursor.fetchone()
    oldest = from_datetime(row[0]) if row else None
    still = oldest if oldest is not None and now - oldest > STANDS_STILL else None
    return SealingState(last, sealed, seal.sealed_at if seal else None, still)

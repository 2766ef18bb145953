"""Reading the journal: lines, numbers, seals, and the proof that nothing was altered. The caller asks the door."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal import models
from beffroi.kernel.journal.rules import Verifier
from beffroi.kernel.journal.types import Actor, ActorKind, Line, Record, Seal, Sensitivity, Verification

MAX_LIMIT = 500
_FIELDS = (*Record.__struct_fields__, "digest")
_COLUMNS = ", ".join(_FIELDS)
_SEAL_COLUMNS = "number, first_seq, last_seq, root, previous, digest, sealed_at"
_EXTENT = """
SELECT h.seq, coalesce((SELECT max(seq) FROM journal_line), 0), coalesce((SELECT max(number) FROM journal_seal), 0)
FROM journal_head h
"""
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which lines are asked for; what is left empty does not filter. Numbers and instants: after < line < before."""

    before_seq: int | None = None
    after_seq: int | None = None
    subject: str = ""
    room: str = ""
    verb: str = ""
    actor: str = ""
    since: Instant | None = None
    until: Instant | None = None
    sensitivities: Collection[Sensitivity] = tuple(Sensitivity)


def last_seq() -> int:
    """Return the number of the last line committed; 0 in a new journal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM journal_head WHERE id = 1")
        return int(cursor.fetchone()[0])


def sealed_seq() -> int:
    """Return the number of the last line that a seal covers; 0 before the first seal."""
    last = last_seal()
    return last.last_seq if last else 0


def last_seal() -> Seal | None:
    """Return the seal written last."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_SEAL_COLUMNS} FROM journal_seal ORDER BY number DESC LIMIT 1")
        row = cursor.fetchone()
    return _seal(row) if row else None


def digests_after(seq: int, *, limit: int) -> list[tuple[int, bytes]]:
    """Return number and digest of the lines after a number, in their order, at most `limit`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, digest FROM journal_line WHERE seq > %s ORDER BY seq LIMIT %s", [seq, limit])
        return [(int(number), bytes(digest)) for number, digest in cursor.fetchall()]


def list_lines(filters: Filters = Filters(), *, limit: int = 100) -> tuple[Line, ...]:
    """Return lines, the newest first (with `after_seq` alone: the oldest first), at most 500.

    `subject` finds the lines about it and those that name it as related.
    """
    found = _filtered(filters)
    forward = filters.after_seq is not None and filters.before_seq is None
    return _lines(found.order_by("seq" if forward else "-seq")[: max(1, min(limit, MAX_LIMIT))])


def lines_of(subject: str, *, limit: int = 200) -> tuple[Line, ...]:
    """Return what the journal says of a subject (`incident:42`) or relates to it, the newest first."""
    return list_lines(Filters(subject=subject), limit=limit)


def subjects_changed(after_seq: int, up_to_seq: int) -> tuple[str, ...]:
    """Return the subjects and related subjects of the lines `after_seq < seq <= up_to_seq`, each once, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject FROM journal_line WHERE seq > %s AND seq <= %s UNION "
            "SELECT unnest(related) FROM journal_line WHERE seq > %s AND seq <= %s ORDER BY 1",
            [after_seq, up_to_seq, after_seq, up_to_seq],
        )
        return tuple(str(row[0]) for row in cursor.fetchall())


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
        cursor.execute(f"SELECT {_SEAL_COLUMNS} FROM journal_seal WHERE number = %s", [number])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no seal {number} in this journal")
    return _seal(row)


def _stream_seals(anchor: Seal | None, last: int) -> Generator[Seal, None, None]:
    condition = "number <= %s AND number > %s" if anchor else "number <= %s"
    parameters = [last, anchor.number] if anchor else [last]
    for row in _stream(f"SELECT {_SEAL_COLUMNS} FROM journal_seal WHERE {condition} ORDER BY number", parameters):
        yield _seal(row)


def _stream_lines(anchor: Seal | None, last: int) -> Generator[tuple[Record, bytes], None, None]:
    condition = "seq <= %s AND seq > %s" if anchor else "seq <= %s"
    parameters = [last, anchor.last_seq] if anchor else [last]
    for row in _stream(f"SELECT {_COLUMNS} FROM journal_line WHERE {condition} ORDER BY seq", parameters):
        yield _record(row), bytes(row[-1])


def _stream(query: str, parameters: Sequence[int]) -> Generator[tuple[Any, ...], None, None]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _filtered(filters: Filters) -> QuerySet[models.Line]:
    found = models.Line.objects.all()
    exact = {"room": filters.room, "verb": filters.verb, "actor_id": filters.actor}
    found = found.filter(**{name: value.replace("\x00", "\ufffd") for name, value in exact.items() if value})
    if filters.before_seq is not None:
        found = found.filter(seq__lt=filters.before_seq)
    if filters.after_seq is not None:
        found = found.filter(seq__gt=filters.after_seq)
    if filters.subject:
        subject = filters.subject.replace("\x00", "\ufffd")
        found = found.filter(Q(subject=subject) | Q(related__contains=[subject]))
    if filters.since is not None:
        found = found.filter(recorded_at__gt=to_datetime(filters.since))
    if filters.until is not None:
        found = found.filter(recorded_at__lt=to_datetime(filters.until))
    if set(filters.sensitivities) != set(Sensitivity):
        found = found.filter(sensitivity__in=[str(level) for level in filters.sensitivities])
    return found


def _lines(rows: QuerySet[models.Line]) -> tuple[Line, ...]:
    return tuple(_line(_record(row), bytes(row[-1])) for row in rows.values_list(*_FIELDS))


def _line(record: Record, digest: bytes) -> Line:
    return Line(
        seq=record.seq,
        id=UUID(record.id),
        recorded_at=record.recorded_at,
        effective_at=record.effective_at,
        actor=Actor(ActorKind(record.actor_kind), record.actor_id, record.actor_name),
        room=record.room,
        verb=record.verb,
        subject=record.subject,
        related=record.related,
        purpose=record.purpose,
        reason=record.reason,
        sensitivity=Sensitivity(record.sensitivity),
        content=msgspec.json.decode(record.content),
        digest=digest,
    )


def _record(row: Sequence[Any]) -> Record:
    fields = dict(zip(Record.__struct_fields__, row, strict=False))
    fields |= {"id": str(row[1]), "recorded_at": from_datetime(row[2]), "effective_at": from_datetime(row[3])}
    return Record(**fields | {"related": tuple(row[10])})


def _seal(row: Sequence[Any]) -> Seal:
    number, first, last, root, previous, digest, sealed_at = row
    return Seal(number, first, last, bytes(root), bytes(previous), bytes(digest), from_datetime(sealed_at))

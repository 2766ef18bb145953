"""Rows of the journal's tables as records, lines and seals, with what a reader may not see left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from beffroi.foundation.clock import from_datetime
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.keys import opened_keys, personal_of
from beffroi.kernel.journal.types import Actor, ActorKind, Line, Personal, Reach, Record, Seal, Sensitivity

_MICROSECONDS = "(extract(epoch from {name}) * 1000000)::bigint"
_SELECTED = {
    "id": "id::text",
    "recorded_at": _MICROSECONDS.format(name="recorded_at"),
    "effective_at": _MICROSECONDS.format(name="effective_at"),
}
LINE_COLUMNS = ", ".join([*(_SELECTED.get(name, name) for name in Record.__struct_fields__), "digest"])
"""What `record_of_row` reads. PostgreSQL makes instants and texts of it: for ten million lines that is what is quickest."""

SEAL_COLUMNS = "number, first_seq, last_seq, root, previous, digest, sealed_at"


def record_of_row(row: Sequence[Any]) -> Record:
    """Return the record of a row of LINE_COLUMNS; the digest that follows is not in it."""
    values = (*row[:10], tuple(row[10]), *row[11:16], bytes(row[16]))
    return Record(*values)


def seal_of_row(row: Sequence[Any]) -> Seal:
    """Return the seal of a row of SEAL_COLUMNS."""
    number, first, last, root, previous, digest, sealed_at = row
    return Seal(number, first, last, bytes(root), bytes(previous), bytes(digest), from_datetime(sealed_at))


def lines_of_rows(rows: Sequence[Sequence[Any]], reach: Reach) -> tuple[Line, ...]:
    """Return the lines of rows of LINE_COLUMNS, as one who has this reach reads them."""
    records = [(record_of_row(row), bytes(row[-1])) for row in rows]
    wanted = {rules.key_of_part(record.personal) for record, _ in records if record.personal}
    keys = opened_keys([key for key in wanted if key])
    return tuple(
        _line(record, digest, reach, personal_of(record, keys, readable=_reads_persons(record, reach)))
        for record, digest in records
    )


def _line(record: Record, digest: bytes, reach: Reach, personal: Personal | None) -> Line:
    sensitivity = Sensitivity(record.sensitivity)
    content = msgspec.json.decode(record.content)
    withheld = not _reads(sensitivity, content, reach)
    hidden = withheld and sensitivity is Sensitivity.VAULT
    return Line(
        seq=record.seq,
        id=UUID(record.id),
        recorded_at=record.recorded_at,
        effective_at=record.effective_at,
        actor=Actor(ActorKind(record.actor_kind), record.actor_id, record.actor_name),
        room=record.room,
        verb=record.verb,
        subject="" if hidden else record.subject,
        related=() if hidden else record.related,
        purpose="" if withheld else record.purpose,
        reason="" if withheld else record.reason,
        sensitivity=sensitivity,
        content={} if withheld else content,
        digest=digest,
        personal=None if hidden else personal,
        withheld=withheld,
    )


def _reads(sensitivity: Sensitivity, content: Mapping[str, Any], reach: Reach) -> bool:
    if sensitivity is Sensitivity.COMMON:
        return True
    return reach.vault if sensitivity is Sensitivity.VAULT else _within(reach.desks, content)


def _reads_persons(record: Record, reach: Reach) -> bool:
    if not record.about or not reach.personal:
        return False
    content = msgspec.json.decode(record.content)
    return _reads(Sensitivity(record.sensitivity), content, reach) and _within(reach.personal, content)


def _within(places: Iterable[tuple[str, str]], content: Mapping[str, Any]) -> bool:
    here = content.get("desk", ""), content.get("commune", "")
    return any(desk in ("", here[0]) and commune in ("", here[1]) for desk, commune in places)

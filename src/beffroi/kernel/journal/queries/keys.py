"""The keys of content about persons: the master keys in their folder, and what they open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import connection

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import Malformed, Misconfigured, NotFound
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import models, rules
from beffroi.kernel.journal.types import Erasure, Kept, KeyHolder, Personal, PersonalState, Record, Sealed

MAX_HOLDERS = 500
_SUFFIX = ".key"


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """What is known of a key: its bytes where a master key opens it, or when and why it was destroyed."""

    key: bytes | None
    destroyed_at: Instant | None
    reason: str
    subject: str = ""


def masters_folder() -> Path:
    """Return the folder of the master keys: the setting, else beside the post's other secrets."""
    ours = settings()
    return ours.journal_keys.absolute() if ours.journal_keys else ours.secrets / "journal"


def masters() -> dict[str, bytes]:
    """Return the master keys by their name, the one in use last. Raises Misconfigured for a file that is none."""
    found = {}
    for file in sorted(masters_folder().glob(f"*{_SUFFIX}")):
        try:
            key = bytes.fromhex(file.read_text().strip())
        except (OSError, ValueError) as error:
            raise Misconfigured(f"the master key {file.name} of the journal cannot be read: {error}") from error
        if len(key) != rules.KEY_BYTES:
            raise Misconfigured(
                f"the master key {file.name} of the journal has {len(key)} bytes, not {rules.KEY_BYTES}"
            )
        found[file.stem] = key
    return found


def opened_keys(key_ids: Collection[UUID]) -> dict[UUID, OpenedKey]:
    """Return what is known of these keys, each opened where its master key is at hand."""
    if not key_ids:
        return {}
    ring = masters()
    return {row.id: _opened(row, ring) for row in models.Key.objects.filter(pk__in=list(key_ids))}


def _opened(row: models.Key, ring: Mapping[str, bytes]) -> OpenedKey:
    if row.destroyed_at is not None:
        return OpenedKey(None, from_datetime(row.destroyed_at), row.reason, row.subject)
    master = ring.get(row.master)
    if master is None:
        return OpenedKey(None, None, "", row.subject)
    try:
        key = rules.unwrap_key(bytes(row.wrapped), master=master, subject=row.subject)
    except Malformed:
        return OpenedKey(None, None, "", row.subject)
    return OpenedKey(key, None, "", row.subject)


def personal_of(record: Record, keys: Mapping[UUID, OpenedKey], *, readable: bool) -> Personal | None:
    """Return the personal part of a line as it is read; None where the line has none.

    That it was erased, when and why, is told to everyone who reads the line.
    """
    if not record.about:
        return None
    key_id = rules.key_of_part(record.personal)
    known = keys.get(key_id) if key_id else None
    if known is not None and known.destroyed_at is not None:
        return Personal(record.about, PersonalState.ERASED, {}, known.destroyed_at, known.reason)
    if not readable:
        return Personal(record.about, PersonalState.WITHHELD)
    if known is None or known.key is None:
        return Personal(record.about, PersonalState.KEYLESS)
    try:
        text = rules.decrypt_part(record.personal, key=known.key, line_id=record.id, about=record.about)
    except Malformed:
        return Personal(record.about, PersonalState.KEYLESS)
    return Personal(record.about, PersonalState.READABLE, rules.content_of(text))


def open_kept(items: Sequence[Sealed]) -> list[Kept]:
    """Open what other rooms keep about persons, in one statement however much it is. The caller asks the door.

    What was erased says when and why; what no master key at hand opens, or was altered or moved, is keyless.
    """
    numbers = [rules.key_of_part(item.part) for item in items]
    keys = opened_keys({number for number in numbers if number is not None})
    return [_kept(item, keys.get(number) if number else None) for item, number in zip(items, numbers, strict=True)]


def kept_states(parts: Sequence[bytes]) -> list[Kept]:
    """Tell what opens and what was erased, without opening it, from the first 64 bytes of each. The caller asks the door."""
    numbers = [rules.key_of_part(part) for part in parts]
    keys = opened_keys({number for number in numbers if number is not None})
    return [_state(keys.get(number) if number else None) for number in numbers]


def _state(known: OpenedKey | None) -> Kept:
    if known is not None and known.destroyed_at is not None:
        return Kept(PersonalState.ERASED, b"", known.destroyed_at, known.reason)
    return Kept(PersonalState.KEYLESS if known is None or known.key is None else PersonalState.READABLE)


def _kept(item: Sealed, known: OpenedKey | None) -> Kept:
    if known is None or known.key is None:
        return _state(known)
    try:
        data = rules.decrypt_kept(item.part, key=known.key, name=item.name, about=item.about)
    except Malformed:
        return Kept(PersonalState.KEYLESS)
    return Kept(PersonalState.READABLE, data)


def holders(text: str = "", *, limit: int = 100) -> tuple[KeyHolder, ...]:
    """Return the persons and cases about whom the journal holds content, those met last first. The caller asks the door."""
    query = """
        SELECT subject, min(made_at), count(*) FILTER (WHERE destroyed_at IS NULL), max(destroyed_at),
            (array_agg(reason ORDER BY destroyed_at DESC NULLS LAST))[1]
        FROM journal_key WHERE strpos(lower(subject), lower(%s)) > 0 OR %s = '' GROUP BY subject
        ORDER BY max(made_at) DESC, subject LIMIT %s
    """
    sought = text.strip().replace("\x00", "\ufffd")
    with connection.cursor() as cursor:
        cursor.execute(query, [sought, sought, max(1, min(limit, MAX_HOLDERS))])
        return tuple(
            KeyHolder(subject, from_datetime(since), keys, from_datetime(erased) if erased else None, reason or "")
            for subject, since, keys, erased, reason in cursor.fetchall()
        )


def erasures_waiting() -> tuple[Erasure, ...]:
    """Return the requests that wait for a second person, the oldest first. The caller asks the door."""
    return tuple(erasure_of(row) for row in models.Erasure.objects.filter(outcome="").order_by("id")[:MAX_HOLDERS])


def get_erasure(number: int) -> Erasure:
    """Return a request. Raises NotFound."""
    row = models.Erasure.objects.filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no request {number} to erase")
    return erasure_of(row)


def erasure_of(row: models.Erasure) -> Erasure:
    """Return a request as the other rooms see it."""
    return Erasure(
        id=row.pk,
        subject=row.subject,
        reason=row.reason,
        asked_by=row.asked_by,
        asked_by_name=row.asked_by_name,
        asked_at=from_datetime(row.asked_at),
        outcome=row.outcome,
        decided_by_name=row.decided_by_name,
        decided_at=from_datetime(row.decided_at) if row.decided_at else None,
    )

"""What a line's content is as text, what an entry becomes, and the digest that covers it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.journal.types import Entry, Line, Record

_LINE = b"beffroi journal line 1\n"
_LIMITS = {"room": 32, "verb": 64, "subject": 160}
_ABOUT = re.compile(r"(person|case):[^\s\x00]{1,150}")


def canonical_content(content: Mapping[str, Any]) -> str:
    """Return the one JSON text that stands for a content: keys sorted, no spaces. Raises Refused for other values."""
    try:
        return msgspec.json.encode(content, order="deterministic").decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(f"the content of a journal line cannot be written as JSON: {error}") from error


def content_of(text: str) -> Mapping[str, Any]:
    """Return the content that a canonical text stands for; what is no object is told under `text`."""
    content = msgspec.json.decode(text)
    return content if isinstance(content, dict) else {"text": content}


def check_about(entry: Entry) -> None:
    """Raise Refused for a personal part without the person or case whose key encrypts it, or the reverse."""
    if bool(entry.personal) != bool(entry.about):
        raise Refused("the personal part of a journal line says about whom it is, and only such a part does")
    if entry.about:
        check_holder(entry.about)


def check_holder(subject: str) -> str:
    """Return who or what has a key. Raises Refused for what is neither `person:…` nor `case:…`."""
    if not _ABOUT.fullmatch(subject):
        raise Refused(f"`{subject[:60]}` is neither `person:…` nor `case:…`, without spaces, of 150 characters at most")
    return subject


def related_of_holder(subject: str) -> tuple[str, ...]:
    """Return what a case stands for: `case:incident-42` is that of `incident:42`, whose thread tells of it."""
    kind, sep, number = subject.removeprefix("case:").partition("-")
    return (f"{kind}:{number}",) if subject.startswith("case:") and sep and number else ()


def case_of_line(line: Line) -> str:
    """Return whose key encrypts what is written to correct a line: the line's own, else that of what it is about."""
    if line.personal is not None:
        return line.personal.about
    kind, _, name = line.subject.partition(":")
    named = f"case:{kind}-{name}"
    return named if _ABOUT.fullmatch(named) else f"case:line-{line.seq}"


def record_of(entry: Entry, *, seq: int, line_id: UUID, at: Instant, personal: bytes = b"") -> Record:
    """Return the line that an entry becomes; `personal` is its personal part, encrypted.

    Raises Refused for a field that is empty, too long or not storable.
    """
    for name, limit in _LIMITS.items():
        text = getattr(entry, name)
        if not 1 <= len(text) <= limit:
            raise Refused(f"a journal line's {name} has 1 to {limit} characters; got {len(text)}: {text[:60]!r}")
    record = Record(
        seq=seq,
        id=str(line_id),
        recorded_at=at,
        effective_at=at if entry.effective_at is None else entry.effective_at,
        actor_kind=str(entry.actor.kind),
        actor_id=entry.actor.id[:128],
        actor_name=entry.actor.name[:200],
        room=entry.room,
        verb=entry.verb,
        subject=entry.subject,
        related=tuple(text[:160] for text in entry.related),
        purpose=entry.purpose,
        reason=entry.reason,
        sensitivity=str(entry.sensitivity),
        content=canonical_content(entry.content),
        about=entry.about,
        personal=personal,
    )
    return _storable(record)


def _storable(record: Record) -> Record:
    """PostgreSQL's text has no zero character, which a device can well put in its name: it becomes U+FFFD."""
    if b"\\u0000" not in msgspec.json.encode(record):
        return record
    clean = {
        name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(record).items()
    }
    return msgspec.structs.replace(
        record, **clean | {"related": tuple(text.replace("\x00", "\ufffd") for text in record.related)}
    )


def line_digest(record: Record) -> bytes:
    """Return the SHA-256 of a line: a fixed prefix, then its fields as JSON in the order of `Record`."""
    return hashlib.sha256(_LINE + msgspec.json.encode(record, order="deterministic")).digest()


def line_text(record: Record) -> str:
    """Return the text that the digest of a line is taken from, behind its prefix."""
    return msgspec.json.encode(record, order="deterministic").decode()

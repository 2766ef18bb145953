"""The journal line about an incident: the same shape whoever acts, with what it changed in the row."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.incidents.rules import CHANGES, case_of, reference_of
from beffroi.kernel.journal.actions import keep_words
from beffroi.kernel.journal.types import Actor, Entry

ROOM = "incidents"
_DERIVED = frozenset({"id", "version", "due_clock", "due_at", "due_left_s", "to_compare", "x_m", "y_m"})
"""Columns that no line tells: they follow from the others, or from the place."""


def line_of(
    row: Incident,
    verb: str,
    actor: Actor,
    *,
    asset_code: str,
    alarms: Iterable[int] = (),
    reason: str = "",
    personal: Mapping[str, str] | None = None,
    **content: object,
) -> Entry:
    """Return a line about an incident, related to its equipment and to the alarms that it concerns.

    `reason` is a code, never a text. `personal` is what people wrote freely, and may name persons: it is encrypted with the key of this incident's case.
    Its `changes` are what the row is now and was not at the line before: replaying the lines gives the row.
    """
    related = (*(f"alarm:{alarm}" for alarm in alarms), *((f"asset:{asset_code}",) if asset_code else ()))
    told = {
        "reference": reference_of(row.pk, from_datetime(row.opened_at)),
        "state": str(row.state),
        "priority": row.priority,
        "desk": row.desk,
        "commune": row.commune,
        **content,
    }
    subject, about = f"incident:{row.pk}", case_of(row.pk)
    written = {name: text for name, text in (personal or {}).items() if text}
    line = Entry(
        actor, ROOM, verb, subject, related, told, reason=reason, about=about if written else "", personal=written
    )
    return with_changes(line, row)


def with_changes(line: Entry, row: Incident) -> Entry:
    """Return a line with what a row has become since it was last told; what people wrote, as the row holds it: encrypted."""
    changes = changes_of(row)
    if not changes:
        return line
    name = str(row.pk)
    told = line.content.get(CHANGES, {})
    changed = {**told, name: {**told.get(name, {}), **changes}}
    return replace(line, content={**line.content, CHANGES: changed})


def kept(row: Incident, text: str, at: Instant) -> bytes:
    """Return what people wrote freely of an incident, as its tables hold it: under the key of its case."""
    return keep_words(case_of(row.pk), text, at=at)


def changes_of(row: Incident) -> dict[str, Any]:
    """Return what changed in a row since it was read or last told, and take it as told."""
    now = picture_of(row)
    before = {name: _plain(value) for name, value in row.as_told.items()}
    row.__dict__["as_told"] = now
    return {name: value for name, value in now.items() if name not in before or before[name] != value}


def picture_of(row: Incident) -> dict[str, Any]:
    """Return the columns that lines tell, as JSON writes them: instants in microseconds, people by their number.

    What people wrote is told as the row holds it, encrypted, in base 64.
    """
    fields = (field.attname for field in row._meta.concrete_fields if field.attname not in _DERIVED)
    return {name: _plain(getattr(row, name)) for name in fields}


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(value).decode()
    return str(value) if isinstance(value, str) else value


def code_of_asset(row: Incident) -> str:
    """Return the code of the incident's equipment, or nothing."""
    return row.asset.code if row.asset else ""

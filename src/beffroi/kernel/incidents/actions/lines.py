"""The journal line about an incident: the same shape whoever acts, with what it changed in the row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from beffroi.foundation.clock import from_datetime
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.incidents.rules import CHANGES, case_of, reference_of
from beffroi.kernel.journal.types import Actor, Entry

ROOM = "incidents"
_WRITTEN = ("description", "close_comment")
"""Columns that people wrote freely: they are told encrypted."""

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

    `personal` is what people wrote freely, and may name persons: it is encrypted with the key of this incident's case.
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
    """Return a line with what a row has become since it was last told. Columns that people wrote are encrypted."""
    changes = changes_of(row)
    if not changes:
        return line
    name = str(row.pk)
    written = {column: changes.pop(column) for column in _WRITTEN if changes.get(column)}
    content = dict(line.content)
    if changes:
        told = content.get(CHANGES, {})
        content[CHANGES] = {**told, name: {**told.get(name, {}), **changes}}
    if not written:
        return replace(line, content=content)
    told = line.personal.get(CHANGES, {})
    personal = {**line.personal, CHANGES: {**told, name: {**told.get(name, {}), **written}}}
    return replace(line, content=content, about=line.about or case_of(row.pk), personal=personal)


def changes_of(row: Incident) -> dict[str, Any]:
    """Return what changed in a row since it was read or last told, and take it as told."""
    now = picture_of(row)
    before = {name: _plain(value) for name, value in row.as_told.items()}
    row.__dict__["as_told"] = now
    return {name: value for name, value in now.items() if name not in before or before[name] != value}


def picture_of(row: Incident) -> dict[str, Any]:
    """Return the columns that lines tell, as JSON writes them: instants in microseconds, people by their number."""
    fields = (field.attname for field in row._meta.concrete_fields if field.attname not in _DERIVED)
    return {name: _plain(getattr(row, name)) for name in fields}


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, list | tuple):
        return list(value)
    return str(value) if isinstance(value, str) else value


def code_of_asset(row: Incident) -> str:
    """Return the code of the incident's equipment, or nothing."""
    return row.asset.code if row.asset else ""

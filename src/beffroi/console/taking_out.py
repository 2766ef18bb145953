"""What leaves the house of the journal: a selection of lines as CSV or JSON, and the proof of one line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from beffroi.foundation.clock import to_rfc3339
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.queries import Filters
from beffroi.kernel.journal.types import Line, Proof, Reach

MOST_LINES = 20_000
_STEP = 500
COLUMNS = (
    "seq", "recorded_at", "effective_at", "actor_kind", "actor_id", "actor_name", "room", "verb", "subject", "related",
    "purpose", "reason", "sensitivity", "content", "personal", "digest",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def selection(filters: Filters, reach: Reach) -> list[Line]:
    """Return the lines that are asked for, as this reach reads them, the newest first; 20,000 at most."""
    lines: list[Line] = []
    while len(lines) < MOST_LINES:
        found = journal.list_lines(filters, limit=_STEP, reach=reach)
        lines += found
        if len(found) < _STEP:
            break
        filters = replace(filters, before_seq=found[-1].seq)
    return lines[:MOST_LINES]


def _row(line: Line) -> dict[str, Any]:
    personal = line.personal
    return {
        "seq": line.seq,
        "recorded_at": to_rfc3339(line.recorded_at),
        "effective_at": to_rfc3339(line.effective_at),
        "actor_kind": str(line.actor.kind),
        "actor_id": line.actor.id,
        "actor_name": line.actor.name,
        "room": line.room,
        "verb": line.verb,
        "subject": line.subject,
        "related": list(line.related),
        "purpose": line.purpose,
        "reason": line.reason,
        "sensitivity": str(line.sensitivity),
        "content": None if line.withheld else line.content,
        "personal": None if personal is None else {"state": str(personal.state), **personal.content},
        "digest": line.digest.hex(),
    }


def lines_as_json(lines: Sequence[Line]) -> bytes:
    """Return lines as a JSON list. `content` is null where it is reserved."""
    return msgspec.json.format(msgspec.json.encode([_row(line) for line in lines]), indent=1)


def lines_as_csv(lines: Sequence[Line]) -> bytes:
    """Return lines as CSV with a byte order mark, so that spreadsheets read it as UTF-8.

    A text that a spreadsheet would take as a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for line in lines:
        rows.writerow([cell(value) for value in _row(line).values()])
    return text.getvalue().encode("utf-8-sig")


def cell(value: Any) -> str:
    """Return a value as one cell; what a spreadsheet would take as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def proof_file(proof: Proof) -> bytes:
    """Return a proof as JSON (docs/reference/journal.md says how it is checked)."""
    seal = proof.seal
    told = {
        "format": journal.FORMAT,
        "line": proof.seq,
        "line_text": proof.text or None,
        "line_digest": proof.digest.hex(),
        "place": proof.place,
        "size": proof.size,
        "path": [node.hex() for node in proof.path],
        "seal": None
        if seal is None
        else {
            "number": seal.number,
            "first_seq": seal.first_seq,
            "last_seq": seal.last_seq,
            "root": seal.root.hex(),
            "previous": seal.previous.hex(),
            "sealed_at": seal.sealed_at,
            "digest": seal.digest.hex(),
        },
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=1)

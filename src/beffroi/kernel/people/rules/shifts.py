"""Shifts of the day, which hand-over is at hand, and what may be written in one. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from beffroi.foundation.clock import DAY, HOUR, MINUTE, Instant
from beffroi.foundation.errors import Malformed, Refused
from beffroi.foundation.profiles import read_entries
from beffroi.kernel.people.types import Shift

DAY_MIN = 24 * 60
LONGEST_SHIFT: Instant = 12 * HOUR + 30 * MINUTE
"""A shift and its hand-over: who signed in before that has gone home, whatever their screen says."""

MAX_SHIFTS = 12
MAX_TEXT = 2_000
MAX_CONTENT = 400_000
"""Bytes of what a hand-over freezes: some thousand incidents. A room with more has other worries, and the lists are cut."""

MAX_INSTRUCTION_DAYS = 90
"""An instruction without a nearer end: it is said anew or becomes a procedure."""

LATE_MIN = 120
"""How long after the change of shift the hand-over at hand is still that one, and not the next."""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def parse_shifts(text: str) -> tuple[Shift, ...]:
    """Return the shifts that a city's profile names, in the order of the day: `shifts:` with `code`, `title`, `begins`.

    Hours are local, `"HH:MM"`; each shift lasts until the next one begins, so a day has neither gap nor overlap. Raises
    Malformed saying which shift is wrong and what to write.
    """
    entries = read_entries(text, "shifts", least=1, most=MAX_SHIFTS)
    begun = sorted((_shift(entry, place) for place, entry in enumerate(entries, 1)), key=lambda each: each[2])
    for before, after in pairwise(begun):
        if before[2] == after[2]:
            raise Malformed(f"shifts {before[0]} and {after[0]} begin at the same hour: keep one")
    if len({code for code, _, _ in begun}) != len(begun):
        raise Malformed("two shifts have the same code: give each its own")
    ends = [*(begins for _, _, begins in begun[1:]), begun[0][2]]
    return tuple(Shift(*each, ends_min) for each, ends_min in zip(begun, ends, strict=True))


def _shift(entry: Mapping[str, Any], place: int) -> tuple[str, str, int]:
    if set(entry) != {"code", "title", "begins"}:
        raise Malformed(f"shift {place}: write `code`, `title` and `begins`, and nothing else")
    code, title, begins = entry["code"], entry["title"], entry["begins"]
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Malformed(f"shift {place}: the code is not 1 to 32 lower-case letters, figures and `_`, a letter first")
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= 120:
        raise Malformed(f"shift {code}: the title has 1 to 120 characters")
    hour = _HOUR.fullmatch(begins) if isinstance(begins, str) else None
    if hour is None:
        raise Malformed(f'shift {code}: write `begins` as "22:00", between quotation marks')
    return code, title.strip(), 60 * int(hour[1]) + int(hour[2])


def shift_at(shifts: Sequence[Shift], minute: int) -> Shift:
    """Return the shift of a minute of the local day (0 to 1,439)."""
    begun = [shift for shift in shifts if shift.begins_min <= minute]
    return begun[-1] if begun else shifts[-1]


def turn(shifts: Sequence[Shift], minute: int) -> tuple[Shift, Shift, int]:
    """Return the hand-over at hand: who leaves, who comes, and in how many minutes (negative: the hour has passed).

    For two hours after a change of shift it is still that one, unless the next is nearer: a hand-over is signed late more
    often than early by half a day.
    """
    present = shift_at(shifts, minute)
    since = (minute - present.begins_min) % DAY_MIN
    until = (present.ends_min - minute) % DAY_MIN or DAY_MIN
    place = list(shifts).index(present)
    if since <= LATE_MIN and since < until:
        return shifts[place - 1], present, -since
    return present, shifts[(place + 1) % len(shifts)], until


def check_text(text: str, *, needed: bool, what: str) -> str:
    """Return a text as it is kept. Raises Refused when it is missing where it is needed, or too long."""
    written = text.strip().replace("\x00", "\ufffd")
    if needed and not written:
        raise Refused(f"write {what} first", key="text-missing")
    if len(written) > MAX_TEXT:
        raise Refused(f"{what} has {len(written)} characters; {MAX_TEXT} at most", key="text-too-long")
    return written


def check_due(due_at: Instant | None, at: Instant) -> Instant:
    """Return when an instruction or a promise is due; without a date, in 90 days. Raises Refused for the past or beyond."""
    last = at + MAX_INSTRUCTION_DAYS * DAY
    due = last if due_at is None else due_at
    if due < at - MINUTE:
        raise Refused("this date is past: give one to come", key="due-past")
    if due > last:
        raise Refused(f"at most {MAX_INSTRUCTION_DAYS} days ahead: say it anew then", key="due-far")
    return due


def freeze(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the one JSON text of a hand-over's content and its SHA-256. Raises Refused for one that is too large."""
    text = msgspec.json.encode(content, order="deterministic")
    if len(text) > MAX_CONTENT:
        raise Refused(f"the hand-over holds {len(text)} bytes; {MAX_CONTENT} at most: cut its lists")
    return text.decode(), hashlib.sha256(text).hexdigest()

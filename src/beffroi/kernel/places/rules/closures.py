"""What may be closed, for how long, and what a closure is at an instant. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.foundation.clock import DAY, MINUTE, Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.places.types import ClosureState

MAX_SEGMENTS = 400
"""Stretches in one closure: the longest boulevard of a metropolis has some two hundred."""

MAX_CLOSURES = 2_000
"""Closures planned or in force at once; each is read at every question of travel time."""

LONGEST: Instant = 400 * DAY
"""A closure has an end: works of more than a year are closed anew. Nothing stays closed because it was forgotten."""

FARTHEST_AHEAD: Instant = 400 * DAY
MAX_REASON = 500


def check_segments(segments: Sequence[str]) -> tuple[str, ...]:
    """Return the stretches to close, each once. Raises Refused for none or too many."""
    found = tuple(dict.fromkeys(segment for segment in segments if segment))
    if not found:
        raise Refused("choose the street to close first", key="closure-street")
    if len(found) > MAX_SEGMENTS:
        raise Refused(f"{len(found)} stretches of street; {MAX_SEGMENTS} at most in one closure", key="closure-large")
    return found


def check_period(begins_at: Instant | None, until: Instant, at: Instant) -> tuple[Instant, Instant]:
    """Return when a closure begins (now, without a date) and ends. Raises Refused for a period that cannot be."""
    begins = at if begins_at is None or at - MINUTE <= begins_at <= at else begins_at
    if begins < at:
        raise Refused("a closure begins now or later: what was closed before is told by a note", key="closure-past")
    if begins > at + FARTHEST_AHEAD:
        raise Refused(f"at most {FARTHEST_AHEAD // DAY} days ahead", key="closure-far")
    if until <= max(begins, at):
        raise Refused("the end of a closure comes after its beginning, and is not past", key="closure-end")
    if until > begins + LONGEST:
        raise Refused(f"a closure lasts {LONGEST // DAY} days at most: close it anew then", key="closure-long")
    return begins, until


def check_reason(reason: str) -> str:
    """Return why a street is closed or opened again. Raises Refused without it, or when it is too long."""
    written = reason.strip().replace("\x00", "\ufffd")
    if not written:
        raise Refused("write why first", key="words-missing")
    if len(written) > MAX_REASON:
        raise Refused(f"the reason has {len(written)} characters; {MAX_REASON} at most", key="reason-too-long")
    return written


def state_of(begins_at: Instant, until: Instant, ended_at: Instant | None, at: Instant) -> ClosureState:
    """Return what a closure is at an instant."""
    if ended_at is not None and ended_at < until:
        return ClosureState.LIFTED
    if at >= until:
        return ClosureState.ENDED
    return ClosureState.IN_FORCE if at >= begins_at else ClosureState.PLANNED

"""Clocks, pauses and deadlines: how long something took without its pauses, and when a deadline falls. Pure.

Instants are microseconds in UTC, so neither summer time nor a leap second of a calendar changes a length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.types import DUE_CLOCKS, Clock, Deadline, Due, Span

_ORDER = tuple(Clock)
_FOREVER: Instant = 2**62
_TOLERANCE: Instant = 60 * SECOND
"""How far ahead of the post's clock a person's watch may be."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the deadlines of an incident say: the clocks that missed theirs, with the instant, and the next one due."""

    missed: tuple[tuple[str, Instant], ...] = ()
    due: Due | None = None


def merged(pauses: Iterable[Span], until: Instant) -> tuple[Span, ...]:
    """Return pauses as stretches that do not touch, in order, those that go on cut at `until`."""
    found: list[Span] = []
    bounded = ((span.begin, until if span.end is None else min(span.end, until)) for span in pauses)
    for begin, end in sorted(bounded):
        if end <= begin:
            continue
        last = found[-1] if found else None
        if last is not None and last.end is not None and begin <= last.end:
            found[-1] = Span(last.begin, max(last.end, end))
        else:
            found.append(Span(begin, end))
    return tuple(found)


def elapsed(begin: Instant, end: Instant, pauses: Iterable[Span] = ()) -> Instant:
    """Return how much time passed between two instants, pauses left out; a moment in two pauses is left out once."""
    if end <= begin:
        return 0
    stopped = sum(max(0, (span.end or end) - max(span.begin, begin)) for span in merged(pauses, end))
    return end - begin - stopped


def falls_at(begin: Instant, within: Instant, pauses: Iterable[Span] = ()) -> Instant | None:
    """Return the instant when so much time will have elapsed; None when a pause that goes on comes before it."""
    at, left = begin, within
    for span in merged(pauses, _FOREVER):
        end = span.end or _FOREVER
        runs = max(0, span.begin - at)
        if left <= runs:
            break
        if end > at:
            at, left = end, left - runs
    return at + left if at < _FOREVER else None


def done_at(clock: str, clocks: Mapping[str, Instant]) -> Instant | None:
    """Return when a clock stopped: its own instant, or that of a later one, which implies it (on site: engaged)."""
    later = _ORDER[_ORDER.index(Clock(clock)) :]
    found = [clocks[each] for each in later if each in clocks]
    return min(found) if found else None


def within_of(deadlines: Iterable[Deadline], category: str, priority: int) -> dict[str, int]:
    """Return how long each clock may wait, in seconds: the line that names the category wins, then the priority."""
    fitting = [line for line in deadlines if line.category in ("", category) and line.priority in (None, priority)]
    fitting.sort(key=lambda line: (bool(line.category), line.priority is not None))
    return {line.clock: line.within_s for line in fitting}


def judge(
    begin: Instant, within_s: Mapping[str, int], clocks: Mapping[str, Instant], pauses: Sequence[Span], at: Instant
) -> Judged:
    """Return which deadlines are missed at an instant and which comes next. A deadline is met at its very instant.

    `clocks` holds those that stopped since `begin`. A correction of a clock or of a pause may take a miss back.
    """
    missed: list[tuple[str, Instant]] = []
    coming: list[Due] = []
    for clock in DUE_CLOCKS:
        if clock not in within_s:
            continue
        within = within_s[clock] * SECOND
        falls = falls_at(begin, within, pauses)
        stopped = done_at(clock, clocks)
        if falls is not None and (at if stopped is None else stopped) > falls:
            missed.append((str(clock), falls))
        elif stopped is None:
            coming.append(Due(str(clock), falls, within - elapsed(begin, at, pauses)))
    due = min(coming, key=lambda each: (each.left, DUE_CLOCKS.index(Clock(each.clock))), default=None)
    return Judged(tuple(missed), due)


def check_mark(
    clock: str, effective_at: Instant, clocks: Mapping[str, Instant], *, begin: Instant, now: Instant
) -> None:
    """Let a date pass, or raise Refused: neither ahead of now, nor before the reception, nor against the other clocks."""
    if effective_at > now + _TOLERANCE:
        raise Refused("that time has not come yet: write when it happened", key="time-ahead")
    if clock != Clock.RECEIVED and effective_at < begin:
        raise Refused("that is before the incident was received: correct one or the other", key="time-before")
    if clock == Clock.RECEIVED and any(instant < effective_at for instant in clocks.values()):
        raise Refused("something was already done before that time: correct it first", key="time-after")
    if (engaged := clocks.get(Clock.ENGAGED)) is not None and clock == Clock.ON_SITE and effective_at < engaged:
        raise Refused("a crew is not on site before it is engaged: correct one or the other", key="time-order")
    if (on_site := clocks.get(Clock.ON_SITE)) is not None and clock == Clock.ENGAGED and effective_at > on_site:
        raise Refused("a crew is not engaged after it is on site: correct one or the other", key="time-order")


def check_pause(begin: Instant, end: Instant | None, *, since: Instant, now: Instant) -> None:
    """Let a pause pass, or raise Refused: it begins after the reception, not ahead of now, and ends after it began."""
    if begin < since:
        raise Refused("the pause begins before the incident was received", key="time-before")
    if begin > now + _TOLERANCE or (end is not None and end > now + _TOLERANCE):
        raise Refused("a pause is told once it has begun, and ended once it has ended", key="time-ahead")
    if end is not None and end <= begin:
        raise Refused("the pause ends before it begins", key="pause-backwards")

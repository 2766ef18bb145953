"""Elapsed time, pauses and deadlines: pure, compared with a count of one second after another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import HOUR, MINUTE, SECOND, from_rfc3339
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.rules import (
    check_mark,
    check_pause,
    done_at,
    elapsed,
    falls_at,
    judge,
    merged,
    within_of,
)
from beffroi.kernel.incidents.types import Deadline, Due, Span

T0 = 1_780_000_000 * SECOND
ticks = st.integers(0, 60)
spans = st.lists(st.tuples(ticks, st.none() | ticks), max_size=6).map(
    lambda pairs: [Span(T0 + a * SECOND, None if b is None else T0 + b * SECOND) for a, b in pairs]
)


def counted(begin: int, end: int, pauses: list[Span]) -> int:
    """One second after another: is it in a pause?"""
    seconds = range(begin, end, SECOND)
    return SECOND * sum(
        not any(each.begin <= second < (2**62 if each.end is None else each.end) for each in pauses)
        for second in seconds
    )


@given(ticks, ticks, spans)
def test_elapsed_is_what_counting_seconds_gives(a: int, b: int, pauses: list[Span]) -> None:
    begin, end = T0 + a * SECOND, T0 + b * SECOND
    assert elapsed(begin, end, pauses) == counted(begin, end, pauses)


@given(ticks, spans, st.integers(1, 60))
def test_a_deadline_falls_when_its_time_has_elapsed_and_not_before(a: int, pauses: list[Span], within: int) -> None:
    begin = T0 + a * SECOND
    falls = falls_at(begin, within * SECOND, pauses)
    if falls is None:
        assert elapsed(begin, T0 + 10**4 * SECOND, pauses) < within * SECOND
    else:
        assert elapsed(begin, falls, pauses) == within * SECOND
        assert elapsed(begin, falls - SECOND, pauses) < within * SECOND


@given(spans, st.permutations(range(6)))
def test_the_order_and_the_overlap_of_pauses_change_nothing(pauses: list[Span], order: list[int]) -> None:
    mixed = [pauses[place] for place in order if place < len(pauses)] + pauses
    assert merged(mixed, T0 + HOUR) == merged(pauses, T0 + HOUR)


def test_pauses_that_touch_are_one_and_those_that_go_on_are_cut() -> None:
    pauses = [Span(T0, T0 + 5), Span(T0 + 5, T0 + 9), Span(T0 + 20)]
    assert merged(pauses, T0 + 30) == (Span(T0, T0 + 9), Span(T0 + 20, T0 + 30))


def test_the_change_of_summer_time_lengthens_nothing() -> None:
    before, after = from_rfc3339("2026-10-25T02:30:00+02:00"), from_rfc3339("2026-10-25T02:30:00+01:00")
    assert elapsed(before, after) == HOUR
    assert falls_at(before, 90 * MINUTE) == from_rfc3339("2026-10-25T03:00:00+01:00")


def test_a_later_clock_implies_those_before() -> None:
    clocks = {"taken": T0 + 5, "on_site": T0 + 9, "safe": T0 + 7}
    found = {clock: done_at(clock, clocks) for clock in ("acknowledged", "engaged", "on_site", "resolved")}
    assert found == {"acknowledged": T0 + 5, "engaged": T0 + 7, "on_site": T0 + 7, "resolved": None}


def test_the_line_that_names_the_category_wins_then_the_priority() -> None:
    table = [
        Deadline("taken", 1),
        Deadline("taken", 3, "leak"),
        Deadline("taken", 2, "", 1),
        Deadline("safe", 9, "leak", 2),
    ]
    assert within_of(table, "door", 4) == {"taken": 1}
    assert within_of(table, "door", 1) == {"taken": 2}
    assert within_of(table, "leak", 1) == {"taken": 3}
    assert within_of(table, "leak", 2) == {"taken": 3, "safe": 9}


def test_a_deadline_is_met_at_its_instant_and_missed_after_it() -> None:
    within = {"acknowledged": 60, "taken": 120}
    met = judge(T0, within, {"acknowledged": T0 + MINUTE}, [], T0 + MINUTE)
    assert (met.missed, met.due) == ((), Due("taken", T0 + 2 * MINUTE, MINUTE))
    late = judge(T0, within, {"acknowledged": T0 + MINUTE + 1}, [], T0 + 2 * MINUTE)
    assert (late.missed, late.due) == ((("acknowledged", T0 + MINUTE),), Due("taken", T0 + 2 * MINUTE, 0))
    assert judge(T0, within, {}, [], T0 + 2 * MINUTE + 1).missed == (
        ("acknowledged", T0 + MINUTE), ("taken", T0 + 2 * MINUTE),
    )  # fmt: skip


def test_a_pause_stops_a_deadline_and_says_what_remains() -> None:
    judged = judge(T0, {"safe": 600}, {}, [Span(T0 + MINUTE)], T0 + HOUR)
    assert (judged.missed, judged.due) == ((), Due("safe", None, 9 * MINUTE))


def test_a_pause_told_afterwards_takes_a_miss_back() -> None:
    assert judge(T0, {"safe": 60}, {}, [], T0 + 2 * MINUTE).missed == (("safe", T0 + MINUTE),)
    pause = [Span(T0 + 30 * SECOND, T0 + 100 * SECOND)]
    assert judge(T0, {"safe": 60}, {}, pause, T0 + 2 * MINUTE).missed == ()


@pytest.mark.parametrize(
    ("clock", "at", "key"),
    [
        ("safe", T0 + HOUR, "time-ahead"),
        ("safe", T0 - 1, "time-before"),
        ("received", T0 + 3 * MINUTE, "time-after"),
        ("on_site", T0 + MINUTE, "time-order"),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name(clock: str, at: int, key: str) -> None:
    clocks = {"engaged": T0 + 2 * MINUTE}
    with pytest.raises(Refused) as caught:
        check_mark(clock, at, clocks, begin=T0, now=T0 + 10 * MINUTE)
    assert caught.value.key == key
    check_mark("on_site", T0 + 2 * MINUTE, clocks, begin=T0, now=T0 + 10 * MINUTE)


@pytest.mark.parametrize(
    ("begin", "end", "key"),
    [
        (T0 - 1, T0 + 5, "time-before"),
        (T0 + HOUR, T0 + 2 * HOUR, "time-ahead"),
        (T0 + 5, T0 + HOUR, "time-ahead"),
        (T0 + 5, T0 + 5, "pause-backwards"),
    ],
)
def test_a_pause_that_cannot_be_is_refused_by_name(begin: int, end: int, key: str) -> None:
    with pytest.raises(Refused) as caught:
        check_pause(begin, end, since=T0, now=T0 + 10 * MINUTE)
    assert caught.value.key == key
    check_pause(T0, T0 + MINUTE, since=T0, now=T0 + 10 * MINUTE)

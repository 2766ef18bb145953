"""Floods, chattering, staleness: exact at the boundaries, found once, told whatever the moment at which one looks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import DAY, MINUTE, SECOND, Instant
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.rules import flood
from beffroi.kernel.alarms.types import Chatter, Flood, FloodChange, Transition
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.actions import SYSTEM
from beffroi.kernel.people.types import WHOLE_ROOM, Post
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, make_asset, viewer

T = 1_780_000_000_000_000
TRAFFIC = Post("traffic", "Circulation", ("traffic",))
LIGHTING = Post("lights", "Éclairage", ("lighting",))
POSTS = (LIGHTING, TRAFFIC, WHOLE_ROOM)


def _changes(announced: Sequence[Instant], until: Instant, *, is_open: bool = False) -> list[tuple[str, int, int]]:
    found = flood.flood_changes(announced, is_open=is_open, since=T - 10 * MINUTE, until=until)
    return [(change.kind, change.at - T, change.count) for change in found]


def test_tenth_alarm_in_ten_minutes_opens_a_flood_and_the_ninth_does_not() -> None:
    nine = [T + i * MINUTE for i in range(9)]
    assert _changes(nine, T + 60 * MINUTE) == []
    last = T + 10 * MINUTE - 1
    assert _changes([*nine, last], last) == [("open", 10 * MINUTE - 1, 10)]
    assert _changes([*nine, last + 1], last + 1) == []  # the first went out of the window as this one came in


def test_flood_closes_when_the_fifth_last_alarm_leaves_the_window() -> None:
    announced = [T + i * SECOND for i in range(10)]
    assert _changes(announced, T + 10 * MINUTE + 4 * SECOND) == [("open", 9 * SECOND, 10)]
    closed = ("close", 10 * MINUTE + 5 * SECOND, 4)
    assert _changes(announced, T + 60 * MINUTE) == [("open", 9 * SECOND, 10), closed]


def test_flood_that_reopens_is_another() -> None:
    announced = [T + i for i in range(10)] + [T + 20 * MINUTE + i for i in range(10)]
    assert [kind for kind, _, _ in _changes(announced, T + 60 * MINUTE)] == ["open", "close", "open", "close"]


def test_what_came_to_be_known_late_is_taken_up_where_one_stands() -> None:
    announced = [T + i for i in range(12)]
    found = flood.flood_changes(announced, is_open=False, since=T + MINUTE, until=T + 2 * MINUTE)
    assert found == (FloodChange("open", T + MINUTE, 12),)


def _brute(announced: Sequence[Instant], until: Instant) -> list[tuple[str, Instant]]:
    """Second by second, counted anew each time."""
    is_open, told = False, []
    for at in range(0, until + 1):
        count = sum(at - 600 < moment <= at for moment in announced)
        if (not is_open and count >= 10) or (is_open and count < 5):
            is_open = not is_open
            told.append(("open" if is_open else "close", at))
    return told


@given(
    st.lists(st.integers(1, 3_000), max_size=60).map(sorted),
    st.lists(st.integers(1, 4_000), max_size=5).map(sorted),
)
def test_flood_is_the_same_however_often_one_looks_and_as_counted_by_the_second(
    seconds: list[int], looks: list[int]
) -> None:
    announced = [second * SECOND for second in seconds]
    told: list[tuple[str, Instant]] = []
    since, is_open = 0, False
    for look in [*looks, 4_000]:
        seen = [at for at in announced if at <= look * SECOND]
        for change in flood.flood_changes(seen, is_open=is_open, since=since, until=look * SECOND):
            told.append((change.kind, change.at // SECOND))
            is_open = change.kind == "open"
        since = look * SECOND
    assert told == _brute(seconds, 4_000)


@pytest.mark.parametrize(
    ("gaps_s", "chatters"),
    [((0, 30, 60), True), ((0, 30, 60.000001), False), ((0, 60, 70, 119), True), ((0, 1), False)],
)
def test_three_raises_in_a_minute_chatter(gaps_s: tuple[float, ...], chatters: bool) -> None:
    raises = [T + int(gap * SECOND) for gap in gaps_s]
    assert (flood.chatter_began(raises) is not None) is chatters


# -- on the database -----------------------------------------------------------------------------------------------


@pytest.fixture
def lights(db: None) -> list[int]:
    actions.publish_definitions([TRIPPED, DARK, SILENT], by=SYSTEM, at=T)
    return [make_asset(f"ARM-{i:02}") for i in range(12)]


def _happen(kind: str, asset: int, at: Instant, code: str = TRIPPED.code) -> None:
    with transaction.atomic():
        moves = [Transition(kind, code, asset, 1.0, at)]  # type: ignore[arg-type]
        append(actions.apply_transitions(moves, at=at).lines, at=at)


def _told(*verbs: str) -> list[tuple[str, str, Instant]]:
    lines = [line for line in reversed(list_lines(limit=500)) if line.verb in verbs]
    return [(line.verb, line.subject, line.effective_at - T) for line in lines]


def test_flood_opens_for_the_post_whose_desk_is_flooded_and_for_the_whole_room(lights: list[int]) -> None:
    for i, asset in enumerate(lights[:10]):
        _happen("raise", asset, T + i * SECOND)
        actions.watch_alarms(POSTS, at=T + i * SECOND)
    opened = T + 9 * SECOND
    assert _told("open_flood", "close_flood") == [
        ("open_flood", "post:lights", opened - T),
        ("open_flood", "post:room", opened - T),
    ]
    assert queries.open_flood(LIGHTING) == Flood("lights", opened, None, 10, 10)
    assert queries.open_flood(TRAFFIC) is None
    assert (queries.rate_10_min(opened, LIGHTING), queries.rate_10_min(opened, TRAFFIC)) == (10, 0)
    line = list_lines()[0]
    assert (line.actor.kind, line.content["in_10_min"], line.content["title"]) == ("rule", 10, "Toute la salle")


def test_watch_that_was_down_finds_the_same_instants_once(lights: list[int]) -> None:
    actions.watch_alarms(POSTS, at=T - MINUTE)
    for i, asset in enumerate(lights):
        _happen("raise", asset, T + i * SECOND)
    late = T + 3 * 60 * MINUTE
    assert actions.watch_alarms(POSTS, at=late).floods == 4
    assert actions.watch_alarms(POSTS, at=late).floods == 0
    assert _told("open_flood", "close_flood") == [
        ("open_flood", "post:lights", 9 * SECOND),
        ("close_flood", "post:lights", 10 * MINUTE + 7 * SECOND),
        ("open_flood", "post:room", 9 * SECOND),
        ("close_flood", "post:room", 10 * MINUTE + 7 * SECOND),
    ]
    closed = queries.list_floods(LIGHTING, T, late)
    assert closed == (Flood("lights", T + 9 * SECOND, T + 10 * MINUTE + 7 * SECOND, 12, 12),)


def test_flood_of_a_post_that_is_withdrawn_is_closed(lights: list[int]) -> None:
    for asset in lights:
        _happen("raise", asset, T)
    actions.watch_alarms(POSTS, at=T)
    actions.watch_alarms([WHOLE_ROOM], at=T + SECOND)
    assert _told("close_flood") == [("close_flood", "post:lights", SECOND)]


def test_alarm_that_another_explains_is_no_new_alarm_until_it_stands_by_itself(lights: list[int]) -> None:
    _happen("raise", lights[0], T)
    _happen("raise", lights[0], T, SILENT.code)
    assert queries.rate_10_min(T + SECOND) == 1
    _happen("return", lights[0], T + MINUTE)
    assert queries.rate_10_min(T + MINUTE) == 2


def test_alarm_raised_thrice_in_a_minute_chatters_until_it_is_calm(lights: list[int]) -> None:
    for i in range(4):
        _happen("raise", lights[0], T + i * 20 * SECOND)
        actions.watch_alarms(POSTS, at=T + i * 20 * SECOND)
        _happen("return", lights[0], T + (i * 20 + 10) * SECOND)
    asset = "Équipement ARM-00"
    last = T + 60 * SECOND
    assert queries.chattering_now() == (Chatter(TRIPPED.code, TRIPPED.title, "ARM-00", asset, T, last, None, 4),)
    assert queries.chattering_now(TRAFFIC) == ()
    alarm = queries.of_ids([_last_alarm()])[0]
    assert (alarm.chattering, alarm.stale, queries.marks([alarm.id])) == (True, False, {alarm.id: (True, False)})
    actions.watch_alarms(POSTS, at=last + 10 * MINUTE - 1)
    assert _told("begin_chatter", "end_chatter") == [("begin_chatter", f"alarm:{alarm.id}", 0)]
    actions.watch_alarms(POSTS, at=last + 10 * MINUTE)
    assert _told("end_chatter") == [("end_chatter", f"alarm:{alarm.id}", 60 * SECOND)]
    assert queries.chattering_now() == ()


def test_alarm_that_stands_for_more_than_a_day_is_stale_once(lights: list[int]) -> None:
    _happen("raise", lights[0], T)
    actions.watch_alarms(POSTS, at=T + DAY)
    assert _told("mark_stale") == []
    actions.watch_alarms(POSTS, at=T + DAY + 1)
    actions.watch_alarms(POSTS, at=T + DAY + 2)
    alarm = _last_alarm()
    assert [(verb, subject) for verb, subject, _ in _told("mark_stale")] == [("mark_stale", f"alarm:{alarm}")]
    assert queries.marks([alarm]) == {alarm: (False, True)}
    assert queries.of_ids([alarm])[0].stale


def _last_alarm() -> int:
    return queries.list_open(seen_by=viewer("nadia"))[0].id


@pytest.mark.django_db(transaction=True)
def test_two_watchers_at_once_open_one_flood() -> None:
    actions.publish_definitions([TRIPPED], by=SYSTEM, at=T)
    for i in range(11):
        _happen("raise", make_asset(f"ARM-{i:02}"), T + i)

    def look(_: int) -> int:
        try:
            return actions.watch_alarms([WHOLE_ROOM], at=T + SECOND).floods
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(look, range(12))) == 1
    assert len(_told("open_flood")) == 1

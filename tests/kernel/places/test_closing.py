"""Streets closed and opened again on the real database, and travel times that count it at once. The places are invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beffroi.foundation.clock import DAY, HOUR, MINUTE, Instant
from beffroi.foundation.errors import BeffroiError, Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_named
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.places import actions, queries
from beffroi.kernel.places.types import Closure, ClosureState
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.places.grounds import junction

pytestmark = pytest.mark.django_db
T0: Instant = 1_780_000_000_000_000
WEST_END, EAST_END = junction(0, 0), junction(1, 0)


def feature(key: str, name: str, *ends: tuple[int, int], **other: Any) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [junction(*end) for end in ends]}
    properties = {"id": key, "name": name, "class": "residential", "commune": "Montrond", "speed_kmh": 30}
    return {"type": "Feature", "geometry": line, "properties": properties | other}


STREETS = [
    feature("S1", "rue du Lavoir", (0, 0), (1, 0)),
    feature("S2", "rue du Lavoir", (1, 0), (2, 0)),
    feature("S3", "rue Haute", (0, 0), (0, 1)),
    feature("S4", "rue Haute", (0, 1), (1, 1)),
    feature("S5", "rue Basse", (1, 1), (1, 0), commune="Valfleury"),
    feature("S6", "rue du Lavoir", (10, 10), (11, 10)),
]


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    return take_in(tmp_path, STREETS)


def take_in(folder: Path, features: list[dict[str, Any]]) -> Path:
    file = folder / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    actions.import_streets(file, by=people.SYSTEM, at=T0)
    return file


@pytest.fixture
def nadia(streets: Path) -> Viewer:
    return somebody("nadia", "Nadia")


def somebody(username: str, name: str, role: str = "operator", commune: str = "") -> Viewer:
    people.create_person(username, name, name[:2].upper(), password=None, by=people.SYSTEM, at=T0, reason="test")
    people.grant_clearance(username, role, commune=commune, by=people.SYSTEM, at=T0, reason="test")
    return viewer_named(username)


def closed(by: Viewer, *segments: str, at: Instant = T0, until: Instant = T0 + HOUR, **other: Any) -> Closure:
    return actions.close_street(segments or ("S1",), reason="fuite d’eau", until=until, by=by, at=at, **other)


def seconds(at: Instant) -> float | None:
    return queries.travel_times([WEST_END], EAST_END, at=at)[0]


def test_closing_a_street_is_journalled_and_counts_at_once(nadia: Viewer) -> None:
    before = seconds(T0)
    assert before == pytest.approx(100 / (30 * 0.7 * 0.95 / 3.6), rel=0.02)
    closure = closed(nadia, incident=42)
    assert closure == Closure(
        closure.id,
        ("S1",),
        "rue du Lavoir",
        "Montrond",
        T0,
        T0 + HOUR,
        "fuite d’eau",
        42,
        ClosureState.IN_FORCE,
        "Nadia",
        T0,
    )
    assert seconds(T0) == pytest.approx(3 * before, rel=0.05)
    assert queries.way(WEST_END, EAST_END, at=T0).streets == ("rue Haute", "rue Basse")
    line = list_lines()[0]
    assert (line.verb, line.subject, line.related, line.actor, line.reason) == (
        "close_street", f"closure:{closure.id}", ("incident:42",), nadia.actor, "fuite d’eau",
    )  # fmt: skip
    assert line.content == {
        "from": T0, "until": T0 + HOUR, "street": "rue du Lavoir", "commune": "Montrond", "segments": 1,
    }  # fmt: skip
    assert queries.closures_of_incident(42, at=T0) == (closure,)


def test_closure_counts_from_its_beginning_to_its_end_and_no_longer(nadia: Viewer) -> None:
    free = seconds(T0)
    closure = closed(nadia, begins_at=T0 + HOUR, until=T0 + 2 * HOUR)
    assert closure.state is ClosureState.PLANNED
    assert queries.closures(seen_by=nadia, at=T0) == (closure,)
    assert [seconds(T0 + part * HOUR // 2) == free for part in range(5)] == [True, True, False, False, True]
    assert [actions.turn_closures(at=T0 + part * HOUR) for part in (0, 1, 1, 2, 2)] == [0, 1, 0, 1, 0]
    assert [line.verb for line in list_lines()[:2]] == ["end_closure", "begin_closure"]
    assert queries.closure(closure.id, at=T0 + 2 * HOUR).state is ClosureState.ENDED
    late = T0 + 2 * HOUR
    assert [each.id for each in queries.closures(seen_by=nadia, at=late, ended=True)] == [closure.id]
    assert queries.closures(seen_by=nadia, at=late) == ()


def test_both_ends_that_passed_while_nothing_ran_are_told_in_order(nadia: Viewer) -> None:
    closed(nadia, begins_at=T0 + HOUR, until=T0 + 2 * HOUR)
    assert actions.turn_closures(at=T0 + DAY) == 2
    assert [line.verb for line in list_lines()[:2]] == ["end_closure", "begin_closure"]
    assert actions.turn_closures(at=T0 + DAY) == 0


def test_opening_again_restores_the_way_and_says_who_was_first(nadia: Viewer) -> None:
    free = seconds(T0)
    closure = closed(nadia)
    opened = actions.reopen_street(closure.id, reason="réparé", by=nadia, at=T0 + MINUTE)
    assert (opened.state, opened.ended_by, opened.ended_at, opened.end_reason) == (
        ClosureState.LIFTED, "Nadia", T0 + MINUTE, "réparé",
    )  # fmt: skip
    assert seconds(T0 + MINUTE) == free
    with pytest.raises(Conflict, match="opened again by Nadia"):
        actions.reopen_street(closure.id, reason="réparé", by=nadia, at=T0 + MINUTE)
    assert [line.verb for line in list_lines()[:2]] == ["reopen_street", "close_street"]


def test_two_closures_of_one_street_are_lifted_apart(nadia: Viewer) -> None:
    free = seconds(T0)
    first, longer = closed(nadia), closed(nadia, until=T0 + 2 * HOUR)
    actions.reopen_street(longer.id, reason="fini", by=nadia, at=T0)
    assert seconds(T0) != free
    actions.reopen_street(first.id, reason="fini", by=nadia, at=T0)
    assert seconds(T0) == free


def test_end_is_moved_later_and_nearer_until_it_is_over(nadia: Viewer) -> None:
    closure = closed(nadia)
    later = actions.prolong_closure(closure.id, until=T0 + DAY, reason="pompage", by=nadia, at=T0 + MINUTE)
    assert (later.until, later.begins_at, later.state) == (T0 + DAY, T0, ClosureState.IN_FORCE)
    nearer = actions.prolong_closure(closure.id, until=T0 + HOUR, reason="fini", by=nadia, at=T0 + MINUTE)
    assert nearer.until == T0 + HOUR
    with pytest.raises(Conflict, match="came to its end"):
        actions.prolong_closure(closure.id, until=T0 + DAY, reason="encore", by=nadia, at=T0 + HOUR)
    with pytest.raises(Refused, match="not past"):
        actions.prolong_closure(closure.id, until=T0, reason="x", by=nadia, at=T0 + MINUTE)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"reason": " "}, Refused, "write why first"),
        ({"segments": ()}, Refused, "choose the street"),
        ({"segments": ("S1", "S9")}, NotFound, "no street `S9`"),
        ({"until": T0}, Refused, "comes after its beginning"),
        ({"begins_at": T0 - HOUR}, Refused, "begins now or later"),
        ({"until": T0 + 500 * DAY}, Refused, "lasts 400 days at most"),
        ({"segments": tuple(str(number) for number in range(401))}, Refused, "400 at most"),
    ],
)
def test_closing_that_cannot_be_is_refused_and_nothing_is_written(
    nadia: Viewer, change: dict[str, Any], error: type[BeffroiError], told: str
) -> None:
    asked: dict[str, Any] = {"segments": ("S1",), "reason": "fuite", "until": T0 + HOUR} | change
    before = len(list_lines())
    with pytest.raises(error, match=told):
        actions.close_street(asked.pop("segments"), **asked, by=nadia, at=T0)
    assert (queries.closures(seen_by=nadia, at=T0), len(list_lines())) == ((), before)


def test_who_closes_a_street_holds_a_clearance_in_each_of_its_communes(nadia: Viewer) -> None:
    visitor, local = somebody("visiteur", "Visiteur", "visitor"), somebody("loic", "Loïc", commune="Montrond")
    with pytest.raises(Forbidden):
        closed(visitor)
    assert closed(local, "S1").commune == "Montrond"
    with pytest.raises(Forbidden, match="Valfleury"):
        closed(local, "S4", "S5")
    far = closed(nadia, "S5")
    with pytest.raises(Forbidden):
        actions.reopen_street(far.id, reason="x", by=local, at=T0)
    assert [each.commune for each in queries.closures(seen_by=local, at=T0)] == ["Montrond"]
    assert [each.commune for each in queries.closures(seen_by=nadia, at=T0)] == ["Montrond", "Valfleury"]


def test_whole_street_is_what_hangs_together_under_its_name(streets: Path) -> None:
    assert [each.id for each in queries.street_of("S1")] == ["S1", "S2"]
    assert [each.id for each in queries.street_of("S6")] == ["S6"]
    assert queries.street_of("S9") == ()
    assert [each.name for each in queries.streets_named("lavoir")] == ["rue du Lavoir"]
    assert [each.name for each in queries.streets_named("rue mont")] == ["rue du Lavoir", "rue Haute"]
    assert queries.streets_named("") == queries.streets_named("avenue") == ()
    near = queries.nearest_segment(*junction(0, 0))
    assert near is not None
    assert near.id in {"S1", "S3"}
    assert queries.nearest_segment(5.5, 47.3) is None


def test_import_brings_the_streets_held_in_memory_up_to_date(streets: Path, tmp_path: Path) -> None:
    slow = seconds(T0)
    held = queries.network()
    assert queries.network() is held
    assert queries.street_graph(at=T0) is queries.street_graph(at=T0)
    take_in(tmp_path, [feature("S1", "rue du Lavoir", (0, 0), (1, 0), speed_kmh=50)])
    assert queries.network() is not held
    assert len(queries.network()) == len(STREETS)
    fast = seconds(T0)
    assert slow is not None
    assert fast == pytest.approx(slow * 30 / 50, rel=0.01)


def test_closure_changes_weights_and_rebuilds_nothing(nadia: Viewer) -> None:
    before = queries.street_graph(at=T0)
    closed(nadia)
    after = queries.street_graph(at=T0)
    assert after is not before
    assert after.roads is before.roads


def test_times_without_streets_say_so() -> None:
    assert queries.travel_times([WEST_END], EAST_END, at=T0) == (None,)
    with pytest.raises(NotFound, match="no street was imported") as refused:
        queries.way(WEST_END, EAST_END, at=T0)
    assert refused.value.key == "no-way-no-streets"
    assert queries.nearest_segment(*WEST_END) is None
    assert queries.travel_times([], EAST_END, at=T0) == ()


def test_matrix_in_both_directions(streets: Path) -> None:
    places = [WEST_END, EAST_END, (6.5, 47.0)]
    times = queries.matrix(places, places[:2], at=T0)
    assert times[0, 1] == times[1, 0] == seconds(T0)
    assert times[2, 0] == float("inf")
    assert queries.matrix([], places, at=T0).shape == (0, 3)
    with pytest.raises(Refused, match="5000 at most"):
        queries.travel_times([WEST_END] * 5_001, EAST_END, at=T0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streets")
def test_two_who_close_the_same_street_at_once_make_one_closure(nadia: Viewer) -> None:
    other = somebody("marc", "Marc")
    outcomes = at_once(lambda: closed(nadia), lambda: closed(other))
    assert sorted(type(each).__name__ for each in outcomes) == ["Closure", "Conflict"]
    first = queries.closures(seen_by=nadia, at=T0)
    assert len(first) == 1
    told = next(each for each in outcomes if isinstance(each, Conflict))
    assert first[0].closed_by in told.reason


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streets")
def test_two_who_open_a_street_at_once_are_told_who_was_first(nadia: Viewer) -> None:
    closure = closed(nadia)
    outcomes = at_once(
        *[lambda: actions.reopen_street(closure.id, reason="fini", by=nadia, at=T0 + MINUTE) for _ in range(2)]
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Closure", "Conflict"]
    assert [line.verb for line in list_lines()].count("reopen_street") == 1


@pytest.mark.django_db(transaction=True)
def test_closing_opening_and_ending_are_whole_or_not_at_all(nadia: Viewer) -> None:
    queries.network()  # read before: a process holds the streets
    assert_whole_or_nothing(lambda: closed(nadia))
    number = queries.closures(seen_by=nadia, at=T0)[0].id
    assert_whole_or_nothing(lambda: actions.prolong_closure(number, until=T0 + DAY, reason="x", by=nadia, at=T0))
    assert_whole_or_nothing(lambda: actions.turn_closures(at=T0 + 2 * DAY))
    again = closed(nadia, at=T0 + 3 * DAY, until=T0 + 4 * DAY).id
    assert_whole_or_nothing(lambda: actions.reopen_street(again, reason="x", by=nadia, at=T0 + 3 * DAY))


def test_bad_street_refuses_the_file_and_the_streets_held_stay(streets: Path, tmp_path: Path) -> None:
    held = queries.network()
    wrong: tuple[tuple[Callable[[], dict[str, Any]], str], ...] = (
        (
            lambda: feature("S7", "x", (0, 0), (5, 5), **{"class": "runway"}),
            "feature 2: `class` is 'runway'; write one of",
        ),
        (lambda: feature("S7", "x", (0, 0), (5, 5), oneway="-1"), "feature 2: `oneway` is '-1'.*turn the line round"),
        (lambda: feature("S7", "x", (0, 0), (0, 0)), "feature 2: the geometry"),
        (lambda: feature("S7", "x", (0, 0), (5, 5), speed_kmh=0), "feature 2: `speed_kmh` is 0"),
        (lambda: feature("S1", "x", (0, 0), (5, 5)), "feature 2: `id` S1 is already in feature 1"),
    )
    for make, told in wrong:
        with pytest.raises(BeffroiError, match=told):
            take_in(tmp_path, [STREETS[0], make()])
    assert queries.network() is held


def test_street_without_a_speed_has_that_of_its_class(streets: Path, tmp_path: Path) -> None:
    take_in(tmp_path, [feature("S8", "", (3, 3), (4, 3), speed_kmh=None, oneway="yes", **{"class": "primary_link"})])
    found = queries.segments(["S8"])[0]
    assert (found.road_class, found.speed_kmh, found.oneway, found.name) == ("primary", 50, True, "")
    assert queries.street_of("S8") == (found,)

"""Shortest ways against another library on random towns, and what must hold whatever the town."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from beffroi.kernel.places.rules.graph import CLOSED, WALK_MS, Roads
from beffroi.kernel.places.rules.network import Snapped
from beffroi.kernel.places.rules.roads import pace_against_kmh, pace_kmh, road_class
from beffroi.kernel.places.types import RoadClass, Travel, Unreached, Vehicle, Way
from tests.kernel.places.grounds import Town, cost_elsewhere, joined, junction, segment, snapped, towns

EXAMPLES = settings(max_examples=150)


def one(places: Snapped, which: int) -> Snapped:
    part = slice(which, which + 1)
    return Snapped(places.segment[part], places.share[part], places.off_m[part])


def found(town: Town, closed: frozenset[int], to: int) -> list[Travel]:
    return list(Roads(town.network, town.vehicle).graph(closed).travels(town.places, one(town.places, to)))


def cost(travel: Travel) -> float:
    return np.inf if travel.seconds is None else travel.closed * CLOSED + travel.seconds


@EXAMPLES
@given(towns())
def test_travel_is_that_of_another_library(town: Town) -> None:
    for to in range(len(town.places)):
        walked = (town.places.off_m + town.places.off_m[to]) / WALK_MS
        theirs = [cost_elsewhere(town, town.closed, origin, to) for origin in range(len(town.places))]
        ours = [cost(travel) for travel in found(town, town.closed, to)]
        assert ours == pytest.approx([each + walk for each, walk in zip(theirs, walked, strict=True)], abs=1e-3)


@EXAMPLES
@given(towns())
def test_matrix_is_the_travels_in_rows(town: Town) -> None:
    graph = Roads(town.network, town.vehicle).graph(town.closed)
    count = len(town.places)
    columns = [
        [np.inf if t.seconds is None else t.seconds for t in found(town, town.closed, to)] for to in range(count)
    ]
    expected = np.array(columns).T
    assert graph.matrix(town.places, town.places) == pytest.approx(expected, abs=1e-3)
    fewer = one(town.places, 0)
    assert graph.matrix(town.places, fewer) == pytest.approx(expected[:, :1], abs=1e-3)
    assert graph.matrix(fewer, town.places) == pytest.approx(expected[:1], abs=1e-3)


@EXAMPLES
@given(towns())
def test_way_takes_as_long_as_the_travel_and_runs_from_end_to_end(town: Town) -> None:
    graph = Roads(town.network, town.vehicle).graph(town.closed)
    for to in range(len(town.places)):
        for origin, travel in enumerate(found(town, town.closed, to)):
            way = graph.way(one(town.places, origin), one(town.places, to))
            if isinstance(way, Unreached):
                assert travel == Travel(None, reason=way)
                continue
            assert travel.seconds == pytest.approx(way.seconds, abs=1e-3)
            assert (travel.closed > 0) == bool(way.closed)
            for position, place in ((way.line[0], origin), (way.line[-1], to)):
                here = town.network.stretch(int(town.places.segment[place]), *[float(town.places.share[place])] * 2)[0]
                assert position == pytest.approx(here, abs=1e-6)


@EXAMPLES
@given(towns())
def test_a_way_over_a_third_place_is_never_shorter(town: Town) -> None:
    costs = np.array([[cost(each) for each in found(town, town.closed, to)] for to in range(len(town.places))]).T
    for over in range(len(town.places)):
        assert np.all(costs <= costs[:, over, None] + costs[None, over, :] + 1e-3)


@EXAMPLES
@given(towns(oneways=False))
def test_without_one_way_streets_there_is_as_far_as_back(town: Town) -> None:
    costs = np.array([[cost(each) for each in found(town, town.closed, to)] for to in range(len(town.places))])
    assert costs == pytest.approx(costs.T, abs=1e-3)


@EXAMPLES
@given(towns())
def test_closing_never_shortens_and_opening_again_restores(town: Town) -> None:
    for to in range(len(town.places)):
        before, during = found(town, frozenset(), to), found(town, town.closed, to)
        assert all(cost(one) <= cost(other) + 1e-3 for one, other in zip(before, during, strict=True))
        assert found(town, frozenset(), to) == before
        assert [each.seconds is None for each in during] == [each.seconds is None for each in before]


SQUARE = (
    segment("south", junction(0, 0), junction(1, 0)),
    segment("east", junction(1, 0), junction(1, 1)),
    segment("north", junction(1, 1), junction(0, 1)),
    segment("west", junction(0, 1), junction(0, 0), oneway=True),
)


def test_one_way_street_is_gone_round() -> None:
    graph = Roads(joined(*SQUARE), Vehicle.VAN).graph()
    a = snapped(graph.roads.network, junction(0, 0), junction(0, 1))
    there, back = one(a, 1), one(a, 0)
    down = graph.way(there, back)
    up = graph.way(back, there)
    assert isinstance(down, Way)
    assert isinstance(up, Way)
    assert (down.streets, up.streets) == (("rue west",), ("rue south", "rue east", "rue north"))
    assert down.metres == pytest.approx(100, rel=0.02)
    assert up.seconds == pytest.approx(3 * down.seconds, rel=0.03)
    assert (up.line[0], up.line[-1]) == (junction(0, 0), junction(0, 1))


def test_place_in_a_closed_street_is_reached_at_walking_pace_and_it_is_told() -> None:
    network = joined(*SQUARE)
    graph = Roads(network, Vehicle.VAN).graph([network.place_of["east"]])
    inside = (junction(1, 0)[0], (junction(1, 0)[1] + junction(1, 1)[1]) / 2)
    places = snapped(network, junction(0, 0), inside, junction(1, 1))
    way = graph.way(one(places, 0), one(places, 1))
    assert isinstance(way, Way)
    assert way.closed == ("rue east",)
    assert way.seconds == pytest.approx(100 / (30 * 0.7 * 0.95 / 3.6) + 50 / WALK_MS, rel=0.02)
    assert graph.travels(places, one(places, 1))[0].closed == 1
    beyond = graph.travels(one(places, 0), one(places, 2))[0]  # the other street runs against us
    assert (beyond.closed, beyond.seconds) == (1, pytest.approx(way.seconds + 50 / WALK_MS, rel=0.01))


def test_no_way_is_told_with_its_reason() -> None:
    island = segment("island", junction(20, 20), junction(21, 20))
    network = joined(*SQUARE, island)
    graph = Roads(network, Vehicle.VAN).graph()
    places = snapped(network, junction(0, 0), junction(20, 20), (WEST_AWAY, 47.3))
    assert graph.travels(places, one(places, 0)) == (
        Travel(0.0),
        Travel(None, reason=Unreached.DISCONNECTED),
        Travel(None, reason=Unreached.OFF_NETWORK),
    )
    assert graph.way(one(places, 1), one(places, 0)) is Unreached.DISCONNECTED
    assert graph.way(one(places, 2), one(places, 0)) is Unreached.OFF_NETWORK
    assert np.isinf(graph.matrix(places, places)).tolist() == [
        [False, True, True],
        [True, False, True],
        [True, True, True],
    ]


WEST_AWAY = 4.5


def test_streets_that_only_cross_on_a_bridge_are_not_joined() -> None:
    under = segment("under", junction(0, 1), junction(2, 1))
    over = segment("over", junction(1, 0), junction(1, 2))
    network = joined(under, over)
    places = snapped(network, junction(0, 1), junction(1, 2))
    assert Roads(network, Vehicle.CAR).graph().way(one(places, 0), one(places, 1)) is Unreached.DISCONNECTED


def test_vehicle_is_put_on_a_street_that_it_may_take() -> None:
    path = segment("path", junction(0, 0), junction(1, 0), kind=RoadClass.CYCLEWAY)
    road = segment("road", junction(0, 1), junction(1, 1))
    network = joined(path, road)
    near = (junction(0, 0)[0], junction(0, 0)[1])
    assert snapped(network, near, vehicle=Vehicle.BICYCLE).segment.tolist() == [0]
    assert snapped(network, near, vehicle=Vehicle.LORRY).segment.tolist() == [1]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("residential", RoadClass.RESIDENTIAL),
        ("Primary_Link", RoadClass.PRIMARY),
        ("steps", RoadClass.FOOTWAY),
        ("road", RoadClass.UNCLASSIFIED),
        ("runway", None),
        ("", None),
    ],
)
def test_class_of_a_street_is_read_from_the_words_of_files(word: str, known: RoadClass | None) -> None:
    assert road_class(word) is known


@pytest.mark.parametrize("vehicle", Vehicle)
@pytest.mark.parametrize("kind", RoadClass)
def test_nobody_goes_faster_than_the_limit_nor_against_it_than_with_it(vehicle: Vehicle, kind: RoadClass) -> None:
    for limit in (5.0, 20.0, 50.0, 130.0):
        pace = pace_kmh(kind, limit, vehicle)
        assert 0 <= pace <= max(limit, 4.5)
        assert pace_against_kmh(kind, limit, vehicle, oneway=False) == pace
        assert pace_against_kmh(kind, limit, vehicle, oneway=True) in (0, pace)


def test_one_way_binds_motors_and_fast_streets_and_nobody_on_foot() -> None:
    def against(vehicle: Vehicle, limit: float) -> bool:
        return pace_against_kmh(RoadClass.RESIDENTIAL, limit, vehicle, oneway=True) > 0

    assert [against(each, 30) for each in Vehicle] == [False, False, False, True, True]
    assert [against(each, 50) for each in Vehicle] == [False, False, False, False, True]

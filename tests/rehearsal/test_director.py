"""Failures by request, by scenario and by chance; and the opening as an operator meets it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Conflict, Malformed, Misconfigured, NotFound
from beffroi.rehearsal.director import Director, Failure
from beffroi.rehearsal.equipment.model import Failing
from beffroi.rehearsal.inventory import Inventory
from beffroi.rehearsal.process import build_city
from beffroi.rehearsal.scenario import SCENARIOS, Scenario, load_scenario

from .test_equipment import DAY_TIME


class Recorder:
    """What the director did to the equipment."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def failing(self, kind: str, *codes: str) -> Failing:
        return Failing(
            kind,
            codes,
            lambda code, now: self.done.append(("fail", code)),
            lambda code, now: self.done.append(("repair", code)),
        )


def test_failure_on_request_ends_on_request() -> None:
    recorder = Recorder()
    director = Director([recorder.failing("cabinet_trip", "A-1", "A-2")], Scenario(title="x"), 0, Random(1))
    assert director.trip_cabinet("A-1", 5) == Failure("cabinet_trip", "A-1", 5, None)
    assert director.failures() == [Failure("cabinet_trip", "A-1", 5, None)]
    director.repair("A-1", 9)
    assert recorder.done == [("fail", "A-1"), ("repair", "A-1")] and director.failures() == []


def test_impossible_failures_are_refused() -> None:
    director = Director([Recorder().failing("cabinet_trip", "A-1")], Scenario(title="x"), 0, Random(1))
    with pytest.raises(Malformed, match="there are cabinet_trip"):
        director.fail("meteor", None, 0)
    with pytest.raises(NotFound, match="'B-9' is no asset"):
        director.fail("cabinet_trip", "B-9", 0)
    director.fail("cabinet_trip", None, 0)
    with pytest.raises(Conflict, match="repair it first"):
        director.fail("cabinet_trip", "A-1", 0)
    with pytest.raises(Conflict, match="every asset"):
        director.fail("cabinet_trip", None, 0)
    with pytest.raises(NotFound, match="no failure to repair"):
        director.repair("A-2", 0)


def test_failure_of_a_scenario_begins_and_ends_at_its_time() -> None:
    recorder = Recorder()
    scenario = Scenario.model_validate(
        {"title": "x", "events": [{"at_s": 10, "kind": "cabinet_trip", "asset": "A-1", "lasts_s": 5}]}
    )
    director = Director([recorder.failing("cabinet_trip", "A-1")], scenario, 0, Random(1))
    seen = [len(director.failures()) for second in range(20) if director.step(second * SECOND) is not None]
    assert seen == [0] * 10 + [1] * 5 + [0] * 5


def test_rhythm_brings_one_failure_every_few_minutes_and_repairs_each(bourg_inventory: Inventory) -> None:
    city = build_city(bourg_inventory, load_scenario("opening"), DAY_TIME, 3)
    began = []
    for second in range(0, 4 * 3600, 5):
        began += city.director.step(DAY_TIME + second * SECOND)
    by_chance = [failure for failure in began if failure.began_at > DAY_TIME + 200 * SECOND]
    gaps = [b.began_at - a.began_at for a, b in pairwise(by_chance)]
    assert min(gaps) >= 175 * SECOND and sorted(gaps)[len(gaps) // 2] <= 366 * SECOND
    assert len({failure.kind for failure in began}) >= 8
    assert all(failure.ends_at is not None and failure.ends_at - failure.began_at >= 240 * SECOND for failure in began)
    assert len(city.director.failures()) < 10


def test_opening_fills_the_post_within_a_minute_and_brings_five_incidents_within_two(
    bourg_inventory: Inventory,
) -> None:
    city = build_city(bourg_inventory, load_scenario("opening"), DAY_TIME, 3)
    heard: Counter[str] = Counter()
    began: list[Failure] = []
    for step in range(4 * 120):
        now = DAY_TIME + step * SECOND // 4
        began += city.director.step(now)
        for model in city.models:
            heard.update(said.address for said in model.step(now) if step <= 4 * 60)
    expected = {item.address for item in bourg_inventory.items if item.source not in {"", "fleet", "buses", "boilers"}}
    assert expected <= set(heard)
    assert [failure.kind for failure in began][:5] == [
        "cabinet_trip", "intersection_flashing", "bollard_fault", "building_flood", "building_intrusion",
    ]  # fmt: skip
    assert began[0].began_at <= DAY_TIME + 40 * SECOND


def test_same_seed_plays_the_same_city(bourg_inventory: Inventory) -> None:
    def played() -> list[object]:
        city = build_city(bourg_inventory, load_scenario("opening"), DAY_TIME, 11)
        said: list[object] = []
        for second in range(90):
            now = DAY_TIME + second * SECOND
            said += city.director.step(now)
            said += [each for model in city.models for each in model.step(now)]
        return said

    assert played() == played()


@pytest.mark.parametrize("name", [path.stem for path in SCENARIOS.glob("*.yaml")])
def test_scenario_names_failures_that_the_equipment_knows(name: str, bourg_inventory: Inventory) -> None:
    scenario = load_scenario(name)
    known = set(build_city(bourg_inventory, scenario, DAY_TIME, 1).director.kinds())
    assert {event.kind for event in scenario.events} - {"gateway_silent"} <= known  # gateways are not equipment
    assert set(scenario.rhythm.kinds if scenario.rhythm else ()) <= known


def test_wrong_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="known: cabinet_trip, chattering_detector, gateway_silent, opening, quiet"):
        load_scenario("apocalypse")
    (tmp_path / "wrong.yaml").write_text(
        "title: x\nrhythm: {from_s: 0, every_s: [9, 3], kinds: {}}\n", encoding="utf-8"
    )
    with pytest.raises(Misconfigured, match="from a lesser to a greater"):
        load_scenario(str(tmp_path / "wrong.yaml"))


def test_scenario_is_played_on_request_and_its_failures_are_spread() -> None:
    recorder = Recorder()
    codes = [f"L-{i}" for i in range(5)]
    director = Director([recorder.failing("lamp_fault", *codes)], Scenario(title="x"), 0, Random(1))
    event = {"at_s": 10, "kind": "lamp_fault", "lasts_s": 60, "count": 4, "over_s": 8}
    assert director.play(Scenario.model_validate({"title": "y", "events": [event]}), 100 * SECOND) == 4
    began = {second: len(director.step(second * SECOND)) for second in range(105, 125)}
    assert {second: count for second, count in began.items() if count} == {110: 1, 112: 1, 114: 1, 116: 1}


def test_equipment_that_chatters_is_the_same_each_time() -> None:
    recorder = Recorder()
    director = Director([recorder.failing("intrusion", "B-1", "B-2", "B-3")], Scenario(title="x"), 0, Random(1))
    event = {"at_s": 0, "kind": "intrusion", "lasts_s": 2, "times": 4, "every_s": 5}
    director.play(Scenario.model_validate({"title": "y", "events": [event]}), 0)
    for second in range(40):
        director.step(second * SECOND)
    failed = [code for what, code in recorder.done if what == "fail"]
    assert (len(failed), len(set(failed)), len(recorder.done)) == (4, 1, 8)

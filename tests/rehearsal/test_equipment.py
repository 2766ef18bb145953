"""Each kind of equipment: what it says when it is well, how it fails, how it recovers. Pure, on a clock of our own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest

from beffroi.foundation.clock import SECOND, Instant, from_datetime
from beffroi.foundation.units import STATES, is_quantity
from beffroi.rehearsal.equipment.buildings import Buildings, Sensors
from beffroi.rehearsal.equipment.buses import Buses
from beffroi.rehearsal.equipment.lighting import Lighting
from beffroi.rehearsal.equipment.model import Model, Said
from beffroi.rehearsal.equipment.roads import Journey, Roads, metres_between
from beffroi.rehearsal.equipment.traffic import Bollards, Intersections
from beffroi.rehearsal.equipment.vehicles import Vehicles
from beffroi.rehearsal.inventory import Inventory, Item

NIGHT = from_datetime(datetime(2026, 11, 22, 20, 0, tzinfo=UTC))
DAY_TIME = from_datetime(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
CENTRE = (5.04, 47.32)


def item(code: str, asset_class: str, source: str, **properties: str) -> Item:
    return Item(code, asset_class, source, code, code, *CENTRE, properties)


def play(model: Model, start: Instant, from_s: float, until_s: float) -> list[Said]:
    steps = range(int(from_s * 2), int(until_s * 2) + 1)
    return [said for step in steps for said in model.step(start + step * SECOND // 2)]


def by_address(said: Sequence[Said]) -> dict[str, list[Said]]:
    found = defaultdict(list)
    for each in said:
        found[each.address].append(each)
    return found


@pytest.fixture
def lighting() -> Lighting:
    lamps = [item(f"L-{n:05d}", "light_point", "lighting", rated_w="75") for n in range(80)]
    cabinets = [item(f"A-{n:03d}", "lighting_cabinet", "lighting") for n in range(2)]
    feeds = {"A-000": [lamp.code for lamp in lamps[:40]], "A-001": [lamp.code for lamp in lamps[40:]]}
    return Lighting(lamps, cabinets, feeds, CENTRE, NIGHT, Random(1))


def test_every_lamp_and_cabinet_reports_within_a_minute(lighting: Lighting) -> None:
    said = by_address(play(lighting, NIGHT, 0, 60))
    assert len(said) == 82
    lamp = said["L-00007"][0]
    assert lamp.values["lamp_state"] == "on" and lamp.values["dim_pct"] == 100
    assert 70 < float(lamp.values["power_w"]) < 82 and 220 < float(lamp.values["voltage_v"]) < 242
    cabinet = said["A-000"][0]
    assert cabinet.values["feeder_state"] == "energised" and float(cabinet.values["power_w"]) > 40 * 70
    assert all(is_quantity(name) for each in (lamp, cabinet) for name in each.values)


def test_lamps_report_once_in_fifteen_minutes(lighting: Lighting) -> None:
    said = by_address(play(lighting, NIGHT, 0, 1860))
    assert {len(said[f"L-{n:05d}"]) for n in range(80)} <= {2, 3}
    assert len(said["A-000"]) == pytest.approx(31, abs=1)


def test_lamps_are_off_by_day_and_keep_their_voltage(lighting: Lighting) -> None:
    lamps = [said for said in play(lighting, DAY_TIME, 0, 2) if said.address.startswith("L")]
    assert all(said.values["lamp_state"] == "off" and float(said.values["voltage_v"]) > 200 for said in lamps)


def test_tripped_cabinet_says_so_and_its_lamps_gasp_once_then_are_silent(lighting: Lighting) -> None:
    play(lighting, NIGHT, 0, 60)
    lighting.trip("A-000", NIGHT + 60 * SECOND)
    said = by_address(play(lighting, NIGHT, 60, 66))
    assert said["A-000"][0].values["feeder_state"] == "tripped"
    assert said["A-000"][0].values["voltage_v"] == 0 and said["A-000"][0].observed_at == NIGHT + 60 * SECOND
    gasps = [said[f"L-{n:05d}"] for n in range(40)]
    assert all(len(gasp) == 1 and gasp[0].values["voltage_v"] == 0 for gasp in gasps)
    assert all(gasp[0].values["lamp_state"] == "off" and gasp[0].values["power_w"] == 0 for gasp in gasps)
    later = by_address(play(lighting, NIGHT, 66.5, 1200))
    assert not any(f"L-{n:05d}" in later for n in range(40))
    assert all(f"L-{n:05d}" in later for n in range(40, 80))
    assert all(each.values["feeder_state"] == "tripped" for each in later["A-000"])


def test_restored_cabinet_and_all_its_lamps_report_again(lighting: Lighting) -> None:
    play(lighting, NIGHT, 0, 60)
    lighting.trip("A-000", NIGHT + 60 * SECOND)
    play(lighting, NIGHT, 60, 300)
    lighting.restore("A-000", NIGHT + 300 * SECOND)
    said = by_address(play(lighting, NIGHT, 300, 325))
    assert said["A-000"][0].values["feeder_state"] == "energised"
    assert all(said[f"L-{n:05d}"][0].values["lamp_state"] == "on" for n in range(40))


def test_broken_lamp_has_voltage_and_no_light(lighting: Lighting) -> None:
    play(lighting, NIGHT, 0, 60)
    lighting.break_lamp("L-00003", NIGHT + 61 * SECOND)
    (said,) = play(lighting, NIGHT, 61, 61)
    assert said.values["lamp_state"] == "fault" and float(said.values["voltage_v"]) > 200
    lighting.mend_lamp("L-00003", NIGHT + 70 * SECOND)
    assert [each.values["lamp_state"] for each in by_address(play(lighting, NIGHT, 70, 70))["L-00003"]] == ["on"]


def test_controller_flashes_then_follows_its_plan_again() -> None:
    controllers = Intersections([item(f"C{n:03d}", "intersection", "traffic") for n in range(5)], DAY_TIME, Random(1))
    assert len(by_address(play(controllers, DAY_TIME, 0, 15))) == 5
    controllers.flash("C002", DAY_TIME + 16 * SECOND)
    assert ("C002", "flashing") in [
        (s.address, s.values["controller_state"]) for s in play(controllers, DAY_TIME, 16, 16)
    ]
    controllers.restore("C002", DAY_TIME + 90 * SECOND)
    last = by_address(play(controllers, DAY_TIME, 90, 91))["C002"][-1]
    assert last.values == {"controller_state": "normal", "plan_count": 3, "mode_state": "schedule"}


def test_silent_controller_says_nothing_until_restored() -> None:
    controllers = Intersections([item("C001", "intersection", "traffic")], DAY_TIME, Random(1))
    controllers.silence("C001", DAY_TIME)
    assert play(controllers, DAY_TIME, 0, 300) == []
    controllers.restore("C001", DAY_TIME + 301 * SECOND)
    assert len(play(controllers, DAY_TIME, 301, 302)) == 1


def test_bollard_goes_through_a_whole_passage_and_counts_it() -> None:
    bollards = Bollards([item("BE01", "bollard", "traffic")], DAY_TIME, Random(1))
    said = play(bollards, DAY_TIME, 0, 1800)
    states = [each.values["bollard_state"] for each in said]
    assert {"up", "moving", "down"} <= set(states) <= set(STATES["bollard_state"])
    moving = states.index("moving")
    assert states[moving : moving + 3] == ["moving", "down", "moving"]
    assert said[-1].values["cycle_count"] > said[0].values["cycle_count"]


def test_bollard_in_fault_stays_so_until_restored() -> None:
    bollards = Bollards([item("BE01", "bollard", "traffic")], DAY_TIME, Random(1))
    bollards.fault("BE01", DAY_TIME)
    assert {each.values["bollard_state"] for each in play(bollards, DAY_TIME, 0, 900)} == {"fault"}
    bollards.restore("BE01", DAY_TIME + 901 * SECOND)
    assert play(bollards, DAY_TIME, 901, 902)[0].values["bollard_state"] == "up"


def test_building_raises_and_clears_an_alarm_at_once() -> None:
    buildings = Buildings([item("B001", "building", "buildings")], DAY_TIME, Random(1))
    (well,) = play(buildings, DAY_TIME, 0, 1)
    assert [well.values[f"{alarm}_state"] for alarm in ("intrusion", "fire", "flood")] == ["normal"] * 3
    assert 15 < float(well.values["temperature_degc"]) < 24
    buildings.raise_alarm("B001", "flood", DAY_TIME + 2 * SECOND)
    assert play(buildings, DAY_TIME, 2, 2)[0].values["flood_state"] == "alarm"
    buildings.clear_alarm("B001", "flood", DAY_TIME + 3 * SECOND)
    assert play(buildings, DAY_TIME, 3, 3)[0].values["flood_state"] == "normal"


def test_sensors_report_every_ten_minutes_what_a_codec_can_say() -> None:
    sensors = Sensors([item(f"S{n:03d}", "sensor", "lorawan") for n in range(6)], DAY_TIME, Random(1))
    said = by_address(play(sensors, DAY_TIME, 0, 1800))
    assert {len(each) for each in said.values()} <= {3, 4}
    assert set(said["S000"][0].values) == {"temperature_degc", "humidity_pct", "battery_pct"}


@pytest.fixture
def roads(bourg_inventory: Inventory) -> Roads:
    return Roads(bourg_inventory.streets)


def test_route_joins_two_crossings_end_to_end(roads: Roads) -> None:
    start, goal = roads.crossings[0], roads.crossings[-1]
    route = roads.route(start, goal)
    assert route[0].points[0] == start and route[-1].points[-1] == goal
    assert all(one.points[-1] == other.points[0] for one, other in pairwise(route))


def test_journey_moves_at_a_plausible_speed_and_ends_where_it_should(roads: Roads) -> None:
    route = roads.route(roads.crossings[0], roads.crossings[-1])
    journey = Journey(route, Random(3))
    at = journey.whereabouts().position
    for _ in range(600):
        if journey.ended:
            break
        journey.advance(5)
        there = journey.whereabouts()
        assert metres_between(at, there.position) <= 60 / 3.6 * 5
        assert 0 <= there.speed_kmh < 60 and 0 <= there.heading_deg < 360
        at = there.position
    assert journey.ended and at == route[-1].points[-1]


def test_vehicles_on_duty_move_and_report_the_others_are_silent(bourg_inventory: Inventory, roads: Roads) -> None:
    fleet = bourg_inventory.of_class("vehicle")
    vehicles = Vehicles(fleet, roads, DAY_TIME, Random(5))
    said = by_address(play(vehicles, DAY_TIME, 0, 900))
    assert 1 <= len(said) <= 3
    for reports in said.values():
        places = {(each.values["longitude_deg"], each.values["latitude_deg"]) for each in reports}
        assert len(places) > 5
        assert all(0 <= float(each.values["speed_kmh"]) < 60 for each in reports)


def test_buses_follow_their_lines_and_a_silent_one_leaves_the_feed(bourg_inventory: Inventory, roads: Roads) -> None:
    buses = Buses(bourg_inventory.of_class("bus"), bourg_inventory.lines, roads, DAY_TIME, Random(5))
    first = {}
    for second in range(0, 120, 10):
        for bus in buses.positions(DAY_TIME + second * SECOND):
            first.setdefault(bus.address, bus)
    assert first
    moment = DAY_TIME + 600 * SECOND
    now = {bus.address: bus for bus in buses.positions(moment)}
    assert all(moment - bus.observed_at <= 40 * SECOND for bus in now.values())
    moved = [metres_between(first[code].where.position, now[code].where.position) for code in now if code in first]
    assert max(moved) > 100
    lost = next(iter(now))
    buses.silence(lost, moment)
    assert lost not in {bus.address for bus in buses.positions(moment)}
    buses.resume(lost, moment)
    assert lost in {bus.address for bus in buses.positions(moment)}

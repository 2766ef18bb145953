"""Crews of the simulated city: what they tell the real API from their coming on duty to the end of a mission."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from django.test import Client

import beffroi.app
from beffroi.app.crews import WITH_TOOLS, prepare_crews, settle
from beffroi.foundation.clock import HOUR, MINUTE, SECOND, Instant, now, to_datetime
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.dispatch.types import Point
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_named
from beffroi.kernel.places import actions as places
from beffroi.kernel.places import queries as place_queries
from beffroi.rehearsal.crews import Act, Crew, Entry, Own, OwnMission, OwnUnit
from beffroi.rehearsal.equipment.roads import Roads, metres_between
from beffroi.rehearsal.inventory import Inventory
from beffroi.rehearsal.process import build_city
from beffroi.rehearsal.radio import make_crews, read_crews
from beffroi.rehearsal.scenario import load_scenario

PROFILE = Path(beffroi.app.__file__).parent / "profile"
T0: Instant = 1_780_000_000_000_000
STEP: Instant = 3 * SECOND


@pytest.fixture(scope="module")
def roads(bourg_inventory: Inventory) -> Roads:
    return Roads(bourg_inventory.streets)


def entry(inventory: Inventory, **other: Any) -> Entry:
    return Entry("t", "crew-x", inventory.centre, "van", "lighting", **other)


def crew(inventory: Inventory, roads: Roads, seed: str = "7", **other: Any) -> Crew:
    return Crew("lumiere-2", entry(inventory, **other), roads, T0, Random(seed), lambda _at, _now: None)


def seen(duty: str = "on", *missions: OwnMission) -> Own:
    return Own(OwnUnit("lumiere-2", duty), list(missions))


def played(one: Crew, own: Callable[[Instant], Own], lasts: Instant) -> list[tuple[Instant, Act]]:
    return [(at - T0, act) for at in range(T0, T0 + lasts, STEP) for act in one.step(at, own(at))]


def test_same_seed_gives_the_same_crew(bourg_inventory: Inventory, roads: Roads) -> None:
    lon, lat = roads.crossings[-1]
    mission = OwnMission(4, "en_route", lon, lat)
    told = [played(crew(bourg_inventory, roads, seed), lambda _at: seen("on", mission), 5 * MINUTE) for seed in "778"]
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_crew_comes_on_duty_once_and_rests_when_the_post_ends_it(bourg_inventory: Inventory, roads: Roads) -> None:
    one = crew(bourg_inventory, roads)
    acts = played(one, lambda at: seen("off"), MINUTE)
    assert acts
    assert {act.path for _at, act in acts} == {"dispatch/duty/begin"}
    one.step(T0 + MINUTE, seen("on"))
    assert [one.step(T0 + 2 * MINUTE + each * SECOND, seen("off")) for each in range(60)] == [[]] * 60
    assert one.step(T0 + 2 * HOUR, seen("off"))[0].path == "dispatch/duty/begin"


def test_position_is_told_on_duty_only_often_on_the_way_and_seldom_at_rest(
    bourg_inventory: Inventory, roads: Roads
) -> None:
    one = crew(bourg_inventory, roads)
    off = played(one, lambda _at: seen("off"), 30 * SECOND)
    assert not [act for _at, act in off if act.path == "dispatch/positions"]
    standing = played(crew(bourg_inventory, roads), lambda _at: seen("on"), 5 * MINUTE)
    far = max(roads.crossings, key=lambda place: metres_between(place, bourg_inventory.centre))
    moving = played(crew(bourg_inventory, roads), lambda _at: seen("on", OwnMission(1, "en_route", *far)), 5 * MINUTE)
    counts = [sum(act.path == "dispatch/positions" for _at, act in acts) for acts in (standing, moving)]
    assert counts[0] <= 6 < counts[1]


def test_crew_takes_a_break_and_comes_back(bourg_inventory: Inventory, roads: Roads) -> None:
    duty = "on"
    one, told = crew(bourg_inventory, roads), []
    for at in range(T0, T0 + 4 * HOUR, MINUTE):
        for act in one.step(at, seen(duty)):
            if "duty" in act.path:
                told.append(act.path.rpartition("/")[2])
                duty = {"break": "break", "resume": "on"}[told[-1]]
    assert told[:2] == ["break", "resume"]


def test_crew_that_is_silent_or_refuses_is_made_so_by_the_director(bourg_inventory: Inventory) -> None:
    city = build_city(bourg_inventory, load_scenario("opening"), T0, 7)
    entries = {"feux-1": entry(bourg_inventory), "lumiere-1": entry(bourg_inventory, shared=True)}
    (one,) = make_crews(entries, city.roads, bourg_inventory, city.director, T0, 7)
    assert {"crew_silent", "crew_refuses"} <= set(city.director.kinds())
    offered = seen("on", OwnMission(1, "proposed", *bourg_inventory.centre))
    city.director.fail("crew_refuses", "feux-1", T0)
    told = played(one, lambda _at: offered, MINUTE)
    assert {act.path for _at, act in told if "missions" in act.path} == {"missions/1/refuse"}
    city.director.repair("feux-1", T0)
    city.director.fail("crew_silent", "feux-1", T0)
    assert played(one, lambda _at: offered, MINUTE) == []


def test_base_in_another_city_is_replaced_by_a_place_in_this_one(bourg_inventory: Inventory, roads: Roads) -> None:
    far = Crew(
        "x", Entry("t", "crew-x", (5.06, 47.31), "van", "lighting"), roads, T0, Random(1), lambda _at, _now: None
    )
    (told,) = [act for act in far.step(T0, seen("on")) if act.path == "dispatch/positions"]
    here = (told.body["lon"], told.body["lat"])
    assert min(metres_between(here, crossing) for crossing in roads.crossings) < 100


def test_file_of_crews_that_is_missing_gives_none(tmp_path: Path) -> None:
    assert read_crews(tmp_path / "crews.json") == {}


# -- on the real API ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_mission_is_carried_out_to_the_end_and_the_equipment_repaired(
    tmp_path: Path, bourg_inventory: Inventory
) -> None:
    at = now()
    people.ensure_demonstration_accounts(at)
    profile = parse_profile((PROFILE / "units.yaml").read_text())
    dispatch.publish_units(profile, by=people.SYSTEM, at=at)
    prepare_crews(tmp_path, profile.units, by=people.SYSTEM, at=at)
    entries = read_crews(tmp_path / "crews.json")
    assert (entries["lumiere-1"].shared, entries["lumiere-2"].shared) == (True, False)

    city = build_city(bourg_inventory, load_scenario("opening"), T0, 7)
    crews = {one.slug: one for one in make_crews(entries, city.roads, bourg_inventory, city.director, T0, 7)}
    one = crews["lumiere-2"]
    post = Client(headers={"Authorization": f"Bearer {entries['lumiere-2'].token}"})
    cabinet = bourg_inventory.of_class("lighting_cabinet")[0]
    city.director.fail("cabinet_trip", cabinet.code, T0)
    states: list[str] = []
    mission = 0
    for step in range(1_200):
        own = msgspec.json.decode(post.get("/api/v1/dispatch/mine").content, type=Own)
        for act in one.step(T0 + step * STEP, own):
            key = {"Idempotency-Key": act.key} if act.key else {}
            answer = post.post(f"/api/v1/{act.path}", dict(act.body), content_type="application/json", headers=key)
            assert answer.status_code in (200, 201), (act, answer.content)
        if not mission and own.unit is not None and own.unit.duty == "on":
            incident = Incident.objects.create(
                title="Armoire disjonctée", category="lighting_cabinet_tripped", priority=2, state="new", desk="lighting",
                lon=cabinet.lon, lat=cabinet.lat, opened_at=to_datetime(at),
            )  # fmt: skip
            mission = dispatch.propose_mission(incident.pk, "lumiere-2", by=viewer_named("chefsalle"), at=now()).number
        states += [each.state for each in own.missions if each.id == mission and each.state not in states[-1:]]
        if states[-1:] == ["done"]:
            break
    assert states == ["proposed", "accepted", "en_route", "on_site", "done"]
    assert cabinet.code not in {failure.asset for failure in city.director.failures()}
    ended = json.loads(post.get(f"/api/v1/missions/{mission}").content)
    assert (ended["outcome"], all(line["checked_at"] for line in ended["checklist"])) == ("repaired", True)


@pytest.mark.django_db
def test_bases_of_another_town_are_published_inside_the_generated_one(tmp_path: Path, bourg: Path) -> None:
    places.import_communes(bourg / "communes.geojson", by=people.SYSTEM, at=now())
    written = parse_profile((PROFILE / "units.yaml").read_text())
    assert settle(written, tmp_path) == written  # a city of one's own
    settled = settle(written, bourg)
    dispatch.publish_units(settled, by=people.SYSTEM, at=now())
    for unit in settled.units:
        assert place_queries.commune_at(unit.base.lon, unit.base.lat) is not None, unit.slug
    assert {unit.base for unit in settled.units if unit.kind in WITH_TOOLS} == {Point(4.6045, 47.4465)}
    assert len({unit.base for unit in settled.units}) == 3
    assert settle(settled, bourg) == settled  # at each start it is the same: nothing is published again
    assert not dispatch.publish_units(settle(written, bourg), by=people.SYSTEM, at=now())

"""Simulated equipment that is told what to do: it obeys and reports, refuses with its reason, or says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from beffroi.connectors.mqtt_json import wire
from beffroi.foundation.clock import MINUTE, SECOND, Instant
from beffroi.kernel.commands.types import Ability
from beffroi.rehearsal.equipment.buildings import Buildings
from beffroi.rehearsal.equipment.lighting import Lighting
from beffroi.rehearsal.equipment.model import Model, Obeying, Reply, Said
from beffroi.rehearsal.equipment.traffic import Bollards, Intersections
from beffroi.rehearsal.heeding import Heeding
from beffroi.rehearsal.inventory import Item
from tests.kernel.commands.scene import ABILITIES
from tests.rehearsal.test_equipment import CENTRE, DAY_TIME, NIGHT, by_address, item, play

T = NIGHT + MINUTE


def last(model: Model, address: str, until_s: float, start: Instant = NIGHT) -> Said:
    return by_address(play(model, start, 60.5, until_s))[address][-1]


@pytest.fixture
def lighting() -> Lighting:
    lamps = [item(f"L-{n:05d}", "light_point", "lighting", rated_w="75") for n in range(40)]
    found = Lighting(
        lamps, [item("A-000", "lighting_cabinet", "lighting")], {"A-000": [lamp.code for lamp in lamps]}, CENTRE, NIGHT,
        Random(1),
    )  # fmt: skip
    play(found, NIGHT, 0, 60)
    return found


def test_lamp_burns_at_the_level_it_is_told_until_it_is_given_back(lighting: Lighting) -> None:
    assert lighting.obey("L-00003", "set_level", {"level_pct": 30.0}, T) == Reply(True)
    said = last(lighting, "L-00003", 66)
    assert (said.values["dim_pct"], said.values["mode_state"]) == (30, "ordered")
    assert 15 < float(said.values["power_w"]) < 30
    assert lighting.obey("L-00003", "return_to_schedule", {}, T + 10 * SECOND) == Reply(True)
    said = last(lighting, "L-00003", 80)
    assert (said.values["dim_pct"], said.values["mode_state"]) == (100, "schedule")


def test_lamp_without_supply_or_deaf_says_nothing(lighting: Lighting) -> None:
    lighting.deafen_lamp("L-00001", T)
    assert lighting.obey("L-00001", "set_level", {"level_pct": 30.0}, T) is None
    lighting.cure_lamp("L-00001", T)
    assert lighting.obey("L-00001", "set_level", {"level_pct": 30.0}, T) == Reply(True)
    lighting.trip("A-000", T)
    assert lighting.obey("L-00002", "set_level", {"level_pct": 30.0}, T) is None
    assert lighting.obey("L-00002", "open_feeder", {}, T) is None


def test_of_a_city_of_lamps_a_few_never_obey() -> None:
    lamps = [item(f"L-{n:05d}", "light_point", "lighting") for n in range(2_000)]
    cabinets = [item("A-000", "lighting_cabinet", "lighting")]
    city = Lighting(lamps, cabinets, {}, CENTRE, NIGHT, Random(1))
    replies = [city.obey(lamp.address, "set_level", {"level_pct": 30.0}, T) for lamp in lamps]
    assert [replies.count(None), sum(1 for each in replies if each and not each.accepted)] == [6, 2]


def test_feeder_that_is_opened_darkens_its_lamps_and_closes_again(lighting: Lighting) -> None:
    assert lighting.obey("A-000", "open_feeder", {}, T) == Reply(True)
    said = by_address(play(lighting, NIGHT, 60, 70))
    assert said["A-000"][-1].values["feeder_state"] == "open"
    assert all(said[f"L-{n:05d}"][-1].values["voltage_v"] == 0 for n in range(40))
    assert lighting.obey("A-000", "close_feeder", {}, T + 20 * SECOND) == Reply(True)
    said = by_address(play(lighting, NIGHT, 80, 110))
    assert said["A-000"][-1].values["feeder_state"] == "energised"
    assert all(said[f"L-{n:05d}"][-1].values["lamp_state"] == "on" for n in range(40))


def test_cabinet_refuses_while_somebody_works_in_it_and_after_a_fault(lighting: Lighting) -> None:
    lighting.open_door("A-000", T)
    assert lighting.obey("A-000", "open_feeder", {}, T) == Reply(False, "porte ouverte, commande locale")
    lighting.close_door("A-000", T)
    lighting.trip("A-000", T)
    assert lighting.obey("A-000", "close_feeder", {}, T) == Reply(False, "protection déclenchée, à réarmer sur place")
    lighting.silence("A-000", T)
    assert lighting.obey("A-000", "close_feeder", {}, T) is None


def controllers(count: int = 20) -> Intersections:
    return Intersections([item(f"C{n:03d}", "intersection", "traffic") for n in range(count)], DAY_TIME, Random(1))


def test_controller_takes_a_plan_up_and_goes_back_to_its_hours() -> None:
    made, at = controllers(), DAY_TIME + MINUTE
    play(made, DAY_TIME, 0, 60)
    assert made.obey("C001", "ask_plan", {"plan": 4.0}, at) == Reply(True)
    values = last(made, "C001", 64, DAY_TIME).values
    assert (values["plan_count"], values["mode_state"]) == (4, "ordered")
    assert made.obey("C001", "return_to_normal", {}, at + 10 * SECOND) == Reply(True)
    values = last(made, "C001", 80, DAY_TIME).values
    assert (values["plan_count"], values["mode_state"]) == (3, "schedule")
    assert made.obey("C001", "ask_green_wave", {"axis": "main"}, at) == Reply(True)
    assert made.obey("C001", "ask_plan", {"plan": 7.0}, at) == Reply(False, "plan 7 inconnu de ce contrôleur")
    assert made.obey("C016", "ask_green_wave", {}, at) == Reply(False, "ce carrefour n’a pas de plan de priorité")
    assert made.obey("C001", "open_feeder", {}, at) == Reply(False, "open_feeder : commande inconnue")


def test_controller_refuses_in_local_mode_dark_or_flashing_by_itself_and_flashes_when_asked() -> None:
    made, at = controllers(), DAY_TIME + MINUTE
    play(made, DAY_TIME, 0, 60)
    assert made.obey("C002", "ask_flashing", {}, at) == Reply(True)
    values = last(made, "C002", 64, DAY_TIME).values
    assert (values["controller_state"], values["mode_state"]) == ("flashing", "ordered")
    made.flash("C002", at + 10 * SECOND)
    values = last(made, "C002", 80, DAY_TIME).values
    assert (values["controller_state"], values["mode_state"]) == ("flashing", "fallback")
    for code, fail, reason in (
        ("C003", made.take_local, "contrôleur en commande locale"),
        ("C004", made.darken, "contrôleur hors tension"),
        ("C005", made.flash, "clignotant de sécurité : défaut présent"),
    ):
        fail(code, at)
        assert made.obey(code, "ask_plan", {"plan": 3.0}, at) == Reply(False, reason)
    made.silence("C006", at)
    assert made.obey("C006", "ask_plan", {"plan": 3.0}, at) is None


def test_bollard_stays_down_when_told_and_never_rises_under_a_vehicle() -> None:
    made, at = Bollards([item("BE01", "bollard", "traffic")], DAY_TIME, Random(1)), DAY_TIME + MINUTE
    play(made, DAY_TIME, 0, 60)
    assert made.obey("BE01", "lower_bollard", {}, at) == Reply(True)
    assert last(made, "BE01", 900, DAY_TIME).values["bollard_state"] == "down"
    made.occupy("BE01", at)
    assert made.obey("BE01", "raise_bollard", {}, DAY_TIME + 900 * SECOND) == Reply(False, "véhicule sur la boucle")
    made.free("BE01", at)
    assert made.obey("BE01", "raise_bollard", {}, DAY_TIME + 900 * SECOND) == Reply(True)
    said = by_address(play(made, DAY_TIME, 900, 920))["BE01"]
    assert said[-1].values["bollard_state"] == "up"
    made.fault("BE01", at)
    assert made.obey("BE01", "lower_bollard", {}, at) == Reply(False, "borne en défaut")


def test_panel_is_armed_reset_and_refuses_while_somebody_is_seen() -> None:
    made, at = Buildings([item("B001", "building", "buildings")], DAY_TIME, Random(1)), DAY_TIME + MINUTE
    play(made, DAY_TIME, 0, 60)
    assert made.obey("B001", "arm_building", {}, at) == Reply(True)
    assert last(made, "B001", 64, DAY_TIME).values["arming_state"] == "armed"
    made.raise_alarm("B001", "intrusion", at)
    assert made.obey("B001", "reset_panel", {}, at + SECOND) == Reply(False, "un détecteur voit encore quelqu’un")
    assert made.obey("B001", "arm_building", {}, at) == Reply(False, "zone ouverte : alarme en cours")
    assert made.obey("B001", "reset_panel", {}, at + 30 * SECOND) == Reply(True)
    assert last(made, "B001", 100, DAY_TIME).values["intrusion_state"] == "normal"
    assert made.obey("B001", "disarm_building", {}, at + 40 * SECOND) == Reply(True)


def test_every_ability_of_the_city_is_known_to_the_equipment_of_its_class() -> None:
    def of(asset_class: str) -> Obeying:
        items: Sequence[Item] = [item("X", asset_class, "s")]
        if asset_class in ("light_point", "lighting_cabinet"):
            return Lighting(
                [item("L", "light_point", "s")], [item("X", "lighting_cabinet", "s")], {}, CENTRE, NIGHT, Random(1)
            )
        made = {"intersection": Intersections, "bollard": Bollards, "building": Buildings}[asset_class]
        return made(items, NIGHT, Random(1))

    def first(ability: Ability) -> dict[str, float | str]:
        return {p.name: next(iter(p.choices)) if p.choices else p.least or 0.0 for p in ability.parameters}

    known = {"light_point": "L"}
    for ability in ABILITIES.values():
        if ability.asset_class not in ("light_point", "lighting_cabinet", "intersection", "bollard", "building"):
            continue
        model = of(ability.asset_class)
        reply = model.obey(known.get(ability.asset_class, "X"), ability.slug, first(ability), T)
        assert reply == Reply(True), ability.slug


def test_gateway_does_each_command_once_answers_it_twice_and_none_after_its_time(lighting: Lighting) -> None:
    heeding = Heeding("lighting", [lighting], lambda: T)

    def told(number: str, expires_at: Instant = T + MINUTE, **more: object) -> tuple[str, bytes] | None:
        payload = wire.encode_command(number, "set_level", {"level_pct": 30.0} | more, expires_at)  # type: ignore[arg-type]
        return heeding.heed("commands/lighting/L-00003", payload)

    first = told("a")
    assert first == ("acknowledgements/lighting/L-00003", wire.encode_answer("a", True, T))
    assert (told("a"), heeding.done) == (first, 1)
    late = told("b", T - SECOND)
    assert late is not None
    assert wire.decode_answer(late[1]) == wire.Answered("b", False, "commande reçue trop tard", T)
    unreadable = told("c", level_pct="dim")
    assert unreadable is not None
    assert wire.decode_answer(unreadable[1]).reason == "paramètres illisibles"
    assert heeding.heed("commands/lighting/L-00003", b"{") is None
    assert heeding.heed("commands/lighting/X", wire.encode_command("d", "set_level", {}, T + MINUTE)) is None
    assert heeding.topics == "commands/lighting/#"

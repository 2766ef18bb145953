"""Which commands are in force: what the alarms' room is told, and the whole way from a command to a quiet alarm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import transaction

from beffroi.foundation.clock import DAY, MINUTE, SECOND, to_datetime
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms.models import Alarm
from beffroi.kernel.alarms.rules import commands_that_explain, parse_definitions
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.journal.actions import append
from tests.kernel.alarms.factories import make_asset, moves
from tests.kernel.alarms.test_definitions import PROFILE
from tests.kernel.commands.scene import (
    ABILITIES,
    SYSTEM,
    T0,
    ask,
    chief,
    equipment_says,
    karim,
    make_source,
    nadia,
    no,
    send,
    set_up,
    shown,
    yes,
)

pytestmark = pytest.mark.django_db
FLASHING, SCHEDULE, ORDERED, FALLBACK = 1.0, 0.0, 1.0, 2.0


class Scene:
    """A junction that flashes because Nadia asked it to, and Karim agreed."""

    def __init__(self) -> None:
        set_up()
        self.source = make_source("signals")
        self.junction = make_asset("C-1", "intersection", "Dijon", source_id=self.source)
        self.id = self.order("ask_flashing", T0)

    def order(self, slug: str, at: int) -> UUID:
        asked = ask(slug, assets=("C-1",), at=at)
        if ABILITIES[slug].dangerous:
            actions.authorise(asked.id, by=karim(), at=at)
        (sent,) = send(self.source, code="signals", at=at)
        return sent

    def obeys(self, id: UUID, at: int, value: float = FLASHING) -> None:
        equipment_says(yes(id, self.source, at), shown(id, value, at), at=at)

    def says(self, quantity: str, value: float, at: int) -> None:
        kind, _ = apps.get_model("twin", "Quantity").objects.get_or_create(name=quantity)
        moment = to_datetime(at)
        apps.get_model("twin", "State").objects.update_or_create(
            asset_id=self.junction,
            quantity=kind,
            defaults={"value": value, "observed_at": moment, "received_at": moment, "quality": 0},
        )

    def standing(self, at: int, known: frozenset[UUID] = frozenset()) -> list[UUID]:
        return [each.command for each in queries.standing_commands({"ask_flashing"}, known, at=at)]


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


def test_command_is_in_force_from_its_sending_until_its_way_back(scene: Scene) -> None:
    assert scene.standing(T0) == [scene.id]
    scene.obeys(scene.id, T0 + 3 * SECOND)
    scene.says("controller_state", FLASHING, T0 + 3 * SECOND)
    assert scene.standing(T0 + MINUTE) == [scene.id]
    assert queries.standing_commands({"open_feeder"}, frozenset(), at=T0 + MINUTE) == ()
    assert scene.standing(T0 + 3 * DAY) == []
    assert scene.standing(T0 + 3 * DAY, frozenset({scene.id})) == [scene.id]
    back = actions.revert(scene.id, by=nadia(), at=T0 + 2 * MINUTE)
    (sent,) = send(scene.source, code="signals", at=T0 + 2 * MINUTE)
    assert scene.standing(T0 + 2 * MINUTE) == [scene.id]
    assert back.commands == (sent,)
    scene.obeys(sent, T0 + 3 * MINUTE, SCHEDULE)
    assert scene.standing(T0 + 3 * MINUTE) == []


def test_command_that_was_not_done_is_not_in_force(scene: Scene) -> None:
    equipment_says(no(scene.id, scene.source))
    assert scene.standing(T0 + SECOND) == []


def test_reading_that_belies_it_ends_it(scene: Scene) -> None:
    scene.obeys(scene.id, T0 + 3 * SECOND)
    scene.says("controller_state", 0.0, T0 + MINUTE)
    assert scene.standing(T0 + MINUTE, frozenset({scene.id})) == []


def test_controller_that_flashes_by_itself_is_no_longer_under_order(scene: Scene) -> None:
    scene.says("mode_state", SCHEDULE, T0 - MINUTE)
    scene.obeys(scene.id, T0 + 3 * SECOND)
    scene.says("controller_state", FLASHING, T0 + 3 * SECOND)
    assert scene.standing(T0 + 4 * SECOND) == [scene.id]
    scene.says("mode_state", ORDERED, T0 + 30 * SECOND)
    assert scene.standing(T0 + MINUTE) == [scene.id]
    scene.says("mode_state", FALLBACK, T0 + 2 * MINUTE)
    assert scene.standing(T0 + 2 * MINUTE) == []


@pytest.mark.parametrize("silent", [False, True])
def test_way_back_that_fails_ends_it(scene: Scene, silent: bool) -> None:
    scene.obeys(scene.id, T0 + 3 * SECOND)
    scene.says("controller_state", FLASHING, T0 + 3 * SECOND)
    (back,) = actions.revert(scene.id, by=nadia(), at=T0 + MINUTE).commands
    send(scene.source, code="signals", at=T0 + MINUTE)
    if silent:
        actions.pass_time(T0 + 10 * MINUTE)
    else:
        equipment_says(no(back, scene.source, at=T0 + 2 * MINUTE), at=T0 + 2 * MINUTE)
    assert scene.standing(T0 + 10 * MINUTE, frozenset({scene.id})) == []


def test_commanded_flashing_opens_no_incident_and_a_way_back_that_fails_does(scene: Scene) -> None:
    definitions = [each for each in parse_definitions(PROFILE.read_text()) if each.code.startswith("intersection")]
    alarms.publish_definitions(definitions, by=SYSTEM, at=T0 - MINUTE)
    incidents.let_time_pass(at=T0 + SECOND)
    scene.obeys(scene.id, T0 + 3 * SECOND)
    scene.says("controller_state", FLASHING, T0 + 3 * SECOND)
    raised(moves("raise", "intersection_flashing", scene.junction, at=T0 + 33 * SECOND), T0 + 33 * SECOND)
    incidents.let_time_pass(at=T0 + MINUTE)
    assert (Alarm.objects.get().state, Incident.objects.count()) == ("suppressed", 0)
    (back,) = actions.revert(scene.id, by=chief(), at=T0 + 2 * MINUTE).commands
    send(scene.source, code="signals", at=T0 + 2 * MINUTE)
    equipment_says(no(back, scene.source, at=T0 + 3 * MINUTE), at=T0 + 3 * MINUTE)
    incidents.let_time_pass(at=T0 + 3 * MINUTE)
    assert Alarm.objects.get().state == "suppressed"
    raised([], T0 + 4 * MINUTE)
    assert (Alarm.objects.get().state, Incident.objects.count()) == ("unacknowledged", 1)


def raised(transitions: list[Any], at: int) -> None:
    """What the engine does with transitions, and when time passes."""
    with transaction.atomic():
        applied = alarms.apply_transitions(transitions, at=at)
        append([*applied.lines, *incidents.follow_alarms(applied, at=at)], at=at)


def test_profile_s_definitions_name_abilities_that_exist() -> None:
    named = {
        ability
        for definition in parse_definitions(PROFILE.read_text())
        for _, ability in commands_that_explain(definition)
    }
    assert named == {"ask_flashing", "open_feeder"} and named <= set(ABILITIES)

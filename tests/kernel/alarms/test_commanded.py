"""Alarms that a command of ours causes: quiet while it is in force, told once it is over, and never what it does not explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Conflict
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.models import Alarm
from beffroi.kernel.alarms.rules import commands_that_explain, explanations
from beffroi.kernel.alarms.rules.definition_fields import Problems
from beffroi.kernel.alarms.rules.definitions import read_definition
from beffroi.kernel.alarms.types import Applied, Commanded
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from tests.kernel.alarms.factories import DARK, TRIPPED, make_asset, moves, relate, viewer
from tests.kernel.alarms.test_actions import T0, apply, states, verbs
from tests.kernel.faults import assert_whole_or_nothing

pytestmark = pytest.mark.django_db
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
FLASHING = replace(
    TRIPPED, code="flashing", title="Carrefour au clignotant", asset_class="intersection", quantity="controller_state",
    on_delay_s=30, release_delay_s=30, suppressed_by=("self:junction_dark", "self:command:ask_flashing"), desk="traffic",
)  # fmt: skip
JUNCTION_DARK = replace(FLASHING, code="junction_dark", title="Carrefour éteint", priority=1, suppressed_by=())
LAMP = replace(DARK, suppressed_by=("feeds:cabinet_tripped", "feeds:command:open_feeder"))


@pytest.fixture
def junction(db: None) -> int:
    actions.publish_definitions([TRIPPED, LAMP, FLASHING, JUNCTION_DARK], by=SYSTEM, at=T0)
    return make_asset("C-1", "intersection")


def command(asset: int, ability: str = "ask_flashing", *, since: int = T0, by: int | None = None) -> Commanded:
    return Commanded(uuid4(), asset, ability, "Demander le clignotant", since, by)


def follow(*in_force: Commanded, at: int) -> Applied:
    with transaction.atomic():
        applied = actions.follow_commands(in_force, at=at)
        append(applied.lines, at=at)
    return applied


def test_commanded_flashing_calls_nobody_and_says_who_commanded_it(junction: int) -> None:
    nadia = viewer("nadia")
    ours = command(junction, by=nadia.id)
    follow(ours, at=T0 + SECOND)
    applied = apply(moves("raise", "flashing", junction, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    assert (applied.raised, states(), verbs()) == ((), {"flashing suppressed": 1}, ["expect_alarms"])
    (alarm,) = queries.list_alarms(seen_by=viewer("op"))
    assert alarm.commanded == replace(ours, by_name="Nadia")
    assert (alarm.announced_at, alarm.suppressed_by_id) == (None, None)
    (line,) = list_lines(limit=1)
    assert (line.subject, line.related) == (f"command:{ours.command}", ("asset:C-1", f"alarm:{alarm.id}"))
    assert line.content == {
        "title": "Demander le clignotant", "ability": "ask_flashing", "count": 1, "codes": {"flashing": 1},
        "alarms": [alarm.id], "assets": ["C-1"],
    }  # fmt: skip
    (expected,) = queries.list_expected(seen_by=viewer("op"))
    assert (expected.commanded, expected.asset_code, expected.alarms, expected.titles) == (
        alarm.commanded, "C-1", 1, ("Carrefour au clignotant",),
    )  # fmt: skip
    with pytest.raises(Conflict, match=r"comes of a command by Nadia since .*: act on that command"):
        actions.acknowledge_alarm(alarm.id, by=viewer("op"), at=T0 + MINUTE)


def test_return_while_commanded_ends_the_alarm_in_silence(junction: int) -> None:
    follow(command(junction), at=T0)
    apply(moves("raise", "flashing", junction, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    applied = apply(moves("return", "flashing", junction, at=T0 + 5 * MINUTE), T0 + 5 * MINUTE)
    assert (applied.raised, states(), verbs()) == ((), {"flashing normal": 1}, ["expect_alarms", "end_expected_alarms"])
    assert queries.list_expected(seen_by=viewer("op")) == ()


def test_what_still_stands_after_the_command_comes_before_people(junction: int) -> None:
    follow(command(junction), at=T0)
    apply(moves("raise", "flashing", junction, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    follow(at=T0 + 10 * MINUTE)
    assert not apply([], T0 + 10 * MINUTE + 29 * SECOND).raised
    (raised,) = apply([], T0 + 10 * MINUTE + 30 * SECOND).raised
    assert (raised.code, states(), verbs()) == (
        "flashing", {"flashing unacknowledged": 1}, ["expect_alarms", "release_alarm"],
    )  # fmt: skip
    (alarm,) = queries.list_open(seen_by=viewer("op"))
    assert (alarm.commanded, alarm.announced_at) == (None, T0 + 10 * MINUTE + 30 * SECOND)


def test_command_that_is_over_explains_nothing_any_more(junction: int) -> None:
    ours = command(junction)
    follow(ours, at=T0)
    follow(at=T0 + MINUTE)
    follow(ours, at=T0 + 2 * MINUTE)
    (raised,) = apply(moves("raise", "flashing", junction, at=T0 + 3 * MINUTE), T0 + 3 * MINUTE).raised
    assert (raised.code, states()) == ("flashing", {"flashing unacknowledged": 1})


def test_flashing_that_began_before_the_command_left_is_a_failure(junction: int) -> None:
    follow(command(junction, since=T0 + 10 * SECOND), at=T0 + 10 * SECOND)
    (raised,) = apply(moves("raise", "flashing", junction, at=T0 + 30 * SECOND), T0 + 31 * SECOND).raised
    assert (raised.code, states()) == ("flashing", {"flashing unacknowledged": 1})


def test_true_failure_during_the_command_still_calls(junction: int) -> None:
    follow(command(junction), at=T0)
    apply(moves("raise", "flashing", junction, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    (raised,) = apply(moves("raise", "junction_dark", junction, at=T0 + MINUTE), T0 + MINUTE).raised
    assert raised.code == "junction_dark"
    other = make_asset("C-2", "intersection")
    (raised,) = apply(moves("raise", "flashing", other, at=T0 + 2 * MINUTE), T0 + 2 * MINUTE).raised
    assert raised.asset_id == other


def test_command_that_is_heard_of_late_takes_what_it_caused_and_nobody_acknowledged(junction: int) -> None:
    other = make_asset("C-2", "intersection")
    apply(moves("raise", "flashing", junction, other, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    seen = Alarm.objects.get(asset=other).pk
    actions.acknowledge_alarm(seen, by=viewer("op"), at=T0 + 33 * SECOND)
    applied = follow(command(junction), command(other), at=T0 + 34 * SECOND)
    assert (len(applied.suppressed), states()) == (1, {"flashing suppressed": 1, "flashing acknowledged": 1})


def test_lamps_of_an_opened_feeder_are_quiet_and_a_trip_there_is_not(junction: int) -> None:
    cabinet, lamps = make_asset("A-1"), [make_asset(f"P-{place}", "light_point") for place in range(5)]
    elsewhere = make_asset("P-9", "light_point")
    relate(cabinet, "feeds", *lamps)
    follow(command(cabinet, "open_feeder"), at=T0)
    applied = apply(moves("raise", "light_dark", *lamps, elsewhere, at=T0 + MINUTE), T0 + MINUTE)
    assert [each.asset_id for each in applied.raised] == [elsewhere]
    assert (states(), verbs()) == (
        {"light_dark suppressed": 5, "light_dark unacknowledged": 1}, ["raise_alarm", "expect_alarms"],
    )  # fmt: skip
    (tripped,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0 + 2 * MINUTE), T0 + 2 * MINUTE).raised
    assert set(Alarm.objects.filter(state="suppressed").values_list("suppressed_by", "commanded")) == {
        (tripped.alarm_id, None)
    }
    apply(moves("return", "cabinet_tripped", cabinet, at=T0 + 3 * MINUTE), T0 + 3 * MINUTE)
    assert not apply([], T0 + 30 * MINUTE).raised
    assert Alarm.objects.filter(state="suppressed", commanded__isnull=False).count() == 5
    apply(moves("return", "light_dark", *lamps, at=T0 + 31 * MINUTE), T0 + 31 * MINUTE)
    assert states() == {
        "light_dark normal": 5, "light_dark unacknowledged": 1, "cabinet_tripped returned_unacknowledged": 1,
    }  # fmt: skip


def test_nothing_new_locks_nothing(junction: int, django_assert_max_num_queries: Any) -> None:
    ours = command(junction)
    follow(ours, at=T0)
    with django_assert_max_num_queries(4):
        assert follow(ours, at=T0 + SECOND) == Applied()
    assert queries.followed_commands() == frozenset({ours.command})
    assert queries.explaining_abilities() == frozenset({"ask_flashing", "open_feeder"})


@pytest.mark.django_db(transaction=True)
def test_fault_at_any_round_trip_leaves_a_command_followed_whole_or_not_at_all() -> None:
    actions.publish_definitions([FLASHING, JUNCTION_DARK], by=SYSTEM, at=T0)
    asset = make_asset("C-1", "intersection")
    apply(moves("raise", "flashing", asset, at=T0 + 32 * SECOND), T0 + 32 * SECOND)
    ours = command(asset)
    assert assert_whole_or_nothing(lambda: follow(ours, at=T0 + 33 * SECOND), least=8) >= 8


def test_definition_tells_alarms_and_commands_apart() -> None:
    assert explanations(FLASHING) == (("self", "junction_dark"),)
    assert commands_that_explain(FLASHING) == (("self", "ask_flashing"),)


@pytest.mark.parametrize(
    "wrong", ["source:command:ask_flashing", "self:command:", "self:command:a b", "near:command:x"]
)
def test_wrong_explanation_by_a_command_is_refused_with_what_to_write(wrong: str) -> None:
    from beffroi.kernel.alarms.rules.definition_entries import entry_of

    problems = Problems("")
    assert read_definition(entry_of(FLASHING) | {"suppressed_by": [wrong]}, problems) is None
    assert [problem.field for problem in problems.found] == ["suppressed_by"]
    assert read_definition(entry_of(FLASHING), Problems("")) == FLASHING

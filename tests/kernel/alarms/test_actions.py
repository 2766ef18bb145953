"""Alarms on the real database: raised once, explained, returned, acknowledged, told in the journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.models import Alarm, Definition
from beffroi.kernel.alarms.types import AlarmState, Applied, Transition
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, a_definition, make_asset, moves, relate, viewer

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
pytestmark = pytest.mark.django_db


@pytest.fixture
def definitions(db: None) -> None:
    actions.publish_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0)


@pytest.fixture
def street(definitions: None) -> tuple[int, list[int]]:
    """A cabinet and the forty light points that it feeds."""
    cabinet = make_asset("A-014")
    lights = [make_asset(f"P-{place:03}", "light_point") for place in range(40)]
    relate(cabinet, "feeds", *lights)
    return cabinet, lights


def apply(transitions: list[Transition], at: int) -> Applied:
    with transaction.atomic():
        applied = actions.apply_transitions(transitions, at=at)
        append(applied.lines, at=at)
    return applied


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for code, state in Alarm.objects.values_list("code", "state"):
        found[f"{code} {state}"] = found.get(f"{code} {state}", 0) + 1
    return found


def verbs() -> list[str]:
    return [line.verb for line in reversed(list_lines()) if line.verb != "publish_definition"]


def test_alarm_is_raised_once_and_told_whole(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    applied = apply(moves("raise", "cabinet_tripped", cabinet, at=T0), T0 + SECOND)
    again = apply(moves("raise", "cabinet_tripped", cabinet, at=T0 + 5), T0 + MINUTE)
    assert ([each.code for each in applied.raised], again.raised, again.ignored) == (["cabinet_tripped"], (), 1)
    alarm = queries.get(applied.raised[0].alarm_id, viewer("op"))
    assert (alarm.state, alarm.raised_at, alarm.announced_at, alarm.asset_code) == (
        AlarmState.UNACKNOWLEDGED, T0, T0 + SECOND, "A-014",
    )  # fmt: skip
    line = list_lines()[0]
    assert (line.actor, line.verb, line.subject, line.related, line.effective_at) == (
        Actor(ActorKind.RULE, "cabinet_tripped", "Armoire disjonctée"),
        "raise_alarm", f"alarm:{alarm.id}", ("asset:A-014",), T0,
    )  # fmt: skip
    assert line.content == {
        "title": "Armoire disjonctée", "code": "cabinet_tripped", "asset": "A-014", "asset_name": "Équipement A-014",
        "place": "Rue des Essais", "commune": "Chenôve", "priority": 2, "desk": "lighting", "state": "unacknowledged",
        "quantity": "feeder_state", "value": 1.0,
    }  # fmt: skip


def test_one_tripped_cabinet_is_one_alarm_and_not_forty(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    applied = apply(
        moves("raise", "light_dark", *lights, at=T0) + moves("raise", "cabinet_tripped", cabinet, at=T0 + 1), T0 + 2
    )
    assert states() == {"cabinet_tripped unacknowledged": 1, "light_dark suppressed": 40}
    assert [each.asset_id for each in applied.raised] == [cabinet]
    assert verbs() == ["raise_alarm", "suppress_alarms"]
    told = list_lines()[0]
    assert (told.content["count"], told.content["codes"], len(told.content["assets"])) == (40, {"light_dark": 40}, 40)
    (alarm,) = queries.list_open(seen_by=viewer("op"))
    assert (alarm.suppressed_count, queries.counts().suppressed, queries.rate_10_min(T0 + 3)) == (40, 40, 1)
    assert told.subject == f"alarm:{alarm.id}"


def test_explanation_that_comes_later_takes_what_nobody_acknowledged(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    early = apply(moves("raise", "light_dark", *lights[:3], at=T0), T0).raised
    actions.acknowledge_alarm(early[0].alarm_id, by=viewer("op"), at=T0 + 1)
    applied = apply(moves("raise", "cabinet_tripped", cabinet, at=T0 + 2), T0 + 2)
    assert set(applied.suppressed) == {each.alarm_id for each in early[1:]}
    assert states() == {
        "cabinet_tripped unacknowledged": 1,
        "light_dark suppressed": 2,
        "light_dark acknowledged": 1,
    }  # fmt: skip
    later = apply(moves("raise", "light_dark", *lights[3:6], at=T0 + 3), T0 + 3)
    assert (later.raised, len(later.suppressed), len(later.lines)) == ((), 3, 1)


def test_return_of_the_explanation_leaves_time_to_the_lights(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    both = moves("raise", "cabinet_tripped", cabinet, at=T0) + moves("raise", "light_dark", *lights, at=T0)
    apply(both, T0)
    apply(moves("return", "cabinet_tripped", cabinet, at=T0 + MINUTE), T0 + MINUTE)
    assert states() == {"cabinet_tripped returned_unacknowledged": 1, "light_dark suppressed": 40}
    ended = apply(moves("return", "light_dark", *lights[:38], at=T0 + 5 * MINUTE), T0 + 5 * MINUTE)
    assert (ended.returned, [line.verb for line in ended.lines]) == ((), ["end_suppressed_alarms"])
    assert not apply([], T0 + 10 * MINUTE).raised
    with transaction.atomic():
        released = actions.release_suppressed(at=T0 + 11 * MINUTE)
    assert [each.asset_id for each in released.raised] == lights[38:]
    assert [line.verb for line in released.lines] == ["release_alarm", "release_alarm"]
    assert states() == {
        "cabinet_tripped returned_unacknowledged": 1,
        "light_dark normal": 38,
        "light_dark unacknowledged": 2,
    }  # fmt: skip
    assert queries.rate_10_min(T0 + 11 * MINUTE) == 2


def test_other_explanation_takes_over_when_the_first_ceases(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    apply(moves("raise", "cabinet_tripped", cabinet, at=T0) + moves("raise", "light_dark", *lights[:2], at=T0), T0)
    apply(moves("raise", "cabinet_silent", cabinet, at=T0 + 1, value=6), T0 + 1)
    assert states() == {
        "cabinet_tripped unacknowledged": 1,
        "cabinet_silent suppressed": 1,
        "light_dark suppressed": 2,
    }  # fmt: skip
    applied = apply(moves("return", "cabinet_tripped", cabinet, at=T0 + 2), T0 + 2)
    assert [each.code for each in applied.raised] == ["cabinet_silent"]
    assert not apply([], T0 + 20 * MINUTE).raised
    (silent,) = Alarm.objects.filter(code="cabinet_silent")
    assert {row.suppressed_by_id for row in Alarm.objects.filter(code="light_dark")} == {silent.pk}


def test_raise_and_return_in_one_batch_leave_an_alarm_to_acknowledge(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    flash = [
        *moves("raise", "light_dark", *lights, at=T0 + 1),
        *moves("raise", "cabinet_tripped", cabinet, at=T0),
        *moves("return", "cabinet_tripped", cabinet, at=T0 + 5),
        *moves("return", "light_dark", *lights, at=T0 + 6),
    ]
    applied = apply(flash, T0 + 10)
    assert states() == {"cabinet_tripped returned_unacknowledged": 1, "light_dark normal": 40}
    assert (len(applied.raised), len(applied.returned)) == (1, 1)
    assert verbs() == ["raise_alarm", "return_alarm", "suppress_alarms", "end_suppressed_alarms"]


def test_alarm_that_comes_again_before_anyone_saw_it_is_the_same(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    (first,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0), T0).raised
    apply(moves("return", "cabinet_tripped", cabinet, at=T0 + 1), T0 + 1)
    (again,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0 + 2, value=3), T0 + 3).raised
    alarm = queries.get(first.alarm_id, viewer("op"))
    assert (again.alarm_id, alarm.state, alarm.raised_at, alarm.returned_at, alarm.announced_at, alarm.value) == (
        first.alarm_id, AlarmState.UNACKNOWLEDGED, T0 + 2, None, T0 + 3, 3.0,
    )  # fmt: skip


def test_alarm_that_comes_again_once_it_ended_is_another(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    (first,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0), T0).raised
    actions.acknowledge_alarm(first.alarm_id, by=viewer("op"), at=T0 + 1)
    both = moves("return", "cabinet_tripped", cabinet, at=T0 + 2) + moves(
        "raise", "cabinet_tripped", cabinet, at=T0 + 3
    )
    (second,) = apply(both, T0 + 3).raised
    assert second.alarm_id != first.alarm_id
    assert states() == {"cabinet_tripped normal": 1, "cabinet_tripped unacknowledged": 1}
    assert queries.open_conditions() == [("cabinet_tripped", cabinet, T0 + 3)]


def test_transitions_that_concern_nothing_are_counted_and_change_nothing(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    applied = apply(moves("return", "cabinet_tripped", cabinet, at=T0) + moves("raise", "unknown", cabinet, at=T0), T0)
    assert (applied, states(), verbs()) == (Applied(ignored=2), {}, [])


def test_three_hundred_alarms_take_few_statements(
    street: tuple[int, list[int]], django_assert_max_num_queries: Any
) -> None:
    assets = [make_asset(f"B-{place:03}") for place in range(300)]
    with django_assert_max_num_queries(25):
        applied = apply(moves("raise", "cabinet_tripped", *assets, at=T0), T0)
    with django_assert_max_num_queries(25):
        returned = apply(moves("return", "cabinet_tripped", *assets, at=T0 + 1), T0 + 1)
    assert (len(applied.raised), len(returned.returned), len(applied.lines)) == (300, 300, 300)


def test_acknowledge_names_the_person_in_alarm_and_journal(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    (raised,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0), T0).raised
    alarm = actions.acknowledge_alarm(raised.alarm_id, by=viewer("nadia"), at=T0 + SECOND)
    assert (alarm.state, alarm.acknowledged_by, alarm.acknowledged_at) == (
        AlarmState.ACKNOWLEDGED,
        "Nadia",
        T0 + SECOND,
    )
    line = list_lines()[0]
    assert (line.verb, line.actor.id, line.subject) == ("acknowledge_alarm", "nadia", f"alarm:{alarm.id}")
    ended = apply(moves("return", "cabinet_tripped", cabinet, at=T0 + 2 * SECOND), T0 + 2 * SECOND)
    assert ended.returned == (alarm.id,)
    assert queries.get(alarm.id, viewer("nadia")).ended_at == T0 + 2 * SECOND


def test_acknowledge_after_the_return_ends_the_alarm(street: tuple[int, list[int]]) -> None:
    cabinet, _ = street
    (raised,) = apply(moves("raise", "cabinet_tripped", cabinet, at=T0), T0).raised
    apply(moves("return", "cabinet_tripped", cabinet, at=T0 + 1), T0 + 1)
    alarm = actions.acknowledge_alarm(raised.alarm_id, by=viewer("nadia"), at=T0 + 2)
    assert (alarm.state, alarm.ended_at) == (AlarmState.NORMAL, T0 + 2)


def test_acknowledge_is_refused_with_who_was_first_or_why(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    batch = moves("raise", "cabinet_tripped", cabinet, at=T0) + moves("raise", "light_dark", lights[0], at=T0)
    (raised,) = apply(batch, T0).raised
    actions.acknowledge_alarm(raised.alarm_id, by=viewer("nadia"), at=T0)
    with pytest.raises(Conflict, match=r"was acknowledged by Nadia at \d\d:\d\d:\d\d"):
        actions.acknowledge_alarm(raised.alarm_id, by=viewer("karim"), at=T0 + 1)
    hidden = Alarm.objects.get(code="light_dark").pk
    with pytest.raises(Conflict, match=f"is explained by alarm {raised.alarm_id}"):
        actions.acknowledge_alarm(hidden, by=viewer("karim"), at=T0 + 1)
    with pytest.raises(NotFound):
        actions.acknowledge_alarm(0, by=viewer("karim"), at=T0 + 1)


@pytest.mark.parametrize("where", [{"role": Role.VISITOR}, {"desk": "traffic"}, {"commune": "Talant"}])
def test_acknowledge_without_the_clearance_is_refused(street: tuple[int, list[int]], where: dict[str, Any]) -> None:
    (raised,) = apply(moves("raise", "cabinet_tripped", street[0], at=T0), T0).raised
    with pytest.raises(Forbidden):
        actions.acknowledge_alarm(raised.alarm_id, by=viewer("op", **where), at=T0)
    assert states() == {"cabinet_tripped unacknowledged": 1}
    assert verbs() == ["raise_alarm"]


def test_lists_show_what_the_clearance_covers(street: tuple[int, list[int]]) -> None:
    elsewhere = make_asset("A-099", commune="Talant")
    apply(moves("raise", "cabinet_tripped", street[0], elsewhere, at=T0), T0)

    def seen(**where: Any) -> list[str]:
        return [alarm.asset_code for alarm in queries.list_open(seen_by=viewer("op", **where))]

    assert (seen(), seen(commune="Talant"), seen(desk="traffic")) == (["A-014", "A-099"], ["A-099"], [])
    assert (seen(desk="lighting", commune="Chenôve"), seen(role=Role.CITY_IT)) == (["A-014"], [])
    hidden = Alarm.objects.get(asset_id=street[0]).pk
    with pytest.raises(NotFound):
        queries.get(hidden, viewer("op", commune="Talant"))


def test_list_of_alarms_filters_and_pages(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    for place, light in enumerate(lights[:5]):
        apply(moves("raise", "light_dark", light, at=T0 + place), T0 + place)
    apply(moves("raise", "cabinet_silent", cabinet, at=T0 + 9), T0 + 9)
    who = viewer("op")
    first = queries.list_alarms(queries.Filters(code="light_dark"), seen_by=who, limit=3)
    rest = queries.list_alarms(queries.Filters(code="light_dark"), seen_by=who, before=first[-1].id, limit=3)
    assert [alarm.asset_id for alarm in (*first, *rest)] == lights[4::-1]
    assert len(queries.list_alarms(queries.Filters(state=AlarmState.SUPPRESSED), seen_by=who)) == 5
    assert len(queries.list_alarms(queries.Filters(asset="A-014", open_only=True, priority=3), seen_by=who)) == 1
    assert len(queries.list_alarms(queries.Filters(since=T0 + 2, until=T0 + 4), seen_by=who)) == 2


def test_counts_tell_priorities_and_what_waits(street: tuple[int, list[int]]) -> None:
    cabinet, lights = street
    apply(moves("raise", "light_dark", *lights[:3], at=T0), T0)
    one = apply(moves("raise", "cabinet_tripped", cabinet, make_asset("A-1"), at=T0), T0).raised[0]
    actions.acknowledge_alarm(one.alarm_id, by=viewer("op"), at=T0)
    assert queries.counts() == queries.Counts(open=2, unacknowledged=1, suppressed=3, by_priority={2: 2})


# -- definitions -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("definitions")
def test_publishing_twice_changes_nothing() -> None:
    assert actions.publish_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0) == actions.Published(unchanged=3)
    assert (Definition.objects.count(), len(list_lines())) == (3, 3)
    assert set(queries.definitions_in_force()) == {TRIPPED, SILENT, DARK}


@pytest.mark.usefixtures("definitions")
def test_changed_content_needs_a_higher_version() -> None:
    with pytest.raises(Refused, match=r"definition cabinet_tripped: .* write version: 2"):
        actions.publish_definitions([a_definition(priority=1), SILENT, DARK], by=SYSTEM, at=T0)
    urgent = a_definition(priority=1, version=2)
    done = actions.publish_definitions([urgent, SILENT], by=SYSTEM, at=T0)
    assert done == actions.Published(changed=("cabinet_tripped",), withdrawn=("light_dark",), unchanged=1)
    lines = {line.subject: line for line in list_lines(limit=2)}
    assert lines["definition:cabinet_tripped"].content["before"] == {"version": 1, "priority": 2}
    assert lines["definition:light_dark"].verb == "withdraw_definition"
    with pytest.raises(Refused, match="write version: 3"):
        actions.publish_definitions([TRIPPED], by=SYSTEM, at=T0)
    back = actions.publish_definitions([urgent, SILENT, replace(DARK, version=2)], by=SYSTEM, at=T0)
    assert (back.new, len(queries.definitions_in_force())) == (("light_dark",), 3)


def test_alarm_keeps_the_definition_under_which_it_was_raised(street: tuple[int, list[int]]) -> None:
    (raised,) = apply(moves("raise", "cabinet_tripped", street[0], at=T0), T0).raised
    actions.publish_definitions([a_definition(priority=1, version=2)], by=SYSTEM, at=T0)
    assert queries.get(raised.alarm_id, viewer("op")).definition == TRIPPED
    assert apply(moves("return", "cabinet_tripped", street[0], at=T0), T0).returned == (raised.alarm_id,)


# -- two at once -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_engines(transactional_db: None) -> Iterator[None]:
    actions.publish_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0)
    yield


def both(first: Any, second: Any) -> list[Any]:
    """Run two acts at the same instant, each on a connection of its own; return what each gave or raised."""
    gate = threading.Barrier(2)

    def run(act: Any) -> Any:
        try:
            gate.wait(10)
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


@pytest.mark.usefixtures("two_engines")
@pytest.mark.django_db(transaction=True)
def test_transitions_outside_a_transaction_are_refused() -> None:
    with pytest.raises(Conflict):
        actions.apply_transitions([], at=T0)


@pytest.mark.usefixtures("two_engines")
@pytest.mark.django_db(transaction=True)
def test_two_engines_that_raise_the_same_alarms_make_one_of_each() -> None:
    assets = [make_asset(f"A-{place}") for place in range(30)]
    forth, back = (
        moves("raise", "cabinet_tripped", *assets, at=T0),
        moves("raise", "cabinet_tripped", *assets[::-1], at=T0),
    )
    one, other = both(lambda: apply(forth, T0), lambda: apply(back, T0))
    assert sorted([len(one.raised), len(other.raised)]) == [0, 30]
    assert sorted([one.ignored, other.ignored]) == [0, 30]
    assert states() == {"cabinet_tripped unacknowledged": 30}
    assert verbs() == ["raise_alarm"] * 30


@pytest.mark.usefixtures("two_engines")
@pytest.mark.django_db(transaction=True)
def test_two_people_who_acknowledge_at_once_are_told_who_was_first() -> None:
    (raised,) = apply(moves("raise", "cabinet_tripped", make_asset("A-1"), at=T0), T0).raised
    nadia, karim = viewer("nadia"), viewer("karim")
    results = both(
        lambda: actions.acknowledge_alarm(raised.alarm_id, by=nadia, at=T0 + 1),
        lambda: actions.acknowledge_alarm(raised.alarm_id, by=karim, at=T0 + 1),
    )
    (refused,) = [result for result in results if isinstance(result, Conflict)]
    (won,) = [result for result in results if not isinstance(result, Exception)]
    assert refused.key == "already-acknowledged"
    assert won.acknowledged_by in refused.reason
    assert verbs() == ["raise_alarm", "acknowledge_alarm"]

"""Alarms put aside, out of service, latched, told again and told higher: by people and by time, with their incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from beffroi.foundation.clock import DAY, HOUR, MINUTE, SECOND, Instant
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.models import Alarm, Shelving, Withdrawal
from beffroi.kernel.alarms.types import AlarmState, Transition
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind
from beffroi.kernel.people.types import Role, Viewer
from beffroi.kernel.twin.actions import declare_source
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, a_definition, make_asset, moves, relate, viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
FIRE = a_definition(code="fire", title="Incendie", quantity="fire_state", priority=1)
LATCH = a_definition(code="forced", title="Porte forcée", quantity="door_state", latching=True)
AGAIN = a_definition(
    code="again", title="Porte ouverte", quantity="door_state", re_alarm_s=900, escalate_after_s=0, priority=3
)
DEFINITIONS = [TRIPPED, SILENT, DARK, FIRE, LATCH, AGAIN]
S = AlarmState
pytestmark = pytest.mark.django_db


@pytest.fixture
def cabinet(db: None) -> int:
    return set_up()


def set_up() -> int:
    alarms.publish_definitions(DEFINITIONS, by=SYSTEM, at=T0)
    return make_asset("A-014")


def happen(*transitions: Transition, at: Instant = T0) -> None:
    """What the engine does with transitions, in one transaction."""
    with transaction.atomic():
        applied = alarms.apply_transitions(transitions, at=at)
        append([*applied.lines, *actions.follow_alarms(applied, at=at)], at=at)


def fail(code: str, asset: int, at: Instant = T0) -> int:
    """Raise an alarm; return its number."""
    happen(*moves("raise", code, asset, at=at), at=at)
    return Alarm.objects.filter(code=code, asset=asset).latest("id").pk


def shelve(alarm: int, *, minutes: int = 30, by: Viewer | None = None, at: Instant = T0) -> None:
    actions.shelve_alarm(alarm, until=at + minutes * MINUTE, reason="pièce commandée", by=by or nadia(), at=at)


def withdraw(*, by: Viewer | None = None, at: Instant = T0, **what: str) -> int:
    actions.take_out_of_service(until=at + DAY, reason="travaux", by=by or claire(), at=at, **what)
    return Withdrawal.objects.latest("id").pk


def nadia() -> Viewer:
    return viewer("nadia")


def claire() -> Viewer:
    return viewer("claire", role=Role.ROOM_SUPERVISOR)


def state(alarm: int) -> str:
    return Alarm.objects.get(pk=alarm).state


def incident() -> tuple[str, int]:
    found = Incident.objects.latest("id")
    return found.state, Incident.objects.count()


def verbs(since: int = 0) -> list[str]:
    return [line.verb for line in reversed(list_lines(limit=500)) if line.seq > since and "definition" not in line.verb]


def reasons(*kept: Any) -> list[str]:
    """Return why these are kept from people, as who may read it reads it."""
    return [words.text for words in queries.reasons_aside(((each, "", "") for each in kept), seen_by=nadia())]


# -- shelved -----------------------------------------------------------------------------------------------------------


def test_shelved_alarm_leaves_people_with_a_name_a_reason_and_an_end(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    shelve(alarm)
    seen = queries.get(alarm, nadia())
    assert (seen.state, replace(seen.set_aside, why=b"")) == (
        S.SHELVED, queries.aside.SetAside("Nadia", b"", T0, T0 + 30 * MINUTE),
    )  # fmt: skip
    assert reasons(seen.set_aside) == ["pièce commandée"]
    assert (queries.list_open(seen_by=nadia()), queries.counts().shelved, queries.counts().open) == ((), 1, 0)
    line = list_lines(reach=EVERYTHING)[0]
    assert (line.verb, line.actor.id, line.personal.about, line.personal.content, line.content["until"]) == (
        "shelve_alarm", "nadia", f"case:alarm-{alarm}", {"reason": "pièce commandée"}, T0 + 30 * MINUTE,
    )  # fmt: skip
    assert (line.reason, line.content["state"]) == ("", "shelved")
    (kept,) = queries.list_shelvings(seen_by=nadia())
    assert (kept.alarm_id, kept.asset_code, kept.holds, kept.kept.by) == (alarm, "A-014", True, "Nadia")
    assert queries.list_shelvings(seen_by=viewer("op", desk="traffic")) == ()


def test_shelving_the_only_alarm_does_not_close_its_incident(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    actions.take_incident(Incident.objects.get().pk, by=nadia(), at=T0)
    shelve(alarm)
    assert incident() == ("in_progress", 1)
    with pytest.raises(Refused, match="still standing"):
        actions.close_incident(Incident.objects.get().pk, reason="repaired", by=nadia(), at=T0)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    assert (state(alarm), incident()) == (S.NORMAL, ("resolved", 1))


def test_what_comes_again_while_shelved_is_recorded_and_calls_nobody(cabinet: int) -> None:
    shelve(fail("cabinet_tripped", cabinet))
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    before = list_lines()[0].seq
    again = fail("cabinet_tripped", cabinet, T0 + 2)
    assert (state(again), verbs(before), queries.rate_10_min(T0 + 3)) == (S.SHELVED, ["record_alarm"], 1)
    assert Alarm.objects.get(pk=again).announced_at is None


def test_shelving_ends_by_itself_once_and_the_alarm_stands_as_new(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    alarms.acknowledge_alarm(alarm, by=nadia(), at=T0)
    shelve(alarm)
    assert actions.let_time_pass(at=T0 + 30 * MINUTE - 1) == 0
    before = list_lines()[0].seq
    actions.let_time_pass(at=T0 + 31 * MINUTE)
    actions.let_time_pass(at=T0 + 31 * MINUTE + SECOND)
    seen = queries.get(alarm, nadia())
    assert (seen.state, seen.acknowledged_by, seen.announced_at, seen.set_aside) == (
        S.UNACKNOWLEDGED, "", T0 + 31 * MINUTE, None,
    )  # fmt: skip
    assert verbs(before) == ["end_shelving", "note_alarm"]
    assert (queries.counts().shelved, queries.rate_10_min(T0 + 31 * MINUTE)) == (0, 1)
    assert list_lines()[1].actor.kind == ActorKind.RULE


def test_shelving_that_ends_after_the_return_brings_nothing_back(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    shelve(alarm)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    before = list_lines()[0].seq
    actions.let_time_pass(at=T0 + HOUR)
    assert (state(alarm), verbs(before), queries.counts().shelved) == (S.NORMAL, ["close_shelving"], 0)
    assert state(fail("cabinet_tripped", cabinet, T0 + 2 * HOUR)) == S.UNACKNOWLEDGED


def test_end_of_a_shelving_reopens_the_incident_that_was_closed_over_it(cabinet: int) -> None:
    shelve(fail("cabinet_tripped", cabinet))
    number = Incident.objects.get().pk
    actions.close_incident(number, reason="no_action", comment="pièce commandée", by=nadia(), at=T0)
    actions.let_time_pass(at=T0 + HOUR)
    assert (incident(), verbs()[-1]) == (("reopened", 1), "reopen_incident")


def test_alarm_that_another_explains_comes_out_explained(cabinet: int) -> None:
    light = make_asset("P-1", "light_point")
    relate(cabinet, "feeds", light)
    dark = fail("light_dark", light)
    shelve(dark)
    fail("cabinet_tripped", cabinet, T0 + 1)
    before = list_lines()[0].seq
    actions.let_time_pass(at=T0 + 9 * MINUTE)
    actions.let_time_pass(at=T0 + HOUR)
    assert (state(dark), verbs(before)) == (S.SUPPRESSED, ["close_shelving", "suppress_alarms", "escalate_alarm"])


def test_shelved_cabinet_keeps_its_lamps_explained(cabinet: int) -> None:
    light = make_asset("P-1", "light_point")
    relate(cabinet, "feeds", light)
    tripped = fail("cabinet_tripped", cabinet)
    shelve(tripped)
    dark = fail("light_dark", light, T0 + 1)
    assert state(dark) == S.SUPPRESSED
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 2), at=T0 + 2)
    happen(at=T0 + HOUR)
    assert state(dark) == S.UNACKNOWLEDGED


def test_unshelve_by_hand_is_told_to_who_comes_second(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    shelve(alarm)
    kept = Shelving.objects.get().pk
    actions.unshelve_alarm(kept, by=viewer("karim"), at=T0 + SECOND)
    assert (state(alarm), verbs()[-2:]) == (S.UNACKNOWLEDGED, ["unshelve_alarm", "note_alarm"])
    with pytest.raises(Conflict, match=r"ended already, by Karim at \d\d:\d\d:\d\d") as caught:
        actions.unshelve_alarm(kept, by=nadia(), at=T0 + 2 * SECOND)
    assert caught.value.key == "not-shelved"


def test_shelving_has_bounds_and_rights_by_priority(cabinet: int) -> None:
    fire, tripped = fail("fire", cabinet), fail("cabinet_tripped", cabinet)
    with pytest.raises(Forbidden):
        shelve(fire, minutes=10)
    shelve(fire, minutes=30, by=claire())
    for minutes, told in ((121, "120 min at most"), (0, "a minute at least")):
        with pytest.raises(Refused, match=told):
            shelve(tripped, minutes=minutes, by=claire())
    with pytest.raises(Refused, match="say why"):
        actions.shelve_alarm(tripped, until=T0 + HOUR, reason=" ", by=nadia(), at=T0)
    for stranger in (viewer("v", role=Role.VISITOR), viewer("t", desk="traffic"), viewer("c", commune="Talant")):
        with pytest.raises(Forbidden):
            shelve(tripped, by=stranger)
    with pytest.raises(NotFound):
        shelve(10**9)
    assert (state(fire), state(tripped), Shelving.objects.count()) == (S.SHELVED, S.UNACKNOWLEDGED, 1)


def test_city_decides_for_how_long_an_alarm_is_put_aside(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    policies = queries.priorities()
    policies[2] = policies[2].__class__(2, 600, 300)
    assert alarms.publish_priorities(policies.values(), by=SYSTEM, at=T0) == 4
    assert alarms.publish_priorities(policies.values(), by=SYSTEM, at=T0) == 0
    with pytest.raises(Refused, match="5 min at most"):
        shelve(alarm, minutes=6)


def test_shelved_alarm_is_acknowledged_by_nobody(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    shelve(alarm)
    with pytest.raises(Conflict, match="is put aside by Nadia since") as caught:
        alarms.acknowledge_alarm(alarm, by=viewer("karim"), at=T0)
    assert caught.value.key == "already-shelved"


# -- out of service ----------------------------------------------------------------------------------------------------


def test_equipment_out_of_service_is_recorded_and_calls_nobody(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    out = withdraw(asset="A-014")
    other = fail("forced", cabinet, T0 + 1)
    assert (state(alarm), state(other), incident()) == (S.OUT_OF_SERVICE, S.OUT_OF_SERVICE, ("new", 1))
    (kept,) = queries.list_withdrawals(seen_by=nadia())
    assert (kept.asset_code, kept.alarms, kept.kept.by, reasons(kept.kept)) == ("A-014", 2, "Claire", ["travaux"])
    assert verbs()[-2:] == ["take_out_of_service", "record_alarm"]
    line = next(line for line in list_lines() if line.verb == "take_out_of_service")
    assert (line.subject, line.related, line.content["states"]) == (
        "asset:A-014", (f"alarm:{alarm}",), {"out_of_service": [alarm]},
    )  # fmt: skip
    actions.put_back_in_service(out, reason="réparé", by=claire(), at=T0 + HOUR)
    assert (state(alarm), state(other), queries.list_withdrawals(seen_by=nadia())) == (
        S.UNACKNOWLEDGED, S.UNACKNOWLEDGED, (),
    )  # fmt: skip
    assert sorted(verbs()[-5:]) == [
        "attach_alarm",
        "note_alarm",
        "put_back_in_service",
        "restore_alarm",
        "restore_alarm",
    ]


def test_one_definition_out_of_service_leaves_the_others(cabinet: int) -> None:
    withdraw(asset="A-014", code="forced")
    assert (state(fail("forced", cabinet)), state(fail("cabinet_tripped", cabinet))) == (
        S.OUT_OF_SERVICE,
        S.UNACKNOWLEDGED,
    )
    with pytest.raises(NotFound, match="no definition `light_dark` concerns A-014"):
        withdraw(asset="A-014", code="light_dark")


def test_source_out_of_service_covers_its_equipment_and_no_other(cabinet: int) -> None:
    source = declare_source("lighting", "mqtt_json", by=SYSTEM, at=T0, options={})
    there = make_asset("A-099", source=source)
    standing = fail("cabinet_tripped", there)
    out = withdraw(source="lighting")
    assert (state(standing), state(fail("forced", there)), state(fail("forced", cabinet))) == (
        S.OUT_OF_SERVICE,
        S.OUT_OF_SERVICE,
        S.UNACKNOWLEDGED,
    )
    actions.put_back_in_service(out, reason="fini", by=claire(), at=T0 + 1)
    assert state(standing) == S.UNACKNOWLEDGED
    with pytest.raises(Forbidden):
        withdraw(source="lighting", by=viewer("c", role=Role.ROOM_SUPERVISOR, commune="Talant"))


def test_two_withdrawals_hold_until_both_are_over(cabinet: int) -> None:
    alarm = fail("forced", cabinet)
    first, second = withdraw(asset="A-014"), withdraw(asset="A-014", code="forced")
    actions.put_back_in_service(first, reason="fini", by=claire(), at=T0 + 1)
    assert (state(alarm), Alarm.objects.get(pk=alarm).withdrawal_id, verbs()[-2]) == (
        S.OUT_OF_SERVICE, second, "keep_aside",
    )  # fmt: skip
    actions.put_back_in_service(second, reason="fini", by=claire(), at=T0 + 2)
    assert state(alarm) == S.UNACKNOWLEDGED


def test_what_is_shelved_besides_stays_shelved_when_service_resumes(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    shelve(alarm)
    out = withdraw(asset="A-014")
    assert state(alarm) == S.OUT_OF_SERVICE
    actions.put_back_in_service(out, reason="fini", by=claire(), at=T0 + 1)
    assert state(alarm) == S.SHELVED
    actions.let_time_pass(at=T0 + HOUR)
    assert state(alarm) == S.UNACKNOWLEDGED


def test_out_of_service_is_for_the_supervisor_and_once(cabinet: int) -> None:
    with pytest.raises(Forbidden):
        withdraw(asset="A-014", by=nadia())
    withdraw(asset="A-014")
    with pytest.raises(Conflict, match=r"out of service already, by Claire since \d\d:\d\d:\d\d"):
        withdraw(asset="A-014")
    with pytest.raises(Refused, match="90 days"):
        actions.take_out_of_service(asset="A-014", until=T0 + 91 * DAY, reason="x", by=claire(), at=T0)


def test_overdue_works_are_recalled_every_day_and_never_put_back_by_themselves(cabinet: int) -> None:
    withdraw(asset="A-014")
    alarm = fail("forced", cabinet)
    for hours in (1, 24, 25, 47, 48, 49, 50):
        actions.let_time_pass(at=T0 + hours * HOUR)
    recalls = [line for line in list_lines() if line.verb == "remind_out_of_service"]
    assert (len(recalls), state(alarm)) == (2, S.OUT_OF_SERVICE)


# -- latched -----------------------------------------------------------------------------------------------------------


def test_latched_alarm_stays_until_a_person_resets_it(cabinet: int) -> None:
    alarm = fail("forced", cabinet)
    with pytest.raises(Conflict, match="its condition still holds"):
        actions.reset_alarm(alarm, by=nadia(), at=T0)
    happen(*moves("return", "forced", cabinet, at=T0 + 1), at=T0 + 1)
    assert (state(alarm), incident()) == (S.RETURNED_UNACKNOWLEDGED, ("new", 1))
    with pytest.raises(Conflict, match="acknowledge it first"):
        actions.reset_alarm(alarm, by=nadia(), at=T0 + 1)
    alarms.acknowledge_alarm(alarm, by=nadia(), at=T0 + 2)
    with pytest.raises(Refused, match="still standing"):
        actions.close_incident(Incident.objects.get().pk, reason="repaired", by=nadia(), at=T0 + 2)
    assert (state(alarm), incident()) == (S.LATCHED, ("new", 1))
    actions.reset_alarm(alarm, by=nadia(), at=T0 + 3)
    assert (state(alarm), incident(), verbs()[-2:]) == (S.NORMAL, ("resolved", 1), ["reset_alarm", "resolve_incident"])


def test_latching_alarm_that_returned_while_shelved_comes_back_to_be_reset(cabinet: int) -> None:
    alarm = fail("forced", cabinet)
    shelve(alarm)
    happen(*moves("return", "forced", cabinet, at=T0 + 1), at=T0 + 1)
    assert (state(alarm), queries.open_conditions()) == (S.SHELVED, [])
    happen(*moves("raise", "forced", cabinet, at=T0 + 2), at=T0 + 2)
    assert (state(alarm), len(queries.open_conditions())) == (S.SHELVED, 1)
    happen(*moves("return", "forced", cabinet, at=T0 + 3), at=T0 + 3)
    actions.let_time_pass(at=T0 + HOUR)
    assert state(alarm) == S.RETURNED_UNACKNOWLEDGED


# -- time --------------------------------------------------------------------------------------------------------------


def test_alarm_that_nobody_acknowledges_is_told_rung_after_rung_and_no_higher(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    told = []
    for minutes in (9, 10, 11, 19, 20, 21, 30, 40):
        actions.let_time_pass(at=T0 + minutes * MINUTE)
        told.append(queries.get(alarm, nadia()).rung)
    assert told == [0, 1, 1, 1, 2, 2, 2, 2]
    lines = [line for line in reversed(list_lines()) if line.verb == "escalate_alarm"]
    assert [(line.actor.kind, line.content["rung"], line.content["told"]) for line in lines] == [
        (ActorKind.RULE, 1, "room_supervisor"),
        (ActorKind.RULE, 2, "duty_officer"),
    ]
    assert queries.counts().escalated == 1
    alarms.acknowledge_alarm(alarm, by=nadia(), at=T0 + HOUR)
    assert queries.counts().escalated == 0


def test_escalation_goes_on_after_an_outage_a_rung_at_a_time(cabinet: int) -> None:
    alarm = fail("cabinet_tripped", cabinet)
    told = []
    for minutes in (300, 301, 309, 310):
        actions.let_time_pass(at=T0 + minutes * MINUTE)
        told.append(queries.get(alarm, nadia()).rung)
    assert told == [1, 1, 1, 2]


def test_acknowledged_or_returned_alarms_are_told_no_higher(cabinet: int) -> None:
    acknowledged, returned = fail("cabinet_tripped", cabinet), fail("fire", cabinet)
    alarms.acknowledge_alarm(acknowledged, by=nadia(), at=T0)
    happen(*moves("return", "fire", cabinet, at=T0 + 1), at=T0 + 1)
    never = fail("again", cabinet)
    assert (actions.let_time_pass(at=T0 + 5 * HOUR), state(never), returned > 0) == (0, S.UNACKNOWLEDGED, True)


def test_acknowledged_alarm_that_still_holds_is_put_before_people_again(cabinet: int) -> None:
    alarm = fail("again", cabinet)
    number = Incident.objects.get().pk
    actions.take_incident(number, by=nadia(), at=T0)
    assert actions.let_time_pass(at=T0 + 14 * MINUTE) == 0
    actions.let_time_pass(at=T0 + 15 * MINUTE)
    seen = queries.get(alarm, nadia())
    assert (seen.state, seen.announced_at, incident()) == (S.UNACKNOWLEDGED, T0 + 15 * MINUTE, ("in_progress", 1))
    assert (actions.let_time_pass(at=T0 + HOUR), verbs()[-2:]) == (0, ["re_alarm", "note_alarm"])
    actions.acknowledge_incident(number, by=nadia(), at=T0 + HOUR)
    assert state(alarm) == S.ACKNOWLEDGED


# -- faults and two at once --------------------------------------------------------------------------------------------


def _shelved(asset: int) -> int:
    alarm = fail("cabinet_tripped", asset)
    shelve(alarm)
    return alarm


def _out(asset: int) -> int:
    fail("cabinet_tripped", asset)
    return withdraw(asset="A-014")


def _latched(asset: int) -> int:
    alarm = fail("forced", asset)
    happen(*moves("return", "forced", asset, at=T0 + 1), at=T0 + 1)
    alarms.acknowledge_alarm(alarm, by=nadia(), at=T0 + 2)
    return alarm


def _acknowledged(asset: int) -> int:
    alarm = fail("again", asset)
    alarms.acknowledge_alarm(alarm, by=nadia(), at=T0)
    return alarm


def _passes(which: int) -> Callable[[int], Callable[[], object]]:
    def act(_number: int) -> Callable[[], object]:
        return lambda: actions.attending._follow(
            lambda: actions.attending.PASSES[which](at=T0 + 30 * HOUR), T0 + 30 * HOUR
        )

    return act


ACTS: dict[str, tuple[Callable[[int], int], Callable[[int], Callable[[], object]]]] = {
    "acknowledge": (
        lambda asset: fail("cabinet_tripped", asset),
        lambda number: lambda: alarms.acknowledge_alarm(number, by=nadia(), at=T0 + 5),
    ),
    "shelve": (
        lambda asset: fail("cabinet_tripped", asset), lambda number: lambda: shelve(number, at=T0 + 5)
    ),
    "unshelve": (
        _shelved, lambda _: lambda: actions.unshelve_alarm(Shelving.objects.get().pk, by=nadia(), at=T0 + 5)
    ),
    "take_out_of_service": (
        lambda asset: fail("cabinet_tripped", asset), lambda _: lambda: withdraw(asset="A-014", at=T0 + 5)
    ),
    "put_back_in_service": (
        _out, lambda number: lambda: actions.put_back_in_service(number, reason="fini", by=claire(), at=T0 + 5)
    ),
    "reset": (_latched, lambda number: lambda: actions.reset_alarm(number, by=nadia(), at=T0 + 5)),
    "expire": (_shelved, _passes(0)),
    "re_alarm": (_acknowledged, _passes(1)),
    "escalate": (lambda asset: fail("cabinet_tripped", asset), _passes(2)),
    "remind": (_out, _passes(3)),
    "raise_and_return": (
        lambda asset: fail("forced", asset),
        lambda _: lambda: happen(
            *moves("return", "forced", Alarm.objects.first().asset_id, at=T0 + 5),
            *moves("raise", "fire", Alarm.objects.first().asset_id, at=T0 + 5), at=T0 + 5,
        ),
    ),
    "record_while_shelved": (
        lambda asset: (_shelved(asset), happen(*moves("return", "cabinet_tripped", asset, at=T0 + 1), at=T0 + 1))[0],
        lambda _: lambda: fail("cabinet_tripped", Alarm.objects.first().asset_id, T0 + 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.django_db(transaction=True)
def test_fault_at_any_round_trip_leaves_an_act_done_whole_or_not_at_all(name: str) -> None:
    before, act = ACTS[name]
    viewers = nadia(), claire()
    number = before(set_up())
    assert viewers
    assert assert_whole_or_nothing(act(number), least=16) >= 16


@pytest.mark.django_db(transaction=True)
def test_two_who_act_on_one_alarm_at_once_are_told_who_was_first() -> None:
    acts: dict[str, Callable[[int, Viewer], Any]] = {
        "acknowledge": lambda alarm, by: alarms.acknowledge_alarm(alarm, by=by, at=T0 + 5),
        "shelve": lambda alarm, by: shelve(alarm, by=by, at=T0 + 5),
        "unshelve": lambda alarm, by: actions.unshelve_alarm(Shelving.objects.get(alarm=alarm).pk, by=by, at=T0 + 5),
        "reset": lambda alarm, by: actions.reset_alarm(alarm, by=by, at=T0 + 5),
    }
    people = (nadia(), viewer("karim"))
    cabinet = set_up()
    before: dict[str, Callable[[int], int]] = {
        "acknowledge": lambda asset: fail("cabinet_tripped", asset),
        "shelve": lambda asset: fail("cabinet_tripped", asset),
        "unshelve": _shelved,
        "reset": _latched,
    }
    assert cabinet
    for place, (name, act) in enumerate(acts.items()):
        alarm = before[name](make_asset(f"B-{place}"))
        lines = list_lines()[0].seq
        results = at_once(*(partial(act, alarm, by) for by in people))
        (refused,) = [result for result in results if isinstance(result, Exception)]
        assert isinstance(refused, Conflict), refused
        first = next(who for who, result in zip(people, results, strict=True) if result is not refused)
        assert first.display_name in refused.reason
        told = [line for line in list_lines() if line.seq > lines and line.actor.id == first.username]
        assert len(told) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_end_one_shelving_once() -> None:
    alarm = _shelved(set_up())
    before = list_lines()[0].seq
    results = at_once(*(lambda: actions.let_time_pass(at=T0 + 9 * HOUR) for _ in range(3)))
    assert sum(results) == len(verbs(before))
    assert (state(alarm), verbs(before).count("end_shelving")) == (S.UNACKNOWLEDGED, 1)


@pytest.mark.django_db(transaction=True)
def test_alarm_raised_as_its_shelving_ends_is_hidden_by_nothing_that_ended() -> None:
    cabinet = set_up()
    for place in range(4):
        asset = make_asset(f"C-{place}")
        _shelved(asset)
        happen(*moves("return", "cabinet_tripped", asset, at=T0 + 1), at=T0 + 1)
        at_once(
            lambda asset=asset: fail("cabinet_tripped", asset, T0 + 9 * HOUR),
            lambda: actions.let_time_pass(at=T0 + 9 * HOUR),
        )
        assert not Alarm.objects.filter(state=S.SHELVED, shelving__ended_at__isnull=False).exists()
    assert cabinet


@pytest.mark.django_db(transaction=True)
def test_alarm_raised_as_its_equipment_goes_out_of_service_does_not_stand_beside_it() -> None:
    cabinet = set_up()
    out, alarm = at_once(lambda: withdraw(asset="A-014"), lambda: fail("cabinet_tripped", cabinet))
    assert (state(alarm), Withdrawal.objects.get().pk) == (S.OUT_OF_SERVICE, out)

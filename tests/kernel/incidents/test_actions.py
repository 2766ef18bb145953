"""Incidents on the real database: opened from alarms, led by people, never half done, never two owners."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import actions as alarm_actions
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.models import Alarm
from beffroi.kernel.alarms.types import AlarmState, Transition
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.models import Incident, IncidentAlarm
from beffroi.kernel.incidents.types import IncidentState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, a_definition, make_asset, moves, relate, viewer
from tests.kernel.incidents.scene import said_of

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
DOOR = a_definition(code="door_open", title="Porte ouverte", quantity="door_state", priority=3)
HUM = a_definition(code="hum", title="Tension basse", quantity="voltage_v", priority=4, opens_incident=False)
DEFINITIONS = [TRIPPED, SILENT, DARK, DOOR, HUM]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cabinet(db: None) -> int:
    alarm_actions.publish_definitions(DEFINITIONS, by=SYSTEM, at=T0)
    return make_asset("A-014")


def happen(*transitions: Transition, at: int = T0) -> None:
    """What the engine does with transitions, in one transaction."""
    with transaction.atomic():
        applied = alarm_actions.apply_transitions(transitions, at=at)
        append([*applied.lines, *actions.follow_alarms(applied, at=at)], at=at)


def trip(asset: int, at: int = T0) -> int:
    """Trip a cabinet; return the incident."""
    happen(*moves("raise", "cabinet_tripped", asset, at=at), at=at)
    return Incident.objects.latest("id").pk


def seen(incident: int) -> Any:
    return queries.get(incident, viewer("op"))


def verbs(room: str = "incidents") -> list[str]:
    return [line.verb for line in reversed(list_lines()) if line.room == room and line.verb != "publish_definition"]


# -- what alarms do ----------------------------------------------------------------------------------------------------


def test_alarm_opens_an_incident_where_the_equipment_stands(cabinet: int) -> None:
    found = seen(trip(cabinet))
    (alarm,) = alarms.list_open(seen_by=viewer("op"))
    assert (found.title, found.category, found.priority, found.state, found.desk, found.place, found.commune) == (
        "Armoire disjonctée – Équipement A-014", "cabinet_tripped", 2, IncidentState.NEW, "lighting",
        "Rue des Essais", "Chenôve",
    )  # fmt: skip
    assert (found.asset_code, found.lon, found.lat, found.opened_at, found.alarm_ids, found.version) == (
        "A-014", 5.04, 47.32, T0, (alarm.id,), 1,
    )  # fmt: skip
    assert found.reference == f"BF-26-{found.id:06}"
    line = list_lines()[0]
    assert (line.verb, line.subject, line.related, line.actor.kind) == (
        "open_incident", f"incident:{found.id}", (f"alarm:{alarm.id}", "asset:A-014"), ActorKind.RULE,
    )  # fmt: skip
    assert {name: line.content[name] for name in line.content if name != "changes"} == {
        "reference": found.reference, "state": "new", "priority": 2, "desk": "lighting", "commune": "Chenôve",
        "title": found.title,
    }  # fmt: skip


def test_second_alarm_of_the_same_equipment_joins_and_may_raise_the_priority(cabinet: int) -> None:
    happen(*moves("raise", "door_open", cabinet, at=T0))
    happen(*moves("raise", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    happen(*moves("raise", "hum", cabinet, at=T0 + 2), at=T0 + 2)
    (found,) = queries.list_open(seen_by=viewer("op"))
    assert (found.priority, found.category, len(found.alarm_ids), found.version) == (2, "cabinet_tripped", 3, 3)
    assert found.title.startswith("Armoire disjonctée")
    assert verbs() == ["open_incident", "attach_alarm", "attach_alarm"]


def test_alarms_of_one_batch_on_one_equipment_make_one_incident(cabinet: int) -> None:
    happen(*moves("raise", "hum", cabinet, at=T0), *moves("raise", "door_open", cabinet, at=T0),
           *moves("raise", "cabinet_tripped", cabinet, at=T0))  # fmt: skip
    (found,) = queries.list_open(seen_by=viewer("op"))
    assert (found.priority, len(found.alarm_ids)) == (2, 3)


def test_alarm_that_asks_for_no_incident_opens_none(cabinet: int) -> None:
    happen(*moves("raise", "hum", cabinet, at=T0))
    assert (Incident.objects.count(), verbs()) == (0, [])


def test_incident_is_resolved_when_all_its_alarms_returned(cabinet: int) -> None:
    incident = trip(cabinet)
    happen(*moves("raise", "door_open", cabinet, at=T0 + 1), at=T0 + 1)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 2), at=T0 + 2)
    assert seen(incident).state == IncidentState.NEW
    happen(*moves("return", "door_open", cabinet, at=T0 + 3), at=T0 + 3)
    assert (seen(incident).state, seen(incident).resolved_at) == (IncidentState.RESOLVED, T0 + 3)
    assert verbs() == ["open_incident", "attach_alarm", "note_return", "resolve_incident"]


def test_incident_comes_back_to_its_owner_when_its_alarm_does(cabinet: int) -> None:
    incident = trip(cabinet)
    actions.take_incident(incident, by=viewer("nadia"), at=T0 + 1)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 2), at=T0 + 2)
    assert seen(incident).state == IncidentState.RESOLVED
    trip(cabinet, T0 + 3)
    found = seen(incident)
    assert (found.state, found.owner, found.resolved_at, len(found.alarm_ids)) == (
        IncidentState.IN_PROGRESS,
        "nadia",
        None,
        2,
    )
    assert Incident.objects.count() == 1


def test_same_alarm_again_revives_its_incident_as_new(cabinet: int) -> None:
    incident = trip(cabinet)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 2), at=T0 + 2)
    trip(cabinet, T0 + 3)
    assert (seen(incident).state, len(seen(incident).alarm_ids)) == (IncidentState.NEW, 1)
    assert verbs() == ["open_incident", "resolve_incident", "revive_incident"]


def test_raise_and_return_in_one_batch_leave_a_resolved_incident(cabinet: int) -> None:
    happen(*moves("raise", "cabinet_tripped", cabinet, at=T0), *moves("return", "cabinet_tripped", cabinet, at=T0 + 1))
    (found,) = queries.list_open(seen_by=viewer("op"))
    assert (found.state, verbs()) == (IncidentState.RESOLVED, ["open_incident", "resolve_incident"])


def test_incident_whose_alarm_another_one_explains_is_resolved(cabinet: int) -> None:
    happen(*moves("raise", "cabinet_silent", cabinet, at=T0))
    (silent,) = queries.list_open(seen_by=viewer("op"))
    happen(*moves("raise", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    (found,) = queries.list_open(seen_by=viewer("op"))
    assert (found.id, found.state, len(found.alarm_ids)) == (silent.id, IncidentState.NEW, 2)
    light = make_asset("P-1", "light_point")
    dark = a_definition(
        **{**{f: getattr(DARK, f) for f in DARK.__dataclass_fields__}, "opens_incident": True, "version": 2}
    )
    alarm_actions.publish_definitions([TRIPPED, SILENT, dark, DOOR, HUM], by=SYSTEM, at=T0)
    other = make_asset("A-2")
    relate(other, "feeds", light)
    happen(*moves("raise", "light_dark", light, at=T0 + 2), at=T0 + 2)
    alone = Incident.objects.latest("id").pk
    trip(other, T0 + 3)
    assert seen(alone).state == IncidentState.RESOLVED


def test_new_alarm_after_closing_opens_another_incident(cabinet: int) -> None:
    incident = trip(cabinet)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    actions.close_incident(incident, reason="returned_by_itself", by=viewer("nadia"), at=T0 + 2)
    assert alarms.list_open(seen_by=viewer("op")) == ()
    assert trip(cabinet, T0 + 3) != incident


def test_alarm_released_after_its_incident_was_closed_reopens_it(cabinet: int) -> None:
    happen(*moves("raise", "cabinet_silent", cabinet, at=T0))
    (incident,) = Incident.objects.values_list("id", flat=True)
    happen(*moves("raise", "cabinet_tripped", cabinet, at=T0 + 1), at=T0 + 1)
    actions.close_incident(incident, reason="no_action", comment="essai", by=viewer("nadia"), at=T0 + 2)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 3), at=T0 + 3)
    found = seen(incident)
    assert (found.state, found.closed_at, found.close_reason, found.round) == (IncidentState.REOPENED, None, "", 2)
    assert verbs()[-2:] == ["reopen_incident", "note_return"]


def test_three_hundred_incidents_take_few_statements(cabinet: int, django_assert_max_num_queries: Any) -> None:
    assets = [make_asset(f"B-{place:03}") for place in range(300)]
    with django_assert_max_num_queries(40):
        happen(*moves("raise", "cabinet_tripped", *assets, at=T0))
    with django_assert_max_num_queries(40):
        happen(*moves("return", "cabinet_tripped", *assets, at=T0 + 1), at=T0 + 1)
    assert set(Incident.objects.values_list("state", flat=True)) == {"resolved"}
    assert IncidentAlarm.objects.count() == 300


# -- what people do ----------------------------------------------------------------------------------------------------


def test_acknowledge_covers_the_alarms(cabinet: int) -> None:
    incident = trip(cabinet)
    found = actions.acknowledge_incident(incident, by=viewer("nadia"), at=T0 + SECOND)
    assert (found.state, found.acknowledged_at, found.acknowledged_by, found.version) == (
        IncidentState.NEW, T0 + SECOND, "Nadia", 2,
    )  # fmt: skip
    assert alarms.list_open(seen_by=viewer("op"))[0].state == AlarmState.ACKNOWLEDGED
    alarm_line, line = list_lines()[1], list_lines()[0]
    assert (alarm_line.verb, alarm_line.related) == ("acknowledge_alarm", ("asset:A-014", f"incident:{incident}"))
    assert (line.verb, line.actor.id, line.related) == (
        "acknowledge_incident", "nadia", (f"alarm:{found.alarm_ids[0]}", "asset:A-014"),
    )  # fmt: skip
    with pytest.raises(Conflict, match=r"BF-26-\d{6} was acknowledged by Nadia at \d\d:\d\d:\d\d") as caught:
        actions.acknowledge_incident(incident, by=viewer("karim"), at=T0 + 2 * SECOND)
    assert caught.value.key == "already-acknowledged"


def test_acknowledge_again_takes_in_an_alarm_that_joined_since(cabinet: int) -> None:
    incident = trip(cabinet)
    actions.acknowledge_incident(incident, by=viewer("nadia"), at=T0 + 1)
    happen(*moves("raise", "door_open", cabinet, at=T0 + 2), at=T0 + 2)
    found = actions.acknowledge_incident(incident, by=viewer("karim"), at=T0 + 3)
    assert (found.acknowledged_by, alarms.counts().unacknowledged) == ("Nadia", 0)


def test_take_gives_one_owner_and_acknowledges(cabinet: int) -> None:
    incident = trip(cabinet)
    found = actions.take_incident(incident, by=viewer("nadia"), at=T0 + 1)
    assert (found.state, found.owner, found.owner_initials, found.taken_at, found.acknowledged_by) == (
        IncidentState.IN_PROGRESS, "nadia", "NA", T0 + 1, "Nadia",
    )  # fmt: skip
    assert actions.take_incident(incident, by=viewer("nadia"), at=T0 + 2) == found
    with pytest.raises(Conflict, match=r"was taken by Nadia at"):
        actions.take_incident(incident, by=viewer("karim"), at=T0 + 3)
    assert verbs() == ["open_incident", "take_incident"]


def test_note_is_a_line_of_the_incident(cabinet: int) -> None:
    incident = trip(cabinet)
    found = actions.note_incident(incident, " Astreinte prévenue. ", by=viewer("nadia"), at=T0 + 1)
    line = list_lines(reach=EVERYTHING)[0]
    assert line.personal is not None
    assert (line.verb, line.personal.content, found.version) == ("note_incident", {"text": "Astreinte prévenue."}, 2)
    assert line.personal.about == f"case:incident-{incident}"
    with pytest.raises(Refused, match="the note is empty"):
        actions.note_incident(incident, "  ", by=viewer("nadia"), at=T0 + 1)


def test_close_needs_a_reason_and_no_standing_alarm(cabinet: int) -> None:
    incident = trip(cabinet)
    for reason, told in (("", "no reason to close"), ("repaired", r"still standing: Armoire disjonctée \(A-014\)")):
        with pytest.raises(Refused, match=told):
            actions.close_incident(incident, reason=reason, by=viewer("nadia"), at=T0 + 1)
    assert (seen(incident).state, verbs()) == (IncidentState.NEW, ["open_incident"])
    found = actions.close_incident(
        incident, reason="false_alarm", comment="Essai du mainteneur.", by=viewer("nadia"), at=T0 + 2
    )
    assert (found.state, found.close_reason, said_of(incident).close_comment.text, found.closed_at, found.closed_by) == (
        IncidentState.FALSE_ALARM, "false_alarm", "Essai du mainteneur.", T0 + 2, "Nadia",
    )  # fmt: skip
    line = list_lines(reach=EVERYTHING)[0]
    assert line.personal is not None
    assert (line.verb, line.reason, line.personal.content["comment"]) == (
        "close_incident",
        "false_alarm",
        "Essai du mainteneur.",
    )
    with pytest.raises(Conflict, match="was closed by Nadia"):
        actions.close_incident(incident, reason="repaired", by=viewer("karim"), at=T0 + 3)
    with pytest.raises(Conflict, match="was closed by Nadia"):
        actions.take_incident(incident, by=viewer("karim"), at=T0 + 3)


def test_alarm_closed_over_returns_in_silence(cabinet: int) -> None:
    incident = trip(cabinet)
    actions.close_incident(incident, reason="no_action", comment="travaux", by=viewer("nadia"), at=T0 + 1)
    happen(*moves("return", "cabinet_tripped", cabinet, at=T0 + 2), at=T0 + 2)
    assert (seen(incident).state, alarms.counts().open) == (IncidentState.NO_ACTION, 0)


ACTS: dict[str, Callable[[int, Any], Any]] = {
    "acknowledge": lambda incident, by: actions.acknowledge_incident(incident, by=by, at=T0 + 9),
    "take": lambda incident, by: actions.take_incident(incident, by=by, at=T0 + 9),
    "note": lambda incident, by: actions.note_incident(incident, "vu", by=by, at=T0 + 9),
    "close": lambda incident, by: actions.close_incident(
        incident, reason="no_action", comment="travaux", by=by, at=T0 + 9
    ),
}


@pytest.mark.parametrize("act", [*ACTS, "reopen"])
@pytest.mark.parametrize("where", [{"role": Role.VISITOR}, {"desk": "traffic"}, {"commune": "Talant"}])
def test_act_without_the_clearance_is_refused_and_changes_nothing(
    cabinet: int, act: str, where: dict[str, Any]
) -> None:
    incident = trip(cabinet)
    before = (seen(incident), verbs(), verbs("alarms"))
    acts = {**ACTS, "reopen": lambda found, by: actions.reopen_incident(found, reason="x", by=by, at=T0)}
    with pytest.raises(Forbidden):
        acts[act](incident, viewer("intrus", **where))
    assert (seen(incident), verbs(), verbs("alarms")) == before


def test_unknown_incident_is_not_found(cabinet: int) -> None:
    for act in ACTS.values():
        with pytest.raises(NotFound):
            act(10**9, viewer("nadia"))


@pytest.mark.parametrize("act", [*ACTS, "reopen", "alarms"])
def test_fault_after_any_statement_leaves_nothing_half_done(cabinet: int, act: str) -> None:
    """The database is cut off after the first statement, the second, and so on, until the act passes whole."""
    incident = trip(cabinet)
    nadia = viewer("nadia")
    acts = dict(ACTS)
    if act == "reopen":
        ACTS["close"](incident, nadia)
        acts[act] = lambda found, by: actions.reopen_incident(found, reason="encore", by=by, at=T0 + 9)
    if act == "alarms":
        door = moves("raise", "door_open", cabinet, at=T0 + 9)
        acts[act] = lambda _found, _by: happen(
            *door, *moves("return", "cabinet_tripped", cabinet, at=T0 + 9), at=T0 + 9
        )
    before = everything()
    statements, cut = 0, True
    while cut:
        statements += 1
        with connection.execute_wrapper(Cut(statements)):
            try:
                acts[act](incident, nadia)
                cut = False
            except Cutoff:
                pass
        assert not cut or everything() == before
    assert everything() != before
    assert statements > 8


class Cutoff(Exception):
    """The database went away."""


class Cut:
    """Lets some statements pass, then fails after each."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            return done
        self.left -= 1
        if self.left < 0:
            raise Cutoff
        return done


def everything() -> tuple[Any, ...]:
    return (
        list(Alarm.objects.order_by("id").values()),
        list(Incident.objects.order_by("id").values()),
        list(IncidentAlarm.objects.order_by("id").values_list("incident_id", "alarm_id")),
        [line.digest for line in list_lines()],
    )


# -- what people read --------------------------------------------------------------------------------------------------


def test_queue_is_ordered_and_narrowed_to_the_clearance(cabinet: int) -> None:
    elsewhere = make_asset("A-099", commune="Talant")
    happen(*moves("raise", "door_open", cabinet, at=T0))
    happen(*moves("raise", "cabinet_tripped", elsewhere, at=T0 + 1), at=T0 + 1)

    def codes(**where: Any) -> list[str | None]:
        return [incident.asset_code for incident in queries.list_open(seen_by=viewer("op", **where))]

    assert (codes(), codes(commune="Chenôve"), codes(desk="traffic")) == (["A-099", "A-014"], ["A-014"], [])
    assert codes(role=Role.CITY_IT) == []
    hidden = Incident.objects.get(asset_id=cabinet).pk
    with pytest.raises(NotFound):
        queries.get(hidden, viewer("op", commune="Talant"))
    assert queries.counts(seen_by=viewer("op", commune="Talant")).open == 1


def test_incident_is_found_by_number_and_reference(cabinet: int) -> None:
    incident = trip(cabinet)
    who = viewer("op")
    reference = f"BF-26-{incident:06}"
    assert {queries.get(name, who).id for name in (incident, str(incident), reference, reference.lower())} == {incident}
    assert queries.place_of(reference, who) == (5.04, 47.32)
    for name in (f"BF-25-{incident:06}", "nothing", incident + 1, 2**70):
        with pytest.raises(NotFound):
            queries.get(name, who)


def test_list_filters_and_pages(cabinet: int) -> None:
    made = [trip(make_asset(f"B-{place}"), T0 + place * MINUTE) for place in range(5)]
    who = viewer("op")
    first = queries.list_incidents(seen_by=who, limit=3)
    rest = queries.list_incidents(seen_by=who, before=first[-1].id, limit=3)
    assert [incident.id for incident in (*first, *rest)] == made[::-1]
    actions.take_incident(made[0], by=viewer("nadia"), at=T0)
    found = queries.list_incidents(queries.Filters(owner="nadia", open_only=True, asset="B-0"), seen_by=who)
    assert [incident.id for incident in found] == [made[0]]
    assert len(queries.list_incidents(queries.Filters(since=T0 + MINUTE, until=T0 + 3 * MINUTE), seen_by=who)) == 2
    assert queries.counts(now=T0 + 12 * MINUTE) == queries.Counts(5, 4, 2, {2: 5}, {2: 4})
    assert [incident.id for incident in queries.of_ids(made[:2], seen_by=who)] == made[:2]


def test_list_takes_few_statements_whatever_its_length(cabinet: int, django_assert_max_num_queries: Any) -> None:
    happen(*moves("raise", "cabinet_tripped", *[make_asset(f"B-{place}") for place in range(50)], at=T0))
    who = viewer("op")
    with django_assert_max_num_queries(3):
        assert len(queries.list_open(seen_by=who)) == 50


def test_history_tells_the_incident_and_its_alarms(cabinet: int) -> None:
    incident = trip(cabinet)
    actions.take_incident(incident, by=viewer("nadia"), at=T0 + 1)
    told = [line.verb for line in reversed(queries.history(incident))]
    assert told == ["raise_alarm", "open_incident", "acknowledge_alarm", "take_incident"]
    assert queries.incidents_of_alarms(seen(incident).alarm_ids) == {seen(incident).alarm_ids[0]: incident}


# -- two at once -------------------------------------------------------------------------------------------------------


@pytest.fixture
def standing(transactional_db: None) -> Iterator[int]:
    alarm_actions.publish_definitions(DEFINITIONS, by=SYSTEM, at=T0)
    yield trip(make_asset("A-014"))


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Run two acts at the same instant, each on a connection of its own; return what each gave or raised."""
    gate = threading.Barrier(2)

    def run(act: Callable[[], Any]) -> Any:
        try:
            gate.wait(10)
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("act", "done"), [("take", "taken"), ("close", "closed"), ("acknowledge", "acknowledged")])
def test_of_two_people_one_wins_and_the_other_is_told_by_whom(standing: int, act: str, done: str) -> None:
    nadia, karim = viewer("nadia"), viewer("karim")
    results = both(lambda: ACTS[act](standing, nadia), lambda: ACTS[act](standing, karim))
    (refused,) = [result for result in results if isinstance(result, Exception)]
    (won,) = [result for result in results if not isinstance(result, Exception)]
    assert isinstance(refused, Conflict)
    assert f"was {done} by {won.owner_name or won.acknowledged_by}" in refused.reason
    assert verbs().count(f"{act}_incident") == 1
    assert won.version == 2


@pytest.mark.django_db(transaction=True)
def test_engine_and_operator_act_on_the_same_incident_without_waiting_for_each_other(standing: int) -> None:
    """Ten times: the alarm returns or comes back while a person acts. Nobody is refused, no deadlock, both stand."""
    nadia = viewer("nadia")
    asset = Incident.objects.get(pk=standing).asset_id or 0
    for turn in range(10):
        kind = "return" if turn % 2 == 0 else "raise"
        now = T0 + turn + 1
        engine = moves(kind, "cabinet_tripped", asset, at=now)  # type: ignore[arg-type]
        results = both(
            lambda engine=engine, now=now: happen(*engine, at=now),  # type: ignore[misc]
            lambda now=now: actions.note_incident(standing, "vu", by=nadia, at=now),  # type: ignore[misc]
        )
        assert [result for result in results if isinstance(result, Exception)] == []
    assert verbs().count("note_incident") == 10
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_engines_open_one_incident_on_one_equipment(standing: int) -> None:
    asset = make_asset("A-2")
    one, other = moves("raise", "cabinet_tripped", asset, at=T0), moves("raise", "door_open", asset, at=T0)
    results = both(lambda: happen(*one), lambda: happen(*other))
    assert results == [None, None]
    (found,) = Incident.objects.filter(asset_id=asset)
    assert (found.priority, found.alarm_links.count()) == (2, 2)

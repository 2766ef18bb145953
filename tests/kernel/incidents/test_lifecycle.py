"""The life of an incident on the real database: holds, clocks, deadlines, reopening; what each act tells and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from beffroi.foundation.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from beffroi.foundation.errors import BeffroiError, Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.actions.lines import picture_of
from beffroi.kernel.incidents.models import Deadline as DeadlineRow
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Pause
from beffroi.kernel.incidents.types import ENDED_STATES, Deadline, IncidentState, Span
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.incidents.scene import (
    ACTS,
    T0,
    chief,
    come_to_work,
    do,
    go_home,
    hire,
    lines,
    prepare,
    replayed,
    restore,
    said_of,
    seen,
    set_up,
    traffic,
    trip,
    verbs,
    why,
)

pytestmark = pytest.mark.django_db
S = IncidentState


@pytest.fixture
def cabinet(db: None) -> int:
    return set_up()


# -- qualified, assigned, resolved -------------------------------------------------------------------------------------


def test_acknowledged_is_a_clock_and_qualified_a_state(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    assert do("acknowledge", incident, nadia, T0 + 1).state == S.NEW
    with pytest.raises(Refused, match="say why its priority changes"):
        actions.qualify_incident(incident, priority=1, by=nadia, at=T0 + 2)
    found = actions.qualify_incident(incident, category="street_dark", priority=1, reason="école", by=nadia, at=T0 + 2)
    assert (found.state, found.category, found.priority, found.acknowledged_at) == (
        S.QUALIFIED, "street_dark", 1, T0 + 1,
    )  # fmt: skip
    (line,) = lines(incident, "qualify_incident")
    assert (why(line), line.content["changes"][str(incident)]["priority"]) == ("école", 1)


def test_supervisor_gives_it_to_somebody_who_takes_it_in_turn(cabinet: int) -> None:
    incident, nadia, karim = trip(cabinet), viewer("nadia"), hire("karim")
    with pytest.raises(Forbidden):
        do("assign", incident, nadia)
    found = actions.assign_incident(incident, to="karim", by=chief(), at=T0 + 1)
    assert (found.state, found.owner, found.assigned_by, found.taken_at) == (S.ASSIGNED, "karim", "Chief", None)
    with pytest.raises(Conflict, match="was taken by Karim"):
        do("take", incident, nadia, T0 + 2)
    taken = do("take", incident, karim, T0 + 3)
    assert (taken.state, taken.owner, taken.taken_at) == (S.IN_PROGRESS, "karim", T0 + 3)


def test_it_is_taken_from_somebodys_hands_with_a_reason_only(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    hire("karim")
    do("take", incident, nadia, T0 + 1)
    with pytest.raises(Refused, match="say why it goes to another"):
        actions.assign_incident(incident, to="karim", by=chief(), at=T0 + 2)
    assert do("assign", incident, chief(), T0 + 2).owner == "karim"
    assert why(lines(incident, "assign_incident")[0]) == "fin de service"


def test_resolved_by_a_person_once_no_alarm_stands(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    with pytest.raises(Refused, match=r"still standing: Armoire disjonctée \(A-014\)"):
        actions.resolve_incident(incident, text="réarmée", by=nadia, at=T0 + 2)
    restore(cabinet, T0 + 3)
    with pytest.raises(Conflict, match="is resolved: it cannot resolve from there"):
        actions.resolve_incident(incident, text="réarmée", by=nadia, at=T0 + 4)
    closed = actions.close_incident(incident, reason="repaired", by=nadia, at=T0 + 5)
    assert (closed.state, closed.close_reason) == (S.CLOSED, "repaired")


# -- on hold -----------------------------------------------------------------------------------------------------------


def test_hold_comes_back_by_itself_at_its_date_and_reaches_its_owner(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    until = T0 + HOUR
    held = actions.hold_incident(incident, reason="pièce attendue", until=until, by=nadia, at=T0 + 2)
    assert (held.state, held.held_until, said_of(incident).hold_reason.text, held.paused) == (
        S.ON_HOLD,
        until,
        "pièce attendue",
        False,
    )
    actions.pass_time(until - 1)
    assert seen(incident).state == S.ON_HOLD
    assert actions.pass_time(until + 5 * SECOND) == 1
    back = seen(incident)
    assert (back.state, back.owner, back.held_until, said_of(incident).hold_reason.text) == (
        S.IN_PROGRESS,
        "nadia",
        None,
        "",
    )
    (line,) = lines(incident, "resume_incident")
    assert (line.actor.id, line.effective_at, line.recorded_at) == ("incident_holds", until, until + 5 * SECOND)
    actions.pass_time(until + MINUTE)
    assert len(lines(incident, "resume_incident")) == 1


@pytest.mark.parametrize("until", [T0, T0 + MINUTE, T0 + 400 * DAY])
def test_hold_without_a_date_ahead_or_a_reason_is_refused(cabinet: int, until: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    before = (seen(incident), verbs(incident))
    with pytest.raises(Refused):
        actions.hold_incident(incident, reason="pièce", until=until, by=nadia, at=T0 + MINUTE)
    with pytest.raises(Refused, match="the reason is empty"):
        actions.hold_incident(incident, reason=" ", until=T0 + HOUR, by=nadia, at=T0 + MINUTE)
    assert (seen(incident), verbs(incident)) == before


def test_hold_with_a_proof_stops_the_deadlines_until_it_ends(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 30 * SECOND)
    held = do("hold", incident, nadia, T0 + MINUTE)
    assert (held.paused, held.due_clock, held.due_at, held.due_left_s) == (True, "safe", None, 3540)
    back = do("resume", incident, nadia, T0 + 11 * MINUTE)
    assert (back.paused, back.due_at, back.due_left_s) == (False, T0 + HOUR + 10 * MINUTE, None)
    (pause,) = queries.pauses(incident)
    assert (pause.span, pause.reason.text, pause.proof.text, pause.by) == (
        Span(T0 + MINUTE, T0 + 11 * MINUTE), "pièce", "courriel du fournisseur", "Nadia",
    )  # fmt: skip


def test_alarm_that_returns_ends_the_hold_and_its_pause(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    do("hold", incident, nadia, T0 + 2)
    restore(cabinet, T0 + 3)
    found = seen(incident)
    assert (found.state, found.held_until, found.paused) == (S.RESOLVED, None, False)
    assert not Pause.objects.filter(end=None).exists()


# -- clocks ------------------------------------------------------------------------------------------------------------


def test_clocks_are_dated_with_when_it_happened_and_by_whom(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    with pytest.raises(Conflict, match="is new: it cannot mark from there"):
        do("mark", incident, nadia)
    do("take", incident, nadia, T0 + MINUTE)
    actions.mark_incident(incident, "engaged", by=nadia, at=T0 + 2 * MINUTE)
    found = actions.mark_incident(incident, "on_site", effective_at=T0 + 5 * MINUTE, by=nadia, at=T0 + 9 * MINUTE)
    assert (found.engaged_at, found.on_site_at, found.safe_at) == (T0 + 2 * MINUTE, T0 + 5 * MINUTE, None)
    line = lines(incident, "mark_incident")[-1]
    assert (line.content["clock"], line.effective_at, line.recorded_at) == ("on_site", T0 + 5 * MINUTE, T0 + 9 * MINUTE)
    with pytest.raises(Refused, match="dated already: correct its date"):
        actions.mark_incident(incident, "on_site", by=nadia, at=T0 + 10 * MINUTE)
    with pytest.raises(Refused, match="is no clock to date"):
        actions.mark_incident(incident, "closed", by=nadia, at=T0 + 10 * MINUTE)


def test_a_date_is_corrected_by_a_new_line_and_the_deadline_judged_anew(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 10 * MINUTE)
    assert seen(incident).missed == ("acknowledged", "taken")
    actions.correct_mark(
        incident, "taken", effective_at=T0 + MINUTE, reason="pris par radio", by=nadia, at=T0 + HOUR // 2
    )
    assert (seen(incident).taken_at, seen(incident).missed) == (T0 + MINUTE, ())
    assert verbs(incident)[-3:] == ["correct_mark", "excuse_deadline", "excuse_deadline"]
    (line,) = lines(incident, "correct_mark")
    assert (line.content["before"], why(line)) == (T0 + 10 * MINUTE, "pris par radio")
    (mark,) = queries.marks(incident)
    assert (mark.clock, mark.effective_at, mark.by, mark.corrects) == ("taken", T0 + MINUTE, "Nadia", True)


def test_reception_told_late_moves_the_beginning_of_the_deadlines(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    found = actions.correct_mark(
        incident, "received", effective_at=T0 - 50 * SECOND, reason="appel", by=nadia, at=T0 + 1
    )
    assert (found.received_at, found.opened_at, found.due_at) == (T0 - 50 * SECOND, T0, T0 + 10 * SECOND)


# -- deadlines ---------------------------------------------------------------------------------------------------------


def test_a_deadline_that_passes_is_told_once_by_a_rule(cabinet: int) -> None:
    incident = trip(cabinet)
    assert (seen(incident).due_clock, seen(incident).due_at) == ("acknowledged", T0 + MINUTE)
    for at in (T0 + MINUTE, T0 + MINUTE + SECOND, T0 + MINUTE + 2 * SECOND):
        actions.pass_time(at)
    (line,) = lines(incident, "miss_deadline")
    assert (line.content["clock"], line.actor.id, line.effective_at) == (
        "acknowledged",
        "incident_deadlines",
        T0 + MINUTE,
    )
    found = seen(incident)
    assert (found.missed, found.due_clock, found.due_at) == (("acknowledged",), "taken", T0 + 5 * MINUTE)
    assert queries.counts().late == 1


def test_a_post_that_was_down_tells_what_it_missed_once_each(cabinet: int) -> None:
    incident = trip(cabinet)
    for _ in range(3):
        actions.pass_time(T0 + DAY)
    told = [(line.content["clock"], line.effective_at) for line in lines(incident, "miss_deadline")]
    assert told == [
        ("acknowledged", T0 + MINUTE),
        ("taken", T0 + 5 * MINUTE),
        ("safe", T0 + HOUR),
        ("resolved", T0 + 2 * HOUR),
    ]
    assert (seen(incident).due_at, actions.pass_time(T0 + 2 * DAY)) == (None, 0)


def test_an_act_that_comes_late_tells_the_miss_itself(cabinet: int) -> None:
    incident = trip(cabinet)
    do("acknowledge", incident, viewer("nadia"), T0 + 61 * SECOND)
    assert verbs(incident)[-2:] == ["acknowledge_incident", "miss_deadline"]
    actions.pass_time(T0 + 62 * SECOND)
    assert len(lines(incident, "miss_deadline")) == 1


def test_what_is_resolved_in_time_misses_nothing(cabinet: int) -> None:
    incident = trip(cabinet)
    restore(cabinet, T0 + 30 * SECOND)
    actions.pass_time(T0 + DAY)
    assert (seen(incident).missed, seen(incident).due_at) == ((), None)


def test_a_pause_told_afterwards_with_its_proof_takes_a_miss_back(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    actions.pass_time(T0 + HOUR + 1)
    assert seen(incident).missed == ("safe",)
    with pytest.raises(Refused, match="the proof is empty"):
        actions.declare_pause(
            incident, begin=T0 + MINUTE, end=T0 + HOUR, reason="accès", proof="", by=nadia, at=T0 + 2 * HOUR
        )
    actions.declare_pause(
        incident, begin=T0 + MINUTE, end=T0 + HOUR, reason="accès", proof="photo", by=nadia, at=T0 + HOUR + 2
    )
    assert (seen(incident).missed, verbs(incident)[-2:]) == ((), ["declare_pause", "excuse_deadline"])
    (pause,) = queries.pauses(incident)
    actions.correct_pause(
        incident, pause.id, begin=T0 + MINUTE, end=T0 + 2 * MINUTE, reason="une minute", by=nadia, at=T0 + HOUR + 3
    )
    actions.pass_time(T0 + HOUR + 2 * MINUTE)
    assert seen(incident).missed == ("safe",)
    assert [each.corrected for each in queries.pauses(incident)] == [True, False]


def test_deadlines_published_anew_judge_what_is_open(cabinet: int) -> None:
    incident = trip(cabinet)
    assert not actions.publish_deadlines(queries.deadlines(), by=chief().actor, at=T0 + 1)
    assert actions.publish_deadlines([Deadline("taken", 10, "cabinet_tripped", 2)], by=chief().actor, at=T0 + 1)
    actions.pass_time(T0 + 5 * SECOND)
    found = seen(incident)
    assert (found.due_clock, found.due_at, found.missed, found.version) == ("taken", T0 + 10 * SECOND, (), 1)


def test_deadlines_of_a_storm_take_few_statements(cabinet: int, django_assert_max_num_queries: Any) -> None:
    assets = [make_asset(f"B-{place:03}") for place in range(100)]
    for asset in assets:
        trip(asset)
    with django_assert_max_num_queries(1100):
        assert actions.pass_time(T0 + 2 * MINUTE) == 100
    assert Row.objects.filter(missed="acknowledged").count() == 100


# -- reopened ----------------------------------------------------------------------------------------------------------


def test_reopen_reaches_who_had_it_when_on_duty(cabinet: int) -> None:
    incident, nadia = trip(cabinet), come_to_work("nadia")
    do("take", incident, nadia, T0 + 1)
    with pytest.raises(Conflict, match="is not closed"):
        do("reopen", incident, nadia, T0 + 2)
    do("close", incident, nadia, T0 + 2)
    found = do("reopen", incident, viewer("karim"), T0 + HOUR)
    assert (found.state, found.owner, found.round, found.round_at, found.missed) == (
        S.REOPENED, "nadia", 2, T0 + HOUR, (),
    )  # fmt: skip
    assert (found.acknowledged_at, found.taken_at, found.closed_at, found.close_reason) == (None, None, None, "")
    assert (found.due_clock, found.due_at) == ("acknowledged", T0 + HOUR + MINUTE)
    (line,) = lines(incident, "reopen_incident")
    told = {name: line.content[name] for name in ("closed_as", "closed_at", "closed_by", "round")}
    assert told == {
        "closed_as": "no_action", "closed_at": T0 + 2, "closed_by": "Nadia", "round": 1,
    }  # fmt: skip
    assert do("take", incident, nadia, T0 + HOUR + 1).state == S.IN_PROGRESS


@pytest.mark.parametrize("left", ["signed out", "long ago"])
def test_reopen_waits_for_the_desk_when_its_owner_has_gone(cabinet: int, left: str) -> None:
    incident, nadia = trip(cabinet), come_to_work("nadia")
    do("take", incident, nadia, T0 + 1)
    do("close", incident, nadia, T0 + 2)
    at = T0 + HOUR
    if left == "signed out":
        go_home("nadia", T0 + 3)
    else:
        at = T0 + 13 * HOUR
    found = do("reopen", incident, viewer("karim"), at)
    assert (found.state, found.owner, found.round) == (S.REOPENED, "", 2)


def test_what_is_reopened_without_an_owner_is_taken_before_it_is_marked(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("close", incident, nadia, T0 + 1)
    assert do("reopen", incident, nadia, T0 + 2).owner == ""
    with pytest.raises(Conflict, match="led by nobody yet: take it first"):
        do("mark", incident, nadia, T0 + 3)
    do("take", incident, nadia, T0 + 4)
    assert do("mark", incident, nadia, T0 + 5).state == S.IN_PROGRESS


# -- what every act has in common --------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
def test_replaying_the_lines_of_an_incident_gives_its_row(cabinet: int, act: str) -> None:
    incident, nadia = trip(cabinet), come_to_work("nadia")
    hire("karim")
    prepare(act, incident, nadia)
    do(act, incident, chief() if act == "assign" else nadia, T0 + 10 * MINUTE)
    actions.pass_time(T0 + 3 * HOUR)
    restore(cabinet, T0 + 4 * HOUR)
    assert replayed(incident) == picture_of(Row.objects.get(pk=incident))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("where", [{"role": Role.VISITOR}, {"desk": "police"}, {"commune": "Talant"}])
def test_act_without_the_clearance_is_refused_and_changes_nothing(
    cabinet: int, act: str, where: dict[str, Any]
) -> None:
    incident = trip(cabinet)
    hire("karim")
    prepare(act, incident, viewer("nadia"))
    before = (seen(incident), verbs(incident))
    if act == "dissociate" and where == {"desk": "police"}:
        pytest.skip("the police is associated there")
    with pytest.raises(Forbidden):
        do(act, incident, viewer("intrus", **where), T0 + 5 * MINUTE)
    assert (seen(incident), verbs(incident)) == before


@pytest.mark.parametrize("act", [act for act in ACTS if act not in ("note", "reopen")])
def test_no_act_but_a_note_touches_what_is_closed(cabinet: int, act: str) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    hire("karim")
    do("close", incident, nadia, T0 + 1)
    before = verbs(incident)
    with pytest.raises(Conflict):
        do(act, incident, chief(), T0 + 2)
    assert verbs(incident) == before
    do("note", incident, nadia, T0 + 3)


def test_unknown_incident_is_not_found(cabinet: int) -> None:
    hire("karim")
    for act in ACTS:
        with pytest.raises(NotFound):
            do(act, 10**9, chief())


class LifeOnTheDatabase(RuleBasedStateMachine):
    """Any act by anyone at any time, alarms and the clock between: the row never contradicts itself nor its lines."""

    def __init__(self) -> None:
        super().__init__()
        Row.objects.all().update(asset=None)
        self.asset = make_asset(f"S-{Row.objects.count()}-{id(self)}")
        self.at = T0
        self.incident = trip(self.asset, self.at)
        self.people = [viewer("nadia"), hire("karim"), chief(), traffic()]

    def later(self, seconds: int) -> int:
        self.at += seconds * SECOND
        return self.at

    @rule(act=st.sampled_from(sorted(ACTS)), who=st.integers(0, 3), seconds=st.integers(1, 4000))
    def act(self, act: str, who: int, seconds: int) -> None:
        before = picture_of(self.row())
        try:
            do(act, self.incident, self.people[who], self.later(seconds))
        except BeffroiError:
            assert picture_of(self.row()) == before

    @rule(raised=st.booleans(), seconds=st.integers(1, 600))
    def alarm(self, raised: bool, seconds: int) -> None:
        (trip if raised else restore)(self.asset, self.later(seconds))

    @rule(seconds=st.integers(1, 9000))
    def wait(self, seconds: int) -> None:
        actions.pass_time(self.later(seconds))

    def row(self) -> Row:
        return Row.objects.get(pk=self.incident)

    @invariant()
    def row_is_one_of_the_states(self) -> None:
        row = self.row()
        ended = row.state in ENDED_STATES
        assert (row.closed_at is not None) is ended
        assert (row.close_reason != "") is ended
        assert (row.held_until is not None) is (row.state == S.ON_HOLD)
        assert row.state not in (S.ASSIGNED, S.IN_PROGRESS) or row.owner_id is not None
        assert not (ended and (row.due_clock or row.proposed_to or row.paused))
        assert row.paused is Pause.objects.filter(incident=row, end=None, corrected=False).exists()
        assert bool(row.proposed_to) is row.transfers.filter(state="proposed").exists()
        assert row.desk not in row.associated

    @invariant()
    def lines_give_the_row(self) -> None:
        assert replayed(self.incident) == picture_of(self.row())


def test_life_on_the_database(cabinet: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LifeOnTheDatabase,
        settings=settings(
            max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_deadline_table_is_kept_whole(cabinet: int) -> None:
    assert DeadlineRow.objects.count() == 5
    assert Row.objects.filter(opened_at__lt=to_datetime(T0)).count() == 0

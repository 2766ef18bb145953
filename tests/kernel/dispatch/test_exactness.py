"""Two people at the same instant, and a fault at each boundary: one wins, the other is told by whom; whole or nothing."""

from __future__ import annotations

import re

import pytest

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.models import LIVE, Answer, Distress, LastPosition, Mission
from beffroi.kernel.dispatch.types import CrewsOut
from beffroi.kernel.incidents.models import Incident
from tests.kernel.dispatch.scene import (
    ACTS,
    HERE,
    T0,
    call,
    crew,
    do,
    lines,
    on_duty,
    prepare,
    proposed,
    room,
    set_up,
    unit,
    verbs,
)
from tests.kernel.faults import assert_whole_or_nothing, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _profile(transactional_db: None) -> None:
    set_up()


def test_two_who_send_the_same_crew_at_once_one_wins_and_the_other_is_told_by_whom() -> None:
    on_duty()
    one, other, paul, lucie = call(), call(T0 + 1), room("paul"), room("lucie")
    for turn in range(4):
        at = T0 + (turn + 1) * MINUTE
        results = at_once(
            lambda at=at: actions.propose_mission(one.id, "lumiere-1", by=lucie, at=at),
            lambda at=at: actions.propose_mission(other.id, "lumiere-1", by=paul, at=at),
        )  # type: ignore[misc]
        (refused,) = [each for each in results if isinstance(each, Exception)]
        (won,) = [each for each in results if not isinstance(each, Exception)]
        assert isinstance(refused, Conflict)
        assert f"was engaged for {won.reference} by {won.proposed_name}" in str(refused)
        assert Mission.objects.filter(state__in=LIVE).count() == 1
        actions.cancel_mission(won.number, reason="essai", by=lucie, at=at + SECOND)


PAIRS = [
    # what was done before, the two acts, what the second is told
    ((), "accept", "cancel", r"was cancelled by|None"),
    ((), "accept", "refuse", r"was accepted by|was refused by"),
    ((), "refuse", "cancel", r"was cancelled by|was refused by"),
    (("depart",), "arrive", "cancel", r"was cancelled by|None"),
    (("depart", "arrive"), "finish", "cancel", r"was cancelled by|was finished by"),
    (("depart", "arrive"), "finish", "check", r"was finished by|None"),
]


@pytest.mark.parametrize(
    ("before", "one", "other", "told"), PAIRS, ids=[f"{one}-{other}" for _, one, other, _ in PAIRS]
)
def test_of_two_acts_at_once_each_is_done_or_told_what_became_of_the_mission(
    before: tuple[str, ...], one: str, other: str, told: str
) -> None:
    found, maud = proposed(), crew()
    for place, step in enumerate(before):
        do(step, found.number, maud, T0 + (place + 2) * SECOND)
    at = T0 + MINUTE
    results = at_once(lambda: do(one, found.number, maud, at), lambda: do(other, found.number, maud, at))
    refused = [each for each in results if isinstance(each, Exception)]
    assert all(isinstance(each, Conflict) for each in refused)
    assert len(refused) == 1 if "None" not in told else len(refused) <= 1
    for each in refused:
        assert re.search(told, str(each)), str(each)


def test_phone_that_sends_the_same_act_twice_at_once_does_it_once() -> None:
    found, maud = proposed(), crew()
    results = at_once(
        *[lambda: actions.accept_mission(found.number, by=maud, at=T0 + MINUTE, token="same") for _ in range(3)]
    )
    assert results == [results[0]] * 3
    assert verbs().count("accept_mission") == 1
    assert Answer.objects.count() == 1


def test_two_who_answer_a_distress_at_once_one_has_it_by_name() -> None:
    on_duty()
    raised = actions.raise_distress(by=crew(), at=T0)
    paul, lucie = room("paul"), room("lucie")
    results = at_once(
        lambda: actions.answer_distress(raised.id, by=paul, at=T0 + MINUTE),
        lambda: actions.answer_distress(raised.id, by=lucie, at=T0 + MINUTE),
    )
    (refused,) = [each for each in results if isinstance(each, Exception)]
    (won,) = [each for each in results if not isinstance(each, Exception)]
    assert f"was answered by {won.answered_name}" in str(refused)
    assert Incident.objects.get(pk=raised.incident).owner.username == won.answered_by  # type: ignore[union-attr]


def test_two_of_a_crew_who_press_at_once_raise_one_distress() -> None:
    on_duty()
    maud, yann = crew("maud"), crew("yann")
    results = at_once(
        lambda: actions.raise_distress(position=HERE, by=maud, at=T0),
        lambda: actions.raise_distress(position=HERE, by=yann, at=T0),
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    assert (Distress.objects.count(), results[0].id) == (1, results[1].id)


def test_position_and_end_of_duty_at_once_leave_no_position() -> None:
    maud = crew()
    for turn in range(6):
        at = T0 + turn * MINUTE
        on_duty(at=at)
        at_once(
            lambda at=at: actions.report_position(5.05, 47.32, by=maud, at=at + SECOND),
            lambda at=at: actions.end_duty(by=maud, at=at + SECOND),
        )  # type: ignore[misc]
        assert (unit().duty, LastPosition.objects.count()) == ("off", 0)


def test_worker_and_crew_at_once_tell_a_silence_at_most_once() -> None:
    found, maud = proposed(at=T0), crew()
    at = T0 + 5 * MINUTE
    results = at_once(
        lambda: actions.pass_time(at), lambda: actions.pass_time(at), lambda: do("accept", found.number, maud, at)
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    assert verbs().count("fall_silent") <= 1
    row = Mission.objects.get(pk=found.number)
    assert (row.state, row.silent) == ("accepted", "")


def test_two_crews_sent_for_one_incident_at_once_are_both_sent() -> None:
    on_duty("maud")
    on_duty("omar")
    incident, paul, lucie = call(), room("paul"), room("lucie")
    results = at_once(
        lambda: actions.propose_mission(incident.id, "lumiere-1", by=lucie, at=T0 + 1),
        lambda: actions.propose_mission(incident.id, "lumiere-2", by=paul, at=T0 + 1),
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    maud, omar = crew("maud"), crew("omar")
    numbers = {each.unit: each.number for each in results}
    results = at_once(
        lambda: do("accept", numbers["lumiere-1"], maud), lambda: do("accept", numbers["lumiere-2"], omar)
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    assert queries.crews_of([incident.id]) == {incident.id: CrewsOut(2)}
    assert len([line for line in lines("incidents") if line.verb == "mark_incident"]) == 1


@pytest.mark.parametrize("act", ACTS)
def test_act_on_a_mission_bears_a_fault_at_each_boundary(act: str) -> None:
    found, maud = proposed(), crew()
    prepare(act, found.number, maud)
    room()
    assert assert_whole_or_nothing(lambda: do(act, found.number, maud, T0 + 10 * MINUTE), least=10)


def test_proposal_bears_a_fault_at_each_boundary() -> None:
    on_duty()
    incident, lucie = call(), room()
    assert assert_whole_or_nothing(
        lambda: actions.propose_mission(incident.id, "lumiere-1", instructions="code 12", by=lucie, at=T0 + 1), least=10
    )


@pytest.mark.parametrize("act", ["raise", "answer", "end", "duty", "unavailable", "off"])
def test_duty_and_distress_bear_a_fault_at_each_boundary(act: str) -> None:
    maud, lucie = crew(), room()
    if act != "duty":
        on_duty()
    if act in ("answer", "end"):
        actions.raise_distress(by=maud, at=T0)
    if act == "end":
        actions.answer_distress(Distress.objects.get().pk, by=lucie, at=T0 + 1)
    number = Distress.objects.get().pk if act in ("answer", "end") else 0
    done = {
        "raise": lambda: actions.raise_distress(position=HERE, by=maud, at=T0 + 2, token="s"),
        "answer": lambda: actions.answer_distress(number, by=lucie, at=T0 + 2),
        "end": lambda: actions.end_distress(number, reason="au téléphone", by=lucie, at=T0 + 2),
        "duty": lambda: actions.go_on_duty(by=maud, at=T0 + 2, token="d"),
        "unavailable": lambda: actions.set_unavailable(reason="breakdown", by=maud, at=T0 + 2, token="u"),
        "off": lambda: actions.end_duty(by=maud, at=T0 + 2, token="d"),
    }[act]
    assert assert_whole_or_nothing(done, least=8)


@pytest.mark.parametrize("alone", [False, True])
def test_silence_bears_a_fault_at_each_boundary(alone: bool) -> None:
    found, maud = proposed(headcount=1 if alone else 2), crew()
    if alone:
        do("depart", found.number, maud, T0 + 2 * SECOND)
        do("arrive", found.number, maud, T0 + 3 * SECOND)
    assert assert_whole_or_nothing(lambda: actions.pass_time(T0 + HOUR), least=8)

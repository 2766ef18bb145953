"""A crew that accepted without network, and what became of the mission meanwhile: no mission that it did not accept, none twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.dispatch import actions
from beffroi.kernel.dispatch.models import LIVE, Mission
from beffroi.kernel.dispatch.types import ENGAGED_STATES
from beffroi.kernel.dispatch.types import Mission as Seen
from tests.kernel.dispatch.scene import T0, call, crew, mission, on_duty, proposed, room, seen, set_up, unit, verbs
from tests.kernel.faults import assert_whole_or_nothing, at_once

PRESSED, BACK = T0 + MINUTE, T0 + 10 * MINUTE
"""When the person pressed, and when the phone has network again."""


@pytest.fixture
def profile(db: None) -> None:
    set_up()


@pytest.fixture
def committed(transactional_db: None) -> None:
    set_up()


def late(number: int, by: str = "maud", act: Callable[..., Seen] = actions.accept_mission, token: str = "late") -> Seen:
    """Send what was pressed long ago."""
    return act(number, by=crew(by), at=BACK, token=token, effective_at=PRESSED)


def another(at: int = T0 + 5 * MINUTE) -> Seen:
    """Propose another mission to the same crew, for another incident."""
    return actions.propose_mission(call(at).id, "lumiere-1", by=room(), at=at)


def untouched(number: int) -> bool:
    """Tell whether a mission is as it was proposed, and its incident not engaged."""
    now = mission(number)
    return (str(now.state), now.accepted_at, seen(now.incident).engaged_at) == ("proposed", None, None)


@pytest.mark.parametrize("act", [actions.accept_mission, actions.depart])
def test_mission_accepted_offline_and_called_back_meanwhile_leaves_the_next_one_unaccepted(
    profile: None, act: Callable[..., Seen]
) -> None:
    first = proposed()
    actions.cancel_mission(first.number, reason="doublon", by=room(), at=T0 + 4 * MINUTE)
    second = another()
    for _ in range(2):  # the phone that did not hear the answer sends it again
        with pytest.raises(Conflict, match="was cancelled by"):
            late(first.number, act=act)
    assert (mission(first.number).state, mission(first.number).accepted_at) == ("cancelled", None)
    assert untouched(second.number)
    assert unit().mission == second.number


def test_answer_given_again_touches_no_later_mission(profile: None) -> None:
    first = proposed()
    answered = late(first.number)
    actions.cancel_mission(first.number, reason="rappel", by=room(), at=BACK + SECOND)
    second = another(BACK + 2 * SECOND)
    before = verbs()
    assert late(first.number) == answered
    assert (untouched(second.number), verbs()) == (True, before)


def test_token_of_one_mission_is_refused_for_another(profile: None) -> None:
    first = proposed()
    late(first.number)
    actions.cancel_mission(first.number, reason="rappel", by=room(), at=BACK + SECOND)
    second = another(BACK + 2 * SECOND)
    with pytest.raises(Refused, match="used for something else"):
        actions.accept_mission(second.number, by=crew(), at=BACK + MINUTE, token="late")
    assert untouched(second.number)


def test_colleague_who_refused_first_is_not_overruled_by_who_accepted_offline(profile: None) -> None:
    first = proposed()
    actions.refuse_mission(first.number, reason="panne", by=crew("yann"), at=T0 + 2 * MINUTE)
    second = another()
    with pytest.raises(Conflict, match="was refused by"):
        late(first.number)
    assert (mission(first.number).state, untouched(second.number)) == ("refused", True)


def test_acceptance_pressed_before_the_proposal_is_dated_by_the_proposal(profile: None) -> None:
    found = proposed(at=T0 + 5 * MINUTE)  # the phone's clock is slow: it pressed before it was asked
    answered = late(found.number)
    assert (answered.accepted_at, seen(found.incident).engaged_at) == (found.proposed_at, found.proposed_at)


def test_acceptance_pressed_in_the_future_is_dated_by_its_arrival(profile: None) -> None:
    found = proposed()
    answered = actions.accept_mission(found.number, by=crew(), at=BACK, token="ahead", effective_at=BACK + MINUTE)
    assert answered.accepted_at == BACK


def test_crew_that_went_off_duty_meanwhile_is_not_engaged_by_what_waited(profile: None) -> None:
    first = proposed()
    actions.cancel_mission(first.number, reason="doublon", by=room(), at=T0 + 2 * MINUTE)
    actions.end_duty(by=crew("maud"), at=T0 + 3 * MINUTE)
    with pytest.raises(Conflict):
        late(first.number)
    assert (unit().duty, unit().mission) == ("off", None)


def test_unavailable_said_offline_does_not_take_a_mission_away(profile: None) -> None:
    found = proposed()
    with pytest.raises(Conflict, match="goes on"):
        actions.set_unavailable(reason="breakdown", by=crew(), at=BACK, token="late")
    assert (unit().duty, unit().mission) == ("on", found.number)


@pytest.mark.django_db(transaction=True)
def test_late_acceptance_recall_and_next_proposal_at_once_leave_one_mission_or_none_unasked(committed: None) -> None:
    on_duty()
    lucie, paul, maud = room(), room("paul"), crew()
    incidents = [call(T0 + turn) for turn in range(2)]
    for turn in range(4):
        at = BACK + turn * MINUTE
        first = actions.propose_mission(incidents[0].id, "lumiere-1", by=lucie, at=at)
        results = at_once(
            lambda at=at, first=first, turn=turn: actions.accept_mission(
                first.number, by=maud, at=at + SECOND, token=f"late-{turn}", effective_at=at - MINUTE
            ),
            lambda at=at, first=first: actions.cancel_mission(first.number, reason="x", by=lucie, at=at + SECOND),
            lambda at=at: actions.propose_mission(incidents[1].id, "lumiere-1", by=paul, at=at + SECOND),
        )  # type: ignore[misc]
        assert all(isinstance(each, Seen | Conflict) for each in results), results
        live = Mission.objects.filter(state__in=LIVE)
        assert live.count() <= 1
        assert not live.filter(incident_id=incidents[1].id).exclude(state="proposed").exists()
        assert not Mission.objects.filter(state__in=map(str, ENGAGED_STATES), accepted_at=None).exists()
        for row in live:
            actions.cancel_mission(row.pk, reason="x", by=lucie, at=at + 2 * SECOND)


@pytest.mark.django_db(transaction=True)
def test_late_acceptance_bears_a_fault_at_each_boundary_and_is_answered_the_same(committed: None) -> None:
    found = proposed()
    crew(), room()
    assert assert_whole_or_nothing(lambda: late(found.number), least=10)
    assert late(found.number).accepted_at == PRESSED
    assert verbs().count("accept_mission") == 1


@pytest.mark.django_db(transaction=True)
def test_two_phones_of_a_crew_that_come_back_at_once_accept_once(committed: None) -> None:
    found = proposed()
    maud, yann = crew("maud"), crew("yann")
    results = at_once(
        *[
            lambda by=by: actions.accept_mission(
                found.number, by=by, at=BACK, token=f"late-{by.username}", effective_at=PRESSED
            )
            for by in (maud, yann)
        ]
    )
    (refused,) = [each for each in results if isinstance(each, Exception)]
    assert isinstance(refused, Conflict) and "was accepted by" in str(refused)
    assert (verbs().count("accept_mission"), mission(found.number).accepted_at) == (1, PRESSED)

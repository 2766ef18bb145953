"""Two people at the same instant, and a fault at each boundary: one wins, the other is told by whom; whole or nothing."""

from __future__ import annotations

import re

import pytest

from beffroi.foundation.clock import HOUR, MINUTE
from beffroi.foundation.errors import Conflict
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.people.types import Viewer
from tests.kernel.alarms.factories import viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.incidents.scene import (
    ACTS,
    T0,
    chief,
    do,
    hire,
    lines,
    prepare,
    restore,
    set_up,
    traffic,
    trip,
    verbs,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cabinet(transactional_db: None) -> int:
    return set_up()


PAIRS = [
    # what was done before, the two acts, what the second may be told
    (("take",), "hold", "close", r"was closed by|is on_hold|None"),
    (("propose",), "accept", "refuse", r"was refused by|was accepted by"),
    (("propose",), "accept", "withdraw", r"was withdrawn by|was accepted by"),
    (("outside",), "outside_yes", "withdraw", r"was withdrawn by|was accepted by|was closed by"),
    ((), "propose", "outside", r"already proposed to"),
    (("take",), "close", "propose", r"was closed by|None"),
    (("close",), "reopen", "reopen", r"is not closed"),
    ((), "take", "take", r"was taken by"),
    (("take",), "mark", "close", r"was closed by|None"),
    (("take", "hold"), "resume", "resume", r"cannot resume from there"),
]


@pytest.mark.parametrize(
    ("before", "one", "other", "told"), PAIRS, ids=[f"{one}-{other}" for _, one, other, _ in PAIRS]
)
def test_of_two_acts_at_once_one_wins_and_the_other_is_told(
    cabinet: int, before: tuple[str, ...], one: str, other: str, told: str
) -> None:
    incident, nadia, karim, tania = trip(cabinet), viewer("nadia"), viewer("karim"), traffic()
    for place, step in enumerate(before):
        do(step, incident, nadia, T0 + place + 1)

    def who(act: str, otherwise: Viewer) -> Viewer:
        return tania if act in ("accept", "refuse") else otherwise

    at = T0 + MINUTE
    results = at_once(
        lambda: do(one, incident, who(one, nadia), at), lambda: do(other, incident, who(other, karim), at)
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) <= 1
    assert all(isinstance(each, Conflict) for each in refused)
    if "None" not in told:
        assert len(refused) == 1
    for each in refused:
        assert re.search(told, str(each)), str(each)
    done = 2 - len(refused)
    version = Row.objects.get(pk=incident).version
    assert version == 1 + len(before) + done


def test_close_and_reopen_at_once_leave_one_of_the_two_orders(cabinet: int) -> None:
    incident, nadia, karim = trip(cabinet), viewer("nadia"), viewer("karim")
    for turn in range(6):
        at = T0 + (turn + 1) * MINUTE
        results = at_once(
            lambda at=at: do("close", incident, nadia, at), lambda at=at: do("reopen", incident, karim, at)
        )  # type: ignore[misc]
        assert all(isinstance(each, Conflict) for each in results if isinstance(each, Exception))
        row = Row.objects.get(pk=incident)
        told = [verb for verb in verbs(incident) if verb in ("close_incident", "reopen_incident")]
        assert told == ["close_incident", "reopen_incident"] * (len(told) // 2) + ["close_incident"] * (len(told) % 2)
        assert (row.closed_at is None) is (len(told) % 2 == 0)


def test_worker_and_operator_at_once_tell_a_miss_once(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    at = T0 + 2 * MINUTE
    results = at_once(
        lambda: actions.pass_time(at), lambda: actions.pass_time(at), lambda: do("acknowledge", incident, nadia, at)
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    assert len(lines(incident, "miss_deadline")) == 1


def test_hold_that_ends_and_person_who_closes_at_once_leave_it_closed(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    do("hold", incident, nadia, T0 + 2)
    at = T0 + 2 * HOUR
    results = at_once(lambda: actions.pass_time(at), lambda: do("close", incident, nadia, at))
    assert [each for each in results if isinstance(each, Exception)] == []
    row = Row.objects.get(pk=incident)
    assert (row.state, row.held_until, row.paused) == ("no_action", None, False)


@pytest.mark.parametrize("act", ACTS)
def test_act_bears_a_fault_at_each_boundary(cabinet: int, act: str) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    hire("karim")
    prepare(act, incident, nadia)
    by = chief() if act == "assign" else nadia
    assert assert_whole_or_nothing(lambda: do(act, incident, by, T0 + 10 * MINUTE), least=10)


@pytest.mark.parametrize("before", [(), ("take", "hold"), ("take", "propose")])
def test_time_that_passes_bears_a_fault_at_each_boundary(cabinet: int, before: tuple[str, ...]) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    for place, step in enumerate(before):
        do(step, incident, nadia, T0 + place + 1)
    assert assert_whole_or_nothing(lambda: actions.pass_time(T0 + 3 * HOUR), least=10)


def test_alarm_that_returns_over_a_hold_bears_a_fault_at_each_boundary(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    do("hold", incident, nadia, T0 + 2)
    assert assert_whole_or_nothing(lambda: restore(cabinet, T0 + HOUR), least=10)

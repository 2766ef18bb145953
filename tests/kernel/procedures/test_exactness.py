"""At the same instant, and with a fault at each boundary: a step is done once, by one, and never half."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beffroi.foundation.errors import Conflict
from beffroi.kernel.journal.queries import lines_of
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import Run
from tests.kernel.alarms.factories import viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.procedures.cards import an_incident, assert_replayed, in_force, later, nadia, started, states

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_people_at_the_same_step_one_wins_and_the_other_is_told_by_whom() -> None:
    run, one, other = started(), nadia(), viewer("marc")
    found = at_once(
        lambda: actions.confirm(run.id, "look", note="Vu.", by=one, at=later(5)),
        lambda: actions.confirm(run.id, "look", note="Vu.", by=other, at=later(5)),
    )
    won = next(each for each in found if isinstance(each, Run))
    lost = next(each for each in found if isinstance(each, Conflict))
    assert f"done by {won.state.steps['look'].by_name}" in lost.reason
    assert [line.verb for line in lines_of(f"run:{run.id}")].count("confirm_step") == 1
    assert_replayed(run.id)


def test_two_people_start_the_same_procedure_and_one_run_begins() -> None:
    in_force()
    incident, one, other = an_incident(), nadia(), viewer("marc")
    found = at_once(
        lambda: actions.start("dark", incident.id, by=one, at=later(5)),
        lambda: actions.start("dark", incident.id, by=other, at=later(5)),
    )
    assert sorted(type(each).__name__ for each in found) == ["Conflict", "Run"]
    assert len(queries.runs_of_incident(incident.id)) == 1


def test_workers_and_a_person_at_the_same_instant_tell_a_miss_once() -> None:
    run, one = started(), nadia()
    at_once(
        lambda: actions.pass_time(later(100)),
        lambda: actions.pass_time(later(100)),
        lambda: actions.skip(run.id, "look", reason="Plus de caméras", by=one, at=later(100)),
    )
    actions.pass_time(later(101))
    told = [line.verb for line in lines_of(f"run:{run.id}")]
    assert max(told.count("miss_step"), told.count("escalate_step"), told.count("skip_step")) == 1
    assert_replayed(run.id)


ACTS: dict[str, Callable[[int], object]] = {
    "confirm": lambda run: actions.confirm(run, "look", note="Vu.", by=nadia(), at=later(5)),
    "skip": lambda run: actions.skip(run, "look", reason="Rien", by=nadia(), at=later(5)),
    "late": lambda run: actions.pass_time(later(100)),
    "add": lambda run: actions.add_step(run, "Appeler", by=nadia(), at=later(5)),
    "reapply": lambda run: actions.reapply(run, "cordon", by=nadia(), at=later(5)),
    "stop": lambda run: actions.stop(run, reason="Rien", by=nadia(), at=later(5)),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_on_a_run_is_whole_or_nothing(name: str) -> None:
    run = started()
    nadia()
    assert_whole_or_nothing(lambda: ACTS[name](run.id))
    assert_replayed(run.id)


def test_starting_is_whole_or_nothing() -> None:
    in_force()
    incident, one = an_incident(), nadia()
    assert_whole_or_nothing(lambda: actions.start("dark", incident.id, by=one, at=later(5)))
    assert states(queries.runs_of_incident(incident.id)[0]) == {"look": "open"}


def test_a_message_is_told_and_seen_whole_or_not_at_all() -> None:
    run, one = started(), nadia()
    actions.confirm(run.id, "look", note="Vu.", by=one, at=later(10))
    actions.answer(run.id, "hit", "whole", by=one, at=later(20))
    assert_whole_or_nothing(lambda: actions.pass_time(later(140)))
    (message,) = queries.messages_of(run.incident)
    assert_whole_or_nothing(lambda: actions.acknowledge_message(message.id, by=one, at=later(150)))
    assert states(queries.run(run.id, one))["tell"] == "done"
    assert_replayed(run.id)

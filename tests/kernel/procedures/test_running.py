"""The interpreter: what is reached, by whom it is done, what time does, and that no order of events confuses it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import BeffroiError, Conflict, NotFound, Refused
from beffroi.kernel.procedures.rules import (
    Doer,
    add_lane,
    added_step,
    again,
    answer,
    ask,
    begin,
    confirm,
    is_standing,
    next_wake,
    parse_procedure,
    pin,
    placed,
    read_step,
    report,
    settle,
    skip,
    stop,
    tick,
)
from beffroi.kernel.procedures.types import (
    Given,
    Happening,
    Notification,
    Procedure,
    Question,
    RunState,
    RunStatus,
    StepState,
    Wait,
    What,
)
from tests.kernel.procedures.cards import CARD, CORDON, library, states

NADIA = Doer("nadia", "Nadia")
NOTHING = Given()
FIELD = """
code: field
version: 1
title: Terrain
desk: lighting
purpose: Envoyer, couper.
roles: [{code: operator, title: Opérateur}]
steps:
  - {id: cut, kind: command, title: Couper, ability: switch, target: {reach: feeder}, may_fail: true}
  - id: failed
    kind: branch
    cases: [{when: {cut.outcome: [failed, skipped]}, steps: [{id: call, title: Appeler}]}]
  - {id: crew, kind: dispatch, title: Envoyer, skills: [electricity]}
tests: [{name: rien, expect: [{at_s: 0, step: cut, by: operator}]}]
"""


def pinned() -> Procedure:
    return pin(library()["dark"], library())


def begun() -> RunState:
    return begin(pinned(), NOTHING, 0)[0]


def looked() -> RunState:
    return confirm(begun(), "look", by=NADIA, given=NOTHING, now=SECOND, noted=True).run


def test_begin_opens_the_first_step_with_its_deadline_and_its_role() -> None:
    run, happened = begin(pinned(), NOTHING, 0)
    assert states(run) == {"look": "open"}
    assert happened == (Happening(What.OPENED, "look", 0),)
    assert (run.steps["look"].due_at, run.steps["look"].escalate_at) == (60 * SECOND, 90 * SECOND)
    assert placed(run)[0].role.title == "Télécontrôleur"


def test_a_step_without_its_evidence_is_refused_and_with_it_done() -> None:
    with pytest.raises(Refused, match="write what was seen"):
        confirm(begun(), "look", by=NADIA, given=NOTHING, now=SECOND)
    assert states(looked()) == {"look": "done", "hit": "open"}


def test_the_branch_that_the_answer_chose_is_taken_and_the_called_steps_keep_their_version() -> None:
    run = answer(looked(), "hit", "hit", by=NADIA, given=NOTHING, now=2 * SECOND).run
    assert states(run) == {"look": "done", "hit": "done", "by_hit": "done", "cordon": "open", "cordon.barrier": "open"}
    barrier = next(each for each in placed(run) if each.key == "cordon.barrier")
    assert (barrier.role.title, barrier.depth) == ("Patrouille", 1)
    assert next(each.step for each in placed(run) if each.key == "cordon").version == 4


def test_a_wait_ends_by_what_it_waits_for_or_by_its_time() -> None:
    run = answer(looked(), "hit", "whole", by=NADIA, given=NOTHING, now=2 * SECOND).run
    assert states(run)["calm"] == "open"
    assert states(settle(run, Given(reached=("on_site",)), 3 * SECOND)[0])["calm"] == "done"
    assert next_wake(run) == 122 * SECOND
    assert states(settle(run, NOTHING, 122 * SECOND)[0])["calm"] == "timed_out"


def test_a_late_step_is_told_once_at_its_instant_and_then_to_the_one_above() -> None:
    run, happened = settle(begun(), NOTHING, 200 * SECOND)
    assert happened == (
        Happening(What.LATE, "look", 60 * SECOND),
        Happening(What.ESCALATED, "look", 90 * SECOND, "supervisor"),
    )
    assert settle(run, NOTHING, 300 * SECOND) == (run, ())
    assert states(run) == {"look": "open"}


def test_lanes_go_on_side_by_side_and_end_together() -> None:
    run = answer(looked(), "hit", "whole", by=NADIA, given=Given(reached=("on_site",)), now=2 * SECOND).run
    assert states(run) | {"list": "open", "tell": "asked", "both": "open"} == states(run)
    for item in (1, 0):
        run = tick(run, "list", item, by=NADIA, given=NOTHING, now=3 * SECOND).run
    assert states(run)["both"] == "open"
    run = confirm(run, "tell", by=NADIA, given=NOTHING, now=4 * SECOND).run
    assert states(run)["both"] == "done"
    moved = confirm(run, "end", by=NADIA, given=NOTHING, now=5 * SECOND)
    assert moved.run.status is RunStatus.DONE
    assert moved.happened[-1] == Happening(What.RUN_ENDED, "", 5 * SECOND)


def test_who_comes_second_is_told_who_was_first() -> None:
    with pytest.raises(Conflict, match="done by Nadia"):
        confirm(looked(), "look", by=Doer("marc", "Marc"), given=NOTHING, now=SECOND, noted=True)


def test_what_is_not_reached_or_not_there_is_refused() -> None:
    with pytest.raises(Conflict, match="not reached"):
        confirm(begun(), "end", by=NADIA, given=NOTHING, now=SECOND)
    with pytest.raises(NotFound):
        confirm(begun(), "nothing", by=NADIA, given=NOTHING, now=SECOND)
    with pytest.raises(Refused, match="answers are hit, whole"):
        answer(looked(), "hit", "perhaps", by=NADIA, given=NOTHING, now=SECOND)
    with pytest.raises(Refused, match="it is answered"):
        confirm(looked(), "hit", by=NADIA, given=NOTHING, now=SECOND)


def test_a_command_that_fails_goes_on_where_it_may_and_waits_for_a_person_where_it_may_not() -> None:
    run = begin(parse_procedure(FIELD), NOTHING, 0)[0]
    run = ask(run, "cut", "g1", by=NADIA, given=NOTHING, now=1).run
    with pytest.raises(Conflict, match="does not wait for g2"):
        report(run, "cut", done=True, reference="g2", given=NOTHING, now=2)
    run = report(run, "cut", done=False, reference="g1", given=NOTHING, now=2).run
    assert states(run) == {"cut": "failed", "failed": "done", "call": "open"}
    run = confirm(run, "call", by=NADIA, given=NOTHING, now=3).run
    run = ask(run, "crew", "m1", by=NADIA, given=NOTHING, now=4).run
    run = report(run, "crew", done=False, reference="m1", given=NOTHING, now=5).run
    assert (states(run)["crew"], run.status) == ("failed", RunStatus.RUNNING)
    run = ask(run, "crew", "m2", by=NADIA, given=NOTHING, now=6).run
    assert run.steps["crew"].attempts == 2
    assert report(run, "crew", done=True, reference="m2", given=NOTHING, now=7).run.status is RunStatus.DONE


def test_skipping_a_called_procedure_skips_what_it_holds() -> None:
    run = answer(looked(), "hit", "hit", by=NADIA, given=NOTHING, now=2 * SECOND).run
    run = skip(run, "cordon", by=NADIA, given=NOTHING, now=3 * SECOND).run
    assert states(run)["cordon.barrier"] == "skipped"
    assert states(run)["list"] == "open"


def test_a_step_is_added_and_a_procedure_applied_again_beside_the_others() -> None:
    extra = read_step({"id": "added", "title": "Appeler le maire", "within_s": 300})
    run = add_lane(
        begun(), added_step(begun(), extra, role="supervisor", title="Appeler le maire"), NOTHING, SECOND
    ).run
    run = add_lane(run, again(library()["cordon"]), NOTHING, 2 * SECOND).run
    assert states(run) == {"look": "open", "1.added": "open", "2.barrier": "open"}
    assert [(each.key, each.role.title) for each in placed(run) if each.lane == 1] == [("1.added", "Chef de salle")]


def test_a_run_that_was_stopped_moves_no_more() -> None:
    run = stop(begun(), SECOND).run
    assert settle(run, NOTHING, 10**12) == (run, ())
    assert next_wake(run) is None
    with pytest.raises(Conflict, match="stopped"):
        confirm(run, "look", by=NADIA, given=NOTHING, now=SECOND, noted=True)


class Life(RuleBasedStateMachine):
    """People, equipment and time in any order: nothing done is undone, a run always goes on or is over."""

    def __init__(self) -> None:
        super().__init__()
        cards = library(CARD, CORDON, FIELD)
        self.cards = cards
        self.now = 0
        self.given = NOTHING
        self.run = begin(pin(cards["dark"], cards), NOTHING, 0)[0]
        self.told: list[Happening] = []

    def standing(self) -> list[str]:
        return [each.key for each in placed(self.run) if each.run and is_standing(each.run)]

    def take(self, run: RunState, happened: tuple[Happening, ...]) -> None:
        before = self.run
        for key, step in before.steps.items():
            if not is_standing(step):
                assert run.steps[key] == step, "what is over stays as it was"
        assert len(run.lanes) >= len(before.lanes)
        self.run = run
        self.told += happened

    @precondition(lambda self: self.run.status is RunStatus.RUNNING)
    @rule(data=st.data(), how=st.sampled_from(("do", "skip", "fail")))
    def act(self, data: st.DataObject, how: str) -> None:
        keys = self.standing()
        key = data.draw(st.sampled_from(keys))
        step = next(each for each in placed(self.run) if each.key == key)
        assert step.run is not None
        told = {"by": NADIA, "given": self.given, "now": self.now}
        try:
            if how == "skip":
                moved = skip(self.run, key, **told)
            elif step.step.__class__.__name__ in ("Command", "Dispatch"):
                if step.run.state is StepState.ASKED:
                    moved = report(self.run, key, done=how == "do", reference="r", given=self.given, now=self.now)
                else:
                    moved = ask(self.run, key, "r", **told)
            elif isinstance(step.step, Question):
                moved = answer(self.run, key, data.draw(st.sampled_from(step.step.answers)).value, **told)
            elif step.step.__class__.__name__ == "Checklist":
                left = [i for i in range(2) if i not in step.run.ticked]
                moved = tick(self.run, key, left[0], **told)
            else:
                moved = confirm(self.run, key, noted=True, **told)
        except Refused:
            return
        self.take(moved.run, moved.happened)

    @rule(seconds=st.integers(0, 700))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.take(*settle(self.run, self.given, self.now))

    @rule(fact=st.sampled_from(("on_site", "safe")))
    def happens(self, fact: str) -> None:
        self.given = replace(self.given, reached=(*self.given.reached, fact))
        self.take(*settle(self.run, self.given, self.now))

    @precondition(lambda self: self.run.status is RunStatus.RUNNING and len(self.run.lanes) < 5)
    @rule(code=st.sampled_from(("cordon", "field")))
    def apply(self, code: str) -> None:
        moved = add_lane(self.run, again(self.cards[code]), self.given, self.now)
        self.take(moved.run, moved.happened)

    @invariant()
    def nothing_is_stuck(self) -> None:
        if self.run.status is RunStatus.RUNNING:
            leaves = [key for key in self.standing() if not key.endswith(("both", "cordon"))]
            assert leaves, "a run that goes on waits for somebody, something, or time"
        else:
            assert not self.standing() or self.run.status is RunStatus.STOPPED

    @invariant()
    def once_settled_it_is_settled(self) -> None:
        assert settle(self.run, self.given, self.now) == (self.run, ())
        wake = next_wake(self.run)
        assert wake is None or wake > self.now

    @invariant()
    def everything_is_told_once(self) -> None:
        late = [each.step for each in self.told if each.what in (What.LATE, What.OPENED)]
        kinds = [(each.what, each.step) for each in self.told]
        assert len(kinds) == len(set(kinds)), late

    @invariant()
    def waits_and_messages_are_never_done_by_hand(self) -> None:
        for each in placed(self.run):
            if isinstance(each.step, Wait | Notification) and each.run and each.run.state is StepState.OPEN:
                assert not each.run.by


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_an_error_never_moves_a_run() -> None:
    run = begun()
    for act in (
        lambda: skip(run, "end", by=NADIA, given=NOTHING, now=1),
        lambda: tick(run, "look", 0, by=NADIA, given=NOTHING, now=1),
    ):
        with pytest.raises(BeffroiError):
            act()
    assert run == begun()

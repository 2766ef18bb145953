"""The state table as a machine: whatever happens to an alarm, ISA-18.2 holds."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from beffroi.kernel.alarms.rules import TABLE, next_state, sources_of
from beffroi.kernel.alarms.types import ACTIVE_STATES, OPEN_STATES, STANDING_STATES, AlarmEvent, AlarmState


class LifeOfAnAlarm(RuleBasedStateMachine):
    """Drives the table and keeps, beside it, what a person standing there would know."""

    def __init__(self) -> None:
        super().__init__()
        self.state = AlarmState.NORMAL
        self.abnormal = False
        self.seen = True
        self.explained = False

    def happen(self, event: AlarmEvent) -> bool:
        after = next_state(self.state, event)
        self.state = after or self.state
        return after is not None

    @rule()
    def raise_alarm(self) -> None:
        if self.happen(AlarmEvent.RAISE):
            self.abnormal, self.seen = True, False

    @rule()
    def return_to_normal(self) -> None:
        self.happen(AlarmEvent.RETURN)
        if self.explained:
            self.seen = True
        self.abnormal = self.explained = False

    @rule()
    def acknowledge(self) -> None:
        if self.happen(AlarmEvent.ACKNOWLEDGE):
            self.seen = True

    @rule()
    def suppress(self) -> None:
        if self.happen(AlarmEvent.SUPPRESS):
            self.explained = True

    @precondition(lambda self: self.explained)
    @rule()
    def release(self) -> None:
        if self.happen(AlarmEvent.RELEASE):
            self.explained, self.seen = False, False

    @invariant()
    def active_states_are_those_of_a_condition_that_holds(self) -> None:
        assert (self.state in ACTIVE_STATES) is self.abnormal

    @invariant()
    def nothing_ends_unseen(self) -> None:
        assert self.state != AlarmState.NORMAL or (self.seen and not self.abnormal)

    @invariant()
    def only_explained_alarms_are_hidden(self) -> None:
        assert (self.state == AlarmState.SUPPRESSED) is self.explained

    @invariant()
    def acknowledged_means_that_a_person_saw_it(self) -> None:
        assert self.state != AlarmState.ACKNOWLEDGED or self.seen


TestLifeOfAnAlarm = LifeOfAnAlarm.TestCase
TestLifeOfAnAlarm.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def test_open_states_are_all_but_normal() -> None:
    assert set(OPEN_STATES) == set(AlarmState) - {AlarmState.NORMAL}
    assert set(STANDING_STATES) == set(OPEN_STATES) - {AlarmState.SUPPRESSED}


def test_every_state_can_be_reached_and_left() -> None:
    assert set(TABLE.values()) == set(AlarmState)
    assert {before for before, _ in TABLE} == set(AlarmState)


def test_raising_a_standing_alarm_changes_nothing() -> None:
    assert [next_state(state, AlarmEvent.RAISE) for state in ACTIVE_STATES] == [None, None, None]


def test_sources_of_an_event_are_what_its_update_may_find() -> None:
    assert sources_of(AlarmEvent.ACKNOWLEDGE) == {
        AlarmState.UNACKNOWLEDGED: AlarmState.ACKNOWLEDGED,
        AlarmState.RETURNED_UNACKNOWLEDGED: AlarmState.NORMAL,
    }

"""The state table as a machine: whatever happens to an alarm, ISA-18.2 holds."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beffroi.kernel.alarms.rules import LATCHING, RETURNED_ASIDE, TABLE, next_state, refusal
from beffroi.kernel.alarms.types import (
    ACTIVE_STATES,
    HIDDEN_STATES,
    OPEN_STATES,
    STANDING_STATES,
    AlarmEvent,
    AlarmState,
    Refusal,
)

S, E = AlarmState, AlarmEvent


class LifeOfAnAlarm(RuleBasedStateMachine):
    """Drives the table and keeps, beside it, what a person standing there would know."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.NORMAL
        self.latching = False
        self.abnormal = False
        self.seen = True
        self.explained = False
        self.shelved = False
        self.withdrawn = False
        self.to_reset = False

    @initialize(latching=st.booleans())
    def define(self, latching: bool) -> None:
        self.latching = latching

    @property
    def cover(self) -> AlarmState | None:
        return S.OUT_OF_SERVICE if self.withdrawn else S.SHELVED if self.shelved else None

    def happen(self, event: AlarmEvent) -> bool:
        after = next_state(
            self.state, event, latching=self.latching, holds=self.abnormal, cover=self.cover
        )  # fmt: skip
        self.state = after or self.state
        return after is not None

    @rule()
    def raise_alarm(self) -> None:
        if self.happen(E.RAISE):
            self.abnormal, self.seen = True, self.state in HIDDEN_STATES
            self.to_reset |= self.latching

    @rule()
    def return_to_normal(self) -> None:
        was = self.state
        self.happen(E.RETURN)
        if was == S.SUPPRESSED:
            self.seen, self.to_reset = True, False
        self.abnormal = self.explained = False

    @rule()
    def acknowledge(self) -> None:
        if self.happen(E.ACKNOWLEDGE):
            self.seen = True

    @rule()
    def reset(self) -> None:
        if self.happen(E.RESET):
            self.to_reset = False

    @rule()
    def re_alarm(self) -> None:
        if self.happen(E.RE_ALARM):
            self.seen = False

    @rule()
    def escalate(self) -> None:
        before = self.state
        assert not self.happen(E.ESCALATE) or self.state == before == S.UNACKNOWLEDGED

    @rule()
    def suppress(self) -> None:
        if self.happen(E.SUPPRESS):
            self.explained = True

    @precondition(lambda self: self.explained and self.state == S.SUPPRESSED)
    @rule()
    def release(self) -> None:
        if self.happen(E.RELEASE):
            self.explained, self.seen = False, False

    @precondition(lambda self: not self.shelved)
    @rule()
    def shelve(self) -> None:
        if self.happen(E.SHELVE):
            self.shelved = self.seen = True

    @precondition(lambda self: self.shelved)
    @rule(event=st.sampled_from([E.UNSHELVE, E.EXPIRE]))
    def end_shelving(self, event: AlarmEvent) -> None:
        self.shelved = False
        if self.happen(event):
            self.seen = False

    @precondition(lambda self: not self.withdrawn)
    @rule()
    def withdraw(self) -> None:
        self.withdrawn = True
        if self.happen(E.WITHDRAW):
            self.seen, self.explained = True, False

    @precondition(lambda self: self.withdrawn)
    @rule()
    def restore(self) -> None:
        self.withdrawn = False
        if self.happen(E.RESTORE):
            self.seen = self.state in HIDDEN_STATES

    @invariant()
    def active_states_are_those_of_a_condition_that_holds(self) -> None:
        aside = self.latching and self.state in (S.SHELVED, S.OUT_OF_SERVICE)
        assert (self.state in ACTIVE_STATES) is self.abnormal or (aside and not self.abnormal)

    @invariant()
    def nothing_ends_unseen(self) -> None:
        assert self.state != S.NORMAL or (self.seen and not self.abnormal)

    @invariant()
    def what_is_hidden_is_explained_or_kept_by_somebody(self) -> None:
        kept = {S.SUPPRESSED: self.explained, S.SHELVED: self.shelved, S.OUT_OF_SERVICE: self.withdrawn}
        assert kept.get(self.state, True)

    @invariant()
    def what_is_kept_aside_is_never_before_people(self) -> None:
        assert self.cover is None or self.state in (S.NORMAL, self.cover)

    @invariant()
    def acknowledged_means_that_a_person_saw_it(self) -> None:
        assert self.state not in (S.ACKNOWLEDGED, S.LATCHED) or self.seen

    @invariant()
    def what_latched_stays_until_its_reset(self) -> None:
        assert not self.to_reset or self.state != S.NORMAL


TestLifeOfAnAlarm = LifeOfAnAlarm.TestCase
TestLifeOfAnAlarm.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_open_states_are_all_but_normal() -> None:
    assert set(OPEN_STATES) == set(AlarmState) - {S.NORMAL}
    assert set(STANDING_STATES) == set(OPEN_STATES) - set(HIDDEN_STATES)


def test_every_state_can_be_reached_and_left() -> None:
    assert set(LATCHING.values()) == set(AlarmState) == {before for before, _ in LATCHING}
    assert set(TABLE.values()) == set(AlarmState) - {S.LATCHED}


def test_every_event_moves_something() -> None:
    assert {event for _, event in LATCHING} == set(AlarmEvent)


def test_raising_a_standing_alarm_changes_nothing() -> None:
    assert [next_state(state, E.RAISE) for state in ACTIVE_STATES] == [None] * 5


def test_every_pair_that_the_table_lacks_has_a_name() -> None:
    named = {
        (state, event): refusal(state, event) for state in AlarmState for event in AlarmEvent if not TABLE.get((state, event))
    }  # fmt: skip
    assert len(named) == len(AlarmState) * len(AlarmEvent) - len(TABLE)
    assert set(named.values()) == set(Refusal)


@pytest.mark.parametrize(
    ("state", "event", "name"),
    [
        (S.ACKNOWLEDGED, E.ACKNOWLEDGE, Refusal.ACKNOWLEDGED),
        (S.SHELVED, E.ACKNOWLEDGE, Refusal.SHELVED),
        (S.OUT_OF_SERVICE, E.SHELVE, Refusal.OUT_OF_SERVICE),
        (S.SUPPRESSED, E.SHELVE, Refusal.EXPLAINED),
        (S.ACKNOWLEDGED, E.RESET, Refusal.HOLDS),
        (S.RETURNED_UNACKNOWLEDGED, E.RESET, Refusal.NOT_ACKNOWLEDGED),
        (S.RETURNED_UNACKNOWLEDGED, E.SHELVE, Refusal.LATCHED),
        (S.NORMAL, E.UNSHELVE, Refusal.NOT_SHELVED),
        (S.NORMAL, E.ACKNOWLEDGE, Refusal.ENDED),
    ],
)
def test_refusals_say_what_is_in_the_way(state: AlarmState, event: AlarmEvent, name: Refusal) -> None:
    assert refusal(state, event) == name


def test_latching_alarm_ends_by_its_reset_alone() -> None:
    state = S.NORMAL
    for event, after in [
        (E.RAISE, S.UNACKNOWLEDGED), (E.ACKNOWLEDGE, S.ACKNOWLEDGED), (E.RETURN, S.LATCHED), (E.RAISE, S.UNACKNOWLEDGED),
        (E.RETURN, S.RETURNED_UNACKNOWLEDGED), (E.ACKNOWLEDGE, S.LATCHED), (E.RESET, S.NORMAL),
    ]:  # fmt: skip
        state = next_state(state, event, latching=True) or state
        assert state == after
    assert (S.LATCHED, E.RESET) not in TABLE


def test_what_returned_aside_comes_back_to_be_acknowledged_and_reset() -> None:
    assert set(RETURNED_ASIDE.values()) == {S.SHELVED, S.OUT_OF_SERVICE, S.RETURNED_UNACKNOWLEDGED}
    assert next_state(S.SHELVED, E.EXPIRE, latching=True, holds=False) == S.RETURNED_UNACKNOWLEDGED
    assert next_state(S.SHELVED, E.EXPIRE, latching=True, holds=True) == S.UNACKNOWLEDGED


def test_cover_takes_what_would_come_before_people() -> None:
    assert next_state(S.NORMAL, E.RAISE, cover=S.SHELVED) == S.SHELVED
    assert next_state(S.OUT_OF_SERVICE, E.RESTORE, cover=S.SHELVED) == S.SHELVED
    assert next_state(S.UNACKNOWLEDGED, E.RETURN, cover=S.SHELVED) == S.RETURNED_UNACKNOWLEDGED

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beffroi.foundation.clock import from_rfc3339
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.rules import TABLE, check_closing, check_text, next_state, number_of, reference_of
from beffroi.kernel.incidents.types import OPEN_STATES, CloseReason, IncidentEvent, IncidentState


class LifeOfAnIncident(RuleBasedStateMachine):
    """Drives the table and keeps, beside it, who answers for the incident."""

    def __init__(self) -> None:
        super().__init__()
        self.state = IncidentState.NEW
        self.owned = False
        self.closed = False

    def happen(self, event: IncidentEvent) -> bool:
        after = next_state(self.state, event, owned=self.owned)
        self.state = after or self.state
        return after is not None

    @rule(event=st.sampled_from([IncidentEvent.ACKNOWLEDGE, IncidentEvent.RESOLVE, IncidentEvent.REVIVE]))
    def follow(self, event: IncidentEvent) -> None:
        self.happen(event)

    @rule()
    def take(self) -> None:
        self.owned = self.happen(IncidentEvent.TAKE) or self.owned

    @rule()
    def close(self) -> None:
        self.closed = self.happen(IncidentEvent.CLOSE) or self.closed

    @rule()
    def reopen(self) -> None:
        if self.happen(IncidentEvent.REOPEN):
            self.closed = False

    @invariant()
    def only_people_close(self) -> None:
        assert (self.state == IncidentState.CLOSED) is self.closed

    @invariant()
    def in_progress_means_that_someone_answers(self) -> None:
        assert self.state != IncidentState.IN_PROGRESS or self.owned

    @invariant()
    def what_someone_answers_for_is_never_new(self) -> None:
        assert not self.owned or self.state not in (IncidentState.NEW, IncidentState.ACKNOWLEDGED)


TestLifeOfAnIncident = LifeOfAnIncident.TestCase
TestLifeOfAnIncident.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_every_open_incident_can_be_taken_acknowledged_and_closed() -> None:
    for event in (IncidentEvent.ACKNOWLEDGE, IncidentEvent.TAKE, IncidentEvent.CLOSE):
        assert {state for state in IncidentState if next_state(state, event)} == set(OPEN_STATES)
    assert set(TABLE.values()) == set(IncidentState)


@given(st.integers(1, 10**9), st.integers(1_700_000_000, 3_000_000_000))
def test_reference_is_read_back(number: int, second: int) -> None:
    reference = reference_of(number, second * 1_000_000)
    assert number_of(reference) == number_of(reference.lower()) == number_of(f" {reference[3:]} ") == number


def test_reference_shows_the_year_and_six_figures() -> None:
    assert reference_of(123, from_rfc3339("2026-11-22T00:00:00Z")) == "BF-26-000123"
    assert [number_of(text) for text in ("42", "BF-26-12", "OD-26-000123", "", "²", "9" * 13)] == [42] + [None] * 5


def test_closing_asks_for_a_reason_that_exists() -> None:
    with pytest.raises(Refused, match="choose one of repaired, returned_by_itself, false_alarm"):
        check_closing("", "", [])
    assert check_closing("repaired", "", []) is CloseReason.REPAIRED


@pytest.mark.parametrize("reason", ["repaired", "returned_by_itself", "duplicate", "not_competent"])
def test_closing_over_a_standing_alarm_needs_a_reason_that_explains_it(reason: str) -> None:
    with pytest.raises(Refused, match=r"still standing: Feu \(B-1\)") as caught:
        check_closing(reason, "c'est ainsi", ["Feu (B-1)"])
    assert caught.value.key == "alarm-stands"


@pytest.mark.parametrize("reason", ["false_alarm", "no_action"])
def test_closing_over_a_standing_alarm_needs_a_comment(reason: str) -> None:
    with pytest.raises(Refused, match="say in a comment why"):
        check_closing(reason, "  ", ["Feu (B-1)"])
    assert check_closing(reason, "exercice d'évacuation", ["Feu (B-1)"]) == reason


def test_text_is_trimmed_bounded_and_never_empty() -> None:
    assert check_text("  vu avec\x00 le site ", "the note") == "vu avec le site"
    for text, told in (("  ", "the note is empty"), ("x" * 2001, "the note has 2001 characters; write 2000 at most")):
        with pytest.raises(Refused, match=told):
            check_text(text, "the note")

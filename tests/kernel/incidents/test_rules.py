from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beffroi.foundation.clock import from_rfc3339
from beffroi.foundation.errors import Malformed, Refused
from beffroi.kernel.incidents.rules import (
    ENDS,
    TABLE,
    check_closing,
    check_qualifying,
    check_text,
    needs_owner,
    next_state,
    number_of,
    parse_bodies,
    parse_deadlines,
    reference_of,
)
from beffroi.kernel.incidents.types import (
    ENDED_STATES,
    OPEN_STATES,
    Body,
    CloseReason,
    Deadline,
    IncidentEvent,
    IncidentState,
)

S, E = IncidentState, IncidentEvent
ENDINGS = {ENDS[reason] for reason in CloseReason}


class LifeOfAnIncident(RuleBasedStateMachine):
    """Drives the table with any event at any time and keeps, beside it, who answers and whether somebody ended it."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.NEW
        self.owned = False
        self.ended = False

    def happen(self, event: IncidentEvent) -> bool:
        after = next_state(self.state, event, owned=self.owned)
        self.state = after or self.state
        return after is not None

    @rule(event=st.sampled_from([E.ACKNOWLEDGE, E.QUALIFY, E.RESOLVE, E.REVIVE, E.HOLD, E.RESUME]))
    def follow(self, event: IncidentEvent) -> None:
        self.happen(event)

    @rule(event=st.sampled_from([E.TAKE, E.ASSIGN, E.ACCEPT]))
    def own(self, event: IncidentEvent) -> None:
        self.owned = self.happen(event) or self.owned

    @rule()
    def mark(self) -> None:
        if self.owned:
            self.happen(E.MARK)

    @rule(event=st.sampled_from(sorted(ENDINGS)))
    def end(self, event: IncidentEvent) -> None:
        self.ended = self.happen(event) or self.ended

    @rule(event=st.sampled_from([E.REOPEN, E.SPLIT]), on_duty=st.booleans())
    def begin_again(self, event: IncidentEvent, on_duty: bool) -> None:
        if self.happen(event):
            self.ended = False
            self.owned = self.owned and (on_duty or event is E.SPLIT)

    @invariant()
    def only_an_act_that_ends_ends(self) -> None:
        assert (self.state in ENDED_STATES) is self.ended

    @invariant()
    def in_progress_and_assigned_mean_that_someone_answers(self) -> None:
        assert self.state not in (S.IN_PROGRESS, S.ASSIGNED) or self.owned

    @invariant()
    def what_someone_answers_for_is_never_new(self) -> None:
        assert not self.owned or self.state not in (S.NEW, S.QUALIFIED)


TestLifeOfAnIncident = LifeOfAnIncident.TestCase
TestLifeOfAnIncident.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)

WHERE = {
    E.ACKNOWLEDGE: set(OPEN_STATES),
    E.QUALIFY: set(OPEN_STATES),
    E.TAKE: set(OPEN_STATES),
    E.ASSIGN: set(OPEN_STATES),
    E.ACCEPT: set(OPEN_STATES),
    E.MARK: {S.ASSIGNED, S.IN_PROGRESS, S.ON_HOLD, S.REOPENED, S.RESOLVED},
    E.HOLD: {S.QUALIFIED, S.REOPENED, S.ASSIGNED, S.IN_PROGRESS},
    E.RESUME: {S.ON_HOLD},
    E.RESOLVE: set(OPEN_STATES) - {S.RESOLVED},
    E.REVIVE: {S.RESOLVED},
    E.REOPEN: set(ENDED_STATES) - {S.DUPLICATE},
    E.SPLIT: {S.DUPLICATE},
    **{event: set(OPEN_STATES) for event in ENDINGS},
}


@pytest.mark.parametrize("event", IncidentEvent)
def test_every_pair_of_state_and_event_is_allowed_or_refused_by_name(event: IncidentEvent) -> None:
    led = {state for state in IncidentState if next_state(state, event, owned=True) is not None}
    unled = {state for state in IncidentState if next_state(state, event) is not None}
    assert (led, led - unled) == (WHERE[event], {s for s in IncidentState if needs_owner(s, event)})
    assert led - unled == ({S.ASSIGNED, S.IN_PROGRESS, S.REOPENED} if event is E.MARK else set())
    assert {state for state, each in TABLE if each is event} == WHERE[event]


def test_every_state_is_reached_and_every_reason_has_its_own_way_out() -> None:
    assert set(TABLE.values()) == set(IncidentState)
    assert {TABLE[S.NEW, ENDS[reason]] for reason in CloseReason} == set(ENDED_STATES)


def test_what_comes_back_goes_to_its_owner_or_waits() -> None:
    assert [next_state(S.ON_HOLD, E.RESUME, owned=owned) for owned in (False, True)] == [S.QUALIFIED, S.IN_PROGRESS]
    assert [next_state(S.RESOLVED, E.REVIVE, owned=owned) for owned in (False, True)] == [S.NEW, S.IN_PROGRESS]


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


def test_duplicate_names_the_other_incident() -> None:
    with pytest.raises(Refused, match="name the incident that it is one of, and unite") as caught:
        check_closing("duplicate", "déjà signalé", ["Feu (B-1)"])
    assert caught.value.key == "unite-instead"


def test_not_competent_is_a_proposal_to_who_is() -> None:
    with pytest.raises(Refused, match="propose it to the desk or body") as caught:
        check_closing("not_competent", "pas nous", [])
    assert caught.value.key == "transfer-instead"


@pytest.mark.parametrize("reason", ["repaired", "returned_by_itself", "cancelled"])
def test_closing_over_a_standing_alarm_needs_a_reason_that_explains_it(reason: str) -> None:
    with pytest.raises(Refused, match=r"still standing: Feu \(B-1\)") as caught:
        check_closing(reason, "c'est ainsi", ["Feu (B-1)"])
    assert caught.value.key == "alarm-stands"


@pytest.mark.parametrize("reason", ["false_alarm", "no_action"])
def test_closing_over_a_standing_alarm_needs_a_comment(reason: str) -> None:
    with pytest.raises(Refused, match="say in a comment why"):
        check_closing(reason, "  ", ["Feu (B-1)"])
    assert check_closing(reason, "exercice d'évacuation", ["Feu (B-1)"]) == reason


@pytest.mark.parametrize("reason", ["no_action", "cancelled"])
def test_no_action_is_said_with_its_because(reason: str) -> None:
    with pytest.raises(Refused, match=f"closed as {reason}: say in a comment why"):
        check_closing(reason, " ", [])
    assert check_closing(reason, "hors du domaine public", []) == reason


def test_text_is_trimmed_bounded_and_never_empty() -> None:
    assert check_text("  vu avec\x00 le site ", "the note") == "vu avec le site"
    for text, told in (("  ", "the note is empty"), ("x" * 2001, "the note has 2001 characters; write 2000 at most")):
        with pytest.raises(Refused, match=told):
            check_text(text, "the note")


def test_qualifying_takes_a_priority_that_exists() -> None:
    assert (check_qualifying(" lighting ", 2), check_qualifying("", None)) == ("lighting", "")
    for category, priority in (("", 5), ("x" * 65, 1)):
        with pytest.raises(Refused):
            check_qualifying(category, priority)


# -- the city's profile ------------------------------------------------------------------------------------------------


def test_deadlines_are_read_one_for_each_clock() -> None:
    text = "deadlines:\n - {priority: 1, acknowledged_within_s: 60, transfer_within_s: 300}\n - {category: leak, safe_within_s: 900}"
    assert parse_deadlines(text) == (
        Deadline("acknowledged", 60, "", 1), Deadline("transfer", 300, "", 1), Deadline("safe", 900, "leak", None),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deadlines: 3", "expected one key, `deadlines`"),
        ("deadlines:\n - {priority: 7, taken_within_s: 5}", "priority is 7; write 1 to 4"),
        ("deadlines:\n - {closed_within_s: 5}", "`closed_within_s` is no field"),
        ("deadlines:\n - {taken_within_s: 0}", "`taken_within_s` is 0; write seconds, 1 to"),
        ("deadlines:\n - {taken_within_s: 5}\n - {taken_within_s: 6}", "taken of all is written twice"),
        ("deadlines: [", "no YAML"),
    ],
)
def test_wrong_deadlines_are_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        parse_deadlines(text)


def test_bodies_are_read_in_their_order() -> None:
    text = (
        "bodies:\n - {code: lighting, name: Éclairage, inside: true}\n - {code: roads, name: Routes, reach: permanence}"
    )
    assert parse_bodies(text) == (Body("lighting", "Éclairage", True), Body("roads", "Routes", False, "permanence"))
    for wrong, told in (("{code: A b, name: x}", "the code is not"), ("{code: a}", "the name is not"),
                        ("{code: a, name: x, phone: 1}", "phone: the fields are"), ("3", "expected one key")):  # fmt: skip
        with pytest.raises(Malformed, match=told):
            parse_bodies(f"bodies:\n - {wrong}")

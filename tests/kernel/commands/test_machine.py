"""Whatever people, the sender, equipment and time do, in any order: a command's row, its lines and its rules agree."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from beffroi.foundation.clock import HOUR, SECOND
from beffroi.foundation.errors import BeffroiError
from beffroi.kernel.commands import actions, rules
from beffroi.kernel.commands.models import Command as Row
from beffroi.kernel.commands.types import OPEN_STATES, CommandState, Outcome, Receipt
from tests.kernel.commands.scene import (
    T0,
    ask,
    cabinet,
    equipment_says,
    karim,
    lights,
    lines,
    make_source,
    nadia,
    no,
    send,
    set_up,
    shown,
    yes,
)

CODES = ("L-00001", "L-00002", "A-014")
LEADS: dict[str, str] = {
    "ask_command": "asked authorised",
    "ask_undoing": "asked authorised",
    "authorise_command": "authorised",
    "deny_command": "denied",
    "cancel_command": "cancelled",
    "send_command": "sent",
    "keep_back_command": "authorised",
    "acknowledge_command": "acknowledged",
    "refuse_command": "failed",
    "prove_command": "effective",
    "expire_command": "expired",
    "revert_command": "reverted",
}
"""What state each line says that its command came to."""


class Life(RuleBasedStateMachine):
    """A lamp, another, a cabinet; two people; a sender; time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.atomic()
        self.point.__enter__()
        set_up()
        self.source = make_source("lighting", heard=T0 + 1000 * HOUR)
        cabinet("A-014", self.source, lights(2, self.source))
        self.now = T0
        self.people = (nadia(), karim())

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.point.__exit__(None, None, None)

    def attempt(self, act: Any) -> Any:
        """Do an act that may be refused; a refusal changes nothing."""
        before = list(Row.objects.order_by("id").values())
        try:
            with transaction.atomic():
                return act()
        except BeffroiError:
            assert list(Row.objects.order_by("id").values()) == before
            return None

    def any(self, place: int) -> Row | None:
        rows = list(Row.objects.order_by("-request__asked_at", "id")[:6])
        return rows[place % len(rows)] if rows else None

    @rule(code=st.sampled_from(CODES), who=st.integers(0, 1), hold_s=st.sampled_from([None, 300]), later=st.booleans())
    def ask(self, code: str, who: int, hold_s: int | None, later: bool) -> None:
        slug = "open_feeder" if code == "A-014" else "set_level"
        due_at = self.now + 200 * SECOND if later else None
        self.attempt(lambda: ask(slug, by=self.people[who], at=self.now, assets=(code,), hold_s=hold_s, due_at=due_at))

    @rule(
        place=st.integers(0, 5), who=st.integers(0, 1), act=st.sampled_from(["authorise", "deny", "cancel", "revert"])
    )
    def decide(self, place: int, who: int, act: str) -> None:
        row = self.any(place)
        if row is None:
            return
        by, at = self.people[who], self.now
        acts = {
            "authorise": lambda: actions.authorise(row.pk, by=by, at=at),
            "deny": lambda: actions.deny(row.pk, "non", by=by, at=at),
            "cancel": lambda: actions.cancel(row.pk, "non", by=by, at=at),
            "revert": lambda: actions.revert(row.pk, by=by, at=at),
        }
        before = row.state
        if self.attempt(acts[act]) and act == "authorise":
            assert (before, row.request.asked_by_id == by.id) == ("asked", False)

    @rule(left=st.booleans())
    def send(self, left: bool) -> None:
        if left:
            send(self.source, at=self.now)
        else:
            actions.claim("lighting", self.source, 10, sender="dead", at=self.now)

    @rule(place=st.integers(0, 5), outcome=st.sampled_from(list(Outcome)))
    def receive(self, place: int, outcome: Outcome) -> None:
        if row := self.any(place):
            actions.note_receipts({row.pk: Receipt(outcome, "non")}, sender="dead", at=self.now)

    @rule(place=st.integers(0, 5), said=st.sampled_from(["yes", "no", "shown"]))
    def hear(self, place: int, said: str) -> None:
        if row := self.any(place):
            told = {"yes": yes(row.pk, self.source), "no": no(row.pk, self.source), "shown": shown(row.pk)}[said]
            equipment_says(told, at=self.now)

    @rule(seconds=st.sampled_from([1, 30, 130, 400, 2000]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds * SECOND
        actions.pass_time(self.now)

    @invariant()
    def rows_are_as_the_rules_say(self) -> None:
        for row in Row.objects.select_related("request"):
            state = CommandState(row.state)
            assert state in rules.TABLE
            assert not row.holds or state in OPEN_STATES
            assert state not in ("sent", "acknowledged", "effective", "reverted") or row.sent_at is not None
            assert (
                state not in ("sent", "acknowledged", "effective", "reverted") or row.request.authorised_at is not None
            )
            assert (
                not row.request.terms["dangerous"]
                or row.request.authorised_by_id != row.request.asked_by_id
                or (row.request.authorised_by_id is None)
            )
            assert (row.effective_at is None) == (state not in ("effective",) and row.proof_value is None)
        holding = list(Row.objects.filter(holds=True).values_list("asset_id", flat=True))
        assert len(holding) == len(set(holding))

    @invariant()
    def lines_tell_the_states(self) -> None:
        told: dict[str, str] = {}
        for line in lines():
            if line.verb in LEADS:
                told[line.subject] = LEADS[line.verb]
        for row in Row.objects.all():
            assert row.state in told[f"command:{row.pk}"].split(), (row.state, told[f"command:{row.pk}"])


@pytest.mark.django_db(transaction=True)
def test_any_order_of_acts_keeps_the_rules() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

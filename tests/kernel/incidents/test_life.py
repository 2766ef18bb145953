"""The whole life of alarms on the real database: every event in any order, and what must be true after each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.models import Alarm, Shelving, Withdrawal
from beffroi.kernel.alarms.types import ACTIVE_STATES, OPEN_STATES, STANDING_STATES, AlarmState, Transition
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import DARK, SILENT, a_definition, make_asset, relate, viewer
from tests.kernel.alarms.replay import replay

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
TRIP = a_definition(re_alarm_s=900, escalate_after_s=300)
DOOR = a_definition(code="door_latched", title="Porte forcée", quantity="door_state", latching=True, priority=3)
S = AlarmState


class Life(RuleBasedStateMachine):
    """A cabinet that may trip, whose door latches, and the two lights that it feeds; two people, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.first = list_lines(limit=1)[0].seq if list_lines(limit=1) else 0
        alarms.publish_definitions([TRIP, SILENT, DARK, DOOR], by=SYSTEM, at=T0)
        cabinet = make_asset("A-014")
        lights = [make_asset(f"P-{place}", "light_point") for place in range(2)]
        relate(cabinet, "feeds", *lights)
        self.keys = [
            ("cabinet_tripped", cabinet),
            ("door_latched", cabinet),
            *(("light_dark", light) for light in lights),
        ]
        self.operator, self.supervisor = viewer("nadia"), viewer("claire", role=Role.ROOM_SUPERVISOR)
        self.codes = {cabinet: "A-014", lights[0]: "P-0", lights[1]: "P-1"}
        self.at = T0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def pick(self, which: int) -> tuple[str, int]:
        return self.keys[which % len(self.keys)]

    def any_alarm(self, which: int) -> int | None:
        """Return an alarm: mostly an open one, sometimes one that ended."""
        found = list(Alarm.objects.filter(state__in=OPEN_STATES).order_by("id").values_list("id", flat=True))
        found += list(Alarm.objects.filter(state=S.NORMAL).order_by("-id").values_list("id", flat=True)[:1])
        return found[which % len(found)] if found else None

    def attempt(self, act: Callable[[], Any]) -> None:
        """Do an act that may be refused; a refusal changes nothing."""
        before = snapshot()
        try:
            with transaction.atomic():
                act()
        except Conflict:
            assert snapshot() == before

    @rule(moves=st.lists(st.tuples(st.sampled_from(["raise", "return"]), st.integers(0, 3)), min_size=1, max_size=4))
    def equipment_reports(self, moves: list[tuple[Any, int]]) -> None:
        self.at += SECOND
        batch = [Transition(kind, *self.pick(which), 1.0, self.at) for kind, which in moves]
        with transaction.atomic():
            applied = alarms.apply_transitions(batch, at=self.at)
            append([*applied.lines, *actions.follow_alarms(applied, at=self.at)], at=self.at)

    @initialize(which=st.sets(st.integers(0, 3)))
    def begin_with_alarms(self, which: set[int]) -> None:
        self.equipment_reports([("raise", each) for each in which])

    @rule(which=st.integers(0, 3))
    def equipment_fails(self, which: int) -> None:
        self.equipment_reports([("raise", which)])

    @rule(which=st.integers(0, 5))
    def acknowledge(self, which: int) -> None:
        if alarm := self.any_alarm(which):
            self.attempt(lambda: alarms.acknowledge_alarm(alarm, by=self.operator, at=self.at))

    @rule(which=st.integers(0, 5), minutes=st.integers(1, 60))
    def shelve(self, which: int, minutes: int) -> None:
        if alarm := self.any_alarm(which):
            until = self.at + minutes * MINUTE
            self.attempt(lambda: actions.shelve_alarm(alarm, until=until, reason="bruit", by=self.operator, at=self.at))

    @rule(which=st.integers(0, 5))
    def unshelve(self, which: int) -> None:
        kept = list(Shelving.objects.order_by("id").values_list("id", flat=True))
        if kept:
            shelving = kept[which % len(kept)]
            self.attempt(lambda: actions.unshelve_alarm(shelving, by=self.operator, at=self.at))

    @rule(which=st.integers(0, 3), whole=st.booleans(), twice=st.booleans())
    def go_out_of_service_or_back(self, which: int, whole: bool, twice: bool) -> None:
        code, asset = self.pick(which)
        out = list(Withdrawal.objects.order_by("id").values_list("id", flat=True))
        if out and not twice:
            number = out[-1 - which % len(out)]
            self.attempt(lambda: actions.put_back_in_service(number, reason="fini", by=self.supervisor, at=self.at))
            return
        self.attempt(
            lambda: actions.take_out_of_service(
                asset=self.codes[asset], code="" if whole else code, until=self.at + HOUR, reason="travaux",
                by=self.supervisor, at=self.at,
            )
        )  # fmt: skip

    @rule()
    def reset(self) -> None:
        if alarm := Alarm.objects.filter(code="door_latched").order_by("-id").values_list("id", flat=True).first():
            self.attempt(lambda: actions.reset_alarm(alarm, by=self.operator, at=self.at))

    @rule(minutes=st.integers(4, 40))
    def time_passes(self, minutes: int) -> None:
        """Escalation, re-alarm, ends of shelvings, releases: a second look at the same instant finds nothing."""
        self.at += minutes * MINUTE
        actions.let_time_pass(at=self.at)
        self.equipment_reports([("return", 2)])
        assert actions.let_time_pass(at=self.at - SECOND) == 0

    @rule(reason=st.sampled_from(["false_alarm", "no_action"]))
    def close(self, reason: str) -> None:
        if incident := Incident.objects.exclude(state="closed").values_list("id", flat=True).first():
            self.attempt(
                lambda: actions.close_incident(incident, reason=reason, comment="essai", by=self.operator, at=self.at)
            )

    @rule()
    def reopen(self) -> None:
        if incident := Incident.objects.filter(state="closed").values_list("id", flat=True).first():
            self.attempt(lambda: actions.reopen_incident(incident, reason="encore", by=self.operator, at=self.at))

    @invariant()
    def one_open_occurrence_of_each(self) -> None:
        opened = list(Alarm.objects.filter(state__in=OPEN_STATES).values_list("code", "asset_id"))
        assert len(opened) == len(set(opened))

    @invariant()
    def nothing_is_hidden_without_a_name_and_an_end(self) -> None:
        for row in Alarm.objects.select_related("shelving", "withdrawal", "suppressed_by"):
            if row.state == S.SHELVED:
                assert row.shelving.ended_at is None and row.shelving.by_id and row.shelving.reason
            elif row.state == S.OUT_OF_SERVICE:
                assert row.withdrawal.ended_at is None and row.withdrawal.by_id and row.withdrawal.reason
            elif row.state == S.SUPPRESSED:
                assert row.suppressed_by is not None
            if row.state in ACTIVE_STATES and row.returned_at is not None:
                assert row.code == "door_latched"

    @invariant()
    def nothing_kept_aside_stands_before_people(self) -> None:
        for kept in Shelving.objects.filter(ended_at=None):
            assert not Alarm.objects.filter(code=kept.code, asset=kept.asset_id, state__in=STANDING_STATES).exists()
        for out in Withdrawal.objects.filter(ended_at=None):
            rows = Alarm.objects.filter(asset=out.asset_id, state__in=STANDING_STATES)
            assert not (rows.filter(code=out.code) if out.code else rows).exists()

    @invariant()
    def journal_alone_tells_every_state(self) -> None:
        lines = sorted((line for line in list_lines(limit=10_000) if line.seq > self.first), key=lambda line: line.seq)
        told = replay(lines, frozenset({"door_latched"}))
        assert told == {row.pk: S(row.state) for row in Alarm.objects.all()}

    @invariant()
    def figures_add_up(self) -> None:
        counts = queries.counts()
        states = list(Alarm.objects.values_list("state", flat=True))
        assert counts.open == sum(state in STANDING_STATES for state in states)
        assert counts.suppressed == states.count(S.SUPPRESSED)


def snapshot() -> tuple[Any, ...]:
    return (
        list(Alarm.objects.order_by("id").values()),
        list(Shelving.objects.order_by("id").values()),
        list(Withdrawal.objects.order_by("id").values()),
        list(Incident.objects.order_by("id").values()),
        len(list_lines(limit=10_000)),
    )


@pytest.mark.django_db
def test_whatever_happens_the_life_of_alarms_is_whole() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=30, stateful_step_count=40, deadline=None))

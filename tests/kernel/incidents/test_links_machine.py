"""Any sequence of acts on links, on the real database, against a model of sets: nothing is lost, nothing is in two places."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms.models import Alarm
from beffroi.kernel.alarms.types import AlarmState
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.actions.lines import picture_of
from beffroi.kernel.incidents.models import Incident, IncidentAlarm, Signal
from beffroi.kernel.incidents.rules import replay
from beffroi.kernel.incidents.types import OPEN_STATES, IncidentState
from beffroi.kernel.journal.queries import Filters as JournalFilters
from beffroi.kernel.journal.queries import last_seq, list_lines
from beffroi.kernel.journal.types import Line
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.alarms.replay import replay as replay_alarms
from tests.kernel.incidents.factories import T0, alarm, call, incident_of, set_up, told

pytestmark = pytest.mark.django_db
ASSETS = 4
pick = st.integers(0, 10_000)


class Links(RuleBasedStateMachine):
    """Cabinets trip and return, people call, unite, separate and take apart. `alarms` and `signals`: where each must be."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        set_up()
        self.by = viewer("lucie")
        self.at = T0
        self.assets = [make_asset(f"A-{place}") for place in range(ASSETS)]
        self.alarms: dict[int, int] = {}
        self.signals: dict[int, int] = {}
        self.over: dict[int, int] = {}
        self.firsts: dict[tuple[str, int], int] = {}
        self.lines: dict[int, set[int]] = {}
        self.first = last_seq()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    def now(self) -> int:
        self.at += SECOND
        return self.at

    def living(self) -> list[int]:
        return list(
            Incident.objects.filter(state__in=list(map(str, OPEN_STATES))).order_by("id").values_list("id", flat=True)
        )

    def root(self, number: int) -> int:
        while number in self.over:
            number = self.over[number]
        return number

    def tree(self, number: int) -> set[int]:
        return {number, *(each for each in self.over if number in self._above(each))}

    def _above(self, number: int) -> set[int]:
        found = set()
        while number in self.over:
            number = self.over[number]
            found.add(number)
        return found

    @initialize()
    def begin(self) -> None:
        self.trip(0)
        self.trip(1)

    @rule(place=pick)
    def trip(self, place: int) -> None:
        asset = self.assets[place % ASSETS]
        before = dict(self.alarms)
        number = alarm("cabinet_tripped", asset, self.now())
        where = incident_of(number)
        if number in before:
            assert where == before[number], "an alarm that comes back goes where it is"
        self.alarms[number] = where
        row = Incident.objects.get(pk=where)
        assert row.duplicate_of_id is None
        if number not in before and row.asset_id != asset:
            first = next(each for each in sorted(self.tree(where), reverse=True)
                         if Incident.objects.get(pk=each).asset_id == asset)  # fmt: skip
            self.firsts["alarm", number] = first

    @rule(place=pick)
    def settle(self, place: int) -> None:
        alarm_ids = list(self.alarms)
        if alarm_ids:
            found = Alarm.objects.get(pk=alarm_ids[place % len(alarm_ids)])
            if found.state in ("unacknowledged", "acknowledged"):
                alarm("cabinet_tripped", found.asset_id, self.now(), "return")

    @rule(attach=st.booleans(), place=pick)
    def tell(self, attach: bool, place: int) -> None:
        living = self.living()
        if attach and living:
            number = living[place % len(living)]
            actions.attach_signal(number, told(), by=self.by, at=self.now())
        else:
            number = call(at=self.now()).id
        self.signals[Signal.objects.latest("id").pk] = number

    @rule(one=pick, other=pick)
    def unite(self, one: int, other: int) -> None:
        every = list(Incident.objects.order_by("id").values_list("id", flat=True))
        moved, kept = every[one % len(every)], every[other % len(every)]
        living = set(self.living())
        before = {number: {line.seq for line in queries.history(number, limit=500)} for number in (moved, kept)}
        if moved == kept or not {moved, kept} <= living:
            with pytest.raises((Refused, Conflict)):
                actions.merge_incidents(moved, kept, by=self.by, at=self.now())
            return
        actions.merge_incidents(moved, kept, by=self.by, at=self.now())
        self.over[moved] = kept
        for kind, held in (("alarm", self.alarms), ("signal", self.signals)):
            for number, where in held.items():
                if where == moved:
                    held[number] = kept
                    self.firsts.setdefault((kind, number), moved)
        assert before[moved] | before[kept] < {line.seq for line in queries.history(kept, limit=500)}

    @precondition(lambda self: self.over)
    @rule(place=pick)
    def separate(self, place: int) -> None:
        gone = sorted(self.over)[place % len(self.over)]
        root, tree = self.root(gone), self.tree(gone)
        actions.separate_incident(gone, by=self.by, at=self.now())
        del self.over[gone]
        for kind, held in (("alarm", self.alarms), ("signal", self.signals)):
            for number, where in held.items():
                first = self.firsts.get((kind, number))
                if where == root and first in tree:
                    held[number] = gone
                    if first == gone:
                        del self.firsts[kind, number]

    @rule(place=pick, chosen=st.sets(pick, min_size=1, max_size=3))
    def take_apart(self, place: int, chosen: set[int]) -> None:
        living = self.living()
        if not living:
            return
        number = living[place % len(living)]
        here = sorted(key for key, where in self.alarms.items() if where == number)
        said = sorted(key for key, where in self.signals.items() if where == number)
        things: list[tuple[str, int]] = [*(("alarm", key) for key in here), *(("signal", key) for key in said)]
        if not things:
            return
        taken = {things[each % len(things)] for each in chosen}
        numbers: dict[str, Any] = {
            "alarm_ids": [key for kind, key in taken if kind == "alarm"],
            "signal_ids": [key for kind, key in taken if kind == "signal"],
        }
        if len(taken) == len(things):
            with pytest.raises(Refused):
                actions.split_incident(number, **numbers, by=self.by, at=self.now())
            return
        apart = actions.split_incident(number, **numbers, by=self.by, at=self.now())
        for kind, key in taken:
            (self.alarms if kind == "alarm" else self.signals)[key] = apart.id
            self.firsts.pop((kind, key), None)

    @rule()
    def acknowledge_together(self) -> None:
        names = [f"incident:{number}" for number in self.living()] + [f"alarm:{number}" for number in self.alarms]
        content = {"key": "machine", "kind": "cause"}
        with contextlib.suppress(Conflict):  # nothing waited
            actions.acknowledge_group(
                names, title="Essai", seen_at_seq=last_seq(), by=self.by, at=self.now(), content=content
            )

    @rule()
    def compare(self) -> None:
        before = last_seq()
        actions.compare_incidents(at=self.now())
        assert last_seq() >= before
        for number, over in Incident.objects.exclude(duplicate_of=None).values_list("id", "duplicate_of_id"):
            if number not in self.over:  # a safe rule united them
                self.over[number] = over
                for kind, held in (("alarm", self.alarms), ("signal", self.signals)):
                    for key, where in held.items():
                        if where == number:
                            held[key] = over
                            self.firsts.setdefault((kind, key), number)

    @invariant()
    def everything_is_where_it_must_be_and_in_one_living_incident(self) -> None:
        assert dict(IncidentAlarm.objects.values_list("alarm_id", "incident_id")) == self.alarms
        assert dict(Signal.objects.values_list("id", "incident_id")) == self.signals
        assert set(
            Incident.objects.filter(duplicate_of=None, pk__in=self.alarms.values()).values_list("id", flat=True)
        ) == {*self.alarms.values()}
        assert dict(Incident.objects.exclude(duplicate_of=None).values_list("id", "duplicate_of_id")) == self.over

    @invariant()
    def no_line_is_lost_and_duplicates_are_closed(self) -> None:
        for number in Incident.objects.values_list("id", flat=True):
            lines = {line.seq for line in queries.history(number, limit=500) if line.subject == f"incident:{number}"}
            assert self.lines.get(number, set()) <= lines
            self.lines[number] = lines
            assert queries.living_of(number) == self.root(number)
        assert set(Incident.objects.exclude(duplicate_of=None).values_list("state", flat=True)) <= {
            IncidentState.DUPLICATE
        }

    @invariant()
    def journal_alone_tells_every_incident_and_every_alarm(self) -> None:
        lines: list[Line] = []
        while found := list_lines(JournalFilters(after_seq=lines[-1].seq if lines else self.first), limit=500):
            lines += found
        for row in Incident.objects.all():
            assert replay(row.pk, (line.content for line in lines)) == picture_of(row)
        told = replay_alarms(lines)
        assert told == {row.pk: AlarmState(row.state) for row in Alarm.objects.filter(pk__in=self.alarms)}


def test_no_sequence_of_acts_loses_or_doubles_anything(db: None) -> None:
    run_state_machine_as_test(
        Links,
        settings=settings(
            max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

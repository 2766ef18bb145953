"""Any sequence of acts of crews and rooms, on the real database, against a model: no crew with two missions, none it did not accept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.models import LIVE, Aboard, Distress, LastPosition, Mission, Unit
from beffroi.kernel.dispatch.rules import next_state
from beffroi.kernel.dispatch.types import ENGAGED_STATES, MissionEvent, MissionState, UnitStatus
from beffroi.kernel.dispatch.types import Mission as Mission_
from beffroi.kernel.incidents.queries import get as get_incident
from tests.kernel.dispatch.scene import T0, call, crew, room, set_up

pytestmark = pytest.mark.django_db
CREWS = {"lumiere-1": "maud", "lumiere-2": "omar", "patrouille-1": "pm1"}
pick = st.integers(0, 10_000)
ByPhone = Callable[..., Mission_]
PHONE: dict[MissionEvent, ByPhone] = {
    MissionEvent.ACCEPT: actions.accept_mission,
    MissionEvent.REFUSE: lambda n, **sent: actions.refuse_mission(n, reason="panne", **sent),
    MissionEvent.DEPART: actions.depart,
    MissionEvent.ARRIVE: actions.arrive,
}
"""What may be pressed without network, and sent when it is back."""

EVENTS = {
    MissionEvent.ACCEPT: lambda n, by, at: actions.accept_mission(n, by=by, at=at, token=f"t{at}"),
    MissionEvent.REFUSE: lambda n, by, at: actions.refuse_mission(n, reason="panne", by=by, at=at, token=f"t{at}"),
    MissionEvent.DEPART: lambda n, by, at: actions.depart(n, by=by, at=at, token=f"t{at}"),
    MissionEvent.ARRIVE: lambda n, by, at: actions.arrive(n, by=by, at=at, token=f"t{at}"),
    MissionEvent.MAKE_SAFE: lambda n, by, at: actions.make_safe(n, by=by, at=at, token=f"t{at}"),
    MissionEvent.FINISH: lambda n, by, at: actions.finish(
        n, outcome="not_done", comment="x", by=by, at=at, token=f"t{at}"
    ),
    MissionEvent.CANCEL: lambda n, by, at: actions.cancel_mission(n, reason="x", by=room(), at=at),
}


class Crews(RuleBasedStateMachine):
    """Three crews come and go, are sent, obey or refuse. `states`: what each mission must be; `duty`: who is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        set_up()
        self.at = T0
        self.states: dict[int, MissionState] = {}
        self.of: dict[int, str] = {}
        self.duty: dict[str, str] = dict.fromkeys(CREWS, "off")
        self.distress: set[str] = set()
        self.waiting: list[tuple[int, MissionEvent, int]] = []
        self.answers: list[tuple[int, MissionEvent, int, Mission_]] = []

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    def now(self, seconds: int = 1) -> int:
        self.at += seconds * SECOND
        return self.at

    def live(self, slug: str) -> int | None:
        return next((n for n, state in self.states.items() if self.of[n] == slug and str(state) in LIVE), None)

    @initialize()
    def begin(self) -> None:
        self.incident = call(self.now()).id
        self.on(0)
        self.send(0)

    @rule(place=pick)
    def on(self, place: int) -> None:
        slug = list(CREWS)[place % 3]
        actions.go_on_duty(headcount=1 + place % 2, by=crew(CREWS[slug]), at=self.now())
        self.duty[slug] = "on"

    @rule(place=pick, leave=st.sampled_from(["break", "end"]))
    def off(self, place: int, leave: str) -> None:
        slug = list(CREWS)[place % 3]
        act = actions.take_break if leave == "break" else actions.end_duty
        stays = leave == "end" and slug in self.distress
        if self.duty[slug] == "off" or self.live(slug) is not None or stays:
            with pytest.raises(Conflict):
                act(by=crew(CREWS[slug]), at=self.now())
            return
        act(by=crew(CREWS[slug]), at=self.now())
        self.duty[slug] = "break" if leave == "break" else "off"

    @rule(place=pick)
    def send(self, place: int) -> None:
        slug = list(CREWS)[place % 3]
        if self.duty[slug] == "off" or slug in self.distress or self.live(slug) is not None:
            with pytest.raises(Conflict):
                actions.propose_mission(self.incident, slug, by=room(), at=self.now())
            return
        number = actions.propose_mission(self.incident, slug, by=room(), at=self.now()).number
        self.states[number], self.of[number] = MissionState.PROPOSED, slug

    @rule(place=pick, event=st.sampled_from(list(EVENTS)))
    def act(self, place: int, event: MissionEvent) -> None:
        if not self.states:
            return
        number = list(self.states)[place % len(self.states)]
        slug = self.of[number]
        after = next_state(self.states[number], event)
        by = crew(CREWS[slug])
        if after is None:
            with pytest.raises((Conflict, Refused)):
                EVENTS[event](number, by, self.now())
            return
        at = self.now()
        first = EVENTS[event](number, by, at)
        if event is not MissionEvent.CANCEL:
            assert EVENTS[event](number, by, at) == first, "sent again, it is answered the same"
        self.states[number] = after
        if event in (MissionEvent.ACCEPT, MissionEvent.DEPART) and self.duty[slug] == "break":
            self.duty[slug] = "on"

    @rule(place=pick, event=st.sampled_from(list(PHONE)))
    def press_offline(self, place: int, event: MissionEvent) -> None:
        """Press without network: nothing leaves, and the room goes on."""
        if self.states:
            self.waiting.append((list(self.states)[place % len(self.states)], event, self.now()))

    @rule()
    def come_back(self) -> None:
        """Send what waits, in its order, each dated when it was pressed."""
        for number, event, pressed in self.waiting:
            after = next_state(self.states[number], event)
            if after is None:
                with pytest.raises((Conflict, Refused)):
                    self.send_again(number, event, pressed, self.now())
                continue
            answer = self.send_again(number, event, pressed, self.now())
            self.answers.append((number, event, pressed, answer))
            self.states[number] = after
            slug = self.of[number]
            if event in (MissionEvent.ACCEPT, MissionEvent.DEPART) and self.duty[slug] == "break":
                self.duty[slug] = "on"
        self.waiting.clear()

    def send_again(self, number: int, event: MissionEvent, pressed: int, at: int) -> Mission_:
        by = crew(CREWS[self.of[number]])
        return PHONE[event](number, by=by, at=at, token=f"p{pressed}", effective_at=pressed)

    @rule(place=pick)
    def hear_an_answer_again(self, place: int) -> None:
        """A phone that lost an answer asks for it long after: it is the first one, and nothing moves."""
        if self.answers:
            number, event, pressed, answer = self.answers[place % len(self.answers)]
            assert self.send_again(number, event, pressed, self.now()) == answer

    @rule(place=pick)
    def tell_position(self, place: int) -> None:
        slug = list(CREWS)[place % 3]
        if self.duty[slug] == "off":
            with pytest.raises(Refused):
                actions.report_position(5.05, 47.32, by=crew(CREWS[slug]), at=self.now())
        else:
            actions.report_position(5.05 + place / 1e6, 47.32, by=crew(CREWS[slug]), at=self.now())

    @rule(place=pick)
    def call_for_help(self, place: int) -> None:
        slug = list(CREWS)[place % 3]
        actions.raise_distress(by=crew(CREWS[slug]), at=self.now())
        self.distress.add(slug)

    @rule(place=pick)
    def help_came(self, place: int) -> None:
        for row in list(Distress.objects.filter(ended_at=None))[: 1 + place % 2]:
            actions.answer_distress(row.pk, by=room(), at=self.now())
            actions.end_distress(row.pk, reason="va bien", by=room(), at=self.now())
            self.distress.discard(row.unit.slug)

    @rule(seconds=st.sampled_from([1, 100, 700, 1000]))
    def pass_time(self, seconds: int) -> None:
        actions.pass_time(self.now(seconds))
        self.distress |= set(Distress.objects.filter(ended_at=None).values_list("unit__slug", flat=True))
        assert actions.pass_time(self.at) == 0, "the same instant told twice"

    @invariant()
    def missions_are_what_they_must_be(self) -> None:
        rows = dict(Mission.objects.values_list("id", "state"))
        assert rows == {number: str(state) for number, state in self.states.items()}
        live = list(Mission.objects.filter(state__in=LIVE).values_list("unit__slug", flat=True))
        assert len(live) == len(set(live))
        engaged = Mission.objects.filter(state__in=[str(state) for state in ENGAGED_STATES])
        assert not engaged.filter(accepted_at=None).exists()
        assert not Mission.objects.filter(accepted_at__lt=F("proposed_at")).exists()

    @invariant()
    def status_follows_from_duty_mission_and_distress(self) -> None:
        for unit in queries.units(seen_by=room("observer")):
            assert str(unit.duty) == self.duty[unit.slug]
            assert (unit.status == UnitStatus.DISTRESS) is (unit.slug in self.distress)
            assert unit.mission == self.live(unit.slug)

    @invariant()
    def nobody_is_followed_off_duty(self) -> None:
        followed = set(LastPosition.objects.values_list("unit__slug", flat=True))
        assert all(self.duty[slug] != "off" for slug in followed)
        coarse = set(LastPosition.objects.filter(coarse=False).values_list("unit__duty", flat=True))
        assert "break" not in coarse
        off = Unit.objects.filter(duty="off").values("id")
        assert not Aboard.objects.filter(unit__in=off, ended_at=None).exists()

    @invariant()
    def the_incident_is_engaged_once_somebody_accepted(self) -> None:
        if hasattr(self, "incident"):
            accepted = Mission.objects.exclude(accepted_at=None).exists()
            assert (get_incident(self.incident, room("observer")).engaged_at is not None) is accepted


def test_no_sequence_of_acts_sends_a_crew_twice_or_follows_somebody_off_duty(db: None) -> None:
    run_state_machine_as_test(
        Crews,
        settings=settings(
            max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

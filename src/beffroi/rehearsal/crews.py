"""The crews of the city: they come on duty, answer, drive along the streets, work, and report. What each does next; no I/O.

A crew sees what a crew's phone sees (`Own`, from the API) and answers with acts for the API. Everything it draws comes from
its own random numbers, so that the same seed gives the same crew. What it repairs is the city's own equipment, where it
stands: an alarm ends because the cabinet is rearmed, never because a form was filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import msgspec

from beffroi.foundation.clock import HOUR, MINUTE, SECOND, Instant
from beffroi.rehearsal.equipment.roads import Journey, Position, Roads, metres_between

LIVE = ("proposed", "accepted", "en_route", "on_site")
OFF, ON, ON_BREAK = "off", "on", "break"
FROM_BASE_M = 3_000.0
"""A base farther than this from every street lies in another city: the crew then stands somewhere in this one."""

_COMES_S = (2.0, 45.0)
_ANSWERS_S = (6.0, 35.0)
_LEAVES_S = (10.0, 50.0)
_WORKS_S = (90.0, 280.0)
_BREAK_AFTER: tuple[Instant, Instant] = (90 * MINUTE, 180 * MINUTE)
_BREAK: Instant = 15 * MINUTE
_RESTS: Instant = HOUR
_MOVING: Instant = 4 * SECOND
_STANDING: Instant = 50 * SECOND
_LONGEST_STEP_S = 30.0
_REFUSAL = "Encore retenus sur une autre intervention."


class Line(msgspec.Struct, frozen=True):
    """A line of a mission's list."""

    text: str
    checked_at: str | None = None


class OwnMission(msgspec.Struct, frozen=True):
    """What a crew needs of a mission."""

    id: int
    state: str
    lon: float
    lat: float
    checklist: list[Line] = []
    safe_at: str | None = None


class OwnUnit(msgspec.Struct, frozen=True):
    """What a crew knows of itself."""

    id: str
    duty: str


class Own(msgspec.Struct, frozen=True):
    """What a crew's phone shows."""

    unit: OwnUnit | None
    missions: list[OwnMission] = []


class Entry(msgspec.Struct, frozen=True):
    """One crew of `crews.json`. `shared`: people man it too, so it is left to them."""

    token: str
    username: str
    base: tuple[float, float]
    vehicle: str
    desk: str
    headcount: int = 2
    shared: bool = False


class Act(NamedTuple):
    """Something to tell the post: an address under `/api/v1/`, a body, and the key under which it is done once."""

    path: str
    body: Mapping[str, Any]
    key: str


@dataclass(slots=True)
class _Plan:
    """When a crew does what it has to do next about one mission, drawn when it first sees it in a state."""

    state: str
    at: Instant
    until: Instant


Repair = Callable[[Position, Instant], str | None]
"""Repairs what has failed at a place; returns its name, or None where nothing had."""


class Crew:
    """One crew. `silent` and `refuses` are switched by the director of failures; `tempo`: how many times faster than life."""

    def __init__(
        self,
        slug: str,
        entry: Entry,
        roads: Roads,
        start: Instant,
        random: Random,
        repair: Repair,
        *,
        tempo: float = 1.0,
    ) -> None:
        self.slug, self.entry, self._tempo = slug, entry, tempo
        self.silent = self.refuses = False
        self._roads, self._random, self._repair = roads, random, repair
        self._base = self._place(entry.base)
        self._at: Position = self._base
        self._journey: Journey | None = None
        self._comes_at = start + self._drawn(_COMES_S)
        self._breaks_at = start + random.randint(*_BREAK_AFTER)
        self._break_ends = start
        self._on_duty = False
        self._last = start
        self._told_at: Instant = 0
        self._plan: _Plan | None = None
        self._mission = 0

    def step(self, now: Instant, own: Own) -> list[Act]:
        """Return what the crew tells the post now, in order; nothing for who is silent or has no crew."""
        passed_s = min((now - self._last) / SECOND, _LONGEST_STEP_S) * self._tempo
        self._last = now
        if self.silent or own.unit is None or self.entry.shared:
            return []
        if own.unit.duty == OFF:
            return self._come(now)
        self._on_duty = True
        self._drive(passed_s)
        live = next((each for each in own.missions if each.state in LIVE), None)
        acts = self._pause(now, own.unit.duty) if live is None else self._carry_out(live, now)
        if live is None and self._mission:
            self._mission, self._plan = 0, None
            self._go(self._base)
        return [*acts, *self._report(now)]

    def _come(self, now: Instant) -> list[Act]:
        if self._on_duty:  # the post ended the duty: it lasted its time
            self._on_duty, self._comes_at, self._journey = False, now + _RESTS, None
        if now < self._comes_at:
            return []
        self._told_at = 0
        body = {"headcount": self.entry.headcount, "shares": True}
        return [Act("dispatch/duty/begin", body, f"{self.slug}-begin-{now}")]

    def _pause(self, now: Instant, duty: str) -> list[Act]:
        if duty == ON and now >= self._breaks_at:
            self._break_ends = now + _BREAK
            self._breaks_at = now + self._random.randint(*_BREAK_AFTER)
            return [Act("dispatch/duty/break", {}, f"{self.slug}-break-{now}")]
        if duty == ON_BREAK and now >= self._break_ends:
            return [Act("dispatch/duty/resume", {}, f"{self.slug}-resume-{now}")]
        return []

    def _carry_out(self, mission: OwnMission, now: Instant) -> list[Act]:
        if self._plan is None or self._mission != mission.id or self._plan.state != mission.state:
            self._mission = mission.id
            self._plan = self._begin(mission, now)
        plan = self._plan
        if mission.state == "on_site":
            return self._work(mission, plan, now)
        if mission.state == "en_route":
            return [self._act(mission, "arrive")] if self._journey is None else []
        if now < plan.at:
            return []
        if mission.state == "accepted":
            return [self._act(mission, "depart")]
        if self.refuses:
            return [self._act(mission, "refuse", reason=_REFUSAL)]
        return [self._act(mission, "accept")]

    def _begin(self, mission: OwnMission, now: Instant) -> _Plan:
        """Draw how long the crew takes for what this state asks of it."""
        if mission.state == "en_route":
            self._go((mission.lon, mission.lat))
            return _Plan(mission.state, now, now)
        if mission.state == "on_site":
            self._journey, self._at = None, (mission.lon, mission.lat)
            return _Plan(mission.state, now, now + self._drawn(_WORKS_S))
        waits = self._drawn(_ANSWERS_S if mission.state == "proposed" else _LEAVES_S)
        return _Plan(mission.state, now + waits, now + waits)

    def _work(self, mission: OwnMission, plan: _Plan, now: Instant) -> list[Act]:
        """Check the list line by line, repair and make safe on the way, finish at the end."""
        span = max(plan.until - plan.at, 1)
        share = (now - plan.at) / span
        due = min(int(share * (len(mission.checklist) + 1)), len(mission.checklist))
        acts = [
            self._act(mission, "check", line=place, checked=True)
            for place, line in enumerate(mission.checklist[:due])
            if line.checked_at is None
        ]
        if share >= 0.6 and mission.safe_at is None:
            self._repair((mission.lon, mission.lat), now)
            acts.append(self._act(mission, "make-safe"))
        if now >= plan.until:
            acts.append(self._act(mission, "finish", outcome="repaired", comment="Fait, essayé, rangé."))
        return acts

    def _act(self, mission: OwnMission, verb: str, **body: Any) -> Act:
        line = f"-{body['line']}" if verb == "check" else ""
        return Act(f"missions/{mission.id}/{verb}", body, f"{self.slug}-{mission.id}-{verb}{line}")

    def _report(self, now: Instant) -> list[Act]:
        """Tell the position: every few seconds on the way, now and then while standing."""
        if now - self._told_at < (_MOVING if self._journey is not None else _STANDING):
            return []
        self._told_at = now
        lon, lat = self._at
        body = {"lon": round(lon, 6), "lat": round(lat, 6), "accuracy_m": 8.0}
        return [Act("dispatch/positions", body, "")]

    def _go(self, to: Position) -> None:
        streets = self._roads.route(self._roads.nearest(self._at), self._roads.nearest(to))
        self._journey = Journey(streets, self._random) if streets else None

    def _drive(self, seconds: float) -> None:
        if self._journey is None:
            return
        self._journey.advance(seconds)
        self._at = self._journey.whereabouts().position
        if self._journey.ended:
            self._journey = None

    def _place(self, base: Position) -> Position:
        near = self._roads.nearest(base)
        return base if metres_between(near, base) < FROM_BASE_M else self._random.choice(self._roads.crossings)

    def _drawn(self, bounds_s: tuple[float, float]) -> Instant:
        return int(self._random.uniform(*bounds_s) / self._tempo * SECOND)

"""Crews, missions and distress as the API answers them."""

from __future__ import annotations

import msgspec


class UnitPosition(msgspec.Struct):
    """Where a crew on duty was last; `coarse` during a break, when only a square of the grid is kept."""

    lon: float
    lat: float
    observed_at: str
    accuracy_m: float | None
    coarse: bool


class Unit(msgspec.Struct):
    """A crew. `id` is its slug. `position` is null off duty, with its switch off, or once it was erased."""

    id: str
    name: str
    callsign: str
    kind: str
    desk: str
    post: str
    vehicle: str
    skills: list[str]
    status: str
    duty: str
    duty_since: str | None
    headcount: int
    alone: bool
    crew: list[str]
    shares: bool
    position: UnitPosition | None
    base: list[float]
    mission: int | None
    mission_state: str | None
    distress: int | None
    reason: str
    version: int


class Units(msgspec.Struct):
    """A page of crews."""

    items: list[Unit]
    next: str | None = None


class Candidate(msgspec.Struct):
    """A crew that may be sent, how long it needs, and why it stands where it does, in one sentence."""

    unit: Unit
    travel_s: int
    metres: int
    by_streets: bool
    from_base: bool
    position_age_s: int | None
    stale: bool
    missing: list[str]
    free: bool
    reason: str


class Candidates(msgspec.Struct):
    """Crews on duty, the first to think of first."""

    items: list[Candidate]
    next: str | None = None


class ChecklistItem(msgspec.Struct):
    """A line of a mission's list, and when it was checked."""

    text: str
    checked_at: str | None


class Mission(msgspec.Struct):
    """A mission: one crew sent for one incident. `silent` names what the crew did not do in its time."""

    id: int
    incident: int
    reference: str
    unit: str
    callsign: str
    state: str
    priority: int
    title: str
    instructions: str
    hazards: str
    checklist: list[ChecklistItem]
    lon: float
    lat: float
    address: str
    commune: str
    proposed_at: str
    proposed_by: str
    accepted_at: str | None
    departed_at: str | None
    arrived_at: str | None
    safe_at: str | None
    ended_at: str | None
    outcome: str
    travel_s: int | None
    silent: str
    version: int


class Missions(msgspec.Struct):
    """A page of missions."""

    items: list[Mission]
    next: str | None = None


class Distress(msgspec.Struct):
    """Somebody of a crew asks for help. `lon` and `lat` are null where no position was known; `place` is in words."""

    id: int
    unit: str
    callsign: str
    kind: str
    incident: int
    reference: str
    raised_at: str
    place: str
    commune: str
    lon: float | None
    lat: float | None
    mission: int | None
    answered_at: str | None
    answered_by: str
    ended_at: str | None


class Distresses(msgspec.Struct):
    """The distresses that stand, those without an answer first."""

    items: list[Distress]
    next: str | None = None


class OwnCrew(msgspec.Struct):
    """A crew's own: what it is, its missions (the live one first, then those that ended within a day), its distress."""

    unit: Unit | None
    missions: list[Mission]
    distress: Distress | None

"""Incidents, their hand-overs and categories."""

from __future__ import annotations

import msgspec

from beffroi.api.shapes.journal import Line


class Incident(msgspec.Struct):
    """An incident: place, state and need. Its states, clocks and deadlines are in docs/reference/deadlines.

    `missed` names the clocks whose deadline passed; `due_clock` is the next, at `due_at`, or with `due_left_s` seconds left
    while its deadlines are paused. `round` counts its openings: deadlines run from `round_at`. `description` is empty for who may
    not read what names persons, and once it was erased (`description_erased_at`).
    """

    id: int
    reference: str
    title: str
    category: str
    priority: int
    state: str
    desk: str
    place: str
    commune: str
    lon: float
    lat: float
    asset: str | None
    asset_name: str
    owner: str
    owner_name: str
    opened_at: str
    acknowledged_at: str | None
    taken_at: str | None
    resolved_at: str | None
    closed_at: str | None
    close_reason: str
    alarms: list[int]
    version: int
    description: str
    description_erased_at: str | None
    origin: str
    channel: str
    duplicate_of: str | None
    associated: list[str]
    received_at: str
    engaged_at: str | None
    on_site_at: str | None
    safe_at: str | None
    held_until: str | None
    due_clock: str
    due_at: str | None
    due_left_s: int | None
    missed: list[str]
    round: int
    round_at: str
    proposed_to: str
    proposed_until: str | None
    transferred_to: str


class Transfer(msgspec.Struct):
    """A proposal to hand an incident over to a desk or a body outside, and what became of it."""

    id: int
    from_desk: str
    to: str
    to_name: str
    inside: bool
    state: str
    proposed_at: str
    due_at: str | None
    answered_at: str | None


class IncidentDetail(Incident):
    """An incident with the proposals to hand it over, the latest first.

    `thread`: what the journal says of it, of its duplicates and of its alarms, the newest first (200 lines at most), with
    corrections; empty for who may not read the journal.
    """

    transfers: list[Transfer]
    thread: list[Line]


class Incidents(msgspec.Struct):
    """A page of incidents, the newest first."""

    items: list[Incident]
    next: str | None


class Category(msgspec.Struct):
    """What an incident may be about: what to write in `category` when one is told."""

    id: str
    title: str
    desk: str
    priority: int


class Categories(msgspec.Struct):
    """Every category in force, in the order of the city's profile; there is no other page."""

    items: list[Category]
    next: None = None

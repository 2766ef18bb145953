"""Sending a crew: proposing a mission to it, and calling it back. Of two who send the same crew, one wins; the other is told."""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import (
    in_case,
    live_mission,
    lock_mission,
    lock_unit,
    mission_line,
    moved_on,
    who_and_when,
    wrote,
)
from beffroi.kernel.dispatch.models import Distress, Mission, Unit
from beffroi.kernel.dispatch.queries import card_of, mission_of
from beffroi.kernel.dispatch.types import DutyState, MissionEvent, MissionState, Point
from beffroi.kernel.dispatch.types import Mission as Seen
from beffroi.kernel.incidents.actions import hold_engaged
from beffroi.kernel.incidents.queries import get as get_incident
from beffroi.kernel.incidents.rules import case_of, reference_of
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer


def propose_mission(
    incident: int,
    unit: str,
    *,
    title: str = "",
    instructions: str = "",
    hazards: str | None = None,
    checklist: tuple[str, ...] | None = None,
    place: Point | None = None,
    address: str = "",
    travel_s: int | None = None,
    by: Viewer,
    at: Instant,
) -> Seen:
    """Propose to a crew to go for an incident. Journalled in the incident's thread; personal words in it are encrypted.

    Hazards and list come from the city's card of the category unless they are given, the place from the incident.
    Raises Forbidden, NotFound, Refused, and Conflict: the incident is closed, the crew is off duty or in distress, or has
    a mission already, and then it says who gave it.
    """
    card = card_of(get_incident(incident, by).category)
    orders = rules.check_text(instructions, "the instructions", needed=False)
    dangers = rules.check_text(card.hazards if hazards is None else hazards, "the hazards", needed=False)
    listed = rules.check_list(card.checklist if checklist is None else checklist)
    with transaction.atomic():
        crew = lock_unit(unit)
        require(by, Verb.PROPOSE, Kind.MISSION, desk=crew.desk)
        _check_free(crew)
        about = hold_engaged(incident)
        where = Point(about.lon, about.lat) if place is None else place
        rules.check_position(where.lon, where.lat, None)
        row = Mission(
            incident_id=about.id,
            unit=crew,
            state=MissionState.PROPOSED,
            priority=about.priority,
            title=(title.replace("\x00", "").strip() or about.title)[:200],
            instructions=keep_words(case_of(about.id), orders, at=at),
            hazards=keep_words(case_of(about.id), dangers, at=at),
            checklist=list(listed),
            checked=[None] * len(listed),
            lon=where.lon,
            lat=where.lat,
            address=(address.replace("\x00", "").strip() or about.place)[:200],
            commune=about.commune,
            travel_s=travel_s,
            proposed_at=to_datetime(at),
            proposed_by_id=by.id,
            proposed_name=by.display_name[:120],
        )
        wrote(row, crew, MissionEvent.PROPOSE, by.display_name, at)
        append([in_case(mission_line(row, "propose_mission", by.actor), row, instructions=orders)], at=at)
        return mission_of(row)


def cancel_mission(number: int, *, reason: str, by: Viewer, at: Instant) -> Seen:
    """Call a crew back from a mission that it has not ended, saying why. Journalled; personal words are encrypted.

    Raises Forbidden, NotFound, Refused without a reason, and Conflict naming who ended it first.
    """
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        unit, row = lock_mission(number)
        require(by, Verb.CANCEL, Kind.MISSION, desk=unit.desk)
        after = rules.next_state(MissionState(row.state), MissionEvent.CANCEL)
        if after is None:
            raise moved_on(row)
        row.state, row.ended_at = after, to_datetime(at)
        row.reason = keep_words(case_of(row.incident_id), why, at=at)
        wrote(row, unit, MissionEvent.CANCEL, by.display_name, at)
        append([in_case(mission_line(row, "cancel_mission", by.actor), row, reason=why)], at=at)
        return mission_of(row)


def _check_free(crew: Unit) -> None:
    if crew.duty == DutyState.OFF:
        raise Conflict(f"{crew.name} is off duty", key="off-duty")
    if Distress.objects.filter(unit_id=crew.pk, ended_at=None).exists():
        raise Conflict(f"{crew.name} is in distress: help it first", key="in-distress")
    other = live_mission(crew)
    if other is not None:
        reference = reference_of(other.incident_id, from_datetime(other.incident.opened_at))
        told = who_and_when(other.proposed_name, other.proposed_at)
        raise Conflict(f"{crew.name} was engaged for {reference} by {told}", key="already-engaged")
    if crew.duty == DutyState.UNAVAILABLE:
        raise Conflict(f"{crew.name} is unavailable: {crew.reason or 'no reason told'}", key="unavailable")

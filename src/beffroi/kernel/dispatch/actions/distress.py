"""Distress: raised by a crew at a touch, or by the silence of somebody alone; answered by one person, by name.

It stands before everybody until somebody answers it, and there is no way to put it aside: it is answered, then ended with
a reason.
"""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import BeffroiError, Conflict, NotFound, Refused
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import (
    ROOM,
    Sent,
    answered_before,
    changed,
    keep_answer,
    live_mission,
    lock_unit,
    watch,
    who_and_when,
)
from beffroi.kernel.dispatch.models import Distress, LastPosition, Mission, Unit
from beffroi.kernel.dispatch.queries import distress_of, is_of_crew, slug_of_person
from beffroi.kernel.dispatch.types import Distress as Seen
from beffroi.kernel.dispatch.types import DistressKind, Point
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.incidents.types import Channel, Told
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer


def raise_distress(*, unit: str = "", position: Point | None = None, by: Viewer, at: Instant, token: str = "") -> Seen:
    """Ask for help, at once: an incident of the first priority opens where the crew is. Journalled.

    Never refused for want of a place: the last position, the mission's place, then where the crew starts from stand for
    it. Raised again while one stands, it is that one. Raises Forbidden, and Refused for who is in no crew.
    """
    if position is not None:
        rules.check_position(position.lon, position.lat, None)
    slug = unit or slug_of_person(by)
    if not slug:
        raise Refused("you are in no crew: call the room", key="no-crew")
    place = [position.lon, position.lat] if position else None
    sent = Sent(token, "raise_distress", f"unit:{slug}", {"position": place})
    with transaction.atomic():
        crew = lock_unit(slug)
        if not is_of_crew(by, crew):
            require(by, Verb.OPEN, Kind.DISTRESS, desk=crew.desk)
        before = answered_before(sent, by, Seen)
        if before is not None:
            return before
        standing = Distress.objects.filter(unit_id=crew.pk, ended_at=None).first()
        row = standing or open_distress(crew, DistressKind.BUTTON, position, by.actor, by.id, at)
        answer = read(row.pk)
        keep_answer(sent, by, answer, at)
        return answer


def open_distress(
    crew: Unit, kind: DistressKind, position: Point | None, actor: Actor, person: int | None, at: Instant
) -> Distress:
    """Raise a distress of a crew that is locked, in the caller's transaction, with its incident and its line."""
    mission = live_mission(crew)
    known = position or _last_known(crew, mission)
    where = known or Point(crew.base_lon, crew.base_lat)
    category = rules.category_of(kind, crew.callsign, crew.desk)
    channel = Channel.APPLICATION if kind is DistressKind.BUTTON else Channel.PROCEDURE
    told = Told(category.code, where.lon, where.lat, priority=1, channel=channel)
    incident = incidents.open_for_crew(told, category, actor=actor, at=at).incident
    row = Distress.objects.create(
        unit=crew,
        mission=mission,
        incident_id=incident.id,
        kind=kind,
        raised_at=to_datetime(at),
        raised_by_id=person,
        lon=known.lon if known else None,
        lat=known.lat if known else None,
        place=incident.place,
        commune=incident.commune,
    )
    changed(crew)
    append([_line(row, "raise_distress", actor, kind=str(kind), place_known=known is not None)], at=at)
    return row


def answer_distress(number: int, *, by: Viewer, at: Instant) -> Seen:
    """Answer a distress: from now on one person has it, by name, and its incident too. Journalled.

    Answering again what one answered changes nothing. Raises Forbidden, NotFound, and Conflict naming who answered.
    """
    with transaction.atomic():
        row = _locked(number)
        require(by, Verb.ACKNOWLEDGE, Kind.DISTRESS, desk=row.unit.desk)
        if row.answered_by is not None:
            if row.answered_by_id == by.id:
                return distress_of(row)
            told = who_and_when(row.answered_by.display_name, row.answered_at)
            raise Conflict(f"the distress of {row.unit.name} was answered by {told}", key="already-answered")
        row.answered_at, row.answered_by_id = to_datetime(at), by.id
        row.save()
        changed(row.unit)
        _take(row.incident_id, by, at)
        append([_line(row, "answer_distress", by.actor)], at=at)
        return read(number)


def end_distress(number: int, *, reason: str, by: Viewer, at: Instant) -> Seen:
    """End a distress, saying what became of it. Journalled; the reason is encrypted. It must have been answered.

    Raises Forbidden, NotFound, Refused without a reason or an answer, and Conflict naming who ended it first.
    """
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row = _locked(number)
        require(by, Verb.CLOSE, Kind.DISTRESS, desk=row.unit.desk)
        if row.ended_by is not None:
            told = who_and_when(row.ended_by.display_name, row.ended_at)
            raise Conflict(f"the distress of {row.unit.name} was ended by {told}", key="already-ended")
        if row.answered_at is None:
            raise Refused("nobody answered it yet: answer it first, and speak with the crew", key="not-answered")
        row.ended_at, row.ended_by_id = to_datetime(at), by.id
        row.save()
        mission = live_mission(row.unit)
        if mission is not None:
            mission.sign_at, mission.silent = to_datetime(at), ""
            watch(mission, row.unit, at)
            mission.save()
        changed(row.unit)
        append([_line(row, "end_distress", by.actor, personal={"reason": why})], at=at)
        return read(number)


def read(number: int) -> Seen:
    """Return a distress read anew, for who has just acted on it."""
    rows = Distress.objects.select_related("unit", "incident", "raised_by", "answered_by", "ended_by")
    return distress_of(rows.get(pk=number))


def _locked(number: int) -> Distress:
    slug = Distress.objects.filter(pk=number).values_list("unit__slug", flat=True).first()
    if slug is None:
        raise NotFound(f"there is no distress {number}")
    unit = lock_unit(slug)
    rows = Distress.objects.select_related("unit", "incident", "raised_by", "answered_by", "ended_by")
    row = rows.get(pk=number)
    row.unit = unit
    return row


def _take(incident: int, by: Viewer, at: Instant) -> None:
    """Take the incident of a distress with it; one that somebody leads already, or may not be taken, stays as it is."""
    try:
        with transaction.atomic():
            incidents.take_incident(incident, by=by, at=at)
    except BeffroiError:
        return


def _last_known(crew: Unit, mission: Mission | None) -> Point | None:
    last = LastPosition.objects.filter(unit_id=crew.pk).first()
    if last is not None:
        return Point(last.lon, last.lat)
    return Point(mission.lon, mission.lat) if mission is not None else None


def _line(
    row: Distress, verb: str, actor: Actor, *, personal: dict[str, str] | None = None, **content: object
) -> Entry:
    told = {"crew": row.unit.callsign, "desk": row.unit.desk, "commune": row.commune, **content}
    related: tuple[str, ...] = (f"incident:{row.incident_id}", f"unit:{row.unit.slug}")
    if row.mission_id is not None:
        related = (*related, f"mission:{row.mission_id}")
    about = case_of(row.incident_id) if personal else ""
    return Entry(actor, ROOM, verb, f"distress:{row.pk}", related, told, about=about, personal=personal or {})

"""Missions: proposed by who sends crews, accepted and carried out by the crew, each act once whatever the network does."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, answer_by_number, check_known, read_instant, write_instant
from beffroi.foundation import clock
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Mission
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["missions"])
_DOOR = door(Verb.REPORT, Kind.MISSION, (Verb.MARK, Kind.MISSION))
_TOLD = answers(
    shapes.Mission, s404="no such mission, or not yours", s409="it moved on meanwhile: who did what, and when"
)


class MissionsAsked(Page):
    """Filters of the list of missions."""

    live: bool = Field(False, description="Only those that go on.")
    unit: str = Field("", max_length=32, description="Slug of the crew.")
    incident: int | None = Field(None, ge=1, description="Number of the incident.")


class MissionProposed(Schema):
    """What a crew is asked to go for. Hazards and list come from the city's card of the category when left out."""

    model_config = ConfigDict(extra="forbid")
    incident: int = Field(ge=1, description="Number of the incident.")
    unit: str = Field(max_length=32, description="Slug of the crew.")
    instructions: str = Field("", max_length=2000)
    hazards: str | None = Field(None, max_length=2000)
    checklist: list[str] | None = Field(None, max_length=30)


class Happened(Schema):
    """An act of a crew, and when the person pressed, for a phone that had no network."""

    model_config = ConfigDict(extra="forbid")
    effective_at: str | None = Field(None, max_length=40, description="RFC 3339; now when left out.")


class Refused(Happened):
    """Why a mission is refused."""

    reason: str = Field(max_length=2000)


class Finished(Happened):
    """How a mission ends."""

    outcome: str = Field(max_length=16, description="repaired, made_safe, nothing_found or not_done.")
    comment: str = Field("", max_length=2000, description="Needed when it was not done.")


class Checked(Schema):
    """A line of the list, counted from 0."""

    model_config = ConfigDict(extra="forbid")
    line: int = Field(ge=0, le=100)
    checked: bool = True


class Cancelled(Schema):
    """Why a crew is called back."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=2000)


class Nothing(Schema):
    """Nothing more to say."""

    model_config = ConfigDict(extra="forbid")


@router.get("/missions", auth=door(Verb.SEE, Kind.MISSION), **answers(shapes.Missions))
def list_missions(request: Entered, asked: Query[MissionsAsked]) -> HttpResponse:
    """List missions, the newest first."""
    check_known(request, MissionsAsked)

    def find(before: int | None, limit: int) -> tuple[Mission, ...]:
        return queries.list_missions(
            seen_by=request.auth,
            live_only=asked.live,
            unit=asked.unit,
            incident=asked.incident,
            before=before,
            limit=limit,
        )

    return answer_by_number(asked, find, shapes.Missions, shape_of_mission)


@router.get(
    "/missions/{mission}",
    auth=door(Verb.SEE, Kind.MISSION, (Verb.REPORT, Kind.MISSION)),
    **answers(shapes.Mission, s404="no such mission, or not yours"),
)
def get_mission(request: Entered, mission: int) -> HttpResponse:
    """Give one mission."""
    check_known(request, Schema)
    return answer(shape_of_mission(queries.mission(mission, seen_by=request.auth)))


@router.post(
    "/missions",
    auth=door(Verb.PROPOSE, Kind.MISSION),
    **answers(shapes.Mission, 201, 200, s404="no such incident or crew", s409="the crew is engaged, and by whom"),
)
def propose_mission(request: Entered, told: MissionProposed) -> HttpResponse:
    """Propose to a crew to go for an incident."""
    check_known(request, Schema)
    body: dict[str, Any] = told.model_dump()
    listed = body.pop("checklist")
    found = actions.propose_mission(
        body.pop("incident"),
        body.pop("unit"),
        **body,
        checklist=None if listed is None else tuple(listed),
        by=request.auth,
        at=clock.now(),
    )
    return answer(shape_of_mission(found), 201)


@router.post("/missions/{mission}/accept", auth=_DOOR, **_TOLD)
def accept_mission(request: Entered, mission: int, told: Happened) -> HttpResponse:
    """Accept a mission: the crew is engaged."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.accept_mission(mission, **_by(request, told))))


@router.post("/missions/{mission}/refuse", auth=_DOOR, **_TOLD)
def refuse_mission(request: Entered, mission: int, told: Refused) -> HttpResponse:
    """Refuse a mission that is proposed, saying why."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.refuse_mission(mission, reason=told.reason, **_by(request, told))))


@router.post("/missions/{mission}/depart", auth=_DOOR, **_TOLD)
def depart(request: Entered, mission: int, told: Happened) -> HttpResponse:
    """Leave for the place; a mission only proposed is accepted by the same act."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.depart(mission, **_by(request, told))))


@router.post("/missions/{mission}/arrive", auth=_DOOR, **_TOLD)
def arrive(request: Entered, mission: int, told: Happened) -> HttpResponse:
    """Be on site."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.arrive(mission, **_by(request, told))))


@router.post("/missions/{mission}/make-safe", auth=_DOOR, **_TOLD)
def make_safe(request: Entered, mission: int, told: Happened) -> HttpResponse:
    """Say that nobody is in danger any more, while work goes on."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.make_safe(mission, **_by(request, told))))


@router.post("/missions/{mission}/sign", auth=_DOOR, **_TOLD)
def give_sign(request: Entered, mission: int, told: Nothing) -> HttpResponse:
    """Give a sign of life, alone on site."""
    check_known(request, Schema)
    return answer(shape_of_mission(actions.give_sign(mission, **_by(request))))


@router.post("/missions/{mission}/check", auth=_DOOR, **_TOLD)
def check_item(request: Entered, mission: int, told: Checked) -> HttpResponse:
    """Check a line of the list, or uncheck it."""
    check_known(request, Schema)
    found = actions.check_item(mission, told.line, checked=told.checked, **_by(request))
    return answer(shape_of_mission(found))


@router.post("/missions/{mission}/finish", auth=_DOOR, **_TOLD)
def finish(request: Entered, mission: int, told: Finished) -> HttpResponse:
    """End a mission; the crew is free at once."""
    check_known(request, Schema)
    found = actions.finish(mission, outcome=told.outcome, comment=told.comment, **_by(request, told))
    return answer(shape_of_mission(found))


@router.post("/missions/{mission}/cancel", auth=door(Verb.CANCEL, Kind.MISSION), **_TOLD)
def cancel_mission(request: Entered, mission: int, told: Cancelled) -> HttpResponse:
    """Call a crew back, saying why."""
    check_known(request, Schema)
    found = actions.cancel_mission(mission, reason=told.reason, by=request.auth, at=clock.now())
    return answer(shape_of_mission(found))


def _by(request: Entered, told: Happened | None = None) -> dict[str, Any]:
    """Return who acts, when, the token of the phone, and when it happened."""
    found: dict[str, Any] = {
        "by": request.auth,
        "at": clock.now(),
        "token": request.headers.get("Idempotency-Key", ""),
    }
    if told is not None:
        found["effective_at"] = read_instant(told.effective_at, "effective_at")
    return found


def shape_of_mission(mission: Mission) -> shapes.Mission:
    """Return a mission as the API answers it."""
    items = [shapes.ChecklistItem(item.text, write_instant(item.checked_at)) for item in mission.checklist]
    return shapes.Mission(
        id=mission.number,
        incident=mission.incident,
        reference=mission.reference,
        unit=mission.unit,
        callsign=mission.callsign,
        state=str(mission.state),
        priority=mission.priority,
        title=mission.title,
        instructions=mission.instructions,
        hazards=mission.hazards,
        checklist=items,
        lon=mission.lon,
        lat=mission.lat,
        address=mission.address,
        commune=mission.commune,
        proposed_at=write_instant(mission.proposed_at) or "",
        proposed_by=mission.proposed_name,
        accepted_at=write_instant(mission.accepted_at),
        departed_at=write_instant(mission.departed_at),
        arrived_at=write_instant(mission.arrived_at),
        safe_at=write_instant(mission.safe_at),
        ended_at=write_instant(mission.ended_at),
        outcome=mission.outcome,
        travel_s=mission.travel_s,
        silent=mission.silent,
        version=mission.version,
    )

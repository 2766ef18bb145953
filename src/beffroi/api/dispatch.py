"""Crews: who is where, who is nearest; and for a crew its own duty, position and distress."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.missions import shape_of_mission
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, read_instant, write_cursor, write_instant
from beffroi.foundation import clock
from beffroi.foundation.errors import Malformed
from beffroi.foundation.geo import is_position
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Candidate, Distress, Point, Unit
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["dispatch"])
_OWN = (Verb.REPORT, Kind.UNIT)
_BY_RADIO = (Verb.MARK, Kind.UNIT)


class UnitsAsked(Page):
    """Filters of the list of crews."""

    on_duty: bool = Field(False, description="Only those on duty.")
    desk: str = Field("", max_length=32, description="The desk that sends them.")


class NearestAsked(Schema):
    """Where a crew is needed."""

    lon: float = Field(ge=-180, le=180, description="Longitude, degrees.")
    lat: float = Field(ge=-90, le=90, description="Latitude, degrees.")
    skills: str = Field("", max_length=400, description="Codes of skills asked for, between commas.")
    limit: int = Field(10, ge=1, le=50, description="How many at most.")


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")
    unit: str = Field("", max_length=32, description="Slug of the crew, for who tells it on its word by radio.")


class DutyBegun(_Body):
    """Who comes on duty."""

    headcount: int = Field(1, ge=1, le=20, description="How many go out together; one is watched as a lone worker.")
    shares: bool = Field(True, description="Whether the position is switched on.")


class Told(_Body):
    """Nothing more to say."""


class Unavailable(_Body):
    """Why the crew cannot be sent for now."""

    reason: str = Field(max_length=16, description="refuelling, breakdown, escort, paperwork or other.")


class Sharing(_Body):
    """The switch of the position."""

    shares: bool = Field(description="On or off.")


class Positioned(Schema):
    """Where the crew is. Refused off duty and with the switch off: nothing is kept then."""

    model_config = ConfigDict(extra="forbid")
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(None, ge=0, le=100_000)
    observed_at: str | None = Field(None, max_length=40, description="RFC 3339; now when left out.")


class InDistress(_Body):
    """A call for help; a position where there is one."""

    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)


class Ended(Schema):
    """Why a distress ends."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=2000)


@router.get("/dispatch/units", auth=door(Verb.SEE, Kind.UNIT), **answers(shapes.Units))
def list_units(request: Entered, asked: Query[UnitsAsked]) -> HttpResponse:
    """List crews, in the order of the city's profile."""
    check_known(request, UnitsAsked)
    after = read_cursor(asked.cursor, str) or ""
    found = queries.units(
        seen_by=request.auth,
        desks=(asked.desk,) if asked.desk else (),
        on_duty=asked.on_duty,
        after=after,
        limit=asked.limit + 1,
    )
    page, more = cut(found, asked.limit)
    return answer(shapes.Units([_unit(each) for each in page], write_cursor(page[-1].slug) if more else None))


@router.get("/dispatch/units/{unit}", auth=door(Verb.SEE, Kind.UNIT, _OWN), **answers(shapes.Unit, s404="no such crew"))
def get_unit(request: Entered, unit: str) -> HttpResponse:
    """Give one crew."""
    check_known(request, Schema)
    return answer(_unit(queries.unit(unit, seen_by=request.auth)))


@router.get("/dispatch/nearest", auth=door(Verb.PROPOSE, Kind.MISSION), **answers(shapes.Candidates))
def list_nearest(request: Entered, asked: Query[NearestAsked]) -> HttpResponse:
    """List the crews on duty by their travel time to a place, each with its reason."""
    check_known(request, NearestAsked)
    wanted = [skill.strip() for skill in asked.skills.split(",") if skill.strip()]
    found = queries.nearest(
        _point(asked.lon, asked.lat), skills=wanted, seen_by=request.auth, at=clock.now(), limit=asked.limit
    )
    return answer(shapes.Candidates([_candidate(each) for each in found]))


@router.get("/dispatch/mine", auth=door(*_OWN), **answers(shapes.OwnCrew))
def get_mine(request: Entered) -> HttpResponse:
    """Give a crew its own: what it is, its missions, its distress."""
    check_known(request, Schema)
    unit = queries.unit_of_person(request.auth)
    missions = queries.missions_of_person(request.auth.username, at=clock.now())
    standing = queries.distress_of_unit(unit.slug) if unit is not None else None
    return answer(
        shapes.OwnCrew(
            None if unit is None else _unit(unit),
            [shape_of_mission(each) for each in missions],
            None if standing is None else _distress(standing),
        )
    )


@router.post("/dispatch/duty/begin", auth=door(*_OWN, _BY_RADIO), **answers(shapes.Unit, s409="on duty elsewhere"))
def begin_duty(request: Entered, told: DutyBegun) -> HttpResponse:
    """Come on duty; from now on the position may be taken."""
    check_known(request, Schema)
    seen = actions.go_on_duty(told.unit, headcount=told.headcount, shares=told.shares, **_by(request))
    return answer(_unit(seen))


@router.post("/dispatch/duty/break", auth=door(*_OWN, _BY_RADIO), **answers(shapes.Unit, s409="not now, and why"))
def begin_break(request: Entered, told: Told) -> HttpResponse:
    """Begin a break: what is kept of the position becomes coarse at once."""
    check_known(request, Schema)
    return answer(_unit(actions.take_break(unit=told.unit, **_by(request))))


@router.post("/dispatch/duty/resume", auth=door(*_OWN, _BY_RADIO), **answers(shapes.Unit, s409="not now, and why"))
def resume_duty(request: Entered, told: Told) -> HttpResponse:
    """End a break, or be available again."""
    check_known(request, Schema)
    return answer(_unit(actions.end_break(unit=told.unit, **_by(request))))


@router.post("/dispatch/duty/unavailable", auth=door(*_OWN, _BY_RADIO), **answers(shapes.Unit, s409="not now, and why"))
def become_unavailable(request: Entered, told: Unavailable) -> HttpResponse:
    """Say that the crew cannot be sent for now, and why."""
    check_known(request, Schema)
    return answer(_unit(actions.set_unavailable(reason=told.reason, unit=told.unit, **_by(request))))


@router.post("/dispatch/duty/sharing", auth=door(*_OWN), **answers(shapes.Unit, s409="off duty"))
def switch_position(request: Entered, told: Sharing) -> HttpResponse:
    """Switch the position on or off; off, the last one is erased at once. The crew's own."""
    check_known(request, Schema)
    return answer(_unit(actions.share_position(told.shares, unit=told.unit, **_by(request))))


@router.post("/dispatch/duty/end", auth=door(*_OWN, _BY_RADIO), **answers(shapes.Unit, s409="not now, and why"))
def end_duty(request: Entered, told: Told) -> HttpResponse:
    """Go off duty; the position is erased at once."""
    check_known(request, Schema)
    return answer(_unit(actions.end_duty(unit=told.unit, **_by(request))))


@router.post("/dispatch/positions", auth=door(*_OWN), **answers(shapes.UnitPosition))
def report_position(request: Entered, told: Positioned) -> HttpResponse:
    """Tell where the crew is; answer what is kept of it."""
    check_known(request, Schema)
    kept = actions.report_position(
        told.lon,
        told.lat,
        accuracy_m=told.accuracy_m,
        observed_at=read_instant(told.observed_at, "observed_at"),
        by=request.auth,
        at=clock.now(),
    )
    told_at = write_instant(kept.observed_at) or ""
    return answer(shapes.UnitPosition(kept.lon, kept.lat, told_at, kept.accuracy_m, kept.coarse))


@router.get("/dispatch/distress", auth=door(Verb.SEE, Kind.DISTRESS), **answers(shapes.Distresses))
def list_distress(request: Entered) -> HttpResponse:
    """List the distresses that stand, those without an answer first."""
    check_known(request, Schema)
    found = queries.standing_distresses(seen_by=request.auth)
    return answer(shapes.Distresses([_distress(each) for each in found]))


@router.post(
    "/dispatch/distress",
    auth=door(Verb.REPORT, Kind.DISTRESS, (Verb.OPEN, Kind.DISTRESS)),
    **answers(shapes.Distress, 201, 200),
)
def raise_distress(request: Entered, told: InDistress) -> HttpResponse:
    """Call for help, at once. Raised again while one stands, it is that one."""
    check_known(request, Schema)
    where = None if told.lon is None or told.lat is None else _point(told.lon, told.lat)
    return answer(_distress(actions.raise_distress(unit=told.unit, position=where, **_by(request))), 201)


@router.post(
    "/dispatch/distress/{distress}/answer",
    auth=door(Verb.ACKNOWLEDGE, Kind.DISTRESS),
    **answers(shapes.Distress, s404="no such distress", s409="answered by somebody else, who is named"),
)
def answer_distress(request: Entered, distress: int) -> HttpResponse:
    """Answer a distress, by name."""
    check_known(request, Schema)
    return answer(_distress(actions.answer_distress(distress, by=request.auth, at=clock.now())))


@router.post(
    "/dispatch/distress/{distress}/end",
    auth=door(Verb.CLOSE, Kind.DISTRESS),
    **answers(shapes.Distress, s404="no such distress", s409="ended by somebody else, who is named"),
)
def end_distress(request: Entered, distress: int, told: Ended) -> HttpResponse:
    """End a distress that was answered, saying what became of it."""
    check_known(request, Schema)
    ended = actions.end_distress(distress, reason=told.reason, by=request.auth, at=clock.now())
    return answer(_distress(ended))


def _by(request: Entered) -> dict[str, Any]:
    """Return who acts, when, and the token of the phone."""
    return {"by": request.auth, "at": clock.now(), "token": request.headers.get("Idempotency-Key", "")}


def _point(lon: float, lat: float) -> Point:
    if not is_position(lon, lat):
        raise Malformed("that is no position on the globe; write degrees, longitude first")
    return Point(lon, lat)


def _unit(unit: Unit) -> shapes.Unit:
    where = unit.position
    return shapes.Unit(
        id=unit.slug,
        name=unit.name,
        callsign=unit.callsign,
        kind=str(unit.kind),
        desk=unit.desk,
        post=unit.post,
        vehicle=str(unit.vehicle),
        skills=list(unit.skills),
        status=str(unit.status),
        duty=str(unit.duty),
        duty_since=write_instant(unit.duty_since),
        headcount=unit.headcount,
        alone=unit.alone,
        crew=list(unit.crew),
        shares=unit.shares,
        position=None
        if where is None
        else shapes.UnitPosition(
            where.lon, where.lat, write_instant(where.observed_at) or "", where.accuracy_m, where.coarse
        ),
        base=[unit.base.lon, unit.base.lat],
        mission=unit.mission,
        mission_state=None if unit.mission_state is None else str(unit.mission_state),
        distress=unit.distress,
        reason=unit.reason,
        version=unit.version,
    )


def _candidate(candidate: Candidate) -> shapes.Candidate:
    return shapes.Candidate(
        unit=_unit(candidate.unit),
        travel_s=candidate.travel_s,
        metres=candidate.metres,
        by_streets=candidate.by_streets,
        from_base=candidate.from_base,
        position_age_s=candidate.position_age_s,
        stale=candidate.stale,
        missing=list(candidate.missing),
        free=candidate.free,
        reason=candidate.reason,
    )


def _distress(distress: Distress) -> shapes.Distress:
    return shapes.Distress(
        id=distress.id,
        unit=distress.unit,
        callsign=distress.callsign,
        kind=str(distress.kind),
        incident=distress.incident,
        reference=distress.reference,
        raised_at=write_instant(distress.raised_at) or "",
        place=distress.place,
        commune=distress.commune,
        lon=distress.lon,
        lat=distress.lat,
        mission=distress.mission,
        answered_at=write_instant(distress.answered_at),
        answered_by=distress.answered_name,
        ended_at=write_instant(distress.ended_at),
    )

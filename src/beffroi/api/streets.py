"""Streets: what is closed, closing and opening again, and the quickest way along what is open."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import answer, check_known, read_instant, write_instant
from beffroi.foundation import clock
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed, NotFound
from beffroi.foundation.geo import is_position
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import actions, queries
from beffroi.kernel.places.types import Closure, Position, Vehicle

router = Router(tags=["streets"])
NEAR_M = 60.0
"""How far from a street a position may be that names it."""


class ClosuresAsked(Schema):
    """Which closures."""

    ended: bool = Field(
        False, description="Those that are over, the last first, instead of those in force and planned."
    )


class WayAsked(Schema):
    """From where to where, and how."""

    origin: str = Field(alias="from", max_length=60, description="Where from, `longitude,latitude`.")
    to: str = Field(max_length=60, description="Where to, `longitude,latitude`.")
    vehicle: Vehicle = Field(Vehicle.VAN, description="How one goes.")


class StreetClosed(Schema):
    """A closure as it is told: its streets by their identifiers, or the one at a position."""

    model_config = ConfigDict(extra="forbid")
    segments: list[str] = Field(default_factory=list, max_length=400, description="Identifiers of stretches of street.")
    lon: float | None = Field(None, ge=-180, le=180, description="Longitude, instead of identifiers.")
    lat: float | None = Field(None, ge=-90, le=90, description="Latitude.")
    whole_street: bool = Field(False, description="With a position: the whole street, not the stretch alone.")
    begins_at: str | None = Field(None, alias="from", max_length=40, description="RFC 3339; now when left out.")
    until: str = Field(max_length=40, description="RFC 3339; a closure has an end.")
    reason: str = Field(max_length=500, description="Why, for the public: name nobody.")
    incident: str = Field("", max_length=20, description="Reference of the incident for which it is closed.")


class StreetReopened(Schema):
    """Why a street is opened again."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=500, description="Why.")


@router.get("/streets/closures", auth=door(Verb.SEE, Kind.PLACE), **answers(shapes.Closures))
def list_closures(request: Entered, asked: Query[ClosuresAsked]) -> HttpResponse:
    """List the closures of streets, at most 500."""
    check_known(request, ClosuresAsked)
    found = queries.closures(seen_by=request.auth, at=clock.now(), ended=asked.ended)
    return answer(shapes.Closures(_shaped(found, request.auth)))


@router.post(
    "/streets/closures",
    auth=door(Verb.CLOSE, Kind.STREET),
    **answers(shapes.Closure, 201, s404="no such street or incident", s409="another closure covers it already"),
)
def close_street(request: Entered, told: StreetClosed) -> HttpResponse:
    """Close streets to traffic, now or later, until an end; travel times count it at once."""
    check_known(request, Schema)
    incident = incidents.get(told.incident, request.auth).id if told.incident else None
    closure = actions.close_street(
        _segments(told),
        reason=told.reason,
        until=_instant(told.until, "until"),
        begins_at=read_instant(told.begins_at, "from"),
        incident=incident,
        by=request.auth,
        at=clock.now(),
    )
    return answer(_shaped([closure], request.auth)[0], 201)


@router.post(
    "/streets/closures/{closure}/reopen",
    auth=door(Verb.REOPEN, Kind.STREET),
    **answers(shapes.Closure, s404="no such closure", s409="it is over, or was opened by somebody"),
)
def reopen_street(request: Entered, closure: int, told: StreetReopened) -> HttpResponse:
    """Open again what a closure closed, before its end."""
    check_known(request, Schema)
    opened = actions.reopen_street(closure, reason=told.reason, by=request.auth, at=clock.now())
    return answer(_shaped([opened], request.auth)[0])


@router.get(
    "/streets/way",
    auth=door(Verb.SEARCH, Kind.PLACE),
    **answers(shapes.StreetWay, s404="no way: the key says whether no street is near, or none joins the two"),
)
def find_way(request: Entered, asked: Query[WayAsked]) -> HttpResponse:
    """Give the quickest way between two places along the streets that are open now."""
    check_known(request, WayAsked)
    found = queries.way(_position(asked.origin, "from"), _position(asked.to, "to"), vehicle=asked.vehicle)
    way = shapes.StreetWay(
        round(found.metres, 1), round(found.seconds, 1), round(found.walked_m, 1), list(found.streets),
        list(found.closed), [(round(lon, 6), round(lat, 6)) for lon, lat in found.line],
    )  # fmt: skip
    return answer(way)


def _segments(told: StreetClosed) -> list[str]:
    """Return the stretches that are meant. Raises Malformed for none or both ways of naming, NotFound for no street."""
    if bool(told.segments) == (told.lon is not None and told.lat is not None):
        raise Malformed("name the streets by `segments`, or one by `lon` and `lat`")
    if told.segments:
        return told.segments
    near = queries.nearest_segment(float(told.lon or 0), float(told.lat or 0), NEAR_M)
    if near is None:
        raise NotFound(f"there is no street within {NEAR_M:.0f} m of this position")
    return [each.id for each in queries.street_of(near.id)] if told.whole_street else [near.id]


def _instant(text: str, name: str) -> Instant:
    found = read_instant(text, name)
    if found is None:
        raise Malformed(f"{name} is missing")
    return found


def _position(text: str, name: str) -> Position:
    """Return the position of `longitude,latitude`. Raises Malformed for what is none."""
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Malformed(f"{name}: `{text[:40]}` is no position: write `5.04,47.32`, longitude first") from error
    if not is_position(lon, lat):
        raise Malformed(f"{name}: {text[:40]} is not on the globe; write degrees, longitude first")
    return lon, lat


def _shaped(found: Iterable[Closure], viewer: Viewer) -> list[shapes.Closure]:
    shown = list(found)
    numbers = {each.incident for each in shown if each.incident is not None}
    sees = people.may(viewer, Verb.SEE, Kind.INCIDENT)
    known = {each.id: each.reference for each in incidents.of_ids(numbers, seen_by=viewer)} if sees and numbers else {}
    return [
        shapes.Closure(
            id=each.id,
            segments=list(each.segments),
            street=each.street,
            commune=each.commune,
            begins_at=write_instant(each.begins_at) or "",
            until=write_instant(each.until) or "",
            reason=each.reason,
            incident=known.get(each.incident or 0, ""),
            state=str(each.state),
            closed_by=each.closed_by,
            closed_at=write_instant(each.closed_at) or "",
            ended_at=write_instant(each.ended_at),
            ended_by=each.ended_by,
            end_reason=each.end_reason,
        )
        for each in shown
    ]

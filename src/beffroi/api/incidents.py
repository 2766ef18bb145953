"""Incidents: listed, found, and told by people and partners."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.journal import told
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, answer_by_number, check_known, filters_of, write_instant
from beffroi.foundation import clock
from beffroi.foundation.errors import Malformed, Refused
from beffroi.foundation.geo import is_position
from beffroi.kernel.incidents import queries
from beffroi.kernel.incidents.types import Channel, Incident, IncidentState, Told, Transfer, Written
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import actions

router = Router(tags=["incidents"])


class IncidentsAsked(Page):
    """Filters of the list of incidents."""

    state: IncidentState | None = Field(None, description="One state.")
    open_only: bool = Field(False, alias="open", description="Only those that are not closed.")
    desk: str = Field("", max_length=32, description="The desk that answers for them.")
    commune: str = Field("", max_length=80, description="Name of the commune.")
    owner: str = Field("", max_length=64, description="Account of who has taken them in charge.")
    priority: int | None = Field(None, ge=1, le=4, description="1 asks for an act now.")
    category: str = Field("", max_length=64, description="What it is about.")
    asset: str = Field("", max_length=80, description="Code of a piece of equipment.")
    since: str | None = Field(None, alias="from", max_length=40, description="Opened at or after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Opened before (RFC 3339).")
    text: str = Field(
        "",
        max_length=200,
        description="Words of title or place, each by its beginning; of what was written, in the newest.",
    )
    around: str | None = Field(None, max_length=60, description="A position, `longitude,latitude`.")
    within_m: float = Field(200, gt=0, le=queries.MAX_WITHIN_M, description="Metres about it.")
    concerns: str = Field(
        "", max_length=32, description="A desk that answers, is associated, or is asked to take over."
    )
    proposed_to: str = Field("", max_length=32, description="The desk or body asked to take over.")
    late: bool = Field(False, description="Only those that missed a deadline.")
    reopened: bool = Field(False, description="Only those that were closed before.")


class IncidentTold(Schema):
    """What is told. A place is needed: a position, or a piece of equipment."""

    model_config = ConfigDict(extra="forbid")

    category: str = Field(max_length=48, description="One of `GET /api/v1/incidents/categories`.")
    description: str = Field(
        "", max_length=2000, description="What was seen, in words. Kept encrypted, erased with the case."
    )
    lon: float = Field(0, ge=-180, le=180, description="Longitude, degrees.")
    lat: float = Field(0, ge=-90, le=90, description="Latitude, degrees.")
    place: str = Field("", max_length=200, description="Where, as people say it; found from the position when empty.")
    commune: str = Field("", max_length=80, description="Name of the commune; found from the position when empty.")
    asset: str = Field("", max_length=80, description="Code of a piece of equipment, instead of a position.")
    priority: int | None = Field(None, ge=1, le=4, description="The category's own when it is not told.")
    answer_to: str = Field("", max_length=200, description="Mail address of who told it, to answer when it is over.")
    answer_consent: bool = Field(False, description="They agree that it is kept for that; needed with an address.")


@router.get("/incidents", auth=door(Verb.SEE, Kind.INCIDENT), **answers(shapes.Incidents))
def list_incidents(request: Entered, asked: Query[IncidentsAsked]) -> HttpResponse:
    """List incidents, the newest first."""
    check_known(request, IncidentsAsked)
    filters = filters_of(asked, queries.Filters, around=_position(asked.around))

    def find(before: int | None, limit: int) -> tuple[Incident, ...]:
        return queries.list_incidents(filters, seen_by=request.auth, before=before, limit=limit)

    said: dict[int, Written] = {}

    def find_with_words(before: int | None, limit: int) -> tuple[Incident, ...]:
        found = find(before, limit)
        said.update(queries.written([each.id for each in found if _reads(request.auth, each)]))
        return found

    return answer_by_number(asked, find_with_words, shapes.Incidents, lambda each: _incident(each, said.get(each.id)))


@router.get("/incidents/categories", auth=door(Verb.OPEN, Kind.INCIDENT), **answers(shapes.Categories))
def list_categories(request: Entered) -> HttpResponse:
    """List what an incident may be about."""
    check_known(request, Schema)
    found = [shapes.Category(each.code, each.title, each.desk, each.priority) for each in queries.categories()]
    return answer(shapes.Categories(found))


@router.get("/incidents/{reference}", auth=door(Verb.SEE, Kind.INCIDENT), **answers(shapes.IncidentDetail))
def get_incident(request: Entered, reference: str) -> HttpResponse:
    """Give one incident by its reference or number, with the proposals to hand it over and its thread in the journal."""
    check_known(request, Schema)
    found = queries.get(reference, request.auth)
    transfers = [_transfer(each) for each in queries.transfers(found.id)]
    thread = queries.history(found.id, limit=200) if people.may(request.auth, Verb.SEE, Kind.JOURNAL) else ()
    fields = _fields(found, _said(request.auth, found))
    return answer(shapes.IncidentDetail(**fields, transfers=transfers, thread=told(thread)))


@router.post(
    "/incidents",
    auth=door(Verb.OPEN, Kind.INCIDENT),
    **answers(shapes.Incident, 201, 200, s429="more than the post can follow: wait, or telephone"),
)
def open_incident(request: Entered, told: IncidentTold) -> HttpResponse:
    """Tell an incident. With the header `Idempotency-Key`, a message sent twice is one: 201 then 200."""
    check_known(request, Schema)
    body = told.model_dump(exclude={"answer_to", "answer_consent"})
    if told.answer_to and not told.answer_consent:
        raise Refused("an address is kept with the consent of its owner: ask them, then send answer_consent true")
    opened = actions.open_with_address(
        Told(**body, channel=Channel.APPLICATION),
        told.answer_to,
        by=request.auth,
        at=clock.now(),
        key=request.headers.get("Idempotency-Key", ""),
    )
    said = queries.written([opened.incident.id])[opened.incident.id]
    return answer(_incident(opened.incident, said), 201 if opened.new else 200)


def _position(text: str | None) -> tuple[float, float] | None:
    """Return the position of `longitude,latitude`. Raises Malformed for what is none."""
    if text is None:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Malformed(f"around: `{text[:40]}` is no position: write `5.04,47.32`, longitude first") from error
    if not is_position(lon, lat):
        raise Malformed(f"around: {text[:40]} is not on the globe; write degrees, longitude first")
    return lon, lat


def _reads(viewer: Viewer, incident: Incident) -> bool:
    """Tell whether this person may read what was told, which may name persons."""
    return people.may(viewer, Verb.SEE, Kind.PERSONAL, desk=incident.desk, commune=incident.commune)


def _said(viewer: Viewer, incident: Incident) -> Written | None:
    return queries.written([incident.id])[incident.id] if _reads(viewer, incident) else None


def _incident(incident: Incident, said: Written | None) -> shapes.Incident:
    return shapes.Incident(**_fields(incident, said))


def _fields(incident: Incident, said: Written | None) -> dict[str, Any]:
    return {
        "id": incident.id,
        "reference": incident.reference,
        "title": incident.title,
        "category": incident.category,
        "priority": incident.priority,
        "state": str(incident.state),
        "desk": incident.desk,
        "place": incident.place,
        "commune": incident.commune,
        "lon": incident.lon,
        "lat": incident.lat,
        "asset": incident.asset_code,
        "asset_name": incident.asset_name,
        "owner": incident.owner,
        "owner_name": incident.owner_name,
        "opened_at": write_instant(incident.opened_at) or "",
        "acknowledged_at": write_instant(incident.acknowledged_at),
        "taken_at": write_instant(incident.taken_at),
        "resolved_at": write_instant(incident.resolved_at),
        "closed_at": write_instant(incident.closed_at),
        "close_reason": incident.close_reason,
        "alarms": list(incident.alarm_ids),
        "version": incident.version,
        "description": said.description.text if said else "",
        "description_erased_at": write_instant(said.description.erased_at) if said else None,
        "origin": str(incident.origin),
        "channel": str(incident.channel),
        "duplicate_of": incident.duplicate_reference or None,
        "associated": list(incident.associated),
        "received_at": write_instant(incident.received_at) or "",
        "engaged_at": write_instant(incident.engaged_at),
        "on_site_at": write_instant(incident.on_site_at),
        "safe_at": write_instant(incident.safe_at),
        "held_until": write_instant(incident.held_until),
        "due_clock": incident.due_clock,
        "due_at": write_instant(incident.due_at),
        "due_left_s": incident.due_left_s,
        "missed": list(incident.missed),
        "round": incident.round,
        "round_at": write_instant(incident.round_at) or "",
        "proposed_to": incident.proposed_to,
        "proposed_until": write_instant(incident.proposed_until),
        "transferred_to": incident.transferred_to,
    }


def _transfer(transfer: Transfer) -> shapes.Transfer:
    return shapes.Transfer(
        id=transfer.id,
        from_desk=transfer.from_desk,
        to=transfer.to,
        to_name=transfer.to_name,
        inside=transfer.inside,
        state=str(transfer.state),
        proposed_at=write_instant(transfer.proposed_at) or "",
        due_at=write_instant(transfer.due_at),
        answered_at=write_instant(transfer.answered_at),
    )

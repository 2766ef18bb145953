"""Incidents."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, read_instant, write_cursor, write_instant
from beffroi.kernel.incidents import queries
from beffroi.kernel.incidents.types import Incident, IncidentState
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["incidents"])


class IncidentsAsked(Page):
    """Filters of the list of incidents."""

    state: IncidentState | None = Field(None, description="One state.")
    open: bool = Field(False, description="Only those that are not closed.")
    desk: str = Field("", max_length=32, description="The desk that answers for them.")
    commune: str = Field("", max_length=80, description="Name of the commune.")
    owner: str = Field("", max_length=64, description="Account of who has taken them in charge.")
    priority: int | None = Field(None, ge=1, le=4, description="1 asks for an act now.")
    category: str = Field("", max_length=64, description="What it is about.")
    asset: str = Field("", max_length=64, description="Code of a piece of equipment.")
    since: str | None = Field(None, alias="from", max_length=40, description="Opened at or after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Opened before (RFC 3339).")


@router.get("/incidents", auth=door(Verb.SEE, Kind.INCIDENT), **answers(shapes.Incidents))
def list_incidents(request: Entered, asked: Query[IncidentsAsked]) -> HttpResponse:
    """List incidents, the newest first."""
    check_known(request, IncidentsAsked)
    filters = queries.Filters(
        state=asked.state,
        open_only=asked.open,
        desk=asked.desk,
        commune=asked.commune,
        owner=asked.owner,
        priority=asked.priority,
        category=asked.category,
        asset=asked.asset,
        since=read_instant(asked.since, "from"),
        until=read_instant(asked.until, "to"),
    )
    before = read_cursor(asked.cursor, int)
    found = queries.list_incidents(filters, seen_by=request.auth, before=before, limit=asked.limit + 1)
    page, more = cut(found, asked.limit)
    following = write_cursor(page[-1].id) if more else None
    return answer(shapes.Incidents([_incident(incident) for incident in page], following))


def _incident(incident: Incident) -> shapes.Incident:
    return shapes.Incident(
        id=incident.id,
        reference=incident.reference,
        title=incident.title,
        category=incident.category,
        priority=incident.priority,
        state=str(incident.state),
        desk=incident.desk,
        place=incident.place,
        commune=incident.commune,
        lon=incident.lon,
        lat=incident.lat,
        asset=incident.asset_code,
        asset_name=incident.asset_name,
        owner=incident.owner,
        owner_name=incident.owner_name,
        opened_at=write_instant(incident.opened_at) or "",
        acknowledged_at=write_instant(incident.acknowledged_at),
        taken_at=write_instant(incident.taken_at),
        resolved_at=write_instant(incident.resolved_at),
        closed_at=write_instant(incident.closed_at),
        close_reason=incident.close_reason,
        alarms=list(incident.alarm_ids),
        version=incident.version,
    )

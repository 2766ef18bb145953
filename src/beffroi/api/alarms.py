"""Alarms."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer_by_number, check_known, filters_of, write_instant
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.types import Alarm, AlarmState
from beffroi.kernel.people.types import Kind, Verb, Viewer

router = Router(tags=["alarms"])


class AlarmsAsked(Page):
    """Filters of the list of alarms."""

    state: AlarmState | None = Field(None, description="One state: `shelved`, `out_of_service`, `latched` …")
    open_only: bool = Field(False, alias="open", description="Only those that have not ended.")
    desk: str = Field("", max_length=32, description="The desk that answers for them.")
    priority: int | None = Field(None, ge=1, le=4, description="1 asks for an act now.")
    code: str = Field("", max_length=64, description="Code of the definition: `cabinet_tripped`.")
    asset: str = Field("", max_length=80, description="Code of a piece of equipment.")
    since: str | None = Field(None, alias="from", max_length=40, description="Raised at or after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Raised before (RFC 3339).")


@router.get("/alarms", auth=door(Verb.SEE, Kind.ALARM), **answers(shapes.Alarms))
def list_alarms(request: Entered, asked: Query[AlarmsAsked]) -> HttpResponse:
    """List alarms, the newest first."""
    check_known(request, AlarmsAsked)
    filters = filters_of(asked, queries.Filters)

    def find(before: int | None, limit: int) -> tuple[Alarm, ...]:
        return queries.list_alarms(filters, seen_by=request.auth, before=before, limit=limit)

    return answer_by_number(asked, find, shapes.Alarms, lambda alarm: _alarm(alarm, request.auth))


def _alarm(alarm: Alarm, seen_by: Viewer) -> shapes.Alarm:
    definition, kept = alarm.definition, alarm.set_aside
    why = queries.reasons_aside([(kept, alarm.desk, alarm.commune)], seen_by=seen_by)[0] if kept else ""
    return shapes.Alarm(
        id=alarm.id,
        code=definition.code,
        title=definition.title,
        state=str(alarm.state),
        priority=alarm.priority,
        desk=alarm.desk,
        asset=alarm.asset_code,
        asset_name=alarm.asset_name,
        place=alarm.place,
        commune=alarm.commune,
        lon=alarm.lon,
        lat=alarm.lat,
        value=alarm.value,
        raised_at=write_instant(alarm.raised_at) or "",
        announced_at=write_instant(alarm.announced_at),
        acknowledged_at=write_instant(alarm.acknowledged_at),
        acknowledged_by=alarm.acknowledged_by,
        returned_at=write_instant(alarm.returned_at),
        ended_at=write_instant(alarm.ended_at),
        suppressed_by=alarm.suppressed_by_id,
        suppressed_count=alarm.suppressed_count,
        commanded_by=str(alarm.commanded.command) if alarm.commanded else None,
        rung=alarm.rung,
        aside_by=kept.by if kept else "",
        aside_reason=str(why),
        aside_until=write_instant(kept.until) if kept else None,
        cause=definition.cause,
        consequence=definition.consequence,
        response=definition.response,
        allowable_time_s=definition.allowable_time_s,
    )

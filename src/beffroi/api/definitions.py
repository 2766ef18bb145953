"""Alarm definitions: why each alarm exists, and every version that was in force."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, write_cursor, write_instant
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.rules.conditions import begins, stays
from beffroi.kernel.alarms.types import Definition, Revision, RevisionState
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["alarms"])


class DefinitionsAsked(Page):
    """Filters of the list of definitions."""

    desk: str = Field("", max_length=32, description="The desk that answers for its alarms.")
    asset_class: str = Field("", alias="class", max_length=32, description="A class of equipment.")
    priority: int | None = Field(None, ge=1, le=4, description="1 asks for an act now.")
    state: str = Field("", pattern="^(in_force|withdrawn)?$", description="`in_force` or `withdrawn`.")


class VersionsAsked(Page):
    """What the list of versions takes."""


@router.get("/alarm-definitions", auth=door(Verb.SEE, Kind.DEFINITION), **answers(shapes.AlarmDefinitions))
def list_alarm_definitions(request: Entered, asked: Query[DefinitionsAsked]) -> HttpResponse:
    """List alarm definitions that are or were in force, by code: the last version of each."""
    check_known(request, DefinitionsAsked)
    after = read_cursor(asked.cursor, str) or ""
    filters = queries.Asked(asked.desk, asked.asset_class, asked.priority, asked.state)
    cards = sorted(queries.list_definitions(filters, seen_by=request.auth), key=lambda card: card.definition.code)
    known = [card for card in cards if not card.is_new and card.definition.code > after]
    page, more = cut(known, asked.limit)
    following = write_cursor(page[-1].definition.code) if more else None
    return answer(
        shapes.AlarmDefinitions([_definition(card.definition, in_force=card.in_force) for card in page], following)
    )


@router.get(
    "/alarm-definitions/{definition}/versions",
    auth=door(Verb.SEE, Kind.DEFINITION),
    **answers(shapes.AlarmDefinitions, s404="no such definition"),
)
def list_alarm_definition_versions(request: Entered, definition: str, asked: Query[VersionsAsked]) -> HttpResponse:
    """List the versions of a definition that were ever in force, the newest first, with who put each in force."""
    check_known(request, VersionsAsked)
    card = queries.get_definition(definition, request.auth)
    before = read_cursor(asked.cursor, int)
    versions = [each for each in queries.versions_of(definition) if before is None or each.version < before]
    page, more = cut(versions, asked.limit)
    written = {
        revision.version: revision
        for revision in queries.revisions_of(definition)
        if revision.state == RevisionState.IN_FORCE and revision.definition is not None
    }
    current = card.definition.version if card.in_force else None
    items = [_definition(each, in_force=each.version == current, by=written.get(each.version)) for each in page]
    return answer(shapes.AlarmDefinitions(items, write_cursor(page[-1].version) if more else None))


@router.get(
    "/alarm-definitions/{definition}",
    auth=door(Verb.SEE, Kind.DEFINITION),
    **answers(shapes.AlarmDefinition, s404="no such definition"),
)
def get_alarm_definition(request: Entered, definition: str) -> HttpResponse:
    """Return the last version of one alarm definition."""
    card = queries.get_definition(definition, request.auth)
    return answer(_definition(card.definition, in_force=card.in_force))


def _definition(definition: Definition, *, in_force: bool, by: Revision | None = None) -> shapes.AlarmDefinition:
    return shapes.AlarmDefinition(
        code=definition.code,
        version=definition.version,
        in_force=in_force,
        title=definition.title,
        asset_class=definition.asset_class,
        desk=definition.desk,
        priority=definition.priority,
        cause=definition.cause,
        consequence=definition.consequence,
        response=definition.response,
        allowable_time_s=definition.allowable_time_s,
        opens_incident=definition.opens_incident,
        quantity=definition.quantity,
        begins=begins(definition),
        stays=stays(definition),
        on_delay_s=definition.on_delay_s,
        off_delay_s=definition.off_delay_s,
        suppressed_by=list(definition.suppressed_by),
        latching=definition.latching,
        written_by=by.author_name if by else None,
        put_in_force_by=by.reviewer_name if by else None,
        put_in_force_at=write_instant(by.reviewed_at) if by else None,
    )

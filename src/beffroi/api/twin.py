"""Equipment and its readings."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, read_instant, write_cursor, write_instant
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed, NotFound
from beffroi.foundation.units import UNITS, is_quantity, state_word, unit_of
from beffroi.kernel.people.queries import communes_of, may
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries
from beffroi.kernel.twin.types import CLASSES, Asset, StateValue

router = Router(tags=["equipment"])
FRESHNESS = ("live", "stale", "silent")


class AssetsAsked(Page):
    """Filters of the list of equipment."""

    asset_class: str | None = Field(None, alias="class", description="A class of equipment: `light_point`.")
    source: str | None = Field(None, max_length=64, description="Code of the source that reports it.")
    commune: str | None = Field(None, max_length=80, description="Name of the commune it stands in.")
    text: str | None = Field(None, max_length=100, description="Sought in the code, the name and the place.")


class ReadingsAsked(Page):
    """Filters of the list of readings."""

    quantity: str | None = Field(None, max_length=48, description="One quantity: `temperature_degc`.")
    since: str | None = Field(None, alias="from", max_length=40, description="Observed at or after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Observed before (RFC 3339).")


@router.get("/assets", auth=door(Verb.SEE, Kind.ASSET), **answers(shapes.Assets))
def list_assets(request: Entered, asked: Query[AssetsAsked]) -> HttpResponse:
    """List the equipment, by code."""
    check_known(request, AssetsAsked)
    if asked.asset_class is not None and asked.asset_class not in CLASSES:
        raise Malformed(
            f"class: no class is called `{asked.asset_class[:40]}`; there are: {', '.join(sorted(CLASSES))}"
        )
    found = queries.list_assets(
        asset_class=asked.asset_class,
        source=asked.source,
        commune=asked.commune,
        text=asked.text,
        within=communes_of(request.auth, Verb.SEE, Kind.ASSET),
        after=read_cursor(asked.cursor, str) or "",
        limit=asked.limit + 1,
    )
    page, more = cut(found, asked.limit)
    following = write_cursor(page[-1].code) if more else None
    return answer(shapes.Assets([shapes.Asset(**_fields(asset)) for asset in page], following))


@router.get("/assets/{path:id}/readings", auth=door(Verb.SEE, Kind.READING), **answers(shapes.Readings))
def list_readings(request: Entered, id: Path[str], asked: Query[ReadingsAsked]) -> HttpResponse:
    """List the values that one piece of equipment reported, in the order they were observed."""
    check_known(request, ReadingsAsked)
    if asked.quantity is not None and not is_quantity(asked.quantity):
        raise Malformed(f"quantity: `{asked.quantity}` is none; a quantity is named with its unit last: `power_w`")
    asset = _asset(request.auth, id, Kind.READING)
    found = queries.readings(
        asset.id,
        quantity=asked.quantity,
        since=read_instant(asked.since, "from"),
        until=read_instant(asked.until, "to"),
        after=read_cursor(asked.cursor, tuple[Instant, str]),
        limit=asked.limit + 1,
    )
    page, more = cut(found, asked.limit)
    following = write_cursor((page[-1].observed_at, page[-1].quantity)) if more else None
    return answer(shapes.Readings([_reading(value) for value in page], following))


@router.get("/assets/{path:id}", auth=door(Verb.SEE, Kind.ASSET), **answers(shapes.AssetDetail))
def get_asset(request: Entered, id: Path[str]) -> HttpResponse:
    """Show one piece of equipment with its last values and whether it still reports."""
    asset = _asset(request.auth, id, Kind.ASSET)
    level, since = queries.freshness_of(asset.id)
    sees = may(request.auth, Verb.SEE, Kind.READING, commune=asset.commune)
    state = [_reading(value) for value in queries.state_of(asset.id)] if sees else []
    fields = _fields(asset)
    return answer(
        shapes.AssetDetail(**fields, freshness=FRESHNESS[level], fresh_since=write_instant(since), state=state)
    )


@router.get("/sources", auth=door(Verb.SEE, Kind.ASSET), **answers(shapes.Sources))
def list_sources(request: Entered) -> HttpResponse:
    """List the sources, by code: when each was last heard, who speaks for it, what it reports and how much is silent.

    Equipment is counted where you may see it. The asset that stands for a source has its alarms and its freshness.
    """
    within = communes_of(request.auth, Verb.SEE, Kind.ASSET)
    return answer(shapes.Sources([_source(sheet) for sheet in queries.source_sheets(within=within)]))


def _source(sheet: queries.SourceSheet) -> shapes.Source:
    return shapes.Source(
        id=sheet.code,
        connector=sheet.connector,
        asset=sheet.asset,
        period_s=sheet.period_s,
        heard_at=write_instant(sheet.heard_at),
        gateways=list(sheet.gateways),
        equipment=sum(each.count for each in sheet.reported),
        silent=sum(each.silent for each in sheet.reported),
    )


def _asset(viewer: Viewer, code: str, kind: Kind) -> Asset:
    asset = queries.get_asset(code.replace("\x00", "")[:100])
    if not may(viewer, Verb.SEE, kind, commune=asset.commune):
        raise NotFound(f"no asset is called `{code}`")
    return asset


def _fields(asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.code,
        "asset_class": asset.asset_class,
        "name": asset.name,
        "source": asset.source,
        "address": asset.address,
        "lon": asset.lon,
        "lat": asset.lat,
        "place": asset.place,
        "commune": asset.commune,
        "period_s": asset.period_s,
        "properties": asset.properties,
    }


def _reading(value: StateValue) -> shapes.Reading:
    return shapes.Reading(
        quantity=value.quantity,
        value=value.value,
        unit=UNITS.get(unit_of(value.quantity) or "", ""),
        state=state_word(value.quantity, value.value),
        observed_at=write_instant(value.observed_at) or "",
        received_at=write_instant(value.received_at) or "",
        quality=value.quality.name.lower(),
    )

"""Sources and gateways, and what stands for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.twin.models import Asset as AssetRow
from beffroi.kernel.twin.models import Counter, Gateway, Source
from beffroi.kernel.twin.queries.inventory import sought
from beffroi.kernel.twin.rules import SILENT
from beffroi.kernel.twin.types import SOURCE


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A declared source, as the engine and the connectors need it."""

    id: int
    code: str
    connector: str
    settings: Mapping[str, Any]
    partition: int
    period_s: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """A gateway in force: its name, its password's bcrypt, the source it publishes for."""

    name: str
    password_hash: str
    source: str


@dataclass(frozen=True, slots=True)
class Reported:
    """How many pieces of equipment of a class a source reports, and how many of them are silent."""

    asset_class: str
    count: int
    silent: int


@dataclass(frozen=True, slots=True)
class SourceSheet:
    """A source as people look at it: who speaks for it, how often it is heard when all is well, what it reports.

    `asset` is the code of what stands for it. Counters are those of its readings since the store began.
    """

    code: str
    connector: str
    asset: str
    commune: str
    period_s: int | None
    heard_at: Instant | None
    gateways: tuple[str, ...]
    received: int
    stored: int
    quarantined: int
    refused: int
    reported: tuple[Reported, ...] = ()


def sources() -> tuple[SourceInfo, ...]:
    """Return every declared source, by code."""
    return tuple(
        SourceInfo(row.pk, row.code, row.connector, row.settings, row.partition, row.period_s)
        for row in Source.objects.order_by("code")
    )


def gateways_in_force() -> tuple[GatewayInfo, ...]:
    """Return every gateway that may publish, by name."""
    rows = Gateway.objects.filter(revoked_at=None).select_related("source").order_by("name")
    return tuple(GatewayInfo(row.name, row.password_hash, row.source.code) for row in rows)


def sources_heard() -> list[tuple[str, Instant | None]]:
    """Return every source with when it was last heard or last answered (None: never), by code."""
    rows = Source.objects.order_by("code").values_list("code", "counter__last_received_at", "counter__answered_at")
    return [(code, max((from_datetime(at) for at in times if at is not None), default=None)) for code, *times in rows]


def representatives(source_ids: Iterable[int]) -> dict[int, int]:
    """Return, for each of these sources, the number of the asset that stands for it."""
    rows = AssetRow.objects.filter(asset_class=SOURCE, source_id__in=list(source_ids))
    return {source: asset for source, asset in rows.values_list("source_id", "id") if source is not None}


def source_sheets(*, within: Collection[str] | None = None, code: str | None = None) -> tuple[SourceSheet, ...]:
    """Return the sheet of each source (or of one), by code. `within`: communes whose equipment is counted (None: all)."""
    rows = AssetRow.objects.filter(asset_class=SOURCE).select_related("source__counter").order_by("source__code")
    if code is not None:
        rows = rows.filter(source__code=sought(code))
    found = list(rows)
    reported = _reported([row.source_id for row in found if row.source_id is not None], within)
    gateways = defaultdict(list)
    for gateway in gateways_in_force():
        gateways[gateway.source].append(gateway.name)
    return tuple(
        _sheet(row, row.source, tuple(gateways[row.source.code]), tuple(reported[row.source.pk]))
        for row in found
        if row.source is not None
    )


def _sheet(row: AssetRow, source: Source, gateways: tuple[str, ...], reported: tuple[Reported, ...]) -> SourceSheet:
    counter = getattr(source, "counter", None) or Counter()
    times = [from_datetime(at) for at in (counter.last_received_at, counter.answered_at) if at is not None]
    return SourceSheet(
        source.code,
        source.connector,
        row.code,
        row.commune,
        row.period_s,
        max(times, default=None),
        gateways,
        counter.received + counter.denied,
        counter.stored,
        counter.quarantined,
        counter.refused,
        reported,
    )


def _reported(source_ids: list[int], within: Collection[str] | None) -> dict[int, list[Reported]]:
    found: dict[int, list[Reported]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.source_id, a.asset_class, count(*), count(f.asset_id) FROM twin_asset a"
            " LEFT JOIN twin_freshness f ON f.asset_id = a.id AND f.level = %s"
            " WHERE a.source_id = ANY(%s) AND a.asset_class <> %s AND (%s::text[] IS NULL OR a.commune = ANY(%s))"
            " GROUP BY a.source_id, a.asset_class ORDER BY a.source_id, a.asset_class",
            [SILENT, source_ids, SOURCE, *([None if within is None else list(within)] * 2)],
        )
        for source, asset_class, count, silent in cursor.fetchall():
            found[source].append(Reported(asset_class, count, silent))
    return found

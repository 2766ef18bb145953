"""Every read of the twin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Max, Q, Sum

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.twin.models import (
    Asset as AssetRow,
)
from beffroi.kernel.twin.models import (
    Counter,
    Freshness,
    Gateway,
    History,
    Position,
    Quantity,
    Quarantine,
    QuarantineDay,
    Relation,
    Source,
    State,
)
from beffroi.kernel.twin.rules import LIVE, Floats, Ints
from beffroi.kernel.twin.types import CLASSES, Asset, Quality, StateValue


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A declared source, as the engine and the connectors need it."""

    id: int
    code: str
    connector: str
    settings: Mapping[str, Any]
    partition: int


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """A gateway in force: its name, its password's bcrypt, the source it publishes for."""

    name: str
    password_hash: str
    source: str


@dataclass(frozen=True, slots=True)
class QuarantinedFrame:
    """A frame kept aside, with its reason."""

    id: int
    stream: str
    sequence: int
    source: str
    topic: str
    payload: bytes
    received_at: Instant
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Aside:
    """What lies in quarantine: frames, bytes, and how many went for want of room, in all and by day, the latest first."""

    rows: int
    bytes: int
    dropped: int
    dropped_by_day: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters since the store began."""

    received: int
    stored: int
    quarantined: int
    refused: int
    by_source: Mapping[str, Mapping[str, int]]


def sources() -> tuple[SourceInfo, ...]:
    """Return every declared source, by code."""
    return tuple(
        SourceInfo(row.pk, row.code, row.connector, row.settings, row.partition)
        for row in Source.objects.order_by("code")
    )


def gateways_in_force() -> tuple[GatewayInfo, ...]:
    """Return every gateway that may publish, by name."""
    rows = Gateway.objects.filter(revoked_at=None).select_related("source").order_by("name")
    return tuple(GatewayInfo(row.name, row.password_hash, row.source.code) for row in rows)


def asset_index(source_ids: Iterable[int], after_id: int = 0) -> Iterator[tuple[int, int, str, str, int | None]]:
    """Yield (asset id, source id, address, class, period) of these sources' assets with a greater id, by id."""
    rows = (
        AssetRow.objects.filter(source_id__in=list(source_ids), id__gt=after_id)
        .order_by("id")
        .values_list("id", "source_id", "address", "asset_class", "period_s")
    )
    yield from rows.iterator(chunk_size=10_000)


def find_addresses(addresses: Sequence[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, str, int | None]]:
    """Return (asset id, class, period) of each (source id, address) that is known."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.source_id, a.address, a.id, a.asset_class, a.period_s FROM twin_asset a"
            " JOIN unnest(%s::bigint[], %s::text[]) AS w(s, d) ON a.source_id = w.s AND a.address = w.d",
            [[source for source, _ in addresses], [address.replace("\0", "") for _, address in addresses]],
        )
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in cursor.fetchall()}


def owners_of(addresses: Sequence[str]) -> dict[str, str]:
    """Return, for each address or code known under another source, that source's code."""
    known = [address for address in addresses if "\0" not in address]  # the database takes no text with a zero
    rows = AssetRow.objects.filter(Q(address__in=known) | Q(code__in=known), source__isnull=False)
    found: dict[str, str] = {}
    for address, code, source in rows.values_list("address", "code", "source__code"):
        found[address] = found[code] = str(source)
    return found


def last_heard(source_ids: Iterable[int]) -> dict[int, Instant]:
    """Return when each asset of these sources was last heard."""
    rows = (
        State.objects.filter(asset__source_id__in=list(source_ids)).values("asset_id").annotate(at=Max("received_at"))
    )
    return {row["asset_id"]: from_datetime(row["at"]) for row in rows}


def freshness_levels() -> dict[int, int]:
    """Return the recorded level of each asset that is stale or silent."""
    return dict(Freshness.objects.values_list("asset_id", "level"))


def current_values(quantity: str, source_ids: Iterable[int]) -> list[tuple[int, float, Instant]]:
    """Return (asset id, value, observed at) of one quantity over these sources."""
    rows = State.objects.filter(quantity__name=quantity, asset__source_id__in=list(source_ids))
    return [
        (asset, value, from_datetime(at)) for asset, value, at in rows.values_list("asset_id", "value", "observed_at")
    ]


def values_of(quantity: str, asset_ids: Iterable[int]) -> list[tuple[int, float, Instant]]:
    """Return (asset id, value, observed at) of one quantity of these assets."""
    rows = State.objects.filter(quantity__name=quantity, asset_id__in=list(asset_ids))
    return [
        (asset, value, from_datetime(at)) for asset, value, at in rows.values_list("asset_id", "value", "observed_at")
    ]


def stored_values(
    quantities: Iterable[str], asset_ids: Iterable[int], since: Instant, until: Instant
) -> dict[str, tuple[Ints, Floats, Ints]]:
    """Return, by quantity, the (assets, values, observed at) received between two instants, as columns.

    For replays over history: at most 2,000,000 rows, and the database gives up after 5 s. Raises what it then raises.
    """
    numbers = {number: name for name, number in quantity_ids().items() if name in set(quantities)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        cursor.execute(
            "SELECT quantity_id, asset_id, value, (extract(epoch FROM observed_at) * 1000000)::bigint FROM twin_history"
            " WHERE received_at >= %s AND received_at < %s AND quantity_id = ANY(%s) AND asset_id = ANY(%s)"
            " LIMIT 2000000",
            [to_datetime(since), to_datetime(until), list(numbers), list(asset_ids)],
        )
        rows = cursor.fetchall()
    found = {}
    for number, name in numbers.items():
        mine = [row for row in rows if row[0] == number]
        found[name] = (
            np.fromiter((row[1] for row in mine), np.int64, len(mine)),
            np.fromiter((row[2] for row in mine), np.float64, len(mine)),
            np.fromiter((row[3] for row in mine), np.int64, len(mine)),
        )
    return found


def quantity_ids() -> dict[str, int]:
    """Return the number of each quantity."""
    return dict(Quantity.objects.values_list("name", "id"))


def _asset(row: AssetRow) -> Asset:
    return Asset(
        row.pk,
        row.code,
        row.asset_class,
        row.name,
        row.source.code if row.source else None,
        row.address,
        row.lon,
        row.lat,
        row.x_m,
        row.y_m,
        row.place,
        row.commune,
        row.period_s,
        row.properties,
    )


def _sought(text: str) -> str:
    """Return what people typed as the database takes it: no text of ours holds a zero, so one that does finds nothing."""
    return text.replace("\0", "\ufffd")


def get_asset(code: str) -> Asset:
    """Return an asset by its code. Raises NotFound."""
    row = AssetRow.objects.select_related("source").filter(code=_sought(code)).first()
    if row is None:
        raise NotFound(f"no asset is called `{code}`")
    return _asset(row)


def assets_by_id(ids: Iterable[int]) -> dict[int, Asset]:
    """Return assets by their number; unknown numbers are absent."""
    return {row.pk: _asset(row) for row in AssetRow.objects.select_related("source").filter(id__in=list(ids))}


def list_assets(
    *,
    asset_class: str | None = None,
    source: str | None = None,
    commune: str | None = None,
    text: str | None = None,
    within: Collection[str] | None = None,
    after: str = "",
    limit: int = 100,
) -> tuple[Asset, ...]:
    """Return assets by code, after a code (keyset paging), filtered; `text` is sought in code, name and place.

    `within` narrows to the communes where the person may see equipment (None: everywhere).
    """
    rows = AssetRow.objects.select_related("source").filter(code__gt=_sought(after))
    if within is not None:
        rows = rows.filter(commune__in=list(within))
    if asset_class:
        rows = rows.filter(asset_class=_sought(asset_class))
    if source:
        rows = rows.filter(source__code=_sought(source))
    if commune:
        rows = rows.filter(commune=_sought(commune))
    if text:
        text = _sought(text)
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(place__icontains=text))
    return tuple(_asset(row) for row in rows.order_by("code")[: min(limit, 500)])


def ids_of_class(asset_class: str) -> list[int]:
    """Return the numbers of every asset of a class."""
    return list(AssetRow.objects.filter(asset_class=asset_class).values_list("id", flat=True))


def ids_within(communes: Collection[str]) -> frozenset[int]:
    """Return the numbers of every asset of these communes."""
    return frozenset(AssetRow.objects.filter(commune__in=list(communes)).values_list("id", flat=True))


def ids_of_codes(codes: Sequence[str]) -> list[int]:
    """Return the numbers of the assets that have these codes; unknown codes are passed over."""
    return list(AssetRow.objects.filter(code__in=[_sought(code) for code in codes]).values_list("id", flat=True))


def nearest(
    x_m: float, y_m: float, *, asset_class: str, within_m: float = 500.0, limit: int = 5
) -> tuple[tuple[Asset, float], ...]:
    """Return the nearest assets of a class with their distance in metres, nearest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, point(x_m, y_m) <-> point(%s, %s) AS far FROM twin_asset"
            " WHERE asset_class = %s AND point(x_m, y_m) <@ box(point(%s, %s), point(%s, %s)) ORDER BY far LIMIT %s",
            [x_m, y_m, asset_class, x_m - within_m, y_m - within_m, x_m + within_m, y_m + within_m, limit],
        )
        found = [(int(key), float(far)) for key, far in cursor.fetchall() if far <= within_m]
    assets = assets_by_id(key for key, _ in found)
    return tuple((assets[key], far) for key, far in found)


def state_of(asset_id: int) -> tuple[StateValue, ...]:
    """Return the last values of an asset, by quantity."""
    rows = State.objects.filter(asset_id=asset_id).select_related("quantity").order_by("quantity__name")
    return tuple(
        StateValue(
            row.quantity.name,
            row.value,
            from_datetime(row.observed_at),
            from_datetime(row.received_at),
            Quality(row.quality),
        )
        for row in rows
    )


def readings(
    asset_id: int,
    *,
    quantity: str | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    after: tuple[Instant, str] | None = None,
    limit: int = 1000,
) -> tuple[StateValue, ...]:
    """Return the stored values of an asset in the order they were observed (then by quantity), at most `limit`.

    `after` is the (observed at, quantity) of the last value of the page before.
    """
    rows = History.objects.filter(asset_id=asset_id)
    names = {number: name for name, number in quantity_ids().items()}
    if quantity is not None:
        rows = rows.filter(quantity_id__in=[number for number, name in names.items() if name == quantity])
    if since is not None:
        rows = rows.filter(observed_at__gte=to_datetime(since), received_at__gte=to_datetime(since - 600_000_000))
    if until is not None:
        rows = rows.filter(observed_at__lt=to_datetime(until))
    if after is not None:
        number = next((number for number, name in names.items() if name == after[1]), 0)
        at = to_datetime(after[0])
        rows = rows.filter(Q(observed_at__gt=at) | Q(observed_at=at, quantity_id__gt=number))
    found = rows.order_by("observed_at", "quantity_id").values_list(
        "quantity_id", "value", "observed_at", "received_at", "quality"
    )[:limit]
    return tuple(
        StateValue(names[number], value, from_datetime(seen), from_datetime(got), Quality(quality))
        for number, value, seen, got, quality in found
    )


def freshness_of(asset_id: int) -> tuple[int, Instant | None]:
    """Return an asset's level (0 live, 1 stale, 2 silent) and since when."""
    row = Freshness.objects.filter(asset_id=asset_id).first()
    return (row.level, from_datetime(row.since)) if row else (LIVE, None)


def related(asset_id: int) -> tuple[tuple[str, str, Asset], ...]:
    """Return (direction, kind, asset) of each relation: `out` for what this asset feeds or contains, `in` for the converse."""
    out = Relation.objects.filter(from_asset_id=asset_id).select_related("to_asset__source").order_by("to_asset__code")
    into = Relation.objects.filter(to_asset_id=asset_id).select_related("from_asset__source")
    return (
        *(("in", row.kind, _asset(row.from_asset)) for row in into[:50]),
        *(("out", row.kind, _asset(row.to_asset)) for row in out[:200]),
    )


def upstream(asset_ids: Iterable[int], kind: str) -> dict[int, int]:
    """Return, for each asset, the asset that stands before it in a relation of this kind."""
    rows = Relation.objects.filter(kind=kind, to_asset_id__in=list(asset_ids))
    return dict(rows.values_list("to_asset_id", "from_asset_id"))


def downstream(asset_ids: Iterable[int], kind: str) -> dict[int, list[int]]:
    """Return, for each asset, the assets that stand after it in a relation of this kind."""
    found: dict[int, list[int]] = {}
    for first, then in Relation.objects.filter(kind=kind, from_asset_id__in=list(asset_ids)).values_list(
        "from_asset_id", "to_asset_id"
    ):
        found.setdefault(first, []).append(then)
    return found


def movers(observed_since: Instant) -> list[tuple[int, str, str, float, float, Instant]]:
    """Return (id, code, class, lon, lat, observed at) of each moving asset that gave a position since an instant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.code, a.asset_class, x.value, y.value, x.observed_at FROM twin_asset a"
            " JOIN twin_state x ON x.asset_id = a.id AND x.quantity_id = (SELECT id FROM twin_quantity WHERE name = 'longitude_deg')"
            " JOIN twin_state y ON y.asset_id = a.id AND y.quantity_id = (SELECT id FROM twin_quantity WHERE name = 'latitude_deg')"
            " WHERE a.asset_class = ANY(%s) AND x.observed_at >= %s ORDER BY a.id",
            [[slug for slug, entry in CLASSES.items() if entry.moves], to_datetime(observed_since)],
        )
        return [(row[0], row[1], row[2], row[3], row[4], from_datetime(row[5])) for row in cursor.fetchall()]


def totals() -> Totals:
    """Return the counters of every source and their sums."""
    by_source: dict[str, dict[str, int]] = {}
    fields = ("received", "stored", "quarantined", "refused")
    for row in Counter.objects.order_by("source__code").values("source__code", *fields, "denied"):
        received = row["received"] + row["denied"]
        by_source[row["source__code"]] = {**{name: row[name] for name in fields}, "received": received}
    sums = {name: sum(entry[name] for entry in by_source.values()) for name in fields}
    unclaimed = int(QuarantineDay.objects.filter(source_id=0).aggregate(seen=Sum("seen"))["seen"] or 0)
    return Totals(
        sums["received"] + unclaimed, sums["stored"], sums["quarantined"] + unclaimed, sums["refused"], by_source
    )


def sources_heard() -> list[tuple[str, Instant | None]]:
    """Return every source with when it was last heard (None: never), by code."""
    rows = Source.objects.order_by("code").values_list("code", "counter__last_received_at")
    return [(code, from_datetime(at) if at else None) for code, at in rows]


def lag_by_partition(now: Instant) -> dict[str, float]:
    """Return, for each partition in use (`stream/number`), for how many seconds its oldest waiting message has waited.

    Zero where its engine said within 10 s that nothing waits. Where no engine has spoken since, the time since the last
    message applied: an engine that is down shows as lag, never as silence.
    """
    lags: dict[str, float] = {}
    for row in Position.objects.all():
        if row.checked_at is None:
            continue
        spoke = now - from_datetime(row.checked_at) < 10_000_000
        last = from_datetime(row.received_at or row.checked_at)
        lags[f"{row.stream}/{row.partition}"] = 0.0 if spoke and row.pending == 0 else round((now - last) / 1e6, 3)
    return lags


def quarantined() -> Aside:
    """Return how much lies in quarantine, and what went for want of room; the last ten days on which something did."""
    sums = QuarantineDay.objects.aggregate(rows=Sum("rows"), bytes=Sum("bytes"), dropped=Sum("dropped"))
    days = (
        QuarantineDay.objects.filter(dropped__gt=0).values("day").annotate(count=Sum("dropped")).order_by("-day")[:10]
    )
    return Aside(
        int(sums["rows"] or 0),
        int(sums["bytes"] or 0),
        int(sums["dropped"] or 0),
        tuple((row["day"], int(row["count"])) for row in days),
    )


def list_quarantine(
    *, source: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[QuarantinedFrame, ...]:
    """Return frames kept aside, latest first."""
    rows = Quarantine.objects.select_related("source")
    if source:
        rows = rows.filter(source__code=_sought(source))
    if before is not None:
        rows = rows.filter(id__lt=before)
    return tuple(
        QuarantinedFrame(
            row.pk,
            row.stream,
            row.sequence,
            row.source.code if row.source else "",
            row.topic,
            bytes(row.payload),
            from_datetime(row.received_at),
            row.verdict,
            row.reason,
        )
        for row in rows.order_by("-id")[: min(limit, 500)]
    )

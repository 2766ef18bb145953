"""Values: the last ones, and the history."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from django.db import connection, transaction
from django.db.models import Q

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.twin.models import (
    History,
    Quantity,
    State,
)
from beffroi.kernel.twin.rules import Floats, Ints
from beffroi.kernel.twin.types import CLASSES, Quality, StateValue


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

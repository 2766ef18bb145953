"""Equipment: one piece, lists, the index of an engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Q

from beffroi.foundation.errors import NotFound
from beffroi.kernel.twin.models import Asset as AssetRow
from beffroi.kernel.twin.types import Asset

_BY_ID = """
SELECT a.id, a.code, a.asset_class, a.name, s.code, a.address, a.lon, a.lat, a.x_m, a.y_m, a.place, a.commune, a.period_s,
    a.properties::text
FROM twin_asset a LEFT JOIN twin_source s ON s.id = a.source_id WHERE a.id = ANY(%s)
"""
"""What `Asset` is made of, in its order. One array as parameter: thirty thousand of them take seconds to be written."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


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


def asset_of(row: AssetRow) -> Asset:
    """Return a row as the other rooms see it."""
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


def sought(text: str) -> str:
    """Return what people typed as the database takes it: no text of ours holds a zero, so one that does finds nothing."""
    return text.replace("\0", "\ufffd")


def get_asset(code: str) -> Asset:
    """Return an asset by its code. Raises NotFound."""
    row = AssetRow.objects.select_related("source").filter(code=sought(code)).first()
    if row is None:
        raise NotFound(f"no asset is called `{code}`")
    return asset_of(row)


def assets_by_id(ids: Iterable[int]) -> dict[int, Asset]:
    """Return assets by their number; unknown numbers are absent. Read as plain rows: a whole city is asked for at once."""
    wanted = list(ids)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID, [wanted])
        return {row[0]: _asset(row) for row in cursor.fetchall()}


def _asset(row: tuple[Any, ...]) -> Asset:
    whole = (*row[:-1], {} if row[-1] == "{}" else _decode(row[-1]))
    return Asset(*whole)


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
    rows = AssetRow.objects.select_related("source").filter(code__gt=sought(after))
    if within is not None:
        rows = rows.filter(commune__in=list(within))
    if asset_class:
        rows = rows.filter(asset_class=sought(asset_class))
    if source:
        rows = rows.filter(source__code=sought(source))
    if commune:
        rows = rows.filter(commune=sought(commune))
    if text:
        text = sought(text)
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(place__icontains=text))
    return tuple(asset_of(row) for row in rows.order_by("code")[: min(limit, 500)])


def ids_of_class(asset_class: str) -> list[int]:
    """Return the numbers of every asset of a class."""
    return list(AssetRow.objects.filter(asset_class=asset_class).values_list("id", flat=True))


def ids_within(communes: Collection[str]) -> frozenset[int]:
    """Return the numbers of every asset of these communes."""
    return frozenset(AssetRow.objects.filter(commune__in=list(communes)).values_list("id", flat=True))


def ids_of_codes(codes: Sequence[str]) -> list[int]:
    """Return the numbers of the assets that have these codes; unknown codes are passed over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM twin_asset WHERE code = ANY(%s)", [[sought(code) for code in codes]])
        return [row[0] for row in cursor.fetchall()]


def codes_of_ids(ids: Iterable[int]) -> frozenset[str]:
    """Return the codes of these assets."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM twin_asset WHERE id = ANY(%s)", [list(ids)])
        return frozenset(row[0] for row in cursor.fetchall())


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

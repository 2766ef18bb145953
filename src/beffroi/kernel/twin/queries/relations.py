"""What feeds, contains or reports what."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from beffroi.kernel.twin.models import Asset as AssetRow
from beffroi.kernel.twin.models import (
    Relation,
)
from beffroi.kernel.twin.queries.inventory import asset_of, assets_by_id
from beffroi.kernel.twin.types import SOURCE, Asset


def related(asset_id: int) -> tuple[tuple[str, str, Asset], ...]:
    """Return (direction, kind, asset) of each relation: `out` for what this asset feeds or contains, `in` for the converse.

    At most 50 before it and 200 after it. What stands for a source comes before what the source reports (`source`).
    """
    out = Relation.objects.filter(from_asset_id=asset_id).select_related("to_asset__source").order_by("to_asset__code")
    into = Relation.objects.filter(to_asset_id=asset_id).select_related("from_asset__source")
    reported = AssetRow.objects.filter(source__assets=asset_id, source__assets__asset_class=SOURCE)
    return (
        *(("in", SOURCE, found) for found in assets_by_id(upstream([asset_id], SOURCE).values()).values()),
        *(("in", row.kind, asset_of(row.from_asset)) for row in into[:50]),
        *(("out", row.kind, asset_of(row.to_asset)) for row in out[:200]),
        *(
            ("out", SOURCE, asset_of(row))
            for row in reported.exclude(pk=asset_id).select_related("source").order_by("code")[:200]
        ),
    )


def upstream(asset_ids: Iterable[int], kind: str) -> dict[int, int]:
    """Return, for each asset, the asset that stands before it in a relation of this kind."""
    if kind == SOURCE:
        return _sources_of(list(asset_ids))
    rows = Relation.objects.filter(kind=kind, to_asset_id__in=list(asset_ids))
    return dict(rows.values_list("to_asset_id", "from_asset_id"))


def _sources_of(asset_ids: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, s.id FROM twin_asset a JOIN twin_asset s ON s.source_id = a.source_id AND s.asset_class = %s"
            " WHERE a.id = ANY(%s) AND a.asset_class <> %s",
            [SOURCE, asset_ids, SOURCE],
        )
        return dict(cursor.fetchall())


def downstream(asset_ids: Iterable[int], kind: str) -> dict[int, list[int]]:
    """Return, for each asset, the assets that stand after it in a relation of this kind.

    Not of `source`, after which a hundred thousand may stand: ask which of those in question do (`upstream`).
    """
    found: dict[int, list[int]] = {}
    for first, then in Relation.objects.filter(kind=kind, from_asset_id__in=list(asset_ids)).values_list(
        "from_asset_id", "to_asset_id"
    ):
        found.setdefault(first, []).append(then)
    return found

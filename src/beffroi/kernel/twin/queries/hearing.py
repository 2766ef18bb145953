"""Who was heard when, and who is silent."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Max

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.twin.models import Asset as AssetRow
from beffroi.kernel.twin.models import Freshness, State
from beffroi.kernel.twin.rules import LIVE
from beffroi.kernel.twin.types import SOURCE


def last_heard(source_ids: Iterable[int]) -> dict[int, Instant]:
    """Return when each asset of these sources was last heard; what stands for a source is heard with its source."""
    ids = list(source_ids)
    rows = State.objects.filter(asset__source_id__in=ids).values("asset_id").annotate(at=Max("received_at"))
    heard = {row["asset_id"]: from_datetime(row["at"]) for row in rows}
    return heard | dict(sources_last_heard(ids))


def sources_last_heard(source_ids: Iterable[int]) -> list[tuple[int, Instant]]:
    """Return (asset that stands for it, instant) of each of these sources that was ever heard, or that ever answered."""
    rows = AssetRow.objects.filter(asset_class=SOURCE, source_id__in=list(source_ids)).values_list(
        "id", "source__counter__last_received_at", "source__counter__answered_at"
    )
    found = ((asset, [at for at in (received, answered) if at is not None]) for asset, received, answered in rows)
    return [(asset, from_datetime(max(times))) for asset, times in found if times]


def freshness_levels() -> dict[int, int]:
    """Return the recorded level of each asset that is stale or silent."""
    return dict(Freshness.objects.values_list("asset_id", "level"))


def freshness_of(asset_id: int) -> tuple[int, Instant | None]:
    """Return an asset's level (0 live, 1 stale, 2 silent) and since when."""
    row = Freshness.objects.filter(asset_id=asset_id).first()
    return (row.level, from_datetime(row.since)) if row else (LIVE, None)

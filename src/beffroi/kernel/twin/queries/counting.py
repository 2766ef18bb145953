"""Counters of the readings, their lag, and what lies in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.twin.models import (
    Counter,
    Position,
    Quarantine,
    QuarantineDay,
)
from beffroi.kernel.twin.queries.inventory import sought


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
        rows = rows.filter(source__code=sought(source))
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

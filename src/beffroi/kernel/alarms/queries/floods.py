"""The load of each post now: alarms in ten minutes, the flood if there is one, and which alarms are nuisances."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.rules.flood import FLOOD_WINDOW
from beffroi.kernel.alarms.types import STANDING_STATES, Chatter, Flood
from beffroi.kernel.people.types import WHOLE_ROOM, Post


def rate_10_min(now: Instant, post: Post = WHOLE_ROOM) -> int:
    """Return how many alarms were put before a post in the ten minutes until now (EEMUA 191's measure of load)."""
    rows = models.Announcement.objects.filter(_of(post))
    return rows.filter(at__gt=to_datetime(now - FLOOD_WINDOW), at__lte=to_datetime(now)).count()


def open_flood(post: Post) -> Flood | None:
    """Return the flood that a post is in, or None."""
    row = models.Flood.objects.filter(post=post.code, closed_at=None).first()
    return _flood(row) if row else None


def list_floods(post: Post, since: Instant, until: Instant, *, limit: int = 200) -> tuple[Flood, ...]:
    """Return the floods of a post that were open at some time in a period, the newest first."""
    rows = models.Flood.objects.filter(post=post.code, opened_at__lt=to_datetime(until))
    rows = rows.filter(Q(closed_at=None) | Q(closed_at__gt=to_datetime(since)))
    return tuple(_flood(row) for row in rows.order_by("-opened_at")[:limit])


def marks(alarm_ids: Iterable[int]) -> dict[int, tuple[bool, bool]]:
    """Return (chatters, is stale) of those of these alarms that are either, and still stand before people."""
    chatters = Exists(_open_chatter().filter(code=OuterRef("code"), asset=OuterRef("asset")))
    rows = models.Alarm.objects.filter(pk__in=list(alarm_ids), state__in=STANDING_STATES).annotate(noisy=chatters)
    found = rows.filter(Q(noisy=True) | Q(stale_at__isnull=False)).values_list("id", "noisy", "stale_at")
    return {key: (bool(noisy), stale_at is not None) for key, noisy, stale_at in found}


def chattering_now(post: Post = WHOLE_ROOM, *, limit: int = 50) -> tuple[Chatter, ...]:
    """Return what chatters now on a post's desks, what began last first."""
    rows = _open_chatter().filter(_of(post)).select_related("asset", "alarm__definition").order_by("-began_at")
    return tuple(
        Chatter(
            row.code,
            row.alarm.definition.title,
            row.asset.code,
            row.asset.name,
            from_datetime(row.began_at),
            from_datetime(row.last_at),
            None,
            row.raises,
        )
        for row in rows[:limit]
    )


def _open_chatter() -> QuerySet[models.Chatter]:
    return models.Chatter.objects.filter(ended_at=None)


def _of(post: Post) -> Q:
    return Q(desk__in=post.desks) if post.desks else Q()


def _flood(row: models.Flood) -> Flood:
    return Flood(
        row.post,
        from_datetime(row.opened_at),
        from_datetime(row.closed_at) if row.closed_at else None,
        row.peak,
        row.alarms,
    )

"""Watching the announcements go by: floods of each post, alarms that chatter, alarms that stand for too long.

Called every second by one process. What is found has the instant at which it became true, not that at which it was found,
and is found once: how far each watch has come is kept in the transaction that tells what it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection, transaction
from django.db.models import QuerySet

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.actions.rows import ROOM, lock_alarms, told
from beffroi.kernel.alarms.rules import flood
from beffroi.kernel.alarms.types import STANDING_STATES, FloodChange
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.types import Post
from beffroi.kernel.twin import queries as twin

_RAISES = """
SELECT code, asset_id, max(desk), max(alarm_id), array_agg(at ORDER BY at)
FROM alarms_announcement WHERE at > %s AND at <= %s GROUP BY code, asset_id HAVING count(*) >= %s
"""
_COUNT_CHATTER = """
UPDATE alarms_chatter c SET last_at = n.last, raises = n.raises, alarm_id = n.alarm FROM (
    SELECT o.id, max(a.at) AS last, count(*) AS raises, max(a.alarm_id) AS alarm FROM alarms_chatter o JOIN alarms_announcement a
    ON a.code = o.code AND a.asset_id = o.asset_id AND a.at >= o.began_at AND a.at <= %s
    WHERE o.ended_at IS NULL GROUP BY o.id
) n WHERE n.id = c.id AND c.raises < n.raises
"""
_WATCH_LOCK = 0x666C6F6F64  # "flood": the advisory lock of whoever watches
FLOOD_RULE = Actor(ActorKind.RULE, "alarm_flood", "Avalanche d’alarmes")
MOST_AT_ONCE = 200
"""Alarms marked in one look; the next look takes the rest."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How many lines one look wrote. None of any when another process was looking."""

    floods: int = 0
    chatters: int = 0
    stale: int = 0


def watch_alarms(posts: Sequence[Post], *, at: Instant) -> Watched:
    """Open and close floods, begin and end chattering, mark what is stale; journal each once. In a transaction of its own.

    Two processes that look at the same time: one does, the other does nothing.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_WATCH_LOCK])
            if not cursor.fetchone()[0]:
                return Watched()
        stale = _mark_stale(at)
        floods = [line for post in posts for line in _watch_flood(post, at)]
        floods += _close_withdrawn({post.code for post in posts}, at)
        chatters = _watch_chatter(at)
        append([*floods, *chatters, *stale], at=at)
    return Watched(len(floods), len(chatters), len(stale))


def _take_up(name: str, otherwise: Instant, at: Instant) -> Instant:
    """Return how far a watch had come, and note that it comes to `at` now. A clock set back loses nothing."""
    row = models.Watching.objects.filter(pk=name).first()
    since = from_datetime(row.looked_at) if row else otherwise
    models.Watching.objects.update_or_create(name=name, defaults={"looked_at": to_datetime(max(at, since))})
    return since


def _watch_flood(post: Post, at: Instant) -> list[Entry]:
    since = _take_up(f"flood:{post.code}", at - flood.FLOOD_WINDOW, at)
    announced = _announced(post, min(since, at) - 2 * flood.FLOOD_WINDOW)
    row = models.Flood.objects.filter(post=post.code, closed_at=None).first()
    lines = []
    for change in flood.flood_changes(announced, is_open=row is not None, since=since, until=at):
        if change.kind == "open":
            opened_at = to_datetime(change.at)
            row = models.Flood.objects.create(post=post.code, opened_at=opened_at, peak=change.count, alarms=0)
        elif row is not None:
            _measure(row, post, announced, change.at)
            row.closed_at = to_datetime(change.at)
            row.save()
            lines.append(_flood_line("close_flood", post, row, change))
            row = None
            continue
        if row is not None:
            lines.append(_flood_line("open_flood", post, row, change))
    if row is not None:
        _measure(row, post, announced, at)
        row.save()
    return lines


def _measure(row: models.Flood, post: Post, announced: Sequence[Instant], until: Instant) -> None:
    """Bring a flood's peak and its count of alarms up to an instant. The ten that opened it are counted with it."""
    opened_at = from_datetime(row.opened_at)
    row.peak = max(row.peak, flood.flood_peak(announced, opened_at, until))
    rows = _rows_of(post).filter(at__gt=to_datetime(opened_at - flood.FLOOD_WINDOW), at__lte=to_datetime(until))
    row.alarms = rows.count()


def _rows_of(post: Post) -> QuerySet[models.Announcement]:
    rows = models.Announcement.objects.all()
    return rows.filter(desk__in=post.desks) if post.desks else rows


def _announced(post: Post, after: Instant) -> list[Instant]:
    rows = _rows_of(post).filter(at__gt=to_datetime(after)).order_by("at")
    return [from_datetime(moment) for moment in rows.values_list("at", flat=True)]


def _close_withdrawn(codes: set[str], at: Instant) -> list[Entry]:
    """Close the flood of a post that is no more: nobody would."""
    lines = []
    for row in models.Flood.objects.filter(closed_at=None).exclude(post__in=codes):
        row.closed_at = to_datetime(at)
        row.save()
        lines.append(_flood_line("close_flood", Post(row.post, row.post), row, FloodChange("close", at, 0)))
    return lines


def _flood_line(verb: str, post: Post, row: models.Flood, change: FloodChange) -> Entry:
    content: dict[str, object] = {"title": post.title, "in_10_min": change.count, "desks": list(post.desks)}
    if verb == "close_flood":
        content |= {"opened_at": from_datetime(row.opened_at), "peak": row.peak, "alarms": row.alarms}
    return Entry(FLOOD_RULE, ROOM, verb, f"post:{post.code}", content=content, effective_at=change.at)


def _watch_chatter(at: Instant) -> list[Entry]:
    since = _take_up("chatter", at - flood.CHATTER_CALM, at)
    began = _begin_chatter(since, at)
    ended = _follow_chatter(at)
    rows = {row.id: row for row in lock_alarms({row.alarm_id for row in (*began, *ended)})}
    assets = twin.assets_by_id({row.asset_id for row in rows.values()})
    lines = []
    for verb, chatter, moment in (
        *(("begin_chatter", row, row.began_at) for row in began),
        *(("end_chatter", row, row.last_at) for row in ended),
    ):
        line = told(verb, rows[chatter.alarm_id], assets, from_datetime(moment), None)
        lines.append(replace(line, content={**line.content, "raises": chatter.raises}))
    return lines


def _begin_chatter(since: Instant, at: Instant) -> list[models.Chatter]:
    """Note the alarms that were raised three times in a minute, the last time since the last look."""
    with connection.cursor() as cursor:
        after = to_datetime(min(since, at) - flood.CHATTER_WINDOW)
        cursor.execute(_RAISES, [after, to_datetime(at), flood.CHATTER_RAISES])
        found = cursor.fetchall()
    known = set(models.Chatter.objects.filter(ended_at=None).values_list("code", "asset_id")) if found else set()
    began = []
    for code, asset_id, desk, alarm_id, instants in found:
        raises = [from_datetime(moment) for moment in instants]
        first = flood.chatter_began(raises)
        if first is None or raises[-1] <= since or (code, asset_id) in known:
            continue
        row = models.Chatter(code=code, asset_id=asset_id, desk=desk, alarm_id=alarm_id, began_at=to_datetime(first))
        row.last_at, row.raises = to_datetime(raises[-1]), sum(moment >= first for moment in raises)
        began.append(row)
    models.Chatter.objects.bulk_create(began[:MOST_AT_ONCE])
    return began[:MOST_AT_ONCE]


def _follow_chatter(at: Instant) -> list[models.Chatter]:
    """Count the raises of what chatters, and end what has been calm; return what ended."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_CHATTER, [to_datetime(at)])
    ended = []
    for row in models.Chatter.objects.filter(ended_at=None, last_at__lte=to_datetime(at - flood.CHATTER_CALM)):
        row.ended_at = row.last_at
        row.save()
        ended.append(row)
    return ended


def _mark_stale(at: Instant) -> list[Entry]:
    """Mark what has stood before people for more than a day. Alarms are locked first, by number, as everywhere."""
    long_ago = to_datetime(at - flood.STALE_AFTER)
    waiting = models.Alarm.objects.filter(state__in=STANDING_STATES, stale_at=None, announced_at__lt=long_ago)
    rows = lock_alarms(waiting.order_by("id").values_list("id", flat=True)[:MOST_AT_ONCE])
    rows = [row for row in rows if row.state in STANDING_STATES]
    if not rows:
        return []
    models.Alarm.objects.filter(pk__in=[row.id for row in rows], announced_at__lt=long_ago).update(
        stale_at=to_datetime(at)
    )
    assets = twin.assets_by_id({row.asset_id for row in rows})
    return [told("mark_stale", row, assets, at, None) for row in rows]

"""The alarm conscience: figures of a post over a period, from the sums that are kept and what is too new to be summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.queries.floods import list_floods
from beffroi.kernel.alarms.rules import figures as rules
from beffroi.kernel.alarms.rules.figures import BadActor, Figures, Slot
from beffroi.kernel.alarms.types import STANDING_STATES
from beffroi.kernel.people.types import Post
from beffroi.kernel.twin.queries import assets_by_id

WORST = 10
_ALL_FLOODS = 10_000

_SLOTS = """
SELECT slot, priority, sum(announced), sum(acknowledged), sum(acknowledge_total_s), max(acknowledge_longest_s) FROM (
    SELECT slot, desk, priority, announced, acknowledged, acknowledge_total_s, acknowledge_longest_s
    FROM alarms_tally WHERE slot >= %(since)s AND slot < %(summed)s
    UNION ALL
    SELECT date_bin('10 minutes', at, 'epoch'), desk, priority, 1, 0, 0, 0
    FROM alarms_announcement WHERE at >= %(fresh)s AND at < %(until)s
    UNION ALL
    SELECT date_bin('10 minutes', acknowledged_at, 'epoch'), desk, priority, 0, 1,
        greatest(0, extract(epoch FROM acknowledged_at - announced_at)),
        greatest(0, extract(epoch FROM acknowledged_at - announced_at))
    FROM alarms_alarm WHERE acknowledged_at >= %(fresh)s AND acknowledged_at < %(until)s AND announced_at IS NOT NULL
) AS each WHERE desk = ANY(%(desks)s) OR %(every)s GROUP BY 1, 2
"""
_BY_CODE = """
SELECT code, sum(n) FROM (
    SELECT code, desk, announced AS n FROM alarms_tally WHERE slot >= %(since)s AND slot < %(summed)s
    UNION ALL
    SELECT code, desk, 1 FROM alarms_announcement WHERE at >= %(fresh)s AND at < %(until)s
) AS each WHERE desk = ANY(%(desks)s) OR %(every)s GROUP BY code HAVING sum(n) > 0 ORDER BY sum(n) DESC, code LIMIT 500
"""
_BY_ASSET = """
SELECT DISTINCT ON (code) code, asset_id, n, count(*) OVER (PARTITION BY code) FROM (
    SELECT code, asset_id, count(*) AS n FROM alarms_announcement
    WHERE at >= %(since)s AND at < %(until)s AND code = ANY(%(codes)s) AND (desk = ANY(%(desks)s) OR %(every)s)
    GROUP BY code, asset_id
) AS each ORDER BY code, n DESC, asset_id
"""


def figures(post: Post, since: Instant, until: Instant, *, worst_since: Instant | None = None) -> Figures:
    """Return the figures of a post from `since` (brought to its slot's beginning) until an instant, that one left out.

    The worst ten are of `worst_since` on (by default, the whole period). Figures only, no one is named: the caller asks
    the door for the page that shows them.
    """
    begin = rules.slot_of(since)
    span = _span(post, begin, until)
    load = rules.load_of(_slots(span), begin, until)
    floods = list_floods(post, begin, until, limit=_ALL_FLOODS)
    in_flood = rules.share_in_flood(floods, begin, until)
    of_post = Q(desk__in=post.desks) if post.desks else Q()
    standing = models.Alarm.objects.filter(of_post, state__in=STANDING_STATES)
    now = standing.aggregate(all=Count("id"), stale=Count("id", filter=Q(stale_at__isnull=False)))
    period = {"gte": to_datetime(begin), "lt": to_datetime(until)}
    chattering = models.Chatter.objects.filter(of_post, ended_at=None).count()
    by_code = _rows(_BY_CODE, span)
    top_ten = rules.top_share([int(count) for _code, count in by_code], load.announced)
    return Figures(
        post=post.code,
        since=begin,
        until=until,
        load=load,
        in_flood=in_flood,
        floods=sum(begin <= flood.opened_at < until for flood in floods),
        standing=now["all"],
        stale=now["stale"],
        chattering=chattering,
        chatters=models.Chatter.objects.filter(of_post, **_within("began_at", period)).count(),
        became_stale=models.Alarm.objects.filter(of_post, **_within("stale_at", period)).count(),
        judged=rules.judged(load, in_flood, stale=now["stale"], chattering=chattering, top_ten=top_ten),
        worst=worst(post, begin if worst_since is None else worst_since, until),
    )


def worst(post: Post, since: Instant, until: Instant, *, limit: int = WORST) -> tuple[BadActor, ...]:
    """Return the definitions that came most often before a post in a period, with the equipment that did it most."""
    span = _span(post, rules.slot_of(since), until)
    by_code = [(str(code), int(count)) for code, count in _rows(_BY_CODE, span)]
    total = sum(count for _code, count in by_code)
    top = dict(by_code[:limit])
    codes = list(top)
    by_asset = {row[0]: row[1:] for row in _rows(_BY_ASSET, span | {"codes": codes})}
    assets = _names([row[0] for row in by_asset.values()])
    period = {"gte": span["since"], "lt": span["until"]}
    latest = {row.code: row for row in models.Definition.objects.filter(code__in=codes).order_by("version")}
    chatters = _counted(models.Chatter, codes, _within("began_at", period))
    stale = _counted(models.Alarm, codes, _within("stale_at", period))
    said = {answer: _counted(models.Verdict, codes, {"useful": answer}) for answer in (True, False)}
    return tuple(
        BadActor(
            code=code,
            title=latest[code].title if code in latest else code,
            priority=latest[code].priority if code in latest else 4,
            desk=latest[code].desk if code in latest else "",
            count=count,
            share=count / total,
            assets=int(by_asset[code][2]) if code in by_asset else 0,
            asset_code=assets.get(by_asset[code][0], ("", ""))[0] if code in by_asset else "",
            asset_name=assets.get(by_asset[code][0], ("", ""))[1] if code in by_asset else "",
            asset_count=int(by_asset[code][1]) if code in by_asset else 0,
            chatters=chatters.get(code, 0),
            stale=stale.get(code, 0),
            useful=said[True].get(code, 0),
            useless=said[False].get(code, 0),
        )
        for code, count in top.items()
    )


def verdicts(code: str) -> tuple[int, int]:
    """Return how often people said at closing that a definition's alarm was of use, and that it was not."""
    rows = models.Verdict.objects.filter(code=code).values_list("useful").annotate(n=Count("id"))
    found = {bool(useful): int(count) for useful, count in rows}
    return found.get(True, 0), found.get(False, 0)


def _span(post: Post, since: Instant, until: Instant) -> dict[str, Any]:
    """Return what the statements ask for: sums up to where they are kept, single announcements after that."""
    row = models.Watching.objects.filter(pk="sums").first()
    kept = from_datetime(row.looked_at) if row else since
    summed = min(max(kept, since), rules.slot_of(until))
    return {
        "since": to_datetime(since),
        "summed": to_datetime(summed),
        "fresh": to_datetime(max(summed, since)),
        "until": to_datetime(until),
        "desks": list(post.desks),
        "every": not post.desks,
    }


def _slots(span: Mapping[str, Any]) -> list[Slot]:
    return [
        Slot(from_datetime(at), priority, int(announced), int(acknowledged), float(total_s), float(longest_s))
        for at, priority, announced, acknowledged, total_s, longest_s in _rows(_SLOTS, span)
    ]


def _rows(statement: str, values: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _within(field: str, period: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{field}__{how}": moment for how, moment in period.items()}


def _counted(model: Any, codes: Sequence[str], which: Mapping[str, Any]) -> dict[str, int]:
    rows = model.objects.filter(code__in=codes, **which).values_list("code").annotate(n=Count("id"))
    return {code: int(count) for code, count in rows}


def _names(asset_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    return {key: (asset.code, asset.name) for key, asset in assets_by_id(asset_ids).items()}

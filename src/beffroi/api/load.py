"""The load of each post: alarms in ten minutes, floods, and the figures of EEMUA 191 and ISA-18.2."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import answer, check_known, read_instant, write_instant
from beffroi.foundation import clock
from beffroi.foundation.clock import DAY
from beffroi.foundation.errors import Refused
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.rules.figures import Figures
from beffroi.kernel.alarms.types import Flood
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["alarms"])
LONGEST = 400 * DAY


class FiguresAsked(Schema):
    """Whose figures, over which period."""

    post: str = Field(
        "", max_length=32, description="Code of the post; the first that answers for every desk unless told."
    )
    since: str | None = Field(None, alias="from", max_length=40, description="RFC 3339; a day ago unless told.")
    until: str | None = Field(None, alias="to", max_length=40, description="RFC 3339; now unless told.")


@router.get("/alarms/posts", auth=door(Verb.SEE, Kind.ALARM), **answers(shapes.PostLoads))
def posts(request: Entered) -> HttpResponse:
    """List the posts of the room with their load: alarms in ten minutes, and the flood each is in."""
    now = clock.now()
    return answer(
        shapes.PostLoads(
            [
                shapes.PostLoad(
                    post=post.code,
                    title=post.title,
                    desks=list(post.desks),
                    alarms_10min=queries.rate_10_min(now, post),
                    flood=_flood(queries.open_flood(post)),
                )
                for post in people.posts()
            ],
            None,
        )
    )


@router.get("/alarms/figures", auth=door(Verb.SEE, Kind.ALARM), **answers(shapes.AlarmFigures))
def figures(request: Entered, asked: Query[FiguresAsked]) -> HttpResponse:
    """Show the alarm figures of a post over a period of at most 400 days, beside how they stand to the norms."""
    check_known(request, FiguresAsked)
    until = read_instant(asked.until, "to") or clock.now()
    since = read_instant(asked.since, "from") or until - DAY
    if not 0 < until - since <= LONGEST:
        raise Refused("`to` comes after `from`, by 400 days at most")
    post = people.post_named(asked.post) if asked.post else people.viewer_named(request.auth.username).post
    return answer(_figures(queries.figures(post, since, until)))


def _flood(flood: Flood | None) -> shapes.FloodNow | None:
    if flood is None:
        return None
    return shapes.FloodNow(write_instant(flood.opened_at) or "", flood.peak, flood.alarms)


def _figures(found: Figures) -> shapes.AlarmFigures:
    load = found.load
    return shapes.AlarmFigures(
        post=found.post,
        since=write_instant(found.since) or "",
        until=write_instant(found.until) or "",
        announced=load.announced,
        per_10_min=load.per_10_min,
        per_day=load.per_day,
        peak_10_min=load.peak_10_min,
        by_priority={str(priority): count for priority, count in load.by_priority.items()},
        in_flood=found.in_flood,
        floods=found.floods,
        standing=found.standing,
        stale=found.stale,
        chattering=found.chattering,
        acknowledged=load.acknowledged,
        acknowledge_mean_s=load.acknowledge_mean_s,
        acknowledge_longest_s=load.acknowledge_longest_s,
        marks={each.name: str(each.mark) for each in found.judged},
        worst=[
            shapes.WorstAlarm(each.code, each.title, each.priority, each.count, each.share, each.useful, each.useless)
            for each in found.worst
        ],
    )

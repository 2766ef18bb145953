"""Closing streets to traffic and opening them again. Each act is a line; a closure that begins or ends by itself too.

Closings are decided one at a time (the one row of the street base is locked first): two people who close the same street at
the same instant make one closure, and the second is told whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Q

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.actions import signed_in
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import models, queries, rules
from beffroi.kernel.places.types import Closure

ROOM = "places"
MAX_A_PASS = 200
"""Closures begun or ended in one transaction; the next second does the rest."""

_RULE = Actor(ActorKind.RULE, "closure_period", "Période de fermeture")
_NAME = 240


def close_street(
    segments: Sequence[str],
    *,
    reason: str,
    until: Instant,
    begins_at: Instant | None = None,
    incident: int | None = None,
    by: Viewer,
    at: Instant,
) -> Closure:
    """Close stretches of street, now or from an instant on, until another. Journalled; travel times count it at once.

    Raises Forbidden, NotFound for a street that does not exist, Refused for the period or without a reason, and Conflict
    when another closure already covers all of it for all that time.
    """
    wanted = rules.check_segments(segments)
    why = rules.check_reason(reason)
    begins, end = rules.check_period(begins_at, until, at)
    found = queries.segments(wanted)
    if len(found) < len(wanted):
        known = {segment.id for segment in found}
        raise NotFound(f"there is no street `{next(each for each in wanted if each not in known)[:40]}`")
    communes = [segment.commune for segment in found]
    for commune in sorted(set(communes)):
        require(by, Verb.CLOSE, Kind.STREET, commune=commune)
    names = list(dict.fromkeys(segment.name for segment in found if segment.name))
    with transaction.atomic():
        _one_at_a_time()
        _check_open(wanted, begins, end, at)
        row = models.Closure.objects.create(
            segments=list(wanted),
            street=", ".join(names)[:_NAME],
            commune=max(sorted(set(communes)), key=communes.count),
            begins_at=to_datetime(begins),
            until=to_datetime(end),
            reason=why,
            incident=incident,
            closed_by_id=signed_in(by),
            closed_at=to_datetime(at),
            begun_at=to_datetime(at) if begins <= at else None,
        )
        content = {"from": begins, "until": end, "street": row.street, "commune": row.commune, "segments": len(wanted)}
        append([_line(row, "close_street", by.actor, content, reason=why)], at=at)
    return queries.closure(row.pk, at=at)


def reopen_street(number: int, *, reason: str, by: Viewer, at: Instant) -> Closure:
    """Open again what a closure closed, before its end. Journalled.

    Raises Forbidden, NotFound, Refused without a reason, and Conflict naming who opened it first, or that it ended.
    """
    why = rules.check_reason(reason)
    with transaction.atomic():
        row = _locked(number, by, Verb.REOPEN, at)
        row.ended_at, row.ended_by_id, row.end_reason = to_datetime(at), signed_in(by), why
        row.save()
        content = {"street": row.street, "commune": row.commune}
        append([_line(row, "reopen_street", by.actor, content, reason=why)], at=at)
    return queries.closure(number, at=at)


def prolong_closure(number: int, *, until: Instant, reason: str, by: Viewer, at: Instant) -> Closure:
    """Give a closure another end, later or nearer. Journalled.

    Raises Forbidden, NotFound, Refused for the end or without a reason, and Conflict when it is over.
    """
    why = rules.check_reason(reason)
    with transaction.atomic():
        row = _locked(number, by, Verb.CLOSE, at)
        begins = queries.closure(number, at=at).begins_at
        _begins, end = rules.check_period(max(begins, at), until, at)
        before = row.until
        row.until = to_datetime(end)
        row.save()
        content = {"street": row.street, "commune": row.commune, "until": end, "later": row.until > before}
        append([_line(row, "prolong_closure", by.actor, content, reason=why)], at=at)
    return queries.closure(number, at=at)


def turn_closures(*, at: Instant) -> int:
    """Tell of the closures that began or ended by themselves, each once, whoever calls and however often; return how many.

    Travel times do not wait for it: they look at the period. Called by the worker every second.
    """
    moment = to_datetime(at)
    begun = Q(begun_at=None, begins_at__lte=moment)
    due = Q(ended_at=None) & (begun | Q(until__lte=moment))
    if not models.Closure.objects.filter(due).exists():
        return 0
    with transaction.atomic():
        rows = list(models.Closure.objects.select_for_update(skip_locked=True).filter(due).order_by("id")[:MAX_A_PASS])
        lines = []
        for row in rows:
            if row.begun_at is None and row.begins_at <= moment:
                row.begun_at = row.begins_at
                lines.append(_line(row, "begin_closure", _RULE, {"street": row.street, "commune": row.commune}))
            if row.until <= moment:
                row.ended_at = row.until
                lines.append(_line(row, "end_closure", _RULE, {"street": row.street, "commune": row.commune}))
        models.Closure.objects.bulk_update(rows, ["begun_at", "ended_at"])
        append(lines, at=at)
    return len(lines)


def _one_at_a_time() -> None:
    models.StreetBase.objects.get_or_create(id=1, defaults={"stamp": ""})
    list(models.StreetBase.objects.select_for_update().filter(id=1).values_list("id"))


def _check_open(wanted: Sequence[str], begins: Instant, until: Instant, at: Instant) -> None:
    """Raise Conflict when one closure covers all that is wanted, Refused when there are too many closures."""
    standing = models.Closure.objects.filter(ended_at=None, until__gt=to_datetime(at))
    if standing.count() >= rules.MAX_CLOSURES:
        raise Refused(f"{rules.MAX_CLOSURES} closures are planned or in force: lift those that are over first")
    covering = standing.filter(
        begins_at__lte=to_datetime(begins), until__gte=to_datetime(until), segments__contains=list(wanted)
    )
    row = covering.select_related("closed_by").first()
    if row is not None:
        end = f"{row.until:%d/%m %H:%M} UTC"
        raise Conflict(f"already closed by {row.closed_by.display_name} until {end}", key="already-closed")


def _locked(number: int, by: Viewer, verb: Verb, at: Instant) -> models.Closure:
    """Lock a closure that is not over. Raises NotFound, Forbidden, Conflict."""
    # Locked first, read after: a row read while waiting for its lock would still be joined with nobody.
    list(models.Closure.objects.select_for_update().filter(pk=number).values_list("id"))
    row = models.Closure.objects.select_related("ended_by").filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no closure {number}")
    for commune in sorted({segment.commune for segment in queries.segments(row.segments)} | {row.commune}):
        require(by, verb, Kind.STREET, commune=commune)
    if row.ended_by is not None:
        raise Conflict(f"this street was opened again by {row.ended_by.display_name}", key="already-reopened")
    if row.ended_at is not None or row.until <= to_datetime(at):
        raise Conflict("this closure came to its end", key="closure-over")
    return row


def _line(row: models.Closure, verb: str, actor: Actor, content: Mapping[str, object], *, reason: str = "") -> Entry:
    related = () if row.incident is None else (f"incident:{row.incident}",)
    return Entry(actor, ROOM, verb, f"closure:{row.pk}", related, content, reason=reason)

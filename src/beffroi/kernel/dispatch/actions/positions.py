"""Where crews are: taken on duty only, coarse in breaks, kept for a stated time, erased on time; who looked is told.

No line of the journal holds a position: a line stays for ever.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count

from beffroi.foundation.clock import HOUR, SECOND, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Forbidden, Refused
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import ROOM, live_mission, lock_unit, mission_line, watch
from beffroi.kernel.dispatch.models import Answer, LastPosition, Look, Mission, TrackPoint, Unit
from beffroi.kernel.dispatch.queries import is_of_crew, slug_of_person, times
from beffroi.kernel.dispatch.types import DutyState, MissionState, Point, Position
from beffroi.kernel.dispatch.types import TrackPoint as Seen
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.actions import signed_in
from beffroi.kernel.people.queries import may, require
from beffroi.kernel.people.types import Kind, Verb, Viewer

ERASER = Actor(ActorKind.RULE, "positions_kept", "Conservation des positions")
MOST_POINTS = 5_000
CHANNEL = "dispatch"
"""Where it is told that a crew's position changed: its slug, and never the position."""

MOST_ERASED = 20_000


def report_position(
    lon: float,
    lat: float,
    *,
    accuracy_m: float | None = None,
    observed_at: Instant | None = None,
    by: Viewer,
    at: Instant,
) -> Position:
    """Tell where one's crew is, and return what is kept of it. Sent twice, or late, it changes nothing.

    Raises Forbidden, and Refused off duty, with the switch off, or for a position that is none or older than 10 minutes:
    nothing of it is kept then.
    """
    rules.check_position(lon, lat, accuracy_m)
    seen_at = min(at if observed_at is None else observed_at, at)
    if at - seen_at > rules.TOO_OLD:
        raise Refused("that position is older than 10 minutes: it is not taken", key="too-old")
    slug = slug_of_person(by)
    if slug is None:
        raise Refused("you are in no crew: go on duty first", key="no-crew")
    with transaction.atomic():
        unit = lock_unit(slug)
        if not is_of_crew(by, unit):
            raise Forbidden(f"{by.username} is not of the crew {unit.name}")
        duty, ours = DutyState(unit.duty), times()
        rules.check_may_follow(duty, unit.shares)
        point, is_coarse = rules.kept_of(lon, lat, duty, ours.grid_m)
        last = LastPosition.objects.filter(unit_id=unit.pk).first()
        if last is not None and from_datetime(last.observed_at) >= seen_at:
            return Position(last.lon, last.lat, from_datetime(last.observed_at), last.accuracy_m, last.coarse)
        kept = None if is_coarse else accuracy_m
        LastPosition.objects.update_or_create(
            unit_id=unit.pk,
            defaults={
                "lon": point.lon,
                "lat": point.lat,
                "accuracy_m": kept,
                "observed_at": to_datetime(seen_at),
                "coarse": is_coarse,
                "erase_at": to_datetime(at + ours.last_kept_s * SECOND),
            },
        )
        if not is_coarse:
            _follow(unit, point, seen_at)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, unit.slug])
        return Position(point.lon, point.lat, seen_at, kept, is_coarse)


def look_at_positions(*, by: Viewer, at: Instant) -> bool:
    """Tell that somebody looks at where crews are: one line an hour for each person. Return whether it was written."""
    require(by, Verb.SEE, Kind.POSITION)
    hour = to_datetime(at - at % HOUR)
    person = signed_in(by)
    if Look.objects.filter(person_id=person, hour=hour).exists():
        return False
    with transaction.atomic():
        _, new = Look.objects.get_or_create(person_id=person, hour=hour)
        if new:
            append([Entry(by.actor, ROOM, "look_at_positions", "units:positions")], at=at)
    return new


def open_track(number: int, *, purpose: str, by: Viewer, at: Instant) -> tuple[Seen, ...]:
    """Show the way of a crew during a mission, for a stated purpose. Journalled with the purpose, in the incident's thread.

    Raises Forbidden, NotFound, and Refused without a purpose. Empty once it was erased.
    """
    why = rules.check_text(purpose, "the purpose")
    with transaction.atomic():
        row = Mission.objects.select_related("unit", "incident").filter(pk=number).first()
        if row is None or not may(by, Verb.OPEN, Kind.POSITION, desk=row.unit.desk):
            raise Forbidden(f"{by.username or 'nobody'} may not open the way of a crew: no clearance in force gives it")
        points = TrackPoint.objects.filter(mission_id=number).order_by("at")[:MOST_POINTS]
        found = tuple(Seen(from_datetime(each.at), each.lon, each.lat) for each in points)
        line = mission_line(row, "open_track", by.actor, points=len(found))
        append([replace(line, purpose=why)], at=at)
    return found


def erase_positions(at: Instant, *, limit: int = MOST_ERASED) -> int:
    """Erase what is past its time: last positions, ways, answers kept for phones; return how many. Called by the worker.

    The erasure of a mission's way is a line of the journal: the proof that it was.
    """
    moment = to_datetime(at)
    gone, _ = LastPosition.objects.filter(erase_at__lte=moment).delete()
    answers, _ = Answer.objects.filter(erase_at__lte=moment).delete()
    due = TrackPoint.objects.filter(erase_at__lte=moment).values_list("mission_id").annotate(n=Count("id"))
    numbers = list(due.order_by("mission_id")[:200])
    erased = 0
    for number, _count in numbers:
        erased += _erase_track(number, at, limit)
    return gone + answers + erased


def _erase_track(number: int, at: Instant, limit: int) -> int:
    with transaction.atomic():
        row = Mission.objects.select_for_update(of=("self",)).select_related("unit", "incident").get(pk=number)
        points, _ = TrackPoint.objects.filter(mission_id=number, erase_at__lte=to_datetime(at)).delete()
        if points:
            append([mission_line(row, "erase_track", ERASER, points=points)], at=at)
    return points


def _follow(unit: Unit, point: Point, at: Instant) -> None:
    """Keep the way of a crew that is engaged, and see whether it moves."""
    row = live_mission(unit)
    if row is None or row.accepted_at is None or row.state == MissionState.PROPOSED:
        return
    before = None if row.moved_lon is None or row.moved_lat is None else Point(row.moved_lon, row.moved_lat)
    if rules.moved(before, point):
        row.moved_at, row.moved_lon, row.moved_lat = to_datetime(at), point.lon, point.lat
        row.silent = "" if row.state != MissionState.ON_SITE else row.silent
        watch(row, unit, at)
        row.save()
    erase_at = row.accepted_at + timedelta(seconds=times().track_kept_s)
    last = TrackPoint.objects.filter(mission_id=row.pk).order_by("-at").values_list("at", flat=True).first()
    near = last is not None and from_datetime(last) > at - rules.TRACK_EVERY
    if not near and erase_at > to_datetime(at):
        TrackPoint.objects.create(
            mission_id=row.pk, at=to_datetime(at), lon=point.lon, lat=point.lat, erase_at=erase_at
        )

"""Missions one by one and in lists, narrowed to what the person may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from beffroi.foundation import clock
from beffroi.foundation.clock import DAY, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.dispatch import models
from beffroi.kernel.dispatch.queries.units import is_of_crew
from beffroi.kernel.dispatch.types import CheckItem, CrewsOut, Mission, MissionState
from beffroi.kernel.incidents.queries import tree_of
from beffroi.kernel.incidents.rules import reference_of
from beffroi.kernel.journal.queries import Reading, read_words
from beffroi.kernel.people.queries import may, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_LIMIT = 500
RECENT: Instant = DAY
"""For how long a mission that ended is still told to its crew: a phone that was offline meanwhile must know."""


def mission(number: int, *, seen_by: Viewer) -> Mission:
    """Return a mission. Raises NotFound, also for who may not see it: it is for its crew, and for who sends crews."""
    row = _whole().filter(pk=number).first() if abs(number) < 10**12 else None
    if row is None or not may_see(seen_by, row.unit):
        raise NotFound(f"there is no mission {number}, or you may not see it")
    return mission_of(row)


def may_see(viewer: Viewer, unit: models.Unit) -> bool:
    """Tell whether a person may see the missions of a crew: those who man it, and who sends crews of its desk."""
    return is_of_crew(viewer, unit) or may(viewer, Verb.SEE, Kind.MISSION, desk=unit.desk)


def missions_of_incident(number: int, *, seen_by: Viewer | None = None) -> tuple[Mission, ...]:
    """Return the missions for an incident and for those united with it, the newest first. The caller asked the door.

    With a viewer, narrowed to the crews whose missions they may see.
    """
    rows = _whole().filter(incident_id__in=tree_of(number)).order_by("-id")[:MAX_LIMIT]
    return missions_read([row for row in rows if seen_by is None or may_see(seen_by, row.unit)])


def missions_of_person(username: str, *, at: Instant | None = None) -> tuple[Mission, ...]:
    """Return the missions of the crew that a person mans: the live one first, then those that ended in the last 24 hours."""
    since = to_datetime(clock.now() if at is None else at) - timedelta(microseconds=RECENT)
    aboard = models.Aboard.objects.filter(person__username=username, ended_at=None).values("unit_id")
    mine = Q(unit_id__in=aboard) | Q(unit__crew__contains=[username])
    rows = _whole().filter(mine, Q(state__in=models.LIVE) | Q(ended_at__gte=since)).order_by("-id")[:50]
    found = missions_read(list(rows))
    return tuple(sorted(found, key=lambda each: (not each.live, -each.number)))


def list_missions(
    *,
    seen_by: Viewer,
    live_only: bool = False,
    unit: str = "",
    incident: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> tuple[Mission, ...]:
    """Return missions, the newest first; `before` is the number of the last one of the page before."""
    desks = {territory.desk for territory in territories(seen_by, Verb.SEE, Kind.MISSION)}
    rows = _whole() if "" in desks else _whole().filter(unit__desk__in=desks)
    if live_only:
        rows = rows.filter(state__in=models.LIVE)
    if unit:
        rows = rows.filter(unit__slug=unit)
    if incident is not None:
        rows = rows.filter(incident_id__in=tree_of(incident))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return missions_read(list(rows.order_by("-id")[: max(1, min(limit, MAX_LIMIT))]))


def crews_of(incidents: Iterable[int]) -> dict[int, CrewsOut]:
    """Return the crews asked for or out for each of these incidents; one without any is not in it.

    The missions of an incident that was united with one of these count for it.
    """
    wanted = set(incidents)
    rows = models.Mission.objects.filter(state__in=models.LIVE).filter(
        Q(incident_id__in=wanted) | Q(incident__duplicate_of_id__in=wanted)
    )
    found: dict[int, CrewsOut] = {}
    for number, kept, silent in rows.values_list("incident_id", "incident__duplicate_of_id", "silent"):
        about = number if number in wanted or kept is None else kept
        before = found.get(about, CrewsOut(0))
        found[about] = CrewsOut(before.count + 1, before.silent + bool(silent))
    return found


def live_missions(*, seen_by: Viewer, desks: Collection[str] = ()) -> tuple[Mission, ...]:
    """Return the missions that go on, the most urgent first: the crews that are out."""
    found = list_missions(seen_by=seen_by, live_only=True, limit=MAX_LIMIT)
    kept = [each for each in found if not desks or each.desk in desks]
    return tuple(sorted(kept, key=lambda each: (each.priority, each.number)))


def _whole() -> QuerySet[models.Mission]:
    return models.Mission.objects.select_related("unit", "incident", "proposed_by")


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


def missions_read(rows: Sequence[models.Mission]) -> tuple[Mission, ...]:
    """Return missions as the other rooms see them, what people wrote opened in one statement for all of them."""
    read = read_words([part for row in rows for part in (row.instructions, row.hazards, row.reason)])
    return tuple(_mission(row, read) for row in rows)


def mission_of(row: models.Mission) -> Mission:
    """Return a mission as the other rooms see it. A text whose key was destroyed is empty."""
    return missions_read([row])[0]


def _mission(row: models.Mission, read: Reading) -> Mission:
    unit, incident = row.unit, row.incident
    checked = [*row.checked, *([None] * len(row.checklist))]
    return Mission(
        number=row.pk,
        incident=row.incident_id,
        reference=reference_of(incident.pk, from_datetime(incident.opened_at)),
        unit=unit.slug,
        unit_name=unit.name,
        callsign=unit.callsign,
        desk=unit.desk,
        state=MissionState(row.state),
        priority=row.priority,
        title=row.title,
        instructions=read.words(row.instructions).text,
        hazards=read.words(row.hazards).text,
        checklist=tuple(CheckItem(text, at) for text, at in zip(row.checklist, checked, strict=False)),
        lon=row.lon,
        lat=row.lat,
        address=row.address,
        commune=row.commune,
        proposed_at=from_datetime(row.proposed_at),
        proposed_by=row.proposed_by.username if row.proposed_by else "",
        proposed_name=row.proposed_name,
        accepted_at=_instant(row.accepted_at),
        departed_at=_instant(row.departed_at),
        arrived_at=_instant(row.arrived_at),
        safe_at=_instant(row.safe_at),
        ended_at=_instant(row.ended_at),
        outcome=row.outcome,
        reason=read.words(row.reason).text,
        travel_s=row.travel_s,
        silent=row.silent,
        due_at=_instant(row.due_at),
        last_act=row.last_act,
        last_by=row.last_name,
        last_at=_instant(row.last_at),
        version=row.version,
    )

"""Incidents one by one and in lists, narrowed to what the person may see; their counts and their history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, IntegerField, Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms.types import AlarmState
from beffroi.kernel.incidents import models, rules
from beffroi.kernel.incidents.queries.finding import (
    NOTHING_ASKED,
    Filters,
    concerned,
    narrowed_to,
    of_post,
    saying,
    sought_words,
)
from beffroi.kernel.incidents.queries.tree import tree_of
from beffroi.kernel.incidents.queries.wording import oldest_opened, told_among
from beffroi.kernel.incidents.rules import number_of, reference_of
from beffroi.kernel.incidents.types import OPEN_STATES, Channel, Incident, IncidentState, Origin, PairState
from beffroi.kernel.journal.queries import lines_of_any
from beffroi.kernel.journal.types import COMMON_ONLY, Line, Reach
from beffroi.kernel.people.queries import territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_LIMIT = 500
_OPEN_NAMES = [str(state) for state in OPEN_STATES]
_OPEN = Q(state__in=_OPEN_NAMES)


@dataclass(frozen=True, slots=True)
class Counts:
    """Open incidents: how many, without owner, by priority; how many were opened in the last ten minutes.

    `unseen` counts by priority those that nobody acknowledged or took, `late_by` those that missed a deadline.
    """

    open: int
    unowned: int
    new_10_min: int
    by_priority: Mapping[int, int] = field(default_factory=dict)
    unseen: Mapping[int, int] = field(default_factory=dict)
    late: int = 0
    late_by: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToGather:
    """The little of an open incident that decides which group it goes with."""

    id: int
    category: str
    title: str
    priority: int
    unseen: bool
    opened_at: Instant
    asset_id: int | None
    place: str
    commune: str


def get(name: int | str, seen_by: Viewer) -> Incident:
    """Return an incident by its number or its reference. Raises NotFound, also for what this person may not see."""
    number = name if isinstance(name, int) else number_of(name)
    row = _seen(seen_by).filter(pk=number).first() if number is not None and abs(number) < 10**12 else None
    found = _incident(row) if row else None
    named_otherwise = isinstance(name, str) and not name.strip().isdigit()
    if found is None or (named_otherwise and not found.reference.endswith(str(name).strip().upper())):
        raise NotFound(f"there is no incident {name}, or you may not see it")
    return found


def place_of(reference: str, seen_by: Viewer) -> tuple[float, float]:
    """Return the longitude and latitude of an incident. Raises NotFound."""
    found = get(reference, seen_by)
    return found.lon, found.lat


def list_open(
    *, seen_by: Viewer, desk: str | None = None, desks: Collection[str] = (), limit: int = 200
) -> tuple[Incident, ...]:
    """Return the open incidents, the most urgent first, then the oldest: the order of the queue.

    `desk` narrows to one, `desks` to those of a post (none: every desk).
    """
    rows = _seen(seen_by).filter(_OPEN)
    if desk:
        rows = rows.filter(desk=desk)
    if desks:
        rows = rows.filter(of_post(desks))
    return tuple(_incident(row) for row in rows.order_by("priority", "opened_at", "id")[: _bounded(limit)])


def list_incidents(
    filters: Filters = NOTHING_ASKED, *, seen_by: Viewer, before: int | None = None, limit: int = 100
) -> tuple[Incident, ...]:
    """Return incidents, the newest first; `before` is the number of the last one of the page before.

    The numbers first, by the indexes alone, and of the newest by their words; then what is shown of them.
    """
    rows = _asked_for(filters, seen_by, before)
    text, most = filters.text.strip(), _bounded(limit)
    named = saying(rows, text) if text else rows
    found = list(named.order_by("-id").values_list("pk", flat=True)[:most])
    if words := _told_words(text):
        found = sorted({*found, *told_among(rows, words, seen_by=seen_by)}, reverse=True)[:most]
    return tuple(_incident(row) for row in whole().filter(pk__in=found).order_by("-id"))


def told_until(filters: Filters, *, seen_by: Viewer, before: int | None = None) -> tuple[int, Instant] | None:
    """Return number and beginning of the oldest incident in which the words that people wrote were looked for.

    None where they were looked for in all of them: no word is asked for, or few enough incidents hold any.
    """
    if not _told_words(filters.text.strip()):
        return None
    return oldest_opened(_asked_for(filters, seen_by, before), seen_by=seen_by)


def _asked_for(filters: Filters, seen_by: Viewer, before: int | None) -> QuerySet[models.Incident]:
    rows = narrowed_to(_narrowed(models.Incident.objects.all(), seen_by), filters)
    return rows if before is None else rows.filter(pk__lt=before)


def _told_words(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words to look for in what people wrote; none for a reference."""
    return () if rules.number_of(text) is not None and not text.isdigit() else sought_words(text)


def of_ids(incident_ids: Iterable[int], *, seen_by: Viewer) -> tuple[Incident, ...]:
    """Return those of these incidents that this person may see, in the order of the queue."""
    rows = _seen(seen_by).filter(pk__in=list(incident_ids)).order_by("priority", "opened_at", "id")
    return tuple(_incident(row) for row in rows)


def known(incident_ids: Iterable[int]) -> dict[int, Incident]:
    """Return incidents by their number, for the work of rooms above that no person looks at. The caller asks the door."""
    return {row.pk: _incident(row) for row in whole().filter(pk__in=list(incident_ids))}


def to_gather(*, seen_by: Viewer, desks: Collection[str] = (), limit: int = 500) -> tuple[ToGather, ...]:
    """Return what a queue's groups are made from: the open incidents, the most urgent first, with little of each."""
    rows = _narrowed(models.Incident.objects.filter(_OPEN), seen_by)
    if desks:
        rows = rows.filter(of_post(desks))
    found = rows.order_by("priority", "opened_at", "id").values_list(
        "id", "category", "title", "priority", "acknowledged_at", "opened_at", "asset_id", "place", "commune"
    )
    return tuple(
        ToGather(key, code, title, priority, seen is None, from_datetime(at), asset, place, commune)
        for key, code, title, priority, seen, at, asset, place, commune in found[: _bounded(limit)]
    )


def incidents_of_alarms(alarm_ids: Iterable[int]) -> dict[int, int]:
    """Return the number of the incident that gathers each of these alarms, where there is one."""
    links = models.IncidentAlarm.objects.filter(alarm_id__in=list(alarm_ids))
    return dict(links.values_list("alarm_id", "incident_id"))


def counts(*, seen_by: Viewer | None = None, desks: Collection[str] = (), now: Instant | None = None) -> Counts:
    """Return how many incidents are open, over what a person may see; without a person, over all (figures only).

    `desks` narrows to those of a post (none: every desk).
    """
    rows = models.Incident.objects.all() if seen_by is None else _narrowed(models.Incident.objects.all(), seen_by)
    if desks:
        rows = rows.filter(of_post(desks))
    since = to_datetime((clock.now() if now is None else now) - 10 * MINUTE)
    by_priority: dict[int, int] = {}
    unseen: dict[int, int] = {}
    late_by: dict[int, int] = {}
    unowned = 0
    columns = rows.filter(_OPEN).values_list("priority", "owner_id", "state", "acknowledged_at", "missed")
    for priority, owner, state, seen, missed in columns:
        by_priority[priority] = by_priority.get(priority, 0) + 1
        unowned += owner is None
        if missed:
            late_by[priority] = late_by.get(priority, 0) + 1
        if seen is None and state in (IncidentState.NEW, IncidentState.REOPENED):
            unseen[priority] = unseen.get(priority, 0) + 1
    new, late = rows.filter(opened_at__gt=since).count(), sum(late_by.values())
    return Counts(sum(by_priority.values()), unowned, new, dict(sorted(by_priority.items())), unseen, late, late_by)


def history(incident_id: int, *, limit: int = 200, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return what the journal says of an incident, of its duplicates and of its alarms, the newest first.

    The caller asks the door.
    """
    alarm_ids = models.IncidentAlarm.objects.filter(incident_id=incident_id).order_by("-alarm_id")[:MAX_LIMIT]
    subjects = [f"incident:{number}" for number in tree_of(incident_id)]
    return lines_of_any([*subjects, *(f"alarm:{link.alarm_id}" for link in alarm_ids)], limit=limit, reach=reach)


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def _narrowed(rows: QuerySet[models.Incident], viewer: Viewer) -> QuerySet[models.Incident]:
    """Narrow to the desks and communes where this person may see incidents; to nothing without a clearance."""
    where = Q(pk__in=[])
    for territory in territories(viewer, Verb.SEE, Kind.INCIDENT):
        here = concerned(territory.desk) if territory.desk else Q()
        here &= Q(commune=territory.commune) if territory.commune else Q()
        if not here:
            return rows
        where |= here
    return rows.filter(where)


def whole() -> QuerySet[models.Incident]:
    """Return incidents with all that is shown of them, in two statements however many they are."""
    links = Prefetch("alarm_links", queryset=models.IncidentAlarm.objects.order_by("alarm_id"))
    rows = models.Incident.objects.select_related(
        "asset", "owner", "acknowledged_by", "closed_by", "assigned_by", "duplicate_of"
    )
    return rows.prefetch_related(links).annotate(
        proposed=_proposed(),
        rung=_rung(),
        proposed_name=_name_of("proposed_to"),
        transferred_name=_name_of("transferred_to"),
    )


def _name_of(column: str) -> Subquery:
    return Subquery(models.Body.objects.filter(code=OuterRef(column)).values("name")[:1])


def _rung() -> Coalesce:
    """Return how far up the incident's alarms that nobody acknowledged were told."""
    waiting = models.IncidentAlarm.objects.filter(incident=OuterRef("pk"), alarm__state=AlarmState.UNACKNOWLEDGED)
    told = waiting.order_by().values("incident").annotate(rung=Max("alarm__rung")).values("rung")
    return Coalesce(Subquery(told, output_field=IntegerField()), 0)


def _proposed() -> Coalesce:
    """Count the open incidents that are proposed as one with this one."""
    mine = Q(elder=OuterRef("pk"), younger__state__in=_OPEN_NAMES) | Q(
        younger=OuterRef("pk"), elder__state__in=_OPEN_NAMES
    )
    pairs = models.Pair.objects.filter(mine, state=PairState.PROPOSED).order_by().values("state")
    return Coalesce(Subquery(pairs.annotate(n=Count("id")).values("n"), output_field=IntegerField()), 0)


def _seen(viewer: Viewer) -> QuerySet[models.Incident]:
    return _narrowed(whole(), viewer)


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


def _or(moment: datetime | None, otherwise: Instant) -> Instant:
    return otherwise if moment is None else from_datetime(moment)


def _incident(row: models.Incident) -> Incident:
    asset, owner = row.asset, row.owner
    opened_at = from_datetime(row.opened_at)
    return Incident(
        id=row.pk,
        reference=reference_of(row.pk, opened_at),
        title=row.title,
        category=row.category,
        priority=row.priority,
        state=IncidentState(row.state),
        desk=row.desk,
        place=row.place,
        commune=row.commune,
        lon=row.lon,
        lat=row.lat,
        asset_code=asset.code if asset else None,
        asset_name=asset.name if asset else "",
        owner=owner.username if owner else "",
        owner_name=owner.display_name if owner else "",
        owner_initials=owner.initials if owner else "",
        opened_at=opened_at,
        acknowledged_at=_instant(row.acknowledged_at),
        taken_at=_instant(row.taken_at),
        resolved_at=_instant(row.resolved_at),
        closed_at=_instant(row.closed_at),
        close_reason=row.close_reason,
        alarm_ids=tuple(link.alarm_id for link in row.alarm_links.all()),
        version=row.version,
        asset_id=row.asset_id,
        acknowledged_by=row.acknowledged_by.display_name if row.acknowledged_by else "",
        closed_by=row.closed_by.display_name if row.closed_by else "",
        origin=Origin(row.origin),
        channel=Channel(row.channel),
        duplicate_of=row.duplicate_of_id,
        duplicate_reference=_reference(row.duplicate_of) if row.duplicate_of else "",
        proposed=getattr(row, "proposed", 0),
        associated=tuple(row.associated),
        received_at=_or(row.received_at, opened_at),
        engaged_at=_instant(row.engaged_at),
        on_site_at=_instant(row.on_site_at),
        safe_at=_instant(row.safe_at),
        held_until=_instant(row.held_until),
        due_clock=row.due_clock,
        due_at=_instant(row.due_at),
        due_left_s=row.due_left_s,
        missed=tuple(row.missed.split()),
        paused=row.paused,
        round=row.round,
        round_at=_or(row.round_at, _or(row.received_at, opened_at)),
        assigned_by=row.assigned_by.display_name if row.assigned_by else "",
        proposed_to=row.proposed_to,
        proposed_name=getattr(row, "proposed_name", None) or row.proposed_to,
        proposed_until=_instant(row.proposed_until),
        transferred_to=row.transferred_to,
        transferred_name=getattr(row, "transferred_name", None) or row.transferred_to,
        rung=getattr(row, "rung", 0),
    )


def _reference(row: models.Incident) -> str:
    return reference_of(row.pk, from_datetime(row.opened_at))


def incident_of(row: models.Incident) -> Incident:
    """Return an incident as the other rooms see it, read anew."""
    return _incident(whole().get(pk=row.pk))

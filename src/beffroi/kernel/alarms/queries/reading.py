"""Alarms one by one and in lists, and what a watch and the map are restored from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.queries.aside import set_aside
from beffroi.kernel.alarms.queries.commanded import commanded_of
from beffroi.kernel.alarms.queries.definitions import definition_of
from beffroi.kernel.alarms.types import (
    ACTIVE_STATES,
    HIDDEN_STATES,
    OPEN_STATES,
    STANDING_STATES,
    Alarm,
    AlarmState,
    SetAside,
)
from beffroi.kernel.people.queries import territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_LIMIT = 500
_WITH = ("definition", "asset", "acknowledged_by", "ended_by", "shelving__by", "withdrawal__by", "commanded__by")
_HOLDS = Q(state__in=[str(state) for state in ACTIVE_STATES], returned_at=None)
"""Alarms whose condition stands. A latching one that is kept aside may have returned, and stay."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which alarms are asked for; what is left empty does not filter. `open_only` leaves out those that ended."""

    state: AlarmState | None = None
    open_only: bool = False
    desk: str = ""
    priority: int | None = None
    code: str = ""
    asset: str = ""
    since: Instant | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Alarms before people, by priority; those nobody acknowledged; those that another alarm explains; those that people
    keep aside; those told higher because nobody acknowledged them. Shelvings count even while no alarm comes of them.
    """

    open: int
    unacknowledged: int
    suppressed: int
    by_priority: Mapping[int, int] = field(default_factory=dict)
    shelved: int = 0
    out_of_service: int = 0
    escalated: int = 0


def open_conditions() -> list[tuple[str, int, Instant]]:
    """Return (code, asset id, raised at) of each alarm whose condition stands: what a watch is restored from."""
    rows = models.Alarm.objects.filter(_HOLDS).values_list("code", "asset_id", "raised_at")
    return [(code, asset, from_datetime(at)) for code, asset, at in rows]


def standing(asset_ids: Iterable[int] | None = None) -> list[tuple[int, int, bool]]:
    """Return (asset id, priority, whether it is kept from people) of each alarm whose condition stands."""
    rows = models.Alarm.objects.filter(_HOLDS)
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=list(asset_ids))
    return [
        (asset, priority, state in HIDDEN_STATES)
        for asset, priority, state in rows.values_list("asset_id", "priority", "state")
    ]


def active_on(asset_id: int) -> tuple[int, ...]:
    """Return the alarms of a piece of equipment whose condition stands and that are put before people."""
    shown = [state for state in ACTIVE_STATES if state not in HIDDEN_STATES]
    rows = models.Alarm.objects.filter(asset_id=asset_id, state__in=shown)
    return tuple(rows.order_by("id").values_list("id", flat=True))


def to_gather(
    *, seen_by: Viewer, desks: Collection[str] = (), limit: int = 3_000
) -> tuple[tuple[int, str, int, bool, Instant, int], ...]:
    """Return (id, code, priority, whether it waits to be acknowledged, announced at, asset id) of what stands before a post.

    The most urgent first; `desks` are the post's (none: every desk).
    """
    rows = _seen(seen_by, models.Alarm.objects.all()).filter(state__in=STANDING_STATES)
    if desks:
        rows = rows.filter(desk__in=desks)
    found = rows.order_by("priority", "raised_at", "id").values_list(
        "id", "code", "priority", "state", "announced_at", "raised_at", "asset_id"
    )
    return tuple(
        (key, code, priority, state != AlarmState.ACKNOWLEDGED, from_datetime(told or raised), asset)
        for key, code, priority, state, told, raised, asset in found[:limit]
    )


def get(alarm_id: int, seen_by: Viewer) -> Alarm:
    """Return an alarm. Raises NotFound when there is none, or none that this person may see."""
    row = _seen(seen_by).filter(pk=alarm_id).first()
    if row is None:
        raise NotFound(f"there is no alarm {alarm_id}, or you may not see it")
    return _alarm(row)


def list_open(*, seen_by: Viewer, desk: str | None = None, limit: int = 200) -> tuple[Alarm, ...]:
    """Return the alarms that stand before people, the most urgent first, then the oldest."""
    rows = _seen(seen_by).filter(state__in=STANDING_STATES)
    if desk:
        rows = rows.filter(desk=desk)
    return tuple(_alarm(row) for row in rows.order_by("priority", "raised_at", "id")[: _bounded(limit)])


def list_alarms(
    filters: Filters = Filters(), *, seen_by: Viewer, before: int | None = None, limit: int = 100
) -> tuple[Alarm, ...]:
    """Return alarms, the newest first; `before` is the number of the last one of the page before."""
    rows = _filtered(_seen(seen_by), filters)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return tuple(_alarm(row) for row in rows.order_by("-id")[: _bounded(limit)])


def of_ids(alarm_ids: Iterable[int]) -> tuple[Alarm, ...]:
    """Return alarms by their numbers, the most urgent first. The caller has asked the door."""
    rows = _whole().filter(pk__in=list(alarm_ids)).order_by("priority", "raised_at", "id")
    return tuple(_alarm(row) for row in rows)


def named(alarm_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return (code, title) of each of these alarms."""
    rows = models.Alarm.objects.filter(pk__in=list(alarm_ids))
    return {key: (code, title) for key, code, title in rows.values_list("id", "code", "definition__title")}


def active_among(alarm_ids: Sequence[int]) -> tuple[int, ...]:
    """Return which of these alarms keep an incident going: nothing else explains them, and their condition stands, also
    while somebody keeps them aside; or they latched, and wait for their reset.
    """
    latched = Q(state__in=(AlarmState.LATCHED, AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.SHELVED))
    latched |= Q(state=AlarmState.OUT_OF_SERVICE)
    going = (_HOLDS & ~Q(state=AlarmState.SUPPRESSED)) | (latched & Q(definition__latching=True))
    rows = models.Alarm.objects.filter(going, pk__in=list(alarm_ids))
    return tuple(rows.order_by("id").values_list("id", flat=True))


def counts() -> Counts:
    """Return how many alarms are open. Figures only: the caller asks the door for the page that shows them."""
    rows = models.Alarm.objects.filter(state__in=OPEN_STATES).values_list("state", "priority").annotate(n=Count("id"))
    standing = [(AlarmState(state), priority, n) for state, priority, n in rows if state in STANDING_STATES]
    unseen = (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)
    by_priority: dict[int, int] = {}
    for _, priority, n in standing:
        by_priority[priority] = by_priority.get(priority, 0) + n
    return Counts(
        open=sum(n for _, _, n in standing),
        unacknowledged=sum(n for state, _, n in standing if state in unseen),
        suppressed=sum(n for state, _, n in rows if state == AlarmState.SUPPRESSED),
        by_priority=dict(sorted(by_priority.items())),
        shelved=models.Shelving.objects.filter(ended_at=None).count(),
        out_of_service=models.Withdrawal.objects.filter(ended_at=None).count(),
        escalated=models.Alarm.objects.filter(state=AlarmState.UNACKNOWLEDGED, rung__gt=0).count(),
    )


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def _whole() -> QuerySet[models.Alarm]:
    explained = models.Alarm.objects.filter(suppressed_by=OuterRef("pk"), state=AlarmState.SUPPRESSED)
    counted = explained.order_by().values("suppressed_by").annotate(n=Count("id")).values("n")
    chattering = models.Chatter.objects.filter(code=OuterRef("code"), asset=OuterRef("asset"), ended_at=None)
    rows = models.Alarm.objects.select_related(*_WITH).defer("definition__tests")
    return rows.annotate(
        suppressed_count=Coalesce(Subquery(counted, output_field=IntegerField()), 0), chattering=Exists(chattering)
    )


def _seen(viewer: Viewer, rows: QuerySet[models.Alarm] | None = None) -> QuerySet[models.Alarm]:
    """Narrow to the desks and communes where this person may see alarms; to nothing without a clearance."""
    rows = _whole() if rows is None else rows
    where = Q(pk__in=[])
    for territory in territories(viewer, Verb.SEE, Kind.ALARM):
        here = Q(desk=territory.desk) if territory.desk else Q()
        here &= Q(asset__commune=territory.commune) if territory.commune else Q()
        if not here:
            return rows
        where |= here
    return rows.filter(where)


def _filtered(rows: QuerySet[models.Alarm], filters: Filters) -> QuerySet[models.Alarm]:
    exact = {
        "state": filters.state,
        "desk": filters.desk,
        "priority": filters.priority,
        "code": filters.code,
        "asset__code": filters.asset,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if filters.open_only:
        rows = rows.filter(state__in=OPEN_STATES)
    if filters.since is not None:
        rows = rows.filter(raised_at__gte=to_datetime(filters.since))
    if filters.until is not None:
        rows = rows.filter(raised_at__lt=to_datetime(filters.until))
    return rows


def _alarm(row: models.Alarm) -> Alarm:
    asset, person = row.asset, row.acknowledged_by
    return Alarm(
        id=row.pk,
        definition=definition_of(row.definition),
        asset_id=row.asset_id,
        asset_code=asset.code,
        asset_name=asset.name,
        place=asset.place,
        commune=asset.commune,
        lon=asset.lon,
        lat=asset.lat,
        state=AlarmState(row.state),
        priority=row.priority,
        desk=row.desk,
        value=row.value,
        raised_at=from_datetime(row.raised_at),
        announced_at=from_datetime(row.announced_at) if row.announced_at else None,
        acknowledged_at=from_datetime(row.acknowledged_at) if row.acknowledged_at else None,
        acknowledged_by=person.display_name if person else "",
        returned_at=from_datetime(row.returned_at) if row.returned_at else None,
        ended_at=from_datetime(row.ended_at) if row.ended_at else None,
        suppressed_by_id=row.suppressed_by_id,
        suppressed_count=getattr(row, "suppressed_count", 0),
        chattering=getattr(row, "chattering", False),
        stale=row.stale_at is not None,
        rung=row.rung,
        escalated_at=from_datetime(row.escalated_at) if row.escalated_at else None,
        set_aside=_aside(row),
        ended_by=row.ended_by.display_name if row.ended_by else "",
        commanded=commanded_of(row.commanded) if row.commanded and row.state == AlarmState.SUPPRESSED else None,
    )


def _aside(row: models.Alarm) -> SetAside | None:
    keeper = {AlarmState.SHELVED: row.shelving, AlarmState.OUT_OF_SERVICE: row.withdrawal}.get(AlarmState(row.state))
    return set_aside(keeper) if keeper else None

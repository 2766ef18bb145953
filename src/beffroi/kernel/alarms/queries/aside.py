"""What is kept from people: shelved, out of service; by whom, why, until when. And the city's times by priority."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.rules.priorities import DEFAULT_PRIORITIES
from beffroi.kernel.alarms.types import AlarmState, Priority, SetAside, Shelving, Withdrawal
from beffroi.kernel.people.queries import territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_ASIDE = 500


def priorities() -> dict[int, Priority]:
    """Return what the city says of each priority, from 1 to 4."""
    rows = models.Priority.objects.values_list("priority", "escalate_after_s", "shelve_max_s")
    return dict(DEFAULT_PRIORITIES) | {row[0]: Priority(*row) for row in rows}


def list_shelvings(*, seen_by: Viewer) -> tuple[Shelving, ...]:
    """Return what is shelved on the desks and in the communes that this person may see, what ends first first."""
    where = Q(pk__in=[])
    for territory in territories(seen_by, Verb.SEE, Kind.ALARM):
        here = Q(alarm__desk=territory.desk) if territory.desk else Q()
        where |= (here & Q(asset__commune=territory.commune)) if territory.commune else here or ~Q(pk__in=[])
    kept = models.Alarm.objects.filter(shelving=OuterRef("pk"), state=AlarmState.SHELVED, returned_at=None)
    rows = models.Shelving.objects.filter(where, ended_at=None).annotate(holds=Exists(kept))
    rows = rows.select_related("asset", "by", "alarm__definition").order_by("until", "id")
    return tuple(_shelving(row) for row in rows[:MAX_ASIDE])


def list_withdrawals(*, seen_by: Viewer) -> tuple[Withdrawal, ...]:
    """Return what is out of service where this person may see alarms, what is expected back first first."""
    where = Q(pk__in=[])
    for territory in territories(seen_by, Verb.SEE, Kind.ALARM):
        here = Q(desk__in=("", territory.desk)) if territory.desk else Q()
        communes = Q(asset=None) | Q(asset__commune=territory.commune)
        where |= (here & communes) if territory.commune else here or ~Q(pk__in=[])
    recorded = Count("recorded", filter=Q(recorded__state=AlarmState.OUT_OF_SERVICE))
    rows = models.Withdrawal.objects.filter(where, ended_at=None).annotate(alarms=recorded)
    rows = rows.select_related("asset", "source", "by").order_by("until", "id")
    return tuple(_withdrawal(row) for row in rows[:MAX_ASIDE])


def set_aside(row: models.Shelving | models.Withdrawal) -> SetAside:
    """Return who keeps something from people, why and until when."""
    return SetAside(
        row.by.display_name,
        row.reason,
        from_datetime(row.since),
        from_datetime(row.until),
        row.ended_by.display_name if row.ended_by else "",
        from_datetime(row.ended_at) if row.ended_at else None,
    )


def clock_time(at: datetime | Instant) -> str:
    """Return the time of day of an instant, in the city."""
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at / 1_000_000, ZoneInfo("UTC"))
    return moment.astimezone(ZoneInfo(settings().timezone)).strftime("%H:%M:%S")


def kept_words(row: models.Shelving | models.Withdrawal) -> str:
    """Return who keeps something from people, since when and until when, for who comes second."""
    return f"{row.by.display_name} since {clock_time(row.since)}, until {row.until:%Y-%m-%d} {clock_time(row.until)}"


def end_words(row: models.Shelving | models.Withdrawal) -> str:
    """Return who ended it and when, for who comes second."""
    who = f"by {row.ended_by.display_name}" if row.ended_by else "by itself"
    when = f" at {clock_time(row.ended_at)}" if row.ended_at else ""
    return f"it was ended already, {who}{when}"


def _shelving(row: models.Shelving) -> Shelving:
    asset = row.asset
    return Shelving(
        id=row.pk,
        alarm_id=row.alarm_id,
        code=row.code,
        title=row.alarm.definition.title,
        asset_code=asset.code,
        asset_name=asset.name,
        place=asset.place,
        commune=asset.commune,
        priority=row.alarm.priority,
        desk=row.alarm.desk,
        kept=set_aside(row),
        holds=bool(getattr(row, "holds", False)),
    )


def _withdrawal(row: models.Withdrawal) -> Withdrawal:
    asset = row.asset
    return Withdrawal(
        id=row.pk,
        source=row.source.code if row.source else "",
        asset_code=asset.code if asset else "",
        asset_name=asset.name if asset else "",
        place=asset.place if asset else "",
        commune=asset.commune if asset else "",
        code=row.code,
        title=row.title,
        desk=row.desk,
        kept=set_aside(row),
        alarms=int(getattr(row, "alarms", 0)),
        reminded_at=from_datetime(row.reminded_at) if row.reminded_at else None,
    )

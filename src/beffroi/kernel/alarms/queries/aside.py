"""What is kept from people: shelved, out of service; by whom, why, until when. And the city's times by priority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.rules.priorities import DEFAULT_PRIORITIES
from beffroi.kernel.alarms.types import AlarmState, Priority, SetAside, Shelving, Withdrawal
from beffroi.kernel.journal.queries import read_words
from beffroi.kernel.journal.types import Words
from beffroi.kernel.people.queries import may, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_ASIDE = 500


def priorities() -> dict[int, Priority]:
    """Return what the city says of each priority, from 1 to 4."""
    rows = models.Priority.objects.values_list("priority", "escalate_after_s", "shelve_max_s")
    return dict(DEFAULT_PRIORITIES) | {row[0]: Priority(*row) for row in rows}


def list_shelvings(*, seen_by: Viewer) -> tuple[Shelving, ...]:
    """Return what is shelved on the desks and in the communes that this person may see, what ends first first."""
    kept = models.Alarm.objects.filter(shelving=OuterRef("pk"), state=AlarmState.SHELVED, returned_at=None)
    rows = _shelvings(seen_by).annotate(holds=Exists(kept))
    rows = rows.select_related("asset", "by", "ended_by", "alarm__definition").order_by("until", "id")
    return tuple(_shelving(row) for row in rows[:MAX_ASIDE])


def list_withdrawals(*, seen_by: Viewer) -> tuple[Withdrawal, ...]:
    """Return what is out of service where this person may see alarms, what is expected back first first."""
    recorded = Count("recorded", filter=Q(recorded__state=AlarmState.OUT_OF_SERVICE))
    rows = _withdrawals(seen_by).annotate(alarms=recorded)
    rows = rows.select_related("asset", "source", "by", "ended_by").order_by("until", "id")
    return tuple(_withdrawal(row) for row in rows[:MAX_ASIDE])


def aside_counts(*, seen_by: Viewer, desks: Collection[str] = ()) -> tuple[dict[int, int], int]:
    """Return how many alarms of these desks (none named: of all) were told higher, by priority; how much is kept aside."""
    waiting = models.Alarm.objects.filter(
        narrowed(seen_by, "desk", "asset__commune"), state=AlarmState.UNACKNOWLEDGED, rung__gt=0
    )
    shelvings, withdrawals = _shelvings(seen_by), _withdrawals(seen_by)
    if desks:
        waiting, shelvings = waiting.filter(desk__in=desks), shelvings.filter(alarm__desk__in=desks)
        withdrawals = withdrawals.filter(desk__in=("", *desks))
    told = Counter(waiting.values_list("priority", flat=True))
    return dict(told), shelvings.count() + withdrawals.count()


def shelving_of(alarm_id: int) -> int | None:
    """Return the number of the last shelving of an alarm, or None."""
    return models.Alarm.objects.filter(pk=alarm_id).values_list("shelving", flat=True).first()


def shelving_kept(shelving_id: int) -> SetAside | None:
    """Return whose a shelving is or was, for who is told that somebody ended it first."""
    row = models.Shelving.objects.select_related("by", "ended_by").filter(pk=shelving_id).first()
    return set_aside(row) if row else None


def withdrawal_kept(withdrawal_id: int) -> SetAside | None:
    """Return whose a withdrawal is or was, for who is told that somebody ended it first."""
    row = models.Withdrawal.objects.select_related("by", "ended_by").filter(pk=withdrawal_id).first()
    return set_aside(row) if row else None


def last_aside(alarm_id: int) -> SetAside | None:
    """Return who kept an alarm aside last, or None."""
    return shelving_kept(shelving_of(alarm_id) or 0)


def out_of_service() -> tuple[dict[int, str], dict[str, str]]:
    """Return what is out of service as a whole now: equipment by number, sources by code, each with by whom and until when."""
    rows = models.Withdrawal.objects.filter(ended_at=None, code="").select_related("by", "source")
    words = {row: kept_words(row) for row in rows}
    return (
        {row.asset_id: said for row, said in words.items() if row.asset_id is not None},
        {row.source.code: said for row, said in words.items() if row.source is not None},
    )


def narrowed(viewer: Viewer, desk: str, commune: str, *others: str) -> Q:
    """Narrow to where this person may see alarms; `others` are desks that concern everybody."""
    where = Q(pk__in=[])
    for territory in territories(viewer, Verb.SEE, Kind.ALARM):
        here = Q(**{f"{desk}__in": (territory.desk, *others)}) if territory.desk else Q()
        here &= Q(**{commune: territory.commune}) if territory.commune else Q()
        if not here:
            return Q()
        where |= here
    return where


def _shelvings(viewer: Viewer) -> QuerySet[models.Shelving]:
    return models.Shelving.objects.filter(narrowed(viewer, "alarm__desk", "asset__commune"), ended_at=None)


def _withdrawals(viewer: Viewer) -> QuerySet[models.Withdrawal]:
    """A source reaches over communes: it is shown to whoever sees alarms somewhere."""
    where = narrowed(viewer, "desk", "asset__commune", "")
    if where and territories(viewer, Verb.SEE, Kind.ALARM):
        where |= Q(asset=None)
    return models.Withdrawal.objects.filter(where, ended_at=None)


def set_aside(row: models.Shelving | models.Withdrawal) -> SetAside:
    """Return who keeps something from people, why and until when."""
    return SetAside(
        row.by.display_name,
        bytes(row.reason),
        from_datetime(row.since),
        from_datetime(row.until),
        row.ended_by.display_name if row.ended_by else "",
        from_datetime(row.ended_at) if row.ended_at else None,
    )


def written_of(alarm_ids: Iterable[int]) -> list[bytes]:
    """Return what people wrote of alarms when they put them aside, as it is kept: whose keys reach it is asked of it."""
    rows = models.Shelving.objects.filter(alarm_id__in=list(alarm_ids)).values_list("reason", flat=True)
    return [bytes(part) for part in rows]


def reasons_aside(kept: Iterable[tuple[SetAside, str, str]], *, seen_by: Viewer) -> list[Words]:
    """Return why each is kept from people, of (what is kept, desk, commune), for who may read what concerns persons there."""
    every = [
        (aside, may(seen_by, Verb.SEE, Kind.PERSONAL, desk=desk, commune=commune)) for aside, desk, commune in kept
    ]
    opened = read_words(aside.why for aside, readable in every if readable)
    withheld = read_words((aside.why for aside, readable in every if not readable), readable=False)
    return [(opened if readable else withheld).words(aside.why) for aside, readable in every]


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

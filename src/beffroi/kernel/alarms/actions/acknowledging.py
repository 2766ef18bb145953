"""Acknowledging: a person says that they saw an alarm and answer for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.rows import check_transaction, lock_alarms, told
from beffroi.kernel.alarms.rules import next_state
from beffroi.kernel.alarms.types import Alarm, AlarmEvent, AlarmState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin


def acknowledge_alarm(alarm_id: int, *, by: Viewer, at: Instant) -> Alarm:
    """Say that a person saw an alarm and answers for it. Journalled.

    Raises Forbidden without the clearance, NotFound, and Conflict naming who was first, or why it cannot be.
    """
    with transaction.atomic():
        row = models.Alarm.objects.select_for_update(of=("self",)).select_related("asset").filter(pk=alarm_id).first()
        if row is None:
            raise NotFound(f"there is no alarm {alarm_id}")
        require(by, Verb.ACKNOWLEDGE, Kind.ALARM, desk=row.desk, commune=row.asset.commune)
        if next_state(AlarmState(row.state), AlarmEvent.ACKNOWLEDGE) is None:
            raise _cannot_acknowledge(row)
        append(acknowledge_alarms([alarm_id], by=by, at=at), at=at)
        return queries.of_ids([alarm_id])[0]


def acknowledge_alarms(alarm_ids: Iterable[int], *, by: Viewer, at: Instant) -> tuple[Entry, ...]:
    """Acknowledge those of these alarms that wait for it, in the caller's transaction; return the lines to append.

    The caller has asked the door, and calls this before it locks anything of its own.
    """
    check_transaction()
    lines = []
    for row in lock_alarms(alarm_ids):
        after = next_state(row.state, AlarmEvent.ACKNOWLEDGE)
        if after is None:
            continue
        ended: dict[str, datetime] = {"ended_at": to_datetime(at)} if after == AlarmState.NORMAL else {}
        models.Alarm.objects.filter(pk=row.id).update(
            state=after, acknowledged_at=to_datetime(at), acknowledged_by_id=by.id, **ended
        )
        lines.append(row)
    assets = twin.assets_by_id({row.asset_id for row in lines})
    return tuple(replace(told("acknowledge_alarm", row, assets, at, None), actor=by.actor) for row in lines)


def _cannot_acknowledge(row: models.Alarm) -> Conflict:
    if row.acknowledged_at is not None and row.acknowledged_by is not None:
        who, when = row.acknowledged_by.display_name, _clock_time(from_datetime(row.acknowledged_at))
        return Conflict(f"alarm {row.pk} was acknowledged by {who} at {when}", key="already-acknowledged")
    if row.state == AlarmState.SUPPRESSED:
        return Conflict(
            f"alarm {row.pk} is explained by alarm {row.suppressed_by_id}: act on that one", key="explained"
        )
    return Conflict(f"alarm {row.pk} has ended", key="alarm-ended")


def _clock_time(at: Instant) -> str:
    return to_datetime(at).astimezone(ZoneInfo(settings().timezone)).strftime("%H:%M:%S")

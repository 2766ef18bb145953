"""Acknowledging: a person says that they saw an alarm and answer for it. Resetting: what latched has been looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.batch import Batch
from beffroi.kernel.alarms.actions.refusing import cannot
from beffroi.kernel.alarms.actions.rows import ask, check_transaction, lock_alarm, lock_alarms, told
from beffroi.kernel.alarms.rules import next_state
from beffroi.kernel.alarms.types import Alarm, AlarmEvent, AlarmState, Applied
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.types import Verb, Viewer
from beffroi.kernel.twin import queries as twin


def acknowledge_alarm(alarm_id: int, *, by: Viewer, at: Instant) -> Alarm:
    """Say that a person saw an alarm and answers for it. Journalled.

    Raises Forbidden without the clearance, NotFound, and Conflict naming who was first, or why it cannot be.
    """
    with transaction.atomic():
        row = lock_alarm(alarm_id)
        ask(row, by, Verb.ACKNOWLEDGE)
        lines = acknowledge_alarms([row.id], by=by, at=at)
        if not lines:
            raise cannot(row.id, AlarmEvent.ACKNOWLEDGE)
        append(lines, at=at)
        return queries.of_ids([alarm_id])[0]


def acknowledge_alarms(alarm_ids: Iterable[int], *, by: Viewer, at: Instant) -> tuple[Entry, ...]:
    """Acknowledge those of these alarms that wait for it, in the caller's transaction; return the lines to append.

    The caller has asked the door, and calls this before it locks anything of its own.
    """
    check_transaction()
    done = []
    for row in lock_alarms(alarm_ids):
        after = next_state(row.state, AlarmEvent.ACKNOWLEDGE, latching=row.definition.latching)
        if after is None:
            continue
        ended: dict[str, datetime] = {"ended_at": to_datetime(at)} if after == AlarmState.NORMAL else {}
        models.Alarm.objects.filter(pk=row.id).update(
            state=after, acknowledged_at=to_datetime(at), acknowledged_by_id=by.id, **ended
        )
        row.state = after
        done.append(row)
    assets = twin.assets_by_id({row.asset_id for row in done})
    return tuple(replace(told("acknowledge_alarm", row, assets, at), actor=by.actor) for row in done)


def reset_alarm(alarm_id: int, *, by: Viewer, at: Instant) -> Applied:
    """End a latched alarm whose condition ceased; in the caller's transaction, which appends and lets incidents follow.

    Raises Forbidden (who may acknowledge may reset), NotFound, and Conflict while the condition holds, before anybody
    acknowledged, or naming who was first.
    """
    check_transaction()
    row = lock_alarm(alarm_id)
    ask(row, by, Verb.ACKNOWLEDGE)
    after = next_state(row.state, AlarmEvent.RESET, latching=row.definition.latching)
    if after is None:
        raise cannot(row.id, AlarmEvent.RESET)
    models.Alarm.objects.filter(pk=row.id).update(state=after, ended_at=to_datetime(at), ended_by_id=by.id)
    row.state = after
    batch = Batch(at)
    batch.happened("reset_alarm", row, actor=by.actor)
    return batch.applied()

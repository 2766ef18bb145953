"""Shelving: a person puts an alarm aside, for a reason and until an end; it comes back by itself, or by hand.

What is shelved is a definition on an asset: while it lasts, its alarm may return and come again, and nobody is called.
When it ends and the condition holds, the alarm stands before people again as new. The end is a column, looked at every
second under lock: whatever was killed meanwhile, it is told once (docs/decisions, "The times of an alarm").
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.batch import Batch
from beffroi.kernel.alarms.actions.covering import hold_covers
from beffroi.kernel.alarms.actions.refusing import cannot
from beffroi.kernel.alarms.actions.rows import ask, check_transaction, lock_alarm, lock_alarms, open_rows, person, told
from beffroi.kernel.alarms.rules import case_of_alarm, check_reason, check_shelving, next_state
from beffroi.kernel.alarms.types import AlarmEvent, AlarmState, Applied
from beffroi.kernel.journal.actions import keep_words
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin

MAX_A_PASS = 200
"""Shelvings ended in one transaction; the next second ends the rest."""


def shelve_alarm(alarm_id: int, *, until: Instant, reason: str, by: Viewer, at: Instant) -> Applied:
    """Put an alarm aside until an end; in the caller's transaction, which appends `lines` and lets incidents follow.

    An operator puts aside what is not of priority 1, the room's supervisor any; for how long at most, the city says by
    priority. Raises Forbidden, NotFound, Refused for the reason or the end, and Conflict naming who acted first.
    """
    check_transaction()
    why = check_reason(reason)
    hold_covers(alone=True)
    row = lock_alarm(alarm_id)
    ask(row, by, Verb.SHELVE_URGENT if row.definition.priority == 1 else Verb.SHELVE)
    check_shelving(queries.priorities()[row.definition.priority], at=at, until=until)
    after = next_state(row.state, AlarmEvent.SHELVE, latching=row.definition.latching, holds=row.holds)
    if after is None:
        raise cannot(row.id, AlarmEvent.SHELVE)
    shelving = models.Shelving.objects.create(
        code=row.code, asset_id=row.asset_id, alarm_id=row.id, by_id=person(by),
        reason=keep_words(case_of_alarm(row.id), why, at=at), since=to_datetime(at), until=to_datetime(until),
    )  # fmt: skip
    ended = {"ended_at": to_datetime(at)} if after == AlarmState.NORMAL else {}
    models.Alarm.objects.filter(pk=row.id).update(state=after, shelving=shelving, rung=0, escalated_at=None, **ended)
    batch = Batch(at)
    row.state = after
    batch.happened("shelve_alarm", row, actor=by.actor, why=why, until=until, shelving=shelving.pk)
    return batch.applied()


def unshelve_alarm(shelving_id: int, *, by: Viewer, at: Instant) -> Applied:
    """End a shelving by hand: the alarm stands before people again, if there is one; in the caller's transaction.

    Raises Forbidden, NotFound, and Conflict naming who ended it first, or that it ended by itself.
    """
    check_transaction()
    hold_covers(alone=True)
    shelving = models.Shelving.objects.select_related("alarm", "asset", "ended_by").filter(pk=shelving_id).first()
    if shelving is None:
        raise NotFound(f"there is no shelving {shelving_id}")
    require(by, Verb.SHELVE, Kind.ALARM, desk=shelving.alarm.desk, commune=shelving.asset.commune)
    if shelving.ended_at is not None:
        raise Conflict(queries.end_words(shelving), key="not-shelved")
    return _end([shelving], AlarmEvent.UNSHELVE, at, by)


def end_shelvings(*, at: Instant) -> Applied:
    """End the shelvings whose time has come, each once, whoever calls and however often; in the caller's transaction."""
    check_transaction()
    due = Q(ended_at=None, until__lte=to_datetime(at))
    if not models.Shelving.objects.filter(due).exists():
        return Applied()
    hold_covers(alone=True)
    return _end(list(models.Shelving.objects.filter(due).order_by("until", "id")[:MAX_A_PASS]), AlarmEvent.EXPIRE, at)


def _end(shelvings: Sequence[models.Shelving], event: AlarmEvent, at: Instant, by: Viewer | None = None) -> Applied:
    """End shelvings; the alarms that they keep stand again, those of none that is open are told of all the same."""
    ids = [shelving.pk for shelving in shelvings]
    kept = models.Alarm.objects.filter(shelving__in=ids, state=AlarmState.SHELVED)
    rows = lock_alarms(kept.values_list("id", flat=True))
    models.Shelving.objects.filter(pk__in=ids).update(ended_at=to_datetime(at), ended_by=by.id if by else None)
    for row in rows:
        row.state = next_state(row.state, event, latching=row.definition.latching, holds=row.holds) or row.state
    batch = Batch(at)
    verb, actor = ("unshelve_alarm", by.actor) if by else ("end_shelving", None)
    batch.come_out(verb, rows, otherwise="close_shelving", actor=actor)
    here = {row.key for row in rows}
    quiet = [shelving for shelving in shelvings if (shelving.code, shelving.asset_id) not in here]
    return batch.applied(*_told_quietly(quiet, actor, at))


def _told_quietly(shelvings: Sequence[models.Shelving], actor: Actor | None, at: Instant) -> list[Entry]:
    """Tell the end of a shelving that keeps no alarm any more: nothing comes out of it."""
    rows = {row.id: row for row in open_rows(pk__in=[shelving.alarm_id for shelving in shelvings])}
    assets = twin.assets_by_id({row.asset_id for row in rows.values()})
    quiet = [rows[shelving.alarm_id] for shelving in shelvings]
    return [told("close_shelving", row, assets, at, actor=actor) for row in quiet]

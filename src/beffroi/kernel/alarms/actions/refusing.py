"""Why an act does not concern an alarm any more: who was first, when, and what to do instead."""

from __future__ import annotations

from beffroi.foundation.errors import Conflict
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.queries import clock_time, kept_words
from beffroi.kernel.alarms.rules import refusal
from beffroi.kernel.alarms.types import AlarmEvent, AlarmState, Refusal


def cannot(alarm_id: int, event: AlarmEvent) -> Conflict:
    """Return the conflict to raise for an event that the table does not know in the alarm's state."""
    people = ("acknowledged_by", "ended_by", "shelving__by", "withdrawal__by", "commanded__by")
    row = models.Alarm.objects.select_related(*people).get(pk=alarm_id)
    named = refusal(AlarmState(row.state), event)
    return Conflict(f"alarm {alarm_id} {_words(row, named)}", key=str(named))


def _words(row: models.Alarm, named: Refusal) -> str:
    if named == Refusal.ENDED and row.ended_by and row.ended_at:
        return f"was reset by {row.ended_by.display_name} at {clock_time(row.ended_at)}"
    first = row.acknowledged_by
    if named in (Refusal.ACKNOWLEDGED, Refusal.ENDED, Refusal.LATCHED) and first and row.acknowledged_at:
        seen = f"was acknowledged by {first.display_name} at {clock_time(row.acknowledged_at)}"
        return {
            Refusal.ACKNOWLEDGED: seen,
            Refusal.ENDED: f"has ended; it {seen}",
            Refusal.LATCHED: f"{seen}; its condition ceased: reset it",
        }[named]
    if named == Refusal.SHELVED and row.shelving:
        return f"is put aside by {kept_words(row.shelving)}"
    if named == Refusal.OUT_OF_SERVICE and row.withdrawal:
        return f"is of equipment out of service by {kept_words(row.withdrawal)}"
    return _explained(row) if named == Refusal.EXPLAINED else _PLAIN[named]


def _explained(row: models.Alarm) -> str:
    if row.commanded is None:
        return f"is explained by alarm {row.suppressed_by_id}: act on that one"
    who = f" by {row.commanded.by.display_name}" if row.commanded.by else ""
    return f"comes of a command{who} since {clock_time(row.commanded.since)}: act on that command"


_PLAIN = {
    Refusal.ENDED: "has ended",
    Refusal.STANDS: "stands before people already",
    Refusal.ACKNOWLEDGED: "was acknowledged already",
    Refusal.RETURNED: "returned already: acknowledge it",
    Refusal.LATCHED: "is latched: acknowledge it, then reset it",
    Refusal.SHELVED: "is put aside already",
    Refusal.OUT_OF_SERVICE: "is of equipment out of service",
    Refusal.NOT_SHELVED: "is not put aside",
    Refusal.NOT_EXPLAINED: "is explained by no other",
    Refusal.NOT_OUT_OF_SERVICE: "is of equipment that is in service",
    Refusal.NOT_ACKNOWLEDGED: "was acknowledged by nobody yet: acknowledge it first",
    Refusal.HOLDS: "cannot be reset: its condition still holds",
}

"""What becomes due by itself: silences, duties that last too long, what is kept past its time. Called by the worker each second.

The instants stand in the rows: a post that stops between two calls misses nothing, and tells nothing twice.
"""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.dispatch.actions.acting import changed, lock_mission, mission_line
from beffroi.kernel.dispatch.actions.distress import open_distress
from beffroi.kernel.dispatch.actions.duty import end_long_duty
from beffroi.kernel.dispatch.actions.positions import erase_positions
from beffroi.kernel.dispatch.models import Distress, Mission, Unit
from beffroi.kernel.dispatch.types import DistressKind, Silence
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind

MOST_AT_ONCE = 200
WATCH = Actor(ActorKind.RULE, "crew_silence", "Veille des équipages")


def pass_time(at: Instant, *, limit: int = MOST_AT_ONCE) -> int:
    """Do what is due by itself at an instant, one crew a transaction; return how many things were done."""
    moment = to_datetime(at)
    due = Mission.objects.filter(due_at__lte=moment).order_by("due_at", "id").values_list("id", flat=True)
    done = sum(_fall_silent(number, at) for number in list(due[:limit]))
    long = Unit.objects.filter(duty_until__lte=moment, in_use=True).order_by("id").values_list("slug", flat=True)
    done += sum(end_long_duty(slug, at) for slug in list(long[:limit]))
    return done + erase_positions(at)


def _fall_silent(number: int, at: Instant) -> bool:
    """Tell a silence, once; that of somebody alone on site raises a distress."""
    with transaction.atomic():
        unit, row = lock_mission(number)
        if row.due_at is None or row.due_at > to_datetime(at):
            return False
        row.silent, row.silence, row.due_at = row.silence, "", None
        row.version += 1
        row.save()
        changed(unit)
        alone = row.silent == Silence.NO_SIGN
        if alone and not Distress.objects.filter(unit_id=unit.pk, ended_at=None).exists():
            open_distress(unit, DistressKind.SILENCE, None, WATCH, None, at)
        append([mission_line(row, "fall_silent", WATCH, silence=row.silent)], at=at)
    return True

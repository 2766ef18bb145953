"""What people and time do to alarms, and what comes of it for the incidents that gather them: all of it, or nothing.

The alarms' room decides and locks first, by number; incidents follow, by number; the journal's head comes last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from django.db import transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms import queries as alarm_queries
from beffroi.kernel.alarms.types import Alarm, Applied
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.incidents.actions.following import follow_alarms
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people.types import Viewer


def shelve_alarm(alarm_id: int, *, until: Instant, reason: str, by: Viewer, at: Instant) -> Alarm:
    """Put an alarm aside until an end; its incident goes on, with who has it. See `alarms.shelve_alarm`."""
    _follow(lambda: alarms.shelve_alarm(alarm_id, until=until, reason=reason, by=by, at=at), at)
    return alarm_queries.of_ids([alarm_id])[0]


def unshelve_alarm(shelving_id: int, *, by: Viewer, at: Instant) -> None:
    """End a shelving by hand; the alarm's incident comes back to its owner, or one opens. See `alarms.unshelve_alarm`."""
    _follow(lambda: alarms.unshelve_alarm(shelving_id, by=by, at=at), at)


def reset_alarm(alarm_id: int, *, by: Viewer, at: Instant) -> Alarm:
    """End a latched alarm; its incident is resolved when nothing else keeps it going. See `alarms.reset_alarm`."""
    _follow(lambda: alarms.reset_alarm(alarm_id, by=by, at=at), at)
    return alarm_queries.of_ids([alarm_id])[0]


def take_out_of_service(
    *, until: Instant, reason: str, by: Viewer, at: Instant, asset: str = "", code: str = "", source: str = ""
) -> None:
    """Take equipment, a definition on it, or a source out of service; incidents go on. See `alarms.take_out_of_service`."""

    def act() -> Applied:
        return alarms.take_out_of_service(
            until=until, reason=reason, by=by, at=at, asset=asset, code=code, source=source
        )

    _follow(act, at)


def put_back_in_service(withdrawal_id: int, *, reason: str, by: Viewer, at: Instant) -> None:
    """Put back in service; what still stands comes before people, with its incident. See `alarms.put_back_in_service`."""
    _follow(lambda: alarms.put_back_in_service(withdrawal_id, reason=reason, by=by, at=at), at)


class _Pass(Protocol):
    def __call__(self, *, at: Instant) -> Applied: ...


def follow_commands(*, at: Instant) -> Applied:
    """Let the alarms that commands of ours cause be explained by them, for as long as they are in force."""
    abilities, known = alarm_queries.explaining_abilities(), alarm_queries.followed_commands()
    return alarms.follow_commands(commands.standing_commands(abilities, known, at=at), at=at)


PASSES: tuple[_Pass, ...] = (
    alarms.end_shelvings,
    alarms.re_alarm,
    alarms.escalate_alarms,
    alarms.remind_withdrawals,
    follow_commands,
)
"""What becomes due by itself, each in a transaction of its own."""


def let_time_pass(*, at: Instant) -> int:
    """Do what is due by now: commands that explain alarms or do no more, shelvings that end, alarms told again, or told higher, recalls. Return how many lines came.

    Called every second. Whoever is killed meanwhile, or calls at the same instant, nothing is missed nor done twice.
    """
    return sum(_follow(_at(each, at), at) for each in PASSES)


def _at(each: _Pass, at: Instant) -> Callable[[], Applied]:
    return lambda: each(at=at)


def _follow(act: Callable[[], Applied], at: Instant) -> int:
    """Do it, let incidents follow, and write every line, in one transaction; return how many lines."""
    with transaction.atomic():
        applied = act()
        lines = [*applied.lines, *follow_alarms(applied, at=at)]
        if lines:
            append(lines, at=at)
    return len(lines)

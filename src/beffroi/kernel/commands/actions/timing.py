"""What time does to commands: they expire, they are undone when their end comes, large requests are summed up.

Every time is a column, looked at each second under lock: whoever is killed meanwhile, or calls at the same instant, each
thing is done once. What is under lock elsewhere is left to the next second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.commands import models
from beffroi.kernel.commands.actions.lines import MAX_NAMED, SYSTEM, lines_of, request_line, told_each
from beffroi.kernel.commands.actions.rows import lock_commands, move, save
from beffroi.kernel.commands.actions.undoing import undo
from beffroi.kernel.commands.types import OPEN_STATES, CommandEvent, CommandState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.twin import queries as twin

MAX_EXPIRED = 2_000
MAX_REQUESTS = 20
END_CAME = "its end came"
_WHY = {
    CommandState.ASKED: "nobody authorised it in time",
    CommandState.AUTHORISED: "its turn did not come in time",
    CommandState.SENT: "the equipment stayed silent",
    CommandState.ACKNOWLEDGED: "it was taken up, but no reading showed it",
}
_IN_DOUBT = "it is not known whether it left, and the equipment stayed silent"


def pass_time(at: Instant) -> int:
    """Do what is due by now: commands that expire, ends that come, sums of large requests. Return how much was done."""
    return sum(each(at) for each in PASSES)


def expire_commands(at: Instant) -> int:
    """End what waited too long for a second person, for its turn, for an answer or for its proof; return how many."""
    with transaction.atomic():
        due = models.Command.objects.filter(state__in=OPEN_STATES, expires_at__lte=to_datetime(at))
        ids = list(due.order_by("expires_at").values_list("id", flat=True)[:MAX_EXPIRED])
        if not ids:
            return 0
        rows = [row for row in lock_commands(ids, skip_locked=True) if row.expires_at <= to_datetime(at)]
        moved = []
        for row in rows:
            state = CommandState(row.state)
            doubt = row.in_doubt and state is CommandState.SENT
            if state in OPEN_STATES and move(row, CommandEvent.EXPIRE, at, reason=_IN_DOUBT if doubt else _WHY[state]):
                moved.append(row)
        save(moved)
        append(_expired_lines(moved), at=at)
    return len(moved)


def return_commands(at: Instant) -> int:
    """Ask for what undoes the requests whose end has come; return how many requests."""
    due = models.Request.objects.filter(returns_at__lte=to_datetime(at), undone_at=None)
    ids = list(due.order_by("returns_at", "id").values_list("id", flat=True)[:MAX_REQUESTS])
    return sum(_return_one(id, at) for id in ids)


def sum_up_requests(at: Instant) -> int:
    """Tell the outcome of each large request of which nothing is expected any more; return how many."""
    still = models.Command.objects.filter(request=OuterRef("pk"), state__in=OPEN_STATES)
    with transaction.atomic():
        over = models.Request.objects.filter(~Exists(still), told_at=None).select_for_update(skip_locked=True)
        rows = list(over.order_by("asked_at")[:MAX_REQUESTS])
        if rows:
            models.Request.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=to_datetime(at))
            append([_summary(row) for row in rows], at=at)
    return len(rows)


PASSES: tuple[Callable[[Instant], int], ...] = (expire_commands, return_commands, sum_up_requests)
"""Each in transactions of its own."""


def _return_one(id: UUID, at: Instant) -> int:
    with transaction.atomic():
        row = models.Request.objects.select_for_update(skip_locked=True).filter(pk=id, undone_at=None).first()
        if row is None:
            return 0
        commands = lock_commands(models.Command.objects.filter(request=row).values_list("id", flat=True))
        undo(row, commands, actor=SYSTEM, asked_by=row.asked_by_id, at=at, why=END_CAME)
        models.Request.objects.filter(pk=id).update(undone_at=to_datetime(at))
    return 1


def _expired_lines(rows: Sequence[models.Command]) -> list[Entry]:
    few = [row for row in rows if told_each(row.request)]
    return [
        line for row in few for line in lines_of("expire_command", row.request, [row], SYSTEM, reason=row.end_reason)
    ]


def _summary(request: models.Request) -> Entry:
    rows = list(models.Command.objects.filter(request=request).values_list("state", "end_reason", "asset_id"))
    failed = [asset for state, _, asset in rows if state in (CommandState.FAILED, CommandState.EXPIRED)]
    reasons = Counter(reason for _, reason, _ in rows if reason)
    more = {
        "count": len(rows),
        "states": dict(Counter(str(state) for state, _, _ in rows)),
        "reasons": dict(reasons.most_common(20)),
    }
    named = twin.assets_by_id(failed[:MAX_NAMED])
    return request_line("finish_sending", request, SYSTEM, named.values(), more=more)

"""Sending, for the process that does it: marked before it leaves, so that nothing is sent twice and nothing is forgotten.

A command is first marked as sent, and in doubt, in a transaction of its own; only who marked it sends it, and only then.
If the sender dies between the two, the command stays in doubt: nobody sends it again, a reading or an answer may still
show what became of it, and else it expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from beffroi.foundation.clock import SECOND, Instant, from_datetime, to_datetime
from beffroi.kernel.alarms.queries import out_of_service
from beffroi.kernel.commands import models, queries, rules
from beffroi.kernel.commands.actions.lines import SYSTEM, line_of, request_line, told_each
from beffroi.kernel.commands.actions.rows import lock_commands, move, save
from beffroi.kernel.commands.types import CommandEvent, CommandState, Order, Outcome, Receipt
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

MAX_CLAIM = 1_000
"""Commands marked in one transaction at most."""

LEAVE_WITHIN = 5 * SECOND
"""After which a marked command does not leave any more: a sender that was held up for so long leaves it in doubt."""

_WAIT_S = (1, 2, 5, 15, 30, 60)
"""After how long a command that could not leave is tried again, by the number of tries."""

_DUE = """
SELECT id FROM commands_command WHERE source_id = %s AND state = %s AND due_at <= %s AND expires_at > %s
ORDER BY rank, due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An order that this sender, and nobody else, is to send; not after `leave_by`."""

    id: UUID
    order: Order
    leave_by: Instant


def claim(source: str, source_id: int, limit: int, *, sender: str, at: Instant) -> tuple[Claimed, ...]:
    """Mark commands of a source that are authorised and due as sent, those of small requests first; return their orders.

    Looks again at what may have changed since it was asked: equipment out of service is not commanded, and a planned
    command whose equipment somebody else commands at its hour fails, saying who.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            moment = to_datetime(at)
            cursor.execute(_DUE, [source_id, str(CommandState.AUTHORISED), moment, moment, min(limit, MAX_CLAIM)])
            ids = [UUID(str(id)) for (id,) in cursor.fetchall()]
        if not ids:
            return ()
        rows = lock_commands(ids)
        assets = twin.assets_by_id({row.asset_id for row in rows})
        against = _against(rows, source)
        sent, failed = [], []
        for row in rows:
            why = against.get(row.pk)
            if why is not None:
                move(row, CommandEvent.REFUSE, at, reason=why)
                failed.append(row)
            elif move(row, CommandEvent.SEND, at):
                row.holds = row.in_doubt = True
                row.sender, row.sent_at, row.attempts = sender, moment, row.attempts + 1
                row.expires_at = to_datetime(rules.sending_expiry(queries.ability_from(row.request.terms), at))
                sent.append(row)
        save([*failed, *sent])
        if lines := [*_told("refuse_command", failed), *_told("send_command", sent), *_begun(sent, at)]:
            append(lines, at=at)
        return tuple(_claimed(row, assets[row.asset_id], source, at) for row in sent)


def note_left(ids: Iterable[UUID], *, sender: str) -> int:
    """Note that commands were handed to the bus: they are in doubt no more. Return how many."""
    mine = models.Command.objects.filter(pk__in=list(ids), sender=sender, in_doubt=True)
    return mine.update(in_doubt=False)


def note_receipts(receipts: Mapping[UUID, Receipt], *, sender: str, at: Instant) -> None:
    """Note what the other side said at once: taken up, refused with its reason, or nothing has left and it waits its turn.

    One in doubt stays so. What the engine has moved on meanwhile stays as it is.
    """
    with transaction.atomic():
        rows = [row for row in lock_commands(receipts) if row.state == CommandState.SENT and row.sender == sender]
        moved: dict[str, list[models.Command]] = {
            "acknowledge_command": [],
            "refuse_command": [],
            "keep_back_command": [],
        }
        for row in rows:
            receipt = receipts[row.pk]
            if receipt.outcome is Outcome.ACCEPTED and move(row, CommandEvent.ACKNOWLEDGE, at):
                row.acknowledged_at, row.in_doubt = to_datetime(at), False
                ability, expires_at = queries.ability_from(row.request.terms), from_datetime(row.expires_at)
                row.expires_at = to_datetime(rules.acknowledged_expiry(ability, expires_at, at))
                moved["acknowledge_command"].append(row)
            elif receipt.outcome is Outcome.REFUSED and move(row, CommandEvent.REFUSE, at, reason=receipt.reason):
                row.in_doubt = False
                moved["refuse_command"].append(row)
            elif receipt.outcome is Outcome.UNREACHABLE:
                _keep_back(row, at)
                moved["keep_back_command"].append(row)
        save([row for each in moved.values() for row in each])
        if lines := [line for verb, each in moved.items() for line in _told(verb, each, receipts)]:
            append(lines, at=at)


def _keep_back(row: models.Command, at: Instant) -> None:
    """Have a command that did not leave wait its turn again, until it expires as it would have without the try."""
    move(row, CommandEvent.KEEP_BACK, at)
    row.in_doubt, row.sender, row.sent_at = False, "", None
    row.due_at = to_datetime(at + _WAIT_S[min(row.attempts, len(_WAIT_S)) - 1] * SECOND)
    row.expires_at = row.request.expires_at


def _against(rows: Sequence[models.Command], source: str) -> dict[UUID, str]:
    withdrawn, sources = out_of_service()
    planned = [row for row in rows if not row.holds]
    taken = queries.taken([row.asset_id for row in planned]) if planned else {}
    first: dict[int, UUID] = {}
    for row in planned:
        first.setdefault(row.asset_id, row.pk)
    found: dict[UUID, str] = {}
    for row in rows:
        if why := withdrawn.get(row.asset_id) or sources.get(source):
            found[row.pk] = f"out of service: {why}"
        elif not row.holds and row.asset_id in taken:
            found[row.pk] = taken[row.asset_id]
        elif not row.holds and first[row.asset_id] != row.pk:
            found[row.pk] = "planned twice for the same hour: the other one is sent"
    return found


def _claimed(row: models.Command, asset: Asset, source: str, at: Instant) -> Claimed:
    order = Order(
        command=str(row.pk),
        source=source,
        address=asset.address,
        asset_class=asset.asset_class,
        ability=row.request.ability,
        parameters=row.request.parameters,
        expires_at=from_datetime(row.expires_at),
        properties=asset.properties,
    )
    return Claimed(row.pk, order, at + LEAVE_WITHIN)


def _told(verb: str, rows: Sequence[models.Command], receipts: Mapping[UUID, Receipt] | None = None) -> list[Entry]:
    """Return a line for each command of a small request; those of large ones are told together at their end."""
    few = [row for row in rows if told_each(row.request)]
    assets = twin.assets_by_id({row.asset_id for row in few})
    return [
        line_of(verb, row, assets[row.asset_id], SYSTEM, reason=receipts[row.pk].reason if receipts else row.end_reason)
        for row in few
    ]


def _begun(rows: Sequence[models.Command], at: Instant) -> list[Entry]:
    """Tell that the sending of a large request began, once."""
    found = {row.request_id: row.request for row in rows if not told_each(row.request) and row.request.begun_at is None}
    begun = []
    for id, request in sorted(found.items()):
        if models.Request.objects.filter(pk=id, begun_at=None).update(begun_at=to_datetime(at)):
            begun.append(request_line("begin_sending", request, SYSTEM, (), more={"count": request.size}))
    return begun

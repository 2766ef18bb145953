"""Commands under lock, and moving many at once: the request first, then its commands by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.commands import models, rules
from beffroi.kernel.commands.types import OPEN_STATES, CommandEvent, CommandState

_COLUMNS = {
    "state": "text", "holds": "boolean", "in_doubt": "boolean", "expires_at": "timestamptz", "sent_at": "timestamptz",
    "acknowledged_at": "timestamptz", "effective_at": "timestamptz", "ended_at": "timestamptz", "end_reason": "text",
    "ended_by": "text", "why": "bytea", "proof_value": "float8", "sender": "text", "attempts": "smallint", "due_at": "timestamptz",
}  # fmt: skip
"""What moves in a command, and how the database writes it."""

_SAVE = (
    f"UPDATE commands_command c SET {', '.join(f'{name} = w.{name}' for name in _COLUMNS)}"
    f" FROM unnest(%s::uuid[], {', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())})"
    f" AS w(id, {', '.join(_COLUMNS)}) WHERE c.id = w.id"
)


def lock(id: UUID) -> tuple[models.Request, list[models.Command]]:
    """Lock what a number stands for: a command alone, or all those of a group; with their request. Raises NotFound."""
    one = models.Command.objects.filter(pk=id).values_list("request_id", flat=True).first()
    request = models.Request.objects.select_for_update().filter(pk=one or id).first()
    if request is None:
        raise NotFound(f"there is no command {id}")
    rows = lock_commands(models.Command.objects.filter(request=request).values_list("id", flat=True))
    return request, [row for row in rows if one is None or row.pk == id]


def lock_commands(ids: Iterable[UUID], *, skip_locked: bool = False) -> list[models.Command]:
    """Lock commands in the order of their numbers, with their requests read beside."""
    rows = models.Command.objects.select_for_update(of=("self",), skip_locked=skip_locked)
    return list(rows.select_related("request", "request__asked_by").filter(pk__in=list(ids)).order_by("id"))


def move(row: models.Command, event: CommandEvent, at: Instant, *, reason: str = "", by: str = "") -> bool:
    """Move a command as the table says, in memory; tell whether it moved. `save` writes it."""
    after = rules.next_state(CommandState(row.state), event)
    if after is None:
        return False
    row.state = after
    if after not in OPEN_STATES:
        row.holds = False
        if after is not CommandState.REVERTED and after is not CommandState.EFFECTIVE:
            row.ended_at, row.end_reason, row.ended_by = to_datetime(at), reason[:500], by
    return True


def save(rows: Sequence[models.Command]) -> None:
    """Write commands that moved, in one statement however many they are."""
    if not rows:
        return
    values: list[list[Any]] = [[row.pk for row in rows]]
    values += [[getattr(row, name) for row in rows] for name in _COLUMNS if name != "why"]
    values.insert(1 + list(_COLUMNS).index("why"), [bytes(row.why) for row in rows])
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, values)


def refuse_state(request: models.Request, row: models.Command, what: str) -> Conflict:
    """Return the refusal of an act on a command that has gone on: who was first, or what became of it."""
    second = request.authorised_by
    state = CommandState(row.state)
    who = {
        CommandState.DENIED: f"denied by {row.ended_by}",
        CommandState.CANCELLED: f"cancelled by {row.ended_by}",
        CommandState.EXPIRED: "expired",
    }.get(state, f"{state}, authorised by {second.display_name}" if second else str(state))
    return Conflict(f"it cannot be {what}: it is {who}", key=f"not-{what}")

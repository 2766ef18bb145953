"""What people decide of a request before it leaves: a second person agrees or denies, somebody cancels."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Forbidden, Refused
from beffroi.kernel.commands import models, rules
from beffroi.kernel.commands.actions.lines import lines_of
from beffroi.kernel.commands.actions.rows import lock, move, refuse_state, save
from beffroi.kernel.commands.types import CommandEvent, CommandState
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_REASON = 500


def authorise(id: UUID, *, by: Viewer, at: Instant) -> int:
    """Agree to what somebody else asked, as the second person; return how many commands may now leave.

    Of a group it is agreed to the whole. Raises Forbidden for the person who asked, and for who has no clearance in each of
    its communes; Conflict naming who decided first, or that it has expired; NotFound.
    """
    with transaction.atomic():
        request, rows = _whole(id)
        _ask_door(request, Verb.AUTHORISE, by)
        _refuse_same(request, by)
        moved = _moved(request, rows, CommandEvent.AUTHORISE, at, "authorised")
        request.authorised_by_id, request.authorised_at = by.id, to_datetime(at)
        request.save(update_fields=["authorised_by", "authorised_at"])
        save(moved)
        append(lines_of("authorise_command", request, moved, by.actor), at=at)
    return len(moved)


def deny(id: UUID, reason: str, *, by: Viewer, at: Instant) -> int:
    """Deny what somebody else asked, saying why; return how many commands end. Raises as `authorise` does, and Refused."""
    why = _reason(reason)
    with transaction.atomic():
        request, rows = _whole(id)
        _ask_door(request, Verb.AUTHORISE, by)
        _refuse_same(request, by)
        moved = _moved(request, rows, CommandEvent.DENY, at, "denied", by)
        _keep(request, moved, why, at)
        save(moved)
        append(lines_of("deny_command", request, moved, by.actor, why=why), at=at)
    return len(moved)


def cancel(id: UUID, reason: str, *, by: Viewer, at: Instant) -> int:
    """Take back what has not left yet, saying why: one command, or all that a group still has waiting; return how many.

    What has left is not taken back: it is undone. Raises Forbidden, NotFound, Refused without a reason, and Conflict when
    nothing is left to take back, saying what became of it.
    """
    why = _reason(reason)
    with transaction.atomic():
        request, rows = lock(id)
        _ask_door(request, Verb.CANCEL, by)
        moved = _moved(request, rows, CommandEvent.CANCEL, at, "cancelled", by)
        _keep(request, moved, why, at)
        save(moved)
        append(lines_of("cancel_command", request, moved, by.actor, why=why), at=at)
    return len(moved)


def _whole(id: UUID) -> tuple[models.Request, list[models.Command]]:
    """Lock a request with all its commands, by its own number or by that of one of them: it is decided as a whole."""
    request, rows = lock(id)
    return (request, rows) if len(rows) == request.size else lock(request.pk)


def _ask_door(request: models.Request, verb: Verb, by: Viewer) -> None:
    for commune in request.communes or [""]:
        require(by, verb, Kind.COMMAND, desk=request.desk, commune=commune)


def _refuse_same(request: models.Request, by: Viewer) -> None:
    if by.id is None:
        raise Forbidden("sign in first: the second person of a command has a name")
    if request.asked_by_id == by.id:
        raise Forbidden("it takes two: somebody else agrees to what you asked, or denies it; you may cancel it")


def _moved(
    request: models.Request,
    rows: Sequence[models.Command],
    event: CommandEvent,
    at: Instant,
    what: str,
    by: Viewer | None = None,
) -> list[models.Command]:
    """Move the commands that may be, in memory. Raises Conflict when none may, or when they are past their time."""
    if event is CommandEvent.AUTHORISE and request.expires_at <= to_datetime(at):
        raise refuse_state(request, models.Command(state=CommandState.EXPIRED), what)
    moved = [row for row in rows if move(row, event, at, by=by.display_name if by else "")]
    if not moved:
        raise refuse_state(request, rows[0], what)
    return moved


def _keep(request: models.Request, rows: Sequence[models.Command], why: str, at: Instant) -> None:
    """Keep what a person wrote with each command that it ended, under the key of its case."""
    kept = keep_words(rules.case_of(request.pk, request.incident), why, at=at)
    for row in rows:
        row.why = kept


def _reason(text: str) -> str:
    why = " ".join(text.replace("\x00", "").split())
    if not why:
        raise Refused("say why", key="reason-missing")
    if len(why) > MAX_REASON:
        raise Refused(f"the reason has {len(why)} characters; write {MAX_REASON} at most", key="text-too-long")
    return why

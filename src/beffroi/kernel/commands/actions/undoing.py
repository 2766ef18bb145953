"""Undoing: what brings equipment back is a command of its own, asked by a person, or by itself when its end comes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.commands import models, queries, rules
from beffroi.kernel.commands.actions.asking import Draft, Target, put
from beffroi.kernel.commands.actions.lines import lines_of
from beffroi.kernel.commands.actions.rows import lock, move, save
from beffroi.kernel.commands.types import OPEN_STATES, UNDONE_FROM, Asked, CommandEvent, CommandState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer

BEFORE_PROOF = "undone before a reading showed it"
_ALIVE = (*OPEN_STATES, CommandState.EFFECTIVE)


def revert(id: UUID, *, by: Viewer, at: Instant) -> Asked:
    """Ask for what undoes a command, or every command of a group that may have been done; it comes back on its proof.

    What still waits to be sent is cancelled, what is not shown yet is not waited for. Bringing back that is dangerous waits
    for a second person. Raises Forbidden, NotFound, Refused when nothing undoes it, Conflict when nothing is to be undone.
    """
    with transaction.atomic():
        request, rows = lock(id)
        for commune in request.communes or [""]:
            require(by, Verb.ASK, Kind.COMMAND, desk=request.desk, commune=commune)
        if request.undo_terms is None:
            raise Refused(f"nothing undoes `{request.ability}`: ask for what is wanted instead", key="no-undo")
        whole = len(rows) == request.size
        asked = undo(request, rows, actor=by.actor, asked_by=by.id, at=at)
        if asked is None:
            raise Conflict(
                "there is nothing to undo: it was not sent, it is undone already, or others command it", key="undone"
            )
        if whole:
            models.Request.objects.filter(pk=request.pk).update(undone_at=to_datetime(at))
        return asked


def undo(
    request: models.Request,
    rows: Sequence[models.Command],
    *,
    actor: Actor,
    asked_by: int | None,
    at: Instant,
    why: str = BEFORE_PROOF,
) -> Asked | None:
    """Ask for what undoes these commands, in the caller's transaction; return what was asked, None when nothing was left.

    Equipment that somebody has commanded since is left as it is: the later command stands.
    """
    waiting = [
        row for row in rows if row.sent_at is None and move(row, CommandEvent.CANCEL, at, reason=why, by=actor.name)
    ]
    left = [row for row in rows if row.sent_at is not None]
    cut = [row for row in left if move(row, CommandEvent.EXPIRE, at, reason=why)]
    save([*waiting, *cut])
    lines = lines_of("cancel_command", request, waiting, actor, reason=why) if waiting else []
    if cut:
        lines += lines_of("expire_command", request, cut, actor, reason=why)
    later, undone = _commanded_since(left), _undone(left)
    wanted = [row for row in left if row.state in UNDONE_FROM and row.pk not in undone and row.asset_id not in later]
    if lines:
        append(lines, at=at)
    if not wanted or request.undo_terms is None:
        return None
    ability = queries.ability_from(request.undo_terms)
    body = queries.ability_from(request.terms).undo
    draft = Draft(
        ability=ability,
        parameters=rules.undo_parameters(body, ability) if body else {},
        why="",
        kept=bytes(request.why),
        incident=request.incident,
        key=None,
        due_at=at,
        returns_at=None,
        asked_by=asked_by,
        actor=actor,
        authorised_by=None if ability.dangerous else asked_by,
        authorised=not ability.dangerous,
        reverts=request.pk,
    )
    asked, _ = put(draft, [Target(row.asset_id, row.source_id, row.pk) for row in wanted], at=at)
    return asked if asked.commands else None


def _commanded_since(rows: Collection[models.Command]) -> set[int]:
    """Return the equipment that another command has reached, or waits for, since these."""
    last = {row.asset_id: row.pk for row in rows}
    found = models.Command.objects.filter(asset_id__in=list(last), state__in=_ALIVE, reverts=None)
    mine = {row.request_id for row in rows}
    return {
        asset
        for asset, id, holds, sent_at in found.exclude(request_id__in=mine).values_list(
            "asset_id", "id", "holds", "sent_at"
        )
        if id > last[asset] and (holds or sent_at is not None)
    }


def _undone(rows: Collection[models.Command]) -> set[UUID]:
    """Return the commands that are undone already, or about to be."""
    alive = models.Command.objects.filter(reverts__in=[row.pk for row in rows], state__in=_ALIVE)
    return {id for id in alive.values_list("reverts_id", flat=True) if id is not None}

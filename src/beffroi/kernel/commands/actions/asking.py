"""Asking equipment to act: one winner on each piece, the other told by whom; nothing half asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from beffroi.foundation.clock import SECOND, Instant, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.foundation.ids import new_id
from beffroi.kernel.commands import models, queries, rules
from beffroi.kernel.commands.actions.lines import left_out_content, line_of, request_line, told_each
from beffroi.kernel.commands.types import Ability, Asked, CommandState, LeftOut, Request, Scalar, Touched
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

_INSERT = """
INSERT INTO commands_command (id, request_id, asset_id, source_id, state, holds, in_doubt, rank, attempts, sender, due_at,
    expires_at, end_reason, ended_by, why, proof_quantity, proof_low, proof_high, reverts_id)
SELECT w.id, %(request)s, w.asset_id, w.source_id, %(state)s, %(holds)s, false, %(rank)s, 0, '', %(due_at)s,
    %(expires_at)s, '', '', '', %(quantity)s, %(low)s, %(high)s, w.reverts
FROM unnest(%(ids)s::uuid[], %(assets)s::bigint[], %(sources)s::bigint[], %(reverts)s::uuid[]) AS w(id, asset_id, source_id, reverts)
ORDER BY w.asset_id
ON CONFLICT (asset_id) WHERE holds DO NOTHING RETURNING id, asset_id
"""


def ask(request: Request, *, by: Viewer, at: Instant) -> Asked:
    """Ask equipment to act; authorised at once unless it is dangerous. Journalled, one line for each of a few.

    Equipment that cannot be asked is left out and named with its reason; with none left, Conflict says by whom it is
    commanded, Refused why not, Forbidden that no clearance gives it. The same `key` twice is one request.
    """
    with transaction.atomic():
        if request.key and (known := _asked_before(request, by)):
            return known
        plan = queries.plan(request, by=by, at=at)
        _refuse_empty(plan.run.touched, plan.run.left_out)
        draft = Draft(
            ability=plan.run.ability,
            parameters=plan.run.parameters,
            why=plan.request.reason,
            incident=plan.request.incident,
            key=_key(plan.request.key, by),
            due_at=plan.run.due_at,
            returns_at=plan.run.returns_at,
            asked_by=by.id,
            actor=by.actor,
            authorised_by=None if plan.run.dangerous else by.id,
            authorised=not plan.run.dangerous,
            left_out=plan.run.left_out,
        )
        sources = {source.code: source.id for source in twin.sources()}
        targets = [Target(each.asset_id, sources[each.source]) for each in plan.run.touched]
        asked, taken = put(draft, targets, at=at, known=plan.assets)
        if not asked.commands:
            _refuse_empty((), taken)
        return asked


@dataclass(frozen=True, slots=True)
class Draft:
    """A request about to be written. `authorised`: nobody else has to agree."""

    ability: Ability
    parameters: Mapping[str, Scalar]
    why: str
    incident: int | None
    key: str | None
    due_at: Instant
    returns_at: Instant | None
    asked_by: int | None
    actor: Actor
    authorised_by: int | None
    authorised: bool
    left_out: tuple[LeftOut, ...] = ()
    reverts: UUID | None = None
    kept: bytes = b""
    """What a person wrote, as it is kept of the request that is undone: it goes with the key of that one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Equipment to command, its source, and the command on it that is undone, if one is."""

    asset_id: int
    source_id: int
    reverts: UUID | None = None


def put(
    draft: Draft, targets: Sequence[Target], *, at: Instant, known: Mapping[int, Asset] | None = None
) -> tuple[Asked, tuple[LeftOut, ...]]:
    """Write a request with its commands, in the caller's transaction; return it, and what somebody else took meanwhile.

    `known`: the equipment, where the caller has read it already.

    Whoever wrote first on a piece of equipment has it; who comes at the same instant waits for it, and is left out. With
    nothing left, nothing is written.
    """
    row = _row(draft, len(targets), at)
    point = transaction.savepoint()
    row.save(force_insert=True)
    written = _insert(row, draft, targets, at)
    taken = _taken([target for target in targets if target.asset_id not in written])
    state = CommandState.AUTHORISED if draft.authorised else CommandState.ASKED
    left_out = (*draft.left_out, *taken)
    if not written:
        transaction.savepoint_rollback(point)
        return Asked(row.pk, None, (), state, left_out), taken
    transaction.savepoint_commit(point)
    assets = twin.assets_by_id(written) if known is None else {key: known[key] for key in written}
    row.size, row.communes = len(written), sorted({asset.commune for asset in assets.values()})
    row.left_out, row.told_at = left_out_content(left_out), row.asked_at if told_each(row) else None
    row.save(update_fields=["size", "communes", "left_out", "told_at"])
    ids = tuple(sorted(written.values(), key=int))
    append(list(_told(row, draft, written, assets)), at=at)
    single = row.size == 1
    return Asked(ids[0] if single else row.pk, None if single else row.pk, ids, state, left_out), taken


def _row(draft: Draft, size: int, at: Instant) -> models.Request:
    ability = draft.ability
    number = new_id(at)
    return models.Request(
        id=number,
        ability=ability.slug,
        terms=queries.ability_body(ability),
        undo_terms=queries.ability_body(queries.ability_named(ability.undo.ability)) if ability.undo else None,
        parameters=dict(draft.parameters),
        effect=rules.effect_of(ability, draft.parameters)[:400],
        why=draft.kept or keep_words(rules.case_of(number, draft.incident), draft.why, at=at),
        incident=draft.incident,
        desk=ability.desk,
        communes=[],
        size=size,
        key=draft.key,
        asked_by_id=draft.asked_by,
        asked_at=to_datetime(at),
        authorised_by_id=draft.authorised_by,
        authorised_at=to_datetime(at) if draft.authorised else None,
        due_at=to_datetime(draft.due_at),
        expires_at=to_datetime(draft.due_at + ability.expires_after_s * SECOND),
        returns_at=to_datetime(draft.returns_at) if draft.returns_at is not None else None,
        reverts_id=draft.reverts,
    )


def _insert(row: models.Request, draft: Draft, targets: Sequence[Target], at: Instant) -> dict[int, UUID]:
    """Write the commands; return the number of each by its equipment. What is held by others is passed over."""
    quantity, low, high = rules.target_of(draft.ability, draft.parameters) or ("", None, None)
    state = CommandState.AUTHORISED if draft.authorised else CommandState.ASKED
    values: dict[str, Any] = {
        "request": row.pk,
        "state": str(state),
        "holds": rules.holds_asset(state, draft.due_at, at),
        "rank": rules.rank_of(len(targets)),
        "due_at": row.due_at,
        "expires_at": row.expires_at,
        "quantity": quantity,
        "low": low,
        "high": high,
        "ids": [new_id(at) for _ in targets],
        "assets": [target.asset_id for target in targets],
        "sources": [target.source_id for target in targets],
        "reverts": [target.reverts for target in targets],
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return {asset: id for id, asset in cursor.fetchall()}


def _told(
    row: models.Request, draft: Draft, written: Mapping[int, UUID], assets: Mapping[int, Asset]
) -> Iterator[Entry]:
    verb = "ask_command" if draft.reverts is None else "ask_undoing"
    state = CommandState.AUTHORISED if draft.authorised else CommandState.ASKED
    content = {"left_out": row.left_out.get("keys", {})} if row.left_out else {}
    if not told_each(row):
        yield request_line(
            verb, row, draft.actor, assets.values(), why=draft.why, more={"state": str(state), **content}
        )
        return
    for asset_id, id in sorted(written.items(), key=lambda item: item[1]):
        command = models.Command(id=id, request=row, asset_id=asset_id, state=state)
        yield line_of(verb, command, assets[asset_id], draft.actor, why=draft.why, more=content)


def _taken(targets: Sequence[Target]) -> tuple[LeftOut, ...]:
    if not targets:
        return ()
    ids = [target.asset_id for target in targets]
    words, assets = queries.taken(ids), twin.assets_by_id(ids)
    return tuple(
        LeftOut(asset.code, asset.name, "taken", words.get(key, "commanded by somebody else at this very moment"))
        for key, asset in sorted(assets.items(), key=lambda item: item[1].code)
    )


def _refuse_empty(touched: Sequence[Touched], left_out: Sequence[LeftOut]) -> None:
    """Raise when there is nothing to command, with what stands against the first piece of equipment."""
    if touched:
        return
    if not left_out:
        raise Refused("no equipment is named by this request", key="whose")
    first = next((each for each in left_out if each.key == "taken"), left_out[0])
    more = f" (and {len(left_out) - 1} others, each for its reason)" if len(left_out) > 1 else ""
    said = f"{first.code}: {first.reason}{more}"
    if first.key == "taken":
        raise Conflict(said, key="taken")
    if first.key == "forbidden":
        raise Forbidden(said)
    raise Refused(said, key=first.key)


def _key(key: str, by: Viewer) -> str | None:
    return f"{by.username[:32]}/{key}" if key else None


def _asked_before(request: Request, by: Viewer) -> Asked | None:
    """Return what was asked with this key before; nobody asks with it at the same time until this transaction ends."""
    key = _key(request.key, by) or ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"commands/{key}"])
    row = models.Request.objects.filter(key=key).first()
    if row is None:
        return None
    if row.ability != request.ability:
        raise Conflict(f"this key was used to ask for something else, {row.ability}", key="key-used")
    ids = tuple(models.Command.objects.filter(request=row).order_by("id").values_list("id", "state"))
    single, states = len(ids) == 1, {CommandState(state) for _, state in ids}
    state = min(states, key=list(CommandState).index)
    return Asked(
        ids[0][0] if single else row.pk, None if single else row.pk, tuple(i for i, _ in ids), state, again=True
    )

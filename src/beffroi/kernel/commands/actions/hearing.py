"""What equipment says of commands, and what readings prove: taken by the engine in the transaction of its batch.

Nothing here is done for each reading: the engine gives the answers of a batch, and the few readings that met a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.commands import models, rules
from beffroi.kernel.commands.actions.lines import line_of, told_each
from beffroi.kernel.commands.actions.rows import lock_commands, move, save
from beffroi.kernel.commands.queries import ability_from
from beffroi.kernel.commands.types import AWAITED_STATES, Answered, CommandEvent, CommandState, Proven
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset


def hear(answers: Sequence[Answered], proven: Sequence[Proven], *, at: Instant) -> tuple[Entry, ...]:
    """Move the commands that equipment answered and that readings proved, in the caller's transaction; return its lines.

    The answers in their order, then the proofs. What comes after the expiry changes nothing but is told. What undoes
    another command makes it `reverted` once it is effective itself.
    """
    ids = {answer.command for answer in answers} | {proof.command for proof in proven}
    if not ids:
        return ()
    undone = models.Command.objects.filter(pk__in=ids, reverts__isnull=False).values_list("reverts_id", flat=True)
    ids |= {id for id in undone if id is not None}
    rows = {row.pk: row for row in lock_commands(ids)}
    hearing = _Hearing(rows, twin.assets_by_id({row.asset_id for row in rows.values()}), at)
    for answer in answers:
        hearing.answer(answer)
    for proof in proven:
        hearing.prove(proof)
    save([rows[id] for id in sorted(hearing.changed)])
    return tuple(hearing.lines)


class _Hearing:
    """Commands under lock, and the lines that tell what became of them."""

    def __init__(self, rows: dict[UUID, models.Command], assets: dict[int, Asset], at: Instant) -> None:
        self.rows, self.assets, self.at = rows, assets, at
        self.lines: list[Entry] = []
        self.changed: set[UUID] = set()

    def answer(self, answer: Answered) -> None:
        row = self.rows.get(answer.command)
        if row is None or row.source_id != answer.source_id:
            return
        event = CommandEvent.ACKNOWLEDGE if answer.accepted else CommandEvent.REFUSE
        expires_at = from_datetime(row.expires_at)
        if row.state in AWAITED_STATES and move(row, event, self.at, reason=answer.reason):
            row.in_doubt = False
            if answer.accepted:
                row.acknowledged_at = to_datetime(self.at)
                ability = ability_from(row.request.terms)
                row.expires_at = to_datetime(rules.acknowledged_expiry(ability, expires_at, self.at))
            verb = "acknowledge_command" if answer.accepted else "refuse_command"
            self._told(verb, row, answer.observed_at, reason=answer.reason)
        elif row.state == CommandState.EXPIRED:
            more = {"accepted": answer.accepted}
            self._told("hear_late", row, answer.observed_at, reason=answer.reason, more=more)

    def prove(self, proof: Proven) -> None:
        row = self.rows.get(proof.command)
        if row is None or not move(row, CommandEvent.PROVE, self.at):
            return
        row.in_doubt, row.proof_value, row.effective_at = False, proof.value, to_datetime(proof.observed_at)
        more = {"quantity": row.proof_quantity, "value": proof.value}
        self._told("prove_command", row, proof.observed_at, more=more)
        undone = self.rows.get(row.reverts_id) if row.reverts_id else None
        if undone is not None and move(undone, CommandEvent.REVERT, self.at):
            self._told("revert_command", undone, proof.observed_at)

    def _told(
        self,
        verb: str,
        row: models.Command,
        effective_at: Instant,
        *,
        reason: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:
        self.changed.add(row.pk)
        if told_each(row.request):
            asset = self.assets[row.asset_id]
            actor = Actor(ActorKind.EQUIPMENT, asset.code, asset.name)
            self.lines.append(line_of(verb, row, asset, actor, reason=reason, more=more, effective_at=effective_at))

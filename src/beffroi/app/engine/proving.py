"""The proofs that one engine awaits: brought up to date each second, searched in each batch without a question to the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.commands import queries
from beffroi.kernel.commands.rules import AwaitedProofs
from beffroi.kernel.commands.types import Proven
from beffroi.kernel.twin import queries as twin

OVERLAP = 30 * SECOND
"""How far back is looked again for commands that were being marked while it was looked: more than any marking lasts."""


@dataclass(slots=True)
class Proving:
    """What is awaited of the equipment of these sources. Not thread-safe: the engine's thread alone uses it."""

    source_ids: Sequence[int] = ()
    proofs: AwaitedProofs = field(default_factory=AwaitedProofs)
    _looked_from: Instant = 0

    def look(self, now: Instant) -> list[Proven]:
        """Take up what was sent since the last look, and return what readings that came before it prove already."""
        if not self.source_ids:
            return []
        self.proofs.prune(now)
        awaited = queries.awaited_proofs(self.source_ids, self._looked_from)
        heard = self.proofs.acknowledge(proof.command for proof in awaited if proof.acknowledged)
        new = self.proofs.add(awaited)
        self._looked_from = now - OVERLAP
        by_quantity: dict[str, list[int]] = defaultdict(list)
        for proof in new:
            by_quantity[proof.quantity].append(proof.asset_id)
        for quantity, assets in by_quantity.items():
            heard += self.proofs.try_values(quantity, twin.values_of(quantity, assets))
        return heard

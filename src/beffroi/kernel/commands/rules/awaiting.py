"""The proofs that are awaited, for the engine: which equipment must report what for its command to be done. Pure, in memory.

With nothing awaited a batch costs nothing; else a search of its equipment among that which is awaited, and work for the
hits alone. A piece of equipment has one command at a time, so one proof.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.commands.types import Proven

CLOCK_APART = 5 * SECOND
"""How far the clock of equipment may lag: a reading dated up to so long before the sending still proves."""


@dataclass(frozen=True, slots=True)
class AwaitedProof:
    """What shows that a command is done: a value within bounds, observed after it was sent.

    `acknowledged`: whether the equipment said that it heard the command.
    """

    command: UUID
    asset_id: int
    quantity: str
    low: float
    high: float
    sent_at: Instant
    expires_at: Instant
    acknowledged: bool = False

    def shown_by(self, value: float) -> bool:
        """Tell whether a value is what the command asks for, whenever it was observed."""
        return self.low <= value <= self.high

    def met(self, value: float, observed_at: Instant) -> bool:
        """Tell whether a reading proves it."""
        return self.shown_by(value) and observed_at >= self.sent_at - CLOCK_APART


class AwaitedProofs:
    """Proofs by quantity and equipment. Not thread-safe: the engine's thread alone uses it.

    What was true before a command left proves nothing: such a command waits until its equipment says that it heard it, or
    until a reading shows that it was otherwise meanwhile.
    """

    def __init__(self) -> None:
        self._by_quantity: dict[str, dict[int, AwaitedProof]] = {}
        self._assets: dict[str, NDArray[np.int64]] = {}
        self._known: dict[UUID, AwaitedProof] = {}
        self._stood: dict[UUID, Proven | None] = {}
        """Commands of which the proof stood before they left, with the last reading that shows it since."""

    def __len__(self) -> int:
        return len(self._known)

    def add(self, proofs: Iterable[AwaitedProof]) -> list[AwaitedProof]:
        """Await proofs; return those that were not awaited yet. A newer command takes the place of its equipment's."""
        new = [proof for proof in proofs if proof.command not in self._known]
        for proof in new:
            mine = self._by_quantity.setdefault(proof.quantity, {})
            before = mine.get(proof.asset_id)
            if before is not None:
                self._known.pop(before.command, None)
                self._stood.pop(before.command, None)
            mine[proof.asset_id] = self._known[proof.command] = proof
            self._assets.pop(proof.quantity, None)
        return new

    def observe(
        self, quantity: str, asset_ids: NDArray[np.int64], values: NDArray[np.float64], observed_at: NDArray[np.int64]
    ) -> list[Proven]:
        """Return what the readings of one quantity prove; it is awaited no more."""
        mine = self._by_quantity.get(quantity)
        if not mine:
            return []
        awaited = self._assets.get(quantity)
        if awaited is None:
            awaited = self._assets[quantity] = np.fromiter(sorted(mine), np.int64, len(mine))
        places = np.searchsorted(awaited, asset_ids)
        places[places == len(awaited)] = 0
        found = []
        for row in np.flatnonzero(awaited[places] == asset_ids):
            proof = mine.get(int(asset_ids[row]))
            if proof is not None and (proven := self._seen(proof, float(values[row]), int(observed_at[row]))):
                found.append(proven)
                self._drop(proof)
        return found

    def _seen(self, proof: AwaitedProof, value: float, observed_at: Instant) -> Proven | None:
        """Return what a reading proves of one command; a reading that shows otherwise ends what stood before."""
        if not proof.met(value, observed_at):
            if observed_at >= proof.sent_at:
                self._stood.pop(proof.command, None)
            return None
        proven = Proven(proof.command, value, observed_at)
        if proof.command not in self._stood:
            return proven
        self._stood[proof.command] = proven
        return None

    def acknowledge(self, commands: Iterable[UUID]) -> list[Proven]:
        """Take it that equipment heard these commands; return those that a reading has shown already."""
        found = [held for command in commands if (held := self._stood.pop(command, None)) is not None]
        for proven in found:
            self._drop(self._known[proven.command])
        return found

    def try_values(self, quantity: str, rows: Iterable[tuple[int, float, Instant]]) -> list[Proven]:
        """Return what values already stored prove: those that came before their command was awaited here."""
        listed = list(rows)
        mine = self._by_quantity.get(quantity, {})
        for asset, value, observed_at in listed:
            proof = mine.get(asset)
            if proof is not None and not proof.acknowledged and observed_at < proof.sent_at and proof.shown_by(value):
                self._stood.setdefault(proof.command, None)
        count = len(listed)
        return self.observe(
            quantity,
            np.fromiter((row[0] for row in listed), np.int64, count),
            np.fromiter((row[1] for row in listed), np.float64, count),
            np.fromiter((row[2] for row in listed), np.int64, count),
        )

    def prune(self, at: Instant) -> None:
        """Await no more what is past its time by a minute: the worker has told its silence."""
        for proof in [each for each in self._known.values() if each.expires_at + 60 * SECOND < at]:
            self._drop(proof)

    def _drop(self, proof: AwaitedProof) -> None:
        self._known.pop(proof.command, None)
        self._stood.pop(proof.command, None)
        mine = self._by_quantity.get(proof.quantity, {})
        if mine.get(proof.asset_id) is proof:
            del mine[proof.asset_id]
            self._assets.pop(proof.quantity, None)

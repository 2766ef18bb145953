"""What the map shows of each piece of equipment, as `live` last told it to its consoles, and what there is to tell.

A condition (`console.pictures.NORMAL` and what follows) has two causes: how fresh the equipment is, which engines publish
after they commit it, and the alarms that stand on it, which follow the journal. Neither is enough: one line tells of forty
lamps that an alarm explains without naming them, and an engine that is killed between its commit and its word says
nothing. So the database is read whole when a line came and every few seconds, and what differs from what was told is told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from beffroi.console import reading

READ_EVERY_S = 5.0
REST = 4.0
"""How many times as long as the last reading took to wait before the next: a fifth of one core at most."""

Standing = list[tuple[int, int, bool]]


@dataclass(slots=True)
class Conditions:
    """The condition of everything that is not normal. Used from one loop."""

    told: dict[int, int] | None = None
    """What consoles that were told the whole know; None until the store was read."""
    clock_s: Callable[[], float] = time.monotonic
    _levels: dict[int, int] = field(default_factory=dict)
    _standing: Standing = field(default_factory=list)
    _meanwhile: dict[int, int] = field(default_factory=dict)
    _asked: bool = True
    _differs: bool = True
    _read_at: float = -math.inf
    _took_s: float = 0.0

    def ask(self) -> None:
        """Say that something may have changed that only the store tells."""
        self._asked = True

    def hear(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take what an engine published: (asset, freshness level)."""
        for asset, level in levels:
            self._meanwhile[asset] = level
            self._set(asset, level)
        self._differs = True

    def wants_store(self) -> bool:
        """Tell whether the store is to be read: asked for and rested, or long ago."""
        since = self.clock_s() - self._read_at
        return since > READ_EVERY_S or (self._asked and since > self._took_s * REST)

    def begin(self) -> None:
        """Begin a reading: what is heard from here on is newer than what it finds."""
        self._asked = False
        self._meanwhile = {}
        self._read_at = self.clock_s()

    def take(self, levels: dict[int, int], standing: Standing) -> None:
        """Take what the store holds, then what was heard while it was read."""
        self._took_s = self.clock_s() - self._read_at
        self._read_at = self.clock_s()
        self._levels, self._standing = levels, standing
        for asset, level in self._meanwhile.items():
            self._set(asset, level)
        self._differs = True
        if self.told is None:
            self.told = reading.combine(self._levels, self._standing)

    def changes(self) -> list[list[int]]:
        """Return [asset, condition] of what differs from what was told, which counts as told from here on."""
        if self.told is None or not self._differs:
            return []
        self._differs = False
        before, after = self.told, reading.combine(self._levels, self._standing)
        self.told = after
        gone = [[asset, 0] for asset in before if asset not in after]
        return gone + [[asset, condition] for asset, condition in after.items() if before.get(asset) != condition]

    def whole(self) -> list[list[int]]:
        """Return [asset, condition] of everything that is not normal."""
        return [[asset, condition] for asset, condition in (self.told or {}).items()]

    def _set(self, asset: int, level: int) -> None:
        if level:
            self._levels[asset] = level
        else:
            self._levels.pop(asset, None)

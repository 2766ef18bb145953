"""How many commands a source may be sent now: so many a second, none saved up while nothing was asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from beffroi.foundation.clock import SECOND, Instant


@dataclass(slots=True)
class Pace:
    """A bucket of one second: it fills at `per_s`, and never holds more than a second's commands, nor less than one."""

    per_s: float
    _held: float = 1.0
    _since: Instant = 0

    def room(self, at: Instant) -> int:
        """Return how many may leave now."""
        if self._since:
            self._held += max(0, at - self._since) / SECOND * self.per_s
        self._since = at
        self._held = min(self._held, max(1.0, self.per_s))
        return int(self._held)

    def spend(self, count: int) -> None:
        """Note that so many left."""
        self._held -= count

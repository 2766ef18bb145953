"""When each of many devices next reports: evenly spread, and never a flood."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from beffroi.foundation.clock import SECOND, Instant


class Rhythm:
    """Due times of `count` devices that report every `period_s`.

    Each reports once within `first_s` of the start, so that the post is not empty, then at its own place in the period,
    half a period to a period and a half later.
    """

    def __init__(self, count: int, period_s: float, start: Instant, first_s: float, *, at_most: int = 250) -> None:
        self._period = int(period_s * SECOND)
        self._at_most = at_most
        self._due: list[Instant | None] = [start + int(first_s * SECOND * i / max(count, 1)) for i in range(count)]
        self._queue: list[tuple[Instant, int]] = [(due, i) for i, due in enumerate(self._due) if due is not None]
        heapq.heapify(self._queue)
        self._settled_at = start + int(first_s * SECOND)
        self._places: Sequence[int] = [self._period * i // max(count, 1) for i in range(count)]
        self._new = [True] * count

    def due(self, now: Instant) -> list[int]:
        """Return the devices due by now, the earliest first, `at_most` at a time; the rest stay due.

        After a stall a device reports once, not once for each period it missed.
        """
        found: list[int] = []
        while self._queue and self._queue[0][0] <= now and len(found) < self._at_most:
            due, device = heapq.heappop(self._queue)
            if self._due[device] == due:
                found.append(device)
                self.hurry(device, self._after(device, due, now))
        return found

    def hurry(self, device: int, at: Instant) -> None:
        """Set when a device next reports, whether it was silent or due at another time."""
        self._due[device] = at
        heapq.heappush(self._queue, (at, device))

    def is_stopped(self, device: int) -> bool:
        """Tell whether a device reports no more."""
        return self._due[device] is None

    def stop(self, device: int) -> None:
        """Let a device report no more, until it is hurried."""
        self._due[device] = None

    def _after(self, device: int, due: Instant, now: Instant) -> Instant:
        """Return when a device that reports now is due again: at its own place in the period after its first report."""
        if self._new[device]:
            self._new[device] = False
            own = self._settled_at + self._places[device]
            due = own - self._period if own - now >= self._period // 2 else own
        return due + max(1, (now - due) // self._period + 1) * self._period

"""The director brings failures about and ends them: on request, by a scenario, and by the rhythm of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Conflict, Malformed, NotFound
from beffroi.rehearsal.equipment.model import Failing
from beffroi.rehearsal.scenario import Event, Scenario


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure under way. `ends_at` None: until somebody repairs it."""

    kind: str
    asset: str
    began_at: Instant
    ends_at: Instant | None


class Director:
    """Knows what may fail, what has failed, and what comes next. An asset has one failure at a time."""

    def __init__(self, failings: Sequence[Failing], scenario: Scenario, start: Instant, random: Random) -> None:
        self._failings = {failing.kind: failing for failing in failings if failing.codes}
        self._random = random
        self._open: dict[str, Failure] = {}
        self._coming: list[tuple[Instant, Event]] = []
        self.play(scenario, start)
        self._rhythm = scenario.rhythm
        self._next: Instant | None = None
        if self._rhythm is not None:
            self._next = start + int(self._rhythm.from_s * SECOND)

    def learn(self, failing: Failing) -> None:
        """Take up one more kind of failure."""
        if failing.codes:
            self._failings[failing.kind] = failing

    def failures(self) -> list[Failure]:
        """Return the failures under way, the oldest first."""
        return sorted(self._open.values(), key=lambda failure: (failure.began_at, failure.asset))

    def kinds(self) -> list[str]:
        """Return the kinds of failure that this city's equipment knows."""
        return sorted(self._failings)

    def play(self, scenario: Scenario, now: Instant) -> int:
        """Add a scenario's events to what comes, from now on; return how many failures they are. Its rhythm is left out."""
        events = [(now + int(each.at_s * SECOND), each) for event in scenario.events for each in event.each()]
        self._coming = sorted([*self._coming, *events], key=lambda coming: coming[0])
        return len(events)

    def trip_cabinet(self, code: str, now: Instant, lasts_s: float | None = None) -> Failure:
        """Trip a lighting cabinet; its lamps go dark. See `fail`."""
        return self.fail("cabinet_trip", code, now, lasts_s)

    def fail(self, kind: str, asset: str | None, now: Instant, lasts_s: float | None = None) -> Failure:
        """Make an asset fail, or one drawn at random among those that are well; for `lasts_s`, or until repaired.

        Raises Malformed for a kind that is not known, NotFound for an asset that cannot fail so, Conflict for one that
        has failed already, or when all have.
        """
        failing = self._failings.get(kind)
        if failing is None:
            raise Malformed(f"no failure is called {kind[:60]!r}; there are {', '.join(self.kinds())}")
        if asset is None:
            well = [code for code in failing.codes if code not in self._open]
            if not well:
                raise Conflict(f"every asset that could have {kind} has failed already")
            asset = self._random.choice(well)
        elif asset not in failing.codes:
            raise NotFound(f"{asset[:60]!r} is no asset that could have {kind}")
        elif asset in self._open:
            raise Conflict(f"{asset} has {self._open[asset].kind} already; repair it first")
        failing.fail(asset, now)
        ends_at = None if lasts_s is None else now + int(lasts_s * SECOND)
        self._open[asset] = Failure(kind, asset, now, ends_at)
        return self._open[asset]

    def repair(self, asset: str, now: Instant) -> Failure:
        """End an asset's failure. Raises NotFound when it has none."""
        failure = self._open.pop(asset, None)
        if failure is None:
            raise NotFound(f"{asset[:60]!r} has no failure to repair")
        self._failings[failure.kind].repair(asset, now)
        return failure

    def step(self, now: Instant) -> list[Failure]:
        """Repair what has lasted its time, begin what is due; return the failures that began."""
        for failure in self.failures():
            if failure.ends_at is not None and failure.ends_at <= now:
                self.repair(failure.asset, now)
        began = []
        while self._coming and self._coming[0][0] <= now:
            began += self._begin(self._coming.pop(0)[1], now)
        if self._rhythm is not None and self._next is not None and now >= self._next:
            self._next = now + int(self._random.uniform(*self._rhythm.every_s) * SECOND)
            kinds = [kind for kind in self._rhythm.kinds if kind in self._failings]
            kind = self._random.choices(kinds, [self._rhythm.kinds[kind].weight for kind in kinds])[0]
            lasts_s = self._random.uniform(*self._rhythm.kinds[kind].lasts_s)
            began += self._begin(Event(at_s=0, kind=kind, lasts_s=lasts_s), now)
        return began

    def _begin(self, event: Event, now: Instant) -> list[Failure]:
        """Begin a planned failure, unless the city has no such equipment or it has failed otherwise meanwhile."""
        try:
            failure = self.fail(event.kind, event.asset, now, event.lasts_s)
        except (Malformed, NotFound, Conflict):
            return []
        if event.times > 1:  # the same equipment again, a little later: it chatters
            again = event.model_copy(update={"asset": failure.asset, "times": event.times - 1})
            self._coming.append((now + int(event.every_s * SECOND), again))
            self._coming.sort(key=lambda coming: coming[0])
        return [failure]

"""Buses along their lines, more of them at the peaks; each tells its position every thirty seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from beffroi.foundation.clock import SECOND, Instant
from beffroi.rehearsal.daylight import local_hour
from beffroi.rehearsal.equipment.model import Failing
from beffroi.rehearsal.equipment.roads import Journey, Roads, Street, Whereabouts
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.rhythm import Rhythm

PERIOD_S, FIRST_S = 30, 10
PACE = 0.5
"""Share of the speed limit that a bus makes, its stops included."""
LAYOVER_S = (120.0, 480.0)
SERVICE = ((0.5, 0.2), (5.0, 0.06), (6.5, 0.4), (9.0, 0.8), (16.0, 0.55), (19.5, 0.8), (22.0, 0.35), (24.0, 0.2))
"""Share of the buses in service until each hour."""


def service_share(now: Instant) -> float:
    """Return the share of buses in service at this hour."""
    hour = local_hour(now)
    return next(share for until, share in SERVICE if hour < until)


class BusPosition(NamedTuple):
    """What a bus last told: its name in the feed, its line, and where it was when."""

    address: str
    label: str
    line: str
    observed_at: Instant
    where: Whereabouts


class Buses:
    """The bus network. It is asked for its positions; it does not send them."""

    def __init__(
        self, items: Sequence[Item], lines: Sequence[Mapping[str, Any]], roads: Roads, start: Instant, random: Random
    ) -> None:
        self.source = items[0].source
        self._items, self._random = items, random
        self._at = {item.code: place for place, item in enumerate(items)}
        self._ways: dict[str, tuple[list[Street], list[Street]]] = {
            line["line"]: (roads.chain(line["there"]), roads.chain(line["back"]))
            for line in lines
            if line["kind"] == "bus"
        }
        self._direction = [place % 2 for place in range(len(items))]
        self._rank = _ranks(items)
        self._journeys: list[Journey | None] = [None] * len(items)
        self._moved_at = [start] * len(items)
        self._layover_until = [start] * len(items)
        self._told: dict[int, BusPosition] = {}
        self._silent: set[int] = set()
        self._rhythm = Rhythm(len(items), PERIOD_S, start, FIRST_S)
        share = service_share(start)
        for place in range(len(items)):
            if self._rank[place] < share:
                journey = self._depart(place)
                journey.advance(random.uniform(0, 2400))
                self._journeys[place] = None if journey.ended else journey

    def positions(self, now: Instant) -> list[BusPosition]:
        """Return the last position told by each bus in service."""
        share = service_share(now)
        for place in self._rhythm.due(now):
            self._move(place, now, share)
        return [self._told[place] for place in sorted(self._told) if place not in self._silent]

    def failings(self) -> Sequence[Failing]:
        """A bus's radio falls silent: it leaves the feed."""
        return (Failing("bus_silent", list(self._at), self.silence, self.resume),)

    def silence(self, code: str, now: Instant) -> None:
        """Let a bus's radio fail."""
        self._silent.add(self._at[code])

    def resume(self, code: str, now: Instant) -> None:
        """Mend it."""
        self._silent.discard(self._at[code])

    def _depart(self, place: int) -> Journey:
        streets = self._ways[self._items[place].properties["line"]][self._direction[place]]
        return Journey(streets, self._random, PACE)

    def _move(self, place: int, now: Instant, share: float) -> None:
        """Drive a bus up to now; at a terminus it waits, then turns back or leaves the service."""
        seconds = (now - self._moved_at[place]) / SECOND
        self._moved_at[place] = now
        journey = self._journeys[place]
        if journey is None:
            if self._rank[place] >= share:
                self._told.pop(place, None)
                return
            if now < self._layover_until[place]:
                if place in self._told:
                    self._told[place] = self._told[place]._replace(observed_at=now)
                return
            journey = self._journeys[place] = self._depart(place)
            seconds = 0.0
        journey.advance(seconds)
        item = self._items[place]
        line = item.properties["line"]
        self._told[place] = BusPosition(item.address, item.name, line, now, journey.whereabouts())
        if journey.ended:
            self._journeys[place] = None
            self._direction[place] = 1 - self._direction[place]
            self._layover_until[place] = now + int(self._random.uniform(*LAYOVER_S) * SECOND)


def _ranks(items: Sequence[Item]) -> list[float]:
    """Return each bus's place on its line, 0 to 1: those under the hour's share are in service, on every line alike."""
    counts: dict[str, int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    for item in items:
        totals[item.properties["line"]] += 1
    ranks = []
    for item in items:
        line = item.properties["line"]
        ranks.append(counts[line] / totals[line])
        counts[line] += 1
    return ranks

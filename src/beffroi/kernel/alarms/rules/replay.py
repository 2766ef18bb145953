"""What a definition would have done over stored values: the watch itself, played over history day after day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import DAY, SECOND, Instant
from beffroi.kernel.alarms.rules.watch import Watch
from beffroi.kernel.alarms.types import Definition, Transition

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Values = tuple[Ints, Floats, Ints]
"""Assets, values, and when each was observed: columns of one length."""


@dataclass(slots=True)
class Replay:
    """One definition over the history of some equipment, handed over in the order of time, a stretch after the other."""

    definition: Definition
    assets: tuple[int, ...]
    periods_s: Mapping[int, float] = field(default_factory=dict)
    raised: list[tuple[int, Instant]] = field(default_factory=list)
    _watch: Watch = field(init=False)
    _heard: dict[int, Instant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._watch = Watch([self.definition], [(asset, self.definition.asset_class) for asset in self.assets])

    def take(self, values: Mapping[str, Values], until: Instant) -> None:
        """Play a stretch of values, quantity by quantity, and let time pass to its end."""
        if self.definition.silence_periods is not None:
            self._listen(values, until)
        else:
            self._look(values)
        self._note(self._watch.due(until))

    def _look(self, values: Mapping[str, Values]) -> None:
        """Play values wave by wave: in each, an asset says one instant, and what it says of it is taken together."""
        names = sorted(values)
        assets = np.concatenate([values[name][0] for name in names] or [np.empty(0, np.int64)])
        if not len(assets):
            return
        at = np.concatenate([values[name][2] for name in names])
        said = np.concatenate([values[name][1] for name in names])
        which = np.concatenate([np.full(len(values[name][0]), place) for place, name in enumerate(names)])
        order = np.lexsort((which, at, assets))
        assets, at, said, which = assets[order], at[order], said[order], which[order]
        wave = _waves(assets, at)
        by_wave = np.argsort(wave, kind="stable")
        for rows in np.split(by_wave, np.flatnonzero(np.diff(wave[by_wave])) + 1):
            for place, name in enumerate(names):
                mine = rows[which[rows] == place]
                if len(mine):
                    self._watch.observe(name, assets[mine], said[mine], at[mine])
            self._note(self._watch.due(0))  # judges what was said together; no clock but the values' own

    def _listen(self, values: Mapping[str, Values], until: Instant) -> None:
        """Find the silences between reports: each begins when the patience is over and ends with the next report."""
        told: dict[int, Ints] = {}
        for assets, _said, at in values.values():
            for asset in np.unique(assets).tolist():
                mine = at[assets == asset]
                told[asset] = np.union1d(told[asset], mine) if asset in told else np.unique(mine)
        moments: list[tuple[Instant, int, float]] = []
        for asset in self.assets:
            period_s = self.periods_s.get(asset, 0.0)
            patience = round((self.definition.silence_periods or 0) * period_s * SECOND)
            last = self._heard.get(asset)
            for at in [*told.get(asset, np.empty(0, np.int64)).tolist(), until]:
                if last is not None and patience and at - last > patience:
                    moments.append((last + patience, asset, self.definition.silence_periods or 0.0))
                if at != until:
                    moments.append((at, asset, 0.0))
                    last = at
            if last is not None:
                self._heard[asset] = last
        for moment, asset, missed in sorted(moments):
            self._watch.hear(np.array([asset], np.int64), np.array([missed]), moment)
            self._note(self._watch.due(moment))

    def _note(self, told: tuple[Transition, ...]) -> None:
        self.raised += [(each.asset_id, each.at) for each in told if each.kind == "raise"]

    def outcome(self, since: Instant, days: int) -> dict[str, Any]:
        """Return how many alarms, on each day from `since`, and the equipment that raised most."""
        by_day = Counter((at - since) // DAY for _, at in self.raised)
        top = Counter(asset for asset, _ in self.raised).most_common(5)
        return {"alarms": len(self.raised), "by_day": [by_day.get(day, 0) for day in range(days)], "top": top}


def _waves(assets: Ints, at: Ints) -> Ints:
    """Return for each row, sorted by asset and instant, the place of its instant among those of its asset."""
    new_asset = np.ones(len(assets), bool)
    new_asset[1:] = assets[1:] != assets[:-1]
    new_instant = new_asset.copy()
    new_instant[1:] |= at[1:] != at[:-1]
    instant = np.cumsum(new_instant) - 1
    first = np.maximum.accumulate(np.where(new_asset, instant, 0))
    return instant - first

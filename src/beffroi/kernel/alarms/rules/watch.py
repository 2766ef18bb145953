"""Watching values: when the condition of a definition begins and ceases on an asset, delays and dead band respected.

No I/O, no clock of its own, no thread: the engine hands over what it read, and asks what is due. A batch is compared as
arrays, definition by definition; only assets whose condition changes, or whose delay runs, are looked at one by one.
Each asset of a definition is normal, pending (abnormal, on-delay running), active, or returning (normal again, off-delay
running). Memory: one byte per definition and asset of its class, and an entry for those that are not normal.

A delay ends by the clock (`due`) or by a reading observed after its end, whichever is told first: the result is the same.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.alarms.types import Definition, Transition

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Compare = Callable[[Any, float], Any]

NORMAL, PENDING, ACTIVE, RETURNING = 0, 1, 2, 3
SILENCE = "silence"
"""Stands for the quantity of definitions on the absence of reports: periods missed."""

_COMPARE: Mapping[str, Compare] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class _Entry:
    """What is remembered of a condition that is not normal. `raised_at` is meaningful once active."""

    __slots__ = ("raised_at", "since", "state", "value")

    def __init__(self, state: int, since: Instant, value: float, raised_at: Instant = 0) -> None:
        self.state = state
        self.since = since
        self.value = value
        self.raised_at = raised_at


class _Class:
    """The assets of one class, as a sorted array to find places in."""

    def __init__(self, ids: Ints) -> None:
        self.ids = ids

    def places(self, asset_ids: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the place of each asset and whether it is of this class (else the place means nothing)."""
        if not len(self.ids):
            return np.zeros(len(asset_ids), np.int64), np.zeros(len(asset_ids), bool)
        places = np.searchsorted(self.ids, asset_ids)
        np.minimum(places, len(self.ids) - 1, out=places)
        return places, self.ids[places] == asset_ids


class _Rule:
    """One definition over the assets of its class."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.code = definition.code
        self.on_delay = round(definition.on_delay_s * SECOND)
        self.off_delay = round(definition.off_delay_s * SECOND)
        silent = definition.silence_periods is not None
        self.quantity = SILENCE if silent else str(definition.quantity)
        self.compare = _COMPARE[">=" if silent else str(definition.operator)]
        self.threshold = float((definition.silence_periods if silent else definition.threshold) or 0)
        self.stay_threshold = self.threshold + definition.dead_band * _away(definition.operator)
        self.entries: dict[int, _Entry] = {}
        self.members = _Class(np.empty(0, np.int64))
        self.status: NDArray[np.int8] = np.empty(0, np.int8)

    def place(self, members: _Class) -> list[tuple[int, _Entry]]:
        """Take the assets of the class; return the entries of those that are no longer of it."""
        self.members, self.status = members, np.zeros(len(members.ids), np.int8)
        known = np.fromiter(self.entries, np.int64, len(self.entries))
        places, ours = members.places(known)
        gone = [(int(asset), self.entries.pop(int(asset))) for asset in known[~ours]]
        self.status[places[ours]] = [self.entries[int(asset)].state for asset in known[ours]]
        return gone

    def touched(self, places: Ints, values: Floats) -> Ints:
        """Return which of the values begin or end a condition, or come while a delay runs."""
        on = self.compare(values, self.threshold)
        if not self.entries:
            return np.flatnonzero(on)
        stay = on if self.stay_threshold == self.threshold else self.compare(values, self.stay_threshold)
        status = self.status[places]
        idle = np.where(status == ACTIVE, stay, ~on & (status == NORMAL))
        return np.flatnonzero(~idle)

    def keep(self, asset: int, entry: _Entry, state: int, since: Instant) -> None:
        """Put an asset in a state that is not normal."""
        entry.state, entry.since = state, since
        self.entries[asset] = entry
        self._note(asset, state)

    def drop(self, asset: int) -> None:
        """Put an asset back to normal."""
        del self.entries[asset]
        self._note(asset, NORMAL)

    def _note(self, asset: int, state: int) -> None:
        place = int(np.searchsorted(self.members.ids, asset))
        if place < len(self.members.ids) and self.members.ids[place] == asset:
            self.status[place] = state


def _away(stated: str | None) -> int:
    """Return on which side of the threshold the dead band lies: below for `>`, above for `<`."""
    return {">": -1, ">=": -1, "<": 1, "<=": 1}.get(stated or "", 0)


class Watch:
    """Evaluates definitions over an inventory; tells transitions once, in the order of their instants."""

    def __init__(self, definitions: Iterable[Definition], assets: Iterable[tuple[int, str]]) -> None:
        self._rules = {definition.code: _Rule(definition) for definition in definitions}
        self._by_quantity: dict[str, list[_Rule]] = {}
        for rule in self._rules.values():
            self._by_quantity.setdefault(rule.quantity, []).append(rule)
        self._timers: list[tuple[Instant, str, int, int, Instant]] = []
        self._told: list[Transition] = []
        self._gone: list[tuple[str, int, _Entry]] = []
        self.set_assets(assets)

    @property
    def quantities(self) -> frozenset[str]:
        """The quantities that some definition looks at: others need not be handed over."""
        return frozenset(self._by_quantity) - {SILENCE}

    def set_assets(self, assets: Iterable[tuple[int, str]]) -> None:
        """Take the inventory: (asset id, class). An active condition on an asset that left it is told as returned."""
        by_class: dict[str, list[int]] = {}
        for asset, asset_class in assets:
            by_class.setdefault(asset_class, []).append(asset)
        members = {name: _Class(np.unique(np.array(ids, np.int64))) for name, ids in by_class.items()}
        nobody = _Class(np.empty(0, np.int64))
        for rule in self._rules.values():
            gone = rule.place(members.get(rule.definition.asset_class, nobody))
            self._gone += [(rule.code, asset, entry) for asset, entry in gone if entry.state in (ACTIVE, RETURNING)]

    def observe(self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints) -> None:
        """Take the last values of a quantity: each asset once, the value that is now its state.

        Values that are not finite say nothing. A value older than the one that set an asset's condition changes nothing.
        """
        if quantity != SILENCE:
            self._compare(quantity, asset_ids, values, observed_at)

    def hear(
        self, asset_ids: Ints, missed_periods: Floats, now: Instant, *, heard: NDArray[np.bool_] | None = None
    ) -> None:
        """Take how many of its periods each asset has let pass, for definitions of silence.

        NaN where it cannot be judged (never heard): nothing changes then. `heard` tells which assets reported since this
        process began to listen: the others may fall silent, but their alarms do not return (they said nothing). An
        asset that is heard again must be handed over too, else its alarm stays.
        """
        at = np.full(len(asset_ids), now, np.int64)
        if heard is None:
            self._compare(SILENCE, asset_ids, missed_periods, at)
            return
        self._compare(SILENCE, asset_ids[heard], missed_periods[heard], at[heard])
        patience = max((rule.threshold for rule in self._by_quantity.get(SILENCE, ())), default=0.0)
        quiet = ~heard & (missed_periods >= patience)
        self._compare(SILENCE, asset_ids[quiet], missed_periods[quiet], at[quiet])

    def due(self, now: Instant) -> tuple[Transition, ...]:
        """Return the transitions since the last call, those whose delay has ended by `now` included, oldest first."""
        while self._timers and self._timers[0][0] <= now:
            _, code, asset, state, since = heapq.heappop(self._timers)
            rule = self._rules[code]
            entry = rule.entries.get(asset)
            if entry is not None and (entry.state, entry.since) == (state, since):
                self._settle(rule, asset, entry, now)
        for code, asset, entry in self._gone:
            self._told.append(Transition("return", code, asset, entry.value, max(now, entry.raised_at)))
        told = sorted(self._told, key=lambda transition: transition.at)
        self._told, self._gone = [], []
        return tuple(told)

    def restore(
        self,
        current_values: Mapping[str, Sequence[tuple[int, float, Instant]]],
        open_alarms: Iterable[tuple[str, int, Instant]],
    ) -> None:
        """Begin again from what is stored: after a start, or after a transaction that was given up.

        `current_values` holds (asset, value, observed at) by quantity; `open_alarms` holds (code, asset, raised at) of
        the alarms whose condition stands as far as the store knows. What stands is not raised again; what ceased
        meanwhile, or is no longer defined, is returned; a delay that was running starts again at the last value.
        """
        self._timers, self._told, self._gone = [], [], []
        for rule in self._rules.values():
            rule.entries.clear()
            rule.status[:] = NORMAL
        for code, asset, raised_at in open_alarms:
            entry = _Entry(ACTIVE, 0, 0.0, raised_at)
            if code not in self._rules:
                self._gone.append((code, asset, entry))
            elif self._is_ours(self._rules[code], asset):
                self._rules[code].keep(asset, entry, ACTIVE, 0)
        for quantity, rows in current_values.items():
            columns = list(zip(*rows, strict=True)) or [(), (), ()]
            self.observe(
                quantity,
                np.array(columns[0], np.int64),
                np.array(columns[1], np.float64),
                np.array(columns[2], np.int64),
            )

    @staticmethod
    def _is_ours(rule: _Rule, asset: int) -> bool:
        return bool(rule.members.places(np.array([asset], np.int64))[1][0])

    def _compare(self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints) -> None:
        if not len(asset_ids):
            return
        found: dict[int, tuple[Ints, Ints]] = {}
        finite = np.isfinite(values)
        for rule in self._by_quantity.get(quantity, ()):
            if id(rule.members) not in found:
                places, ours = rule.members.places(asset_ids)
                rows = np.flatnonzero(ours & finite)
                found[id(rule.members)] = (rows, places[rows])
            rows, places = found[id(rule.members)]
            if len(rows):
                for row in rows[rule.touched(places, values[rows])].tolist():
                    self._read(rule, int(asset_ids[row]), float(values[row]), int(observed_at[row]))

    def _read(self, rule: _Rule, asset: int, value: float, at: Instant) -> None:
        """Let one value act on one asset's condition."""
        entry = rule.entries.get(asset)
        if entry is not None:
            if at < entry.since:
                return
            self._settle(rule, asset, entry, at)
            entry = rule.entries.get(asset)
        on = bool(rule.compare(value, rule.threshold))
        if entry is None:
            if on:
                self._begin(rule, asset, _Entry(PENDING, at, value), PENDING, at)
        elif entry.state == PENDING:
            entry.value = value
            if not on:
                rule.drop(asset)
        else:
            self._read_standing(rule, asset, entry, value, at)

    def _read_standing(self, rule: _Rule, asset: int, entry: _Entry, value: float, at: Instant) -> None:
        entry.value = value
        stay = bool(rule.compare(value, rule.stay_threshold))
        if entry.state == ACTIVE and not stay:
            self._begin(rule, asset, entry, RETURNING, at)
        elif entry.state == RETURNING and stay:
            rule.keep(asset, entry, ACTIVE, at)

    def _begin(self, rule: _Rule, asset: int, entry: _Entry, state: int, at: Instant) -> None:
        """Start a delay; without one, it ends at once."""
        rule.keep(asset, entry, state, at)
        delay = rule.on_delay if state == PENDING else rule.off_delay
        if delay:
            heapq.heappush(self._timers, (at + delay, rule.code, asset, state, at))
        else:
            self._settle(rule, asset, entry, at)

    def _settle(self, rule: _Rule, asset: int, entry: _Entry, by: Instant) -> None:
        """Raise or return when the running delay has ended by an instant."""
        if entry.state == PENDING and entry.since + rule.on_delay <= by:
            entry.raised_at = entry.since + rule.on_delay
            rule.keep(asset, entry, ACTIVE, entry.since)
            self._told.append(Transition("raise", rule.code, asset, entry.value, entry.raised_at))
        elif entry.state == RETURNING and entry.since + rule.off_delay <= by:
            rule.drop(asset)
            at = max(entry.since + rule.off_delay, entry.raised_at)
            self._told.append(Transition("return", rule.code, asset, entry.value, at))

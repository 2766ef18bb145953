"""Watching values: when the condition of a definition begins and ceases on an asset, delays and dead band respected.

No I/O, no clock of its own, no thread: the engine hands over what it read, and asks what is due. A batch is compared as
arrays, definition by definition; only assets whose condition changes, or whose delay runs, are looked at one by one.
Each asset of a definition is normal, pending (abnormal, on-delay running), active, or returning (normal again, off-delay
running). Memory: one byte per definition and asset of its class, and an entry for those that are not normal.

A delay ends by the clock (`due`) or by a reading observed after its end, whichever is told first: the result is the same.

A rule of several quantities (`compound`) is judged on the last values of what it reads, once for all that a batch says,
when `due` is asked: two values of one report are never seen apart.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.alarms.rules.compound import Column, Condition, condition_of
from beffroi.kernel.alarms.rules.conditions import comparisons_of, condition_key, quantities_of, stay_threshold
from beffroi.kernel.alarms.types import Definition, Transition
from beffroi.kernel.twin.types import SOURCE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
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

    def __init__(self, state: int, since: Instant, value: float | None, raised_at: Instant = 0) -> None:
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
    """One definition over the assets of its class: what every kind of rule remembers."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.code = definition.code
        self.key = condition_key(definition)
        self.on_delay = round(definition.on_delay_s * SECOND)
        self.off_delay = round(definition.off_delay_s * SECOND)
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

    def touched(self, places: Ints, on: Bools, stay: Bools) -> Ints:
        """Return which of what was judged begins or ends a condition, or comes while a delay runs."""
        if not self.entries:
            return np.flatnonzero(on)
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


class _Threshold(_Rule):
    """One comparison, or a silence: judged on the values as they come, without remembering them."""

    def __init__(self, definition: Definition) -> None:
        super().__init__(definition)
        if definition.silence_periods is not None:
            self.quantity, self.compare = SILENCE, _COMPARE[">="]
            self.threshold = self.stay_threshold = float(definition.silence_periods)
        else:
            (compared,) = comparisons_of(definition)
            self.quantity, self.compare = compared.quantity, _COMPARE[compared.operator]
            self.threshold, self.stay_threshold = compared.threshold, stay_threshold(compared)

    def judge(self, values: Floats) -> tuple[Bools, Bools]:
        """Tell of each value whether it begins the condition, and whether it keeps it."""
        on = self.compare(values, self.threshold)
        return on, on if self.stay_threshold == self.threshold else self.compare(values, self.stay_threshold)


class _Compound(_Rule):
    """Several comparisons, or an expression: judged on the last values of the assets that a batch touched."""

    def __init__(self, definition: Definition, condition: Condition) -> None:
        super().__init__(definition)
        self.condition = condition
        self.quantities = quantities_of(definition)
        self.columns: tuple[Column, ...] = ()
        self.waiting: list[Ints] = []

    def judge(self) -> tuple[Ints, Bools, Bools] | None:
        """Return the places that were touched and that can be judged, with what begins and what keeps the condition."""
        if not self.waiting:
            return None
        places = np.unique(np.concatenate(self.waiting))
        self.waiting = []
        on, stay, known = self.condition(places, self.columns)
        sure = np.flatnonzero(known)
        return (places[sure], on[sure], stay[sure]) if len(sure) else None

    def shown(self, place: int) -> float | None:
        """Return the value that is shown with the alarm; None when that quantity has not been heard."""
        value = float(self.columns[0].values[place])
        return value if np.isfinite(value) else None

    def at(self, place: int) -> Instant:
        """Return since when the last values stand as they are: the latest of their instants."""
        return max(int(column.observed_at[place]) for column in self.columns)


class Watch:
    """Evaluates definitions over an inventory; tells transitions once, in the order of their instants."""

    def __init__(
        self, definitions: Iterable[Definition], assets: Iterable[tuple[int, str]], *, by_cel: bool = False
    ) -> None:
        """Take definitions and inventory. `by_cel` judges every rule on quantities by its CEL: slow, to compare with."""
        definitions = list(definitions)
        self._collective = frozenset(
            definition.code
            for definition in definitions
            if definition.silence_periods is not None
            and any(explanation.startswith(f"{SOURCE}:") for explanation in definition.suppressed_by)
        )
        self._rules: dict[str, _Rule] = {}
        self._by_quantity: dict[str, list[_Threshold]] = {}
        self._compounds: list[_Compound] = []
        for definition in definitions:
            condition = condition_of(definition, by_cel=by_cel)
            if condition is None:
                threshold = _Threshold(definition)
                self._by_quantity.setdefault(threshold.quantity, []).append(threshold)
                self._rules[definition.code] = threshold
            else:
                compound = _Compound(definition, condition)
                self._compounds.append(compound)
                self._rules[definition.code] = compound
        self._members: dict[str, _Class] = {}
        self._columns: dict[tuple[str, str], Column] = {}
        self._timers: list[tuple[Instant, str, int, int, Instant]] = []
        self._told: list[Transition] = []
        self._gone: list[tuple[str, int, _Entry]] = []
        self.set_assets(assets)

    @property
    def quantities(self) -> frozenset[str]:
        """The quantities that some definition looks at: others need not be handed over."""
        compound = (quantity for rule in self._compounds for quantity in rule.quantities)
        return frozenset([*self._by_quantity, *compound]) - {SILENCE}

    @property
    def collective(self) -> frozenset[str]:
        """The definitions of silence that the silence of their source may explain: thousands come at once, and can wait."""
        return self._collective

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
        self._place_columns(members, nobody)

    def _place_columns(self, members: Mapping[str, _Class], nobody: _Class) -> None:
        """Give each quantity that a compound rule reads its column of last values, over the assets as they are now."""
        before, self._columns = self._columns, {}
        for rule in self._compounds:
            name = rule.definition.asset_class
            for quantity in rule.quantities:
                key = (name, quantity)
                if key not in self._columns:
                    ids = members.get(name, nobody).ids
                    self._columns[key] = Column(ids, before.get(key))
            rule.columns = tuple(self._columns[name, quantity] for quantity in rule.quantities)
            rule.waiting = []

    def observe(self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints) -> None:
        """Take the last values of a quantity: each asset once, the value that is now its state.

        Values that are not finite say nothing. A value older than the one that set an asset's condition changes nothing.
        """
        if quantity == SILENCE:
            return
        self._compare(quantity, asset_ids, values, observed_at)
        for (_, name), column in self._columns.items():
            if name == quantity:
                self._remember(quantity, column, asset_ids, values, observed_at)

    def _remember(self, quantity: str, column: Column, asset_ids: Ints, values: Floats, observed_at: Ints) -> None:
        places = column.take(asset_ids, values, observed_at)
        if len(places):
            for rule in self._compounds:
                if column in rule.columns:
                    rule.waiting.append(places)

    def _judge_compounds(self) -> None:
        for rule in self._compounds:
            if (judged := rule.judge()) is not None:
                places, on, stay = judged
                for row in rule.touched(places, on, stay).tolist():
                    place = int(places[row])
                    asset = int(rule.members.ids[place])
                    self._read(rule, asset, rule.shown(place), rule.at(place), bool(on[row]), bool(stay[row]))

    def hear(
        self, asset_ids: Ints, missed_periods: Floats, now: Instant, *, heard: NDArray[np.bool_] | None = None
    ) -> None:
        """Take how many of its periods each asset has let pass, for definitions of silence.

        NaN where it cannot be judged (never heard): nothing changes then. `heard` tells which assets reported since this
        process began to listen: the others may fall silent, but their alarms do not return (they said nothing). An
        asset that is heard again must be handed over too, else its alarm stays.
        """
        at = np.full(len(asset_ids), now, np.int64)
        self._compare(SILENCE, asset_ids, missed_periods, at, can_return=heard)

    def due(self, now: Instant) -> tuple[Transition, ...]:
        """Return the transitions since the last call, those whose delay has ended by `now` included, oldest first."""
        self._judge_compounds()
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
        for column in self._columns.values():
            column.forget()
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
        self._judge_compounds()

    def keep_delays(self, before: Watch) -> None:
        """Go on with the delays that ran in another watch, where the condition is the same and still stands as it did.

        Called after `restore`, when definitions or inventory changed: the last values say that a condition holds, only
        the watch before knows since when. A delay that was itself changed counts from the same beginning.
        """
        for rule in self._rules.values():
            known = before._rules.get(rule.code)
            if known is None or known.key != rule.key:
                continue
            for asset, was in known.entries.items():
                entry = rule.entries.get(asset)
                silent = was.state == PENDING and entry is None and rule.definition.silence_periods is not None
                same = entry is not None and entry.state == was.state and was.since < entry.since
                if was.state in (PENDING, RETURNING) and (same or silent) and self._is_ours(rule, asset):
                    raised_at = entry.raised_at if entry else 0
                    self._begin(rule, asset, _Entry(was.state, was.since, was.value, raised_at), was.state, was.since)

    @staticmethod
    def _is_ours(rule: _Rule, asset: int) -> bool:
        return bool(rule.members.places(np.array([asset], np.int64))[1][0])

    def _compare(
        self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints, *, can_return: Bools | None = None
    ) -> None:
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
                on, stay = rule.judge(values[rows])
                found_here = rule.touched(places, on, stay)
                if can_return is not None:
                    found_here = found_here[on[found_here] | can_return[rows[found_here]]]
                for touched in found_here.tolist():
                    row = rows[touched]
                    asset, value, at = int(asset_ids[row]), float(values[row]), int(observed_at[row])
                    self._read(rule, asset, value, at, bool(on[touched]), bool(stay[touched]))

    def _read(self, rule: _Rule, asset: int, value: float | None, at: Instant, on: bool, stay: bool) -> None:
        """Let what was judged of one asset act on its condition."""
        entry = rule.entries.get(asset)
        if entry is not None:
            if at < entry.since:
                return
            self._settle(rule, asset, entry, at)
            entry = rule.entries.get(asset)
        if entry is None:
            if on:
                self._begin(rule, asset, _Entry(PENDING, at, value), PENDING, at)
        elif entry.state == PENDING:
            entry.value = value
            if not on:
                rule.drop(asset)
        else:
            self._read_standing(rule, asset, entry, value, at, stay)

    def _read_standing(
        self, rule: _Rule, asset: int, entry: _Entry, value: float | None, at: Instant, stay: bool
    ) -> None:
        entry.value = value
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

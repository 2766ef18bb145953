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
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms.rules.compound import Column, condition_of
from beffroi.kernel.alarms.rules.watched import (
    ACTIVE,
    NORMAL,
    PENDING,
    RETURNING,
    SILENCE,
    Bools,
    Compound,
    Entry,
    Floats,
    Ints,
    Looker,
    Members,
    Rule,
    Threshold,
)
from beffroi.kernel.alarms.types import Definition, Transition
from beffroi.kernel.twin.types import SOURCE


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
        self._rules: dict[str, Rule] = {}
        self._by_quantity: dict[str, list[Threshold]] = {}
        self._compounds: list[Compound] = []
        for definition in definitions:
            condition = condition_of(definition, by_cel=by_cel)
            if condition is None:
                threshold = Threshold(definition)
                self._by_quantity.setdefault(threshold.quantity, []).append(threshold)
                self._rules[definition.code] = threshold
            else:
                compound = Compound(definition, condition)
                self._compounds.append(compound)
                self._rules[definition.code] = compound
        self._columns: dict[tuple[str, str], Column] = {}
        self._looking: dict[str, list[Looker]] = {}
        self._timers: list[tuple[Instant, str, int, int, Instant]] = []
        self._told: list[Transition] = []
        self._gone: list[tuple[str, int, Entry]] = []
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
        members = {name: Members(np.unique(np.array(ids, np.int64))) for name, ids in by_class.items()}
        nobody = Members(np.empty(0, np.int64))
        for rule in self._rules.values():
            gone = rule.place(members.get(rule.definition.asset_class, nobody))
            self._gone += [(rule.code, asset, entry) for asset, entry in gone if entry.state in (ACTIVE, RETURNING)]
        self._place_columns(members, nobody)

    def _place_columns(self, members: Mapping[str, Members], nobody: Members) -> None:
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
        self._looking = {
            quantity: self._lookers(quantity, members) for quantity in {*self._by_quantity, *self.quantities}
        }

    def _lookers(self, quantity: str, members: Mapping[str, Members]) -> list[Looker]:
        """Return, for each class, who looks at a quantity: an asset's place is found once for all of them."""
        found = []
        for name, ours in members.items():
            rules = [rule for rule in self._by_quantity.get(quantity, ()) if rule.definition.asset_class == name]
            column = self._columns.get((name, quantity))
            if rules or column is not None:
                readers = [rule for rule in self._compounds if column is not None and column in rule.columns]
                found.append(Looker(ours, rules, column, readers))
        return found

    def observe(self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints) -> None:
        """Take the last values of a quantity: each asset once, the value that is now its state.

        Values that are not finite say nothing. A value older than the one that set an asset's condition changes nothing.
        """
        if quantity != SILENCE:
            self._compare(quantity, asset_ids, values, observed_at)

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
            entry = Entry(ACTIVE, 0, 0.0, raised_at)
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
                    self._begin(rule, asset, Entry(was.state, was.since, was.value, raised_at), was.state, was.since)

    @staticmethod
    def _is_ours(rule: Rule, asset: int) -> bool:
        return bool(rule.members.places(np.array([asset], np.int64))[1][0])

    def _compare(
        self, quantity: str, asset_ids: Ints, values: Floats, observed_at: Ints, *, can_return: Bools | None = None
    ) -> None:
        if not len(asset_ids):
            return
        finite = np.isfinite(values)
        everything = bool(finite.all())
        for looker in self._looking.get(quantity, ()):
            places, ours = looker.members.places(asset_ids)
            rows = np.flatnonzero(ours if everything else ours & finite)
            if not len(rows):
                continue
            whole = len(rows) == len(asset_ids)
            places, seen = (places, values) if whole else (places[rows], values[rows])
            for rule in looker.rules:
                on, stay = rule.judge(seen)
                touched = rule.touched(places, on, stay)
                if can_return is not None:
                    touched = touched[on[touched] | can_return[rows[touched]]]
                for place in touched.tolist():
                    row = rows[place]
                    asset, value, at = int(asset_ids[row]), float(values[row]), int(observed_at[row])
                    self._read(rule, asset, value, at, bool(on[place]), bool(stay[place]))
            if looker.column is not None:
                changed = looker.column.take(places, seen, observed_at if whole else observed_at[rows])
                for reader in looker.readers:
                    reader.wait_for(places, changed)

    def _read(self, rule: Rule, asset: int, value: float | None, at: Instant, on: bool, stay: bool) -> None:
        """Let what was judged of one asset act on its condition."""
        entry = rule.entries.get(asset)
        if entry is not None:
            if at < entry.since:
                return
            self._settle(rule, asset, entry, at)
            entry = rule.entries.get(asset)
        if entry is None:
            if on:
                self._begin(rule, asset, Entry(PENDING, at, value), PENDING, at)
        elif entry.state == PENDING:
            entry.value = value
            if not on:
                rule.drop(asset)
        else:
            self._read_standing(rule, asset, entry, value, at, stay)

    def _read_standing(
        self, rule: Rule, asset: int, entry: Entry, value: float | None, at: Instant, stay: bool
    ) -> None:
        entry.value = value
        if entry.state == ACTIVE and not stay:
            self._begin(rule, asset, entry, RETURNING, at)
        elif entry.state == RETURNING and stay:
            rule.keep(asset, entry, ACTIVE, at)

    def _begin(self, rule: Rule, asset: int, entry: Entry, state: int, at: Instant) -> None:
        """Start a delay; without one, it ends at once."""
        rule.keep(asset, entry, state, at)
        delay = rule.on_delay if state == PENDING else rule.off_delay
        if delay:
            heapq.heappush(self._timers, (at + delay, rule.code, asset, state, at))
        else:
            self._settle(rule, asset, entry, at)

    def _settle(self, rule: Rule, asset: int, entry: Entry, by: Instant) -> None:
        """Raise or return when the running delay has ended by an instant."""
        if entry.state == PENDING and entry.since + rule.on_delay <= by:
            entry.raised_at = entry.since + rule.on_delay
            rule.keep(asset, entry, ACTIVE, entry.since)
            self._told.append(Transition("raise", rule.code, asset, entry.value, entry.raised_at))
        elif entry.state == RETURNING and entry.since + rule.off_delay <= by:
            rule.drop(asset)
            at = max(entry.since + rule.off_delay, entry.raised_at)
            self._told.append(Transition("return", rule.code, asset, entry.value, at))

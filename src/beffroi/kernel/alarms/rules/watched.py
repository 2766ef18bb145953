"""What a watch remembers of each definition: which assets are of its class, and which conditions are not normal there.

A rule tells of what was judged which assets must be looked at one by one; all others are left as they are, as arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.alarms.rules.compound import Column, Condition
from beffroi.kernel.alarms.rules.conditions import comparisons_of, condition_key, quantities_of, stay_threshold
from beffroi.kernel.alarms.types import Definition

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


class Entry:
    """What is remembered of a condition that is not normal. `raised_at` is meaningful once active."""

    __slots__ = ("raised_at", "since", "state", "value")

    def __init__(self, state: int, since: Instant, value: float | None, raised_at: Instant = 0) -> None:
        self.state = state
        self.since = since
        self.value = value
        self.raised_at = raised_at


class Members:
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


class Rule:
    """One definition over the assets of its class: what every kind of rule remembers."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.code = definition.code
        self.key = condition_key(definition)
        self.on_delay = round(definition.on_delay_s * SECOND)
        self.off_delay = round(definition.off_delay_s * SECOND)
        self.entries: dict[int, Entry] = {}
        self.members = Members(np.empty(0, np.int64))
        self.status: NDArray[np.int8] = np.empty(0, np.int8)

    def place(self, members: Members) -> list[tuple[int, Entry]]:
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

    def keep(self, asset: int, entry: Entry, state: int, since: Instant) -> None:
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


class Threshold(Rule):
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


class Compound(Rule):
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
        places = self.waiting[0] if len(self.waiting) == 1 else np.unique(np.concatenate(self.waiting))
        self.waiting = []
        on, stay, known = self.condition(places, self.columns)
        sure = np.flatnonzero(known)
        return (places[sure], on[sure], stay[sure]) if len(sure) else None

    def wait_for(self, places: Ints, changed: Bools) -> None:
        """Have places judged whose value changed, or where a delay runs: an asset comes once. All others are as they were."""
        if self.entries:
            changed = changed | (self.status[places] != NORMAL)
        if changed.any():
            self.waiting.append(places[changed])

    def shown(self, place: int) -> float | None:
        """Return the value that is shown with the alarm; None when that quantity has not been heard."""
        value = float(self.columns[0].values[place])
        return value if np.isfinite(value) else None

    def at(self, place: int) -> Instant:
        """Return since when the last values stand as they are: the latest of their instants."""
        return max(int(column.observed_at[place]) for column in self.columns)


class Looker(NamedTuple):
    """Who looks at one quantity of one class: rules on it alone, and the column that rules of several quantities read."""

    members: Members
    rules: list[Threshold]
    column: Column | None
    readers: list[Compound]

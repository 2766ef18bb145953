"""Rules of several quantities: the last values of each, and whether a condition on them holds, asset by asset.

What has not been heard is unknown, and unknown is neither true nor false: `all` is false as soon as one comparison is,
`any` is true as soon as one is, and otherwise an unknown one leaves the condition as it was. CEL's `&&` and `||` say the
same; a property test compares both.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.kernel.alarms.rules import cel
from beffroi.kernel.alarms.rules.conditions import begins, comparisons_of, quantities_of, stay_threshold, stays
from beffroi.kernel.alarms.types import Comparison, Definition

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Column:
    """The last value of one quantity for each asset of a class, NaN where none was heard, and when it was observed."""

    def __init__(self, ids: Ints, before: Column | None = None) -> None:
        self.ids = ids
        self.values: Floats = np.full(len(ids), np.nan)
        self.observed_at: Ints = np.zeros(len(ids), np.int64)
        if before is not None and len(ids):
            known = np.flatnonzero(np.isfinite(before.values))
            places = np.minimum(np.searchsorted(ids, before.ids[known]), len(ids) - 1)
            ours = ids[places] == before.ids[known]
            self.take(places[ours], before.values[known[ours]], before.observed_at[known[ours]])

    def take(self, places: Ints, values: Floats, observed_at: Ints) -> Bools:
        """Remember finite values that are no older than what is known, each place once; tell which are other values."""
        newer = observed_at >= self.observed_at[places]
        changed: Bools = newer & (self.values[places] != values)
        if newer.all():
            self.values[places], self.observed_at[places] = values, observed_at
        else:
            self.values[places[newer]], self.observed_at[places[newer]] = values[newer], observed_at[newer]
        return changed

    def forget(self) -> None:
        """Know nothing any more."""
        self.values[:], self.observed_at[:] = np.nan, 0


Condition = Callable[[Ints, Sequence[Column]], tuple[Bools, Bools, Bools]]
"""(places, columns) -> what begins the condition there, what keeps it, and where that is known at all."""


def condition_of(definition: Definition, *, by_cel: bool = False) -> Condition | None:
    """Return how a rule of several quantities is judged; None for one that needs no last values."""
    if definition.silence_periods is not None:
        return None
    if definition.expression or by_cel:
        return _ByCel(definition)
    comparisons = comparisons_of(definition)
    return _ByColumns(definition) if len(comparisons) > 1 or definition.comparisons else None


class _ByColumns:
    """Comparisons joined by `all` or `any`, over whole columns."""

    def __init__(self, definition: Definition) -> None:
        order = quantities_of(definition)
        self.every = definition.join == "all"
        self.parts = [(order.index(each.quantity), each) for each in comparisons_of(definition)]
        self.banded = any(each.dead_band for _, each in self.parts)

    def __call__(self, places: Ints, columns: Sequence[Column]) -> tuple[Bools, Bools, Bools]:
        values = [column.values[places] for column in columns]
        on, known = self._join(values, lambda each: each.threshold)
        if not self.banded:
            return on, on, known
        stay, stay_known = self._join(values, stay_threshold)
        return on, stay, known & stay_known

    def _join(self, values: Sequence[Floats], limit: Callable[[Comparison], float]) -> tuple[Bools, Bools]:
        every = self.every
        result = np.full(len(values[0]), every)
        unknown = np.zeros(len(values[0]), bool)
        decided = np.zeros(len(values[0]), bool)
        for place, each in self.parts:
            column = values[place]
            heard = np.isfinite(column)
            holds = _COMPARE[each.operator](column, limit(each))
            decided |= heard & (holds != every)
            unknown |= ~heard
        result[decided] = not every
        return result, decided | ~unknown


class _ByCel:
    """A CEL program, asset by asset: what no comparison of columns can say."""

    def __init__(self, definition: Definition) -> None:
        self.quantities = quantities_of(definition)
        self.begins = cel.Program(begins(definition))
        self.stays = cel.Program(stays(definition)) if stays(definition) != begins(definition) else self.begins

    def __call__(self, places: Ints, columns: Sequence[Column]) -> tuple[Bools, Bools, Bools]:
        on, stay, known = (np.zeros(len(places), bool) for _ in range(3))
        read = [column.values[places].tolist() for column in columns]
        for row, values in enumerate(zip(*read, strict=True)):
            seen = cel.values_for(dict(zip(self.quantities, values, strict=True)))
            begun = self.begins.holds(seen)
            kept = begun if self.stays is self.begins else self.stays.holds(seen)
            if begun is not None and kept is not None:
                on[row], stay[row], known[row] = begun, kept, True
        return on, stay, known

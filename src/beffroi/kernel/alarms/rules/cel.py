"""The one place that knows the package of CEL (Common Expression Language): text to a program, a program on values.

A program sees only the values it is given: no clock, no function of ours, no side effect. What may be written is checked
before (`expressions`); this file only says what the language makes of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import state_word, unit_of

Value = float | str


class Program:
    """A compiled expression. Raises Malformed when CEL cannot read the text."""

    def __init__(self, text: str) -> None:
        import cel  # here: it brings a command line with prompt and colours, a third of a second of every process's start

        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise Malformed(f"CEL cannot read the expression: {error}", key="expression-unread") from error
        self.text = text

    def holds(self, values: dict[str, Value]) -> bool | None:
        """Tell whether the condition holds; None when the values given do not tell (one that it needs is absent).

        CEL itself decides what an absent value means: `false && unknown` is false, `true || unknown` is true.
        """
        try:
            result = self._program.execute(values)
        except (RuntimeError, TypeError, ValueError):
            return None
        return result if isinstance(result, bool) else None


def value_for(quantity: str, value: float) -> Value | None:
    """Return a value as CEL sees it: a state's word, or the figure; None for what is no value (NaN, infinite)."""
    if not math.isfinite(value):
        return None
    if unit_of(quantity) == "state":
        return state_word(quantity, value) or f"{value:g}"
    return float(value)


def values_for(values: Mapping[str, float]) -> dict[str, Value]:
    """Return what is known of several quantities as CEL sees it, without those that have no value."""
    seen = {quantity: value_for(quantity, value) for quantity, value in values.items()}
    return {quantity: value for quantity, value in seen.items() if value is not None}

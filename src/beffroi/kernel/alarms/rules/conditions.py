"""The condition of a definition: its comparisons, the quantities it reads, and the CEL that it yields."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.foundation.units import state_word, unit_of
from beffroi.kernel.alarms.rules.expressions import quantities_in
from beffroi.kernel.alarms.types import Comparison, Definition, Join

SILENCE_NAME = "silence_periods"
_AWAY: Mapping[str, int] = {">": -1, ">=": -1, "<": 1, "<=": 1}
_JOINED: Mapping[Join, str] = {"all": " && ", "any": " || "}


def comparisons_of(definition: Definition) -> tuple[Comparison, ...]:
    """Return the comparisons of a rule: one, several, or none (silence, or an expression)."""
    if definition.comparisons or definition.operator is None:
        return definition.comparisons
    quantity, threshold = str(definition.quantity), float(definition.threshold or 0)
    return (Comparison(quantity, definition.operator, threshold, definition.dead_band),)


def quantities_of(definition: Definition) -> tuple[str, ...]:
    """Return the quantities that a rule reads, each once, the one that is shown first; none for silence."""
    if definition.expression:
        return quantities_in(definition.expression)
    return tuple(dict.fromkeys(comparison.quantity for comparison in comparisons_of(definition)))


def stay_threshold(comparison: Comparison) -> float:
    """Return the value that an active condition is compared with: the dead band below `>`, above `<`."""
    return comparison.threshold + comparison.dead_band * _AWAY.get(comparison.operator, 0)


def begins(definition: Definition) -> str:
    """Return the CEL of what begins an alarm, the same for every kind of rule."""
    if definition.silence_periods is not None:
        return f"{SILENCE_NAME} >= {definition.silence_periods!r}"
    return definition.expression or _joined(definition, {c: c.threshold for c in comparisons_of(definition)})


def stays(definition: Definition) -> str:
    """Return the CEL of what keeps an alarm: that of its beginning, less the dead bands."""
    if definition.silence_periods is not None or definition.expression:
        return begins(definition)
    return _joined(definition, {c: stay_threshold(c) for c in comparisons_of(definition)})


def _joined(definition: Definition, limits: Mapping[Comparison, float]) -> str:
    return _JOINED[definition.join].join(
        f"{each.quantity} {each.operator} {literal(each.quantity, limit)}" for each, limit in limits.items()
    )


def literal(quantity: str, value: float) -> str:
    """Return a value as CEL writes it: a state's word in quotes, else a double."""
    if unit_of(quantity) == "state":
        return f'"{state_word(quantity, value) or format(value, "g")}"'
    return repr(float(value))


def condition_key(definition: Definition) -> tuple[object, ...]:
    """Return what makes two definitions ask the same of the equipment, delays aside."""
    return (definition.asset_class, definition.quantity, begins(definition), stays(definition))

"""Reading the rule of a definition: a threshold, several comparisons, an expression, or a silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, state_value, unit_of
from beffroi.kernel.alarms.rules.definition_fields import Problems, read_number
from beffroi.kernel.alarms.rules.expressions import check_expression, quantities_in
from beffroi.kernel.alarms.types import Comparison, Join, Operator
from beffroi.kernel.twin.types import CLASSES

MAX_COMPARISONS = 8
MAX_PERIODS = 10_000.0
MAX_DEAD_BAND = 86_400.0
OPERATORS: tuple[str, ...] = get_args(Operator)
JOINS: tuple[str, ...] = get_args(Join)
RULE_FIELDS = ("quantity", "operator", "threshold", "silence_periods", "comparisons", "join", "expression")
_THRESHOLD = ("quantity", "operator", "threshold")
_COMPARISON = (*_THRESHOLD, "dead_band")
_KINDS = (*_THRESHOLD, "silence_periods", "comparisons", "expression")
_NO_RULE = "has no rule: write quantity, operator and threshold, or silence_periods, or comparisons, or expression"
EXACT = ("==", "!=")


def read_rule(entry: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the fields of a definition's rule; problems when it has none, two, or one that cannot hold."""
    stated = [name for name in _KINDS if entry.get(name) is not None]
    kinds = {"threshold" if name in _THRESHOLD else name for name in stated}
    if len(kinds) > 1:
        problems.add(f"has both {' and '.join(_named(stated))}: keep one kind of rule", stated[-1])
    elif not kinds or (kinds == {"threshold"} and len(stated) < len(_THRESHOLD)):
        missing = [name for name in _THRESHOLD if name not in stated] if kinds else []
        problems.add(_NO_RULE, missing[0] if missing else "")
    elif "silence_periods" in kinds:
        _check_reports(entry, problems)
        return {"silence_periods": read_number(entry, "silence_periods", 1, MAX_PERIODS, problems)}
    elif "comparisons" in kinds:
        return _comparisons(entry, problems)
    elif "expression" in kinds:
        return _expression(entry, problems)
    else:
        compared = _comparison(entry, problems, "")
        return {} if compared is None else {name: getattr(compared, name) for name in _THRESHOLD}
    return {}


def _named(stated: list[str]) -> list[str]:
    threshold = [name for name in _THRESHOLD if name in stated]
    others = [name for name in stated if name not in _THRESHOLD]
    return [*others, ", ".join(threshold)] if threshold else others


def _check_reports(entry: Mapping[str, Any], problems: Problems) -> None:
    known = CLASSES.get(str(entry["asset_class"]))
    if known is not None and known.period_s is None:
        problems.add(
            f"silence of `{known.slug}`, which is not expected to report: no such rule can hold", "silence_periods"
        )


def _comparisons(entry: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    stated = entry["comparisons"]
    if not isinstance(stated, list) or not 2 <= len(stated) <= MAX_COMPARISONS:
        problems.add(f"`comparisons` is not a list of 2 to {MAX_COMPARISONS} comparisons", "comparisons")
        return {}
    join = entry.get("join", "all")
    if join not in JOINS:
        problems.add(f"`join` is {join!r}; write one of {', '.join(JOINS)}", "join")
    if entry.get("dead_band"):
        problems.add("dead_band stands with each comparison when there are several: move it there", "dead_band")
    read = []
    for place, each in enumerate(stated, 1):
        where = f"comparison {place}: "
        if not isinstance(each, Mapping) or not set(_THRESHOLD) <= set(each) <= set(_COMPARISON):
            problems.add(f"{where}write quantity, operator, threshold and, at will, dead_band", f"comparisons.{place}")
        elif compared := _comparison({**each, "asset_class": entry["asset_class"]}, problems, where, place):
            read.append(compared)
    if len(read) < len(stated):
        return {}
    return {"comparisons": tuple(read), "join": join, "quantity": read[0].quantity}


def _expression(entry: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    stated = entry["expression"]
    known = CLASSES.get(str(entry["asset_class"]))
    if not isinstance(stated, str):
        problems.add("`expression` is not a text in CEL", "expression")
        return {}
    try:
        text = check_expression(stated, known.quantities if known else ())
    except Malformed as error:
        problems.add(error.reason, "expression")
        return {}
    return {"expression": text, "quantity": quantities_in(text)[0]}


def _comparison(entry: Mapping[str, Any], problems: Problems, where: str, place: int = 0) -> Comparison | None:
    """Return one comparison; problems name the field, or `comparisons.2.threshold` for one of several."""
    before = len(problems.found)
    at = f"comparisons.{place}." if place else ""
    quantity, operator = str(entry["quantity"]), entry["operator"]
    known = CLASSES.get(str(entry["asset_class"]))
    if known is not None and quantity not in known.quantities:
        quantities = ", ".join(known.quantities) or "none"
        problems.add(f"{where}`{known.slug}` has no quantity `{quantity}`; it has {quantities}", f"{at}quantity")
    if operator not in OPERATORS:
        problems.add(f"{where}operator {operator!r} is none of {' '.join(OPERATORS)} (in quotes)", f"{at}operator")
    threshold = _threshold(quantity, operator, entry["threshold"], problems, where, at)
    band = read_number(entry, "dead_band", 0, MAX_DEAD_BAND, problems) if place and "dead_band" in entry else 0.0
    if band and operator not in (">", ">=", "<", "<="):
        problems.add(f"{where}dead_band only serves the operators > >= < <=: leave it out", f"{at}dead_band")
    if len(problems.found) > before or threshold is None:
        return None
    return Comparison(quantity, operator, threshold, band)


def _threshold(
    quantity: str, operator: object, stated: object, problems: Problems, where: str, at: str
) -> float | None:
    if unit_of(quantity) == "state":
        words = STATES.get(quantity, ())
        value = state_value(quantity, stated) if isinstance(stated, str) else None
        if value is None:
            told = f"threshold {stated!r} is no state of `{quantity}`; write one of {', '.join(words)} in quotes"
            problems.add(where + told, f"{at}threshold")
        if operator not in EXACT:
            problems.add(
                f"{where}operator {operator!r} does not suit a state; write one of {' '.join(EXACT)}", f"{at}operator"
            )
        return value
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not abs(stated) <= MAX_VALUE:
        problems.add(f"{where}threshold {stated!r} is not a number in the unit of `{quantity}`", f"{at}threshold")
        return None
    return float(stated)

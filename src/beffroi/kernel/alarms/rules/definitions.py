"""Reading alarm definitions: YAML text to `Definition`s, strictly, with errors that say what to write.

Every alarm has a cause, a consequence, a response, an allowable time, a priority and a desk (ISA-18.2, rationalisation):
a definition without one of them is refused.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, get_args

import yaml

from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, state_value, unit_of
from beffroi.kernel.alarms.types import PRIORITIES, RELATIONS, Definition, Operator
from beffroi.kernel.twin.types import CLASSES

MAX_BYTES = 1_000_000
MAX_DEFINITIONS = 1_000
_TEXTS = {
    "title": ("the wording that people read", 160),
    "cause": ("what makes it happen", 2000),
    "consequence": ("what comes of it if nobody acts", 2000),
    "response": ("what the operator does", 2000),
    "desk": ("the desk that answers for it", 32),
}
_DELAYS = ("on_delay_s", "off_delay_s", "dead_band", "release_delay_s")
_REQUIRED = ("code", "version", "asset_class", *_TEXTS, "allowable_time_s", "priority", "opens_incident")
_LATER = ("latching", "re_alarm_s", "escalate_after_s")
_KNOWN = {*_REQUIRED, *_DELAYS, *_LATER, "quantity", "operator", "threshold", "silence_periods", "suppressed_by"}
_OPERATORS: tuple[str, ...] = get_args(Operator)
_EXACT = ("==", "!=")
_MAX_DELAY_S = DAY / SECOND
_LEAST_PAUSE_S = 60


class _Problems:
    """What is wrong with one definition, gathered so that a person mends everything at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[str] = []

    def add(self, problem: str) -> None:
        self.found.append(f"{self.name}: {problem}")


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys, which would hide a value, and without aliases, which could grow without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.get_mark().line + 1
            raise Malformed(f"line {line}: aliases (`*name`) are not read here; write the value again")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Malformed(f"line {node.start_mark.line + 1}: {', '.join(twice)} is written twice; keep one")
        return super().construct_mapping(node, deep)


def parse_definitions(text: str) -> tuple[Definition, ...]:
    """Return the definitions of a profile, in the order of the file.

    Raises Malformed with every problem found (at most 20, one a line): which definition, what is wrong, what to write.
    """
    entries = _entries(text)
    problems: list[str] = []
    parsed: list[Definition] = []
    for place, entry in enumerate(entries, 1):
        name = f"definition {entry.get('code', place)!s}" if isinstance(entry, dict) else f"definition {place}"
        mine = _Problems(name)
        found = _definition(entry, mine)
        problems += mine.found
        if found is not None:
            parsed.append(found)
    problems += _problems_between(parsed) if not problems else []
    if problems:
        raise Malformed("\n".join(problems[:20]), key="alarm-definitions")
    return tuple(parsed)


def explanations(definition: Definition) -> tuple[tuple[str, str], ...]:
    """Return (relation, code of the definition upstream) for each explanation that suppresses this alarm."""
    pairs = (entry.partition(":") for entry in definition.suppressed_by)
    return tuple((relation, code) for relation, _, code in pairs)


def _entries(text: str) -> list[Any]:
    if len(text.encode()) > MAX_BYTES:
        raise Malformed(f"the definitions are larger than {MAX_BYTES} bytes")
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the definitions are no YAML: {error}") from error
    if (
        not isinstance(document, dict)
        or set(document) != {"definitions"}
        or not isinstance(document["definitions"], list)
    ):
        raise Malformed("expected one key, `definitions`, with a list under it")
    entries: list[Any] = document["definitions"]
    if len(entries) > MAX_DEFINITIONS:
        raise Malformed(f"{len(entries)} definitions; expected {MAX_DEFINITIONS} at most")
    return entries


def _definition(entry: Any, problems: _Problems) -> Definition | None:
    if not isinstance(entry, dict):
        problems.add("is not a mapping; write its fields as `name: value`")
        return None
    for name in sorted(str(key) for key in entry if key not in _KNOWN):
        problems.add(f"`{name}` is not a field; the fields are {', '.join(sorted(_KNOWN))}")
    for name in _REQUIRED:
        if entry.get(name) is None:
            meaning = f" ({_TEXTS[name][0]})" if name in _TEXTS else ""
            problems.add(f"`{name}` is missing: write it{meaning}")
    if problems.found:
        return None
    quantity, operator, threshold, silence = _rule(entry, problems)
    values = {
        "code": _code(entry["code"], problems),
        "version": _whole(entry, "version", 1, 1_000_000, problems),
        "asset_class": _asset_class(entry, problems),
        "quantity": quantity,
        "operator": operator,
        "threshold": threshold,
        "silence_periods": silence,
        **{name: _text(entry, name, problems) for name in _TEXTS},
        **{name: _number(entry, name, 0, _MAX_DELAY_S, problems) for name in _DELAYS if name in entry},
        "allowable_time_s": _whole(entry, "allowable_time_s", 1, 31_536_000, problems),
        "priority": _whole(entry, "priority", PRIORITIES[0], PRIORITIES[-1], problems),
        "opens_incident": _yes_or_no(entry, "opens_incident", problems),
        "suppressed_by": _suppressed_by(entry, problems),
        "latching": _yes_or_no(entry, "latching", problems) if "latching" in entry else False,
        **{name: _pause(entry, name, problems) for name in ("re_alarm_s", "escalate_after_s") if name in entry},
    }
    _check_dead_band(values, problems)
    return None if problems.found else Definition(**_with_defaults(values))


def _with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"on_delay_s": 0.0, "off_delay_s": 0.0, "dead_band": 0.0, **values}
    return {"release_delay_s": whole["on_delay_s"] if whole["suppressed_by"] else 0.0, **whole}


def _rule(entry: Mapping[str, Any], problems: _Problems) -> tuple[str | None, Any, float | None, float | None]:
    silent = entry.get("silence_periods") is not None
    stated = [name for name in ("quantity", "operator", "threshold") if entry.get(name) is not None]
    if silent and stated:
        problems.add(f"has both silence_periods and {', '.join(stated)}: keep one kind of rule")
    elif not silent and len(stated) < 3:
        problems.add("has no rule: write quantity, operator and threshold, or silence_periods")
    elif silent:
        _check_reports(entry, problems)
        return None, None, None, _number(entry, "silence_periods", 1, 1000, problems)
    else:
        return *_comparison(entry, problems), None
    return None, None, None, None


def _check_reports(entry: Mapping[str, Any], problems: _Problems) -> None:
    known = CLASSES.get(str(entry["asset_class"]))
    if known is not None and known.period_s is None:
        problems.add(f"silence of `{known.slug}`, which is not expected to report: no such rule can hold")


def _comparison(entry: Mapping[str, Any], problems: _Problems) -> tuple[str, Any, float | None]:
    quantity, operator = str(entry["quantity"]), entry["operator"]
    known = CLASSES.get(str(entry["asset_class"]))
    if known is not None and quantity not in known.quantities:
        problems.add(f"`{known.slug}` has no quantity `{quantity}`; it has {', '.join(known.quantities) or 'none'}")
    if operator not in _OPERATORS:
        problems.add(f"operator {operator!r} is none of {' '.join(_OPERATORS)} (in quotes)")
    return quantity, operator, _threshold(quantity, operator, entry["threshold"], problems)


def _threshold(quantity: str, operator: object, stated: object, problems: _Problems) -> float | None:
    if unit_of(quantity) == "state":
        words = STATES.get(quantity, ())
        value = state_value(quantity, stated) if isinstance(stated, str) else None
        if value is None:
            problems.add(f"threshold {stated!r} is no state of `{quantity}`; write one of {', '.join(words)} in quotes")
        if operator not in _EXACT:
            problems.add(f"operator {operator!r} does not suit a state; write one of {' '.join(_EXACT)}")
        return value
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not abs(stated) <= MAX_VALUE:
        problems.add(f"threshold {stated!r} is not a number in the unit of `{quantity}`")
        return None
    return float(stated)


def _check_dead_band(values: Mapping[str, Any], problems: _Problems) -> None:
    if values.get("dead_band") and values["operator"] not in (">", ">=", "<", "<="):
        problems.add("dead_band only serves the operators > >= < <=: leave it out")
    if values.get("release_delay_s") is not None and not values["suppressed_by"]:
        problems.add("release_delay_s without suppressed_by: leave it out")


def _code(stated: object, problems: _Problems) -> str:
    code = str(stated)
    plain = code.isascii() and code.replace("_", "").isalnum() and code == code.lower() and code[0].isalpha()
    if not plain or len(code) > 64:
        problems.add("the code is not 1 to 64 lower-case letters, figures and `_`, a letter first")
    return code


def _asset_class(entry: Mapping[str, Any], problems: _Problems) -> str:
    stated = str(entry["asset_class"])
    if stated not in CLASSES:
        problems.add(f"asset_class {stated!r} is none of {', '.join(CLASSES)}")
    return stated


def _text(entry: Mapping[str, Any], name: str, problems: _Problems) -> str:
    stated = entry[name]
    meaning, longest = _TEXTS[name]
    if not isinstance(stated, str) or not 0 < len(stated.strip()) <= longest:
        problems.add(f"`{name}` is not a text of 1 to {longest} characters: {meaning}")
        return ""
    return " ".join(stated.split())


def _number(entry: Mapping[str, Any], name: str, least: float, most: float, problems: _Problems) -> float:
    stated = entry[name]
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not least <= stated <= most:
        problems.add(f"`{name}` is {stated!r}; write a number from {least:g} to {most:g}")
        return math.nan
    return float(stated)


def _whole(entry: Mapping[str, Any], name: str, least: int, most: int, problems: _Problems) -> int:
    stated = entry[name]
    if isinstance(stated, int) and not isinstance(stated, bool) and least <= stated <= most:
        return int(stated)
    problems.add(f"`{name}` is {stated!r}; write a whole number from {least} to {most}")
    return least


def _pause(entry: Mapping[str, Any], name: str, problems: _Problems) -> int:
    """Return a time until people are told again: 0 for never, else a minute to a day."""
    stated = entry[name]
    if stated == 0 and not isinstance(stated, bool):
        return 0
    if isinstance(stated, int) and not isinstance(stated, bool) and _LEAST_PAUSE_S <= stated <= _MAX_DELAY_S:
        return int(stated)
    problems.add(f"`{name}` is {stated!r}; write 0 for never, or seconds from {_LEAST_PAUSE_S} to {_MAX_DELAY_S:.0f}")
    return 0


def _yes_or_no(entry: Mapping[str, Any], name: str, problems: _Problems) -> bool:
    stated = entry[name]
    if not isinstance(stated, bool):
        problems.add(f"`{name}` is {stated!r}; write true or false")
    return bool(stated)


def _suppressed_by(entry: Mapping[str, Any], problems: _Problems) -> tuple[str, ...]:
    stated = entry.get("suppressed_by", [])
    if not isinstance(stated, list) or not all(isinstance(item, str) for item in stated):
        problems.add("`suppressed_by` is not a list of `relation:definition`")
        return ()
    for item in stated:
        relation, _, code = item.partition(":")
        if relation not in RELATIONS or not code:
            problems.add(f"suppressed_by `{item}` is not `relation:definition`; relations are {', '.join(RELATIONS)}")
    if len(" ".join(stated)) > 120:
        problems.add("`suppressed_by` is longer than 120 characters: name fewer explanations")
    return tuple(stated)


def _problems_between(definitions: list[Definition]) -> list[str]:
    """Return what is wrong among definitions that are right one by one."""
    by_code = {definition.code: definition for definition in definitions}
    codes = [definition.code for definition in definitions]
    found = [f"definition {code}: is written twice; give each its code" for code in by_code if codes.count(code) > 1]
    for definition in definitions:
        for relation, code in explanations(definition):
            found += _problems_of_explanation(definition, relation, by_code.get(code), code)
    return found or _circles(by_code)


def _problems_of_explanation(
    definition: Definition, relation: str, upstream: Definition | None, code: str
) -> list[str]:
    mine = _Problems(f"definition {definition.code}")
    if upstream is None:
        mine.add(f"is suppressed by `{code}`, which is not defined here")
    elif relation == "self" and upstream.asset_class != definition.asset_class:
        mine.add(f"`self:{code}` is about {upstream.asset_class}, not {definition.asset_class}")
    elif upstream.priority > definition.priority:
        mine.add(
            f"has priority {definition.priority} and would hide behind `{code}`, of priority {upstream.priority}: "
            "an explanation must be at least as urgent"
        )
    return mine.found


def _circles(by_code: Mapping[str, Definition]) -> list[str]:
    """Alarms that explain each other would all be hidden: name those that can be reached from themselves."""
    found = []
    for start in by_code:
        seen: set[str] = set()
        ahead = [code for _, code in explanations(by_code[start])]
        while ahead:
            code = ahead.pop()
            if code not in seen:
                seen.add(code)
                ahead += [further for _, further in explanations(by_code[code])]
        if start in seen:
            found.append(f"definition {start}: explains itself through its explanations; cut the circle")
    return found

"""Reading alarm definitions: YAML text to `Definition`s, strictly, with errors that say what to write.

Every alarm has a cause, a consequence, a response, an allowable time, a priority and a desk (ISA-18.2, rationalisation):
a definition without one of them is refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import yaml

from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.errors import Malformed
from beffroi.kernel.alarms.rules.definition_fields import (
    TEXTS,
    Problem,
    Problems,
    read_number,
    read_text,
    read_whole,
    read_yes_or_no,
)
from beffroi.kernel.alarms.rules.definition_rule import RULE_FIELDS, read_rule
from beffroi.kernel.alarms.rules.definition_trials import read_trials
from beffroi.kernel.alarms.types import COMMAND, PRIORITIES, RELATIONS, Definition
from beffroi.kernel.twin.types import CLASSES, SOURCE

MAX_BYTES = 1_000_000
MAX_DEFINITIONS = 1_000
MAX_EXPLANATIONS = 240
_DELAYS = ("on_delay_s", "off_delay_s", "dead_band", "release_delay_s")
_REQUIRED = ("code", "version", "asset_class", *TEXTS, "allowable_time_s", "priority", "opens_incident")
_LATER = ("latching", "re_alarm_s", "escalate_after_s")
_KNOWN = {*_REQUIRED, *_DELAYS, *_LATER, *RULE_FIELDS, "suppressed_by", "tests"}
_MAX_DELAY_S = DAY / SECOND
_LEAST_PAUSE_S = 60


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
    problems: list[Problem] = []
    parsed: list[Definition] = []
    for place, entry in enumerate(entries, 1):
        name = f"definition {entry.get('code', place)!s}" if isinstance(entry, dict) else f"definition {place}"
        mine = Problems(name)
        found = read_definition(entry, mine)
        problems += mine.found
        if found is not None:
            parsed.append(found)
    problems += problems_between(parsed) if not problems else []
    if problems:
        raise Malformed("\n".join(problem.text for problem in problems[:20]), key="alarm-definitions")
    return tuple(parsed)


def explanations(definition: Definition) -> tuple[tuple[str, str], ...]:
    """Return (relation, code of the definition upstream) for each alarm that suppresses this one."""
    pairs = (entry.partition(":") for entry in definition.suppressed_by)
    return tuple((relation, code) for relation, _, code in pairs if not code.startswith(COMMAND))


def commands_that_explain(definition: Definition) -> tuple[tuple[str, str], ...]:
    """Return (relation, ability) for each command that explains this alarm while it is in force."""
    pairs = (entry.partition(":") for entry in definition.suppressed_by)
    return tuple((relation, code.removeprefix(COMMAND)) for relation, _, code in pairs if code.startswith(COMMAND))


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


def read_definition(entry: Any, problems: Problems) -> Definition | None:
    """Return the definition that a mapping of fields states; None with every problem found."""
    if not isinstance(entry, Mapping):
        problems.add("is not a mapping; write its fields as `name: value`")
        return None
    for name in sorted(str(key) for key in entry if key not in _KNOWN):
        problems.add(f"`{name}` is not a field; the fields are {', '.join(sorted(_KNOWN))}", name)
    for name in _REQUIRED:
        if entry.get(name) is None:
            meaning = f" ({TEXTS[name][0]})" if name in TEXTS else ""
            problems.add(f"`{name}` is missing: write it{meaning}", name)
    if problems.found:
        return None
    values = {
        "quantity": None,
        "operator": None,
        "threshold": None,
        "silence_periods": None,
        **read_rule(entry, problems),
        "code": _code(entry["code"], problems),
        "version": read_whole(entry, "version", 1, 1_000_000, problems),
        "asset_class": _asset_class(entry, problems),
        **{name: read_text(entry, name, problems) for name in TEXTS},
        **{name: read_number(entry, name, 0, _MAX_DELAY_S, problems) for name in _DELAYS if name in entry},
        "allowable_time_s": read_whole(entry, "allowable_time_s", 1, 31_536_000, problems),
        "priority": read_whole(entry, "priority", PRIORITIES[0], PRIORITIES[-1], problems),
        "opens_incident": read_yes_or_no(entry, "opens_incident", problems),
        "suppressed_by": _suppressed_by(entry, problems),
        "latching": read_yes_or_no(entry, "latching", problems) if "latching" in entry else False,
        **{name: _pause(entry, name, problems) for name in ("re_alarm_s", "escalate_after_s") if name in entry},
    }
    _check_dead_band(values, problems)
    values["tests"] = read_trials(entry, values, problems)
    return None if problems.found else Definition(**_with_defaults(values))


def problems_between(definitions: Iterable[Definition]) -> list[Problem]:
    """Return what is wrong among definitions that are right one by one."""
    every = list(definitions)
    by_code = {definition.code: definition for definition in every}
    codes = [definition.code for definition in every]
    found = [
        Problem("code", f"definition {code}: is written twice; give each its code")
        for code in by_code
        if codes.count(code) > 1
    ]
    for definition in every:
        for relation, code in explanations(definition):
            found += _problems_of_explanation(definition, relation, by_code.get(code), code)
    return found or _circles(by_code)


def _with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"on_delay_s": 0.0, "off_delay_s": 0.0, "dead_band": 0.0, **values}
    return {"release_delay_s": whole["on_delay_s"] if whole["suppressed_by"] else 0.0, **whole}


def _check_dead_band(values: Mapping[str, Any], problems: Problems) -> None:
    if values.get("dead_band") and values["operator"] not in (">", ">=", "<", "<="):
        problems.add("dead_band only serves the operators > >= < <=: leave it out", "dead_band")
    if values.get("release_delay_s") is not None and not values["suppressed_by"]:
        problems.add("release_delay_s without suppressed_by: leave it out", "release_delay_s")


def _code(stated: object, problems: Problems) -> str:
    code = str(stated)
    plain = code.isascii() and code.replace("_", "").isalnum() and code == code.lower() and code[0].isalpha()
    if not plain or len(code) > 64:
        problems.add("the code is not 1 to 64 lower-case letters, figures and `_`, a letter first", "code")
    return code


def _asset_class(entry: Mapping[str, Any], problems: Problems) -> str:
    stated = str(entry["asset_class"])
    if stated not in CLASSES:
        problems.add(f"asset_class {stated!r} is none of {', '.join(CLASSES)}", "asset_class")
    return stated


def _pause(entry: Mapping[str, Any], name: str, problems: Problems) -> int:
    """Return a time until people are told again: 0 for never, else a minute to a day."""
    stated = entry[name]
    if stated == 0 and not isinstance(stated, bool):
        return 0
    if isinstance(stated, int) and not isinstance(stated, bool) and _LEAST_PAUSE_S <= stated <= _MAX_DELAY_S:
        return int(stated)
    told = f"`{name}` is {stated!r}; write 0 for never, or seconds from {_LEAST_PAUSE_S} to {_MAX_DELAY_S:.0f}"
    problems.add(told, name)
    return 0


def _suppressed_by(entry: Mapping[str, Any], problems: Problems) -> tuple[str, ...]:
    stated = entry.get("suppressed_by", [])
    if not isinstance(stated, list) or not all(isinstance(item, str) for item in stated):
        problems.add("`suppressed_by` is not a list of `relation:definition`", "suppressed_by")
        return ()
    for item in stated:
        relation, _, code = item.partition(":")
        ability = code.removeprefix(COMMAND)
        if relation not in RELATIONS or not code or " " in item:
            told = f"suppressed_by `{item}` is not `relation:definition`; relations are {', '.join(RELATIONS)}"
            problems.add(told, "suppressed_by")
        elif ability != code and (relation == SOURCE or not ability.replace("_", "").isalnum()):
            told = f"suppressed_by `{item}` is not `relation:command:ability`, where the relation is none to a source"
            problems.add(told, "suppressed_by")
    if len(" ".join(stated)) > MAX_EXPLANATIONS:
        told = f"`suppressed_by` is longer than {MAX_EXPLANATIONS} characters: name fewer explanations"
        problems.add(told, "suppressed_by")
    return tuple(stated)


def _problems_of_explanation(
    definition: Definition, relation: str, upstream: Definition | None, code: str
) -> list[Problem]:
    mine = Problems(f"definition {definition.code}")
    if upstream is None:
        mine.add(f"is suppressed by `{code}`, which is not defined here", "suppressed_by")
    elif relation == "self" and upstream.asset_class != definition.asset_class:
        mine.add(f"`self:{code}` is about {upstream.asset_class}, not {definition.asset_class}", "suppressed_by")
    elif upstream.priority > definition.priority:
        mine.add(
            f"has priority {definition.priority} and would hide behind `{code}`, of priority {upstream.priority}: "
            "an explanation must be at least as urgent",
            "suppressed_by",
        )
    return mine.found


def _circles(by_code: Mapping[str, Definition]) -> list[Problem]:
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
            told = f"definition {start}: explains itself through its explanations; cut the circle"
            found.append(Problem("suppressed_by", told))
    return found

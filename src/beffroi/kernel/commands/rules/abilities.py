"""Reading what the city's equipment can be asked for: YAML to abilities, strictly, each mistake named with what to write."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

import yaml

from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, is_quantity, state_value, unit_of
from beffroi.kernel.commands.types import Ability, Parameter, Proof, Scalar, Undo
from beffroi.kernel.twin.types import CLASSES

MAX_BYTES = 200_000
MAX_ENTRIES = 300
DAY_S = 86_400
_FIELDS = {
    "slug", "class", "desk", "label", "effect", "parameters", "dangerous", "expires_after_s", "acknowledged_within_s",
    "proof", "undo", "longest_hold_s",
}  # fmt: skip
_PARAMETER = {"name", "label", "unit", "least", "most", "step", "choices", "default"}
_PROOF = {"quantity", "equals", "parameter", "tolerance", "within_s"}


def parse_abilities(text: str) -> tuple[Ability, ...]:
    """Return the abilities of a profile. Raises Malformed naming each wrong entry and what to write."""
    problems: list[str] = []
    found: list[Ability] = []
    for place, entry in enumerate(_entries(text), 1):
        name = str(entry.get("slug") or f"entry {place}")
        reader = _Reader(name, entry, problems)
        found.append(reader.ability())
    known = {ability.slug: ability for ability in found}
    if len(known) < len(found):
        slugs = [ability.slug for ability in found]
        problems += [
            f"`{slug}` is written twice; keep one" for slug in sorted({s for s in slugs if slugs.count(s) > 1})
        ]
    problems += [problem for ability in found for problem in _undo_problems(ability, known)]
    if problems:
        raise Malformed("\n".join(problems[:20]), key="abilities")
    return tuple(found)


def _undo_problems(ability: Ability, known: Mapping[str, Ability]) -> list[str]:
    if ability.undo is None:
        return [f"{ability.slug}: `longest_hold_s` needs an `undo`"] if ability.longest_hold_s else []
    undo = known.get(ability.undo.ability)
    if undo is None:
        return [f"{ability.slug}: `undo` names `{ability.undo.ability}`, which is no ability"]
    if undo.asset_class != ability.asset_class:
        return [f"{ability.slug}: `undo` names an ability of another class, {undo.asset_class}"]
    missing = [
        each.name for each in undo.parameters if each.default is None and each.name not in ability.undo.parameters
    ]
    return [f"{ability.slug}: `undo` does not say `{name}`" for name in missing]


class _Reader:
    """Reads one entry, noting what is wrong with it."""

    def __init__(self, name: str, entry: dict[str, Any], problems: list[str]) -> None:
        self.name, self.entry, self.problems = name, entry, problems

    def wrong(self, what: str) -> None:
        self.problems.append(f"{self.name}: {what}")

    def ability(self) -> Ability:
        if unknown := sorted(set(self.entry) - _FIELDS):
            self.wrong(f"{', '.join(unknown)}: the fields are {', '.join(sorted(_FIELDS))}")
        asset_class = self.text("class", 32)
        if asset_class not in CLASSES:
            self.wrong(f"`class` is {asset_class!r}; write one of {', '.join(CLASSES)}")
        parameters = tuple(self.parameter(each) for each in self.list("parameters"))
        effect = self.text("effect", 300)
        self.check_effect(effect, {each.name for each in parameters})
        dangerous = self.entry.get("dangerous", False)
        if not isinstance(dangerous, bool):
            self.wrong("`dangerous` is true or false")
        return Ability(
            slug=self.slug("slug"),
            asset_class=asset_class,
            desk=self.slug("desk"),
            label=self.text("label", 80),
            effect=effect,
            parameters=parameters,
            dangerous=dangerous is True,
            expires_after_s=self.seconds("expires_after_s", 900, 10, 7 * DAY_S),
            acknowledged_within_s=self.seconds("acknowledged_within_s", 30, 1, DAY_S),
            proof=self.proof(parameters),
            undo=self.undo(),
            longest_hold_s=self.seconds("longest_hold_s", 0, 0, 31 * DAY_S),
        )

    def text(self, field: str, most: int) -> str:
        value = self.entry.get(field)
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= most:
            self.wrong(f"`{field}` is not a text of 1 to {most} characters")
            return ""
        return " ".join(value.split())

    def slug(self, field: str) -> str:
        value = self.text(field, 48)
        if not (value.isascii() and value.replace("_", "").isalnum() and value == value.lower()):
            self.wrong(f"`{field}` is not lower-case letters, figures and `_`")
        return value

    def seconds(self, field: str, default: int, least: int, most: int) -> int:
        value = self.entry.get(field, default)
        if not isinstance(value, int) or isinstance(value, bool) or not (value == default or least <= value <= most):
            self.wrong(f"`{field}` is {value!r}; write seconds, {least} to {most}")
            return default
        return value

    def list(self, field: str) -> list[dict[str, Any]]:
        value = self.entry.get(field, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.wrong(f"`{field}` is a list of entries")
            return []
        return value

    def check_effect(self, effect: str, names: set[str]) -> None:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(effect) if name is not None}
        except ValueError:
            used = {""}
        if used - names:
            self.wrong(f"`effect` may hold {{name}} for these parameters only: {', '.join(sorted(names)) or 'none'}")

    def parameter(self, entry: Mapping[str, Any]) -> Parameter:
        name, choices = str(entry.get("name", "")), entry.get("choices", {})
        least, most, step = (_float(entry.get(field)) for field in ("least", "most", "step"))
        if set(entry) - _PARAMETER:
            self.wrong(f"parameter `{name}`: the fields are {', '.join(sorted(_PARAMETER))}")
        if not name.isidentifier():
            self.wrong(f"parameter {name!r}: its name is lower-case letters, figures and `_`")
        if not isinstance(choices, dict):
            self.wrong(f"parameter `{name}`: `choices` are words with their label")
            choices = {}
        if not choices and (least is None or most is None or least > most):
            self.wrong(f"parameter `{name}`: write `least` and `most`, or `choices`")
        return Parameter(
            name=name,
            label=str(entry.get("label", name)),
            unit=str(entry.get("unit", "")),
            least=least,
            most=most,
            step=step,
            choices={str(word): str(label) for word, label in choices.items()},
            default=_scalar(entry.get("default")),
        )

    def proof(self, parameters: tuple[Parameter, ...]) -> Proof | None:
        entry = self.entry.get("proof")
        if not isinstance(entry, dict) or set(entry) - _PROOF:
            self.wrong(f"`proof` says which reading shows it, with the fields {', '.join(sorted(_PROOF))}")
            return None
        quantity, equals, parameter = str(entry.get("quantity")), entry.get("equals"), str(entry.get("parameter", ""))
        within_s, tolerance = entry.get("within_s"), entry.get("tolerance", 0)
        if not is_quantity(quantity):
            self.wrong(f"`proof` looks at {quantity!r}, which is no quantity")
        if (equals is None) == (not parameter):
            self.wrong("`proof` says either `equals` or `parameter`")
        if parameter and parameter not in {each.name for each in parameters if not each.choices}:
            self.wrong(f"`proof` names `{parameter}`, which is no parameter that is a number")
        if isinstance(within_s, bool) or not isinstance(within_s, int) or not 1 <= within_s <= DAY_S:
            self.wrong(f"`proof`: `within_s` is {within_s!r}; write seconds, 1 to {DAY_S}")
            within_s = 60
        if not _number(tolerance) or tolerance < 0:
            self.wrong("`proof`: `tolerance` is a number, 0 or more")
            tolerance = 0
        return Proof(quantity, within_s, self.proof_value(quantity, equals), parameter, float(tolerance))

    def proof_value(self, quantity: str, equals: object) -> float | None:
        if equals is None or _number(equals):
            return _float(equals)
        value = state_value(quantity, str(equals)) if unit_of(quantity) == "state" else None
        if value is None:
            self.wrong(
                f"`proof`: `equals` is {equals!r}; write a number, or one of {', '.join(STATES.get(quantity, ()))}"
            )
        return value

    def undo(self) -> Undo | None:
        entry = self.entry.get("undo")
        if entry is None:
            return None
        parameters = entry.get("parameters", {}) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or set(entry) - {"ability", "parameters"} or not isinstance(parameters, dict):
            self.wrong("`undo` has the fields ability, parameters")
            return None
        return Undo(str(entry.get("ability")), {str(name): _scalar(value) or 0.0 for name, value in parameters.items()})


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scalar(value: object) -> Scalar | None:
    if value is None:
        return None
    number = _float(value)
    return str(value) if number is None else number


def _entries(text: str) -> list[dict[str, Any]]:
    if len(text.encode()) > MAX_BYTES:
        raise Malformed(f"the abilities are larger than {MAX_BYTES} bytes")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the abilities are no YAML: {error}") from error
    entries = document.get("abilities") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("expected one key, `abilities`, with a list of entries under it")
    if len(entries) > MAX_ENTRIES:
        raise Malformed(f"{len(entries)} abilities; expected {MAX_ENTRIES} at most")
    return [dict(entry) for entry in entries]

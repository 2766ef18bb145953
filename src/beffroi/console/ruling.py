"""Alarm definitions in words: the rule as people say it, each field's name, a change as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from beffroi.console import words
from beffroi.kernel.alarms.rules.conditions import comparisons_of
from beffroi.kernel.alarms.rules.definition_entries import changed_fields
from beffroi.kernel.alarms.rules.trials import Outcome
from beffroi.kernel.alarms.types import Comparison, Definition, Told

FIELDS: Mapping[str, object] = {
    "code": _("Code"),
    "title": _("Intitulé"),
    "asset_class": _("Sorte d’équipement"),
    "desk": _("Salle qui répond"),
    "priority": _("Priorité"),
    "opens_incident": _("Ouvre un incident"),
    "cause": _("Cause"),
    "consequence": _("Conséquence"),
    "response": _("Que faire"),
    "allowable_time_s": _("Délai pour agir"),
    "quantity": _("Grandeur"),
    "operator": _("Comparaison"),
    "threshold": _("Valeur"),
    "dead_band": _("Bande morte"),
    "comparisons": _("Conditions"),
    "join": _("Conditions réunies"),
    "expression": _("Expression CEL"),
    "silence_periods": _("Silence, en périodes"),
    "on_delay_s": _("Délai de montée"),
    "off_delay_s": _("Délai de retour"),
    "suppressed_by": _("Expliquée par"),
    "release_delay_s": _("Délai après l’explication"),
    "latching": _("À réarmer par une personne"),
    "re_alarm_s": _("Rappel après acquittement"),
    "escalate_after_s": _("Montée sans acquittement"),
    "tests": _("Essais"),
    "reason": _("Motif"),
}
OPERATORS: Mapping[str, str] = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠"}
JOINS: Mapping[str, object] = {"all": _("toutes à la fois"), "any": _("une seule suffit")}
_SECONDS = ("allowable_time_s", "on_delay_s", "off_delay_s", "release_delay_s", "re_alarm_s", "escalate_after_s")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that a change touches, as it is read."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One test as it is read: what was expected, what came."""

    name: str
    expected: str
    came: str
    passed: bool


def rule_words(definition: Definition) -> str:
    """Return the rule as people say it: `Tension < 100 V pendant 1 min`."""
    if definition.silence_periods is not None:
        periods = definition.silence_periods
        said = ngettext("%(n)g période sans nouvelle", "%(n)g périodes sans nouvelle", round(periods)) % {"n": periods}
    elif definition.expression:
        said = definition.expression
    else:
        joined = gettext(" et ") if definition.join == "all" else gettext(" ou ")
        said = joined.join(comparison_words(each) for each in comparisons_of(definition))
    if not definition.on_delay_s:
        return said
    return gettext("%(rule)s pendant %(time)s") % {"rule": said, "time": words.duration(round(definition.on_delay_s))}


def comparison_words(each: Comparison) -> str:
    """Return one comparison as people say it, with its dead band."""
    name = words.told(words.QUANTITIES, each.quantity)
    said = f"{name} {OPERATORS[each.operator]} {words.value_words(each.quantity, each.threshold)}"
    if each.dead_band:
        band = words.value_words(each.quantity, each.dead_band)
        said += gettext(" (bande morte %(band)s)") % {"band": band}
    return said


def differences(before: Definition | None, after: Definition | None) -> list[Difference]:
    """Return what a change touches, in the order of the form."""
    changed = changed_fields(before, after)
    order = [name for name in FIELDS if name in changed] + [name for name in changed if name not in FIELDS]
    return [
        Difference(
            str(FIELDS.get(name, name)), _value(name, changed[name][0], before), _value(name, changed[name][1], after)
        )
        for name in order
    ]


def trials_words(outcomes: tuple[Outcome, ...]) -> list[Tried]:
    """Return tests and what came of them, as they are read."""
    return [Tried(each.name, told_words(each.expected), told_words(each.came), each.passed) for each in outcomes]


def told_words(told: tuple[Told, ...]) -> str:
    """Return what is expected, or came, as a line."""
    kinds = {"raise": gettext("levée à %(at)s"), "return": gettext("retour à %(at)s")}
    return ", ".join(kinds[each.kind] % {"at": _seconds(each.at_s)} for each in told) or gettext("aucune alarme")


def _seconds(seconds: float) -> str:
    return words.duration(int(seconds)) if seconds == int(seconds) else f"{seconds:g} s"


def _value(name: str, value: Any, definition: Definition | None) -> str:
    """Return a field's value as people read it."""
    if value is None or definition is None:
        return "–"
    if isinstance(value, bool):
        return gettext("oui") if value else gettext("non")
    known = {"asset_class": words.CLASSES, "desk": words.DESKS, "join": JOINS, "quantity": words.QUANTITIES}
    if name in known:
        return words.told(known[name], str(value))
    return _seconds(float(value)) if name in _SECONDS else _rule_value(name, value, definition)


def _rule_value(name: str, value: Any, definition: Definition) -> str:
    if name == "threshold":
        return words.value_words(str(definition.quantity), definition.threshold or 0.0)
    lists = {
        "comparisons": [comparison_words(each) for each in definition.comparisons],
        "tests": [f"{trial.name} ({told_words(trial.expect)})" for trial in definition.tests],
        "suppressed_by": list(definition.suppressed_by),
    }
    return " ; ".join(lists[name]) if name in lists else str(value)

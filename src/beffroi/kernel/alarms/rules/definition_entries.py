"""Definitions written again as the mapping of fields that they are read from: for the store, the journal, the form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from beffroi.foundation.units import state_word, unit_of
from beffroi.kernel.alarms.types import Comparison, Definition, Trial

_PLAIN = (
    "code",
    "version",
    "title",
    "asset_class",
    "silence_periods",
    "on_delay_s",
    "off_delay_s",
    "cause",
    "consequence",
    "response",
    "allowable_time_s",
    "priority",
    "desk",
    "opens_incident",
)
_NAMES = {"raise": "raised_s", "return": "returned_s"}


def entry_of(definition: Definition) -> dict[str, Any]:
    """Return the fields of a definition as a profile writes them: reading them gives the definition again."""
    entry = {name: getattr(definition, name) for name in _PLAIN if getattr(definition, name) is not None}
    entry |= _rule_of(definition)
    if definition.dead_band:
        entry["dead_band"] = definition.dead_band
    if definition.suppressed_by:
        entry |= {"suppressed_by": list(definition.suppressed_by), "release_delay_s": definition.release_delay_s}
    if definition.latching:
        entry["latching"] = True
    if definition.re_alarm_s:
        entry["re_alarm_s"] = definition.re_alarm_s
    if definition.escalate_after_s is not None:
        entry["escalate_after_s"] = definition.escalate_after_s
    if definition.tests:
        entry["tests"] = [_trial(trial) for trial in definition.tests]
    return entry


def digest_of(definition: Definition) -> str:
    """Return what stands for a definition's content, its version aside: equal for equal contents."""
    content = {name: value for name, value in entry_of(definition).items() if name != "version"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def changed_fields(before: Definition | None, after: Definition | None) -> dict[str, tuple[Any, Any]]:
    """Return (what it was, what it becomes) of each field that differs, its version aside; None for absent."""
    old = entry_of(before) if before else {}
    new = entry_of(after) if after else {}
    names = [name for name in (*new, *(name for name in old if name not in new)) if name != "version"]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _rule_of(definition: Definition) -> Mapping[str, Any]:
    if definition.expression:
        return {"expression": definition.expression}
    if definition.comparisons:
        return {"comparisons": [_comparison(each) for each in definition.comparisons], "join": definition.join}
    if definition.operator is None:
        return {}
    quantity = str(definition.quantity)
    threshold = said(quantity, definition.threshold or 0.0)
    return {"quantity": quantity, "operator": definition.operator, "threshold": threshold}


def _comparison(each: Comparison) -> dict[str, Any]:
    written = {"quantity": each.quantity, "operator": each.operator, "threshold": said(each.quantity, each.threshold)}
    return written | ({"dead_band": each.dead_band} if each.dead_band else {})


def said(quantity: str, value: float) -> float | str:
    """Return a value as a person writes it: a state's word, else the figure."""
    word = state_word(quantity, value) if unit_of(quantity) == "state" else None
    return value if word is None else word


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.name,
        "given": [
            {"at_s": report.at_s} | {name: said(name, value) for name, value in report.values} for report in trial.given
        ],
        "expect": [{_NAMES[told.kind]: told.at_s} for told in trial.expect],
        "until_s": trial.until_s,
    }

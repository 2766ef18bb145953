"""Reading the tests that stand beside a definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.units import STATES, state_value, unit_of
from beffroi.kernel.alarms.rules.definition_fields import Problems
from beffroi.kernel.alarms.types import Said, Told, Trial
from beffroi.kernel.twin.types import CLASSES

MAX_TRIALS = 20
MAX_REPORTS = 200
MAX_S = 30 * DAY / SECOND
MAX_NAME = 160
_KNOWN = {"name", "given", "expect", "until_s"}
_EXPECTED: Mapping[str, Any] = {"raised_s": "raise", "returned_s": "return"}


def read_trials(entry: Mapping[str, Any], values: Mapping[str, Any], problems: Problems) -> tuple[Trial, ...]:
    """Return a definition's tests; `values` are the fields read before: they tell for how long a test must look."""
    stated = entry.get("tests") or []
    if not isinstance(stated, list) or len(stated) > MAX_TRIALS:
        problems.add(f"`tests` is not a list of {MAX_TRIALS} tests at most", "tests")
        return ()
    read = [_trial(each, f"test {place}", entry, values, problems) for place, each in enumerate(stated, 1)]
    names = [trial.name for trial in read if trial is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"the test `{name}` is written twice; give each its name", "tests")
    return tuple(trial for trial in read if trial is not None)


def _trial(
    stated: Any, where: str, entry: Mapping[str, Any], values: Mapping[str, Any], problems: Problems
) -> Trial | None:
    before = len(problems.found)
    if not isinstance(stated, Mapping) or not {"name", "given", "expect"} <= set(stated) <= _KNOWN:
        problems.add(f"{where}: write name, given, expect and, at will, until_s", "tests")
        return None
    name = stated["name"]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        problems.add(f"{where}: `name` is not a text of 1 to {MAX_NAME} characters", "tests")
        return None
    where = f"{where}, {name.strip()}"
    given = _given(stated["given"], where, str(entry["asset_class"]), problems)
    expect = _expect(stated["expect"], where, problems)
    last = max([0.0, *(said.at_s for said in given), *(told.at_s for told in expect)])
    until = _second(stated["until_s"], where, "until_s", problems) if "until_s" in stated else last + _patience(values)
    if until < last:
        problems.add(f"{where}: until_s ends before the last report or expectation", "tests")
    return None if len(problems.found) > before else Trial(" ".join(name.split()), given, expect, until)


def _given(stated: Any, where: str, asset_class: str, problems: Problems) -> tuple[Said, ...]:
    if not isinstance(stated, list) or not 0 < len(stated) <= MAX_REPORTS:
        problems.add(f"{where}: `given` is not a list of 1 to {MAX_REPORTS} reports", "tests")
        return ()
    known = CLASSES[asset_class].quantities if asset_class in CLASSES else ()
    read = []
    for each in stated:
        if not isinstance(each, Mapping) or "at_s" not in each:
            problems.add(f"{where}: a report is `{{at_s: seconds, quantity: value}}`", "tests")
            continue
        told = [(str(name), _value(str(name), value, known, where, problems)) for name, value in each.items()]
        at_s = _second(each["at_s"], where, "at_s", problems)
        read.append(Said(at_s, tuple((name, value) for name, value in told if value is not None and name != "at_s")))
    if [said.at_s for said in read] != sorted(said.at_s for said in read):
        problems.add(f"{where}: write the reports in the order of their seconds", "tests")
    return tuple(read)


def _value(name: str, stated: Any, known: Sequence[str], where: str, problems: Problems) -> float | None:
    if name == "at_s":
        return None
    value: float | None = None
    if name not in known:
        problems.add(
            f"{where}: `{name}` is no quantity of this equipment; it has {', '.join(known) or 'none'}", "tests"
        )
    elif unit_of(name) == "state":
        value = state_value(name, stated) if isinstance(stated, str) else None
        if value is None:
            told = f"{stated!r} is no state of `{name}`; write one of {', '.join(STATES.get(name, ()))} in quotes"
            problems.add(f"{where}: {told}", "tests")
    elif isinstance(stated, bool) or not isinstance(stated, int | float) or not abs(stated) <= MAX_VALUE:
        problems.add(f"{where}: {stated!r} is not a number in the unit of `{name}`", "tests")
    else:
        value = float(stated)
    return value


def _expect(stated: Any, where: str, problems: Problems) -> tuple[Told, ...]:
    if not isinstance(stated, list) or len(stated) > MAX_REPORTS:
        problems.add(f"{where}: `expect` is not a list; write [] for no alarm at all", "tests")
        return ()
    read = []
    for each in stated:
        name = str(next(iter(each))) if isinstance(each, Mapping) and len(each) == 1 else ""
        if name not in _EXPECTED:
            problems.add(f"{where}: an expectation is `{{raised_s: seconds}}` or `{{returned_s: seconds}}`", "tests")
        else:
            read.append(Told(_EXPECTED[name], _second(each[name], where, name, problems)))
    return tuple(read)


def _second(stated: Any, where: str, name: str, problems: Problems) -> float:
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 <= stated <= MAX_S:
        problems.add(f"{where}: `{name}` is {stated!r}; write seconds from 0 to {MAX_S:g}", "tests")
        return 0.0
    return float(stated)


def _patience(values: Mapping[str, Any]) -> float:
    """Return for how long after the last word something may still come: every delay, and the silence that is waited for."""
    known = CLASSES.get(values.get("asset_class", ""))
    silence = (values.get("silence_periods") or 0) * ((known.period_s if known else None) or 0)
    delays = [values.get(name) or 0.0 for name in ("on_delay_s", "off_delay_s")]
    waited = silence + sum(delays) + 1
    return waited if math.isfinite(waited) else 1.0

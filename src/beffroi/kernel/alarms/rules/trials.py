"""Running the tests that stand beside a definition, on the watch that the engine itself uses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from beffroi.foundation.clock import DAY, SECOND, Instant
from beffroi.kernel.alarms.rules.watch import Watch
from beffroi.kernel.alarms.types import Definition, Told, Transition, Trial
from beffroi.kernel.twin.types import CLASSES

_ASSET = np.array([1], np.int64)
_BEGIN: Instant = DAY


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. It passes when what came is what was expected, no more and no less."""

    name: str
    expected: tuple[Told, ...]
    came: tuple[Told, ...]

    @property
    def passed(self) -> bool:
        """Tell whether it passed."""
        return self.expected == self.came


def run_trials(definition: Definition) -> tuple[Outcome, ...]:
    """Run every test of a definition. Pure: no clock but the test's own."""
    return tuple(Outcome(trial.name, trial.expect, _came(definition, trial)) for trial in definition.tests)


def told_words(told: Iterable[Told]) -> str:
    """Return what is expected, or came, as a line: `raised at 5 s, returned at 90 s`, or `nothing`."""
    words = {"raise": "raised", "return": "returned"}
    return ", ".join(f"{words[each.kind]} at {each.at_s:g} s" for each in told) or "nothing"


def _came(definition: Definition, trial: Trial) -> tuple[Told, ...]:
    watch = Watch([definition], [(1, definition.asset_class)])
    silent = definition.silence_periods is not None
    told = _listen(watch, definition, trial) if silent else _look(watch, trial)
    until = _instant(trial.until_s)
    return tuple(
        Told(each.kind, round((each.at - _BEGIN) / SECOND, 6))
        for each in (*told, *watch.due(until))
        if each.at <= until
    )


def _look(watch: Watch, trial: Trial) -> list[Transition]:
    told: list[Transition] = []
    for said in trial.given:
        at = _instant(said.at_s)
        for quantity, value in said.values:
            watch.observe(quantity, _ASSET, np.array([value]), np.array([at], np.int64))
        told += watch.due(at)
    return told


def _listen(watch: Watch, definition: Definition, trial: Trial) -> list[Transition]:
    """Hand over the periods missed at each second, as the engine does, or rather at those where something may change."""
    period_s = CLASSES[definition.asset_class].period_s or 1
    patience_s = (definition.silence_periods or 0) * period_s
    told: list[Transition] = []
    for place, said in enumerate(trial.given):
        following = trial.given[place + 1].at_s if place + 1 < len(trial.given) else math.inf
        for second in (said.at_s, said.at_s + patience_s):
            tick = math.ceil(second)
            if tick <= trial.until_s and tick < following:
                missed = np.array([(tick - said.at_s) / period_s])
                watch.hear(_ASSET, missed, _instant(tick))
                told += watch.due(_instant(tick))
    return told


def _instant(second: float) -> Instant:
    return _BEGIN + round(second * SECOND)

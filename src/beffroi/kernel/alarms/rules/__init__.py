"""Pure decisions of the alarms' room: reading definitions, the states of an alarm, watching values."""

from beffroi.kernel.alarms.rules.definitions import explanations, parse_definitions
from beffroi.kernel.alarms.rules.lifecycle import TABLE, next_state, sources_of
from beffroi.kernel.alarms.rules.trials import Outcome, run_trials, told_words
from beffroi.kernel.alarms.rules.watch import Watch

__all__ = [
    "TABLE",
    "Outcome",
    "Watch",
    "explanations",
    "next_state",
    "parse_definitions",
    "run_trials",
    "sources_of",
    "told_words",
]

"""Pure decisions of the alarms' room: reading definitions, the states of an alarm, watching values."""

from beffroi.kernel.alarms.rules.cases import case_of_alarm, case_of_withdrawal
from beffroi.kernel.alarms.rules.definitions import commands_that_explain, explanations, parse_definitions
from beffroi.kernel.alarms.rules.lifecycle import LATCHING, RETURNED_ASIDE, TABLE, next_state, refusal
from beffroi.kernel.alarms.rules.priorities import (
    DEFAULT_PRIORITIES,
    check_reason,
    check_shelving,
    check_withdrawal,
    parse_priorities,
)
from beffroi.kernel.alarms.rules.trials import Outcome, run_trials, told_words
from beffroi.kernel.alarms.rules.watch import Watch

__all__ = [
    "DEFAULT_PRIORITIES",
    "LATCHING",
    "RETURNED_ASIDE",
    "TABLE",
    "Outcome",
    "Watch",
    "case_of_alarm",
    "case_of_withdrawal",
    "check_reason",
    "check_shelving",
    "check_withdrawal",
    "commands_that_explain",
    "explanations",
    "next_state",
    "parse_definitions",
    "parse_priorities",
    "refusal",
    "run_trials",
    "told_words",
]

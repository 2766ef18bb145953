"""Pure decisions of the procedures' room."""

from beffroi.kernel.procedures.rules.answers import ENDS, Answers, Wording, parse_answers
from beffroi.kernel.procedures.rules.checking import problems_between
from beffroi.kernel.procedures.rules.lines import Problem, WrongProcedure
from beffroi.kernel.procedures.rules.moving import (
    Doer,
    Moved,
    add_lane,
    added_step,
    again,
    answer,
    ask,
    confirm,
    pin,
    report,
    skip,
    stop,
    tick,
)
from beffroi.kernel.procedures.rules.naming import Known, unknown_names
from beffroi.kernel.procedures.rules.picturing import picture_name
from beffroi.kernel.procedures.rules.proposing import proposals
from beffroi.kernel.procedures.rules.reading import KINDS, parse_library, parse_procedure, read_step
from beffroi.kernel.procedures.rules.running import (
    begin,
    every_step,
    inside,
    is_by_hand,
    is_standing,
    left_of,
    next_wake,
    placed,
    settle,
    step_named,
)
from beffroi.kernel.procedures.rules.trials import expected_words, run_trials
from beffroi.kernel.procedures.rules.versions import DiffLine, compared, digest_of, numbered
from beffroi.kernel.procedures.rules.words import filled

__all__ = [
    "ENDS",
    "KINDS",
    "Answers",
    "DiffLine",
    "Doer",
    "Known",
    "Moved",
    "Problem",
    "Wording",
    "WrongProcedure",
    "add_lane",
    "added_step",
    "again",
    "answer",
    "ask",
    "begin",
    "compared",
    "confirm",
    "digest_of",
    "every_step",
    "expected_words",
    "filled",
    "inside",
    "is_by_hand",
    "is_standing",
    "left_of",
    "next_wake",
    "numbered",
    "parse_answers",
    "parse_library",
    "parse_procedure",
    "picture_name",
    "pin",
    "placed",
    "problems_between",
    "proposals",
    "read_step",
    "report",
    "run_trials",
    "settle",
    "skip",
    "step_named",
    "stop",
    "tick",
    "unknown_names",
]

"""The words of the console: what each state, class, quantity and verb is called, in the person's language.

Source strings are French; `locale/` holds the other catalogues. Scripts take theirs from `for_scripts`, so that there is
one catalogue. Each subject has a file of its own; all are read as `words.X`.
"""

from beffroi.console.words.alarms import ALARM_STATES, REVISION_STATES, RUNGS, alarm_state
from beffroi.console.words.commands import COMMAND_ENDS, COMMAND_STATES, COMMAND_STEPS, LEFT_OUT
from beffroi.console.words.equipment import (
    ABNORMAL,
    FRESHNESS,
    QUALITIES,
    QUANTITIES,
    RELATIONS,
    STATE_WORDS,
    is_abnormal,
    states_of,
    unit_symbol,
    value_words,
)
from beffroi.console.words.incidents import (
    CHANNELS,
    CLOCKS,
    CLOSE_REASONS,
    EVIDENCE_KINDS,
    GROUP_KINDS,
    INCIDENT_STATES,
    LINKED_BY,
    REASONS,
    TRANSFER_STATES,
    body_words,
    facts_words,
)
from beffroi.console.words.rooms import (
    CLASSES,
    CLOSURE_STATES,
    DESKS,
    GAPS,
    HANDOVER_STATES,
    INSTRUCTION_KINDS,
    ROLES,
    ROOMS,
    SENSITIVITIES,
    SHIFT_EVENTS,
    SOURCES,
    VERDICTS,
)
from beffroi.console.words.saying import Words, duration, lasting, told
from beffroi.console.words.scripts import for_scripts

__all__ = [
    "ABNORMAL",
    "ALARM_STATES",
    "CHANNELS",
    "CLASSES",
    "CLOCKS",
    "CLOSE_REASONS",
    "CLOSURE_STATES",
    "COMMAND_ENDS",
    "COMMAND_STATES",
    "COMMAND_STEPS",
    "DESKS",
    "EVIDENCE_KINDS",
    "FRESHNESS",
    "GAPS",
    "GROUP_KINDS",
    "HANDOVER_STATES",
    "INCIDENT_STATES",
    "INSTRUCTION_KINDS",
    "LEFT_OUT",
    "LINKED_BY",
    "QUALITIES",
    "QUANTITIES",
    "REASONS",
    "RELATIONS",
    "REVISION_STATES",
    "ROLES",
    "ROOMS",
    "RUNGS",
    "SENSITIVITIES",
    "SHIFT_EVENTS",
    "SOURCES",
    "STATE_WORDS",
    "TRANSFER_STATES",
    "VERDICTS",
    "Words",
    "alarm_state",
    "body_words",
    "duration",
    "facts_words",
    "for_scripts",
    "is_abnormal",
    "lasting",
    "states_of",
    "told",
    "unit_symbol",
    "value_words",
]

"""Pure decisions of the incidents' room."""

from beffroi.kernel.incidents.rules.catalogue import codes_of, family_of, parse_categories, parse_correlation
from beffroi.kernel.incidents.rules.clocks import (
    Judged,
    check_mark,
    check_pause,
    done_at,
    elapsed,
    falls_at,
    judge,
    merged,
    within_of,
)
from beffroi.kernel.incidents.rules.evidence import MAX_PER_INCIDENT, Redrawn, check_step, redrawn, taken_when
from beffroi.kernel.incidents.rules.lifecycle import (
    MAX_TEXT,
    case_of,
    check_closing,
    check_qualifying,
    check_text,
    number_of,
    reference_of,
)
from beffroi.kernel.incidents.rules.linking import Compared, Twin, compare, reach, stays
from beffroi.kernel.incidents.rules.profile import parse_bodies, parse_deadlines
from beffroi.kernel.incidents.rules.replay import CHANGES, replay
from beffroi.kernel.incidents.rules.states import ENDS, TABLE, needs_owner, next_state
from beffroi.kernel.incidents.rules.wording import root_of, says_all

__all__ = [
    "CHANGES",
    "ENDS",
    "MAX_PER_INCIDENT",
    "MAX_TEXT",
    "TABLE",
    "Compared",
    "Judged",
    "Redrawn",
    "Twin",
    "case_of",
    "check_closing",
    "check_mark",
    "check_pause",
    "check_qualifying",
    "check_step",
    "check_text",
    "codes_of",
    "compare",
    "done_at",
    "elapsed",
    "falls_at",
    "family_of",
    "judge",
    "merged",
    "needs_owner",
    "next_state",
    "number_of",
    "parse_bodies",
    "parse_categories",
    "parse_correlation",
    "parse_deadlines",
    "reach",
    "redrawn",
    "reference_of",
    "replay",
    "root_of",
    "says_all",
    "stays",
    "taken_when",
    "within_of",
]

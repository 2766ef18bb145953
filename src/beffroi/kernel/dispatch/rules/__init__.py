"""Pure decisions of dispatch."""

from beffroi.kernel.dispatch.rules.distress import category_of
from beffroi.kernel.dispatch.rules.duty import check_headcount, check_unavailable, is_alone, status_of
from beffroi.kernel.dispatch.rules.missions import (
    DONE_BY,
    TABLE,
    check_list,
    check_outcome,
    check_text,
    happened_at,
    next_state,
    no_such_line,
)
from beffroi.kernel.dispatch.rules.nearest import WORDS, candidate_of, counted_s, order, origin_of, sentence, told
from beffroi.kernel.dispatch.rules.positions import (
    TOO_OLD,
    TRACK_EVERY,
    check_may_follow,
    check_position,
    coarse,
    kept_of,
    metres_between,
    moved,
)
from beffroi.kernel.dispatch.rules.profile import parse_profile
from beffroi.kernel.dispatch.rules.silence import silence_of

__all__ = [
    "DONE_BY",
    "TABLE",
    "TOO_OLD",
    "TRACK_EVERY",
    "WORDS",
    "candidate_of",
    "category_of",
    "check_headcount",
    "check_list",
    "check_may_follow",
    "check_outcome",
    "check_position",
    "check_text",
    "check_unavailable",
    "coarse",
    "counted_s",
    "happened_at",
    "is_alone",
    "kept_of",
    "metres_between",
    "moved",
    "next_state",
    "no_such_line",
    "order",
    "origin_of",
    "parse_profile",
    "sentence",
    "silence_of",
    "status_of",
    "told",
]

"""Pure decisions of the people's room: clearances and the one door, posts, shifts and what a hand-over may say."""

from beffroi.kernel.people.rules.clearances import (
    RIGHTS,
    SIGN_IN_FAILURES,
    SIGN_IN_TOLD,
    SIGN_IN_WAIT,
    SIGN_IN_WINDOW,
    TOKEN_PREFIX,
    decide,
    folded_name,
    name_digest,
    rights_of,
    territories,
    token_digest,
    wait_before_sign_in,
)
from beffroi.kernel.people.rules.posts import MAX_POSTS, parse_posts, seat, whole_room
from beffroi.kernel.people.rules.shifts import (
    DAY_MIN,
    check_due,
    check_text,
    freeze,
    parse_shifts,
    shift_at,
    turn,
)

__all__ = [
    "DAY_MIN",
    "MAX_POSTS",
    "RIGHTS",
    "SIGN_IN_FAILURES",
    "SIGN_IN_TOLD",
    "SIGN_IN_WAIT",
    "SIGN_IN_WINDOW",
    "TOKEN_PREFIX",
    "check_due",
    "check_text",
    "decide",
    "folded_name",
    "freeze",
    "name_digest",
    "parse_posts",
    "parse_shifts",
    "rights_of",
    "seat",
    "shift_at",
    "territories",
    "token_digest",
    "turn",
    "wait_before_sign_in",
    "whole_room",
]

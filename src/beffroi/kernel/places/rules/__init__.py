"""Pure decisions of the places' room: how addresses are written, how files are read, how fast one goes, what may be closed.

`graph` is not gathered here: it brings scipy's graphs, half a second that every process would pay at its start.
"""

from beffroi.kernel.places.rules.addresses import (
    MAX_WORDS,
    SHORT_FORMS,
    Sought,
    folded,
    folded_number,
    folded_street,
    sought,
)
from beffroi.kernel.places.rules.closures import (
    MAX_CLOSURES,
    MAX_SEGMENTS,
    check_period,
    check_reason,
    check_segments,
    state_of,
)
from beffroi.kernel.places.rules.roads import LIMITS_KMH, road_class
from beffroi.kernel.places.rules.rows import flag_of, geometry_of, number_of, position_of, text_of

__all__ = [
    "LIMITS_KMH",
    "MAX_CLOSURES",
    "MAX_SEGMENTS",
    "MAX_WORDS",
    "SHORT_FORMS",
    "Sought",
    "check_period",
    "check_reason",
    "check_segments",
    "flag_of",
    "folded",
    "folded_number",
    "folded_street",
    "geometry_of",
    "number_of",
    "position_of",
    "road_class",
    "sought",
    "state_of",
    "text_of",
]

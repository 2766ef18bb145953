"""Pure decisions of the incidents' room."""

from beffroi.kernel.incidents.rules.catalogue import codes_of, family_of, parse_categories, parse_correlation
from beffroi.kernel.incidents.rules.lifecycle import (
    MAX_TEXT,
    TABLE,
    check_closing,
    check_text,
    next_state,
    number_of,
    reference_of,
)
from beffroi.kernel.incidents.rules.linking import Compared, Twin, compare, reach, stays

__all__ = [
    "MAX_TEXT",
    "TABLE",
    "Compared",
    "Twin",
    "check_closing",
    "check_text",
    "codes_of",
    "compare",
    "family_of",
    "next_state",
    "number_of",
    "parse_categories",
    "parse_correlation",
    "reach",
    "reference_of",
    "stays",
]

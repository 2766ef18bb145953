"""Pure decisions of the incidents' room."""

from beffroi.kernel.incidents.rules.lifecycle import (
    MAX_TEXT,
    TABLE,
    check_closing,
    check_text,
    next_state,
    number_of,
    reference_of,
)

__all__ = [
    "MAX_TEXT",
    "TABLE",
    "check_closing",
    "check_text",
    "next_state",
    "number_of",
    "reference_of",
]

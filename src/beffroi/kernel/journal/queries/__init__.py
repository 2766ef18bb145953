"""Every read of the journal."""

from beffroi.kernel.journal.queries.keys import (
    erasure_of,
    erasures_waiting,
    get_erasure,
    holders,
    masters,
    masters_folder,
)
from beffroi.kernel.journal.queries.lines import (
    MAX_LIMIT,
    Filters,
    digests_after,
    get_line,
    last_seal,
    last_seq,
    lines_numbered,
    lines_of,
    lines_of_any,
    list_lines,
    seal_of_line,
    sealed_seq,
    subjects_changed,
)
from beffroi.kernel.journal.queries.verifying import verify

__all__ = [
    "MAX_LIMIT",
    "Filters",
    "digests_after",
    "erasure_of",
    "erasures_waiting",
    "get_erasure",
    "get_line",
    "holders",
    "last_seal",
    "last_seq",
    "lines_numbered",
    "lines_of",
    "lines_of_any",
    "list_lines",
    "masters",
    "masters_folder",
    "seal_of_line",
    "sealed_seq",
    "subjects_changed",
    "verify",
]

"""Every read of the journal."""

from beffroi.kernel.journal.queries.checkpoint import Checkpoint, checkpoint
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
    get_seal,
    last_seal,
    last_seq,
    lines_numbered,
    lines_of,
    lines_of_any,
    list_lines,
    seal_of_line,
    sealed_seq,
    seals_after,
    subjects_changed,
    verbs_between,
)
from beffroi.kernel.journal.queries.verifying import Part, Walked, verify, verify_part
from beffroi.kernel.journal.queries.witness import Witness, this_witness

__all__ = [
    "MAX_LIMIT",
    "Checkpoint",
    "Filters",
    "Part",
    "Walked",
    "Witness",
    "checkpoint",
    "digests_after",
    "erasure_of",
    "erasures_waiting",
    "get_erasure",
    "get_line",
    "get_seal",
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
    "seals_after",
    "subjects_changed",
    "this_witness",
    "verbs_between",
    "verify",
    "verify_part",
]

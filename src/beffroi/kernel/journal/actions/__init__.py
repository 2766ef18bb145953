"""Every write of the journal. A line is never changed: it is corrected by another one."""

from beffroi.kernel.journal.actions.correcting import correct_line, open_vault_line, tell_export
from beffroi.kernel.journal.actions.erasing import (
    ask_erasure,
    confirm_erasure,
    erase_personal,
    rotate_master,
    withdraw_erasure,
)
from beffroi.kernel.journal.actions.keeping import encrypt_kept, keep_words
from beffroi.kernel.journal.actions.keys import make_master
from beffroi.kernel.journal.actions.sealing import adopt_restored, seal
from beffroi.kernel.journal.actions.witness import keep_checkpoint
from beffroi.kernel.journal.actions.writing import append

__all__ = [
    "adopt_restored",
    "append",
    "ask_erasure",
    "confirm_erasure",
    "correct_line",
    "encrypt_kept",
    "erase_personal",
    "keep_checkpoint",
    "keep_words",
    "make_master",
    "open_vault_line",
    "rotate_master",
    "seal",
    "tell_export",
    "withdraw_erasure",
]

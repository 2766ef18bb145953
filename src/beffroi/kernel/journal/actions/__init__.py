"""Every write of the journal. A line is never changed: it is corrected by another one."""

from beffroi.kernel.journal.actions.erasing import (
    ask_erasure,
    confirm_erasure,
    erase_personal,
    rotate_master,
    withdraw_erasure,
)
from beffroi.kernel.journal.actions.sealing import seal
from beffroi.kernel.journal.actions.writing import append

__all__ = [
    "append",
    "ask_erasure",
    "confirm_erasure",
    "erase_personal",
    "rotate_master",
    "seal",
    "withdraw_erasure",
]

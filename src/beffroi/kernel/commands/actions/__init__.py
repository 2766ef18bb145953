"""Every write of the commands' room."""

from beffroi.kernel.commands.actions.asking import ask
from beffroi.kernel.commands.actions.deciding import authorise, cancel, deny
from beffroi.kernel.commands.actions.hearing import hear
from beffroi.kernel.commands.actions.profile import publish_abilities
from beffroi.kernel.commands.actions.sending import LEAVE_WITHIN, MAX_CLAIM, Claimed, claim, note_left, note_receipts
from beffroi.kernel.commands.actions.timing import (
    PASSES,
    expire_commands,
    pass_time,
    return_commands,
    sum_up_requests,
)
from beffroi.kernel.commands.actions.undoing import revert

__all__ = [
    "LEAVE_WITHIN",
    "MAX_CLAIM",
    "PASSES",
    "Claimed",
    "ask",
    "authorise",
    "cancel",
    "claim",
    "deny",
    "expire_commands",
    "hear",
    "note_left",
    "note_receipts",
    "pass_time",
    "publish_abilities",
    "return_commands",
    "revert",
    "sum_up_requests",
]

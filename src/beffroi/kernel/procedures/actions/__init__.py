"""Every write of the procedures' room: put in force, run step by step by people, moved by time and by what is observed."""

from beffroi.kernel.procedures.actions.adapting import add_step, reapply, stop
from beffroi.kernel.procedures.actions.answering import answer_tellers, attach_with_address, open_with_address
from beffroi.kernel.procedures.actions.asking import engage, send
from beffroi.kernel.procedures.actions.doing import answer, confirm, skip, tick
from beffroi.kernel.procedures.actions.importing import Imported, import_procedures
from beffroi.kernel.procedures.actions.mailing import leave_address, send_again, send_letters
from beffroi.kernel.procedures.actions.publishing import Published, publish_procedures
from beffroi.kernel.procedures.actions.revising import (
    author_key,
    draft_procedure,
    drop_procedure,
    propose_procedure,
    propose_procedure_withdrawal,
    put_procedure_in_force,
    refuse_procedure,
)
from beffroi.kernel.procedures.actions.seeing import acknowledge_message
from beffroi.kernel.procedures.actions.starting import start
from beffroi.kernel.procedures.actions.timing import pass_time

__all__ = [
    "Imported",
    "Published",
    "acknowledge_message",
    "add_step",
    "answer",
    "answer_tellers",
    "attach_with_address",
    "author_key",
    "confirm",
    "draft_procedure",
    "drop_procedure",
    "engage",
    "import_procedures",
    "leave_address",
    "open_with_address",
    "pass_time",
    "propose_procedure",
    "propose_procedure_withdrawal",
    "publish_procedures",
    "put_procedure_in_force",
    "reapply",
    "refuse_procedure",
    "send",
    "send_again",
    "send_letters",
    "skip",
    "start",
    "stop",
    "tick",
]

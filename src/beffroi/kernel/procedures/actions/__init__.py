"""Every write of the procedures' room: put in force, run step by step by people, moved by time and by what is observed."""

from beffroi.kernel.procedures.actions.adapting import add_step, reapply, stop
from beffroi.kernel.procedures.actions.doing import answer, confirm, skip, tick
from beffroi.kernel.procedures.actions.publishing import Published, publish_procedures
from beffroi.kernel.procedures.actions.seeing import acknowledge_message
from beffroi.kernel.procedures.actions.starting import start
from beffroi.kernel.procedures.actions.timing import pass_time

__all__ = [
    "Published",
    "acknowledge_message",
    "add_step",
    "answer",
    "confirm",
    "pass_time",
    "publish_procedures",
    "reapply",
    "skip",
    "start",
    "stop",
    "tick",
]

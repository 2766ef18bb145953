"""Every write of the alarms' room: definitions put in force, transitions applied, alarms acknowledged."""

from beffroi.kernel.alarms.actions.acknowledging import acknowledge_alarm, acknowledge_alarms
from beffroi.kernel.alarms.actions.applying import apply_transitions, release_suppressed
from beffroi.kernel.alarms.actions.importing import Imported, import_definitions
from beffroi.kernel.alarms.actions.publishing import Published, publish_definitions
from beffroi.kernel.alarms.actions.revising import (
    WrongDefinition,
    draft_definition,
    drop_definition,
    keep_what_if,
    propose_definition,
    propose_withdrawal,
    put_definition_in_force,
    refuse_definition,
)
from beffroi.kernel.alarms.actions.rows import lock_alarms
from beffroi.kernel.alarms.actions.watching import Watched, watch_alarms

__all__ = [
    "Imported",
    "Published",
    "Watched",
    "WrongDefinition",
    "acknowledge_alarm",
    "acknowledge_alarms",
    "apply_transitions",
    "draft_definition",
    "drop_definition",
    "import_definitions",
    "keep_what_if",
    "lock_alarms",
    "propose_definition",
    "propose_withdrawal",
    "publish_definitions",
    "put_definition_in_force",
    "refuse_definition",
    "release_suppressed",
    "watch_alarms",
]

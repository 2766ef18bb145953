"""Every write of the alarms' room: definitions put in force, transitions applied, what people and time do to alarms."""

from beffroi.kernel.alarms.actions.acknowledging import acknowledge_alarm, acknowledge_alarms, reset_alarm
from beffroi.kernel.alarms.actions.applying import apply_transitions, release_suppressed
from beffroi.kernel.alarms.actions.commanding import follow_commands
from beffroi.kernel.alarms.actions.escalating import escalate_alarms, re_alarm
from beffroi.kernel.alarms.actions.importing import Imported, import_definitions
from beffroi.kernel.alarms.actions.judging import judge_alarms
from beffroi.kernel.alarms.actions.publishing import Published, publish_definitions
from beffroi.kernel.alarms.actions.ranking import publish_priorities
from beffroi.kernel.alarms.actions.replaying import MAX_DAYS, MAX_VALUES_A_DAY, replay_revision
from beffroi.kernel.alarms.actions.revising import (
    WrongDefinition,
    author_key,
    draft_definition,
    drop_definition,
    keep_what_if,
    propose_definition,
    propose_withdrawal,
    put_definition_in_force,
    refuse_definition,
)
from beffroi.kernel.alarms.actions.rows import lock_alarms
from beffroi.kernel.alarms.actions.service import put_back_in_service, remind_withdrawals, take_out_of_service
from beffroi.kernel.alarms.actions.shelving import end_shelvings, shelve_alarm, unshelve_alarm
from beffroi.kernel.alarms.actions.summing import sum_up
from beffroi.kernel.alarms.actions.watching import Watched, watch_alarms

__all__ = [
    "MAX_DAYS",
    "MAX_VALUES_A_DAY",
    "Imported",
    "Published",
    "Watched",
    "WrongDefinition",
    "acknowledge_alarm",
    "acknowledge_alarms",
    "apply_transitions",
    "author_key",
    "draft_definition",
    "drop_definition",
    "end_shelvings",
    "escalate_alarms",
    "follow_commands",
    "import_definitions",
    "judge_alarms",
    "keep_what_if",
    "lock_alarms",
    "propose_definition",
    "propose_withdrawal",
    "publish_definitions",
    "publish_priorities",
    "put_back_in_service",
    "put_definition_in_force",
    "re_alarm",
    "refuse_definition",
    "release_suppressed",
    "remind_withdrawals",
    "replay_revision",
    "reset_alarm",
    "shelve_alarm",
    "sum_up",
    "take_out_of_service",
    "unshelve_alarm",
    "watch_alarms",
]

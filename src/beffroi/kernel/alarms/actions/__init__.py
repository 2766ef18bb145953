"""Every write of the alarms' room: definitions put in force, transitions applied, alarms acknowledged."""

from beffroi.kernel.alarms.actions.acknowledging import acknowledge_alarm, acknowledge_alarms
from beffroi.kernel.alarms.actions.applying import apply_transitions, release_suppressed
from beffroi.kernel.alarms.actions.publishing import Published, publish_definitions
from beffroi.kernel.alarms.actions.rows import lock_alarms
from beffroi.kernel.alarms.actions.watching import Watched, watch_alarms

__all__ = [
    "Published",
    "Watched",
    "acknowledge_alarm",
    "acknowledge_alarms",
    "apply_transitions",
    "lock_alarms",
    "publish_definitions",
    "release_suppressed",
    "watch_alarms",
]

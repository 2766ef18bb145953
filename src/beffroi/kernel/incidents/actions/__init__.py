"""Every write of the incidents' room: opened and resolved by what their alarms do, led and closed by people."""

from beffroi.kernel.incidents.actions.following import follow_alarms
from beffroi.kernel.incidents.actions.leading import (
    acknowledge_incident,
    close_incident,
    note_incident,
    reopen_incident,
    take_incident,
)

__all__ = [
    "acknowledge_incident",
    "close_incident",
    "follow_alarms",
    "note_incident",
    "reopen_incident",
    "take_incident",
]

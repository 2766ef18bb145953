"""Every write of the incidents' room: opened and resolved by what their alarms do, told, led, united and closed by people."""

from beffroi.kernel.incidents.actions.attending import (
    let_time_pass,
    put_back_in_service,
    reset_alarm,
    shelve_alarm,
    take_out_of_service,
    unshelve_alarm,
)
from beffroi.kernel.incidents.actions.comparing import compare_incidents, confirm_link, reject_link
from beffroi.kernel.incidents.actions.following import follow_alarms
from beffroi.kernel.incidents.actions.grouping import Together, acknowledge_group
from beffroi.kernel.incidents.actions.leading import (
    acknowledge_incident,
    close_incident,
    note_incident,
    reopen_incident,
    take_incident,
)
from beffroi.kernel.incidents.actions.merging import merge_incidents, separate_incident
from beffroi.kernel.incidents.actions.opening import (
    Opened,
    TooMany,
    attach_signal,
    open_for_procedure,
    open_incident,
)
from beffroi.kernel.incidents.actions.publishing import publish_profile
from beffroi.kernel.incidents.actions.splitting import split_incident

__all__ = [
    "Opened",
    "Together",
    "TooMany",
    "acknowledge_group",
    "acknowledge_incident",
    "attach_signal",
    "close_incident",
    "compare_incidents",
    "confirm_link",
    "follow_alarms",
    "let_time_pass",
    "merge_incidents",
    "note_incident",
    "open_for_procedure",
    "open_incident",
    "publish_profile",
    "put_back_in_service",
    "reject_link",
    "reopen_incident",
    "reset_alarm",
    "separate_incident",
    "shelve_alarm",
    "split_incident",
    "take_incident",
    "take_out_of_service",
    "unshelve_alarm",
]

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
from beffroi.kernel.incidents.actions.engaging import follow_crew, hold_engaged, keep_nameable, open_for_crew
from beffroi.kernel.incidents.actions.evidence import attach_evidence, open_evidence
from beffroi.kernel.incidents.actions.following import follow_alarms
from beffroi.kernel.incidents.actions.grouping import Together, acknowledge_group
from beffroi.kernel.incidents.actions.handing import (
    accept_transfer,
    associate_desk,
    dissociate_desk,
    propose_transfer,
    record_acceptance,
    refuse_transfer,
    withdraw_transfer,
)
from beffroi.kernel.incidents.actions.holding import correct_pause, declare_pause, hold_incident, resume_incident
from beffroi.kernel.incidents.actions.leading import (
    acknowledge_incident,
    assign_incident,
    close_incident,
    note_incident,
    qualify_incident,
    reopen_incident,
    resolve_incident,
    take_incident,
)
from beffroi.kernel.incidents.actions.marking import correct_mark, mark_incident
from beffroi.kernel.incidents.actions.merging import merge_incidents, separate_incident
from beffroi.kernel.incidents.actions.opening import Opened, TooMany, attach_signal, open_for_procedure, open_incident
from beffroi.kernel.incidents.actions.profile import publish_bodies, publish_deadlines
from beffroi.kernel.incidents.actions.publishing import publish_profile
from beffroi.kernel.incidents.actions.splitting import split_incident
from beffroi.kernel.incidents.actions.timing import pass_time

__all__ = [
    "Opened",
    "Together",
    "TooMany",
    "accept_transfer",
    "acknowledge_group",
    "acknowledge_incident",
    "assign_incident",
    "associate_desk",
    "attach_evidence",
    "attach_signal",
    "close_incident",
    "compare_incidents",
    "confirm_link",
    "correct_mark",
    "correct_pause",
    "declare_pause",
    "dissociate_desk",
    "follow_alarms",
    "follow_crew",
    "hold_engaged",
    "hold_incident",
    "keep_nameable",
    "let_time_pass",
    "mark_incident",
    "merge_incidents",
    "note_incident",
    "open_evidence",
    "open_for_crew",
    "open_for_procedure",
    "open_incident",
    "pass_time",
    "propose_transfer",
    "publish_bodies",
    "publish_deadlines",
    "publish_profile",
    "put_back_in_service",
    "qualify_incident",
    "record_acceptance",
    "refuse_transfer",
    "reject_link",
    "reopen_incident",
    "reset_alarm",
    "resolve_incident",
    "resume_incident",
    "separate_incident",
    "shelve_alarm",
    "split_incident",
    "take_incident",
    "take_out_of_service",
    "unshelve_alarm",
    "withdraw_transfer",
]

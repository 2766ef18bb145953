"""The states of an incident, what moves it, and why it is closed."""

from __future__ import annotations

from enum import StrEnum


class IncidentState(StrEnum):
    """States of an incident. Those of OPEN_STATES ask for somebody; the others are its ends, each with its own name.

    That somebody saw it is a clock (`acknowledged`), not a state: an incident may be seen and not yet qualified.
    """

    NEW = "new"
    QUALIFIED = "qualified"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DUPLICATE = "duplicate"
    FALSE_ALARM = "false_alarm"
    NOT_COMPETENT = "not_competent"
    CANCELLED = "cancelled"
    NO_ACTION = "no_action"


OPEN_STATES = (
    IncidentState.NEW,
    IncidentState.QUALIFIED,
    IncidentState.ASSIGNED,
    IncidentState.IN_PROGRESS,
    IncidentState.ON_HOLD,
    IncidentState.REOPENED,
    IncidentState.RESOLVED,
)

ENDED_STATES = tuple(state for state in IncidentState if state not in OPEN_STATES)


class CloseReason(StrEnum):
    """Why an incident is closed: one must be chosen."""

    REPAIRED = "repaired"
    RETURNED_BY_ITSELF = "returned_by_itself"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    NOT_COMPETENT = "not_competent"
    CANCELLED = "cancelled"
    NO_ACTION = "no_action"


CLOSES_ACTIVE = (CloseReason.FALSE_ALARM, CloseReason.NO_ACTION)
"""Reasons that explain why an incident is closed while an alarm of it still stands."""

NEEDS_WORDS = (CloseReason.CANCELLED, CloseReason.NO_ACTION)
"""Reasons that say nothing by themselves: "no action, because" is written out."""


class IncidentEvent(StrEnum):
    """What moves an incident from one state to another. RESOLVE and REVIVE may follow its alarms; RESUME may come by itself."""

    ACKNOWLEDGE = "acknowledge"
    QUALIFY = "qualify"
    ASSIGN = "assign"
    TAKE = "take"
    MARK = "mark"
    HOLD = "hold"
    RESUME = "resume"
    ACCEPT = "accept"
    RESOLVE = "resolve"
    REVIVE = "revive"
    CLOSE = "close"
    MERGE = "merge"
    DISMISS = "dismiss"
    HAND_OUT = "hand_out"
    CANCEL = "cancel"
    DROP = "drop"
    REOPEN = "reopen"
    SPLIT = "split"

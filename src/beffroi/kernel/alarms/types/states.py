"""The states and events of an alarm (ISA-18.2 / IEC 62682), and why an event does not concern one."""

from __future__ import annotations

from enum import StrEnum


class AlarmState(StrEnum):
    """States of an alarm (ISA-18.2, clause 5.6). NORMAL is where an occurrence ends."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED = "latched"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    NORMAL = "normal"


OPEN_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.LATCHED,
    AlarmState.SHELVED,
    AlarmState.SUPPRESSED,
    AlarmState.OUT_OF_SERVICE,
)


HIDDEN_STATES = (AlarmState.SUPPRESSED, AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
"""Those that are not put before people: another alarm explains it, or somebody answers for it until an end."""


ACTIVE_STATES = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, *HIDDEN_STATES)
"""Those in which the condition still holds on the equipment; a latching alarm that is hidden may have returned."""


STANDING_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.LATCHED,
)
"""Those that are put before a person."""


class AlarmEvent(StrEnum):
    """What moves an alarm from one state to another (ISA-18.2, figure of the alarm state transitions)."""

    RAISE = "raise"
    RETURN = "return"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    RE_ALARM = "re_alarm"
    ESCALATE = "escalate"
    SUPPRESS = "suppress"
    RELEASE = "release"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    RESTORE = "restore"


class Refusal(StrEnum):
    """Why an event does not concern an alarm in its state: the name of every pair that the table lacks."""

    ENDED = "alarm-ended"
    STANDS = "alarm-stands-already"
    ACKNOWLEDGED = "already-acknowledged"
    RETURNED = "already-returned"
    LATCHED = "latched"
    EXPLAINED = "explained"
    SHELVED = "already-shelved"
    OUT_OF_SERVICE = "out-of-service"
    NOT_SHELVED = "not-shelved"
    NOT_EXPLAINED = "not-explained"
    NOT_OUT_OF_SERVICE = "not-out-of-service"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    HOLDS = "condition-holds"


RUNGS = ("room_supervisor", "duty_officer")
"""Who is told of an alarm that nobody acknowledges, rung after rung: the room's supervisor, then the city's duty officer."""

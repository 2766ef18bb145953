"""Coming on duty, breaks, and what a crew's status is: it follows from its duty, its mission and its distress. Pure."""

from __future__ import annotations

from beffroi.foundation.errors import Refused
from beffroi.kernel.dispatch.types import DutyState, MissionState, Unavailability, UnitStatus

MAX_HEADCOUNT = 20
_OF_MISSION = {
    MissionState.PROPOSED: UnitStatus.ALERTED,
    MissionState.ACCEPTED: UnitStatus.ALERTED,
    MissionState.EN_ROUTE: UnitStatus.EN_ROUTE,
    MissionState.ON_SITE: UnitStatus.ON_SITE,
}
_OF_DUTY = {
    DutyState.OFF: UnitStatus.OFF_DUTY,
    DutyState.ON: UnitStatus.AVAILABLE,
    DutyState.BREAK: UnitStatus.BREAK,
    DutyState.UNAVAILABLE: UnitStatus.UNAVAILABLE,
}


def status_of(duty: DutyState, mission: MissionState | None, distress: bool) -> UnitStatus:
    """Return what a crew is doing. One touch of the crew changes it: nobody keeps two lists in step."""
    if distress:
        return UnitStatus.DISTRESS
    if mission in _OF_MISSION:
        return _OF_MISSION[mission]
    return _OF_DUTY[duty]


def check_headcount(headcount: int) -> int:
    """Return how many people go out. Raises Refused outside 1 to 20."""
    if not 1 <= headcount <= MAX_HEADCOUNT:
        raise Refused(f"{headcount} people: a crew has 1 to {MAX_HEADCOUNT}", key="headcount-unknown")
    return headcount


def check_unavailable(reason: str) -> Unavailability:
    """Return why a crew cannot be sent. Raises Refused for what is not in the list."""
    if reason not in set(Unavailability):
        raise Refused(f"why? choose one of {', '.join(Unavailability)}", key="reason-missing")
    return Unavailability(reason)


def is_alone(headcount: int, alone: bool) -> bool:
    """Tell whether a crew is watched as a lone worker: one person, or people who work apart."""
    return alone or headcount <= 1

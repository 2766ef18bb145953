"""The life of an alarm as one table (ISA-18.2 / IEC 62682, alarm state transitions).

A pair that is not in the table changes nothing: an alarm that is raised twice is one alarm, and one that returned
before anyone saw it waits for its acknowledgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.kernel.alarms.types import AlarmEvent, AlarmState

_S, _E = AlarmState, AlarmEvent

TABLE: Mapping[tuple[AlarmState, AlarmEvent], AlarmState] = MappingProxyType(
    {
        (_S.NORMAL, _E.RAISE): _S.UNACKNOWLEDGED,
        (_S.RETURNED_UNACKNOWLEDGED, _E.RAISE): _S.UNACKNOWLEDGED,
        (_S.UNACKNOWLEDGED, _E.RETURN): _S.RETURNED_UNACKNOWLEDGED,
        (_S.ACKNOWLEDGED, _E.RETURN): _S.NORMAL,
        (_S.SUPPRESSED, _E.RETURN): _S.NORMAL,
        (_S.UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,
        (_S.RETURNED_UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.NORMAL,
        (_S.UNACKNOWLEDGED, _E.SUPPRESS): _S.SUPPRESSED,
        (_S.SUPPRESSED, _E.RELEASE): _S.UNACKNOWLEDGED,
    }
)


def next_state(state: AlarmState, event: AlarmEvent) -> AlarmState | None:
    """Return the state an event leads to, or None when it does not concern an alarm in this state."""
    return TABLE.get((state, event))


def sources_of(event: AlarmEvent) -> Mapping[AlarmState, AlarmState]:
    """Return, for one event, each state it may find and the state it leads to: what a set-based update needs."""
    return {state: after for (state, what), after in TABLE.items() if what == event}

"""The life of an alarm as one table (ISA-18.2 / IEC 62682, clause 5.6 and its figure of the alarm state transitions).

The letters are those of the figure: A normal, B unacknowledged, C acknowledged, D returned unacknowledged, E and F the
same once latched, G shelved, H suppressed by design, I out of service. A pair that is not in the table changes nothing,
and has a name (`refusal`): an alarm that is raised twice is one alarm, and one that returned before anyone saw it waits
for its acknowledgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.kernel.alarms.types import AlarmEvent, AlarmState, Refusal

_S, _E, _R = AlarmState, AlarmEvent, Refusal
Table = Mapping[tuple[AlarmState, AlarmEvent], AlarmState]

TABLE: Table = MappingProxyType(
    {
        (_S.NORMAL, _E.RAISE): _S.UNACKNOWLEDGED,  # A to B
        (_S.UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,  # B to C
        (_S.UNACKNOWLEDGED, _E.RETURN): _S.RETURNED_UNACKNOWLEDGED,  # B to D
        (_S.UNACKNOWLEDGED, _E.ESCALATE): _S.UNACKNOWLEDGED,
        (_S.ACKNOWLEDGED, _E.RETURN): _S.NORMAL,  # C to A
        (_S.ACKNOWLEDGED, _E.RE_ALARM): _S.UNACKNOWLEDGED,  # C to B
        (_S.RETURNED_UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.NORMAL,  # D to A
        (_S.RETURNED_UNACKNOWLEDGED, _E.RAISE): _S.UNACKNOWLEDGED,  # D to B
        (_S.UNACKNOWLEDGED, _E.SUPPRESS): _S.SUPPRESSED,  # B to H
        (_S.SUPPRESSED, _E.RELEASE): _S.UNACKNOWLEDGED,  # H to B
        (_S.SUPPRESSED, _E.RETURN): _S.NORMAL,  # H to A
        (_S.UNACKNOWLEDGED, _E.SHELVE): _S.SHELVED,  # B to G
        (_S.ACKNOWLEDGED, _E.SHELVE): _S.SHELVED,  # C to G
        (_S.RETURNED_UNACKNOWLEDGED, _E.SHELVE): _S.NORMAL,  # D to A: it was seen; what comes again is put aside
        (_S.SHELVED, _E.RETURN): _S.NORMAL,  # G to A
        (_S.SHELVED, _E.UNSHELVE): _S.UNACKNOWLEDGED,  # G to B
        (_S.SHELVED, _E.EXPIRE): _S.UNACKNOWLEDGED,  # G to B
        (_S.UNACKNOWLEDGED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # B to I
        (_S.ACKNOWLEDGED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # C to I
        (_S.SUPPRESSED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # H to I
        (_S.SHELVED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # G to I
        (_S.RETURNED_UNACKNOWLEDGED, _E.WITHDRAW): _S.NORMAL,  # D to A: nothing holds, and a person answers for it
        (_S.OUT_OF_SERVICE, _E.RETURN): _S.NORMAL,  # I to A
        (_S.OUT_OF_SERVICE, _E.RESTORE): _S.UNACKNOWLEDGED,  # I to B
    }
)
"""The life of an alarm that does not latch."""

LATCHING: Table = MappingProxyType(
    {key: after for key, after in TABLE.items() if key != (_S.RETURNED_UNACKNOWLEDGED, _E.SHELVE)}
    | {
        (_S.ACKNOWLEDGED, _E.RETURN): _S.LATCHED,  # C to F
        (_S.RETURNED_UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.LATCHED,  # E to F
        (_S.LATCHED, _E.RAISE): _S.UNACKNOWLEDGED,  # F to B
        (_S.LATCHED, _E.RESET): _S.NORMAL,  # F to A
        (_S.SHELVED, _E.RETURN): _S.SHELVED,  # stays put aside, to be reset
        (_S.OUT_OF_SERVICE, _E.RETURN): _S.OUT_OF_SERVICE,
        (_S.RETURNED_UNACKNOWLEDGED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # E to I
        (_S.LATCHED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # F to I
    }
)
"""The life of an alarm that latches: nothing but a person's reset ends it, once it stood before people."""

RETURNED_ASIDE: Table = MappingProxyType(
    {
        (_S.SHELVED, _E.RAISE): _S.SHELVED,
        (_S.SHELVED, _E.UNSHELVE): _S.RETURNED_UNACKNOWLEDGED,  # G to E
        (_S.SHELVED, _E.EXPIRE): _S.RETURNED_UNACKNOWLEDGED,  # G to E
        (_S.SHELVED, _E.WITHDRAW): _S.OUT_OF_SERVICE,  # G to I
        (_S.OUT_OF_SERVICE, _E.RAISE): _S.OUT_OF_SERVICE,
        (_S.OUT_OF_SERVICE, _E.RESTORE): _S.RETURNED_UNACKNOWLEDGED,  # I to E
    }
)
"""The life of a latching alarm whose condition ceased while it was shelved or out of service."""

_COMES_OUT = (_E.RAISE, _E.UNSHELVE, _E.EXPIRE, _E.RESTORE)
"""Events that put an alarm before people, unless something else keeps it from them."""

_BY_STATE: Mapping[AlarmState, Refusal] = {
    _S.UNACKNOWLEDGED: _R.STANDS,
    _S.ACKNOWLEDGED: _R.ACKNOWLEDGED,
    _S.RETURNED_UNACKNOWLEDGED: _R.RETURNED,
    _S.LATCHED: _R.LATCHED,
    _S.SHELVED: _R.SHELVED,
    _S.SUPPRESSED: _R.EXPLAINED,
    _S.OUT_OF_SERVICE: _R.OUT_OF_SERVICE,
    _S.NORMAL: _R.ENDED,
}
_BY_EVENT: Mapping[AlarmEvent, Refusal] = {
    _E.UNSHELVE: _R.NOT_SHELVED,
    _E.EXPIRE: _R.NOT_SHELVED,
    _E.RESTORE: _R.NOT_OUT_OF_SERVICE,
    _E.RELEASE: _R.NOT_EXPLAINED,
    _E.RAISE: _R.STANDS,
}
_BY_PAIR: Mapping[tuple[AlarmState, AlarmEvent], Refusal] = {
    (_S.UNACKNOWLEDGED, _E.RESET): _R.HOLDS,
    (_S.ACKNOWLEDGED, _E.RESET): _R.HOLDS,
    (_S.RETURNED_UNACKNOWLEDGED, _E.RESET): _R.NOT_ACKNOWLEDGED,
    (_S.RETURNED_UNACKNOWLEDGED, _E.SHELVE): _R.LATCHED,
}


def next_state(
    state: AlarmState,
    event: AlarmEvent,
    *,
    latching: bool = False,
    holds: bool = True,
    cover: AlarmState | None = None,
) -> AlarmState | None:
    """Return the state an event leads to, or None when it does not concern an alarm in this state (`refusal` says why).

    `holds` tells whether the condition holds, for a hidden alarm that latches. `cover` is SHELVED or OUT_OF_SERVICE when
    alarms of this definition on this asset are kept from people now: what would come out stays there.
    """
    aside = latching and not holds and state in (_S.SHELVED, _S.OUT_OF_SERVICE)
    after = (RETURNED_ASIDE if aside else LATCHING if latching else TABLE).get((state, event))
    if after is not None and cover is not None and event in _COMES_OUT:
        return cover
    return after


def refusal(state: AlarmState, event: AlarmEvent) -> Refusal:
    """Return the name of a pair that the table lacks: why this event does not concern an alarm in this state."""
    return _BY_PAIR.get((state, event)) or _BY_EVENT.get(event) or _BY_STATE[state]

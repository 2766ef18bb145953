"""The states of an incident and what moves it from one to another: the whole table; what is not in it is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.kernel.incidents.types import ENDED_STATES, OPEN_STATES, CloseReason, IncidentEvent, IncidentState

_S, _E = IncidentState, IncidentEvent
_WAITING = (_S.NEW, _S.QUALIFIED, _S.REOPENED)
"""Nobody has begun: an incident that is reopened may have an owner all the same."""
_LED = (_S.ASSIGNED, _S.IN_PROGRESS)
_STANDING = (*_WAITING, *_LED, _S.ON_HOLD)
"""Open, and not resolved yet."""

ENDS: Mapping[CloseReason, IncidentEvent] = MappingProxyType(
    {
        CloseReason.REPAIRED: _E.CLOSE,
        CloseReason.RETURNED_BY_ITSELF: _E.CLOSE,
        CloseReason.FALSE_ALARM: _E.DISMISS,
        CloseReason.DUPLICATE: _E.MERGE,
        CloseReason.NOT_COMPETENT: _E.HAND_OUT,
        CloseReason.CANCELLED: _E.CANCEL,
        CloseReason.NO_ACTION: _E.DROP,
    }
)
"""The way out that each reason for closing takes."""

_OUT = {
    _E.CLOSE: _S.CLOSED,
    _E.MERGE: _S.DUPLICATE,
    _E.DISMISS: _S.FALSE_ALARM,
    _E.HAND_OUT: _S.NOT_COMPETENT,
    _E.CANCEL: _S.CANCELLED,
    _E.DROP: _S.NO_ACTION,
}

TABLE: Mapping[tuple[IncidentState, IncidentEvent], IncidentState] = MappingProxyType(
    {
        **{(state, _E.ACKNOWLEDGE): state for state in OPEN_STATES},
        **{(state, _E.QUALIFY): _S.QUALIFIED if state == _S.NEW else state for state in OPEN_STATES},
        **{(state, _E.TAKE): _S.IN_PROGRESS for state in (*_WAITING, *_LED)},
        (_S.ON_HOLD, _E.TAKE): _S.ON_HOLD,
        (_S.RESOLVED, _E.TAKE): _S.RESOLVED,
        **{(state, _E.ASSIGN): _S.ASSIGNED for state in (*_WAITING, *_LED)},
        (_S.ON_HOLD, _E.ASSIGN): _S.ON_HOLD,
        (_S.RESOLVED, _E.ASSIGN): _S.RESOLVED,
        **{(state, _E.MARK): _S.IN_PROGRESS for state in _LED},
        (_S.REOPENED, _E.MARK): _S.IN_PROGRESS,
        (_S.ON_HOLD, _E.MARK): _S.ON_HOLD,
        (_S.RESOLVED, _E.MARK): _S.RESOLVED,
        **{(state, _E.HOLD): _S.ON_HOLD for state in (_S.QUALIFIED, _S.REOPENED, *_LED)},
        (_S.ON_HOLD, _E.RESUME): _S.QUALIFIED,
        **{(state, _E.ACCEPT): _S.IN_PROGRESS for state in (*_WAITING, *_LED)},
        (_S.ON_HOLD, _E.ACCEPT): _S.ON_HOLD,
        (_S.RESOLVED, _E.ACCEPT): _S.RESOLVED,
        **{(state, _E.RESOLVE): _S.RESOLVED for state in _STANDING},
        (_S.RESOLVED, _E.REVIVE): _S.NEW,
        **{(state, event): end for state in OPEN_STATES for event, end in _OUT.items()},
        **{(state, _E.REOPEN): _S.REOPENED for state in ENDED_STATES if state != _S.DUPLICATE},
        (_S.DUPLICATE, _E.SPLIT): _S.NEW,
    }
)
"""(state, event) -> state. Seeing, qualifying or taking an incident that is further on keeps it there.

A duplicate is not reopened alone: it is split from the incident that holds its alarms.
"""


def next_state(state: IncidentState, event: IncidentEvent, *, owned: bool = False) -> IncidentState | None:
    """Return the state an event leads to, or None when it does not concern an incident in this state.

    What comes back (an alarm, the date of a hold, a duplicate that is none) goes to its owner at once when it has one, else waits for somebody.
    What is done in the field is done by who leads it: without an owner, a mark begins nothing (`needs_owner`).
    """
    after = TABLE.get((state, event))
    if event is _E.MARK and after is _S.IN_PROGRESS and not owned:
        return None
    comes_back = event in (_E.REVIVE, _E.RESUME, _E.SPLIT)
    return _S.IN_PROGRESS if after is not None and comes_back and owned else after


def needs_owner(state: IncidentState, event: IncidentEvent) -> bool:
    """Tell whether an event concerns an incident in this state once somebody leads it, and not before."""
    return next_state(state, event) is None and next_state(state, event, owned=True) is not None

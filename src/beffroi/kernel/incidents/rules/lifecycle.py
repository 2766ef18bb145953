"""The life of an incident: states, references, what closing asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.types import CLOSES_ACTIVE, CloseReason, IncidentEvent, IncidentState

MAX_TEXT = 2_000
_S, _E = IncidentState, IncidentEvent
_REFERENCE = re.compile(r"(?:BF-)?(\d\d)-(\d{6,12})", re.IGNORECASE)

TABLE: Mapping[tuple[IncidentState, IncidentEvent], IncidentState] = MappingProxyType(
    {
        (_S.NEW, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,
        (_S.IN_PROGRESS, _E.ACKNOWLEDGE): _S.IN_PROGRESS,
        (_S.ACKNOWLEDGED, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,
        (_S.RESOLVED, _E.ACKNOWLEDGE): _S.RESOLVED,
        (_S.NEW, _E.TAKE): _S.IN_PROGRESS,
        (_S.ACKNOWLEDGED, _E.TAKE): _S.IN_PROGRESS,
        (_S.IN_PROGRESS, _E.TAKE): _S.IN_PROGRESS,
        (_S.RESOLVED, _E.TAKE): _S.RESOLVED,
        (_S.NEW, _E.RESOLVE): _S.RESOLVED,
        (_S.ACKNOWLEDGED, _E.RESOLVE): _S.RESOLVED,
        (_S.IN_PROGRESS, _E.RESOLVE): _S.RESOLVED,
        (_S.RESOLVED, _E.REVIVE): _S.NEW,
        (_S.NEW, _E.CLOSE): _S.CLOSED,
        (_S.ACKNOWLEDGED, _E.CLOSE): _S.CLOSED,
        (_S.IN_PROGRESS, _E.CLOSE): _S.CLOSED,
        (_S.RESOLVED, _E.CLOSE): _S.CLOSED,
        (_S.CLOSED, _E.REOPEN): _S.NEW,
    }
)
"""Acknowledging and taking an incident that is further on keep it there: they concern its alarms and its owner."""


def next_state(state: IncidentState, event: IncidentEvent, *, owned: bool = False) -> IncidentState | None:
    """Return the state an event leads to, or None when it does not concern an incident in this state.

    An incident that comes back goes to its owner at once when it has one, else it is new again.
    """
    after = TABLE.get((state, event))
    comes_back = event in (_E.REVIVE, _E.REOPEN)
    return _S.IN_PROGRESS if after is not None and comes_back and owned else after


def reference_of(number: int, opened_at: Instant) -> str:
    """Return the reference that people say and write: `BF-26-000123`, the year being that of the opening (UTC)."""
    return f"BF-{to_datetime(opened_at).year % 100:02}-{number:06}"


def number_of(reference: str) -> int | None:
    """Return the incident's number in a reference (`BF-26-000123`, `26-000123`) or a bare number, else None.

    The year is to be compared with `reference_of` once the incident is found.
    """
    text = reference.strip()
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    found = _REFERENCE.fullmatch(text)
    return int(found[2]) if found else None


def check_text(text: str, what: str) -> str:
    """Return a text that people wrote, without spaces around. Raises Refused when it is empty or too long."""
    plain = text.replace("\x00", "").strip()
    if not plain:
        raise Refused(f"{what} is empty: write it", key="text-missing")
    if len(plain) > MAX_TEXT:
        raise Refused(f"{what} has {len(plain)} characters; write {MAX_TEXT} at most", key="text-too-long")
    return plain


def check_closing(reason: str, comment: str, standing: Sequence[str]) -> CloseReason:
    """Return the reason for closing. Raises Refused saying what is missing.

    `standing` names the alarms that still stand: they are closed over only as a false alarm or when no action is due,
    and then somebody says why.
    """
    if reason not in set(CloseReason):
        raise Refused(f"no reason to close: choose one of {', '.join(CloseReason)}", key="reason-missing")
    chosen = CloseReason(reason)
    if standing and chosen not in CLOSES_ACTIVE:
        named = ", ".join(standing[:3]) + (", …" if len(standing) > 3 else "")
        raise Refused(
            f"still standing: {named}; wait for the return, or close as {' or '.join(CLOSES_ACTIVE)} with a comment",
            key="alarm-stands",
        )
    if standing and not comment.strip():
        raise Refused(f"an alarm still stands: say in a comment why it is closed as {chosen}", key="comment-missing")
    return chosen

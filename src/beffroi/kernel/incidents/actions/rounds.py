"""The end of an incident and its beginning again: what both do to its row, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents.actions.timing import clear_proposal, end_hold, settled
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Transfer
from beffroi.kernel.incidents.types import TransferState
from beffroi.kernel.people.queries import is_on_duty


def check_nothing_stands(alarm_ids: Sequence[int]) -> None:
    """Raise Refused naming the alarms that still stand."""
    standing = alarms.of_ids(alarms.active_among(alarm_ids))
    if standing:
        named = ", ".join(f"{alarm.definition.title} ({alarm.asset_code})" for alarm in standing[:3])
        raise Refused(f"still standing: {named}; wait for the return", key="alarm-stands")


def end(row: Row, reason: str, comment: bytes, by_id: int | None, at: Instant) -> None:
    """Write in a row that it is closed: no hold, no pause, no proposal goes on. `comment` as its table holds it."""
    end_hold(row, at)
    if row.proposed_to:
        answer_open(row, TransferState.WITHDRAWN, by_id, at)
    row.closed_at, row.closed_by_id = to_datetime(at), by_id
    row.close_reason, row.close_comment = reason, comment


def answer_open(row: Row, state: TransferState, by_id: int | None, at: Instant, answer: bytes = b"") -> None:
    """Write the answer of the proposal that stands, and in the row that none does."""
    Transfer.objects.filter(incident_id=row.pk, state=TransferState.PROPOSED).update(
        state=state, answered_at=to_datetime(at), answered_by_id=by_id, answer=answer
    )
    clear_proposal(row)


def begin(row: Row, at: Instant) -> None:
    """Begin the first round of an incident that is being opened: it is received now, and its deadlines run."""
    row.received_at = row.round_at = to_datetime(at)
    settled(row, at, pauses=())


def begin_again(row: Row, at: Instant) -> dict[str, Any]:
    """Begin a new round: clocks start anew, and who had it has it again if they are on duty. Return what the end was."""
    before = {
        "closed_as": row.close_reason,
        "closed_at": from_datetime(row.closed_at) if row.closed_at else None,
        "closed_by": row.closed_by.display_name if row.closed_by else "",
        "round": row.round,
    }
    if row.owner is not None and not is_on_duty(row.owner.username, at=at):
        row.owner_id = None
    row.round += 1
    row.round_at = to_datetime(at)
    row.acknowledged_at, row.acknowledged_by_id, row.assigned_by_id = None, None, None
    row.taken_at = row.engaged_at = row.on_site_at = row.safe_at = row.resolved_at = None
    row.closed_at, row.closed_by_id = None, None
    row.close_reason, row.close_comment, row.missed, row.transferred_to = "", b"", "", ""
    return before

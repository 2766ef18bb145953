"""One act of a person on one incident: locked, asked at the door, written, told. What the verbs of this room are made of.

Each act asks the door, locks the incident's alarms, then the incident, writes, and ends with its journal lines: all of it
stands, or nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms.actions import acknowledge_alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of, with_changes
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.actions.timing import settled
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.queries import incident_of
from beffroi.kernel.incidents.types import ENDED_STATES, Incident, IncidentEvent, IncidentState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.queries import may, require
from beffroi.kernel.people.types import Kind, Verb, Viewer

SHARED = (Verb.NOTE, Verb.MARK)
"""What the associated desks, and the one that is asked to take over, may do too: they act within their rights."""


def locked(incident_id: int, verb: Verb, by: Viewer) -> tuple[Row, list[int]]:
    """Lock an incident with all its alarms; ask the door."""
    held = hold(incident_id)
    row = held.of(incident_id)
    ask_door(row, verb, Kind.INCIDENT, by, shared=verb in SHARED)
    return row, held.alarms[incident_id]


def ask_door(row: Row, verb: Verb, kind: Kind, by: Viewer, *, shared: bool) -> None:
    """Raise Forbidden unless this person may do it where the incident is; `shared`: or at a desk that it concerns too."""
    others = (desk for desk in (*row.associated, row.proposed_to) if desk)
    if not shared or not any(may(by, verb, kind, desk=desk, commune=row.commune) for desk in others):
        require(by, verb, kind, desk=row.desk, commune=row.commune)


def after_event(row: Row, event: IncidentEvent) -> IncidentState:
    """Return the state an event leads to. Raises Conflict naming who closed the incident, or saying that it is open."""
    state = IncidentState(row.state)
    if row.duplicate_of is not None:
        refuse_closed(row)
    after = rules.next_state(state, event, owned=row.owner_id is not None)
    if after is not None:
        return after
    if event is IncidentEvent.REOPEN and state != IncidentState.DUPLICATE:
        raise Conflict(f"{reference(row)} is not closed", key="not-closed")
    refuse_closed(row)
    if rules.needs_owner(state, event):
        raise Conflict(f"{reference(row)} is led by nobody yet: take it first", key="not-led")
    raise Conflict(f"{reference(row)} is {state}: it cannot {event.replace('_', ' ')} from there", key=f"not-{event}")


def refuse_closed(row: Row) -> None:
    """Raise Conflict when an incident is closed, naming who closed it, or who united it with which other."""
    if row.duplicate_of is not None:
        united = f"united with {reference(row.duplicate_of)}"
        raise Conflict(who_was_first(row, united, row.closed_by, row.closed_at), key="already-united")
    if row.state in ENDED_STATES:
        raise Conflict(who_was_first(row, "closed", row.closed_by, row.closed_at), key="already-closed")


def with_alarms(row: Row, alarm_ids: Sequence[int], by: Viewer, at: Instant) -> tuple[Entry, ...]:
    """Acknowledge the alarms; their lines name the incident too, whose thread then tells them."""
    lines = acknowledge_alarms(alarm_ids, by=by, at=at) if alarm_ids else ()
    return tuple(replace(line, related=(*line.related, f"incident:{row.pk}")) for line in lines)


def mark_acknowledged(row: Row, by: Viewer, at: Instant) -> None:
    """Write who saw the incident first, once."""
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by_id = to_datetime(at), by.id


def act_line(
    row: Row,
    verb: str,
    by: Viewer,
    alarm_ids: Sequence[int],
    after: str,
    *,
    reason: str = "",
    why: str = "",
    personal: Mapping[str, str] | None = None,
    **content: object,
) -> Entry:
    """Return the line that tells an act, with the state after it. `reason` is a code.

    `why` is the reason as somebody wrote it; it may name persons, as the texts of `personal`: they are encrypted.
    """
    told = {"state": str(after), "title": row.title, **content}
    asset, written = code_of_asset(row), {"reason": why, **(personal or {})}
    return line_of(row, verb, by.actor, asset_code=asset, alarms=alarm_ids, reason=reason, personal=written, **told)


def done(row: Row, after: IncidentState, lines: Sequence[Entry], line: Entry, at: Instant) -> Incident:
    """Write the incident, then the lines, and return it as it stands. What its deadlines say of it comes last."""
    row.state = after
    own = with_changes(line, row)
    told = settled(row, at)
    row.version += 1
    row.save()
    append([*lines, own, *told], at=at)
    return incident_of(row)


def who_was_first(row: Row, done: str, who: object, when: datetime | None) -> str:
    """Return who did it first and when, in the words that who comes second is told."""
    name = getattr(who, "display_name", "") or "a rule"
    at = to_datetime(from_datetime(when)).astimezone(ZoneInfo(settings().timezone)) if when else None
    return f"{reference(row)} was {done} by {name}" + (f" at {at:%H:%M:%S}" if at else "")


def reference(row: Row) -> str:
    """Return the reference that people say."""
    return rules.reference_of(row.pk, from_datetime(row.opened_at))

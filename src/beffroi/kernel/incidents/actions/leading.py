"""Leading an incident: what people do to it. One owner at any second; who comes second is told by whom and when.

Each act asks the door, locks the incident's alarms, then the incident, writes, and ends with its journal lines: all of it
stands, or nothing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.actions import acknowledge_alarms, lock_alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import IncidentAlarm
from beffroi.kernel.incidents.queries import incident_of
from beffroi.kernel.incidents.types import Incident, IncidentEvent, IncidentState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer


def acknowledge_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Say that a person saw an incident, and acknowledge its alarms with it. Journalled.

    An incident already acknowledged takes it again when an alarm joined it since. Raises Forbidden, NotFound, and
    Conflict naming who acknowledged or closed it.
    """
    with transaction.atomic():
        row, alarm_ids = _locked(incident_id, Verb.ACKNOWLEDGE, by)
        after = _after(row, IncidentEvent.ACKNOWLEDGE)
        lines = _acknowledged(row, alarm_ids, by, at)
        if row.acknowledged_at is not None and not lines:
            who = row.acknowledged_by or row.owner
            raise Conflict(_first(row, "acknowledged", who, row.acknowledged_at), key="already-acknowledged")
        _mark_acknowledged(row, by, at)
        return _done(row, after, lines, _line(row, "acknowledge_incident", by, alarm_ids, after), at)


def take_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Become the one who answers for an incident; its alarms are acknowledged by the same act. Journalled.

    Taking what one has already changes nothing. Raises Forbidden, NotFound, and Conflict naming who has it.
    """
    with transaction.atomic():
        row, alarm_ids = _locked(incident_id, Verb.TAKE, by)
        after = _after(row, IncidentEvent.TAKE)
        if row.owner_id is not None and row.owner_id == by.id:
            return incident_of(row)
        if row.owner is not None:
            raise Conflict(_first(row, "taken", row.owner, row.taken_at), key="already-taken")
        lines = _acknowledged(row, alarm_ids, by, at)
        _mark_acknowledged(row, by, at)
        row.owner_id, row.taken_at = by.id, to_datetime(at)
        return _done(row, after, lines, _line(row, "take_incident", by, alarm_ids, after), at)


def note_incident(incident_id: int, text: str, *, by: Viewer, at: Instant) -> Incident:
    """Write a line about an incident, open or closed. It is corrected by another note, never changed.

    Raises Forbidden, NotFound, Refused for an empty text or one of more than 2,000 characters.
    """
    written = rules.check_text(text, "the note")
    with transaction.atomic():
        row, _ = _locked(incident_id, Verb.NOTE, by)
        line = _line(row, "note_incident", by, (), row.state, text=written)
        return _done(row, IncidentState(row.state), (), line, at)


def close_incident(incident_id: int, *, reason: str, comment: str = "", by: Viewer, at: Instant) -> Incident:
    """Close an incident, with a reason among CloseReason; its alarms are acknowledged with it. Journalled.

    While an alarm of it still stands, only a false alarm or an absence of action closes it, with a comment. Raises
    Refused saying what is missing, Forbidden, NotFound, and Conflict naming who closed it first.
    """
    written = rules.check_text(comment, "the comment") if comment.strip() else ""
    with transaction.atomic():
        row, alarm_ids = _locked(incident_id, Verb.CLOSE, by)
        after = _after(row, IncidentEvent.CLOSE)
        standing = alarms.of_ids(alarms.active_among(alarm_ids))
        named = [f"{alarm.definition.title} ({alarm.asset_code})" for alarm in standing]
        chosen = rules.check_closing(reason, written, named)
        lines = _acknowledged(row, alarm_ids, by, at)
        _mark_acknowledged(row, by, at)
        row.closed_at, row.closed_by_id = to_datetime(at), by.id
        row.close_reason, row.close_comment = str(chosen), written
        line = _line(row, "close_incident", by, alarm_ids, after, reason=str(chosen), comment=written)
        return _done(row, after, lines, line, at)


def reopen_incident(incident_id: int, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Open a closed incident again, saying why: it goes back to its owner, or is new where it has none. Journalled.

    Raises Refused without a reason, Forbidden, NotFound, and Conflict when it is not closed.
    """
    written = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = _locked(incident_id, Verb.REOPEN, by)
        after = _after(row, IncidentEvent.REOPEN)
        before = {"closed_as": row.close_reason, "close_comment": row.close_comment}
        row.closed_at, row.closed_by_id, row.resolved_at = None, None, None
        row.close_reason, row.close_comment = "", ""
        line = _line(row, "reopen_incident", by, alarm_ids, after, reason=written, **before)
        return _done(row, after, (), line, at)


def _locked(incident_id: int, verb: Verb, by: Viewer) -> tuple[Row, list[int]]:
    """Lock an incident's alarms, then the incident; ask the door. Alarms that join it meanwhile are not this act's."""
    links = IncidentAlarm.objects.filter(incident_id=incident_id).order_by("alarm_id")
    alarm_ids = list(links.values_list("alarm_id", flat=True))
    if alarm_ids:
        lock_alarms(alarm_ids)
    Row.objects.select_for_update().filter(pk=incident_id).first()
    people = Row.objects.select_related("asset", "owner", "acknowledged_by", "closed_by")
    row = people.filter(pk=incident_id).first()  # read once more: a lock that was waited for does not join anew
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    require(by, verb, Kind.INCIDENT, desk=row.desk, commune=row.commune)
    return row, alarm_ids


def _after(row: Row, event: IncidentEvent) -> IncidentState:
    state = IncidentState(row.state)
    after = rules.next_state(state, event, owned=row.owner_id is not None)
    if after is not None:
        return after
    if state == IncidentState.CLOSED:
        raise Conflict(_first(row, "closed", row.closed_by, row.closed_at), key="already-closed")
    raise Conflict(f"{_reference(row)} is not closed", key="not-closed")


def _acknowledged(row: Row, alarm_ids: Sequence[int], by: Viewer, at: Instant) -> tuple[Entry, ...]:
    """Acknowledge the alarms; their lines name the incident too, whose thread then tells them."""
    lines = acknowledge_alarms(alarm_ids, by=by, at=at) if alarm_ids else ()
    return tuple(replace(line, related=(*line.related, f"incident:{row.pk}")) for line in lines)


def _mark_acknowledged(row: Row, by: Viewer, at: Instant) -> None:
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by_id = to_datetime(at), by.id


def _line(
    row: Row, verb: str, by: Viewer, alarm_ids: Sequence[int], after: str, *, reason: str = "", **content: object
) -> Entry:
    told = {"state": str(after), "title": row.title, **content}
    return line_of(row, verb, by.actor, asset_code=code_of_asset(row), alarms=alarm_ids, reason=reason, **told)


def _done(row: Row, after: IncidentState, lines: Sequence[Entry], line: Entry, at: Instant) -> Incident:
    row.state = after
    row.version += 1
    row.save()
    append([*lines, line], at=at)
    return incident_of(row)


def _first(row: Row, done: str, who: object, when: datetime | None) -> str:
    name = getattr(who, "display_name", "") or "a rule"
    at = to_datetime(from_datetime(when)).astimezone(ZoneInfo(settings().timezone)) if when else None
    return f"{_reference(row)} was {done} by {name}" + (f" at {at:%H:%M:%S}" if at else "")


def _reference(row: Row) -> str:
    return rules.reference_of(row.pk, from_datetime(row.opened_at))

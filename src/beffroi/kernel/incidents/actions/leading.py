"""Leading an incident: what people do to it. One owner at any second; who comes second is told by whom and when."""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import (
    act_line,
    after_event,
    done,
    locked,
    mark_acknowledged,
    who_was_first,
    with_alarms,
)
from beffroi.kernel.incidents.queries import incident_of
from beffroi.kernel.incidents.types import Incident, IncidentEvent, IncidentState
from beffroi.kernel.people.types import Verb, Viewer


def acknowledge_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Say that a person saw an incident, and acknowledge its alarms with it. Journalled.

    An incident already acknowledged takes it again when an alarm joined it since. Raises Forbidden, NotFound, and
    Conflict naming who acknowledged or closed it.
    """
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.ACKNOWLEDGE, by)
        after = after_event(row, IncidentEvent.ACKNOWLEDGE)
        lines = with_alarms(row, alarm_ids, by, at)
        if row.acknowledged_at is not None and not lines:
            who = row.acknowledged_by or row.owner
            raise Conflict(who_was_first(row, "acknowledged", who, row.acknowledged_at), key="already-acknowledged")
        mark_acknowledged(row, by, at)
        return done(row, after, lines, act_line(row, "acknowledge_incident", by, alarm_ids, after), at)


def take_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Become the one who answers for an incident; its alarms are acknowledged by the same act. Journalled.

    Taking what one has already changes nothing. Raises Forbidden, NotFound, and Conflict naming who has it.
    """
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TAKE, by)
        after = after_event(row, IncidentEvent.TAKE)
        if row.owner_id is not None and row.owner_id == by.id:
            return incident_of(row)
        if row.owner is not None:
            raise Conflict(who_was_first(row, "taken", row.owner, row.taken_at), key="already-taken")
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        row.owner_id, row.taken_at = by.id, to_datetime(at)
        return done(row, after, lines, act_line(row, "take_incident", by, alarm_ids, after), at)


def note_incident(incident_id: int, text: str, *, by: Viewer, at: Instant) -> Incident:
    """Write a line about an incident, open or closed. It is corrected by another note, never changed.

    Raises Forbidden, NotFound, Refused for an empty text or one of more than 2,000 characters.
    """
    written = rules.check_text(text, "the note")
    with transaction.atomic():
        row, _ = locked(incident_id, Verb.NOTE, by)
        line = act_line(row, "note_incident", by, (), row.state, personal={"text": written})
        return done(row, IncidentState(row.state), (), line, at)


def close_incident(incident_id: int, *, reason: str, comment: str = "", by: Viewer, at: Instant) -> Incident:
    """Close an incident, with a reason among CloseReason; its alarms are acknowledged with it. Journalled.

    While an alarm of it still stands, only a false alarm or an absence of action closes it, with a comment. Raises
    Refused saying what is missing, Forbidden, NotFound, and Conflict naming who closed it first.
    """
    written = rules.check_text(comment, "the comment") if comment.strip() else ""
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.CLOSE, by)
        after = after_event(row, IncidentEvent.CLOSE)
        standing = alarms.of_ids(alarms.active_among(alarm_ids))
        named = [f"{alarm.definition.title} ({alarm.asset_code})" for alarm in standing]
        chosen = rules.check_closing(reason, written, named)
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        row.closed_at, row.closed_by_id = to_datetime(at), by.id
        row.close_reason, row.close_comment = str(chosen), written
        line = act_line(row, "close_incident", by, alarm_ids, after, reason=str(chosen), personal={"comment": written})
        return done(row, after, lines, line, at)


def reopen_incident(incident_id: int, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Open a closed incident again, saying why: it goes back to its owner, or is new where it has none. Journalled.

    Raises Refused without a reason, Forbidden, NotFound, and Conflict when it is not closed.
    """
    written = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.REOPEN, by)
        after = after_event(row, IncidentEvent.REOPEN)
        closed_as, comment = row.close_reason, {"close_comment": row.close_comment}
        row.closed_at, row.closed_by_id, row.resolved_at = None, None, None
        row.close_reason, row.close_comment = "", ""
        line = act_line(
            row, "reopen_incident", by, alarm_ids, after, reason=written, personal=comment, closed_as=closed_as
        )
        return done(row, after, (), line, at)

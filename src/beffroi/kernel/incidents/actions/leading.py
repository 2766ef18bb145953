"""Leading an incident: what people do to it. One owner at any second; who comes second is told by whom and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.actions import judge_alarms
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
from beffroi.kernel.incidents.actions.lines import kept
from beffroi.kernel.incidents.actions.merging import merge_incidents
from beffroi.kernel.incidents.actions.rounds import begin_again, check_nothing_stands, end
from beffroi.kernel.incidents.actions.timing import begin_of, clocks_of, end_hold
from beffroi.kernel.incidents.queries import incident_of
from beffroi.kernel.incidents.types import Clock, CloseReason, Incident, IncidentEvent, IncidentState
from beffroi.kernel.journal.queries import read_words
from beffroi.kernel.people.queries import may, viewer_named
from beffroi.kernel.people.types import Kind, Verb, Viewer


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


def qualify_incident(
    incident_id: int, *, category: str = "", priority: int | None = None, reason: str = "", by: Viewer, at: Instant
) -> Incident:
    """Say what an incident is about and how urgent it is; what is left out stays. Seen by the same act. Journalled.

    A priority that changes is said with its reason. Raises Refused, Forbidden, NotFound, Conflict.
    """
    chosen = rules.check_qualifying(category, priority)
    why = rules.check_text(reason, "the reason") if reason.strip() else ""
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.QUALIFY, by)
        after = after_event(row, IncidentEvent.QUALIFY)
        if priority is not None and priority != row.priority and not why:
            raise Refused("say why its priority changes", key="words-missing")
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        row.category = chosen or row.category
        row.priority = row.priority if priority is None else priority
        return done(row, after, lines, act_line(row, "qualify_incident", by, alarm_ids, after, why=why), at)


def take_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Become the one who answers for an incident; its alarms are acknowledged by the same act. Journalled.

    Taking what one has already changes nothing. Raises Forbidden, NotFound, and Conflict naming who has it.
    """
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TAKE, by)
        after = after_event(row, IncidentEvent.TAKE)
        mine = row.owner_id is not None and row.owner_id == by.id
        if mine and after == row.state:
            return incident_of(row)
        if row.owner is not None and not mine:
            raise Conflict(who_was_first(row, "taken", row.owner, row.taken_at), key="already-taken")
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        row.owner_id, row.taken_at = by.id, to_datetime(at)
        return done(row, after, lines, act_line(row, "take_incident", by, alarm_ids, after), at)


def assign_incident(incident_id: int, *, to: str, reason: str = "", by: Viewer, at: Instant) -> Incident:
    """Give an incident to a person, by their account; they take it in turn. From somebody else's hands: say why.

    Raises Refused without the reason or when that person may not take it, Forbidden, NotFound, Conflict.
    """
    person = viewer_named(to)
    why = rules.check_text(reason, "the reason") if reason.strip() else ""
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.ASSIGN, by)
        after = after_event(row, IncidentEvent.ASSIGN)
        if not may(person, Verb.TAKE, Kind.INCIDENT, desk=row.desk, commune=row.commune):
            raise Refused(f"{person.display_name} may not take an incident of this desk here", key="cannot-take")
        if row.owner_id == person.id:
            raise Conflict(who_was_first(row, "taken", row.owner, row.taken_at), key="already-taken")
        if row.owner_id is not None and not why:
            raise Refused("somebody has it: say why it goes to another", key="words-missing")
        row.owner_id, row.assigned_by_id, row.taken_at = person.id, by.id, None
        told: dict[str, Any] = {"to": person.username, "to_name": person.display_name}
        return done(row, after, (), act_line(row, "assign_incident", by, alarm_ids, after, why=why, **told), at)


def resolve_incident(
    incident_id: int, *, text: str, by: Viewer, at: Instant, effective_at: Instant | None = None
) -> Incident:
    """Say that what had to be done is done, and what it was; closing comes after. Not while an alarm still stands.

    Raises Refused, Forbidden, NotFound, Conflict.
    """
    written = rules.check_text(text, "what was done")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.CLOSE, by)
        after = after_event(row, IncidentEvent.RESOLVE)
        check_nothing_stands(alarm_ids)
        moment = at if effective_at is None else effective_at
        rules.check_mark(Clock.RESOLVED, moment, clocks_of(row), begin=begin_of(row), now=at)
        end_hold(row, at)
        row.resolved_at = to_datetime(moment)
        line = act_line(row, "resolve_incident", by, alarm_ids, after, personal={"text": written})
        return done(row, after, (), replace(line, effective_at=moment), at)


def note_incident(incident_id: int, text: str, *, by: Viewer, at: Instant) -> Incident:
    """Write a line about an incident, open or closed. It is corrected by another note, never changed.

    Raises Forbidden, NotFound, Refused for an empty text or one of more than 2,000 characters.
    """
    written = rules.check_text(text, "the note")
    with transaction.atomic():
        row, _ = locked(incident_id, Verb.NOTE, by)
        line = act_line(row, "note_incident", by, (), row.state, personal={"text": written})
        return done(row, IncidentState(row.state), (), line, at)


def close_incident(
    incident_id: int,
    *,
    reason: str,
    comment: str = "",
    useful: bool | None = None,
    duplicate_of: int | None = None,
    by: Viewer,
    at: Instant,
) -> Incident:
    """Close an incident, with a reason among CloseReason; its alarms are acknowledged with it. Journalled.

    As a duplicate it is united with the incident that is named (`merge_incidents`), which is returned. `useful` is what the person says of its alarms, None where they say nothing.

    While an alarm of it still stands, only a false alarm or an absence of action closes it, with a comment. A proposal
    to another desk or body is withdrawn with it. Raises Refused saying what is missing, Forbidden, NotFound, and
    Conflict naming who closed it first.
    """
    if reason == CloseReason.DUPLICATE and duplicate_of is not None:
        return merge_incidents(incident_id, duplicate_of, comment=comment, by=by, at=at)
    written = rules.check_text(comment, "the comment") if comment.strip() else ""
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.CLOSE, by)
        after_event(row, IncidentEvent.CLOSE)
        standing = alarms.of_ids(alarms.active_among(alarm_ids))
        named = [f"{alarm.definition.title} ({alarm.asset_code})" for alarm in standing]
        chosen = rules.check_closing(reason, written, named)
        after = after_event(row, rules.ENDS[chosen])
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        end(row, str(chosen), kept(row, written, at), by.id, at)
        said: dict[str, Any] = {} if useful is None else {"useful": useful}
        if useful is not None:
            judge_alarms(alarm_ids, useful=useful, by=by, at=at)
        line = act_line(
            row, "close_incident", by, alarm_ids, after, reason=str(chosen), personal={"comment": written}, **said
        )
        return done(row, after, lines, line, at)


def reopen_incident(incident_id: int, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Open a closed incident again, saying why. Its clocks start anew, and it reaches its owner again. Journalled.

    Who had it has it again when they are on duty; else it waits for somebody of its desk. The line names the closing.
    Raises Refused without a reason, Forbidden, NotFound, and Conflict when it is not closed.
    """
    written = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.REOPEN, by)
        after = after_event(row, IncidentEvent.REOPEN)
        comment = {"close_comment": read_words([row.close_comment]).words(row.close_comment).text}
        before = begin_again(row, at)
        line = act_line(row, "reopen_incident", by, alarm_ids, after, why=written, personal=comment, **before)
        return done(row, after, (), line, at)

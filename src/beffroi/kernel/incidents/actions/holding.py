"""Waiting: an incident put on hold until a date, and the times that its deadlines do not count."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from beffroi.foundation.clock import DAY, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import act_line, after_event, done, locked
from beffroi.kernel.incidents.actions.lines import kept
from beffroi.kernel.incidents.actions.timing import begin_of, end_hold
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Pause
from beffroi.kernel.incidents.types import Incident, IncidentEvent, IncidentState
from beffroi.kernel.people.types import Verb, Viewer

LONGEST: Instant = 366 * DAY


def hold_incident(
    incident_id: int, *, reason: str, until: Instant, proof: str = "", by: Viewer, at: Instant
) -> Incident:
    """Put an incident on hold, saying why and until when: it comes back by itself. Journalled.

    With a proof (what shows that nobody here can act: a message, a picture, a name) its deadlines stop meanwhile;
    without one they go on. Raises Refused, Forbidden, NotFound, Conflict.
    """
    why = rules.check_text(reason, "the reason")
    shown = rules.check_text(proof, "the proof") if proof.strip() else ""
    if not at < until <= at + LONGEST:
        raise Refused("the date at which it comes back lies ahead, within a year", key="hold-date")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.HOLD, by)
        after = after_event(row, IncidentEvent.HOLD)
        row.held_until, row.hold_reason = to_datetime(until), kept(row, why, at)
        if shown:
            _pause(row, at, None, row.hold_reason, kept(row, shown, at), by)
            row.paused = True
        shows = {"proof": shown}
        line = act_line(row, "hold_incident", by, alarm_ids, after, why=why, personal=shows, until=until)
        return done(row, after, (), line, at)


def resume_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Go on with an incident that was on hold, before its date. Journalled. Raises Forbidden, NotFound, Conflict."""
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.HOLD, by)
        after = after_event(row, IncidentEvent.RESUME)
        end_hold(row, at)
        return done(row, after, (), act_line(row, "resume_incident", by, alarm_ids, after), at)


def declare_pause(
    incident_id: int, *, begin: Instant, end: Instant, reason: str, proof: str, by: Viewer, at: Instant
) -> Incident:
    """Tell a time, now past, that the deadlines do not count: why, and what shows it. Journalled.

    Raises Refused without reason or proof or for a time that cannot be, Forbidden, NotFound, Conflict.
    """
    why, shown = rules.check_text(reason, "the reason"), rules.check_text(proof, "the proof")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.HOLD, by)
        after_event(row, IncidentEvent.ACKNOWLEDGE)
        rules.check_pause(begin, end, since=begin_of(row), now=at)
        number = _pause(row, begin, end, kept(row, why, at), kept(row, shown, at), by)
        shows = {"proof": shown}
        told: dict[str, Any] = {"pause": number, "begin": begin, "end": end}
        state = IncidentState(row.state)
        line = act_line(row, "declare_pause", by, alarm_ids, state, why=why, personal=shows, **told)
        return done(row, state, (), line, at)


def correct_pause(
    incident_id: int, pause_id: int, *, begin: Instant, end: Instant | None, reason: str, by: Viewer, at: Instant
) -> Incident:
    """Write a pause anew with other times, saying why; the one before stays in the journal and counts no more.

    A pause that still goes on keeps going on: its end comes with the end of the hold. Raises Refused, Forbidden,
    NotFound, Conflict.
    """
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.HOLD, by)
        after_event(row, IncidentEvent.ACKNOWLEDGE)
        old = Pause.objects.filter(pk=pause_id, incident_id=row.pk, round=row.round, corrected=False).first()
        if old is None:
            raise NotFound(f"this incident has no pause {pause_id} that counts")
        last = None if old.end is None else end
        if old.end is not None and last is None:
            raise Refused("say when the pause ended", key="pause-end")
        rules.check_pause(begin, last, since=begin_of(row), now=at)
        Pause.objects.filter(pk=old.pk).update(corrected=True, end=old.end or to_datetime(at))
        number = _pause(row, begin, last, bytes(old.reason), bytes(old.proof), by)
        before = {"begin": from_datetime(old.begin), "end": from_datetime(old.end) if old.end else None}
        told: dict[str, Any] = {"pause": number, "corrects": old.pk, "begin": begin, "end": last, "before": before}
        state = IncidentState(row.state)
        return done(row, state, (), act_line(row, "correct_pause", by, alarm_ids, state, why=why, **told), at)


def _pause(row: Row, begin: Instant, end: Instant | None, reason: bytes, proof: bytes, by: Viewer) -> int:
    pause = Pause.objects.create(
        incident_id=row.pk,
        round=row.round,
        begin=to_datetime(begin),
        end=None if end is None else to_datetime(end),
        reason=reason,
        proof=proof,
        by_id=by.id,
    )
    return int(pause.pk)

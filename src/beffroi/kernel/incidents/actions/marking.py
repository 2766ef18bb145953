"""Dating the clocks of an incident: when a crew was engaged, was on site, when it was safe; and saying it better later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import act_line, after_event, done, locked
from beffroi.kernel.incidents.actions.lines import kept
from beffroi.kernel.incidents.actions.timing import begin_of, clocks_of, write_mark
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.types import TOLD_CLOCKS, Clock, Incident, IncidentEvent, IncidentState
from beffroi.kernel.people.types import Verb, Viewer

CORRECTED = (Clock.RECEIVED, Clock.ACKNOWLEDGED, Clock.TAKEN, *TOLD_CLOCKS, Clock.RESOLVED)
"""Clocks whose date may be written anew. A closing is not: it is reopened."""


def mark_incident(
    incident_id: int, clock: str, *, effective_at: Instant | None = None, by: Viewer, at: Instant
) -> Incident:
    """Date a clock (engaged, on site, safe): now, or when it happened. Once: another date is a correction. Journalled.

    Raises Refused for another clock or a time that cannot be, Forbidden, NotFound, and Conflict when it is dated
    already or nobody leads the incident yet.
    """
    if clock not in TOLD_CLOCKS:
        raise Refused(
            f"`{clock[:40]}` is no clock to date; choose one of {', '.join(TOLD_CLOCKS)}", key="clock-unknown"
        )
    moment = at if effective_at is None else effective_at
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.MARK, by)
        after = after_event(row, IncidentEvent.MARK)
        known = clocks_of(row).get(clock)
        if known is not None:
            raise Refused("that is dated already: correct its date, saying why", key="already-marked")
        rules.check_mark(clock, moment, clocks_of(row), begin=begin_of(row), now=at)
        setattr(row, f"{clock}_at", to_datetime(moment))
        write_mark(row, clock, moment, by=by, at=at)
        line = act_line(row, "mark_incident", by, alarm_ids, after, clock=clock)
        return done(row, after, (), replace(line, effective_at=moment), at)


def correct_mark(
    incident_id: int, clock: str, *, effective_at: Instant, reason: str, by: Viewer, at: Instant
) -> Incident:
    """Write the date of a clock anew, saying why. The line before stays; deadlines are judged by the new date.

    Raises Refused, Forbidden, NotFound, and Conflict once the incident is closed: reopen it.
    """
    why = rules.check_text(reason, "the reason")
    if clock not in CORRECTED:
        raise Refused(
            f"the date of `{clock[:40]}` is not corrected; choose one of {', '.join(CORRECTED)}", key="clock-unknown"
        )
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.MARK, by)
        after_event(row, IncidentEvent.ACKNOWLEDGE)
        clocks = {name: instant for name, instant in clocks_of(row).items() if name != clock}
        before = _before(row, clock)
        if before is None:
            raise Refused("that has no date yet: there is nothing to correct", key="not-marked")
        rules.check_mark(clock, effective_at, clocks, begin=begin_of(row), now=at)
        if clock == Clock.RECEIVED:
            row.received_at = to_datetime(effective_at)
            row.round_at = row.received_at if row.round == 1 else row.round_at
        else:
            setattr(row, f"{clock}_at", to_datetime(effective_at))
        write_mark(row, clock, effective_at, by=by, at=at, reason=kept(row, why, at), corrects=True)
        told: dict[str, Any] = {"clock": clock, "before": before}
        state = IncidentState(row.state)
        line = act_line(row, "correct_mark", by, alarm_ids, state, why=why, **told)
        return done(row, state, (), replace(line, effective_at=effective_at), at)


def _before(row: Row, clock: str) -> Instant | None:
    return from_datetime(row.received_at or row.opened_at) if clock == Clock.RECEIVED else clocks_of(row).get(clock)

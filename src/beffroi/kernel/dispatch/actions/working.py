"""What a crew does with its mission, by its phone or by radio through who sends it: accept, refuse, depart, arrive, finish.

Each takes the token that the phone made: sent again, it is answered the same. `effective_at` is when the person pressed,
for a phone that had no network. Who is late is told what became of the mission, and by whom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import (
    Sent,
    answered_before,
    in_case,
    keep_answer,
    lock_mission,
    mission_line,
    moved_on,
    require_crew,
    wrote,
)
from beffroi.kernel.dispatch.models import Mission, Unit
from beffroi.kernel.dispatch.queries import mission_of
from beffroi.kernel.dispatch.types import SAFE_OUTCOMES, DutyState, MissionEvent, MissionState, Outcome
from beffroi.kernel.dispatch.types import Mission as Seen
from beffroi.kernel.incidents.actions import follow_crew
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.incidents.types import Clock
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.people.types import Kind, Viewer

_CLOCKS = {
    MissionEvent.ACCEPT: Clock.ENGAGED,
    MissionEvent.DEPART: Clock.ENGAGED,
    MissionEvent.ARRIVE: Clock.ON_SITE,
    MissionEvent.MAKE_SAFE: Clock.SAFE,
}


def accept_mission(
    number: int, *, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None
) -> Seen:
    """Accept a mission: from now on the crew is engaged, and the incident's clock says so. Journalled.

    Raises Forbidden, NotFound, Refused, and Conflict naming who called it back, or did it first.
    """
    return _act(number, MissionEvent.ACCEPT, "accept_mission", by, at, token, effective_at)


def refuse_mission(
    number: int, *, reason: str, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None
) -> Seen:
    """Refuse a mission that is proposed, saying why. Journalled; the reason is personal and encrypted.

    Raises Forbidden, NotFound, Refused without a reason, and Conflict naming who called it back, or did it first.
    """
    why = rules.check_text(reason, "the reason")
    return _act(number, MissionEvent.REFUSE, "refuse_mission", by, at, token, effective_at, why)


def depart(number: int, *, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None) -> Seen:
    """Say that the crew leaves for the place; a mission only proposed is accepted by the same touch. Journalled.

    Raises Forbidden, NotFound, Refused, and Conflict naming who called it back, or did it first.
    """
    return _act(number, MissionEvent.DEPART, "depart_for_mission", by, at, token, effective_at)


def arrive(number: int, *, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None) -> Seen:
    """Say that the crew is on site. Journalled. Raises Forbidden, NotFound, Refused, Conflict."""
    return _act(number, MissionEvent.ARRIVE, "arrive_on_site", by, at, token, effective_at)


def make_safe(number: int, *, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None) -> Seen:
    """Say that nobody is in danger any more, while work goes on. Journalled; the incident's clock `safe` follows.

    Raises Forbidden, NotFound, Refused, and Conflict when the crew is not on site.
    """
    return _act(number, MissionEvent.MAKE_SAFE, "make_site_safe", by, at, token, effective_at)


def finish(
    number: int,
    *,
    outcome: str,
    comment: str = "",
    by: Viewer,
    at: Instant,
    token: str = "",
    effective_at: Instant | None = None,
) -> Seen:
    """End a mission: repaired, made safe, nothing found, or not done and why. Journalled; the comment is encrypted.

    The crew is free at once. Raises Forbidden, NotFound, Refused for another outcome, and Conflict.
    """
    text = rules.check_text(comment, "the comment", needed=False)
    return _act(number, MissionEvent.FINISH, "finish_mission", by, at, token, effective_at, text, outcome)


def give_sign(number: int, *, by: Viewer, at: Instant, token: str = "") -> Seen:
    """Say that one is well, alone on site: the watch begins anew. Journalled.

    Raises Forbidden, NotFound, and Conflict when the crew is not on site any more.
    """

    def apply(row: Mission) -> None:
        row.sign_at, row.silent = to_datetime(at), ""

    return _small(number, "give_sign", apply, by, at, token, {})


def check_item(number: int, place: int, *, checked: bool = True, by: Viewer, at: Instant, token: str = "") -> Seen:
    """Check a line of the mission's list, or uncheck it; `place` counts from 0. Journalled. It is a sign of life too.

    Raises Forbidden, NotFound, Refused for another line, and Conflict once the mission ended.
    """

    def apply(row: Mission) -> None:
        if not 0 <= place < len(row.checklist):
            raise rules.no_such_line(place, len(row.checklist))
        done = [*row.checked, *([None] * len(row.checklist))][: len(row.checklist)]
        done[place] = at if checked else None
        row.checked, row.sign_at, row.silent = done, to_datetime(at), ""

    return _small(number, "check_item", apply, by, at, token, {"line": place, "checked": checked})


def _act(
    number: int,
    event: MissionEvent,
    verb: str,
    by: Viewer,
    at: Instant,
    token: str,
    effective_at: Instant | None,
    text: str = "",
    outcome: str = "",
) -> Seen:
    sent = Sent(token, verb, f"mission:{number}", {"text": text, "outcome": outcome})
    with transaction.atomic():
        unit, row = lock_mission(number)
        as_crew = require_crew(by, unit, Kind.MISSION)
        before = answered_before(sent, by, Seen)
        if before is not None:
            return before
        after = rules.next_state(MissionState(row.state), event)
        if after is None:
            raise moved_on(row)
        ended = rules.check_outcome(outcome, text, MissionState(row.state)) if event is MissionEvent.FINISH else None
        moment = rules.happened_at(effective_at, after=_last_step(row), at=at)
        _apply(row, unit, event, after, moment, ended, text, at)
        wrote(row, unit, event, by.display_name, at)
        _follow(row, event, ended, by, at, moment)
        content: dict[str, Any] = {"outcome": str(ended)} if ended else {}
        line = in_case(mission_line(row, verb, by.actor, by_radio=not as_crew, **content), row, text=text)
        append([replace(line, effective_at=moment)], at=at)
        answer = mission_of(row)
        keep_answer(sent, by, answer, at)
        return answer


def _small(
    number: int,
    verb: str,
    apply: Callable[[Mission], None],
    by: Viewer,
    at: Instant,
    token: str,
    content: dict[str, Any],
) -> Seen:
    """Do what leaves the state of a mission as it is."""
    sent = Sent(token, verb, f"mission:{number}", content)
    with transaction.atomic():
        unit, row = lock_mission(number)
        as_crew = require_crew(by, unit, Kind.MISSION)
        before = answered_before(sent, by, Seen)
        if before is not None:
            return before
        if row.state != MissionState.ON_SITE:
            raise moved_on(row)
        apply(row)
        wrote(row, unit, MissionEvent(row.last_act), row.last_name, from_datetime(row.last_at) if row.last_at else at)
        append([mission_line(row, verb, by.actor, by_radio=not as_crew, **content)], at=at)
        answer = mission_of(row)
        keep_answer(sent, by, answer, at)
        return answer


def _last_step(row: Mission) -> Instant:
    steps = (row.proposed_at, row.accepted_at, row.departed_at, row.arrived_at, row.safe_at)
    return max(from_datetime(step) for step in steps if step is not None)


def _apply(
    row: Mission,
    unit: Unit,
    event: MissionEvent,
    after: MissionState,
    at: Instant,
    outcome: Outcome | None,
    text: str,
    now: Instant,
) -> None:
    """Write what an act leads to in the mission, and in the crew: work ends its break."""
    moment = to_datetime(at)
    row.state, row.silent = after, ""
    if event in (MissionEvent.ACCEPT, MissionEvent.DEPART):
        row.accepted_at = row.accepted_at or moment
        unit.duty = DutyState.ON if unit.duty == DutyState.BREAK else unit.duty
    if event is MissionEvent.DEPART:
        row.departed_at = moment
    if event is MissionEvent.ARRIVE:
        row.arrived_at = row.sign_at = moment
    if event is MissionEvent.MAKE_SAFE:
        row.safe_at = row.safe_at or moment
        row.sign_at = moment
    if event in (MissionEvent.REFUSE, MissionEvent.FINISH):
        row.ended_at = moment
        row.reason = keep_words(case_of(row.incident_id), text, at=now)
    if outcome is not None:
        row.outcome = outcome
        row.safe_at = row.safe_at or (moment if outcome in SAFE_OUTCOMES else None)


def _follow(
    row: Mission, event: MissionEvent, outcome: Outcome | None, by: Viewer, at: Instant, moment: Instant
) -> None:
    """Date the incident's clock that this act stops, if it stops one."""
    clock = Clock.SAFE if outcome in SAFE_OUTCOMES else _CLOCKS.get(event)
    if clock is not None:
        follow_crew(row.incident_id, clock, crew=row.unit.callsign, by=by, at=at, effective_at=moment)

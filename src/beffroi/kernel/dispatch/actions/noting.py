"""What a crew writes of its mission, while it goes on or after: a phone that was offline loses no word."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import (
    Sent,
    answered_before,
    in_case,
    keep_answer,
    lock_mission,
    mission_line,
    require_crew,
)
from beffroi.kernel.dispatch.queries import mission_of
from beffroi.kernel.dispatch.types import Mission as Seen
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people.types import Kind, Viewer


def note_mission(
    number: int, text: str, *, by: Viewer, at: Instant, token: str = "", effective_at: Instant | None = None
) -> Seen:
    """Write a line about a mission, whatever became of it. Journalled in its incident's thread; personal, and encrypted.

    Raises Forbidden, NotFound, and Refused without a text.
    """
    written = rules.check_text(text, "the note")
    sent = Sent(token, "note_mission", f"mission:{number}", {"text": written})
    with transaction.atomic():
        unit, row = lock_mission(number)
        as_crew = require_crew(by, unit, Kind.MISSION)
        before = answered_before(sent, by, Seen)
        if before is not None:
            return before
        moment = rules.happened_at(effective_at, after=from_datetime(row.proposed_at), at=at)
        line = in_case(mission_line(row, "note_mission", by.actor, by_radio=not as_crew), row, text=written)
        append([replace(line, effective_at=moment)], at=at)
        answer = mission_of(row)
        keep_answer(sent, by, answer, at)
        return answer

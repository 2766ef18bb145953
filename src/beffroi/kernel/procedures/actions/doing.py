"""What people do at a step: confirm, answer, tick, skip. Each in one transaction with its journal line."""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents.rules import check_text
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import rules
from beffroi.kernel.procedures.actions.recording import act_line, doer_of, hold, placed_of, require_run, write
from beffroi.kernel.procedures.types import Checklist, Question, Run


def confirm(run: int, step: str, *, note: str = "", pictured: bool = False, by: Viewer, at: Instant) -> Run:
    """Say that a step is done, with what proves it. Journalled.

    Raises Forbidden, NotFound, Refused without the evidence that it asks for, Conflict naming who did it first.
    """
    text = check_text(note, "what was seen") if note.strip() else ""
    with transaction.atomic():
        held = hold(run, at)
        placed = placed_of(held, step)
        require_run(held, by, placed)
        noted = bool(text)
        moved = rules.confirm(
            held.state, step, by=doer_of(by), given=held.given, now=at, noted=noted, pictured=pictured
        )
        line = act_line(held, "confirm_step", by, placed=placed, text=text, pictured=pictured)
        return write(
            held, moved, "confirm", [line], by=by, at=at, step=step, body={"noted": noted, "pictured": pictured}
        )


def answer(run: int, step: str, value: str, *, note: str = "", by: Viewer, at: Instant) -> Run:
    """Answer a question. Journalled. Raises Forbidden, NotFound, Refused for no answer of it, Conflict."""
    text = check_text(note, "what was seen") if note.strip() else ""
    with transaction.atomic():
        held = hold(run, at)
        placed = placed_of(held, step)
        require_run(held, by, placed)
        moved = rules.answer(held.state, step, value, by=doer_of(by), given=held.given, now=at)
        answers = placed.step.answers if isinstance(placed.step, Question) else ()
        label = next((each.label for each in answers if each.value == value), value)
        line = act_line(held, "answer_step", by, placed=placed, text=text, answer=value, label=label)
        return write(held, moved, "answer", [line], by=by, at=at, step=step, body={"value": value})


def tick(run: int, step: str, item: int, *, by: Viewer, at: Instant) -> Run:
    """Tick an item of a checklist, counted from 0. Journalled. Raises Forbidden, NotFound, Refused, Conflict."""
    with transaction.atomic():
        held = hold(run, at)
        placed = placed_of(held, step)
        require_run(held, by, placed)
        moved = rules.tick(held.state, step, item, by=doer_of(by), given=held.given, now=at)
        label = placed.step.items[item] if isinstance(placed.step, Checklist) else ""
        line = act_line(held, "tick_step", by, placed=placed, label=label)
        return write(held, moved, "tick", [line], by=by, at=at, step=step, body={"item": item})


def skip(run: int, step: str, *, reason: str, by: Viewer, at: Instant) -> Run:
    """Go past a step, saying why. Journalled. Raises Refused without a reason, Forbidden, NotFound, Conflict."""
    why = check_text(reason, "why the step is skipped")
    with transaction.atomic():
        held = hold(run, at)
        placed = placed_of(held, step)
        require_run(held, by, placed)
        moved = rules.skip(held.state, step, by=doer_of(by), given=held.given, now=at)
        line = act_line(held, "skip_step", by, placed=placed, text=why)
        return write(held, moved, "skip", [line], by=by, at=at, step=step)

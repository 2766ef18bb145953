"""What people do at a step: confirm, answer, tick, skip. Each in one transaction with its journal line, once for each token."""

from __future__ import annotations

from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents.rules import check_text
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import queries, rules
from beffroi.kernel.procedures.actions.once import Sent
from beffroi.kernel.procedures.actions.recording import Held, Judged, act, act_line, doer_of
from beffroi.kernel.procedures.types import Checklist, Evidence, Placed, Question, Run


def confirm(run: int, step: str, *, note: str = "", by: Viewer, at: Instant, token: str = "") -> Run:
    """Say that a step is done, with what proves it: a sentence, or the pictures that were attached for it. Journalled.

    Raises Forbidden, NotFound, Refused without the evidence that it asks for, Conflict naming who did it first.
    """
    text = check_text(note, "what was seen") if note.strip() else ""
    noted = bool(text)

    def judge(held: Held, placed: Placed | None) -> Judged:
        assert placed is not None
        wanted = placed.step.evidence is Evidence.PICTURE
        pictured = wanted and bool(queries.pictures_of_step(held.incident.id, run, placed))
        moved = rules.confirm(
            held.state, step, by=doer_of(by), given=held.given, now=at, noted=noted, pictured=pictured
        )
        line = act_line(held, "confirm_step", by, placed=placed, text=text, pictured=pictured)
        return Judged(moved, line, {"noted": noted, "pictured": pictured})

    return act(Sent("confirm", run, step, {"noted": noted}, token), judge, by=by, at=at)


def answer(run: int, step: str, value: str, *, note: str = "", by: Viewer, at: Instant, token: str = "") -> Run:
    """Answer a question. Journalled. Raises Forbidden, NotFound, Refused for no answer of it, Conflict."""
    text = check_text(note, "what was seen") if note.strip() else ""

    def judge(held: Held, placed: Placed | None) -> Judged:
        assert placed is not None
        moved = rules.answer(held.state, step, value, by=doer_of(by), given=held.given, now=at)
        answers = placed.step.answers if isinstance(placed.step, Question) else ()
        label = next((each.label for each in answers if each.value == value), value)
        line = act_line(held, "answer_step", by, placed=placed, text=text, answer=value, label=label)
        return Judged(moved, line, {"value": value})

    return act(Sent("answer", run, step, {"value": value}, token), judge, by=by, at=at)


def tick(run: int, step: str, item: int, *, by: Viewer, at: Instant, token: str = "") -> Run:
    """Tick an item of a checklist, counted from 0. Journalled. Raises Forbidden, NotFound, Refused, Conflict."""

    def judge(held: Held, placed: Placed | None) -> Judged:
        assert placed is not None
        moved = rules.tick(held.state, step, item, by=doer_of(by), given=held.given, now=at)
        label = placed.step.items[item] if isinstance(placed.step, Checklist) else ""
        line = act_line(held, "tick_step", by, placed=placed, label=label)
        return Judged(moved, line, {"item": item})

    return act(Sent("tick", run, step, {"item": item}, token), judge, by=by, at=at)


def skip(run: int, step: str, *, reason: str, by: Viewer, at: Instant, token: str = "") -> Run:
    """Go past a step, saying why. Journalled. Raises Refused without a reason, Forbidden, NotFound, Conflict."""
    why = check_text(reason, "why the step is skipped")

    def judge(held: Held, placed: Placed | None) -> Judged:
        moved = rules.skip(held.state, step, by=doer_of(by), given=held.given, now=at)
        return Judged(moved, act_line(held, "skip_step", by, placed=placed, text=why))

    return act(Sent("skip", run, step, {}, token), judge, by=by, at=at)

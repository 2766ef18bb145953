"""One move of one run: locked, judged by the rules, written with its event, its messages and its lines. All, or nothing.

The run's row is locked before anything that the move touches, the journal's head last. Two people who do the same step at
the same instant are judged one after the other: the second is told by whom it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.queries import may, require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.lines import line_of, rule_of
from beffroi.kernel.procedures.actions.once import Sent, done_before, reused
from beffroi.kernel.procedures.actions.telling import tell_late, tell_step
from beffroi.kernel.procedures.queries.facts import given_from
from beffroi.kernel.procedures.rules import Doer, Moved
from beffroi.kernel.procedures.types import Given, Happening, Placed, Run, RunState, RunStatus, StepState, Wait, What


@dataclass(frozen=True, slots=True)
class Held:
    """A run under lock, with what is known of its incident."""

    row: models.Run
    state: RunState
    incident: Incident
    given: Given


@dataclass(frozen=True, slots=True)
class Judged:
    """What an act of a person makes of a run: the move, its line, and what its event keeps."""

    moved: Moved
    line: Entry
    body: Mapping[str, Any] = field(default_factory=dict)


def act(sent: Sent, judge: Callable[[Held, Placed | None], Judged], *, by: Viewer, at: Instant) -> Run:
    """Do what a person does to a run, or to a step of it, in one transaction; what was done with this token, once.

    `judge` decides under the lock. Raises Forbidden, NotFound, Conflict naming who was first, Refused for a token that
    came with something else, and what `judge` raises.
    """
    try:
        with transaction.atomic():
            held = hold(sent.run, at)
            if done_before(sent, by) is not None:
                return queries.run_of_row(held.row)
            placed = placed_of(held, sent.step) if sent.step else None
            require_run(held, by, placed)
            judged = judge(held, placed)
            body = dict(judged.body)
            return write(
                held, judged.moved, sent.verb, [judged.line], by=by, at=at, step=sent.step, body=body, sent=sent
            )
    except IntegrityError as error:
        if "procedures_move_token" not in str(error):
            raise
        raise reused(sent.token) from error  # at the same instant, for another run


def hold(number: int, at: Instant) -> Held:
    """Lock a run. Raises NotFound."""
    row = models.Run.objects.select_for_update(of=("self",)).select_related("started_by").filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no run {number} of a procedure")
    incident = incidents.known([row.incident_id])[row.incident_id]
    return Held(row, queries.state_of(row), incident, given_from(incident, at))


def require_run(held: Held, by: Viewer, placed: Placed | None = None) -> None:
    """Let pass who may run procedures at the incident's desk, at an associated one, or at the desk of the step's role."""
    incident = held.incident
    desks = [*incident.associated, *([placed.role.desk] if placed and placed.role.desk else [])]
    if any(may(by, Verb.RUN, Kind.PROCEDURE, desk=desk, commune=incident.commune) for desk in desks):
        return
    require(by, Verb.RUN, Kind.PROCEDURE, desk=incident.desk, commune=incident.commune)


def doer_of(by: Viewer) -> Doer:
    """Return who acts, as a run remembers it."""
    return Doer(by.username, by.display_name)


def write(
    held: Held,
    moved: Moved,
    verb: str,
    lines: Sequence[Entry],
    *,
    at: Instant,
    by: Viewer | None = None,
    step: str = "",
    body: dict[str, Any] | None = None,
    sent: Sent | None = None,
) -> Run:
    """Write a run after a move: the event, the state, what is told, and the lines, first those of the act."""
    row = held.row
    row.moves += 1
    row.state = msgspec.to_builtins(moved.run)
    row.status = moved.run.status
    wake = rules.next_wake(moved.run)
    row.wake_at = to_datetime(wake) if wake is not None else None
    row.watches = _watches(moved.run)
    if moved.run.status is not RunStatus.RUNNING:
        row.ended_at = to_datetime(at)
        row.ended_by = by.display_name if by else row.title
    row.save()
    models.Move.objects.create(
        run=row,
        number=row.moves,
        at=to_datetime(at),
        verb=verb,
        step=step,
        by_id=by.id if by else None,
        by_name=by.display_name if by else "",
        body={**(body or {}), "given": msgspec.to_builtins(held.given)},
        token=(sent.token or None) if sent else None,
        asked=sent.digest if sent and sent.token else None,
    )
    append([*lines, *_lines_of_happenings(held, moved, at)], at=at)
    return queries.run_of_row(row)


def act_line(
    held: Held,
    verb: str,
    by: Viewer,
    *,
    placed: Placed | None = None,
    reason: str = "",
    text: str = "",
    **content: object,
) -> Entry:
    """Return the line that tells what a person did to a step, or to the run."""
    about = line_of(
        held.row, verb, by.actor, opened_at=held.incident.opened_at, placed=placed, reason=reason, text=text
    )
    return replace(about, content={**about.content, **content})


def placed_of(held: Held, key: str) -> Placed:
    """Return a step of a run. Raises NotFound, and Conflict naming who was first where it is over."""
    found = rules.step_named(held.state, key)
    if found is None:
        raise NotFound(f"this run has no step `{key[:80]}`")
    if found.run is not None and found.run.ended_at and not rules.is_standing(found.run):
        raise Conflict(_who_was_first(held, found), key="step-over")
    return found


def _who_was_first(held: Held, placed: Placed) -> str:
    run = placed.run
    assert run is not None
    who = run.by_name or held.row.title
    return f"{placed.step.title or placed.key} was {run.state.replace('_', ' ')} by {who}"


def _watches(run: RunState) -> bool:
    """Tell whether a run waits for something that only looking tells: a wait's fact, equipment, a crew."""
    standing = [each for each in rules.placed(run) if each.run and rules.is_standing(each.run)]
    waits = any(isinstance(each.step, Wait) and each.step.until for each in standing)
    asked = any(each.run is not None and each.run.state is StepState.ASKED and each.run.reference for each in standing)
    return run.status is RunStatus.RUNNING and (waits or asked)


def _lines_of_happenings(held: Held, moved: Moved, at: Instant) -> list[Entry]:
    """Do and tell what came by itself: messages sent, steps late, waits over, the end of the run."""
    lines: list[Entry] = []
    for each in moved.happened:
        placed = rules.step_named(moved.run, each.step) if each.step else None
        line = _line_of_happening(held, moved.run, each, placed, at)
        lines += [line] if line else []
    return lines


def _line_of_happening(held: Held, run: RunState, each: Happening, placed: Placed | None, at: Instant) -> Entry | None:
    row, actor, opened_at = held.row, rule_of(held.row), held.incident.opened_at
    match each.what:
        case What.TELLS if placed:
            to = ", ".join(tell_step(row, held.incident, placed, at))
            return line_of(row, "tell_step", actor, opened_at=opened_at, placed=placed, to_name=to)
        case What.LATE:
            return line_of(row, "miss_step", actor, opened_at=opened_at, placed=placed, effective_at=each.at)
        case What.ESCALATED if placed:
            to = tell_late(row, held.incident, placed, each.to, at).to_name
            return line_of(
                row, "escalate_step", actor, opened_at=opened_at, placed=placed, effective_at=each.at, to_name=to
            )
        case What.ENDED if placed and isinstance(placed.step, Wait) and placed.run and not placed.run.by:
            outcome = str(placed.run.state)
            return line_of(row, "end_wait", actor, opened_at=opened_at, placed=placed, outcome=outcome)
        case What.RUN_ENDED if run.status is RunStatus.DONE:
            return line_of(row, "end_procedure", actor, opened_at=opened_at)
        case _:
            return None

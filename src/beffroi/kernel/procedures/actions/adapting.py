"""Changing a run while it goes on: a step is added, a procedure is applied (again) beside, the run is stopped."""

from __future__ import annotations

from typing import Any

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.incidents.rules import check_text
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import queries, rules
from beffroi.kernel.procedures.actions.once import Sent
from beffroi.kernel.procedures.actions.recording import Held, Judged, act, act_line
from beffroi.kernel.procedures.types import Lane, Placed, Run, RunState, Step

MOST_WITHIN_S = 604_800
ADDED = "Étape ajoutée"
"""What a step that a person added is called where its words may not be: they are in the journal, under the case's key."""


def add_step(
    run: int,
    title: str,
    *,
    text: str = "",
    role: str = "",
    within_s: int = 0,
    by: Viewer,
    at: Instant,
    token: str = "",
) -> Run:
    """Add an instruction beside the steps of a run, from now on, for one of its roles. Journalled; its words encrypted.

    Raises Refused (no words, too long), Forbidden, NotFound, Conflict when the run is over.
    """
    if not 0 <= within_s <= MOST_WITHIN_S:
        raise Refused("write a deadline of 0 to 604800 seconds", key="deadline-wrong")
    written = check_text("\n".join(filter(None, (title.strip(), text.strip()))), "what is to be done")
    fields: dict[str, Any] = {"id": "added", "kind": "instruction", "title": ADDED}
    fields |= {"within_s": within_s} if within_s else {}
    step = rules.read_step(fields)

    def judge(held: Held, _placed: Placed | None) -> Judged:
        lane = rules.added_step(held.state, step, role=role, title=ADDED)
        moved = rules.add_lane(held.state, lane, held.given, at)
        placed = rules.step_named(moved.run, f"{len(moved.run.lanes) - 1}.added")
        line = act_line(held, "add_step", by, placed=placed, text=written)
        return Judged(moved, line, {"lane": msgspec.to_builtins(lane)})

    return act(Sent("add", run, "", {"role": role, "within_s": within_s}, token), judge, by=by, at=at)


def reapply(run: int, what: str, *, by: Viewer, at: Instant, token: str = "") -> Run:
    """Apply again one step of a run (by its key), or a procedure in force (by its code), beside what goes on. Journalled.

    Raises Forbidden, NotFound for what is neither, Refused past twenty, Conflict when the run is over.
    """

    def judge(held: Held, _placed: Placed | None) -> Judged:
        lane = _lane_again(held.state, what)
        moved = rules.add_lane(held.state, lane, held.given, at)
        line = act_line(held, "reapply_procedure", by, step_title=lane.title, procedure=lane.code)
        return Judged(moved, line, {"lane": msgspec.to_builtins(lane)})

    return act(Sent("add", run, "", {"what": what}, token), judge, by=by, at=at)


def stop(run: int, *, reason: str, by: Viewer, at: Instant, token: str = "") -> Run:
    """Stop a run before its end, saying why. Journalled with the steps that were not done. Raises as `skip`."""
    why = check_text(reason, "why the procedure is stopped")

    def judge(held: Held, _placed: Placed | None) -> Judged:
        line = act_line(held, "stop_procedure", by, text=why, left=rules.left_of(held.state))
        return Judged(rules.stop(held.state, at), line)

    return act(Sent("stop", run, "", {}, token), judge, by=by, at=at)


def _lane_again(state: RunState, what: str) -> Lane:
    found = rules.step_named(state, what)
    if found is not None:
        alone: Step = msgspec.structs.replace(found.step, id="again")
        return rules.added_step(state, alone, role=found.role.code, title=found.step.title)
    known = queries.library()
    if what in known:
        return rules.again(rules.pin(known[what], known))
    raise NotFound(f"`{what[:80]}` is neither a step of this run nor a procedure in force")

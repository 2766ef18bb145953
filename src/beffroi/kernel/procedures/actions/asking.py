"""Steps that ask for something: a command sent to equipment, a crew engaged. Asked and noted in one transaction, or neither.

The run's row is locked first; what is asked locks its own rows and the journal's head after. Two people who send the same
step at the same instant are judged one after the other: one request leaves.
"""

from __future__ import annotations

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch import queries as crews
from beffroi.kernel.incidents.actions import keep_nameable
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import queries, rules
from beffroi.kernel.procedures.actions.lines import line_of, rule_of
from beffroi.kernel.procedures.actions.once import Sent
from beffroi.kernel.procedures.actions.recording import Held, Judged, act, act_line, doer_of, write
from beffroi.kernel.procedures.types import Command, Dispatch, Placed, Run, StepState


def send(run: int, step: str, *, by: Viewer, at: Instant, token: str = "") -> Run:
    """Send the command of a step, or send it again after it failed. Journalled here and in the commands' room.

    A dangerous one waits for a second person, as always. Raises Forbidden, NotFound (nothing to ask it of), Refused and
    Conflict as the commands' room does, Conflict naming who sent it first.
    """

    def judge(held: Held, placed: Placed | None) -> Judged:
        if placed is None or not isinstance(placed.step, Command):
            raise Refused(f"`{step}` sends no command", key="nothing-to-ask")
        attempt = _check_free(held, placed)
        keep_nameable(held.incident.id)
        reason = f"{held.row.title} : {placed.step.title}"
        key = f"run-{run}-{step}-{attempt}"[:80]
        request = queries.request_of(placed.step, held.incident, reason=reason, key=key)
        asked = commands.ask(request, by=by, at=at)
        reference = f"group:{asked.group}" if asked.group else f"command:{asked.id}"
        moved = rules.ask(held.state, step, reference, by=doer_of(by), given=held.given, now=at)
        line = act_line(held, "send_step", by, placed=placed, ability=placed.step.ability, count=len(asked.commands))
        return Judged(moved, line, {"reference": reference})

    return act(Sent("ask", run, step, {}, token), judge, by=by, at=at)


def engage(run: int, step: str, unit: str, *, by: Viewer, at: Instant, token: str = "") -> Run:
    """Propose the mission of a step to a crew, or to another after it failed. Journalled here and in dispatch's room.

    Raises Forbidden, NotFound, Conflict (the crew has a mission already; it says who gave it), Refused, as dispatch does.
    """

    def judge(held: Held, placed: Placed | None) -> Judged:
        if placed is None or not isinstance(placed.step, Dispatch):
            raise Refused(f"`{step}` engages no crew", key="nothing-to-ask")
        _check_free(held, placed)
        mission = dispatch.propose_mission(
            held.incident.id,
            unit,
            title=placed.step.title,
            instructions=placed.step.instructions,
            hazards=placed.step.hazards or None,
            checklist=placed.step.checklist or None,
            by=by,
            at=at,
        )
        reference = str(mission.number)
        moved = rules.ask(held.state, step, reference, by=doer_of(by), given=held.given, now=at)
        line = act_line(held, "engage_step", by, placed=placed, to_name=mission.unit_name, mission=mission.number)
        return Judged(moved, line, {"reference": reference})

    return act(Sent("ask", run, step, {"unit": unit}, token), judge, by=by, at=at)


def _check_free(held: Held, placed: Placed) -> int:
    """Return which attempt this is; raise Conflict where the step is not reached, or somebody asked already."""
    rules.ask(held.state, placed.key, "", by=rules.Doer("", ""), given=held.given, now=0)
    return placed.run.attempts + 1 if placed.run else 1


def look_at_asked(held: Held, at: Instant) -> Held:
    """Note what became of what steps asked for, in the caller's transaction, and return the run as it is then."""
    missions = None
    for placed in rules.placed(held.state):
        step, known = placed.step, placed.run
        if known is None or known.state is not StepState.ASKED or not isinstance(step, Command | Dispatch):
            continue
        if missions is None:
            missions = crews.missions_of_incident(held.incident.id)
        found = queries.progress_of(step, known.reference, missions=missions)
        if not found.over:
            continue
        moved = rules.report(
            held.state, placed.key, done=found.done, reference=known.reference, given=held.given, now=at
        )
        line = line_of(
            held.row,
            "prove_step" if found.done else "fail_step",
            rule_of(held.row),
            opened_at=held.incident.opened_at,
            placed=placed,
            outcome=found.state,
            label=found.detail,
        )
        body = {"reference": known.reference, "done": found.done}
        write(held, moved, "report", [line], at=at, step=placed.key, body=body)
        held = Held(held.row, moved.run, held.incident, held.given)
    return held

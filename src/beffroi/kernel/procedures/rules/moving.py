"""What people, equipment and crews do to a run: each event is accepted or refused with who was first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.procedures.rules.running import is_standing, settle, step_named
from beffroi.kernel.procedures.types import (
    Branch,
    Call,
    Checklist,
    Command,
    Dispatch,
    Evidence,
    Given,
    Happening,
    Instruction,
    Lane,
    Notification,
    Parallel,
    Procedure,
    Question,
    RunState,
    RunStatus,
    Step,
    StepRun,
    StepState,
    Wait,
    What,
)

MOST_LANES = 20
"""Steps and procedures that may be added to one run."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A run after an event, and what came of it."""

    run: RunState
    happened: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts: an account and its display name; the account is empty for equipment, a crew or a rule."""

    username: str
    name: str


def confirm(
    run: RunState, key: str, *, by: Doer, given: Given, now: Instant, noted: bool = False, pictured: bool = False
) -> Moved:
    """Say that an instruction is followed, or that a message is seen. Raises Refused without the evidence it asks for."""
    step, known = _standing(run, key)
    if not isinstance(step, Instruction | Notification):
        raise Refused(f"`{key}` is not confirmed: {_how(step)}", key="not-confirmed")
    _check_evidence(step, noted=noted, pictured=pictured)
    return _with(run, key, replace(known, state=StepState.DONE, ended_at=now, **_by(by)), given, now)


def answer(run: RunState, key: str, value: str, *, by: Doer, given: Given, now: Instant) -> Moved:
    """Answer a question with one of its answers."""
    step, known = _standing(run, key)
    if not isinstance(step, Question):
        raise Refused(f"`{key}` is no question: {_how(step)}", key="not-a-question")
    values = [each.value for each in step.answers]
    if value not in values:
        raise Refused(f"`{value[:40]}` is no answer of `{key}`; answers are {', '.join(values)}", key="no-such-answer")
    return _with(run, key, replace(known, state=StepState.DONE, answer=value, ended_at=now, **_by(by)), given, now)


def tick(run: RunState, key: str, item: int, *, by: Doer, given: Given, now: Instant) -> Moved:
    """Tick an item of a checklist, counted from 0; the last one ends the step."""
    step, known = _standing(run, key)
    if not isinstance(step, Checklist):
        raise Refused(f"`{key}` is no checklist: {_how(step)}", key="not-a-checklist")
    if not 0 <= item < len(step.items):
        raise Refused(f"`{key}` has {len(step.items)} items", key="no-such-item")
    if item in known.ticked:
        raise Conflict(f"`{step.items[item]}` is ticked already", key="already-ticked")
    ticked = tuple(sorted({*known.ticked, item}))
    after = replace(known, ticked=ticked, **_by(by))
    if len(ticked) == len(step.items):
        after = replace(after, state=StepState.DONE, ended_at=now)
    return _with(run, key, after, given, now)


def ask(run: RunState, key: str, reference: str, *, by: Doer, given: Given, now: Instant) -> Moved:
    """Note that the command or the crew of a step was asked for: `reference` names it. Again after it failed."""
    step, known = _standing(run, key)
    if not isinstance(step, Command | Dispatch):
        raise Refused(f"`{key}` asks for nothing: {_how(step)}", key="nothing-to-ask")
    if known.state is StepState.ASKED:
        raise Conflict(f"`{key}` was asked for by {known.by_name} already", key="already-asked")
    asked = replace(known, state=StepState.ASKED, reference=reference, attempts=known.attempts + 1, **_by(by))
    return _with(run, key, asked, given, now)


def report(
    run: RunState, key: str, *, done: bool, reference: str, given: Given, now: Instant, by: Doer | None = None
) -> Moved:
    """Note what became of what a step asked for. What was not asked for by this step changes nothing."""
    step, known = _standing(run, key)
    if known.state is not StepState.ASKED or known.reference != reference:
        raise Conflict(f"`{key}` does not wait for {reference}", key="not-asked")
    teller = _by(by) if by else {}
    if done:
        after = replace(known, state=StepState.DONE, ended_at=now, **teller)
    else:
        over = now if isinstance(step, Command | Dispatch) and step.may_fail else 0
        after = replace(known, state=StepState.FAILED, ended_at=over, **teller)
    return _with(run, key, after, given, now)


def skip(run: RunState, key: str, *, by: Doer, given: Given, now: Instant) -> Moved:
    """Go past a step; the caller has its reason. Past a called procedure: past all of it that is not done."""
    step, known = _standing(run, key)
    if isinstance(step, Parallel | Branch):
        raise Refused(f"`{key}` only holds other steps: skip those", key="not-skipped")
    gone = replace(known, state=StepState.SKIPPED, ended_at=now, **_by(by))
    steps = dict(run.steps)
    inside = [other for other in steps if other.startswith(f"{key}.") and is_standing(steps[other])]
    steps |= {other: replace(steps[other], state=StepState.SKIPPED, ended_at=now, **_by(by)) for other in inside}
    return _with(replace(run, steps=steps), key, gone, given, now)


def add_lane(run: RunState, lane: Lane, given: Given, now: Instant) -> Moved:
    """Have steps done beside those of the run, from now on: one that is added, or a procedure applied (again)."""
    _check_running(run)
    if len(run.lanes) > MOST_LANES:
        raise Refused(f"{MOST_LANES} steps were added to this run already: start another", key="too-many-lanes")
    after, happened = settle(replace(run, lanes=(*run.lanes, lane)), given, now)
    return Moved(after, happened)


def added_step(run: RunState, step: Step, *, role: str, title: str) -> Lane:
    """Return the lane of one step that a person adds, for a role of the run."""
    roles = tuple({each.code: each for lane in run.lanes for each in lane.roles}.values())
    return Lane(title, (replace(step, role=role if role in {each.code for each in roles} else ""),), roles=roles)


def again(procedure: Procedure) -> Lane:
    """Return the lane of a whole procedure that is applied beside what goes on."""
    return Lane(procedure.title, procedure.steps, procedure.code, procedure.version, procedure.roles)


def stop(run: RunState, now: Instant) -> Moved:
    """Stop a run before its end; its steps stay as they are. The caller has the reason."""
    _check_running(run)
    return Moved(replace(run, status=RunStatus.STOPPED), (Happening(What.RUN_ENDED, "", now),))


def pin(procedure: Procedure, library: Mapping[str, Procedure]) -> Procedure:
    """Return a procedure whose calls hold the steps of what they call: what a run keeps, whatever is changed after.

    Raises NotFound for a call of what is not in force. `library` has no circle (`problems_between`).
    """
    return replace(procedure, steps=_pinned(procedure.steps, library))


def _pinned(steps: tuple[Step, ...], library: Mapping[str, Procedure]) -> tuple[Step, ...]:
    def through(step: Step) -> Step:
        match step:
            case Call():
                called = library.get(step.procedure)
                if called is None:
                    raise NotFound(f"procedure `{step.procedure}` is not in force: step `{step.id}` calls it")
                inner = _pinned(called.steps, library)
                return replace(
                    step, title=step.title or called.title, version=called.version, steps=inner, roles=called.roles
                )
            case Branch():
                return replace(step, cases=tuple(replace(c, steps=_pinned(c.steps, library)) for c in step.cases))
            case Parallel():
                return replace(step, lanes=tuple(_pinned(lane, library) for lane in step.lanes))
            case _:
                return step

    return tuple(through(step) for step in steps)


def _standing(run: RunState, key: str) -> tuple[Step, StepRun]:
    _check_running(run)
    found = step_named(run, key)
    if found is None:
        raise NotFound(f"this run has no step `{key[:80]}`")
    if found.run is None:
        raise Conflict(f"step `{key}` is not reached yet: what comes before it is not over", key="not-reached")
    if not is_standing(found.run):
        who = found.run.by_name or "the post"
        raise Conflict(f"step `{key}` was {found.run.state.replace('_', ' ')} by {who}", key="step-over")
    return found.step, found.run


def _check_running(run: RunState) -> None:
    if run.status is not RunStatus.RUNNING:
        raise Conflict(f"this run is {run.status}", key="run-over")


def _with(run: RunState, key: str, known: StepRun, given: Given, now: Instant) -> Moved:
    before = replace(run, steps={**run.steps, key: known})
    ended = (Happening(What.ENDED, key, now),) if not is_standing(known) else ()
    after, happened = settle(before, given, now)
    return Moved(after, (*ended, *happened))


def _by(by: Doer) -> dict[str, str]:
    return {"by": by.username, "by_name": by.name}


def _check_evidence(step: Step, *, noted: bool, pictured: bool) -> None:
    if step.evidence is Evidence.NOTE and not noted:
        raise Refused(
            f"`{step.id}` is done with a sentence that proves it: write what was seen", key="evidence-missing"
        )
    if step.evidence is Evidence.PICTURE and not (pictured or noted):
        told = f"`{step.id}` is done with a picture; without one, write what was seen and why there is none"
        raise Refused(told, key="evidence-missing")


_HOW: Mapping[type, str] = {
    Question: "it is answered",
    Checklist: "its items are ticked",
    Command: "its command is sent",
    Dispatch: "its crew is engaged",
    Wait: "it ends by itself, or is skipped with a reason",
    Instruction: "it is confirmed",
    Notification: "it is confirmed",
}


def _how(step: Step) -> str:
    return _HOW.get(type(step), "it holds other steps")

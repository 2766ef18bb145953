"""The interpreter: what a run is, what has come of it, and at which instant it moves by itself. Pure, clock passed in.

A procedure is nested, never jumps, and so always ends. What a run remembers is what became of each step that was reached;
where it stands is read from that by walking the steps again. `settle` opens what can be opened, ends the waits, and says
what is late: doing it twice at the same instant changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.procedures.types import (
    ENDED,
    Branch,
    ByHand,
    Call,
    Case,
    Given,
    Happening,
    Lane,
    Notification,
    Parallel,
    Placed,
    Procedure,
    RoleOf,
    RunState,
    RunStatus,
    Step,
    StepRun,
    StepState,
    Wait,
    What,
)

OTHERWISE = -1
"""The case of a branch of which none held."""


@dataclass(slots=True)
class _Walk:
    """One pass over a run: its steps as they become, and what comes of it."""

    given: Given
    now: Instant
    steps: dict[str, StepRun]
    happened: list[Happening] = field(default_factory=list)


def begin(procedure: Procedure, given: Given, now: Instant) -> tuple[RunState, tuple[Happening, ...]]:
    """Begin a run of a procedure whose calls hold their steps (`pin`)."""
    lane = Lane(procedure.title, procedure.steps, procedure.code, procedure.version, procedure.roles)
    return settle(RunState((lane,)), given, now)


def settle(run: RunState, given: Given, now: Instant) -> tuple[RunState, tuple[Happening, ...]]:
    """Bring a run to an instant: open what is reached, end waits, say what is late. A run that ended stays as it is."""
    if run.status is not RunStatus.RUNNING:
        return run, ()
    walk = _Walk(given, now, dict(run.steps))
    ended = [_all_of(walk, lane.steps, prefix_of(place), lane.roles) for place, lane in enumerate(run.lanes)]
    _be_late(walk, run)
    status = RunStatus.RUNNING
    if all(ended):
        status = RunStatus.DONE
        walk.happened.append(Happening(What.RUN_ENDED, "", now))
    return RunState(run.lanes, walk.steps, status), tuple(walk.happened)


def next_wake(run: RunState) -> Instant | None:
    """Return the instant at which a run moves by itself: a wait that ends, a deadline, an escalation."""
    if run.status is not RunStatus.RUNNING:
        return None
    instants = [instant for step in run.steps.values() if is_standing(step) for instant in _wakes(step)]
    return min(instants, default=None)


def is_standing(step: StepRun) -> bool:
    """Tell whether a step is reached and not over: it waits for somebody, for equipment or for time."""
    return step.state in (StepState.OPEN, StepState.ASKED, StepState.FAILED) and not step.ended_at


def is_by_hand(step: Step) -> bool:
    """Tell whether a person does a step; the others go by themselves, or only hold steps."""
    return isinstance(step, ByHand)


def prefix_of(lane: int) -> str:
    """Return what the keys of a lane begin with."""
    return f"{lane}." if lane else ""


def placed(run: RunState) -> tuple[Placed, ...]:
    """Return the steps of a run as people read them, in order, without the ways that branches did not take."""
    found: list[Placed] = []
    for number, lane in enumerate(run.lanes):
        found += _placed(run, lane.steps, prefix_of(number), lane, number, 0)
    return tuple(found)


def step_named(run: RunState, key: str) -> Placed | None:
    """Return a step that a run has or may reach."""
    return next((each for each in placed(run) if each.key == key), None)


def left_of(run: RunState) -> list[str]:
    """Return the titles of the steps that were not done: reached and standing, or not reached."""
    leaves = (each for each in placed(run) if not isinstance(each.step, Parallel | Call | Wait))
    return [each.step.title for each in leaves if each.run is None or is_standing(each.run)]


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """Return steps and all that they hold, calls' steps included where they are written."""
    for step in steps:
        yield step
        for inner in inside(step):
            yield from every_step(inner)


def inside(step: Step) -> tuple[tuple[Step, ...], ...]:
    """Return the ways that a step holds."""
    match step:
        case Branch(cases=cases):
            return tuple(case.steps for case in cases)
        case Parallel(lanes=lanes):
            return lanes
        case Call(steps=steps):
            return (steps,)
        case _:
            return ()


def _all_of(walk: _Walk, steps: Sequence[Step], prefix: str, roles: Sequence[RoleOf]) -> bool:
    return all(_done(walk, step, prefix, roles) for step in steps)


def _done(walk: _Walk, step: Step, prefix: str, roles: Sequence[RoleOf]) -> bool:
    """Bring one step as far as it goes; tell whether what follows it may begin."""
    key = prefix + step.id
    if key not in walk.steps:
        _open(walk, step, key)
    known = walk.steps[key]
    if isinstance(step, Branch):
        place = int(known.answer)
        return place == OTHERWISE or _all_of(walk, step.cases[place].steps, prefix, roles)
    if known.state is StepState.OPEN and isinstance(step, Parallel | Call | Wait):
        _go_on(walk, step, key, prefix, roles)
        known = walk.steps[key]
    return known.state in ENDED or (known.state is StepState.FAILED and bool(known.ended_at))


def _go_on(walk: _Walk, step: Parallel | Call | Wait, key: str, prefix: str, roles: Sequence[RoleOf]) -> None:
    """Bring a step that goes by itself as far as it goes: what holds others ends with them, a wait with its time."""
    if isinstance(step, Wait):
        _wait(walk, step, key)
    elif isinstance(step, Parallel):
        _close(walk, key, [_all_of(walk, lane, prefix, roles) for lane in step.lanes])
    else:
        _close(walk, key, [_all_of(walk, step.steps, f"{key}.", roles)])


def _open(walk: _Walk, step: Step, key: str) -> None:
    now = walk.now
    if isinstance(step, Branch):
        prefix = key[: len(key) - len(step.id)]
        place = next((i for i, case in enumerate(step.cases) if _holds(walk, case, prefix)), OTHERWISE)
        walk.steps[key] = StepRun(StepState.DONE, now, ended_at=now, answer=str(place))
        return
    due = now + step.within_s * SECOND if step.within_s else 0
    wake = now + step.for_s * SECOND if isinstance(step, Wait) else 0
    escalate = due + step.escalate.after_s * SECOND if step.escalate and due else 0
    walk.steps[key] = StepRun(StepState.OPEN, now, due_at=due, escalate_at=escalate, wake_at=wake)
    if not isinstance(step, Parallel | Call):
        walk.happened.append(Happening(What.OPENED, key, now))
    if isinstance(step, Notification):
        walk.happened.append(Happening(What.TELLS, key, now))
        if step.acknowledged:
            walk.steps[key] = msgspec.structs.replace(walk.steps[key], state=StepState.ASKED)
        else:
            _end(walk, key, StepState.DONE, now)


def _close(walk: _Walk, key: str, over: Sequence[bool]) -> None:
    if all(over):
        walk.steps[key] = msgspec.structs.replace(walk.steps[key], state=StepState.DONE, ended_at=walk.now)


def _wait(walk: _Walk, step: Wait, key: str) -> None:
    if step.until is not None and step.until in walk.given.reached:
        _end(walk, key, StepState.DONE, walk.now)
    elif walk.now >= walk.steps[key].wake_at:
        _end(walk, key, StepState.DONE if step.until is None else StepState.TIMED_OUT, walk.now)


def _end(walk: _Walk, key: str, state: StepState, at: Instant) -> None:
    walk.steps[key] = msgspec.structs.replace(walk.steps[key], state=state, ended_at=at)
    walk.happened.append(Happening(What.ENDED, key, at))


def _be_late(walk: _Walk, run: RunState) -> None:
    """Say once which steps missed their deadline, and once that somebody is told; dated when it was due."""
    by_key = {each.key: each.step for each in placed(RunState(run.lanes, walk.steps))}
    for key, known in list(walk.steps.items()):
        if not is_standing(known) or key not in by_key:
            continue
        if known.due_at and not known.late and walk.now >= known.due_at:
            walk.steps[key] = msgspec.structs.replace(known, late=True)
            walk.happened.append(Happening(What.LATE, key, known.due_at))
        if known.escalate_at and not known.escalated and walk.now >= known.escalate_at:
            walk.steps[key] = msgspec.structs.replace(walk.steps[key], escalated=True)
            escalation = by_key[key].escalate
            to = escalation.to if escalation else ""
            walk.happened.append(Happening(What.ESCALATED, key, known.escalate_at, to))


def _wakes(step: StepRun) -> Iterator[Instant]:
    if step.due_at and not step.late:
        yield step.due_at
    if step.escalate_at and not step.escalated:
        yield step.escalate_at
    if step.wake_at:
        yield step.wake_at


def _holds(walk: _Walk, case: Case, prefix: str) -> bool:
    return all(bool(set(_values(walk, name, prefix)) & set(wanted)) for name, wanted in case.when.items())


def _values(walk: _Walk, name: str, prefix: str) -> tuple[str, ...]:
    """Return what a name means now: a fact of the incident, an outcome of a step, the answer of a question."""
    given = walk.given
    if name.startswith("incident."):
        return facts_of(given).get(name.removeprefix("incident."), ())
    step, _, outcome = name.partition(".")
    known = walk.steps.get(prefix + step)
    if known is None:
        return ()
    return (str(known.state),) if outcome else (known.answer,)


def facts_of(given: Given) -> dict[str, tuple[str, ...]]:
    """Return the facts of an incident as branches name them."""
    return {
        "category": (given.category,),
        "alarm": given.alarms,
        "priority": (str(given.priority),),
        "desk": (given.desk,),
        "asset_class": (given.asset_class,),
        "commune": (given.commune,),
        "night": ("yes" if given.night else "no",),
        "teller": ("yes" if given.teller else "no",),
        "reached": given.reached,
    }


def _placed(run: RunState, steps: Sequence[Step], prefix: str, lane: Lane, number: int, depth: int) -> Iterator[Placed]:
    for step in steps:
        key = prefix + step.id
        known = run.steps.get(key)
        role = next((role for role in lane.roles if role.code == step.role), None)
        role = role or (lane.roles[0] if lane.roles else RoleOf("operator", ""))
        if not isinstance(step, Branch):
            yield Placed(key, step, role, depth, number, known)
        match step:
            case Branch():
                taken = int(known.answer) if known else OTHERWISE
                ways = (step.cases[taken].steps,) if taken != OTHERWISE else ()
                for way in ways:
                    yield from _placed(run, way, prefix, lane, number, depth)
            case Call():
                yield from _placed(run, step.steps, f"{key}.", _with_roles(lane, step), number, depth + 1)
            case _:
                for way in inside(step):
                    yield from _placed(run, way, prefix, lane, number, depth + 1)


def _with_roles(lane: Lane, call: Call) -> Lane:
    return msgspec.structs.replace(lane, roles=(*call.roles, *lane.roles)) if call.roles else lane

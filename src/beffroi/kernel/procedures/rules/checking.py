"""What is wrong with a procedure whose keys are right one by one: names that mean nothing, steps written twice, circles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from beffroi.kernel.procedures.rules.lines import Entry, Listed, Problem
from beffroi.kernel.procedures.rules.running import every_step, facts_of
from beffroi.kernel.procedures.rules.words import PLACEHOLDERS
from beffroi.kernel.procedures.types import Branch, Call, Given, Notification, Procedure, Question, Step, StepState

MAX_STEPS = 60
FACTS = tuple(facts_of(Given()))
_OUTCOMES = tuple(str(state) for state in StepState if state not in (StepState.OPEN, StepState.ASKED))
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def problems_of(procedure: Procedure, entry: Entry) -> list[Problem]:
    """Return what is wrong inside one procedure."""
    lines = _lines_of_steps(entry)
    steps = list(every_step(procedure.steps))
    found = list(_written_twice(steps, lines, entry.line))
    roles = {role.code for role in procedure.roles}
    for step in steps:
        found += [
            Problem(lines.get(step.id, entry.line), key, text) for key, text in _problems_of_step(step, roles, steps)
        ]
    if len(steps) > MAX_STEPS:
        found.append(
            Problem(entry.lines.get("steps", 1), "steps", f"{len(steps)} steps; cut it in procedures of {MAX_STEPS}")
        )
    if not procedure.tests:
        found.append(
            Problem(
                entry.line,
                "tests",
                "is missing: write at least one test of what comes when (docs/reference/procedures.md)",
            )
        )
    return found + list(_problems_of_tests(procedure, steps, entry))


def problems_between(procedures: Iterable[Procedure]) -> list[str]:
    """Return what is wrong among procedures that are right one by one."""
    every = list(procedures)
    codes = [each.code for each in every]
    library = {each.code: each for each in every}
    found = [f"procedure `{code}` is written twice; give each its code" for code in library if codes.count(code) > 1]
    found += [
        f"procedure `{each.code}`, step `{step.id}`: calls `{step.procedure}`, which does not exist"
        for each in every
        for step in every_step(each.steps)
        if isinstance(step, Call) and step.procedure not in library
    ]
    return found or [
        f"procedure `{each.code}` calls itself through its calls; cut the circle"
        for each in every
        if each.code in _reached(each.code, library)
    ]


def _reached(code: str, library: Mapping[str, Procedure]) -> set[str]:
    seen: set[str] = set()
    ahead = [code]
    while ahead:
        for step in every_step(library[ahead.pop()].steps):
            if isinstance(step, Call) and step.procedure not in seen:
                seen.add(step.procedure)
                ahead.append(step.procedure)
    return seen


def _written_twice(steps: Sequence[Step], lines: Mapping[str, int], line: int) -> Iterator[Problem]:
    ids = [step.id for step in steps]
    for name in dict.fromkeys(name for name in ids if ids.count(name) > 1):
        yield Problem(lines.get(name, line), "id", f"`{name}` names two steps; give each its own name")


def _problems_of_step(step: Step, roles: set[str], steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    there = ", ".join(sorted(roles))
    if step.role and step.role not in roles:
        yield "role", f"`{step.role}` is no role of this procedure; roles are {there}"
    if step.escalate is not None and step.escalate.to not in roles:
        yield "escalate", f"`{step.escalate.to}` is no role of this procedure; roles are {there}"
    if isinstance(step, Notification):
        for recipient in step.to:
            if recipient.role and recipient.role not in roles:
                yield "to", f"`{recipient.role}` is no role of this procedure; roles are {there}"
        for name in _PLACEHOLDER.findall(step.message):
            if name not in PLACEHOLDERS:
                yield "message", f"`{{{name}}}` stands for nothing; there are {', '.join(PLACEHOLDERS)}"
    if isinstance(step, Question):
        values = [each.value for each in step.answers]
        if len(values) < 2 or len(set(values)) < len(values):
            yield "answers", "write two answers or more, each with a value of its own"
    if isinstance(step, Branch):
        by_id = {each.id: each for each in steps}
        for case in step.cases:
            for name, wanted in case.when.items():
                yield from _problems_of_condition(name, wanted, by_id)


def _problems_of_condition(name: str, wanted: Sequence[str], by_id: Mapping[str, Step]) -> Iterator[tuple[str, str]]:
    if name.startswith("incident."):
        if name.removeprefix("incident.") not in FACTS:
            yield name, f"is no fact of an incident; there are {', '.join(f'incident.{fact}' for fact in FACTS)}"
        return
    step, _, outcome = name.partition(".")
    if step not in by_id:
        yield name, f"`{step}` is no step of this procedure: name a question, or `step.outcome`"
    elif outcome:
        among = _OUTCOMES if outcome == "outcome" else ()
        for each in (each for each in wanted if each not in among):
            yield name, f"`{each}` is no outcome; write `{step}.outcome` with one of {', '.join(_OUTCOMES)}"
    else:
        asked = by_id[step]
        values = [each.value for each in asked.answers] if isinstance(asked, Question) else []
        for each in (each for each in wanted if each not in values):
            known = f"its answers are {', '.join(values)}" if values else "it is no question"
            yield name, f"`{each}` is no answer of `{step}`: {known}"


def _problems_of_tests(procedure: Procedure, steps: Sequence[Step], entry: Entry) -> Iterator[Problem]:
    """Name steps that a test speaks of and that are none; steps of what is called are known when tests run."""
    ids = {step.id for step in steps}
    lines = entry.get("tests")
    for place, trial in enumerate(procedure.tests):
        line = lines.lines[place] if isinstance(lines, Listed) else entry.line
        for name in (*(deed.step for deed in trial.when), *(each.step for each in trial.expect)):
            if name and name.split(".")[0] not in ids:
                yield Problem(line, "tests", f"test “{trial.name}”: `{name}` is no step of this procedure")


def _lines_of_steps(value: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    if isinstance(value, Entry):
        if isinstance(value.get("id"), str):
            found[value["id"]] = value.line
        for inner in value.values():
            found = {**_lines_of_steps(inner), **found}
    elif isinstance(value, Listed):
        for item in value:
            found = {**_lines_of_steps(item), **found}
    return found

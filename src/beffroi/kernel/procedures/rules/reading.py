"""Reading a procedure as the city writes it in YAML (docs/reference/procedures.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from beffroi.kernel.procedures.rules.checking import problems_of
from beffroi.kernel.procedures.rules.lines import Entry, Listed, Problem, Sheet, WrongProcedure, read_yaml
from beffroi.kernel.procedures.rules.trial_reading import read_trials
from beffroi.kernel.procedures.types import (
    Answer,
    Branch,
    Call,
    Case,
    Checklist,
    Command,
    Dispatch,
    Escalation,
    Evidence,
    Instruction,
    MissionStage,
    Notification,
    Parallel,
    Procedure,
    Question,
    Reach,
    Recipient,
    RoleOf,
    Step,
    Target,
    Until,
    Wait,
)

MAX_STEPS = 60
MAX_S = 604_800
"""A week: no deadline and no wait of a step is longer."""

_KEYS = ("code", "version", "title", "desk", "purpose", "for", "roles", "steps", "tests")
_COMMON = ("id", "kind", "title", "text", "role", "within_s", "escalate", "evidence")
_OWN: Mapping[str, tuple[str, ...]] = {
    "instruction": (),
    "question": ("answers",),
    "checklist": ("items",),
    "command": ("ability", "target", "parameters", "hold_s", "may_fail"),
    "notification": ("to", "message", "acknowledged"),
    "dispatch": ("skills", "instructions", "hazards", "checklist", "done_when", "may_fail"),
    "wait": ("for_s", "until"),
    "branch": ("cases",),
    "parallel": ("lanes",),
    "procedure": ("procedure",),
}
KINDS = tuple(_OWN)


def parse_procedure(text: str, *, name: str = "") -> Procedure:
    """Return the procedure that a YAML text states. Raises WrongProcedure naming each line and what to write."""
    try:
        entry = read_yaml(text)
    except WrongProcedure as error:
        raise WrongProcedure(error.problems, name) from error
    sheet = Sheet()
    found = _procedure(entry, sheet)
    problems = sheet.problems or problems_of(found, entry)
    if problems:
        raise WrongProcedure(problems, name)
    return found


def read_step(fields: Mapping[str, Any]) -> Step:
    """Return a step that a person writes in the middle of a run. Raises WrongProcedure."""
    entry, sheet = Entry(1), Sheet()
    for key, value in fields.items():
        entry[key], entry.lines[key] = value, 1
    step = _step(entry, sheet)
    if sheet.problems or step is None:
        raise WrongProcedure(sheet.problems)
    return step


def _procedure(entry: Entry, sheet: Sheet) -> Procedure:
    sheet.known(entry, _KEYS, "a procedure")
    purposes = sheet.mapping(entry, "for") or Entry(entry.line)
    sheet.known(purposes, ("alarms", "categories", "asset_classes"), "`for`")
    return Procedure(
        code=sheet.code(entry, "code"),
        version=sheet.whole(entry, "version", 1, 100_000),
        title=sheet.text(entry, "title", most=120),
        desk=sheet.code(entry, "desk"),
        purpose=sheet.text(entry, "purpose", most=600),
        roles=_roles(entry, sheet),
        steps=_steps(entry, "steps", sheet),
        alarms=sheet.texts(purposes, "alarms", most=30),
        categories=sheet.texts(purposes, "categories", most=30),
        asset_classes=sheet.texts(purposes, "asset_classes", most=30, longest=48),
        tests=read_trials(entry, sheet),
    )


def _roles(entry: Entry, sheet: Sheet) -> tuple[RoleOf, ...]:
    found = []
    for each in sheet.entries(entry, "roles", most=12):
        sheet.known(each, ("code", "title", "desk", "post"), "a role")
        desk, post = sheet.code(each, "desk", needed=False), sheet.code(each, "post", needed=False)
        found.append(RoleOf(sheet.code(each, "code"), sheet.text(each, "title", most=80), desk, post))
    return tuple(found)


def _steps(entry: Entry, key: str, sheet: Sheet) -> tuple[Step, ...]:
    read = (_step(each, sheet) for each in sheet.entries(entry, key, most=MAX_STEPS))
    return tuple(step for step in read if step is not None)


def _step(entry: Entry, sheet: Sheet) -> Step | None:
    kind = sheet.choice(entry, "kind", KINDS, default="instruction")
    sheet.known(entry, (*_COMMON, *_OWN[kind]), f"a step of kind {kind}")
    untitled = kind in ("branch", "parallel", "wait", "procedure")
    common = {
        "id": sheet.code(entry, "id"),
        "title": sheet.text(entry, "title", most=160, needed=not untitled),
        "text": sheet.text(entry, "text", most=2000, needed=False),
        "role": sheet.code(entry, "role", needed=False),
        "within_s": sheet.whole(entry, "within_s", 1, MAX_S, default=0),
        "escalate": _escalation(entry, sheet),
        "evidence": Evidence(sheet.choice(entry, "evidence", ("note", "picture"), default="")),
    }
    return _READ[kind](entry, sheet, common)


def _escalation(entry: Entry, sheet: Sheet) -> Escalation | None:
    stated = sheet.mapping(entry, "escalate")
    if stated is None:
        return None
    sheet.known(stated, ("to", "after_s"), "`escalate`")
    if "within_s" not in entry:
        sheet.wrong(
            entry.lines["escalate"], "escalate", "a step without `within_s` is never late: write `within_s` too"
        )
    return Escalation(sheet.code(stated, "to"), sheet.whole(stated, "after_s", 0, MAX_S, default=0))


def _question(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    answers = []
    for each in sheet.entries(entry, "answers", most=8):
        sheet.known(each, ("value", "label"), "an answer")
        answers.append(Answer(sheet.code(each, "value"), sheet.text(each, "label", most=80)))
    return Question(**common, answers=tuple(answers))


def _checklist(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    items = sheet.texts(entry, "items", most=20)
    if not items:
        sheet.wrong(entry.lines.get("items", entry.line), "items", "write a list of what is to be ticked")
    return Checklist(**common, items=items)


def _command(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    stated = sheet.mapping(entry, "target") or Entry(entry.line)
    sheet.known(stated, ("reach", "asset_class", "within_m"), "`target`")
    reach = Reach(sheet.choice(stated, "reach", tuple(Reach), default="asset"))
    asset_class = sheet.code(stated, "asset_class", needed=reach in (Reach.NEAREST, Reach.AROUND))
    within = sheet.whole(stated, "within_m", 1, 5_000, default=300 if reach in (Reach.NEAREST, Reach.AROUND) else 0)
    parameters: Mapping[str, Any] = sheet.mapping(entry, "parameters") or {}
    return Command(
        **common,
        ability=sheet.code(entry, "ability"),
        target=Target(reach, asset_class, within),
        parameters=dict(parameters),
        hold_s=sheet.whole(entry, "hold_s", 1, MAX_S, default=0),
        may_fail=sheet.flag(entry, "may_fail"),
    )


def _notification(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    to = []
    for each in sheet.entries(entry, "to", most=10):
        sheet.known(each, ("post", "desk", "role", "mail", "teller"), "a recipient")
        if len(each) != 1:
            sheet.wrong(each.line, "to", "write one of post, desk, role, mail, teller for each recipient")
        codes = {name: sheet.code(each, name, needed=False) for name in ("post", "desk", "role")}
        to.append(Recipient(**codes, mail=_mail(each, sheet), teller=sheet.flag(each, "teller")))
    acknowledged = sheet.flag(entry, "acknowledged")
    if acknowledged and not any(each.post or each.desk or each.role for each in to):
        sheet.wrong(
            entry.lines["acknowledged"],
            "acknowledged",
            "only a post, a desk or a role can say seen: add one, or leave it out",
        )
    return Notification(
        **common, to=tuple(to), message=sheet.text(entry, "message", most=1000), acknowledged=acknowledged
    )


def _mail(entry: Entry, sheet: Sheet) -> str:
    address = sheet.text(entry, "mail", most=200, needed=False)
    name, _, domain = address.rpartition("@")
    if address and (not name or "." not in domain or " " in address):
        sheet.wrong(entry.lines["mail"], "mail", f"{address!r} is no mail address")
    return address


def _dispatch(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    return Dispatch(
        **common,
        skills=sheet.texts(entry, "skills", most=10, longest=48),
        instructions=sheet.text(entry, "instructions", most=1000, needed=False),
        hazards=sheet.text(entry, "hazards", most=500, needed=False),
        checklist=sheet.texts(entry, "checklist", most=20),
        done_when=MissionStage(sheet.choice(entry, "done_when", tuple(MissionStage), default="done")),
        may_fail=sheet.flag(entry, "may_fail"),
    )


def _wait(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    until = sheet.choice(entry, "until", tuple(Until), default="")
    return Wait(**common, for_s=sheet.whole(entry, "for_s", 1, MAX_S), until=Until(until) if until else None)


def _branch(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    cases = []
    stated = sheet.entries(entry, "cases", most=10)
    for place, each in enumerate(stated):
        sheet.known(each, ("when", "steps"), "a case")
        if "when" not in each and place != len(stated) - 1:
            sheet.wrong(each.line, "cases", "a case without `when` holds always: write it last")
        cases.append(Case(_steps(each, "steps", sheet), _when(each, sheet)))
    return Branch(**common, cases=tuple(cases))


def _when(entry: Entry, sheet: Sheet) -> dict[str, tuple[str, ...]]:
    stated = sheet.mapping(entry, "when")
    found: dict[str, tuple[str, ...]] = {}
    for name, value in (stated or {}).items():
        several = list(value) if isinstance(value, Listed) else [value]
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in several):
            told = "write a word, or a list of words; put `yes` and `no` in quotes"
            sheet.wrong(stated.lines[name] if stated else entry.line, name, told)
        found[name] = tuple(str(each) for each in several)
    return found


def _parallel(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    lanes = []
    for each in sheet.entries(entry, "lanes", most=6):
        sheet.known(each, ("steps",), "a lane")
        lanes.append(_steps(each, "steps", sheet))
    return Parallel(**common, lanes=tuple(lanes))


def _call(entry: Entry, sheet: Sheet, common: dict[str, Any]) -> Step:
    return Call(**common, procedure=sheet.code(entry, "procedure"))


_READ: Mapping[str, Callable[[Entry, Sheet, dict[str, Any]], Step]] = {
    "instruction": lambda _entry, _sheet, common: Instruction(**common),
    "question": _question,
    "checklist": _checklist,
    "command": _command,
    "notification": _notification,
    "dispatch": _dispatch,
    "wait": _wait,
    "branch": _branch,
    "parallel": _parallel,
    "procedure": _call,
}


def parse_library(texts: Iterable[tuple[str, str]]) -> tuple[Procedure, ...]:
    """Return the procedures of several files, by name and text. Raises WrongProcedure with what is wrong in all of them."""
    found: list[Procedure] = []
    wrong: list[str] = []
    problems: list[Problem] = []
    for name, text in texts:
        try:
            found.append(parse_procedure(text, name=name))
        except WrongProcedure as error:
            problems += error.problems
            wrong.append(error.reason)
    if problems:
        raised = WrongProcedure(problems)
        raised.reason = "\n".join(wrong)
        raise raised
    return tuple(found)

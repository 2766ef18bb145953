"""Procedures in force, and runs of them, as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class ProcedureRole(msgspec.Struct):
    """Who takes part: `desk` is that of the people who play it, `post` where it is told what it must know."""

    code: str
    title: str
    desk: str
    post: str


class ProcedureAnswer(msgspec.Struct):
    """One answer that a question takes: `value` is what is sent."""

    value: str
    label: str


class ProcedureTarget(msgspec.Struct, omit_defaults=True):
    """The equipment of a command, seen from the incident: `reach` is asset, feeder, nearest or around."""

    reach: str
    asset_class: str = ""
    within_m: int = 0


class ProcedureRecipient(msgspec.Struct, omit_defaults=True):
    """Who is told: one of a post, a desk, a role, a mail address, or whoever told the incident."""

    post: str = ""
    desk: str = ""
    role: str = ""
    mail: str = ""
    teller: bool = False


class ProcedureEscalation(msgspec.Struct, omit_defaults=True):
    """Which role is told that a step is late, and how many seconds after its deadline."""

    to: str
    after_s: int = 0


class ProcedureWay(msgspec.Struct, omit_defaults=True):
    """Steps that a branch may take (`when` says under which condition; without, otherwise) or that go on side by side."""

    steps: list[ProcedureStep]
    when: Mapping[str, list[str]] = {}


class ProcedureStep(msgspec.Struct, omit_defaults=True):
    """A step as the city wrote it; what is left out does not hold for its `kind`. An empty `role` is the first one.

    `kind`: instruction, question, checklist, command, notification, dispatch, wait, branch, parallel or procedure.
    """

    id: str
    kind: str
    title: str = ""
    text: str = ""
    role: str = ""
    within_s: int = 0
    escalate: ProcedureEscalation | None = None
    evidence: str = ""
    answers: list[ProcedureAnswer] = []
    items: list[str] = []
    ability: str = ""
    target: ProcedureTarget | None = None
    parameters: Mapping[str, Any] = {}
    hold_s: int = 0
    may_fail: bool = False
    to: list[ProcedureRecipient] = []
    message: str = ""
    acknowledged: bool = False
    skills: list[str] = []
    instructions: str = ""
    hazards: str = ""
    checklist: list[str] = []
    done_when: str = ""
    for_s: int = 0
    until: str = ""
    procedure: str = ""
    ways: list[ProcedureWay] = []


class Procedure(msgspec.Struct):
    """A procedure: what it is for, and for which alarms (definitions) and categories it is proposed, on which equipment.

    `proposed_because`: alarm, asset_class or category, where an incident was asked for; else null.
    """

    code: str
    version: int
    in_force: bool
    title: str
    desk: str
    purpose: str
    alarms: list[str]
    categories: list[str]
    asset_classes: list[str]
    proposed_because: str | None
    published_at: str
    published_by: str


class Procedures(msgspec.Struct):
    """Procedures in force; there is no other page."""

    items: list[Procedure]
    next: None = None


class ProcedureDetail(Procedure):
    """A procedure with its roles, its steps, and the versions of it that were ever in force."""

    roles: list[ProcedureRole]
    steps: list[ProcedureStep]
    versions: list[int]


class Run(msgspec.Struct):
    """A run of a procedure on an incident. `state`: running, done or stopped. `late`: steps past their deadline now."""

    id: int
    incident: int
    reference: str
    procedure: str
    version: int
    title: str
    desk: str
    state: str
    steps_done: int
    steps: int
    late: int
    started_at: str
    started_by: str
    ended_at: str | None
    ended_by: str


class Runs(msgspec.Struct):
    """A page of runs, the newest first."""

    items: list[Run]
    next: str | None


class RunItem(msgspec.Struct):
    """An item of a checklist; it is ticked by its place, counted from 0."""

    text: str
    ticked: bool


class RunStep(msgspec.Struct):
    """A step of a run, where it stands. `step` names it in the acts; `state` is null for one that is not reached.

    `state`: open, asked (equipment, a crew or a recipient is waited for), done, skipped, failed or timed_out. `standing`:
    somebody or something is waited for. `wants` is the evidence that it asks for, `note` or `picture`; `notes` and
    `pictures` (of `evidence`) are what was given, for who may read what names persons.
    """

    step: str
    kind: str
    title: str
    text: str
    role: str
    desk: str
    depth: int
    lane: int
    state: str | None
    standing: bool
    opened_at: str | None
    due_at: str | None
    late: bool
    escalated: bool
    waits_until: str | None
    ended_at: str | None
    by: str
    answer: str
    answers: list[ProcedureAnswer]
    items: list[RunItem]
    wants: str
    notes: list[str]
    pictures: list[str]
    command: str | None
    group: str | None
    mission: int | None
    attempts: int


class Message(msgspec.Struct):
    """A line told to a post or a desk by a step, or because a step is late (`urgent`), and who said seen."""

    id: int
    run: int
    incident: int
    step: str
    to: str
    text: str
    told_at: str
    wants_answer: bool
    urgent: bool
    seen_by: str
    seen_at: str | None


class Messages(msgspec.Struct):
    """What is told to the account's post and nobody said seen; there is no other page."""

    items: list[Message]
    next: None = None


class RunLetter(msgspec.Struct):
    """A letter that a step wrote; its address is told to nobody. `state`: waiting, sending, sent, refused, in_doubt, given_up."""

    id: int
    step: str
    to: str
    state: str
    written_at: str
    ended_at: str | None
    reason: str


class RunDetail(Run):
    """A run with its steps in the order in which people read them, and what it told."""

    items: list[RunStep]
    messages: list[Message]
    letters: list[RunLetter]

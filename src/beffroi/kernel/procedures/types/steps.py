"""The steps of a procedure, as the city writes them.

A step is named by its key: its `id` in the procedure, after those of the procedures that call it (`cordon.doubt`), after
the number of the lane for what was added while the run went on (`2.doubt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Evidence(StrEnum):
    """What a step is not done without: a sentence, or a picture (a sentence that says why there is none stands for it)."""

    NONE = ""
    NOTE = "note"
    PICTURE = "picture"


class Until(StrEnum):
    """What a wait may end by, beside its time: a clock of the incident, or the return of all its alarms."""

    ENGAGED = "engaged"
    ON_SITE = "on_site"
    SAFE = "safe"
    RESOLVED = "resolved"
    ALARMS_RETURNED = "alarms_returned"


class MissionStage(StrEnum):
    """How far a mission must be for its step to be done."""

    ACCEPTED = "accepted"
    ON_SITE = "on_site"
    DONE = "done"


class Reach(StrEnum):
    """What a command is for, seen from the incident."""

    ASSET = "asset"
    """The incident's own equipment."""

    FEEDER = "feeder"
    """The cabinet that feeds it; itself, where it is one."""

    NEAREST = "nearest"
    """The nearest piece of a class."""

    AROUND = "around"
    """Every piece of a class within a distance."""


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """The equipment of a command. `within_m` bounds the search of NEAREST and AROUND."""

    reach: Reach
    asset_class: str = ""
    within_m: int = 0


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told when a step is late, and how long after its deadline, in seconds."""

    to: str
    after_s: int = 0


class _Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What every step has. `within_s` is 0 for no deadline; an empty `role` is the first of the procedure."""

    id: str
    title: str = ""
    text: str = ""
    role: str = ""
    within_s: int = 0
    escalate: Escalation | None = None
    evidence: Evidence = Evidence.NONE


class Instruction(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="instruction"):
    """Something that a person does and says done."""


class Answer(msgspec.Struct, frozen=True):
    """One answer that a question takes: as tests and branches name it, and as people read it."""

    value: str
    label: str


class Question(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="question"):
    """Something that a person is asked; branches look at the answer."""

    answers: tuple[Answer, ...]


class Checklist(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="checklist"):
    """Things that are ticked one by one; done when all are."""

    items: tuple[str, ...]


class Command(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """A request to equipment, which a person sends; done when the equipment proves it.

    `may_fail`: the run goes on when it fails, and branches see it. `hold_s`: the equipment returns by itself after.
    """

    ability: str
    target: Target
    parameters: Mapping[str, Any] = {}
    hold_s: int = 0
    may_fail: bool = False


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told: exactly one of a post, a desk, a role of the procedure, a mail address, or whoever told the incident."""

    post: str = ""
    desk: str = ""
    role: str = ""
    mail: str = ""
    teller: bool = False


class Notification(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="notification"):
    """A message that the post sends by itself. `acknowledged`: done only when a recipient of the post says seen."""

    to: tuple[Recipient, ...]
    message: str
    acknowledged: bool = False


class Dispatch(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="dispatch"):
    """A crew that a person engages, the nearest that has the skills being proposed; done at a stage of its mission."""

    skills: tuple[str, ...] = ()
    instructions: str = ""
    hazards: str = ""
    checklist: tuple[str, ...] = ()
    done_when: MissionStage = MissionStage.DONE
    may_fail: bool = False


class Wait(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="wait"):
    """A time that passes (`for_s`), or something that is waited for, `for_s` being then the longest it may take."""

    for_s: int
    until: Until | None = None


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """Steps that are done where what `when` says holds; the first case that holds is taken. Empty: otherwise."""

    steps: tuple[Step, ...]
    when: Mapping[str, tuple[str, ...]] = {}


class Branch(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="branch"):
    """A way chosen by answers, outcomes of steps, and facts of the incident. No case that holds: the run goes on."""

    cases: tuple[Case, ...]


class Parallel(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="parallel"):
    """Ways that go on side by side; done when all are."""

    lanes: tuple[tuple[Step, ...], ...]


class RoleOf(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role of a procedure: its name as the room says it, the desk whose people play it, the post where it is told."""

    code: str
    title: str
    desk: str = ""
    post: str = ""


class Call(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="procedure"):
    """Another procedure, done as one step. `steps`, `roles` and `version` are written when a run begins: it keeps them."""

    procedure: str
    version: int = 0
    steps: tuple[Step, ...] = ()
    roles: tuple[RoleOf, ...] = ()


Step = Instruction | Question | Checklist | Command | Notification | Dispatch | Wait | Branch | Parallel | Call
ByHand = Instruction | Question | Checklist | Command | Dispatch
Container = Branch | Parallel | Call

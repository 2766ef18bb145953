"""What the procedures' room shows: procedures as the city writes them, and runs of them on incidents.

A step is named by its key: its `id` in the procedure, after those of the procedures that call it (`cordon.doubt`), after
the number of the lane for what was added while the run went on (`2.doubt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from beffroi.foundation.clock import Instant


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


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """What branches may know of an incident: by a run's facts, or by a test's."""

    category: str = ""
    alarms: tuple[str, ...] = ()
    priority: int = 3
    desk: str = ""
    asset_class: str = ""
    commune: str = ""
    night: bool = False
    teller: bool = False
    reached: tuple[str, ...] = ()


class Deed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something done in a test, at a second: the verb, the step, and with what."""

    at_s: float
    verb: str
    step: str = ""
    value: str = ""


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a test expects at a second: a step that opens, by whom and within what; or late, escalated, ended."""

    at_s: float
    what: str
    step: str = ""
    by: str = ""
    within_s: int = 0


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """A test beside a procedure: given this, when people do this, these steps by these roles within these times."""

    name: str
    given: Given
    when: tuple[Deed, ...]
    expect: tuple[Expected, ...]
    until_s: float = 0


class Procedure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A procedure as the city writes it. Proposed for the incidents of `alarms` (definitions) and of `categories`."""

    code: str
    version: int
    title: str
    desk: str
    purpose: str
    roles: tuple[RoleOf, ...]
    steps: tuple[Step, ...]
    alarms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tests: tuple[Trial, ...] = ()

    def role(self, step: Step) -> RoleOf:
        """Return who does a step."""
        return next((role for role in self.roles if role.code == step.role), self.roles[0])


class StepState(StrEnum):
    """How a step stands. A step that is not reached has no state; ASKED waits for equipment, a crew or a recipient."""

    OPEN = "open"
    ASKED = "asked"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


ENDED = (StepState.DONE, StepState.SKIPPED, StepState.TIMED_OUT)
"""States after which the run goes on. A step that failed waits for a person, unless it may fail."""


class StepRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of a run that was reached. Instants are 0 for never. What people wrote stands in the journal alone.

    `answer` is a question's, or the case that a branch took. `reference` names the command (its group) or the mission.
    """

    state: StepState
    opened_at: Instant
    due_at: Instant = 0
    escalate_at: Instant = 0
    wake_at: Instant = 0
    ended_at: Instant = 0
    by: str = ""
    by_name: str = ""
    answer: str = ""
    ticked: tuple[int, ...] = ()
    late: bool = False
    escalated: bool = False
    reference: str = ""
    attempts: int = 0


class RunStatus(StrEnum):
    """How a run stands: going on, all done, or stopped before its end with a reason."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Lane(msgspec.Struct, frozen=True, omit_defaults=True):
    """Steps that go on beside the others: the procedure itself first, then what was added or applied again."""

    title: str
    steps: tuple[Step, ...]
    code: str = ""
    version: int = 0
    roles: tuple[RoleOf, ...] = ()


class RunState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that a run remembers: what it does (pinned when it began) and how far it is."""

    lanes: tuple[Lane, ...]
    steps: Mapping[str, StepRun] = {}
    status: RunStatus = RunStatus.RUNNING


class What(StrEnum):
    """What comes of an event."""

    OPENED = "opened"
    ENDED = "ended"
    LATE = "late"
    ESCALATED = "escalated"
    TELLS = "tells"
    RUN_ENDED = "run_ended"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that came of an event, and when: a step that opened or ended, a deadline missed, a message to send."""

    what: What
    step: str
    at: Instant
    to: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A step where it stands in a run: its key, its lane, how deep, who does it, and how far it is (None: not reached)."""

    key: str
    step: Step
    role: RoleOf
    depth: int
    lane: int
    run: StepRun | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of a procedure in force, as the library shows it."""

    procedure: Procedure
    published_at: Instant
    published_by: str
    versions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a procedure on an incident. `notes` are what people wrote, by step, for who may read what names persons."""

    id: int
    incident: int
    code: str
    version: int
    title: str
    desk: str
    commune: str
    state: RunState
    started_at: Instant
    started_by: str
    ended_at: Instant | None
    ended_by: str
    moves: int
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A line told to a post or a desk, and who said seen. Both empty: to the whole room."""

    id: int
    run: int
    step: str
    incident: int
    to_post: str
    to_desk: str
    to_name: str
    text: str
    told_at: Instant
    wants_answer: bool
    urgent: bool
    seen_by: str = ""
    seen_at: Instant | None = None


class LetterState(StrEnum):
    """What became of a letter. IN_DOUBT: it may have been taken, and is not sent again by itself."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that a step of a run wrote, or (run 0) the answer to whoever told the incident. Its address is not here:
    nobody reads it but the mail server.
    """

    id: int
    run: int
    step: str
    to_name: str
    subject: str
    text: str
    state: LetterState
    written_at: Instant
    attempts: int
    ended_at: Instant | None
    reason: str


@dataclass(frozen=True, slots=True)
class Aim:
    """What a command step would do now: the equipment by code, the effect in one sentence, and why not where it cannot."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    effect: str
    dangerous: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far what a step asked for has come: `over` with `done` or not, in a few words of its room."""

    over: bool
    done: bool
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test found: what was expected and what came."""

    name: str
    passed: bool
    expected: tuple[Expected, ...]
    came: tuple[Expected, ...]
    error: str = ""

"""A run of a procedure on an incident: what it remembers, what comes of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.procedures.types.steps import RoleOf, Step


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

"""A procedure with the tests beside it, and the library that it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.procedures.types.steps import RoleOf, Step


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test found: what was expected and what came."""

    name: str
    passed: bool
    expected: tuple[Expected, ...]
    came: tuple[Expected, ...]
    error: str = ""


class Procedure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A procedure as the city writes it. Proposed for the incidents of `alarms` (definitions) and of `categories`; where
    `asset_classes` are named, only for those whose equipment is of one of them.
    """

    code: str
    version: int
    title: str
    desk: str
    purpose: str
    roles: tuple[RoleOf, ...]
    steps: tuple[Step, ...]
    alarms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    asset_classes: tuple[str, ...] = ()
    tests: tuple[Trial, ...] = ()

    def role(self, step: Step) -> RoleOf:
        """Return who does a step."""
        return next((role for role in self.roles if role.code == step.role), self.roles[0])


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of a procedure, as the library shows it; `versions` are all that were ever in force."""

    procedure: Procedure
    published_at: Instant
    published_by: str
    versions: tuple[int, ...] = ()
    in_force: bool = True


class Because(StrEnum):
    """Why a procedure is proposed for an incident, the most particular first."""

    ALARM = "alarm"
    ASSET_CLASS = "asset_class"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A procedure that is proposed for an incident, and why: `of` is the alarm's definition, or the category."""

    procedure: Procedure
    because: Because
    of: str

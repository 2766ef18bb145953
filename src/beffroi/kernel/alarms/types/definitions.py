"""What an alarm's definition says: its rule, its five answers, its tests, its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from beffroi.foundation.clock import Instant

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Join = Literal["all", "any"]


PRIORITIES = (1, 2, 3, 4)
"""1 asks for an act now, 4 waits for the morning list. About 5 % of alarms should be 1, 15 % 2 (EEMUA 191)."""


RELATIONS = ("self", "feeds", "contains", "source")
"""How one asset's alarm may explain another's: on the same asset, or through a relation of the twin, from upstream."""


COMMAND = "command:"
"""What stands before an ability where a command of ours explains an alarm: `self:command:ask_flashing`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity against one value. The dead band, in the quantity's unit, is how far beyond it a value must go back."""

    quantity: str
    operator: Operator
    threshold: float
    dead_band: float = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What the equipment of a trial says at a second: its values, or none of them (it reports, and that is all)."""

    at_s: float
    values: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a trial expects, or what came: the alarm is raised, or returns, at a second."""

    kind: Literal["raise", "return"]
    at_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A test beside a definition: given these reports of one piece of equipment, this and nothing else until `until_s`."""

    name: str
    given: tuple[Said, ...]
    expect: tuple[Told, ...]
    until_s: float


@dataclass(frozen=True, slots=True)
class Definition:
    """Why an alarm exists and what to do about it. No rule without the five answers.

    The rule is one of four: a threshold on a quantity (`quantity operator threshold`); `comparisons` of which `all` or
    `any` must hold (`join`); an `expression` in CEL; or, with `silence_periods`, the absence of reports for that many of
    the asset's periods. `quantity` is then the one that is shown. Delays in seconds, dead band in the quantity's unit.
    `suppressed_by` names what upstream explains this alarm, as `relation:definition`: `feeds:lighting_cabinet_tripped`
    on a light point; a command in force explains as well (`self:command:ask_flashing`). Once the explanation has returned, the alarm has `release_delay_s` to return too; past it, it
    stands by itself. A `latching` alarm stays after its return until a person resets it. After `re_alarm_s` an
    acknowledged alarm whose condition still holds is put before people again (0: never). One that nobody acknowledges is
    told one rung higher after each `escalate_after_s` (None: as its priority says in the city's profile, 0: never).
    `tests` say what the rule does; none may fail when the definition is put in force.
    """

    code: str
    version: int
    title: str
    asset_class: str
    quantity: str | None
    operator: Operator | None
    threshold: float | None
    silence_periods: float | None
    on_delay_s: float
    off_delay_s: float
    dead_band: float
    cause: str
    consequence: str
    response: str
    allowable_time_s: int
    priority: int
    desk: str
    opens_incident: bool
    suppressed_by: tuple[str, ...] = ()
    release_delay_s: float = 0
    latching: bool = False
    re_alarm_s: int = 0
    escalate_after_s: int | None = None
    comparisons: tuple[Comparison, ...] = ()
    join: Join = "all"
    expression: str = ""
    tests: tuple[Trial, ...] = ()


class RevisionState(StrEnum):
    """Where a written change of a definition stands. DRAFT and PROPOSED are open: one open change for a definition."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    DROPPED = "dropped"


OPEN_REVISIONS = (RevisionState.DRAFT, RevisionState.PROPOSED)


@dataclass(frozen=True, slots=True)
class Revision:
    """A written change of a definition: what it would be (None: withdrawn), who wrote it and why, who judged it.

    `base_version` is the version that was in force when it was written (0: none); `version` the one that it became.
    `what_if` is the last replay over history, as `rules.replay` gives it. `fields` are the fields as they were written.
    """

    id: int
    code: str
    state: RevisionState
    definition: Definition | None
    fields: Mapping[str, Any]
    title: str
    desk: str
    base_version: int
    version: int | None
    reason: str
    author: str
    author_name: str
    written_at: Instant
    proposed_at: Instant | None
    reviewer: str
    reviewer_name: str
    reviewed_at: Instant | None
    review_reason: str
    what_if: Mapping[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has decided of it yet."""
        return self.state in OPEN_REVISIONS


@dataclass(frozen=True, slots=True)
class Card:
    """A definition as the list shows it: its last version, whether it is in force, and the change that is open on it."""

    definition: Definition
    in_force: bool
    revision: Revision | None = None
    is_new: bool = False
    """It never was in force: it is only written, or proposed."""


@dataclass(frozen=True, slots=True)
class Priority:
    """What the city's profile says of a priority: when an alarm that nobody acknowledges is told one rung higher (0:
    never), and for how long one may be put aside at most. In seconds.
    """

    priority: int
    escalate_after_s: int
    shelve_max_s: int

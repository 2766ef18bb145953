"""The clocks of an incident: marks, pauses, deadlines, and what it is handed over with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.types import NO_WORDS, Words


class Clock(StrEnum):
    """What is dated in the life of an incident. ENGAGED, ON_SITE and SAFE are told by a person; the others by their act."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    TAKEN = "taken"
    ENGAGED = "engaged"
    ON_SITE = "on_site"
    SAFE = "safe"
    RESOLVED = "resolved"
    CLOSED = "closed"


TOLD_CLOCKS = (Clock.ENGAGED, Clock.ON_SITE, Clock.SAFE)

DUE_CLOCKS = (Clock.ACKNOWLEDGED, Clock.TAKEN, Clock.ENGAGED, Clock.ON_SITE, Clock.SAFE, Clock.RESOLVED)
"""Clocks for which the city's profile may set a deadline."""

TRANSFER = "transfer"
"""What a proposal to another desk or body is called among the deadlines: how long its answer may take."""


class TransferState(StrEnum):
    """What became of a proposal to hand an incident over. It is the first desk's until it is accepted."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in instants; `end` is None while it goes on."""

    begin: Instant
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a clock may wait, in seconds, from the reception. An empty category stands for all, a None priority too."""

    clock: str
    within_s: int
    category: str = ""
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A desk of the post, or a body outside (State roads, water company, neighbour commune), that an incident may go to.

    `reach` says how to reach it, in the words of the room; `inside` that it answers in this console.
    """

    code: str
    name: str
    inside: bool = False
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A clock as somebody dated it. `by` is a name; a later line about the same clock corrects this one."""

    clock: str
    effective_at: Instant
    recorded_at: Instant
    by: str
    reason: Words = NO_WORDS
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A time that the deadlines do not count: why, and what shows it. `corrected`: another line says it better."""

    id: int
    span: Span
    reason: Words
    proof: Words
    by: str
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A proposal to hand an incident over to a desk or a body, and its answer."""

    id: int
    from_desk: str
    to: str
    to_name: str
    inside: bool
    reason: Words
    proposed_at: Instant
    proposed_by: str
    due_at: Instant | None
    state: TransferState
    answered_at: Instant | None = None
    answered_by: str = ""
    answer: Words = NO_WORDS


@dataclass(frozen=True, slots=True)
class Due:
    """The next deadline of an incident; `at` is None while a pause stops it, and `left` is what remains then."""

    clock: str
    at: Instant | None
    left: Instant

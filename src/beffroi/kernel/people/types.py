"""What the people's room shows: who looks, what may be done to what, and by which right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.journal.types import NO_WORDS, Actor, ActorKind, Words


class Verb(StrEnum):
    """What a person does. Named as a control room says it."""

    SEE = "see"
    SEARCH = "search"
    EXPORT = "export"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    SHELVE_URGENT = "shelve_urgent"
    WITHDRAW = "withdraw"
    OPEN = "open"
    QUALIFY = "qualify"
    TAKE = "take"
    MARK = "mark"
    HOLD = "hold"
    TRANSFER = "transfer"
    NOTE = "note"
    ASSIGN = "assign"
    CLOSE = "close"
    REOPEN = "reopen"
    LINK = "link"
    VERIFY = "verify"
    DECLARE = "declare"
    REVOKE = "revoke"
    GRANT = "grant"
    HAND_OVER = "hand_over"
    CORRECT = "correct"
    ERASE = "erase"
    CONFIRM = "confirm"
    PROPOSE = "propose"
    REVIEW = "review"
    ASK = "ask"
    AUTHORISE = "authorise"
    REPORT = "report"
    CANCEL = "cancel"
    ATTACH = "attach"
    RUN = "run"


class Kind(StrEnum):
    """What it is done to. A new kind of thing is denied to everyone until a role names it."""

    SITUATION = "situation"
    ALARM = "alarm"
    DEFINITION = "definition"
    INCIDENT = "incident"
    COMMAND = "command"
    EVIDENCE = "evidence"
    SHIFT = "shift"
    UNIT = "unit"
    MISSION = "mission"
    POSITION = "position"
    DISTRESS = "distress"
    ASSET = "asset"
    READING = "reading"
    PLACE = "place"
    STREET = "street"
    JOURNAL = "journal"
    DESK_LINE = "desk_line"
    VAULT_LINE = "vault_line"
    PERSONAL = "personal"
    STATUS = "status"
    PROCEDURE = "procedure"
    SOURCE = "source"
    GATEWAY = "gateway"
    QUARANTINE = "quarantine"
    PERSON = "person"
    CLEARANCE = "clearance"
    TOKEN = "token"  # noqa: S105 -- a kind of thing, not a secret


class Role(StrEnum):
    """A named bundle of rights (rules.RIGHTS). A clearance gives a role to a person, somewhere, for a time."""

    OPERATOR = "operator"
    ROOM_SUPERVISOR = "room_supervisor"
    ALARM_ENGINEER = "alarm_engineer"
    VISITOR = "visitor"
    CITY_IT = "city_it"
    INTEGRATION = "integration"
    DATA_PROTECTION = "data_protection"
    PARTNER = "partner"
    CREW = "crew"


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one kind of thing, at a desk (empty: every desk), in a commune (empty: all), between two instants."""

    verb: Verb
    kind: Kind
    desk: str = ""
    commune: str = ""
    valid_from: Instant | None = None
    valid_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Territory:
    """Where a right holds: a desk and a commune, each empty for everywhere. Lists are narrowed by it."""

    desk: str = ""
    commune: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A working position of the room, and the desks that it answers for; none named: every desk.

    Nothing to do with rights: a clearance says what a person may do, a post what comes before them.
    """

    code: str
    title: str
    desks: tuple[str, ...] = ()

    def answers_for(self, desk: str) -> bool:
        """Tell whether what concerns a desk comes before whoever sits here."""
        return not self.desks or desk in self.desks


WHOLE_ROOM = Post("room", "Toute la salle")
"""Where everyone sits in a city that names no post answering for every desk: no alarm is nobody's."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks or acts, with every right held. Anonymous has an empty name and no right at all."""

    username: str
    display_name: str
    initials: str
    language: str
    rights: frozenset[Right] = field(repr=False)
    id: int | None = None
    roles: tuple[Role, ...] = ()
    palette: str = "night"
    single_key_shortcuts: bool = True
    post: Post = WHOLE_ROOM

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nobody has signed in."""
        return not self.username

    @property
    def actor(self) -> Actor:
        """This person as the journal names who acted."""
        return Actor(ActorKind.PERSON, self.username, self.display_name)


ANONYMOUS = Viewer("", "", "", "fr", frozenset())


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the back office lists it."""

    username: str
    display_name: str
    roles: tuple[Role, ...]
    is_active: bool
    demonstration: bool


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token just made. `secret` is shown once and kept nowhere; only its digest is."""

    id: int
    name: str
    secret: str = field(repr=False)
    expires_at: Instant | None


class WrongCredentials(Refused):
    """The name or the password is wrong; which of the two is not told."""

    status = 401
    key = "wrong-credentials"


class TooManyAttempts(Refused):
    """Several sign-ins of this account failed in a row. Wait for `wait_s` seconds and try again."""

    status = 429
    key = "too-many-attempts"

    def __init__(self, reason: str, wait_s: int) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Shift:
    """A part of the day that one crew works, in minutes after local midnight; one that ends at its beginning lasts a day.

    The night's `ends_min` lies before its `begins_min`.
    """

    code: str
    title: str
    begins_min: int
    ends_min: int


class InstructionKind(StrEnum):
    """What one shift leaves to the next: what to heed, or what was promised to somebody, by when."""

    INSTRUCTION = "instruction"
    PROMISE = "promise"


class InstructionEnd(StrEnum):
    """How an instruction ends: done as promised, given up with a reason, or over by its own date."""

    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Instruction:
    """A standing instruction (consigne) or a promise, at a post. `due_at`: when a promise is due, an instruction over.

    `kept` is its text as the table holds it, encrypted: what a record copies, so that the copy goes with its origin.
    """

    id: int
    post: str
    kind: InstructionKind
    text: Words
    subject: str
    due_at: Instant | None
    written_by: str
    written_at: Instant
    end: InstructionEnd | None = None
    ended_by: str = ""
    ended_at: Instant | None = None
    end_reason: Words = NO_WORDS
    kept: bytes = b""


class HandoverState(StrEnum):
    """Signed by who leaves, then by who comes; or taken back before that."""

    SIGNED_OUT = "signed_out"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Handover:
    """A shift hand-over (relève) of a post. `content` is what the leaving shift showed, frozen at its signature."""

    id: int
    post: str
    shift_out: str
    shift_in: str
    state: HandoverState
    text: Words
    content: Mapping[str, Any]
    digest: str
    out_by: str
    out_name: str
    out_at: Instant
    in_name: str = ""
    in_at: Instant | None = None
    remark: Words = NO_WORDS
    withdrawn_at: Instant | None = None
    withdraw_reason: Words = NO_WORDS


@dataclass(frozen=True, slots=True)
class Duty:
    """A person on duty at a post, since when."""

    username: str
    display_name: str
    initials: str
    post: str
    began_at: Instant

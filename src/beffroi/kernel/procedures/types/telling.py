"""What runs tell people: messages inside the post, and letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import Instant


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


OUTBOX = "outbox:letters"
"""What lines of the journal about letters are related to: what is said of those that wait is looked at again then."""


@dataclass(frozen=True, slots=True)
class LettersWaiting:
    """Letters that do not leave: how many, since when the oldest waits, and whether the post has no mail server at all;
    else what the server last said.
    """

    count: int
    since: Instant
    no_server: bool
    reason: str

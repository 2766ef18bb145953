"""Acts that are sent twice are one: a token that whoever acts made, kept with the move that the act led to.

The run is locked by then, so the same act sent twice at once comes in an order. A token is its person's, for ever; the same
one for something else is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from beffroi.foundation.errors import Refused
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import models

MAX_TOKEN = 80


@dataclass(frozen=True, slots=True)
class Sent:
    """An act as somebody sends it: its verb, the run (0: none yet) and the step it is about, with what; and its token."""

    verb: str
    run: int
    step: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def digest(self) -> bytes:
        """What tells two acts apart; it holds no word of what was written."""
        return hashlib.sha256(
            msgspec.json.encode([self.verb, self.run, self.step, dict(sorted(self.body.items()))])
        ).digest()


def done_before(sent: Sent, by: Viewer) -> int | None:
    """Return the run that this very act moved before; None when it did not.

    Raises Refused for a token that is none, or that came with something else.
    """
    if not sent.token:
        return None
    if len(sent.token) > MAX_TOKEN or not sent.token.isprintable():
        raise Refused(f"the token has 1 to {MAX_TOKEN} printable characters", key="key-malformed")
    known = models.Move.objects.filter(by_id=by.id, token=sent.token).values_list("run_id", "asked").first()
    if known is None:
        return None
    number, asked = known
    if bytes(asked or b"") != sent.digest:
        raise reused(sent.token)
    return int(number)


def reused(token: str) -> Refused:
    """Return what is told of a token that came with something else."""
    return Refused(f"the token `{token}` was used for something else: take a new one", key="key-reused")

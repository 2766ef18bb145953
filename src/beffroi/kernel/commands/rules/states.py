"""The one table of what may happen to a command, and where it leads. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.commands.types import OPEN_STATES, Ability, CommandEvent, CommandState

S, E = CommandState, CommandEvent
TABLE: Mapping[CommandState, Mapping[CommandEvent, CommandState]] = {
    S.ASKED: {E.AUTHORISE: S.AUTHORISED, E.DENY: S.DENIED, E.CANCEL: S.CANCELLED, E.EXPIRE: S.EXPIRED},
    S.AUTHORISED: {E.SEND: S.SENT, E.CANCEL: S.CANCELLED, E.REFUSE: S.FAILED, E.EXPIRE: S.EXPIRED},
    S.SENT: {
        E.KEEP_BACK: S.AUTHORISED,
        E.ACKNOWLEDGE: S.ACKNOWLEDGED,
        E.REFUSE: S.FAILED,
        E.PROVE: S.EFFECTIVE,
        E.EXPIRE: S.EXPIRED,
    },
    S.ACKNOWLEDGED: {E.PROVE: S.EFFECTIVE, E.REFUSE: S.FAILED, E.EXPIRE: S.EXPIRED},
    S.EFFECTIVE: {E.REVERT: S.REVERTED},
    S.EXPIRED: {E.REVERT: S.REVERTED},
    S.DENIED: {},
    S.CANCELLED: {},
    S.FAILED: {},
    S.REVERTED: {},
}
"""What is not named does not happen. An answer or a proof after the expiry changes nothing: who asked was told of silence,
and may have acted on it; the late answer has its line. An expired one that left may have been done all the same: undoing it
is told too."""


def next_state(state: CommandState, event: CommandEvent) -> CommandState | None:
    """Return the state an event leads to, or None when it may not happen there."""
    return TABLE[state].get(event)


def holds_asset(state: CommandState, due_at: Instant, at: Instant) -> bool:
    """Tell whether a command keeps others off its equipment: from when it is due until nothing is expected any more."""
    return state in OPEN_STATES and due_at <= at


def sending_expiry(ability: Ability, sent_at: Instant) -> Instant:
    """Return until when an answer or a proof of a command that has left is waited for."""
    return sent_at + ability.silent_after_s * SECOND


def acknowledged_expiry(ability: Ability, expires_at: Instant, acknowledged_at: Instant) -> Instant:
    """Return until when the proof of an acknowledged command is waited for: never less than was said before."""
    within_s = ability.proof.within_s if ability.proof else 0
    return max(expires_at, acknowledged_at + within_s * SECOND)

"""When a silence becomes an alarm: nobody answers, a crew neither moves nor arrives, somebody alone gives no sign. Pure."""

from __future__ import annotations

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.dispatch.types import MissionState, Silence, Times


def silence_of(
    state: MissionState, *, priority: int, since: Instant, moved_at: Instant | None, sign_at: Instant | None,
    alone: bool, times: Times,
) -> tuple[Silence, Instant] | None:  # fmt: skip
    """Return which silence a mission waits for and when it is one; None when none is watched in this state.

    `since`: when it came to this state. `moved_at`: when the crew was last seen moving. `sign_at`: its last sign of life.
    """
    if state in (MissionState.PROPOSED,):
        return Silence.NO_ANSWER, since + times.answer_within_s[priority] * SECOND
    if state in (MissionState.ACCEPTED, MissionState.EN_ROUTE):
        return Silence.NO_MOVE, max(since, moved_at or since) + times.moves_within_s * SECOND
    if state is MissionState.ON_SITE and alone:
        return Silence.NO_SIGN, max(since, sign_at or since) + times.sign_within_s * SECOND
    return None

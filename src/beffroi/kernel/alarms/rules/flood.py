"""Floods, chattering and staleness: when a post has more alarms than a person can follow, and which alarms are nuisances.

Pure, and exact whatever the moment at which somebody looks: what is decided are the instants at which something became
true, from the instants at which alarms were put before people. A watch that was down for an hour finds the same instants.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from beffroi.foundation.clock import DAY, MINUTE, Instant
from beffroi.kernel.alarms.types import FloodChange

ANNOUNCING = frozenset({"raise_alarm", "release_alarm", "re_alarm", "unshelve_alarm", "end_shelving", "restore_alarm"})
"""Verbs of journal lines that put an alarm before people: each counts as one new alarm."""

FLOOD_WINDOW: Instant = 10 * MINUTE
FLOOD_OPENS = 10
FLOOD_CLOSES = 5
"""EEMUA 191, ISA-18.2: a flood begins at 10 new alarms in 10 minutes and ends when there are fewer than 5 in 10."""

CHATTER_RAISES = 3
CHATTER_WINDOW: Instant = MINUTE
CHATTER_CALM: Instant = 10 * MINUTE
"""ISA-18.2 (16.5): an alarm chatters when it is raised three times or more in a minute. Ten calm minutes end it."""

STALE_AFTER: Instant = DAY
"""ISA-18.2 (16.5): an alarm that stands for more than 24 hours is stale: it asks for nothing any more."""


def count_in_window(announced: Sequence[Instant], at: Instant) -> int:
    """Return how many of these instants (sorted) lie in the ten minutes until `at`: after `at - 10 min`, `at` included."""
    return bisect_right(announced, at) - bisect_right(announced, at - FLOOD_WINDOW)


def flood_changes(
    announced: Sequence[Instant], *, is_open: bool, since: Instant, until: Instant
) -> tuple[FloodChange, ...]:
    """Return each opening and closing of a post's flood after `since`, up to `until` included, in order.

    `announced` are the instants, sorted, at which alarms of the post's desks were put before people, from ten minutes
    before `since` on. The state can change only where one comes in or goes out of the window; what came to be known late
    is taken up at `since`.
    """
    instants = {since, *announced, *(at + FLOOD_WINDOW for at in announced)}
    changes = []
    for at in sorted(at for at in instants if since <= at <= until):
        count = count_in_window(announced, at)
        if not is_open and count >= FLOOD_OPENS:
            changes.append(FloodChange("open", at, count))
        elif is_open and count < FLOOD_CLOSES:
            changes.append(FloodChange("close", at, count))
        else:
            continue
        is_open = not is_open
    return tuple(changes)


def flood_peak(announced: Sequence[Instant], opened_at: Instant, until: Instant) -> int:
    """Return the most alarms in ten minutes from the opening of a flood until an instant."""
    within = [at for at in announced if opened_at <= at <= until]
    return max((count_in_window(announced, at) for at in (opened_at, *within)), default=0)


def chatter_began(raises: Sequence[Instant]) -> Instant | None:
    """Return when an alarm began to chatter: the first of three raises (sorted) within a minute; None when it did not."""
    for first, third in zip(raises, raises[CHATTER_RAISES - 1 :], strict=False):
        if third - first <= CHATTER_WINDOW:
            return first
    return None


def chatter_is_over(last_raise: Instant, at: Instant) -> bool:
    """Tell whether an alarm that chattered has been calm for long enough."""
    return at - last_raise >= CHATTER_CALM

"""The alarm figures of EEMUA 191 and ISA-18.2: what is measured of a post, and what is good enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import DAY, MINUTE, Instant
from beffroi.kernel.alarms.types import Flood

SLOT: Instant = 10 * MINUTE
"""EEMUA 191 counts by ten minutes: slots are whole multiples of it, so that sums can be kept and added."""


class Mark(StrEnum):
    """How a figure stands to its target."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Slot:
    """Sums of ten minutes, of one priority: alarms put before people, and acknowledgements with their times in seconds."""

    at: Instant
    priority: int
    announced: int
    acknowledged: int = 0
    acknowledge_total_s: float = 0.0
    acknowledge_longest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came before a post in a period. Times to acknowledge in seconds, from the last announcement; None: none was."""

    announced: int
    per_10_min: float
    per_day: float
    peak_10_min: int
    by_priority: Mapping[int, int]
    acknowledged: int
    acknowledge_mean_s: float | None
    acknowledge_longest_s: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure and how it stands to its target. Shares from 0 to 1; None where there is nothing to measure."""

    name: str
    value: float | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class BadActor:
    """One of the worst alarms of a period: a definition on its equipment, how often it came, and what people said of it.

    `assets` counts the equipment; `useful` and `useless` count what was said at closing.
    """

    code: str
    title: str
    priority: int
    desk: str
    count: int
    share: float
    assets: int
    asset_code: str
    asset_name: str
    asset_count: int
    chatters: int
    stale: int
    useful: int
    useless: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The alarm conscience of a post over a period. `standing`, `stale` and `chattering` are of now."""

    post: str
    since: Instant
    until: Instant
    load: Load
    in_flood: float
    floods: int
    standing: int
    stale: int
    chattering: int
    chatters: int
    became_stale: int
    judged: tuple[Judged, ...]
    worst: tuple[BadActor, ...]


def slot_of(at: Instant) -> Instant:
    """Return the beginning of the slot that an instant lies in."""
    return at - at % SLOT


def load_of(slots: Iterable[Slot], since: Instant, until: Instant) -> Load:
    """Return the load of a period from its slots; those that nothing fell in need not be given. Pure sums."""
    announced: dict[Instant, int] = {}
    by_priority: dict[int, int] = {}
    acknowledged, total_s, longest_s = 0, 0.0, 0.0
    for slot in slots:
        if slot.announced:
            announced[slot.at] = announced.get(slot.at, 0) + slot.announced
            by_priority[slot.priority] = by_priority.get(slot.priority, 0) + slot.announced
        acknowledged += slot.acknowledged
        total_s += slot.acknowledge_total_s
        longest_s = max(longest_s, slot.acknowledge_longest_s)
    count = sum(announced.values())
    return Load(
        announced=count,
        per_10_min=count * SLOT / (until - since) if until > since else 0.0,
        per_day=count * DAY / (until - since) if until > since else 0.0,
        peak_10_min=max(announced.values(), default=0),
        by_priority=dict(sorted(by_priority.items())),
        acknowledged=acknowledged,
        acknowledge_mean_s=total_s / acknowledged if acknowledged else None,
        acknowledge_longest_s=longest_s if acknowledged else None,
    )


def share_in_flood(floods: Iterable[Flood], since: Instant, until: Instant) -> float:
    """Return the share, 0 to 1, of a period that a post spent in flood; a flood that lasts counts until its end."""
    spent = sum(
        max(0, min(flood.closed_at or until, until) - max(flood.opened_at, since))
        for flood in floods
        if flood.opened_at < until
    )
    return spent / (until - since) if until > since else 0.0


def shares(by_priority: Mapping[int, int]) -> dict[str, float | None]:
    """Return the shares, 0 to 1, of high (priority 1), medium (2) and low (3 and 4) priorities; None without alarms."""
    count = sum(by_priority.values())
    parts = {"low": (3, 4), "medium": (2,), "high": (1,)}
    return {
        name: sum(by_priority.get(priority, 0) for priority in within) / count if count else None
        for name, within in parts.items()
    }


def judge(value: float | None, good: float, bad: float) -> Mark:
    """Return how a figure stands to its targets: at most `good` is good, more than `bad` is bad."""
    if value is None:
        return Mark.NONE
    if value <= good:
        return Mark.GOOD
    return Mark.FAIR if value <= bad else Mark.BAD


def judged(load: Load, in_flood: float, *, stale: int, chattering: int, top_ten: float | None) -> tuple[Judged, ...]:
    """Return each figure beside its target, in the order of the page. Shares 0 to 1; see docs/explanation/floods.

    EEMUA 191: under 1 alarm in 10 minutes is very likely acceptable, over 2 hard, over 5 (1 in 2 min) too many;
    priorities 80 / 15 / 5. ISA-18.2, 16.5: 150 a day, at most 300; a peak of 10; under 1 % of the time in flood; the ten
    most frequent under 5 % of all; fewer than 5 stale; no chattering.
    """
    parts = shares(load.by_priority)
    return (
        Judged("per_10_min", load.per_10_min, judge(load.per_10_min, 1, 2)),
        Judged("per_day", load.per_day, judge(load.per_day, 150, 300)),
        Judged("peak_10_min", load.peak_10_min, judge(load.peak_10_min, 10, 30)),
        Judged("in_flood", in_flood, judge(in_flood, 0.01, 0.05)),
        Judged("low", parts["low"], _near(parts["low"], 0.8)),
        Judged("medium", parts["medium"], _near(parts["medium"], 0.15)),
        Judged("high", parts["high"], _near(parts["high"], 0.05)),
        Judged("top_ten", top_ten, judge(top_ten, 0.05, 0.2)),
        Judged("stale", stale, judge(stale, 4, 10)),
        Judged("chattering", chattering, judge(chattering, 0, 2)),
    )


def _near(share: float | None, target: float) -> Mark:
    """A distribution is good near its target: within 5 points, fair within 15."""
    return Mark.NONE if share is None else judge(abs(share - target), 0.05, 0.15)


def top_share(counts: Sequence[int], total: int) -> float | None:
    """Return the share, 0 to 1, that the ten most frequent alarms have of all; None without alarms."""
    return sum(sorted(counts, reverse=True)[:10]) / total if total else None

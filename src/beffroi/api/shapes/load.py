"""The load of the posts, and figures of their alarms."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class FloodNow(msgspec.Struct):
    """A flood that lasts: since when, the most alarms in ten minutes, alarms since it began."""

    opened_at: str
    peak: int
    alarms: int


class PostLoad(msgspec.Struct):
    """A post of the room (no desk named: every desk), its alarms of the last ten minutes, its flood or null."""

    post: str
    title: str
    desks: list[str]
    alarms_10min: int
    flood: FloodNow | None


class PostLoads(msgspec.Struct):
    """The posts of the room, in their order."""

    items: list[PostLoad]
    next: str | None


class WorstAlarm(msgspec.Struct):
    """A definition among the most frequent. `share` from 0 to 1; `useful`, `useless`: said at closing."""

    code: str
    title: str
    priority: int
    count: int
    share: float
    useful: int
    useless: int


class AlarmFigures(msgspec.Struct):
    """Figures of a post over a period. Shares from 0 to 1; `standing`, `stale`, `chattering` are of now.

    `marks` says of each figure how it stands to its target: good, fair, bad, or none when there is nothing to measure.
    """

    post: str
    since: str
    until: str
    announced: int
    per_10_min: float
    per_day: float
    peak_10_min: int
    by_priority: Mapping[str, int]
    in_flood: float
    floods: int
    standing: int
    stale: int
    chattering: int
    acknowledged: int
    acknowledge_mean_s: float | None
    acknowledge_longest_s: float | None
    marks: Mapping[str, str]
    worst: list[WorstAlarm]

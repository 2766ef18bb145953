"""Floods, nuisances, and the groups in which they are read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from beffroi.foundation.clock import Instant


@dataclass(frozen=True, slots=True)
class FloodChange:
    """A post's flood opened or closed, at an instant, with how many alarms it had had in the ten minutes until then."""

    kind: Literal["open", "close"]
    at: Instant
    count: int


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood of a post: from ten new alarms in ten minutes until under five. `alarms`: announced since it opened.

    `peak` is the most alarms in ten minutes while it lasted. `closed_at` None: it lasts.
    """

    post: str
    opened_at: Instant
    closed_at: Instant | None
    peak: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Chatter:
    """A time during which one alarm chattered: raised three times in a minute, until ten minutes without a raise."""

    code: str
    title: str
    asset_code: str
    asset_name: str
    began_at: Instant
    last_at: Instant
    ended_at: Instant | None
    raises: int


class GroupKind(StrEnum):
    """What holds a group together, the tightest first."""

    RELATION = "relation"
    SOURCE = "source"
    STREET = "street"
    COMMUNE = "commune"
    CAUSE = "cause"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class GroupItem:
    """What waits for a person and may be gathered with others: an incident or an alarm that has none.

    `name` is how the journal calls it (`incident:42`, `alarm:7`). `roots`: (asset, its name) of what stands before its
    equipment in the twin, or of the equipment itself. `silent`: it tells that something is not heard.
    """

    name: str
    code: str
    title: str
    priority: int
    since: Instant
    unseen: bool
    silent: bool
    street: str
    commune: str
    source: str
    roots: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Items that have something in common. `key` stands for what that is: the same cause in the same place keeps it.

    `title` is empty where the items' definitions differ; `priority` is that of the worst, `since` of the oldest.
    """

    key: str
    kind: GroupKind
    title: str
    place: str
    commune: str
    priority: int
    since: Instant
    items: tuple[GroupItem, ...]

    @property
    def unseen(self) -> int:
        """How many of the items nobody has acknowledged."""
        return sum(item.unseen for item in self.items)

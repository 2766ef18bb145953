"""Gathering what waits for a person into groups: by what feeds or contains it, by source, by place, by cause. Pure.

The tightest bond wins: what one cabinet explains is not scattered by street. A priority 1 is in no group, ever.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from beffroi.kernel.alarms.types import Group, GroupItem, GroupKind

LEAST = 3
"""Fewer than three rows are quicker to read than a group."""

LEAST_IN_STREET = 6
"""Fewer of one cause in one street are better read with those of the commune: a storm makes thirty groups, not a hundred."""

Bond = tuple[str, str, str]
"""What items of a group share: (what tells it from other groups, its place, what makes places of one name different)."""


def gather(items: Iterable[GroupItem]) -> tuple[tuple[Group, ...], tuple[GroupItem, ...]]:
    """Return the groups, the most urgent first, and the items that stand alone, in the order in which they came.

    Each item is in one group or alone. The result depends on the items, not on their order.
    """
    alone = list(items)
    urgent = [item for item in alone if item.priority == 1]
    left = [item for item in alone if item.priority != 1]
    groups: list[Group] = []
    for kind, bonds in _BONDS:
        made = _gathered(kind, bonds, left)
        taken = {item.name for group in made for item in group.items}
        left = [item for item in left if item.name not in taken]
        groups += made
    names = {item.name for item in (*urgent, *left)}
    ordered = sorted(groups, key=lambda group: (group.priority, group.since, group.key))
    return tuple(ordered), tuple(item for item in alone if item.name in names)


def _gathered(kind: GroupKind, bonds: Callable[[GroupItem], Sequence[Bond]], items: Sequence[GroupItem]) -> list[Group]:
    """Return the groups of one kind. An item with several bonds goes with the one that gathers most."""
    by_bond: dict[Bond, list[GroupItem]] = defaultdict(list)
    for item in items:
        for bond in bonds(item):
            by_bond[bond].append(item)
    groups, taken = [], set[str]()
    for bond, found in sorted(by_bond.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        members = [item for item in found if item.name not in taken]
        if len(members) >= (LEAST_IN_STREET if kind == GroupKind.STREET else LEAST):
            taken |= {item.name for item in members}
            groups.append(_group(kind, bond, members))
    return groups


def _group(kind: GroupKind, bond: Bond, members: Sequence[GroupItem]) -> Group:
    titles = {item.title for item in members}
    communes = {item.commune for item in members}
    ordered = sorted(members, key=lambda item: (item.priority, item.since, item.name))
    return Group(
        key=hashlib.blake2s("\n".join((kind, *bond)).encode(), digest_size=6).hexdigest(),
        kind=kind,
        title=titles.pop() if len(titles) == 1 else "",
        place=bond[1],
        commune=communes.pop() if len(communes) == 1 else "",
        priority=ordered[0].priority,
        since=min(item.since for item in members),
        items=tuple(ordered),
    )


def _by_relation(item: GroupItem) -> list[Bond]:
    return [(str(asset), name, "") for asset, name in item.roots]


def _by_source(item: GroupItem) -> list[Bond]:
    return [(item.source, item.source, "")] if item.silent and item.source else []


def _by_street(item: GroupItem) -> list[Bond]:
    return [(item.code, item.street, item.commune)] if item.street else []


def _by_commune(item: GroupItem) -> list[Bond]:
    return [(item.code, "", item.commune)] if item.commune else []


def _by_cause(item: GroupItem) -> list[Bond]:
    return [(item.code, "", "")]


def _by_place(item: GroupItem) -> list[Bond]:
    return [("", item.street, item.commune)] if item.street else []


_BONDS: tuple[tuple[GroupKind, Callable[[GroupItem], Sequence[Bond]]], ...] = (
    (GroupKind.RELATION, _by_relation),
    (GroupKind.SOURCE, _by_source),
    (GroupKind.STREET, _by_street),
    (GroupKind.COMMUNE, _by_commune),
    (GroupKind.PLACE, _by_place),
    (GroupKind.CAUSE, _by_cause),
)

"""The queue in groups: what a post's incidents, and the alarms that open none, have in common (rule 5 of the console)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.console import sending, words
from beffroi.console.pictures import place_words
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.rules.groups import gather
from beffroi.kernel.alarms.types import Definition, Group, GroupItem, GroupKind
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.dispatch.types import CrewsOut
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

SHOWN = 200
"""Members of a group that its panel names; the others are counted."""

_NUMBER = re.compile(r"^\d+\s*(?:bis|ter|quater)?\s*,?\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Member:
    """A line of a group's panel."""

    item: GroupItem
    title: str
    where: str
    reference: str
    asset: str
    crews: str = ""


def groups_of(viewer: Viewer) -> tuple[Group, ...]:
    """Return the groups of the queue of a person's post, the most urgent first."""
    return gather(_items(viewer))[0]


def group_named(key: str, viewer: Viewer) -> Group:
    """Return a group by its key. Raises NotFound once what it gathered is over."""
    for group in groups_of(viewer):
        if group.key == key:
            return group
    raise NotFound("this group is no more: what it gathered is over, or is gathered otherwise")


def _items(viewer: Viewer) -> list[GroupItem]:
    desks = viewer.post.desks
    opened = incidents.to_gather(seen_by=viewer, desks=desks)
    standing = alarms.to_gather(seen_by=viewer, desks=desks)
    within = incidents.incidents_of_alarms([row[0] for row in standing])
    loose = [row for row in standing if row[0] not in within]
    asset_ids = {row[5] for row in loose} | {each.asset_id for each in opened if each.asset_id is not None}
    known = _Known(asset_ids)
    items = []
    for each in opened:
        place, commune = known.place(each.asset_id, each.place, each.commune)
        title = known.title(each.category) or each.title
        items.append(
            GroupItem(
                f"incident:{each.id}", each.category, title, each.priority, each.opened_at, each.unseen,
                known.silent(each.category), place, commune, known.source(each.asset_id), known.roots(each.asset_id),
            )
        )  # fmt: skip
    for key, code, priority, unseen, since, asset in loose:
        place, commune = known.place(asset, "", "")
        items.append(
            GroupItem(
                f"alarm:{key}", code, known.title(code), priority, since, unseen, known.silent(code), place, commune,
                known.source(asset), known.roots(asset),
            )
        )  # fmt: skip
    return items


class _Known:
    """What is known of some equipment, read in a handful of statements however much it is."""

    def __init__(self, asset_ids: set[int]) -> None:
        self.definitions: dict[str, Definition] = {each.code: each for each in alarms.definitions_in_force()}
        before = [twin.upstream(asset_ids, relation) for relation in ("feeds", "contains")]
        self.before: dict[int, list[int]] = {}
        for found in before:
            for asset, root in found.items():
                self.before.setdefault(asset, []).append(root)
        roots = {root for found in before for root in found.values()}
        self.assets: dict[int, Asset] = twin.assets_by_id(asset_ids | roots)

    def title(self, code: str) -> str:
        return self.definitions[code].title if code in self.definitions else ""

    def silent(self, code: str) -> bool:
        return code in self.definitions and self.definitions[code].silence_periods is not None

    def source(self, asset_id: int | None) -> str:
        return (self.assets[asset_id].source or "") if asset_id in self.assets else ""

    def place(self, asset_id: int | None, place: str, commune: str) -> tuple[str, str]:
        """Return the street, without a number, and the commune."""
        asset = self.assets.get(asset_id or 0)
        place, commune = (asset.place, asset.commune) if asset else (place, commune)
        return _NUMBER.sub("", place).removesuffix(f", {commune}"), commune

    def roots(self, asset_id: int | None) -> tuple[tuple[int, str], ...]:
        """Return what stands before it, and itself, which may stand before others."""
        asset = self.assets.get(asset_id or 0)
        if asset is None:
            return ()
        found = [self.assets[root] for root in self.before.get(asset.id, ()) if root in self.assets]
        return tuple((each.id, each.name or each.code) for each in (*found, asset))


def crews_of_groups(groups: Iterable[Group]) -> dict[str, CrewsOut]:
    """Return the crews that are out for what each group gathers, by the group's key; one without any is not in it."""
    members = {group.key: _numbers(group.items, "incident") for group in groups}
    out = dispatch.crews_of(number for numbers in members.values() for number in numbers)
    found = {key: [out[number] for number in numbers if number in out] for key, numbers in members.items()}
    return {
        key: CrewsOut(sum(each.count for each in some), sum(each.silent for each in some))
        for key, some in found.items()
        if some
    }


def render_group_rows(
    groups: Sequence[Group], viewer: Viewer, *, selected: Group | None = None
) -> list[tuple[Group, SafeString]]:
    """Draw the groups' rows of the queue."""
    out = crews_of_groups(groups)
    return [(group, _row(group, viewer, out.get(group.key), selected=group == selected)) for group in groups]


def _row(group: Group, viewer: Viewer, crews: CrewsOut | None, *, selected: bool) -> SafeString:
    with translation.override(viewer.language):
        context = {
            "crews": crews,
            "crews_words": sending.crews_words(crews) if crews else "",
            "group": group,
            "selected": selected,
            "order": row_order(group),
            "count": len(group.items),
            "title": group.title or _("Causes diverses"),
            "where": where_words(group),
            "members": " ".join(_incident_numbers(group)),
        }
        return SafeString(render_to_string("console/group_row.html", context).strip())


def render_group_panel(group: Group, viewer: Viewer, *, since: int) -> SafeString:
    """Draw a group's panel: what it gathers, and the one act on all of it. `since` is the journal's number it shows."""
    with translation.override(viewer.language):
        context: dict[str, Any] = {
            "group": group,
            "count": len(group.items),
            "title": group.title or _("Causes diverses"),
            "where": where_words(group),
            "bond": words.told(words.GROUP_KINDS, group.kind),
            "causes": _causes(group),
            "members": _members(group, viewer),
            "others": max(0, len(group.items) - SHOWN),
            "since": since,
            "may": group.unseen > 0
            and (
                people.may(viewer, Verb.ACKNOWLEDGE, Kind.INCIDENT) or people.may(viewer, Verb.ACKNOWLEDGE, Kind.ALARM)
            ),
        }
        return SafeString(render_to_string("console/group_panel.html", context).strip())


def row_order(group: Group) -> str:
    """Return a group's sort key in the queue: where its worst and oldest member would stand."""
    return f"{group.priority}-{group.since:020d}-{group.key}"


def where_words(group: Group) -> str:
    """Return what a group has in common beside its cause, in the language in force."""
    if group.kind == GroupKind.SOURCE:
        return _("source %(name)s") % {"name": words.told(words.SOURCES, group.place)}
    if group.kind == GroupKind.CAUSE and not group.commune:
        return _("plusieurs communes")
    return place_words(group.place, group.commune)


def _causes(group: Group) -> list[tuple[int, str]]:
    """Return (how many, what) of each cause of the group, the most frequent first."""
    titles = [item.title for item in group.items]
    return sorted(((titles.count(title), title) for title in set(titles)), key=lambda pair: (-pair[0], pair[1]))


def _members(group: Group, viewer: Viewer) -> list[Member]:
    shown = group.items[:SHOWN]
    numbers = _numbers(shown, "incident")
    opened = {f"incident:{each.id}": each for each in incidents.of_ids(numbers, seen_by=viewer)}
    raised = {f"alarm:{each.id}": each for each in alarms.of_ids(_numbers(shown, "alarm"))}
    out = dispatch.crews_of(numbers)
    members = []
    for item in shown:
        incident, alarm = opened.get(item.name), raised.get(item.name)
        if incident is not None:
            where = place_words(incident.asset_name or incident.place, incident.commune)
            crews = sending.crews_words(out[incident.id]) if incident.id in out else ""
            members.append(Member(item, item.title, where, incident.reference, "", crews))
        elif alarm is not None:
            where = place_words(alarm.asset_name or alarm.place, alarm.commune)
            members.append(Member(item, item.title, where, "", alarm.asset_code))
    return members


def _numbers(items: Iterable[GroupItem], kind: str) -> list[int]:
    names = (item.name.partition(":") for item in items)
    return [int(number) for what, _sep, number in names if what == kind]


def _incident_numbers(group: Group) -> Sequence[str]:
    return [str(number) for number in sorted(_numbers(group.items, "incident"))]

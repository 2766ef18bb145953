"""Whether two incidents are one: what is compared, which rule holds, which of the two stays. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.incidents.types import Correlation, Facts

NO_REACH = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Compared:
    """An incident as it is compared: where (metres), when, about what, on which equipment, from which sources."""

    id: int
    x_m: float
    y_m: float
    opened_at: Instant
    category: str
    family: str
    sources: frozenset[str]
    assets: frozenset[int]
    priority: int
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """What the twin says of the equipment of the incidents compared: what feeds and what contains each, and names."""

    fed_by: Mapping[int, int]
    inside: Mapping[int, int]
    names: Mapping[int, str]


def reach(rules: Iterable[Correlation]) -> tuple[float, float]:
    """Return the widest distance (metres) and the longest time (minutes) that any rule looks at."""
    found = tuple(rules)
    return (max(r.within_m for r in found), max(r.within_min for r in found)) if found else NO_REACH


def compare(
    one: Compared, other: Compared, rules: Sequence[Correlation], twin: Twin
) -> tuple[Correlation, Facts] | None:
    """Return the first rule that holds between two incidents, with the facts that people are told; None where none does.

    It does not matter which of the two is given first.
    """
    elder, younger = sorted((one, other), key=lambda each: (each.opened_at, each.id))
    distance_m = ((elder.x_m - younger.x_m) ** 2 + (elder.y_m - younger.y_m) ** 2) ** 0.5
    gap = younger.opened_at - elder.opened_at
    kinds = _relations(elder.assets, younger.assets, twin)
    category = "same" if elder.category == younger.category else "family" if elder.family == younger.family else ""
    for rule in rules:
        relation = next((name for name in rule.relations if name in kinds), "")
        within = distance_m <= rule.within_m and gap <= rule.within_min * 60 * SECOND
        about = {"any": True, "family": bool(category), "same": category == "same"}[rule.category]
        if not (younger.sources & {*rule.sources} and within and about and (relation or not rule.relations)):
            continue
        told = relation or next(iter(kinds), "")
        return rule, Facts(round(distance_m, 1), gap // SECOND, told, twin.names.get(kinds.get(told, 0), ""), category)
    return None


def _relations(elder: frozenset[int], younger: frozenset[int], twin: Twin) -> dict[str, int]:
    """Return the relations between two incidents' equipment, closest first, each with the equipment they share."""
    found: dict[str, int] = {}
    if shared := sorted(elder & younger):
        found["same_asset"] = shared[0]
    for name, common, up in (("feeds", "same_feeder", twin.fed_by), ("contains", "same_container", twin.inside)):
        over = {up[each] for each in elder if each in up}
        under = {up[each] for each in younger if each in up}
        if direct := sorted((over & younger) | (under & elder)):
            found[name] = direct[0]
        if both := sorted(over & under):
            found[common] = both[0]
    return found


def stays(one: Compared, other: Compared) -> tuple[int, int]:
    """Return (the one that stays, the one that becomes its duplicate).

    Who answers for one keeps it; then the more urgent stays, then the elder.
    """
    first, second = sorted((one, other), key=lambda each: (each.owner is None, each.priority, each.opened_at, each.id))
    return first.id, second.id

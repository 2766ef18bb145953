"""Reading what the city's profile says of incidents: categories, and rules of correlation. Strictly, with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from beffroi.foundation.errors import Malformed
from beffroi.foundation.profiles import read_entries
from beffroi.kernel.incidents.types import Category, Correlation

T = TypeVar("T", Category, Correlation)


def parse_categories(text: str) -> tuple[Category, ...]:
    """Return the categories of a profile, in its order.

    Raises Malformed with every problem: a field missing or unknown, a code twice, a definition in two families.
    """
    found = _read(read_entries(text, "categories"), "categories", Category)
    claimed: dict[str, str] = {}
    for category in found:
        for alarm in category.alarms:
            other = claimed.setdefault(alarm, category.code)
            if other != category.code:
                raise Malformed(f"category {category.code}: `{alarm}` is of {other} already; name it in one of them")
    return found


def parse_correlation(text: str) -> tuple[Correlation, ...]:
    """Return the rules of correlation of a profile, in its order: the first that holds for a pair is its reason.

    Raises Malformed with every problem. A rule that is safe names a relation: nearness alone unites nothing by itself.
    """
    found = _read(read_entries(text, "rules"), "rules", Correlation)
    for rule in found:
        if rule.safe and not rule.relations:
            raise Malformed(f"rule {rule.code}: it is safe and asks for no relation of the twin; name one, or propose")
    return found


def family_of(code: str, categories: Iterable[Category]) -> str:
    """Return the family of a category or of an alarm definition: the category that names it, else itself."""
    return next((each.code for each in categories if code == each.code or code in each.alarms), code)


def codes_of(family: str, categories: Iterable[Category]) -> tuple[str, ...]:
    """Return every code of a family: the category's and its alarms'; the code alone when it is none."""
    return next(((each.code, *each.alarms) for each in categories if each.code == family), (family,))


def _read(entries: Sequence[Mapping[str, Any]], name: str, shape: type[T]) -> tuple[T, ...]:
    found: dict[str, T] = {}
    problems: list[str] = []
    for place, entry in enumerate(entries, 1):
        called = entry.get("code", place)
        try:
            read = msgspec.convert(entry, shape)
        except msgspec.ValidationError as error:
            problems.append(f"{name}, {called}: {error}")
            continue
        if read.code in found:
            problems.append(f"{name}, {called}: this code is written twice; keep one")
        found[read.code] = read
    if problems:
        raise Malformed("\n".join(problems[:20]), key="incident-profile")
    return tuple(found.values())

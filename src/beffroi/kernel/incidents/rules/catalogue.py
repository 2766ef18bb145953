"""Reading what the city's profile says of incidents: categories, and rules of correlation. Strictly, with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
import yaml

from beffroi.foundation.errors import Malformed
from beffroi.kernel.incidents.types import Category, Correlation

MAX_BYTES = 200_000
MAX_ENTRIES = 500
T = TypeVar("T", Category, Correlation)


def parse_categories(text: str) -> tuple[Category, ...]:
    """Return the categories of a profile, in its order.

    Raises Malformed with every problem: a field missing or unknown, a code twice, a definition in two families.
    """
    found = _entries(text, "categories", Category)
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
    found = _entries(text, "rules", Correlation)
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


def _entries(text: str, name: str, shape: type[T]) -> tuple[T, ...]:
    if len(text.encode()) > MAX_BYTES:
        raise Malformed(f"the {name} are larger than {MAX_BYTES} bytes")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the {name} are no YAML: {error}") from error
    if not isinstance(document, dict) or set(document) != {name} or not isinstance(document[name], list):
        raise Malformed(f"expected one key, `{name}`, with a list under it")
    entries: Sequence[Any] = document[name]
    if len(entries) > MAX_ENTRIES:
        raise Malformed(f"{len(entries)} {name}; expected {MAX_ENTRIES} at most")
    return _read(entries, name, shape)


def _read(entries: Sequence[Any], name: str, shape: type[T]) -> tuple[T, ...]:
    found: dict[str, T] = {}
    problems: list[str] = []
    for place, entry in enumerate(entries, 1):
        called = entry.get("code", place) if isinstance(entry, dict) else place
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

"""Reading what the city says of its deadlines and of the bodies it hands incidents over to: YAML to values, strictly."""

from __future__ import annotations

from typing import TypeVar

from beffroi.foundation.errors import Malformed
from beffroi.foundation.profiles import read_entries
from beffroi.kernel.incidents.types import DUE_CLOCKS, TRANSFER, Body, Deadline

MAX_WITHIN_S = 366 * 86_400
_WITHIN = {f"{clock}_within_s": str(clock) for clock in (*DUE_CLOCKS, TRANSFER)}
_T = TypeVar("_T")
_BODY = {"code", "name", "inside", "reach"}


def parse_deadlines(text: str) -> tuple[Deadline, ...]:
    """Return the deadlines of a profile. Raises Malformed naming each wrong entry and what to write."""
    problems: list[str] = []
    found: list[Deadline] = []
    for place, entry in enumerate(read_entries(text, "deadlines"), 1):
        category, priority = str(entry.pop("category", "") or ""), entry.pop("priority", None)
        if priority not in (None, 1, 2, 3, 4):
            problems.append(f"entry {place}: priority is {priority!r}; write 1 to 4, or leave it out for all")
        if len(category) > 64:
            problems.append(f"entry {place}: the category has more than 64 characters")
        for name, within in entry.items():
            if name not in _WITHIN:
                problems.append(f"entry {place}: `{name}` is no field; write {', '.join(_WITHIN)}")
            elif not isinstance(within, int) or isinstance(within, bool) or not 1 <= within <= MAX_WITHIN_S:
                problems.append(f"entry {place}: `{name}` is {within!r}; write seconds, 1 to {MAX_WITHIN_S}")
            else:
                found.append(Deadline(_WITHIN[name], within, category, priority))
    keys = [(each.clock, each.category, each.priority) for each in found]
    twice = sorted({f"{clock} of {category or 'all'}" for clock, category, priority in keys
                    if keys.count((clock, category, priority)) > 1})  # fmt: skip
    return _checked(tuple(found), [*problems, *(f"{name} is written twice; keep one" for name in twice)])


def parse_bodies(text: str) -> tuple[Body, ...]:
    """Return the desks and the bodies outside of a profile. Raises Malformed naming each wrong entry."""
    problems: list[str] = []
    found: list[Body] = []
    for place, entry in enumerate(read_entries(text, "bodies"), 1):
        code, name = entry.get("code"), entry.get("name")
        inside, reach = entry.get("inside", False), entry.get("reach", "")
        plain = isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum() and code == code.lower()
        if unknown := sorted(set(entry) - _BODY):
            problems.append(f"entry {place}: {', '.join(unknown)}: the fields are {', '.join(sorted(_BODY))}")
        if not plain or not 1 <= len(str(code)) <= 32:
            problems.append(f"entry {place}: the code is not 1 to 32 lower-case letters, figures and `_`")
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 120:
            problems.append(f"entry {place}: the name is not a text of 1 to 120 characters")
        if not isinstance(inside, bool) or not isinstance(reach, str) or len(reach) > 500:
            problems.append(f"entry {place}: `inside` is true or false, `reach` a text of 500 characters at most")
        found.append(Body(str(code), str(name).strip(), bool(inside), " ".join(str(reach).split())))
    codes = [body.code for body in found]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    return _checked(tuple(found), [*problems, *(f"`{code}` is written twice; give each its code" for code in twice)])


def _checked(found: tuple[_T, ...], problems: list[str]) -> tuple[_T, ...]:
    if problems:
        raise Malformed("\n".join(problems[:20]), key="incidents-profile")
    return found

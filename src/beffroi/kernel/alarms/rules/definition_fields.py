"""Reading the fields of a definition one by one: what is wrong is gathered, with the field and what to write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEXTS = {
    "title": ("the wording that people read", 160),
    "cause": ("what makes it happen", 2000),
    "consequence": ("what comes of it if nobody acts", 2000),
    "response": ("what the operator does", 2000),
    "desk": ("the desk that answers for it", 32),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the field to mend (empty: the whole), and a sentence that says what to write."""

    field: str
    text: str


class Problems:
    """What is wrong with one definition, gathered so that a person mends everything at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Problem] = []

    def add(self, problem: str, field: str = "") -> None:
        """Note a problem of a field."""
        self.found.append(Problem(field, f"{self.name}: {problem}" if self.name else problem))


def read_text(entry: Mapping[str, Any], name: str, problems: Problems) -> str:
    """Return a text with its spaces made single; problems when it is empty or too long."""
    stated = entry[name]
    meaning, longest = TEXTS[name]
    if not isinstance(stated, str) or not 0 < len(stated.strip()) <= longest:
        problems.add(f"`{name}` is not a text of 1 to {longest} characters: {meaning}", name)
        return ""
    return " ".join(stated.split())


def read_number(entry: Mapping[str, Any], name: str, least: float, most: float, problems: Problems) -> float:
    """Return a number within its bounds."""
    stated = entry[name]
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not least <= stated <= most:
        problems.add(f"`{name}` is {stated!r}; write a number from {least:g} to {most:g}", name)
        return math.nan
    return float(stated)


def read_whole(entry: Mapping[str, Any], name: str, least: int, most: int, problems: Problems) -> int:
    """Return a whole number within its bounds."""
    stated = entry[name]
    if isinstance(stated, int) and not isinstance(stated, bool) and least <= stated <= most:
        return int(stated)
    problems.add(f"`{name}` is {stated!r}; write a whole number from {least} to {most}", name)
    return least


def read_yes_or_no(entry: Mapping[str, Any], name: str, problems: Problems) -> bool:
    """Return true or false."""
    stated = entry[name]
    if not isinstance(stated, bool):
        problems.add(f"`{name}` is {stated!r}; write true or false", name)
    return bool(stated)

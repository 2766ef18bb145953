"""What is looked for in the journal's texts: words without accents or case, by their beginning. Pure.

The same folding is the database's (`journal_fold`, migration 0005): a test holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NARROW, WIDE = 10_000, 1_000_000
"""Sizes of the stretches of numbers that each line's index entry names, so that the newest lines are found first."""

FEW_NARROW = 4
LEAST_PREFIX = 3
MAX_WORDS = 8
_FOLD = str.maketrans("àâäáãåçéèêëíìîïñóòôöõúùûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy")
_WORD = re.compile(r"[a-z0-9]+")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text as they are compared, each once."""
    return tuple(dict.fromkeys(_WORD.findall(text.lower().translate(_FOLD))))


def text_query(words: tuple[str, ...], stretch: str = "") -> str:
    """Return the search expression of PostgreSQL for lines that hold all these words, or their beginnings; of a stretch."""
    sought = (f"'{word}'{':*' if len(word) >= LEAST_PREFIX and not word.isdigit() else ''}" for word in words)
    return " & ".join([*sought, *([f"'{stretch}'"] if stretch else [])])


def stretches(newest: int, oldest: int) -> Iterator[tuple[str, int, int]]:
    """Return (name, first, last) of the stretches that cover these numbers, the newest first: some narrow, then wide."""
    number = newest // NARROW
    for _ in range(FEW_NARROW):
        if number < 0 or (number + 1) * NARROW <= oldest:
            return
        yield f"~{number}", number * NARROW, (number + 1) * NARROW - 1
        number -= 1
    top = (number + 1) * NARROW - 1
    while top >= max(oldest, 0):
        wide = top // WIDE
        yield f"~~{wide}", wide * WIDE, top
        top = wide * WIDE - 1


def says(content: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    """Tell whether a content holds all these words, or their beginnings."""
    held = words_of(" ".join(str(value) for value in content.values()))
    return all(any(_begins(each, word) for each in held) for word in words)


def _begins(held: str, word: str) -> bool:
    return held.startswith(word) if len(word) >= LEAST_PREFIX and not word.isdigit() else held == word

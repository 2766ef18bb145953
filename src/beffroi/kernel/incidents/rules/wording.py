"""Whether a text that was opened says what a person looks for: words without accents or case, by their beginning. Pure.

The words of titles and places are the database's to find; those that people wrote freely are encrypted, and compared here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_FOLD = str.maketrans(
    dict(zip("àâäáãåçéèêëíìîïñóòôöõúùûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy", strict=True)) | {"œ": "oe", "æ": "ae"}
)
_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = ("es", "e", "s", "x")
_LEAST_ROOT = 4
"""Letters that a word keeps when its ending goes: `lampadaires` is found by `lampadaire`, `noire` by `noir`."""


def root_of(word: str) -> str:
    """Return a word without the ending that its plural or its gender gives it."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_ROOT and not word.isdigit():
            return word.removesuffix(ending)
    return word


def says_all(text: str, forms_of_words: Sequence[Sequence[str]]) -> bool:
    """Tell whether a text holds, for each word looked for, a word that begins as one of its forms."""
    plain = unicodedata.normalize("NFC", text).lower().translate(_FOLD)
    held = f" {' '.join(_WORD.findall(plain))}"
    return all(any(f" {root_of(form)}" in held for form in forms) for forms in forms_of_words)

"""How people write addresses. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

SHORT_FORMS: Mapping[str, str] = {
    "all": "allee",
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "blvd": "boulevard",
    "bvd": "boulevard",
    "ch": "chemin",
    "che": "chemin",
    "crs": "cours",
    "dr": "docteur",
    "fbg": "faubourg",
    "fg": "faubourg",
    "gal": "general",
    "imp": "impasse",
    "mal": "marechal",
    "pass": "passage",
    "pl": "place",
    "pr": "professeur",
    "r": "rue",
    "rpt": "rond",
    "rte": "route",
    "sq": "square",
    "st": "saint",
    "ste": "sainte",
}
"""What is written short -> the word, folded. In what is sought a short form may also be the beginning of a word."""

_EMPTY_WORDS = frozenset(("d", "l", "de", "du", "des", "la", "le", "les", "a", "au", "aux"))
_NUMBER = re.compile(r"^(\d{1,5})(bis|ter|quater|[a-z])?$")
_SUFFIXES = frozenset(("bis", "ter", "quater"))
MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Sought:
    """What a text asks for: a number (`12`, `12 bis`, or none), and words, each with the forms it may stand for."""

    number: str
    words: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The words as one text."""
        return " ".join(forms[-1] for forms in self.words)


def folded(text: str) -> str:
    """Return a text without accents, in lower case, with single spaces for whatever is no letter or figure."""
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold().replace("œ", "oe").replace("æ", "ae")
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(letters.split())


def folded_street(street: str, commune: str) -> str:
    """Return what a street is found by: its words and its commune's, short forms written out, spaces at both ends."""
    words = [SHORT_FORMS.get(word, word) for word in folded(f"{street} {commune}").split()]
    return f" {' '.join(words)} "


def sought(text: str) -> Sought:
    """Read what a person typed: the number wherever it stands, the words that tell something, at most eight."""
    number = before = ""
    words: list[str] = []
    for word in folded(text[:200]).split():
        match = _NUMBER.match(word)
        if match and not number:
            number = folded_number(word)
        elif word in _SUFFIXES and number and before == number:
            number = f"{number} {word}"
        else:
            words.append(word)
        before = word
    telling = [word for word in words if word not in _EMPTY_WORDS] or words
    return Sought(number, tuple(_forms(word) for word in telling[:MAX_WORDS]))


def _forms(word: str) -> tuple[str, ...]:
    long = SHORT_FORMS.get(word)
    return (word, long) if long else (word,)


def folded_number(number: str) -> str:
    """Return a street number as it is compared: `12 BIS` and `12bis` are `12 bis`."""
    match = _NUMBER.match(folded(number).replace(" ", ""))
    return f"{match[1]} {match[2] or ''}".strip() if match else folded(number)

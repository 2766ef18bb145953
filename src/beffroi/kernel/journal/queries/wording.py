"""Free texts that other rooms keep under the key of a person or a case: opened many at once.

The caller asks the door first: who may not read what names persons is not given it. What was erased says when and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from beffroi.foundation.errors import Malformed
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.keys import OpenedKey, opened_keys
from beffroi.kernel.journal.types import NO_WORDS, WORDS, PersonalState, Words


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts that were opened together, asked for one by one by their part."""

    found: Mapping[bytes, Words] = field(default_factory=dict)

    def words(self, part: bytes | memoryview) -> Words:
        """Return the text of a part; no words for an empty one, keyless for one that was not opened here."""
        return self.found.get(bytes(part), Words(state=PersonalState.KEYLESS)) if part else NO_WORDS


def read_words(parts: Iterable[bytes | memoryview], *, readable: bool = True) -> Reading:
    """Open texts that `actions.keep_words` returned, in one statement however many they are.

    Not `readable`: they are not for who asks, who is told no more than whether they were erased.
    """
    numbers = {part: rules.key_of_part(part) for part in {bytes(part) for part in parts if part}}
    keys = opened_keys({number for number in numbers.values() if number is not None})
    return Reading(
        {part: _read(part, keys.get(number) if number else None, readable) for part, number in numbers.items()}
    )


def holders_of(parts: Iterable[bytes | memoryview]) -> set[str]:
    """Return the persons and cases under whose keys these parts stand, destroyed or not."""
    numbers = {rules.key_of_part(bytes(part)) for part in parts if part}
    return {known.subject for known in opened_keys({number for number in numbers if number}).values()}


def _read(part: bytes, known: OpenedKey | None, readable: bool) -> Words:
    if known is not None and known.destroyed_at is not None:
        return Words("", PersonalState.ERASED, known.destroyed_at, known.reason)
    if not readable:
        return Words("", PersonalState.WITHHELD)
    if known is None or known.key is None:
        return Words("", PersonalState.KEYLESS)
    try:
        return Words(rules.decrypt_kept(part, key=known.key, name=WORDS, about=known.subject).decode())
    except Malformed:
        return Words("", PersonalState.KEYLESS)

"""Texts of procedures from one version to the next: numbered, told apart, and compared line by line. Pure."""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass

import msgspec

from beffroi.kernel.procedures.types import Procedure

AROUND = 2
"""Lines that are shown about a difference."""

_NUMBER = re.compile(r"^version:[ \t]*[^\s#]*", re.MULTILINE)


def numbered(text: str, version: int) -> str:
    """Return a text that states this version; one that does not write it on a line of its own stays as it is."""
    return _NUMBER.sub(f"version: {version}", text, count=1)


def digest_of(procedure: Procedure) -> str:
    """Return what tells apart what two versions do, whatever their number and their comments."""
    plain = msgspec.structs.replace(procedure, version=0)
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a comparison: `mark` is `-` for one that goes, `+` for one that comes, empty for one about them.

    `gap`: lines that did not change stand between this one and the one before.
    """

    mark: str
    text: str
    gap: bool = False


def compared(before: str, after: str) -> tuple[DiffLine, ...]:
    """Return what differs between two texts, with the lines about it; the number of the version is no difference."""
    old, new = numbered(before, 0).splitlines(), numbered(after, 0).splitlines()
    found: list[DiffLine] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        first = len(found)
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                found += [DiffLine("", line) for line in old[old_from:old_to]]
                continue
            found += [DiffLine("-", line) for line in old[old_from:old_to]]
            found += [DiffLine("+", line) for line in new[new_from:new_to]]
        if first and first < len(found):
            found[first] = DiffLine(found[first].mark, found[first].text, gap=True)
    return tuple(found)

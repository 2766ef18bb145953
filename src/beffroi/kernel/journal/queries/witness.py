"""The seals kept outside the database: one file a day, one seal a line, written before the database's.

Who can write the database cannot write them, and the reverse. They are read from the first to the last; a restored
database that was accepted begins a new file and leaves out what was lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from beffroi.foundation.errors import Unreachable
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.types import WitnessAdoption, WitnessSeal

SUFFIX = ".seals"
_TAIL_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Witness:
    """A folder of files of seals."""

    folder: Path

    def files(self) -> list[Path]:
        """Return the files, the oldest first: their names order them."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def last(self) -> WitnessSeal | WitnessAdoption | None:
        """Return what was written last; None where nothing was. Reads the end of the last files only."""
        for file in reversed(self.files()):
            found = _last_of(file)
            if found is not None:
                return found
        return None

    def adoptions(self) -> list[tuple[str, WitnessAdoption]]:
        """Return the restored databases that were accepted, with the file that each begins."""
        found = []
        for file in self.files():
            with _opened(file) as lines:
                told = rules.read_witness_line(lines.readline())
            if isinstance(told, WitnessAdoption):
                found.append((file.name, told))
        return found

    def seals(self, after: int = 0) -> Iterator[WitnessSeal]:
        """Return the seals that stand, numbered after a seal, in the order in which they were written."""
        adoptions = self.adoptions()
        for file in self._files_from(after):
            kept = min((told.number for name, told in adoptions if name > file.name), default=None)
            with _opened(file) as lines:
                for line in lines:
                    told = rules.read_witness_line(line)
                    if isinstance(told, WitnessSeal) and told.number > after and (kept is None or told.number <= kept):
                        yield told

    def numbered(self, number: int) -> WitnessSeal | None:
        """Return the seal of that number that stands; None where there is none."""
        return next((told for told in self.seals(number - 1) if told.number == number), None)

    def _files_from(self, after: int) -> list[Path]:
        """Leave out the files that end before a seal, so that a second's verification reads a day and not a year."""
        files = self.files()
        for place in range(len(files) - 1, 0, -1):
            first = _first_of(files[place])
            if first is not None and first.number <= after:
                return files[place:]
        return files


def this_witness() -> Witness:
    """Return where this post keeps its seals outside the database."""
    ours = settings()
    return Witness((ours.seals or ours.data / "seals").absolute())


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise Unreachable(f"the seals outside the database cannot be read: {error}") from error


def _first_of(file: Path) -> WitnessSeal | None:
    with _opened(file) as lines:
        for line in lines:
            told = rules.read_witness_line(line)
            if isinstance(told, WitnessSeal):
                return told
    return None


def _last_of(file: Path) -> WitnessSeal | WitnessAdoption | None:
    with _opened(file) as lines:
        size = lines.seek(0, os.SEEK_END)
        lines.seek(max(0, size - _TAIL_BYTES))
        ends = lines.read().split(b"\n")
    for line in reversed(ends):
        told = rules.read_witness_line(line) if line else None
        if told is not None:
            return told
    return None

"""How a broken journal is recognised: lines, seals and the file's seals walked together in their order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from beffroi.kernel.journal.rules.lines import line_digest
from beffroi.kernel.journal.rules.merkle import MerkleTree
from beffroi.kernel.journal.rules.seals import NO_SEAL, seal_digest
from beffroi.kernel.journal.types import Break, Record, Seal, WitnessSeal

MAX_BREAKS = 100
"""Breaks that are listed one by one; the verification stops after them: a journal so broken needs its backup."""

_ALTERED = "altered: its digest is not that of what it says"


class Verifier:
    """Walks lines and seals in their order and notes each place where they do not fit. Memory is constant.

    `after` is a seal that is taken as true (an anchor published outside, for instance): the walk starts behind it.
    `witness` are the seals kept outside, in their order, from the same place on; None where there are none to compare.
    """

    def __init__(self, after: Seal | None = None, witness: Iterator[WitnessSeal] | None = None) -> None:
        self.breaks: list[Break] = []
        self.last_seal = after
        self.copied = 0
        self._witness = witness
        self._known = next(witness, None) if witness is not None else None
        self._unwitnessed: tuple[int, int] | None = None
        self.lines = 0
        self.seals = 0
        self.sealed_seq = after.last_seq if after else 0
        self._next_line = self.sealed_seq + 1
        self._number = after.number if after else 0
        self._previous = after.digest if after else NO_SEAL
        if after is not None and seal_digest(after) != after.digest:
            self._found(f"seal {after.number}", _ALTERED)

    def walk(self, lines: Iterable[tuple[Record, bytes]], seals: Iterable[Seal]) -> None:
        """Check everything. `lines` and `seals` are ordered by number, and begin behind the anchor."""
        rest = iter(seals)
        seal = self._open(rest)
        tree = MerkleTree()
        for record, digest in lines:
            while seal is not None and record.seq > seal.last_seq:
                self._close(seal, tree)
                seal, tree = self._open(rest), MerkleTree()
            self._check_line(record, digest)
            if seal is not None and record.seq >= seal.first_seq:
                tree.add(digest)
            if len(self.breaks) >= MAX_BREAKS:
                return
        while seal is not None and len(self.breaks) < MAX_BREAKS:
            self._close(seal, tree)
            seal, tree = self._open(rest), MerkleTree()

    def _check_line(self, record: Record, digest: bytes) -> None:
        self.lines += 1
        if record.seq > self._next_line:
            self._missing_up_to(record.seq - 1)
        elif record.seq < self._next_line:
            self._found(f"line {record.seq}", f"out of order: {self._next_line} was expected")
        self._next_line = max(self._next_line, record.seq + 1)
        if line_digest(record) != digest:
            self._found(f"line {record.seq}", _ALTERED)

    def _open(self, seals: Iterator[Seal]) -> Seal | None:
        seal = next(seals, None)
        if seal is None:
            return None
        self.seals += 1
        where = f"seal {seal.number}"
        if seal.number != self._number + 1:
            self._found(where, f"seal {self._number + 1} was expected")
        if seal.first_seq != self.sealed_seq + 1 or seal.last_seq < seal.first_seq:
            self._found(where, f"covers {seal.first_seq} to {seal.last_seq}; expected from {self.sealed_seq + 1}")
        if seal.previous != self._previous:
            self._found(where, "is not chained to the seal before it")
        if seal_digest(seal) != seal.digest:
            self._found(where, _ALTERED)
        self._compare(seal)
        self._number, self._previous, self.sealed_seq = seal.number, seal.digest, seal.last_seq
        self.last_seal = seal
        return seal

    def _compare(self, seal: Seal) -> None:
        """Hold a seal of the database against the witness's of the same number."""
        if self._witness is None:
            return
        while self._known is not None and self._known.number < seal.number:
            self._found(f"seal {self._known.number}", "in the file outside, and not in the database")
            self._known = next(self._witness, None)
        if self._known is None or self._known.number > seal.number:
            first = self._unwitnessed[0] if self._unwitnessed else seal.number
            self._unwitnessed = (first, seal.number)
            return
        if self._known.digest != seal.digest.hex():
            self._found(f"seal {seal.number}", "is not the one in the file outside: the journal was written anew")
        self.copied += self._known.copied_at > 0
        self._known = next(self._witness, None)

    def _missing_up_to(self, seq: int) -> None:
        where = f"line {self._next_line}" + (f" to {seq}" if seq > self._next_line else "")
        self._found(where, "missing")

    def check_lines_up_to(self, seq: int) -> None:
        """Name the lines that are missing before this number, behind the last one walked."""
        if self._next_line <= seq and len(self.breaks) < MAX_BREAKS:
            self._missing_up_to(seq)

    def check_unwitnessed(self) -> None:
        """Name the seals that the witness does not hold: it is written first, so it lacks none."""
        if self._unwitnessed is not None:
            first, last = self._unwitnessed
            where = f"seal {first}" + (f" to {last}" if last > first else "")
            self._found(where, "in the database, and not in the file outside")

    def _close(self, seal: Seal, tree: MerkleTree) -> None:
        if tree.root() != seal.root:
            what = f"does not fit the lines {seal.first_seq} to {seal.last_seq} that it covers"
            self._found(f"seal {seal.number}", what)

    def _found(self, where: str, what: str) -> None:
        if len(self.breaks) < MAX_BREAKS:
            self.breaks.append(Break(where, what))

"""How a broken journal is recognised: lines, seals and the file's seals walked together in their order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from beffroi.kernel.journal.rules.lines import line_digest
from beffroi.kernel.journal.rules.merkle import MerkleTree
from beffroi.kernel.journal.rules.seals import NO_SEAL, seal_digest
from beffroi.kernel.journal.types import Break, Record, Seal

MAX_BREAKS = 100
"""Breaks that are listed one by one; the verification stops after them: a journal so broken needs its backup."""

_ALTERED = "altered: its digest is not that of what it says"


class Verifier:
    """Walks lines and seals in their order and notes each place where they do not fit. Memory is constant.

    `after` is a seal that is taken as true (an anchor published outside, for instance): the walk starts behind it.
    """

    def __init__(self, after: Seal | None = None) -> None:
        self.breaks: list[Break] = []
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

    def check_end(self, *, head_seq: int, last_seq: int) -> None:
        """Check that the number given last is that of the last line, and that no seal speaks of lines beyond."""
        if head_seq != last_seq:
            self._found("head", f"the last number given is {head_seq}, the last line is {last_seq}")
        if self.sealed_seq > last_seq:
            self._found(f"seal {self._number}", f"covers lines up to {self.sealed_seq}, the last line is {last_seq}")

    def _check_line(self, record: Record, digest: bytes) -> None:
        self.lines += 1
        if record.seq > self._next_line:
            missing = f"line {self._next_line}" + (f" to {record.seq - 1}" if record.seq - 1 > self._next_line else "")
            self._found(missing, "missing")
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
        self._number, self._previous, self.sealed_seq = seal.number, seal.digest, seal.last_seq
        return seal

    def _close(self, seal: Seal, tree: MerkleTree) -> None:
        if tree.root() != seal.root:
            what = f"does not fit the lines {seal.first_seq} to {seal.last_seq} that it covers"
            self._found(f"seal {seal.number}", what)

    def _found(self, where: str, what: str) -> None:
        if len(self.breaks) < MAX_BREAKS:
            self.breaks.append(Break(where, what))

"""How a line and a seal are turned into digests, and how a broken journal is recognised. Pure.

The Merkle tree is that of RFC 6962 section 2.1: leaves are hashed after 0x00 and nodes after 0x01, so that a node can
never pass for a leaf. A leaf is the digest of one line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.journal.types import Break, Entry, Record, Seal

NO_SEAL = b"\x00" * 32
"""What the first seal names as the one before it."""

MAX_BREAKS = 100
"""Breaks that are listed one by one; the verification stops after them: a journal so broken needs its backup."""

_ALTERED = "altered: its digest is not that of what it says"
_LINE = b"beffroi journal line 1\n"
_SEAL = b"beffroi journal seal 1\n"
_LIMITS = {"room": 32, "verb": 64, "subject": 160}


def canonical_content(content: Mapping[str, Any]) -> str:
    """Return the one JSON text that stands for a content: keys sorted, no spaces. Raises Refused for other values."""
    try:
        return msgspec.json.encode(content, order="deterministic").decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(f"the content of a journal line cannot be written as JSON: {error}") from error


def record_of(entry: Entry, *, seq: int, line_id: UUID, at: Instant) -> Record:
    """Return the line that an entry becomes. Raises Refused for a field that is empty, too long or not storable."""
    for name, limit in _LIMITS.items():
        text = getattr(entry, name)
        if not 1 <= len(text) <= limit:
            raise Refused(f"a journal line's {name} has 1 to {limit} characters; got {len(text)}: {text[:60]!r}")
    record = Record(
        seq=seq,
        id=str(line_id),
        recorded_at=at,
        effective_at=at if entry.effective_at is None else entry.effective_at,
        actor_kind=str(entry.actor.kind),
        actor_id=entry.actor.id[:128],
        actor_name=entry.actor.name[:200],
        room=entry.room,
        verb=entry.verb,
        subject=entry.subject,
        related=tuple(text[:160] for text in entry.related),
        purpose=entry.purpose,
        reason=entry.reason,
        sensitivity=str(entry.sensitivity),
        content=canonical_content(entry.content),
    )
    return _storable(record)


def _storable(record: Record) -> Record:
    """PostgreSQL's text has no zero character, which a device can well put in its name: it becomes U+FFFD."""
    if b"\\u0000" not in msgspec.json.encode(record):
        return record
    clean = {
        name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(record).items()
    }
    return msgspec.structs.replace(
        record, **clean | {"related": tuple(text.replace("\x00", "\ufffd") for text in record.related)}
    )


def line_digest(record: Record) -> bytes:
    """Return the SHA-256 of a line: a fixed prefix, then its fields as JSON in the order of `Record`."""
    return hashlib.sha256(_LINE + msgspec.json.encode(record, order="deterministic")).digest()


def seal_digest(seal: Seal) -> bytes:
    """Return the SHA-256 of a seal: all its fields but the digest itself, binary ones in hexadecimal."""
    fields = (seal.number, seal.first_seq, seal.last_seq, seal.root.hex(), seal.previous.hex(), seal.sealed_at)
    return hashlib.sha256(_SEAL + msgspec.json.encode(fields)).digest()


def with_digest(draft: Seal) -> Seal:
    """Return the seal with its digest filled in."""
    return replace(draft, digest=seal_digest(draft))


class MerkleTree:
    """A Merkle tree that grows by one leaf at a time and keeps one digest for each level: memory is logarithmic."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """Add a leaf to the right."""
        height, node = 0, hashlib.sha256(b"\x00" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == height:
            node = _node(self._peaks.pop()[1], node)
            height += 1
        self._peaks.append((height, node))
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves so far; that of an empty tree is the SHA-256 of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaves in their order."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


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

"""The proof that nothing was altered: lines and seals read again, and held against the seals outside the database."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from django.db import connection, transaction

from beffroi.foundation.clock import to_rfc3339
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.lines import digests_after, get_seal
from beffroi.kernel.journal.queries.rows import LINE_COLUMNS, SEAL_COLUMNS, record_of_row, seal_of_row
from beffroi.kernel.journal.queries.witness import Witness
from beffroi.kernel.journal.rules import MAX_BREAKS, Verifier
from beffroi.kernel.journal.types import Break, Record, Seal, Verification, WitnessAdoption, WitnessSeal

_EXTENT = """
SELECT h.seq, coalesce((SELECT max(seq) FROM journal_line), 0), coalesce((SELECT max(number) FROM journal_seal), 0)
FROM journal_head h
"""
_SPLIT = f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE last_seq <= %s ORDER BY last_seq DESC LIMIT 1"
_CHUNK = 2_000
LEAST_PART = 100_000
"""Lines below which a part is not worth a process of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the journal that one process verifies: behind the seal `after`, up to a seal and a line."""

    after: Seal | None
    last_number: int
    last_seq: int
    witness: Witness | None


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found in a part. `copied`: seals of the witness that were copied from the database."""

    lines: int
    seals: int
    last_seal: Seal | None
    breaks: tuple[Break, ...]
    copied: int


class Spread(Protocol):
    """How parts are walked: one after the other (`map`), or each in a process of its own."""

    def __call__(self, walk: Callable[[Part], Walked], parts: Sequence[Part], /) -> Iterable[Walked]:
        """Walk the parts, and return what was found in their order."""


def verify(
    since_seal: int | None = None,
    *,
    after: Seal | None = None,
    witness: Witness | None = None,
    processes: int = 1,
    spread: Spread = map,
) -> Verification:
    """Read the whole journal again, or what follows a seal that is trusted, and name each place that was altered.

    Every line's digest, every gap in the numbers, each seal's root and its place in the chain, the last number given; and,
    with a witness, each seal against the one kept outside. Streams: memory does not grow with the journal. Lines written
    meanwhile are left to the next verification. `after` is a seal known from elsewhere, which the database must hold as it
    was. Raises NotFound for a seal that does not exist.
    """
    anchor = after or _anchor(since_seal)
    known = witness.last() if witness is not None else None
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT)
        head, last, last_number = (int(value) for value in cursor.fetchone())
    parts = _parts(anchor, last_number, last, witness if known else None, processes)
    walked = list(spread(verify_part, parts))
    last_seal = walked[-1].last_seal
    breaks = [
        *_moved(after),
        *(found for part in walked for found in part.breaks),
        *_end(head, last, last_seal, known if isinstance(known, WitnessSeal) else None),
    ]
    return Verification(
        lines=sum(part.lines for part in walked),
        seals=sum(part.seals for part in walked),
        last_seq=last,
        sealed_seq=last_seal.last_seq if last_seal else 0,
        breaks=tuple(dict.fromkeys(breaks))[:MAX_BREAKS],
        notes=_notes(witness, known, last_seal, sum(part.copied for part in walked)),
        last_seal=last_seal,
    )


def verify_part(part: Part) -> Walked:
    """Walk one part of the journal."""
    told = part.witness.seals(part.after.number if part.after else 0) if part.witness else None
    verifier = Verifier(part.after, told)
    with transaction.atomic(), closing(_stream_seals(part)) as seals, closing(_stream_lines(part)) as lines:
        verifier.walk(lines, seals)
    verifier.check_lines_up_to(part.last_seq)
    verifier.check_unwitnessed()
    return Walked(verifier.lines, verifier.seals, verifier.last_seal, tuple(verifier.breaks), verifier.copied)


def _anchor(number: int | None) -> Seal | None:
    if number is None:
        return None
    found = get_seal(number)
    if found is None:
        raise NotFound(f"there is no seal {number} in this journal")
    return found


def _parts(
    anchor: Seal | None, last_number: int, last: int, witness: Witness | None, processes: int
) -> tuple[Part, ...]:
    """Cut the journal between seals into parts of as many lines each, one for each process at most."""
    begin = anchor.last_seq if anchor else 0
    count = max(1, min(processes, (last - begin) // LEAST_PART))
    bounds = [anchor]
    for place in range(1, count):
        with connection.cursor() as cursor:
            cursor.execute(_SPLIT, [begin + (last - begin) * place // count])
            row = cursor.fetchone()
        cut, before = seal_of_row(row) if row else None, bounds[-1]
        if cut is not None and (before is None or (cut.number > before.number and cut.last_seq > before.last_seq)):
            bounds.append(cut)
    inner = [Part(a, b.number, b.last_seq, witness) for a, b in pairwise(bounds) if b is not None]
    return (*inner, Part(bounds[-1], last_number, last, witness))


def _moved(after: Seal | None) -> Iterator[Break]:
    if after is not None and get_seal(after.number) != after:
        yield Break(f"seal {after.number}", "is not the one that was verified before: the journal was written anew")


def _end(head: int, last: int, sealed: Seal | None, known: WitnessSeal | None) -> Iterator[Break]:
    """Check the last number given, and that no seal and no line is missing at the end.

    A seal that only the witness has may be on its way into the database, when its lines are there; two cannot.
    """
    if head != last:
        yield Break("head", f"the last number given is {head}, the last line is {last}")
    number = sealed.number if sealed else 0
    if sealed is not None and sealed.last_seq > last:
        yield Break(f"seal {number}", f"covers lines up to {sealed.last_seq}, the last line is {last}")
    if known is None or known.number <= number:
        return
    where = f"seal {number + 1}" + (f" to {known.number}" if known.number > number + 1 else "")
    if known.number > number + 1:
        yield Break(
            where, f"in the file outside up to line {known.last_seq}, and not in the database: its end was cut off"
        )
        return
    leaves = digests_after(known.first_seq - 1, limit=known.last_seq - known.first_seq + 1)
    if rules.merkle_root(digest for _, digest in leaves).hex() != known.root:
        yield Break(
            where, f"in the file outside up to line {known.last_seq}, whose lines are not in the database as they were"
        )


def _notes(
    witness: Witness | None, known: WitnessSeal | WitnessAdoption | None, sealed: Seal | None, copied: int
) -> tuple[str, ...]:
    if witness is None:
        return ()
    if known is None:
        return ("no seal was kept outside the database yet: nothing to compare with",)
    notes = [
        f"a restored database was accepted by {told.by} at {to_rfc3339(told.at)}: seals {told.number + 1} to"
        f" {told.number + told.lost_seals}, up to line {told.lost_seq}, were lost; reason: {told.reason}"
        for _, told in witness.adoptions()
    ]
    if isinstance(known, WitnessSeal) and known.number == (sealed.number if sealed else 0) + 1:
        notes.append(f"seal {known.number} is outside and not in the database yet: the next to seal writes it there")
    if copied:
        notes.append(f"{copied} seals outside were copied from the database: they witness nothing from before the copy")
    return tuple(notes)


def _stream_seals(part: Part) -> Generator[Seal, None, None]:
    condition = "number <= %s" + (" AND number > %s" if part.after else "")
    parameters = [part.last_number, *([part.after.number] if part.after else [])]
    for row in _stream(f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE {condition} ORDER BY number", parameters):
        yield seal_of_row(row)


def _stream_lines(part: Part) -> Generator[tuple[Record, bytes], None, None]:
    condition = "seq <= %s" + (" AND seq > %s" if part.after else "")
    parameters = [part.last_seq, *([part.after.last_seq] if part.after else [])]
    for row in _stream(f"SELECT {LINE_COLUMNS} FROM journal_line WHERE {condition} ORDER BY seq", parameters):
        yield record_of_row(row), bytes(row[-1])


def _stream(query: str, parameters: Sequence[int]) -> Generator[tuple[Any, ...], None, None]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows

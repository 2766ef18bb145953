"""Sealing the lines that no seal covers yet: in the file outside the database first, then in the database.

A crash between the two leaves one seal in the file alone. The next one to seal finds it there, tries it against the
lines, and writes it into the database as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.journal import models, queries, rules
from beffroi.kernel.journal.actions.witness import write_adoption, write_seals
from beffroi.kernel.journal.actions.writing import append
from beffroi.kernel.journal.queries.witness import Witness
from beffroi.kernel.journal.types import Actor, Entry, Seal, WitnessAdoption, WitnessSeal

MAX_LINES_A_SEAL = 50_000
MAX_SEALS_COPIED = 10_000
_SEAL_LOCK = 0x6A6F75726E616C  # "journal": the advisory lock of whoever seals


def seal(at: Instant, *, witness: Witness | None = None) -> Seal | None:
    """Seal the lines that no seal covers yet, at most 50,000 of them; call again until it returns None.

    Returns None too while another process seals. The chain goes on from the last seal, whose digest is in this one.
    Raises Conflict when the witness knows another journal than this database, Unreachable when it cannot be written:
    nothing is sealed then, and the lines wait.
    """
    with transaction.atomic():
        if not _alone():
            return None
        last = queries.last_seal()
        if witness is not None:
            left = _agreed(witness, last, at)
            if left is not None:
                return _written(left)
        leaves = queries.digests_after(last.last_seq if last else 0, limit=MAX_LINES_A_SEAL)
        if not leaves:
            return None
        sealed = _seal_over(leaves, last, at)
        if witness is not None:
            write_seals(witness, [sealed], at=at)
        return _written(sealed)


def adopt_restored(witness: Witness, *, reason: str, by: Actor, at: Instant) -> int:
    """Accept a database that was restored from a backup, older than what the witness knows; return how many seals are lost.

    The witness goes on from the database's last seal, and says so for ever; `verify` repeats it. Journalled. Raises Refused
    without a reason or when nothing is missing, Conflict when the database is no older state of this journal.
    """
    if not reason.strip():
        raise Refused("accepting a restored journal says why: write the reason", key="text-missing")
    with transaction.atomic():
        if not _alone():
            raise Conflict("another process seals at this instant: stop the post, and try again")
        last, known = queries.last_seal(), witness.last()
        number = last.number if last else 0
        if not isinstance(known, WitnessSeal) or known.number <= number:
            raise Refused("the witness knows nothing that this database does not hold: there is nothing to accept")
        same = witness.numbered(number)
        if last is not None and (same is None or same.digest != last.digest.hex()):
            raise Conflict(f"seal {number} of this database is not the witness's: it is no older state of this journal")
        lost = known.number - number
        content = {"seal": number, "lost_seals": lost, "lost_up_to_line": known.last_seq}
        append([Entry(by, "journal", "adopt_restored", f"seal:{number}", content=content, reason=reason)], at=at)
        told = WitnessAdoption(number, lost, known.last_seq, at, by.name, reason)
        write_adoption(witness, told)
    return lost


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEAL_LOCK])
        return bool(cursor.fetchone()[0])


def _agreed(witness: Witness, last: Seal | None, at: Instant) -> Seal | None:
    """Bring database and witness to the same seal; return one that a crash left in the witness alone.

    Raises Conflict when they tell of different journals.
    """
    known = witness.last()
    if known is None or known.number < (last.number if last else 0):
        if known is not None and isinstance(known, WitnessSeal):
            _same(known, queries.get_seal(known.number))
        for chunk in _seals_after(known.number if known else 0, at):
            write_seals(witness, chunk, at=at, copied=True)
        return None
    if isinstance(known, WitnessAdoption) or (last is not None and known.number == last.number):
        if isinstance(known, WitnessSeal):
            _same(known, last)
        return None
    left = rules.from_witness(known)
    follows = left.number == (last.number if last else 0) + 1 and rules.seal_digest(left) == left.digest
    if follows and left.previous == (last.digest if last else rules.NO_SEAL):
        leaves = queries.digests_after(left.first_seq - 1, limit=left.last_seq - left.first_seq + 1)
        if [seq for seq, _ in leaves[-1:]] == [left.last_seq] and rules.merkle_root(d for _, d in leaves) == left.root:
            return left
    raise Conflict(
        f"the witness outside the database knows seal {known.number} up to line {known.last_seq}; the database ends at"
        f" seal {last.number if last else 0}: its end was cut off, or it was restored from a backup. Run `beffroi journal"
        " verify`; after a restore, `beffroi journal adopt`"
    )


def _same(known: WitnessSeal, ours: Seal | None) -> None:
    if ours is None or ours.digest.hex() != known.digest:
        raise Conflict(
            f"seal {known.number} of the database is not the one that the witness outside holds: the journal was written"
            " anew. Run `beffroi journal verify`, and change nothing"
        )


def _seals_after(number: int, at: Instant) -> Iterator[list[Seal]]:
    while seals := queries.seals_after(number, limit=MAX_SEALS_COPIED):
        yield seals
        number = seals[-1].number


def _written(sealed: Seal) -> Seal:
    models.Seal.objects.create(
        number=sealed.number,
        first_seq=sealed.first_seq,
        last_seq=sealed.last_seq,
        root=sealed.root,
        previous=sealed.previous,
        digest=sealed.digest,
        sealed_at=to_datetime(sealed.sealed_at),
    )
    return sealed


def _seal_over(leaves: Sequence[tuple[int, bytes]], last: Seal | None, at: Instant) -> Seal:
    draft = Seal(
        number=last.number + 1 if last else 1,
        first_seq=leaves[0][0],
        last_seq=leaves[-1][0],
        root=rules.merkle_root(digest for _, digest in leaves),
        previous=last.digest if last else rules.NO_SEAL,
        digest=b"",
        sealed_at=at,
    )
    return rules.with_digest(draft)

"""Sealing the lines that no seal covers yet."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.journal import models, queries, rules
from beffroi.kernel.journal.types import Seal

MAX_LINES_A_SEAL = 50_000
_SEAL_LOCK = 0x6A6F75726E616C  # "journal": the advisory lock of whoever seals


def seal(at: Instant) -> Seal | None:
    """Seal the lines that no seal covers yet, at most 50,000 of them; call again until it returns None.

    Returns None too while another process seals. The chain goes on from the last seal, whose digest is in this one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEAL_LOCK])
            if not cursor.fetchone()[0]:
                return None
        last = queries.last_seal()
        leaves = queries.digests_after(last.last_seq if last else 0, limit=MAX_LINES_A_SEAL)
        if not leaves:
            return None
        sealed = _seal_over(leaves, last, at)
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

"""Encrypting what other rooms keep about persons in tables of their own, with the keys of the journal.

What a person or a case is told by, in a line or beside it, goes with one key: one erasure reaches all of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import connection

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Conflict
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.actions.keys import keys_for
from beffroi.kernel.journal.types import WORDS, ToKeep


def keep_words(about: str, text: str, *, at: Instant) -> bytes:
    """Return a text that people wrote freely as a table keeps it, under the key of a person or a case; nothing for none.

    Its bytes may be copied (to another incident, into a record that is signed): they go with the key of their origin.
    `queries.read_words` gives it back. As `encrypt_kept`.
    """
    return encrypt_kept([ToKeep(about, WORDS, text.encode())], at=at)[0] if text else b""


def encrypt_kept(items: Sequence[ToKeep], *, at: Instant) -> list[bytes]:
    """Return what a table keeps of each, encrypted with the key of whom it is about, made where there is none.

    The keys stay locked against being destroyed until the caller commits. Raises Conflict outside a transaction, Refused
    for what is about neither a person nor a case.
    """
    if not connection.in_atomic_block:
        raise Conflict("what is kept about persons is encrypted in the transaction that keeps it: open one")
    if not items:
        return []
    keys = keys_for({rules.check_holder(item.about) for item in items}, at=at)
    return [
        rules.encrypt_kept(
            item.data,
            key=keys[item.about][1],
            key_id=keys[item.about][0],
            name=item.name,
            about=item.about,
            nonce=secrets.token_bytes(rules.NONCE_BYTES),
        )
        for item in items
    ]

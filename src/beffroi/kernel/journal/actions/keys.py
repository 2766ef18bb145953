"""Making the keys of content about persons, and the master keys that wrap them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.ids import new_id
from beffroi.kernel.journal import models, queries, rules

ROTATION_LOCK = 0x6A6B657973  # "jkeys": shared by who makes keys, alone for who changes the master key
_STANDING = """
SELECT id, subject, wrapped, master FROM journal_key
WHERE subject = ANY(%s) AND master = ANY(%s) AND destroyed_at IS NULL ORDER BY id FOR SHARE
"""


def keys_for(subjects: Collection[str], *, at: Instant) -> dict[str, tuple[UUID, bytes]]:
    """Return the key of each person or case with its number, made where there is none. Inside a transaction.

    The rows stay locked against being destroyed until the caller commits.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [ROTATION_LOCK])
    ring = queries.masters() or dict([make_master(at)])
    found: dict[str, tuple[UUID, bytes]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [sorted(subjects), list(ring)])
        for key_id, subject, wrapped, master in cursor.fetchall():
            found[subject] = (key_id, rules.unwrap_key(bytes(wrapped), master=ring[master], subject=subject))
    for subject in sorted(set(subjects) - found.keys()):
        found[subject] = _make_key(subject, *list(ring.items())[-1], at)
    return found


def _make_key(subject: str, name: str, master: bytes, at: Instant) -> tuple[UUID, bytes]:
    key, key_id = secrets.token_bytes(rules.KEY_BYTES), new_id(at)
    wrapped = rules.wrap_key(key, master=master, subject=subject, nonce=secrets.token_bytes(rules.NONCE_BYTES))
    models.Key.objects.create(id=key_id, subject=subject, wrapped=wrapped, master=name, made_at=to_datetime(at))
    return key_id, key


def make_master(at: Instant) -> tuple[str, bytes]:
    """Write a new master key into its folder, on the disk before anything is wrapped with it."""
    folder = queries.masters_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.fromtimestamp(at / 1e6, UTC)
    name, key = f"{moment:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}", secrets.token_bytes(rules.KEY_BYTES)
    draft = folder / f".{name}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{name}.key")
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return name, key

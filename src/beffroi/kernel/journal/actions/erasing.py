"""Erasing what the journal tells of a person or a case, by destroying its keys; and the change of the master key."""

from __future__ import annotations

import secrets

from django.db import connection, transaction
from django.db.utils import IntegrityError

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.journal import models, queries, rules
from beffroi.kernel.journal.actions.keys import ROTATION_LOCK, make_master
from beffroi.kernel.journal.actions.writing import append
from beffroi.kernel.journal.types import Actor, Entry, Erasure

ROOM = "journal"
MAX_REASON = 500


def rotate_master(*, by: Actor, at: Instant) -> int:
    """Wrap every key with a new master key, then forget the old ones; return how many keys. Journalled.

    What was wrapped before, in an old backup for instance, opens no more: that is what makes an erasure reach backups.
    Raises Conflict when keys stand that no master key at hand opens: bring the missing one back first.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROTATION_LOCK])
        ring = queries.masters()
        rows = list(models.Key.objects.select_for_update().filter(destroyed_at=None).order_by("id"))
        lost = sorted({row.master for row in rows} - ring.keys())
        if lost:
            raise Conflict(f"keys are wrapped by {', '.join(lost)}, which {queries.masters_folder()} does not hold")
        name, master = make_master(at)
        for row in rows:
            key = rules.unwrap_key(bytes(row.wrapped), master=ring[row.master], subject=row.subject)
            row.wrapped = rules.wrap_key(
                key, master=master, subject=row.subject, nonce=secrets.token_bytes(rules.NONCE_BYTES)
            )
            row.master = name
        models.Key.objects.bulk_update(rows, ["wrapped", "master"], batch_size=1_000)
        content = {"keys": len(rows), "forgotten": len(ring)}
        append([Entry(by, ROOM, "rotate_master_key", f"master_key:{name}", content=content)], at=at)
    for old in ring:
        (queries.masters_folder() / f"{old}.key").unlink(missing_ok=True)
    return len(rows)


def erase_personal(subject: str, *, reason: str, by: Actor, at: Instant) -> int:
    """Destroy the keys of a person or a case; return how many lines told of them. Journalled.

    What the lines told about them can never be read again; the lines and the chain of seals stay whole. Raises Refused
    without a reason, NotFound when there is no key to destroy.
    """
    with transaction.atomic():
        return _erase(rules.check_holder(subject), _check_reason(reason), by, at)


def _erase(subject: str, reason: str, by: Actor, at: Instant) -> int:
    rows = list(models.Key.objects.select_for_update().filter(subject=subject, destroyed_at=None).order_by("id"))
    if not rows:
        raise NotFound(f"the journal holds nothing about {subject} that could be erased")
    for row in rows:
        row.wrapped, row.destroyed_at, row.reason = b"", to_datetime(at), reason
        row.save()
    lines = models.Line.objects.filter(about=subject).exclude(about="").count()
    content = {"keys": len(rows), "lines": lines}
    append(
        [Entry(by, ROOM, "erase_personal", subject, rules.related_of_holder(subject), content, reason=reason)], at=at
    )
    return lines


def ask_erasure(subject: str, *, reason: str, by: Actor, at: Instant) -> Erasure:
    """Ask that what the journal holds about a person or a case be erased; a second person confirms. Journalled.

    Raises Refused without a reason, NotFound when nothing is held, Conflict when it was asked already.
    """
    held, written = rules.check_holder(subject), _check_reason(reason)
    with transaction.atomic():
        if not models.Key.objects.filter(subject=held, destroyed_at=None).exists():
            raise NotFound(f"the journal holds nothing about {held} that could be erased")
        asked = models.Erasure(
            subject=held, reason=written, asked_by=by.id, asked_by_name=by.name[:200], asked_at=to_datetime(at)
        )
        try:
            with transaction.atomic():
                asked.save()
        except IntegrityError as error:
            raise Conflict(f"the erasure of {held} is asked already and waits for a second person") from error
        append([Entry(by, ROOM, "ask_erasure", held, rules.related_of_holder(held), reason=written)], at=at)
    return queries.erasure_of(asked)


def confirm_erasure(number: int, *, by: Actor, at: Instant) -> int:
    """Erase what was asked; return how many lines told of it. Journalled. Who asked cannot confirm.

    Raises NotFound, Refused for the one who asked, Conflict when it was decided already.
    """
    with transaction.atomic():
        row = _waiting(number)
        if row.asked_by == by.id:
            raise Refused("who asks for an erasure does not confirm it: a second person does", key="second-person")
        row.outcome, row.decided_by_name, row.decided_at = "done", by.name[:200], to_datetime(at)
        row.save()
        return _erase(row.subject, row.reason, by, at)


def withdraw_erasure(number: int, *, reason: str, by: Actor, at: Instant) -> None:
    """Drop a request without erasing anything, saying why. Journalled. Raises NotFound, Refused, Conflict."""
    written = _check_reason(reason)
    with transaction.atomic():
        row = _waiting(number)
        row.outcome, row.decided_by_name, row.decided_at = "withdrawn", by.name[:200], to_datetime(at)
        row.save()
        related = rules.related_of_holder(row.subject)
        append([Entry(by, ROOM, "withdraw_erasure", row.subject, related, reason=written)], at=at)


def _waiting(number: int) -> models.Erasure:
    row = models.Erasure.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no request {number} to erase")
    if row.outcome:
        raise Conflict(f"this request was decided already by {row.decided_by_name}")
    return row


def _check_reason(reason: str) -> str:
    written = " ".join(reason.split())
    if not written:
        raise Refused("an erasure says why: write the reason", key="text-missing")
    if len(written) > MAX_REASON:
        raise Refused(f"the reason has at most {MAX_REASON} characters", key="text-too-long")
    return written

"""Putting procedures in force: a whole library at once, or one version; each with its version and its journal line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.procedures import models, rules
from beffroi.kernel.procedures.actions.lines import ROOM
from beffroi.kernel.procedures.types import LIBRARY, Procedure

_LIBRARY_LOCK = 0x70726F636564  # "proced": the advisory lock of whoever puts procedures in force


@dataclass(frozen=True, slots=True)
class Published:
    """Codes that a publication put in force anew or in a new version, took out of force, or left alone."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    unchanged: int = 0


def publish_procedures(
    procedures: Iterable[Procedure], *, texts: Mapping[str, str] | None = None, by: Actor, at: Instant
) -> Published:
    """Put a whole library in force; those that it lacks are withdrawn. Journalled, one line for each change.

    `texts` holds what was written, by code. Runs keep the version they began with. Doing it twice changes nothing. Raises
    Refused when a test fails, when a procedure calls what does not exist, or when its content changed under a version that
    was already in force.
    """
    wanted = {each.code: each for each in procedures}
    check_library(tuple(wanted.values()))
    with transaction.atomic():
        lock_library()
        known = {row.code: row for row in models.Version.objects.filter(in_force=True)}
        latest = dict(models.Version.objects.order_by("version").values_list("code", "version"))
        changes = [each for each in wanted.values() if each.code not in known or known[each.code].body != plain(each)]
        for each in changes:
            if each.version <= latest.get(each.code, 0):
                told = (
                    f"procedure {each.code}: its content is not that of version {each.version}, already in force once"
                )
                raise Refused(f"{told}; write version: {latest[each.code] + 1}", key="version-used")
        withdrawn = sorted(known.keys() - wanted.keys())
        gone = [*withdrawn, *(each.code for each in changes)]
        models.Version.objects.filter(code__in=gone, in_force=True).update(in_force=False)
        rows = [make_row(each, (texts or {}).get(each.code, ""), by, at) for each in changes]
        models.Version.objects.bulk_create(rows)
        lines = [published_line(each, by) for each in changes]
        lines += [withdrawn_line(code, known[code].title, by) for code in withdrawn]
        append(lines, at=at)
    return Published(
        tuple(each.code for each in changes if each.code not in known),
        tuple(each.code for each in changes if each.code in known),
        tuple(withdrawn),
        len(wanted) - len(changes),
    )


def lock_library() -> None:
    """Take the lock of whoever changes the library, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LIBRARY_LOCK])


def check_library(procedures: tuple[Procedure, ...]) -> None:
    """Raise Refused with what is wrong among procedures, or with the tests that fail."""
    if problems := rules.problems_between(procedures):
        raise Refused("\n".join(problems), key="library-wrong")
    library = {each.code: each for each in procedures}
    failed = [
        f"procedure {each.code}, test “{outcome.name}”: {outcome.error or 'not what is expected'}"
        for each in procedures
        for outcome in rules.run_trials(each, library)
        if not outcome.passed
    ]
    if failed:
        raise Refused("\n".join(["a test fails", *failed]), key="procedure-test-failed")


def plain(procedure: Procedure) -> dict[str, Any]:
    """Return a procedure as the database gives it back, so that the two can be compared."""
    return msgspec.json.decode(msgspec.json.encode(procedure), type=dict[str, Any])


def make_row(procedure: Procedure, text: str, by: Actor, at: Instant) -> models.Version:
    """Return the row of a version that is put in force."""
    return models.Version(
        code=procedure.code,
        version=procedure.version,
        title=procedure.title,
        desk=procedure.desk,
        body=plain(procedure),
        text=text,
        published_at=to_datetime(at),
        published_by=by.name,
    )


def published_line(procedure: Procedure, by: Actor, second: Mapping[str, Any] | None = None) -> Entry:
    """Return the line of a version put in force; `second` says who wrote it and why, where another person did."""
    content = {
        "title": procedure.title,
        "version": procedure.version,
        "desk": procedure.desk,
        "tests": len(procedure.tests),
        "body": plain(procedure),
        **(second or {}),
    }
    return Entry(by, ROOM, "publish_procedure", f"procedure:{procedure.code}", (LIBRARY,), content)


def withdrawn_line(code: str, title: str, by: Actor, second: Mapping[str, Any] | None = None) -> Entry:
    """Return the line of a procedure taken out of force."""
    content = {"title": title, **(second or {})}
    return Entry(by, ROOM, "withdraw_procedure", f"procedure:{code}", (LIBRARY,), content)

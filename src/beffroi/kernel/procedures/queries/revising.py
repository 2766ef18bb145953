"""The library as people change it: each procedure's last version, the change that is open on it, and what was decided."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.db import connection

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.procedures import models
from beffroi.kernel.procedures.queries.library import procedure_of
from beffroi.kernel.procedures.rules import Known
from beffroi.kernel.procedures.types import (
    OPEN_REVISIONS,
    Card,
    PastVersion,
    Procedure,
    Revision,
    RevisionState,
)
from beffroi.kernel.twin.types import CLASSES

MAX_REVISIONS = 200


def cards() -> tuple[Card, ...]:
    """Return every procedure that is or was in force, and what is only written, by desk and title. The caller asks the door.

    A procedure is shown as its last version; one that never was in force as it is written.
    """
    last: dict[str, models.Version] = {row.code: row for row in models.Version.objects.order_by("code", "version")}
    opened = {row.code: revision_of(row) for row in models.Revision.objects.filter(state__in=OPEN_REVISIONS)}
    found = [_card(row, opened.get(code)) for code, row in last.items()]
    found += [new for code, each in opened.items() if code not in last and (new := _new_card(each)) is not None]
    return tuple(sorted(found, key=lambda card: (card.procedure.desk, card.procedure.title, card.procedure.code)))


def card(code: str) -> Card:
    """Return one procedure. Raises NotFound. The caller asks the door."""
    row = models.Version.objects.filter(code=code).order_by("-version").first()
    open_row = models.Revision.objects.filter(code=code, state__in=OPEN_REVISIONS).first()
    revision = revision_of(open_row) if open_row else None
    found = _card(row, revision) if row else _new_card(revision) if revision else None
    if found is None:
        raise NotFound(f"there is no procedure `{code[:48]}`")
    return found


def past_versions(code: str) -> tuple[PastVersion, ...]:
    """Return every version of a procedure that was ever in force, the newest first. The caller asks the door."""
    return tuple(
        PastVersion(
            row.version,
            procedure_of(row),
            row.text,
            row.in_force,
            from_datetime(row.published_at),
            row.published_by,
        )
        for row in models.Version.objects.filter(code=code).order_by("-version")
    )


def revisions_of(code: str) -> tuple[Revision, ...]:
    """Return what people wrote about a procedure, the newest first, at most 200. The caller asks the door."""
    rows = models.Revision.objects.filter(code=code).order_by("-id")[:MAX_REVISIONS]
    return tuple(revision_of(row) for row in rows)


def revision(number: int) -> Revision:
    """Return one written change. Raises NotFound. The caller asks the door."""
    row = models.Revision.objects.filter(pk=number).first() if 0 < number < 2**62 else None
    if row is None:
        raise NotFound(f"there is no change of a procedure of number {number}")
    return revision_of(row)


def known_names() -> Known:
    """Return the names that a procedure of this city may use."""
    return Known(
        alarms=frozenset(each.code for each in alarms.definitions_in_force()),
        categories=frozenset(each.code for each in incidents.categories()),
        desks=frozenset(each.code for each in incidents.bodies() if each.inside),
        posts=frozenset(each.code for each in people.posts()),
        abilities={each.slug: each.asset_class for each in commands.abilities()},
        skills=frozenset(dispatch.skills()),
        asset_classes=frozenset(CLASSES),
    )


_MARK = """
SELECT md5(concat_ws('|',
    (SELECT concat_ws(',', count(*), max(id), max(written_at), max(proposed_at), max(reviewed_at),
        count(*) FILTER (WHERE state = ANY(%s))) FROM procedures_revision),
    (SELECT concat_ws(',', count(*), sum(version), count(*) FILTER (WHERE in_force)) FROM procedures_version)))
"""


def library_mark() -> str:
    """Return a mark of how procedures and their changes stand: another one after each act on one."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [[str(state) for state in OPEN_REVISIONS]])
        return str(cursor.fetchone()[0])[:16]


def revision_of(row: models.Revision) -> Revision:
    """Return a written change as the other rooms see it."""
    return Revision(
        id=row.pk,
        code=row.code,
        state=RevisionState(row.state),
        procedure=msgspec.convert(row.body, Procedure) if row.body else None,
        text=row.text,
        title=row.title,
        desk=row.desk,
        base_version=row.base_version,
        version=row.version,
        reason=row.reason,
        author=row.author,
        author_name=row.author_name,
        written_at=from_datetime(row.written_at),
        proposed_at=_instant(row.proposed_at),
        reviewer=row.reviewer,
        reviewer_name=row.reviewer_name,
        reviewed_at=_instant(row.reviewed_at),
        review_reason=row.review_reason,
    )


def _card(row: models.Version, revision: Revision | None) -> Card:
    at = from_datetime(row.published_at)
    return Card(procedure_of(row), row.text, row.in_force, at, row.published_by, revision)


def _new_card(revision: Revision) -> Card | None:
    if revision.procedure is None:
        return None
    return Card(revision.procedure, revision.text, False, 0, "", revision, is_new=True)


def _instant(moment: datetime | None) -> Instant | None:
    return from_datetime(moment) if moment else None

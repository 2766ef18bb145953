"""Definitions: those in force, every version of one, and the changes that people wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from django.db import connection
from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.rules.definition_fields import Problems
from beffroi.kernel.alarms.rules.definitions import read_definition
from beffroi.kernel.alarms.types import (
    OPEN_REVISIONS,
    Card,
    Comparison,
    Definition,
    Revision,
    RevisionState,
    Trial,
)
from beffroi.kernel.people.queries import territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_REVISIONS = 200
_FIELDS = tuple(name for name in Definition.__dataclass_fields__ if name not in ("comparisons", "tests"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which definitions are asked for; what is left empty does not filter. `state`: in_force, withdrawn or open."""

    desk: str = ""
    asset_class: str = ""
    priority: int | None = None
    state: str = ""
    text: str = ""


def definitions_in_force(*, whole: bool = False) -> tuple[Definition, ...]:
    """Return the definitions in force, the most urgent first; with their tests when they are asked for whole."""
    rows = models.Definition.objects.filter(in_force=True).order_by("priority", "code")
    if not whole:
        rows = rows.defer("tests")
    return tuple(definition_of(row, whole=whole) for row in rows)


def definition_of(row: models.Definition, *, whole: bool = False) -> Definition:
    """Return a definition as the other rooms see it: without its tests, which only its own pages need."""
    values = {name: getattr(row, name) for name in _FIELDS}
    if row.comparisons:
        values["comparisons"] = msgspec.convert(row.comparisons, tuple[Comparison, ...])
    if whole:
        values["tests"] = msgspec.convert(row.tests, tuple[Trial, ...])
    return Definition(**values | {"suppressed_by": tuple(row.suppressed_by.split())})


def list_definitions(asked: Asked = Asked(), *, seen_by: Viewer) -> tuple[Card, ...]:
    """Return every definition that this person may see, and what is only proposed; the most urgent first.

    A definition is shown as its last version; one that never was in force as it is written.
    """
    last: dict[str, models.Definition] = {}
    for row in models.Definition.objects.defer("tests").order_by("code", "version"):
        last[row.code] = row
    opened = {row.code: revision_of(row) for row in models.Revision.objects.filter(state__in=OPEN_REVISIONS)}
    cards = [Card(definition_of(row), row.in_force, opened.get(code)) for code, row in last.items()]
    cards += [
        Card(revision.definition, False, revision, is_new=True)
        for code, revision in opened.items()
        if code not in last and revision.definition is not None
    ]
    where = [territory.desk for territory in territories(seen_by, Verb.SEE, Kind.DEFINITION)]
    seen = [card for card in cards if "" in where or card.definition.desk in where]
    kept = [card for card in seen if _is_asked(card, asked)]
    return tuple(sorted(kept, key=lambda card: (card.definition.priority, card.definition.code)))


_MARK = """
SELECT md5(concat_ws('|',
    (SELECT concat_ws(',', count(*), max(id), max(written_at), max(proposed_at), max(reviewed_at),
        max(what_if ->> 'at'), count(*) FILTER (WHERE state = ANY(%s))) FROM alarms_revision),
    (SELECT concat_ws(',', count(*), sum(version), count(*) FILTER (WHERE in_force)) FROM alarms_definition)))
"""


def definitions_mark() -> str:
    """Return a mark of how definitions and their changes stand: another one after each act on one."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [[str(state) for state in OPEN_REVISIONS]])
        return str(cursor.fetchone()[0])[:16]


def get_definition(code: str, seen_by: Viewer) -> Card:
    """Return one definition whole. Raises NotFound when there is none, or none that this person may see."""
    row = models.Definition.objects.filter(code=code).order_by("-version").first()
    open_row = models.Revision.objects.filter(code=code, state__in=OPEN_REVISIONS).first()
    revision = revision_of(open_row) if open_row else None
    definition = definition_of(row, whole=True) if row else revision.definition if revision else None
    where = [territory.desk for territory in territories(seen_by, Verb.SEE, Kind.DEFINITION)]
    if definition is None or not ("" in where or definition.desk in where):
        raise NotFound(f"there is no alarm definition `{code}`, or you may not see it")
    return Card(definition, bool(row and row.in_force), revision, is_new=row is None)


def versions_of(code: str) -> tuple[Definition, ...]:
    """Return every version of a definition that was ever in force, the newest first. The caller asked the door."""
    rows = models.Definition.objects.filter(code=code).order_by("-version")
    return tuple(definition_of(row, whole=True) for row in rows)


def revisions_of(code: str) -> tuple[Revision, ...]:
    """Return what people wrote about a definition, the newest first, at most 200. The caller asked the door."""
    rows = models.Revision.objects.filter(code=code).order_by("-id")[:MAX_REVISIONS]
    return tuple(revision_of(row) for row in rows)


def get_revision(revision_id: int, seen_by: Viewer) -> Revision:
    """Return one written change. Raises NotFound when there is none, or none that this person may see."""
    where = [territory.desk for territory in territories(seen_by, Verb.SEE, Kind.DEFINITION)]
    rows: QuerySet[models.Revision] = models.Revision.objects.filter(pk=revision_id)
    row = rows.filter(Q() if "" in where else Q(desk__in=where)).first() if where else None
    if row is None:
        raise NotFound(f"there is no change of a definition of number {revision_id}, or you may not see it")
    return revision_of(row)


def version_in_force(code: str) -> Definition | None:
    """Return the version of a definition that is in force, whole; None when there is none."""
    row = models.Definition.objects.filter(code=code, in_force=True).first()
    return definition_of(row, whole=True) if row else None


def revision_of(row: models.Revision) -> Revision:
    """Return a written change as the other rooms see it."""
    return Revision(
        id=row.pk,
        code=row.code,
        state=RevisionState(row.state),
        definition=_read(row.fields) if row.fields else None,
        fields=row.fields or {},
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
        what_if=row.what_if,
    )


def _read(fields: object) -> Definition | None:
    """Return the definition that stored fields state; None when this version of the post no longer reads them."""
    return read_definition(fields, Problems(""))


def _instant(moment: object) -> Instant | None:
    return from_datetime(moment) if moment else None  # type: ignore[arg-type]


def _is_asked(card: Card, asked: Asked) -> bool:
    definition = card.definition
    states = {"in_force": card.in_force, "withdrawn": not card.in_force and not card.is_new}
    states["open"] = card.revision is not None
    text = f"{definition.code} {definition.title} {definition.cause}".casefold()
    return (
        asked.desk in ("", definition.desk)
        and asked.asset_class in ("", definition.asset_class)
        and asked.priority in (None, definition.priority)
        and states.get(asked.state, True)
        and asked.text.casefold() in text
    )


def shares(definitions: Iterable[Definition]) -> dict[int, float]:
    """Return the share of each priority among definitions: EEMUA 191 advises about 5 % at 1, 15 % at 2, 80 % below."""
    priorities = [definition.priority for definition in definitions]
    return {level: priorities.count(level) / len(priorities) for level in sorted(set(priorities))}

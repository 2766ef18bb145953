"""Putting alarm definitions in force: a whole set at once, each change with its version and its journal line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.types import Definition
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry

ROOM = "alarms"
_DEFINITIONS_LOCK = 0x616C61726D73  # "alarms": the advisory lock of whoever puts definitions in force


@dataclass(frozen=True, slots=True)
class Published:
    """Codes that a publication put in force, replaced by a new version, took out of force, or left alone."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    unchanged: int = 0


def publish_definitions(definitions: Iterable[Definition], *, by: Actor, at: Instant) -> Published:
    """Put a whole set of definitions in force; those that it lacks are withdrawn. Journalled, one line for each change.

    Doing it twice changes nothing. Raises Refused when a content changed under the same version, or a version went
    back: give the definition its next version. Engines take the set up when they load again (channel `alarms`).
    """
    wanted = {definition.code: definition for definition in definitions}
    with transaction.atomic():
        lock_definitions()
        known = {definition.code: definition for definition in queries.definitions_in_force(whole=True)}
        latest = dict(models.Definition.objects.order_by("version").values_list("code", "version"))
        _check_versions(wanted.values(), known, latest)
        changes = [definition for code, definition in wanted.items() if known.get(code) != definition]
        withdrawn = sorted(known.keys() - wanted.keys())
        gone = [*withdrawn, *(definition.code for definition in changes)]
        models.Definition.objects.filter(code__in=gone, in_force=True).update(in_force=False)
        models.Definition.objects.bulk_create([make_row(definition) for definition in changes])
        if gone:
            tell_engines()
        lines = [published_line(definition, known.get(definition.code), by) for definition in changes]
        lines += [withdrawn_line(known[code], by) for code in withdrawn]
        append(lines, at=at)
    return Published(
        new=tuple(definition.code for definition in changes if definition.code not in known),
        changed=tuple(definition.code for definition in changes if definition.code in known),
        withdrawn=tuple(withdrawn),
        unchanged=len(wanted) - len(changes),
    )


def _check_versions(wanted: Iterable[Definition], known: dict[str, Definition], latest: dict[str, int]) -> None:
    for definition in wanted:
        last = latest.get(definition.code, 0)
        if known.get(definition.code) != definition and definition.version <= last:
            raise Refused(
                f"definition {definition.code}: its content is not that of version {definition.version}, "
                f"which was already in force; write version: {last + 1}"
            )


def lock_definitions() -> None:
    """Let one at a time change what is in force, until the end of the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_DEFINITIONS_LOCK])


def tell_engines() -> None:
    """Announce that what is in force changed: engines take it up once this transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('alarms', 'definitions')")


def make_row(definition: Definition) -> models.Definition:
    """Return the row of a definition that is put in force."""
    values = {name: getattr(definition, name) for name in Definition.__dataclass_fields__}
    written = {name: msgspec.to_builtins(values[name]) for name in ("comparisons", "tests")}
    explained = {"suppressed_by": " ".join(definition.suppressed_by)}
    return models.Definition(**values | written | explained | {"in_force": True})


def published_line(
    definition: Definition, before: Definition | None, by: Actor, more: Mapping[str, object] | None = None
) -> Entry:
    """Return the line that tells a definition put in force: all of it, and what differed before."""
    content = {name: value for name, value in _plain(definition).items() if name != "code"}
    if before is not None:
        old = _plain(before)
        content["before"] = {name: old[name] for name in old if old[name] != _plain(definition)[name]}
    return Entry(by, ROOM, "publish_definition", f"definition:{definition.code}", content=content | dict(more or {}))


def withdrawn_line(definition: Definition, by: Actor, more: Mapping[str, object] | None = None) -> Entry:
    """Return the line that tells a definition taken out of force."""
    content = {"version": definition.version, "title": definition.title, **(more or {})}
    return Entry(by, ROOM, "withdraw_definition", f"definition:{definition.code}", content=content)


def _plain(definition: Definition) -> dict[str, object]:
    values = {name: getattr(definition, name) for name in Definition.__dataclass_fields__}
    plain: dict[str, object] = msgspec.to_builtins(values)
    return plain

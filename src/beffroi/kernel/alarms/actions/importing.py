"""The city's profile file: what a city begins with, and from then on a source of proposals like a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.publishing import lock_definitions, publish_definitions
from beffroi.kernel.alarms.actions.revising import write_proposal
from beffroi.kernel.alarms.rules.definition_entries import digest_of
from beffroi.kernel.alarms.types import Definition
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry

CHANGED = "the city's profile file changed"
REMOVED = "it is no longer in the city's profile file"


@dataclass(frozen=True, slots=True)
class Imported:
    """Codes that an import put in force (the first only), proposed, proposed to withdraw, or could not propose yet."""

    begun: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def import_definitions(definitions: Iterable[Definition], *, by: Actor, at: Instant) -> Imported:
    """Take what the city's profile file says. Journalled; doing it twice changes nothing.

    Where nothing ever was in force, the whole file is put in force: a city must begin with something. Afterwards what the
    file says anew is proposed, and a second person decides: what people put in force is never overridden. What the file
    said before is remembered, so that a proposal that was refused does not come back at each start. A definition on
    which a change is open is left until that is decided.
    """
    wanted = {definition.code: definition for definition in definitions}
    with transaction.atomic():
        lock_definitions()
        said = dict(models.ProfileEntry.objects.values_list("code", "digest"))
        if not models.Definition.objects.exists():
            begun = publish_definitions(wanted.values(), by=by, at=at)
            _remember({code: digest_of(definition) for code, definition in wanted.items()})
            return Imported(begun=begun.new)
        known = {definition.code: definition for definition in queries.definitions_in_force(whole=True)}
        batch = _Batch(by, at)
        news = {code: digest_of(definition) for code, definition in wanted.items()}
        news = {code: digest for code, digest in news.items() if said.get(code) != digest}
        for code in news:
            if code not in known or digest_of(known[code]) != news[code]:
                batch.propose(code, wanted[code], known.get(code), CHANGED)
        gone = [code for code, digest in said.items() if digest and code not in wanted]
        for code in gone:
            if code in known:
                batch.propose(code, None, known[code], REMOVED)
        waiting = batch.waiting
        _remember({code: digest for code, digest in news.items() if code not in waiting})
        _remember({code: "" for code in gone if code not in waiting})
        append(batch.lines, at=at)
    return Imported((), tuple(batch.proposed), tuple(batch.withdrawn), tuple(waiting))


class _Batch:
    """What one import proposes, as it goes on."""

    def __init__(self, by: Actor, at: Instant) -> None:
        self.by, self.at = by, at
        self.lines: list[Entry] = []
        self.proposed: list[str] = []
        self.withdrawn: list[str] = []
        self.waiting: list[str] = []

    def propose(self, code: str, definition: Definition | None, known: Definition | None, reason: str) -> None:
        """Propose a change, unless one is open on that definition: it is then looked at again at the next import."""
        line = write_proposal(code, definition, known, reason=reason, by=self.by, at=self.at)
        if line is None:
            self.waiting.append(code)
            return
        self.lines.append(line)
        (self.withdrawn if definition is None else self.proposed).append(code)


def _remember(digests: dict[str, str]) -> None:
    models.ProfileEntry.objects.bulk_create(
        [models.ProfileEntry(code=code, digest=digest) for code, digest in digests.items()],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["digest"],
    )

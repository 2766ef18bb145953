"""The city's files of procedures: what a city begins with, and from then on a source of proposals like a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from msgspec.structs import replace

from beffroi.foundation.clock import Instant
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.publishing import check_library, lock_library, publish_procedures
from beffroi.kernel.procedures.actions.revising import next_version, write_proposal
from beffroi.kernel.procedures.types import Procedure

CHANGED = "the city's profile file changed"
REMOVED = "it is no longer in the city's profile"


@dataclass(frozen=True, slots=True)
class Imported:
    """Codes that an import put in force (the first only), proposed, proposed to withdraw, or could not propose yet."""

    begun: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def import_procedures(files: Iterable[tuple[str, str]], *, by: Actor, at: Instant) -> Imported:
    """Take what the city's files say, each its name and its text. Journalled; doing it twice changes nothing.

    Where nothing ever was in force, the whole library is put in force: a city must begin with something. Afterwards what
    the files say anew is proposed, and a second person decides: what people put in force is never overridden. What they
    said before is remembered, so that a proposal that was refused does not come back at each start. A procedure on which a
    change is open is left until that is decided. Raises WrongProcedure, Refused when a test fails.
    """
    written = {each.code: (each, text) for each, text in _read(files)}
    check_library(tuple(each for each, _text in written.values()))
    texts = {code: text for code, (_each, text) in written.items()}
    with transaction.atomic():
        lock_library()
        digests = {code: rules.digest_of(each) for code, (each, _text) in written.items()}
        said = dict(models.ProfileEntry.objects.values_list("code", "digest"))
        if not models.Version.objects.exists():
            begun = publish_procedures((each for each, _ in written.values()), texts=texts, by=by, at=at)
            _remember(digests)
            return Imported(begun=begun.new)
        known = {row.code: row for row in models.Version.objects.filter(in_force=True)}
        batch = _Batch(by, at)
        news = {code: digest for code, digest in digests.items() if said.get(code) != digest}
        for code, digest in news.items():
            row = known.get(code)
            if row is None or rules.digest_of(queries.procedure_of(row)) != digest:
                batch.propose(code, *written[code], row, CHANGED)
            elif not row.text:
                models.Version.objects.filter(pk=row.pk).update(text=rules.numbered(texts[code], row.version))
        gone = [code for code, digest in said.items() if digest and code not in written]
        for code in gone:
            if code in known:
                batch.propose(code, None, "", known[code], REMOVED)
        _remember({code: digest for code, digest in news.items() if code not in batch.waiting})
        _remember({code: "" for code in gone if code not in batch.waiting})
        append(batch.lines, at=at)
    return Imported((), tuple(batch.proposed), tuple(batch.withdrawn), tuple(batch.waiting))


class _Batch:
    """What one import proposes, as it goes on."""

    def __init__(self, by: Actor, at: Instant) -> None:
        self.by, self.at = by, at
        self.lines: list[Entry] = []
        self.proposed: list[str] = []
        self.withdrawn: list[str] = []
        self.waiting: list[str] = []

    def propose(
        self, code: str, procedure: Procedure | None, text: str, known: models.Version | None, reason: str
    ) -> None:
        """Propose a change, unless one is open on that procedure: it is then looked at again at the next import."""
        if procedure is not None:
            number = next_version(code)
            procedure, text = replace(procedure, version=number), rules.numbered(text, number)
        line = write_proposal(code, procedure, text, known, reason=reason, by=self.by, at=self.at)
        if line is None:
            self.waiting.append(code)
            return
        self.lines.append(line)
        (self.withdrawn if procedure is None else self.proposed).append(code)


def _read(files: Iterable[tuple[str, str]]) -> list[tuple[Procedure, str]]:
    every = list(files)
    return list(zip(rules.parse_library(every), (text for _name, text in every), strict=True))


def _remember(digests: dict[str, str]) -> None:
    models.ProfileEntry.objects.bulk_create(
        [models.ProfileEntry(code=code, digest=digest) for code, digest in digests.items()],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["digest"],
    )

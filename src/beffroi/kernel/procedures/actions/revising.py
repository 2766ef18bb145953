"""Changing procedures: one person writes and proposes, another puts in force or refuses. Every step is journalled.

A text is checked when it is written (its own keys, and the names that the city knows), and again when it is put in force,
against what is in force by then: the other procedures, the version it was written from, and the tests of all of them. Runs
that go on keep the version they began with.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from msgspec.structs import replace

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.lines import ROOM
from beffroi.kernel.procedures.actions.publishing import (
    check_library,
    lock_library,
    make_row,
    plain,
    published_line,
    withdrawn_line,
)
from beffroi.kernel.procedures.rules import Problem, WrongProcedure
from beffroi.kernel.procedures.types import LIBRARY, OPEN_REVISIONS, Procedure, Revision, RevisionState

MAX_REASON = 2000


def draft_procedure(text: str, *, code: str = "", reason: str, by: Viewer, at: Instant) -> Revision:
    """Write a change of a procedure (`code`), or a new one, without proposing it yet. Journalled.

    The text is given the number of its next version. Writing again changes one's own open change, and takes it back if it
    was proposed. Raises Forbidden, WrongProcedure with each line and what to write, Refused without a reason or where
    nothing differs, Conflict when someone else has a change open on it.
    """
    why = _reason(reason, "say why the procedure should change")
    with transaction.atomic():
        lock_library()
        written, procedure = _read(text, code)
        require(by, Verb.PROPOSE, Kind.PROCEDURE, desk=procedure.desk)
        known = _in_force(procedure.code)
        if known is not None:
            require(by, Verb.PROPOSE, Kind.PROCEDURE, desk=known.desk)
            if rules.digest_of(queries.procedure_of(known)) == rules.digest_of(procedure):
                raise Refused("nothing differs from the version in force", key="procedure-unchanged")
        row = models.Revision.objects.select_for_update().filter(code=procedure.code, state__in=OPEN_REVISIONS).first()
        if row is not None and row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        row = row or models.Revision(code=procedure.code, author=author_key(by.actor), author_name=by.display_name)
        _write(row, procedure, written, known, why, at)
        row.save()
        append([_line("draft_procedure", row, by.actor)], at=at)
        return queries.revision_of(row)


def propose_procedure(number: int, *, by: Viewer, at: Instant) -> Revision:
    """Put one's draft before a second person. Journalled. Raises Forbidden, NotFound, Conflict, Refused."""
    with transaction.atomic():
        lock_library()
        row = _open_row(number)
        require(by, Verb.PROPOSE, Kind.PROCEDURE, desk=row.desk)
        if row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        if row.state == RevisionState.PROPOSED:
            raise Conflict("this change is proposed already: it waits for a second person", key="already-proposed")
        _check_among_others(row.code, queries.revision_of(row).procedure)
        row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
        row.save()
        append([_line("propose_procedure", row, by.actor)], at=at)
        return queries.revision_of(row)


def propose_procedure_withdrawal(code: str, *, reason: str, by: Viewer, at: Instant) -> Revision:
    """Propose that a procedure is taken out of force. Journalled. Raises Forbidden, NotFound, Refused, Conflict."""
    why = _reason(reason, "say why the procedure should be withdrawn")
    with transaction.atomic():
        lock_library()
        known = _in_force(code)
        if known is None:
            raise NotFound(f"no procedure `{code[:48]}` is in force")
        require(by, Verb.PROPOSE, Kind.PROCEDURE, desk=known.desk)
        _check_among_others(code, None)
        other = models.Revision.objects.filter(code=code, state__in=OPEN_REVISIONS).first()
        if other is not None:
            raise _open_elsewhere(other)
        row = models.Revision(code=code, author=author_key(by.actor), author_name=by.display_name)
        _write(row, None, "", known, why, at)
        row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
        row.save()
        append([_line("propose_procedure_withdrawal", row, by.actor)], at=at)
        return queries.revision_of(row)


def put_procedure_in_force(number: int, *, reason: str = "", by: Viewer, at: Instant) -> Revision:
    """Put a proposal in force: never one's own. Journalled with author and reviewer; runs that go on keep their version.

    Raises Forbidden, NotFound, Refused for one's own, when a test of the library fails with it, or when it no longer fits
    the others, WrongProcedure when the city knows a name no more, Conflict when it is not proposed or was written from a
    version that is no longer the one in force.
    """
    with transaction.atomic():
        lock_library()
        row = _proposed_row(number)
        require(by, Verb.REVIEW, Kind.PROCEDURE, desk=row.desk)
        _check_second_person(row, by)
        known = _in_force(row.code)
        if (known.version if known else 0) != row.base_version:
            now_in_force = f"version {known.version}" if known else "none"
            raise Conflict(
                f"this change was written from version {row.base_version}, and {now_in_force} is in force now: write it again",
                key="procedure-outdated",
            )
        written, procedure = _read(row.text, row.code) if row.text else ("", None)
        _check_among_others(row.code, procedure)
        check_library((*_others(row.code), *([procedure] if procedure else [])))
        line = _put_in_force(row, procedure, written, known, by, at)
        _decide(row, RevisionState.IN_FORCE, reason, by, at)
        append([line], at=at)
        return queries.revision_of(row)


def refuse_procedure(number: int, *, reason: str, by: Viewer, at: Instant) -> Revision:
    """Refuse a proposal, saying why. Journalled. Raises Forbidden, NotFound, Refused without a reason, Conflict."""
    why = _reason(reason, "say why the change is refused")
    with transaction.atomic():
        lock_library()
        row = _proposed_row(number)
        require(by, Verb.REVIEW, Kind.PROCEDURE, desk=row.desk)
        _check_second_person(row, by)
        _decide(row, RevisionState.REFUSED, why, by, at)
        append([_line("refuse_procedure", row, by.actor)], at=at)
        return queries.revision_of(row)


def drop_procedure(number: int, *, by: Viewer, at: Instant) -> Revision:
    """Take back one's own open change. Journalled. Raises Forbidden, NotFound, Conflict when it is another person's."""
    with transaction.atomic():
        lock_library()
        row = _open_row(number)
        require(by, Verb.PROPOSE, Kind.PROCEDURE, desk=row.desk)
        if row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        _decide(row, RevisionState.DROPPED, "", by, at)
        append([_line("drop_procedure", row, by.actor)], at=at)
        return queries.revision_of(row)


def author_key(actor: Actor) -> str:
    """Return who wrote a change, as it is kept: two actors of different kinds never look alike."""
    return f"{actor.kind}:{actor.id}"


def write_proposal(
    code: str,
    procedure: Procedure | None,
    text: str,
    known: models.Version | None,
    *,
    reason: str,
    by: Actor,
    at: Instant,
) -> Entry | None:
    """Propose a change in the name of the profile's files; None when a change is already open on it."""
    if models.Revision.objects.filter(code=code, state__in=OPEN_REVISIONS).exists():
        return None
    row = models.Revision(code=code, author=author_key(by), author_name=by.name)
    _write(row, procedure, text, known, reason, at)
    row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
    row.save()
    return _line("propose_procedure" if procedure else "propose_procedure_withdrawal", row, by)


def next_version(code: str) -> int:
    """Return the number that the next version of a procedure takes: no version's number is used twice."""
    last = models.Version.objects.filter(code=code).order_by("-version").values_list("version", flat=True).first()
    return (last or 0) + 1


def _read(text: str, code: str) -> tuple[str, Procedure]:
    """Return a text with its next number, and what it states. Raises WrongProcedure."""
    plain_text = text.replace("\r\n", "\n").strip() + "\n"
    first = rules.parse_procedure(plain_text)
    if code and first.code != code:
        raise WrongProcedure([Problem(1, "code", f"is `{first.code}`; this is the procedure `{code}`: its code stays")])
    number = next_version(first.code)
    numbered = rules.numbered(plain_text, number)
    procedure = rules.parse_procedure(numbered)
    if procedure.version != number:
        raise WrongProcedure([Problem(1, "version", f"write `version: {number}` on a line of its own")])
    if problems := rules.unknown_names(procedure, numbered, queries.known_names()):
        raise WrongProcedure(problems)
    return numbered, procedure


def _write(
    row: models.Revision,
    procedure: Procedure | None,
    text: str,
    known: models.Version | None,
    reason: str,
    at: Instant,
) -> None:
    row.text, row.body = text, plain(procedure) if procedure else None
    shown = procedure or known
    row.title, row.desk = (shown.title, shown.desk) if shown else ("", "")
    row.base_version = known.version if known else 0
    row.state, row.reason = RevisionState.DRAFT, reason
    row.written_at, row.proposed_at = to_datetime(at), None


def _in_force(code: str) -> models.Version | None:
    return models.Version.objects.filter(code=code, in_force=True).first()


def _others(code: str) -> tuple[Procedure, ...]:
    return tuple(each for each in queries.library().values() if each.code != code)


def _check_among_others(code: str, procedure: Procedure | None) -> None:
    if problems := rules.problems_between((*_others(code), *([procedure] if procedure else []))):
        raise Refused("\n".join(problems), key="library-wrong" if procedure else "procedure-called")


def _put_in_force(
    row: models.Revision, procedure: Procedure | None, text: str, known: models.Version | None, by: Viewer, at: Instant
) -> Entry:
    models.Version.objects.filter(code=row.code, in_force=True).update(in_force=False)
    second: dict[str, Any] = {"author": row.author_name, "why": row.reason}
    if procedure is None:
        assert known is not None  # a withdrawal is only written of what is in force, and the base version is the same
        row.version = known.version
        return withdrawn_line(row.code, known.title, by.actor, second)
    version = replace(procedure, version=next_version(row.code))
    make_row(version, rules.numbered(text, version.version), by.actor, at).save()
    row.version = version.version
    return published_line(version, by.actor, second)


def _open_row(number: int) -> models.Revision:
    row = models.Revision.objects.select_for_update().filter(pk=number).first() if 0 < number < 2**62 else None
    if row is None:
        raise NotFound(f"there is no change of a procedure of number {number}")
    if row.state not in OPEN_REVISIONS:
        who = row.reviewer_name or row.author_name
        raise Conflict(f"this change is closed ({row.state.replace('_', ' ')}, by {who})", key="change-closed")
    return row


def _proposed_row(number: int) -> models.Revision:
    row = _open_row(number)
    if row.state != RevisionState.PROPOSED:
        raise Conflict(f"{row.author_name} has not proposed this change yet", key="not-proposed")
    return row


def _open_elsewhere(row: models.Revision) -> Conflict:
    return Conflict(f"{row.author_name} has a change open on `{row.code}`: decide on that one first", key="change-open")


def _check_second_person(row: models.Revision, by: Viewer) -> None:
    if row.author == author_key(by.actor):
        raise Refused("you wrote this change: another person decides on it", key="own-change")


def _decide(row: models.Revision, state: RevisionState, reason: str, by: Viewer, at: Instant) -> None:
    row.state, row.review_reason = state, reason.strip()[:MAX_REASON]
    row.reviewer, row.reviewer_name, row.reviewed_at = author_key(by.actor), by.display_name, to_datetime(at)
    row.save()


def _reason(text: str, wanted: str) -> str:
    if not text.strip():
        raise Refused(wanted, key="why-missing")
    if len(text) > MAX_REASON:
        raise Refused(f"the reason has {len(text)} characters; {MAX_REASON} at most", key="text-too-long")
    return text.strip()


def _line(verb: str, row: models.Revision, by: Actor) -> Entry:
    content: dict[str, object] = {"title": row.title, "revision": row.pk, "base_version": row.base_version}
    content |= {"desk": row.desk, "text": row.review_reason or row.reason}
    return Entry(by, ROOM, verb, f"procedure:{row.code}", (LIBRARY,), content)

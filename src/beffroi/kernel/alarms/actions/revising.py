"""Changing definitions: one person writes and proposes, another puts in force or refuses. Every step is journalled.

A change is checked when it is written (its own fields), and again when it is put in force, against what is in force by
then: the other definitions, the version it was written from, and its own tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.publishing import (
    ROOM,
    lock_definitions,
    make_row,
    published_line,
    tell_engines,
    withdrawn_line,
)
from beffroi.kernel.alarms.rules import told_words
from beffroi.kernel.alarms.rules.definition_entries import changed_fields, entry_of
from beffroi.kernel.alarms.rules.definition_fields import Problem, Problems
from beffroi.kernel.alarms.rules.definitions import explanations, problems_between, read_definition
from beffroi.kernel.alarms.rules.trials import run_trials
from beffroi.kernel.alarms.types import OPEN_REVISIONS, Definition, Revision, RevisionState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_REASON = 2000


class WrongDefinition(Refused):
    """What was written is no definition: `problems` name each field and what to write. Mend them and send it again."""

    key = "definition-wrong"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.text for problem in self.problems[:20]))


def draft_definition(fields: Mapping[str, Any], *, reason: str, by: Viewer, at: Instant) -> Revision:
    """Write a change of a definition, or a new one, without proposing it yet. Journalled.

    Writing again changes one's own open change, and takes it back if it was proposed. Raises Forbidden, WrongDefinition,
    Conflict when someone else has a change open on it, or when it was withdrawn by another code's use.
    """
    definition = _read(fields)
    why = _reason(reason, "say why the definition should change")
    require(by, Verb.PROPOSE, Kind.DEFINITION, desk=definition.desk)
    with transaction.atomic():
        lock_definitions()
        known = queries.version_in_force(definition.code)
        if known is not None:
            require(by, Verb.PROPOSE, Kind.DEFINITION, desk=known.desk)
            if not changed_fields(known, definition):
                raise Refused("nothing differs from the version in force", key="definition-unchanged")
        row = models.Revision.objects.select_for_update().filter(code=definition.code, state__in=OPEN_REVISIONS).first()
        if row is not None and row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        row = row or models.Revision(code=definition.code, author=author_key(by.actor), author_name=by.display_name)
        _write(row, definition, known, why, at)
        row.save()
        append([_line("draft_definition", row, by.actor, known, definition)], at=at)
        return queries.revision_of(row)


def propose_definition(revision_id: int, *, by: Viewer, at: Instant) -> Revision:
    """Put one's draft before a second person. Journalled. Raises Forbidden, NotFound, Conflict, WrongDefinition."""
    with transaction.atomic():
        lock_definitions()
        row = _open_row(revision_id)
        require(by, Verb.PROPOSE, Kind.DEFINITION, desk=row.desk)
        if row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        if row.state == RevisionState.PROPOSED:
            raise Conflict("this change is proposed already: it waits for a second person", key="already-proposed")
        definition = queries.revision_of(row).definition
        _check_among_others(row.code, definition)
        row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
        row.save()
        append([_line("propose_definition", row, by.actor)], at=at)
        return queries.revision_of(row)


def propose_withdrawal(code: str, *, reason: str, by: Viewer, at: Instant) -> Revision:
    """Propose that a definition is taken out of force. Journalled. Raises Forbidden, NotFound, Refused, Conflict."""
    why = _reason(reason, "say why the definition should be withdrawn")
    with transaction.atomic():
        lock_definitions()
        known = queries.version_in_force(code)
        if known is None:
            raise NotFound(f"no definition `{code}` is in force")
        require(by, Verb.PROPOSE, Kind.DEFINITION, desk=known.desk)
        _check_among_others(code, None)
        row = models.Revision(code=code, author=author_key(by.actor), author_name=by.display_name)
        _write(row, None, known, why, at)
        row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
        _insert(row)
        append([_line("propose_withdrawal", row, by.actor)], at=at)
        return queries.revision_of(row)


def put_definition_in_force(revision_id: int, *, reason: str = "", by: Viewer, at: Instant) -> Revision:
    """Put a proposal in force: never one's own. Journalled with author and reviewer; engines take it up within seconds.

    Raises Forbidden, NotFound, Refused for one's own or when a test fails (with what was expected and what came),
    WrongDefinition when it no longer fits the others, Conflict when it is not proposed or was written from a version
    that is no longer the one in force.
    """
    with transaction.atomic():
        lock_definitions()
        row = _proposed_row(revision_id)
        require(by, Verb.REVIEW, Kind.DEFINITION, desk=row.desk)
        _check_second_person(row, by)
        known = queries.version_in_force(row.code)
        if (known.version if known else 0) != row.base_version:
            now_in_force = f"version {known.version}" if known else "none"
            raise Conflict(
                f"this change was written from version {row.base_version}, and {now_in_force} is in force now: write it again",
                key="definition-outdated",
            )
        written = queries.revision_of(row)
        if row.fields and written.definition is None:
            raise WrongDefinition([Problem("", "this change can no longer be read: write it again")])
        _check_among_others(row.code, written.definition)
        if written.definition is not None:
            _check_trials(written.definition)
        line = _put_in_force(row, written.definition, known, by)
        _decide(row, RevisionState.IN_FORCE, reason, by, at)
        tell_engines()
        append([line], at=at)
        return queries.revision_of(row)


def refuse_definition(revision_id: int, *, reason: str, by: Viewer, at: Instant) -> Revision:
    """Refuse a proposal, saying why. Journalled. Raises Forbidden, NotFound, Refused without a reason, Conflict."""
    why = _reason(reason, "say why the change is refused")
    with transaction.atomic():
        lock_definitions()
        row = _proposed_row(revision_id)
        require(by, Verb.REVIEW, Kind.DEFINITION, desk=row.desk)
        _check_second_person(row, by)
        _decide(row, RevisionState.REFUSED, why, by, at)
        append([_line("refuse_definition", row, by.actor)], at=at)
        return queries.revision_of(row)


def drop_definition(revision_id: int, *, by: Viewer, at: Instant) -> Revision:
    """Take back one's own open change. Journalled. Raises Forbidden, NotFound, Conflict when it is another person's."""
    with transaction.atomic():
        lock_definitions()
        row = _open_row(revision_id)
        require(by, Verb.PROPOSE, Kind.DEFINITION, desk=row.desk)
        if row.author != author_key(by.actor):
            raise _open_elsewhere(row)
        _decide(row, RevisionState.DROPPED, "", by, at)
        append([_line("drop_definition", row, by.actor)], at=at)
        return queries.revision_of(row)


def keep_what_if(revision_id: int, outcome: Mapping[str, Any], *, by: Viewer, at: Instant) -> Revision:
    """Keep what a replay over history found beside an open change, for whoever judges it. Journalled. Raises as `get_revision`."""
    revision = queries.get_revision(revision_id, by)
    require(by, Verb.SEE, Kind.DEFINITION, desk=revision.desk)
    found = {name: (outcome.get(name) or {}).get("alarms", 0) for name in ("present", "proposed")}
    content = {"title": revision.title, "revision": revision_id, "days": outcome.get("days"), **found}
    with transaction.atomic():
        if models.Revision.objects.filter(pk=revision_id, state__in=OPEN_REVISIONS).update(what_if=dict(outcome)):
            append([Entry(by.actor, ROOM, "replay_definition", f"definition:{revision.code}", content=content)], at=at)
    return queries.get_revision(revision_id, by)


def author_key(actor: Actor) -> str:
    """Return who wrote a change, as it is kept: two actors of different kinds never look alike."""
    return f"{actor.kind}:{actor.id}"


def write_proposal(
    code: str, definition: Definition | None, known: Definition | None, *, reason: str, by: Actor, at: Instant
) -> Entry | None:
    """Propose a change in the name of the profile's file; None when a change is already open on it."""
    row = models.Revision(code=code, author=author_key(by), author_name=by.name)
    _write(row, definition, known, reason, at)
    row.state, row.proposed_at = RevisionState.PROPOSED, to_datetime(at)
    if models.Revision.objects.filter(code=code, state__in=OPEN_REVISIONS).exists():
        return None
    row.save()
    return _line("propose_definition" if definition else "propose_withdrawal", row, by)


def _read(fields: Mapping[str, Any]) -> Definition:
    problems = Problems("")
    last = models.Definition.objects.filter(code=str(fields.get("code", ""))).order_by("-version").first()
    definition = read_definition({**fields, "version": (last.version if last else 0) + 1}, problems)
    if definition is None:
        raise WrongDefinition(problems.found)
    return definition


def _write(
    row: models.Revision, definition: Definition | None, known: Definition | None, reason: str, at: Instant
) -> None:
    shown = definition or known
    row.fields = entry_of(definition) if definition else None
    row.title, row.desk = (shown.title, shown.desk) if shown else ("", "")
    row.base_version = known.version if known else 0
    row.state, row.reason = RevisionState.DRAFT, reason
    row.written_at, row.proposed_at, row.what_if = to_datetime(at), None, None


def _insert(row: models.Revision) -> None:
    other = models.Revision.objects.filter(code=row.code, state__in=OPEN_REVISIONS).first()
    if other is not None:
        raise _open_elsewhere(other)
    try:
        row.save()
    except IntegrityError as error:
        raise Conflict(f"someone else has just opened a change of `{row.code}`", key="change-open") from error


def _open_row(revision_id: int) -> models.Revision:
    row = models.Revision.objects.select_for_update().filter(pk=revision_id).first()
    if row is None:
        raise NotFound(f"there is no change of a definition of number {revision_id}")
    if row.state not in OPEN_REVISIONS:
        who = row.reviewer_name or row.author_name
        raise Conflict(f"this change is closed ({row.state.replace('_', ' ')}, by {who})", key="change-closed")
    return row


def _proposed_row(revision_id: int) -> models.Revision:
    row = _open_row(revision_id)
    if row.state != RevisionState.PROPOSED:
        raise Conflict(f"{row.author_name} has not proposed this change yet", key="not-proposed")
    return row


def _open_elsewhere(row: models.Revision) -> Conflict:
    return Conflict(f"{row.author_name} has a change open on `{row.code}`: decide on that one first", key="change-open")


def _check_second_person(row: models.Revision, by: Viewer) -> None:
    if row.author == author_key(by.actor):
        raise Refused("you wrote this change: another person decides on it", key="own-change")


def _check_among_others(code: str, definition: Definition | None) -> None:
    others = [each for each in queries.definitions_in_force() if each.code != code]
    if definition is None:
        leaning = [each.code for each in others if code in (upstream for _, upstream in explanations(each))]
        if leaning:
            told = f"`{code}` explains {', '.join(leaning)}: change these first"
            raise Refused(told, key="definition-leaned-on")
        return
    if problems := problems_between([*others, definition]):
        raise WrongDefinition(problems)


def _check_trials(definition: Definition) -> None:
    failed = [outcome for outcome in run_trials(definition) if not outcome.passed]
    if failed:
        told = [f"{each.name}: expected {told_words(each.expected)}; came {told_words(each.came)}" for each in failed]
        raise Refused("\n".join(["a test fails", *told]), key="definition-test-failed")


def _put_in_force(row: models.Revision, definition: Definition | None, known: Definition | None, by: Viewer) -> Entry:
    models.Definition.objects.filter(code=row.code, in_force=True).update(in_force=False)
    second = {"author": row.author_name, "why": row.reason}
    if definition is None:
        assert known is not None  # a withdrawal is only written of what is in force, and the base version is the same
        row.version = known.version
        return withdrawn_line(known, by.actor, second)
    last = models.Definition.objects.filter(code=row.code).order_by("-version").first()
    version = replace(definition, version=(last.version if last else 0) + 1)
    make_row(version).save()
    row.version = version.version
    return published_line(version, known, by.actor, second)


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


def _line(
    verb: str,
    row: models.Revision,
    by: Actor,
    before: Definition | None = None,
    after: Definition | None = None,
) -> Entry:
    content: dict[str, object] = {"title": row.title, "revision": row.pk, "base_version": row.base_version}
    if after is not None:
        content["changes"] = {name: [old, new] for name, (old, new) in changed_fields(before, after).items()}
    content["text"] = row.review_reason or row.reason
    return Entry(by, ROOM, verb, f"definition:{row.code}", content=content)

"""The library of procedures: the list, a procedure's card with the change that is open on it, and what persons decide on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, steps, words
from beffroi.console.door import page, refusal_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError, Forbidden, NotFound
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import actions, queries, rules
from beffroi.kernel.procedures.types import Card, Outcome, PastVersion, Procedure, Revision, RevisionState

LISTED: dict[str, object] = {
    "in_force": words.REVISION_STATES["in_force"],
    "open": gettext_lazy("avec une modification ouverte"),
    "withdrawn": words.REVISION_STATES["withdrawn"],
}
Act = Callable[[int], Revision]


@dataclass(frozen=True, slots=True)
class ShownProcedure:
    """A line of the library: a procedure, how it stands, and what its tests found."""

    card: Card
    steps: int
    tests: int
    passed: int
    state: str
    change: str


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """A test of a procedure as it is read: what was expected and what came, where they differ."""

    name: str
    passed: bool
    error: str
    expected: tuple[str, ...]
    came: tuple[str, ...]


@require_safe
@page(Verb.SEE, Kind.PROCEDURE)
def library(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List the procedures, each with its version, the result of its tests, and the change that is open on it."""
    since, mark = journal.last_seq(), frames.render_library_mark(viewer)
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("q", "desk", "state")}
    cards = queries.cards()
    in_force = [card for card in cards if card.in_force]
    shown = [_shown(card) for card in cards if _is_asked(card, asked)]
    outcomes = [outcome for card in in_force for outcome in _outcomes(card.procedure)]
    context = surround(request, viewer, since=since) | {
        "mark": mark,
        "procedures": shown,
        "in_force": len(in_force),
        "tests": len(outcomes),
        "passed": sum(outcome.passed for outcome in outcomes),
        "filters": asked,
        "filtered": any(asked.values()),
        "desks": [(slug, words.told(words.DESKS, slug)) for slug in sorted({each.procedure.desk for each in cards})],
        "states": list(LISTED.items()),
        "may_propose": people.may(viewer, Verb.PROPOSE, Kind.PROCEDURE),
    }
    return render(request, "console/procedures.html", context)


@require_safe
@page(Verb.SEE, Kind.PROCEDURE)
def procedure_page(request: HttpRequest, viewer: Viewer, procedure: str) -> HttpResponse:
    """Show one procedure: its steps, its tests, its versions, the change that is open and what was decided before."""
    since, mark = journal.last_seq(), frames.render_library_mark(viewer)
    card = queries.card(procedure)
    versions = queries.past_versions(procedure)
    shown = _version(request, versions)
    of = shown.procedure if shown else card.procedure
    revisions = queries.revisions_of(procedure)
    context = surround(request, viewer, since=since) | {
        "mark": mark,
        "card": card,
        "procedure": of,
        "past_shown": shown is not None and not shown.in_force and len(versions) > 1,
        "state": _state(card),
        "steps": steps.lines_of(of),
        "trials": _trials(_outcomes(of)) if card.in_force and not _is_past(shown) else (),
        "versions": _versions(versions, revisions),
        "past": [each for each in revisions if not each.is_open],
        "change": _change(card, viewer) if card.revision else None,
        "may_propose": people.may(viewer, Verb.PROPOSE, Kind.PROCEDURE, desk=of.desk),
    }
    return render(request, "console/procedure.html", context)


@require_safe
@page(Verb.SEE, Kind.PROCEDURE)
def procedure_print(request: HttpRequest, viewer: Viewer, procedure: str) -> HttpResponse:
    """Show a procedure as it goes on paper, for when the post cannot be had: with room for times and initials."""
    card = queries.card(procedure)
    shown = _version(request, queries.past_versions(procedure))
    found = shown.procedure if shown else card.procedure
    lines = [{**line, "outcome": ""} for line in steps.lines_of(found)]
    named = {"title": found.title, "version": found.version, "desk": found.desk, "purpose": found.purpose}
    context = surround(request, viewer) | named
    context |= {"steps": lines, "back": reverse("console:procedure", args=[procedure])}
    return render(request, "console/procedure_print.html", context)


@require_POST
@page(Verb.PROPOSE, Kind.PROCEDURE)
def withdraw(request: HttpRequest, viewer: Viewer, procedure: str) -> HttpResponse:
    """Propose that a procedure is taken out of force."""

    def act(_number: int) -> Revision:
        reason = request.POST.get("reason", "")
        return actions.propose_procedure_withdrawal(procedure, reason=reason, by=viewer, at=clock.now())

    return _done(request, procedure, 0, act, _("Le retrait est proposé : une seconde personne décide."))


@require_POST
@page(Verb.PROPOSE, Kind.PROCEDURE)
def propose(request: HttpRequest, viewer: Viewer, procedure_change: int) -> HttpResponse:
    """Put one's draft before a second person."""

    def act(number: int) -> Revision:
        return actions.propose_procedure(number, by=viewer, at=clock.now())

    said = _("La modification est proposée : une seconde personne décide.")
    return _decided(request, procedure_change, act, said)


@require_POST
@page(Verb.PROPOSE, Kind.PROCEDURE)
def drop(request: HttpRequest, viewer: Viewer, procedure_change: int) -> HttpResponse:
    """Take back one's own change."""

    def act(number: int) -> Revision:
        return actions.drop_procedure(number, by=viewer, at=clock.now())

    return _decided(request, procedure_change, act, _("La modification est reprise."))


@require_POST
@page(Verb.REVIEW, Kind.PROCEDURE)
def put_in_force(request: HttpRequest, viewer: Viewer, procedure_change: int) -> HttpResponse:
    """Put another person's proposal in force."""
    reason = request.POST.get("reason", "")

    def act(number: int) -> Revision:
        return actions.put_procedure_in_force(number, reason=reason, by=viewer, at=clock.now())

    said = _("C’est en vigueur : les prochains lancements la suivent, ceux qui sont en cours gardent la leur.")
    return _decided(request, procedure_change, act, said)


@require_POST
@page(Verb.REVIEW, Kind.PROCEDURE)
def refuse(request: HttpRequest, viewer: Viewer, procedure_change: int) -> HttpResponse:
    """Refuse another person's proposal, saying why."""
    reason = request.POST.get("reason", "")

    def act(number: int) -> Revision:
        return actions.refuse_procedure(number, reason=reason, by=viewer, at=clock.now())

    return _decided(request, procedure_change, act, _("La proposition est refusée."))


def to_procedure(code: str) -> HttpResponse:
    """Lead to a procedure's card."""
    return HttpResponseRedirect(reverse("console:procedure", args=[code]))


def _decided(request: HttpRequest, number: int, act: Act, said: str) -> HttpResponse:
    return _done(request, queries.revision(number).code, number, act, said)


def _done(request: HttpRequest, code: str, number: int, act: Act, said: str) -> HttpResponse:
    """Do it and lead back to the card, with what came of it; who may not, and what is not there, is told on a page."""
    try:
        act(number)
    except (Forbidden, NotFound):
        raise
    except BeffroiError as error:
        messages.warning(request, refusal_words(error))
    else:
        messages.success(request, said)
    if not queries.past_versions(code) and not any(each.is_open for each in queries.revisions_of(code)):
        return HttpResponseRedirect(reverse("console:procedures"))
    return to_procedure(code)


def _is_asked(card: Card, asked: dict[str, str]) -> bool:
    of = card.procedure
    states = {"in_force": card.in_force, "open": card.revision is not None}
    states["withdrawn"] = not card.in_force and not card.is_new
    text = f"{of.code} {of.title} {of.purpose}".casefold()
    return asked["desk"] in ("", of.desk) and states.get(asked["state"], True) and asked["q"].casefold() in text


def _shown(card: Card) -> ShownProcedure:
    outcomes = _outcomes(card.procedure) if card.in_force else ()
    passed = sum(outcome.passed for outcome in outcomes)
    change = str(words.REVISION_STATES[card.revision.state]) if card.revision else ""
    state = "" if card.in_force or card.is_new else str(words.REVISION_STATES["withdrawn"])
    return ShownProcedure(card, len(steps.lines_of(card.procedure)), len(outcomes), passed, state, change)


def _state(card: Card) -> str:
    if card.in_force:
        return str(words.REVISION_STATES["in_force"])
    if card.revision is not None and card.is_new:
        return str(words.REVISION_STATES[card.revision.state])
    return str(words.REVISION_STATES["withdrawn"])


def _version(request: HttpRequest, versions: tuple[PastVersion, ...]) -> PastVersion | None:
    """Return the version that is asked for by its number; None where none is. Raises NotFound for one that never was."""
    wanted = request.GET.get("version", "")
    if not wanted:
        return None
    found = next((each for each in versions if str(each.version) == wanted), None)
    if found is None:
        raise NotFound(f"no version {wanted[:12]} of this procedure was ever in force")
    return found


def _is_past(shown: PastVersion | None) -> bool:
    return shown is not None and not shown.in_force


def _versions(versions: tuple[PastVersion, ...], revisions: tuple[Revision, ...]) -> list[dict[str, Any]]:
    """Return each version with what it changed, who wrote it, who put it in force and when."""
    written = {
        each.version: each for each in revisions if each.state == RevisionState.IN_FORCE and each.procedure is not None
    }
    return [
        {
            "it": each,
            "revision": written.get(each.version),
            "differences": rules.compared(versions[place + 1].text, each.text)
            if place + 1 < len(versions) and versions[place + 1].text and each.text
            else (),
            "first": place + 1 == len(versions),
        }
        for place, each in enumerate(versions)
    ]


def _change(card: Card, viewer: Viewer) -> dict[str, Any]:
    """Return the change that is open on a procedure, as the person who looks may decide on it."""
    revision = card.revision
    assert revision is not None
    after = revision.procedure
    before = None if card.is_new or not card.in_force else card
    outcomes = _tried_with(after) if after else ()
    mine = revision.author == actions.author_key(viewer.actor)
    proposed = revision.state == RevisionState.PROPOSED
    return {
        "revision": revision,
        "state": str(words.REVISION_STATES[revision.state]),
        "withdrawal": after is None,
        "differences": rules.compared(before.text, revision.text) if after and before and before.text else (),
        "new": before is None,
        "steps": steps.lines_of(after) if after else (),
        "trials": _trials(outcomes),
        "failing": any(not outcome.passed for outcome in outcomes),
        "mine": mine,
        "may_propose": mine and not proposed,
        "may_edit": mine and after is not None,
        "may_decide": proposed and not mine and people.may(viewer, Verb.REVIEW, Kind.PROCEDURE, desk=revision.desk),
        "outdated": (before.procedure.version if before else 0) != revision.base_version,
    }


def _trials(outcomes: tuple[Outcome, ...]) -> tuple[ShownTrial, ...]:
    return tuple(
        ShownTrial(
            each.name,
            each.passed,
            each.error,
            () if each.passed else tuple(rules.expected_words(each.expected)),
            () if each.passed else tuple(rules.expected_words(each.came)),
        )
        for each in outcomes
    )


def _tried_with(procedure: Procedure) -> tuple[Outcome, ...]:
    """Return what the tests of a changed procedure find, with the library in force beside it; what it calls may not exist."""
    try:
        return rules.run_trials(procedure, queries.library())
    except BeffroiError as error:
        return tuple(Outcome(each.name, False, each.expect, (), error.reason) for each in procedure.tests)


def _outcomes(procedure: Procedure) -> tuple[Outcome, ...]:
    """Return what the tests of a procedure in force found; run once for each version of it and of the library."""
    versions = tuple(sorted((each.code, each.version) for each in queries.library().values()))
    return _tried(procedure.code, procedure.version, versions)


@lru_cache(maxsize=500)
def _tried(code: str, version: int, _library: tuple[tuple[str, int], ...]) -> tuple[Outcome, ...]:
    return rules.run_trials(queries.version_of(code, version).procedure, queries.library())

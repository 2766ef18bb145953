"""The back office of alarm definitions: the list, a definition's card, and what persons decide on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, ruling, words
from beffroi.console.door import page, refusal_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import DAY
from beffroi.foundation.errors import BeffroiError, Forbidden, NotFound
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.actions import MAX_DAYS, MAX_VALUES_A_DAY
from beffroi.kernel.alarms.rules import commands_that_explain, explanations, run_trials
from beffroi.kernel.alarms.rules.conditions import begins, stays
from beffroi.kernel.alarms.types import PRIORITIES, Card, Definition, Revision, RevisionState
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin.types import CLASSES

LISTED = ("in_force", "open", "withdrawn")
Act = Callable[[int], Revision]


@require_safe
@page(Verb.SEE, Kind.DEFINITION)
def definitions(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List the definitions, the most urgent first, with the share of each priority beside what EEMUA 191 advises."""
    since, mark = journal.last_seq(), frames.render_definitions_mark(viewer)
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("q", "desk", "class", "priority", "state")}
    level = int(asked["priority"]) if asked["priority"] in [str(each) for each in PRIORITIES] else None
    filters = queries.Asked(asked["desk"], asked["class"], level, asked["state"], asked["q"])
    every = [card.definition for card in queries.list_definitions(seen_by=viewer) if card.in_force]
    context = surround(request, viewer, since=since) | {
        "mark": mark,
        "rows": [_row(card) for card in queries.list_definitions(filters, seen_by=viewer)],
        "filters": asked,
        "filtered": any(asked.values()),
        "desks": [(slug, words.told(words.DESKS, slug)) for slug in sorted({each.desk for each in every})],
        "classes": [(slug, words.told(words.CLASSES, slug)) for slug in CLASSES],
        "priorities": PRIORITIES,
        "states": [(slug, _STATES[slug]) for slug in LISTED],
        "shares": _shares(every),
        "in_force": len(every),
        "may_propose": people.may(viewer, Verb.PROPOSE, Kind.DEFINITION),
    }
    return render(request, "console/definitions.html", context)


@require_safe
@page(Verb.SEE, Kind.DEFINITION)
def definition(request: HttpRequest, viewer: Viewer, definition: str) -> HttpResponse:
    """Show everything about one definition: why, what to do, its rule, tests, versions, and the change that is open."""
    since, mark = journal.last_seq(), frames.render_definitions_mark(viewer)
    card = queries.get_definition(definition, viewer)
    shown = card.definition
    context = surround(request, viewer, since=since) | {
        "mark": mark,
        "card": card,
        "definition": shown,
        "state": _state(card),
        "never": card.is_new,
        "allowed": words.duration(shown.allowable_time_s),
        **_rule_context(shown),
        "trials": ruling.trials_words(run_trials(shown)),
        "versions": _versions(shown.code),
        "past": [revision for revision in queries.revisions_of(shown.code) if not revision.is_open],
        "change": _change(card, viewer) if card.revision else None,
        "replayable": (1, 3, 7, 14),
        "days_max": MAX_DAYS,
        "values_max": f"{MAX_VALUES_A_DAY:_}".replace("_", "\u202f"),
        "may_propose": people.may(viewer, Verb.PROPOSE, Kind.DEFINITION, desk=shown.desk),
    }
    return render(request, "console/definition.html", context)


@require_POST
@page(Verb.PROPOSE, Kind.DEFINITION)
def withdraw(request: HttpRequest, viewer: Viewer, definition: str) -> HttpResponse:
    """Propose that a definition is taken out of force."""

    def act(_number: int) -> Revision:
        reason = request.POST.get("reason", "")
        return actions.propose_withdrawal(definition, reason=reason, by=viewer, at=clock.now())

    return _done(request, definition, 0, act, _("Le retrait est proposé : une seconde personne décide."))


@require_POST
@page(Verb.PROPOSE, Kind.DEFINITION)
def propose(request: HttpRequest, viewer: Viewer, revision: int) -> HttpResponse:
    """Put one's draft before a second person."""

    def act(number: int) -> Revision:
        return actions.propose_definition(number, by=viewer, at=clock.now())

    return _decided(request, viewer, revision, act, _("La modification est proposée : une seconde personne décide."))


@require_POST
@page(Verb.PROPOSE, Kind.DEFINITION)
def drop(request: HttpRequest, viewer: Viewer, revision: int) -> HttpResponse:
    """Take back one's own change."""

    def act(number: int) -> Revision:
        return actions.drop_definition(number, by=viewer, at=clock.now())

    return _decided(request, viewer, revision, act, _("La modification est reprise."))


@require_POST
@page(Verb.REVIEW, Kind.DEFINITION)
def put_in_force(request: HttpRequest, viewer: Viewer, revision: int) -> HttpResponse:
    """Put another person's proposal in force."""
    reason = request.POST.get("reason", "")

    def act(number: int) -> Revision:
        return actions.put_definition_in_force(number, reason=reason, by=viewer, at=clock.now())

    return _decided(
        request, viewer, revision, act, _("C’est en vigueur : les moteurs la prennent dans les secondes qui viennent.")
    )


@require_POST
@page(Verb.REVIEW, Kind.DEFINITION)
def refuse(request: HttpRequest, viewer: Viewer, revision: int) -> HttpResponse:
    """Refuse another person's proposal, saying why."""
    reason = request.POST.get("reason", "")

    def act(number: int) -> Revision:
        return actions.refuse_definition(number, reason=reason, by=viewer, at=clock.now())

    return _decided(request, viewer, revision, act, _("La proposition est refusée."))


@require_POST
@page(Verb.SEE, Kind.DEFINITION)
def simulate(request: HttpRequest, viewer: Viewer, revision: int) -> HttpResponse:
    """Play a change that is open over the stored days, beside the version in force."""
    days = request.POST.get("days", "")

    def act(number: int) -> Revision:
        return actions.replay_revision(
            number, days=int(days) if days.isdecimal() and len(days) < 4 else 0, by=viewer, at=clock.now()
        )

    return _decided(request, viewer, revision, act, _("La simulation est faite."))


def to_card(code: str) -> HttpResponse:
    """Lead to a definition's card."""
    return HttpResponseRedirect(reverse("console:definition", args=[code]))


def _decided(request: HttpRequest, viewer: Viewer, number: int, act: Act, said: str) -> HttpResponse:
    return _done(request, queries.get_revision(number, viewer).code, number, act, said)


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
    if not queries.versions_of(code) and not any(each.is_open for each in queries.revisions_of(code)):
        return HttpResponseRedirect(reverse("console:definitions"))
    return to_card(code)


_STATES: dict[str, object] = {
    "in_force": words.REVISION_STATES["in_force"],
    "open": gettext_lazy("avec une modification ouverte"),
    "withdrawn": words.REVISION_STATES["withdrawn"],
}


def _state(card: Card) -> str:
    if card.in_force:
        return str(words.REVISION_STATES["in_force"])
    if card.revision is not None and card.is_new:
        return str(words.REVISION_STATES[card.revision.state])
    return str(words.REVISION_STATES["withdrawn"])


def _row(card: Card) -> dict[str, Any]:
    shown = card.definition
    return {
        "definition": shown,
        "rule": ruling.rule_words(shown),
        "state": "" if card.in_force else str(words.REVISION_STATES["withdrawn"]) if card.revision is None else "",
        "change": str(words.REVISION_STATES[card.revision.state]) if card.revision else "",
    }


def _shares(every: list[Definition]) -> list[dict[str, Any]]:
    shares = queries.shares(every)
    low = shares.get(3, 0) + shares.get(4, 0)
    rows = [(1, shares.get(1, 0), 5), (2, shares.get(2, 0), 15), (3, low, 80)]
    return [
        {"level": level, "share": round(100 * share), "advised": advised, "both": level == 3}
        for level, share, advised in rows
    ]


def _rule_context(shown: Definition) -> dict[str, Any]:
    delays = [
        (ruling.FIELDS["off_delay_s"], words.duration(round(shown.off_delay_s))),
        (ruling.FIELDS["release_delay_s"], words.duration(round(shown.release_delay_s)) if shown.suppressed_by else ""),
        (ruling.FIELDS["re_alarm_s"], words.duration(shown.re_alarm_s) if shown.re_alarm_s else ""),
        (ruling.FIELDS["escalate_after_s"], words.duration(shown.escalate_after_s) if shown.escalate_after_s else ""),
    ]
    return {
        "rule": ruling.rule_words(shown),
        "begins": begins(shown),
        "stays": "" if stays(shown) == begins(shown) else stays(shown),
        "delays": [(label, told) for label, told in delays if told],
        "explained_by": [code for _, code in explanations(shown)],
        "commanded_by": _abilities([ability for _, ability in commands_that_explain(shown)]),
    }


def _abilities(slugs: list[str]) -> list[str]:
    """Return what people call these abilities."""
    labels = {each.slug: each.label for each in commands.abilities()} if slugs else {}
    return [labels.get(slug, slug) for slug in slugs]


def _versions(code: str) -> list[dict[str, Any]]:
    """Return each version with what it changed, who wrote it, who put it in force and when."""
    versions = queries.versions_of(code)
    written = {
        revision.version: revision
        for revision in queries.revisions_of(code)
        if revision.state == RevisionState.IN_FORCE and revision.definition is not None
    }
    return [
        {
            "version": each.version,
            "revision": written.get(each.version),
            "differences": ruling.differences(versions[place + 1], each) if place + 1 < len(versions) else [],
        }
        for place, each in enumerate(versions)
    ]


def _change(card: Card, viewer: Viewer) -> dict[str, Any]:
    """Return the change that is open on a definition, as the person who looks may decide on it."""
    revision = card.revision
    assert revision is not None
    after = revision.definition
    before = queries.version_in_force(revision.code)
    outcomes = run_trials(after) if after else ()
    mine = revision.author == actions.author_key(viewer.actor)
    proposed = revision.state == RevisionState.PROPOSED
    return {
        "revision": revision,
        "state": str(words.REVISION_STATES[revision.state]),
        "withdrawal": after is None,
        "differences": ruling.differences(before, after) if after and before else [],
        "new": before is None,
        "trials": ruling.trials_words(outcomes),
        "failing": any(not outcome.passed for outcome in outcomes),
        "what_if": _what_if(revision),
        "mine": mine,
        "may_propose": mine and not proposed,
        "may_edit": mine and after is not None,
        "may_decide": proposed and not mine and people.may(viewer, Verb.REVIEW, Kind.DEFINITION, desk=revision.desk),
        "outdated": (before.version if before else 0) != revision.base_version,
    }


def _what_if(revision: Revision) -> dict[str, Any] | None:
    """Return what the last replay over history found, day by day, as it is read."""
    found = revision.what_if
    if not found:
        return None
    none: dict[str, Any] = {"alarms": 0, "by_day": [0] * found["days"], "top": []}
    present, proposed = found["present"] or none, found["proposed"] or none
    played = found["proposed"] or found["present"] or {}
    return {
        "at": found["at"],
        "days": found["days"],
        "present": present,
        "proposed": proposed,
        "by_day": [
            {"at": found["at"] - (found["days"] - place) * DAY, "present": before, "proposed": after}
            for place, (before, after) in enumerate(zip(present["by_day"], proposed["by_day"], strict=True))
        ],
        "assets": played.get("assets", 0),
        "sampled": played.get("sampled", 0),
    }

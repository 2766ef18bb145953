"""Commanding equipment: the form, what it would touch before it is asked, what became of it, the second person's decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.console import asking, command_list, commanding, told, words
from beffroi.console.door import page, refusal_words
from beffroi.console.pictures import place_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError, NotFound
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.types import Asked, CommandState, DryRun, Group, LeftOut
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places

PAGE = 100
REFUSALS: Mapping[str, object] = {
    "reason-missing": gettext_lazy("Écrivez pourquoi vous le demandez."),
    "text-too-long": gettext_lazy("Le motif est trop long : cinq cents caractères au plus."),
    "ability-missing": gettext_lazy("Choisissez ce qui est demandé."),
    "whose": gettext_lazy("Nommez l’équipement : des codes, une armoire ou une commune."),
    "parameters": gettext_lazy("Une valeur manque, ou sort de ses bornes."),
    "hold": gettext_lazy("Ce retour automatique n’est pas possible pour cette commande."),
    "due": gettext_lazy("L’heure prévue est passée, ou à plus d’un an."),
    "too-many": gettext_lazy("Trop d’équipements pour une seule demande."),
    "taken": gettext_lazy("Cet équipement est déjà commandé par quelqu’un."),
    "forbidden": gettext_lazy("Vous n’avez pas ce droit ici, ou il faut une seconde personne."),
    "no-undo": gettext_lazy("Rien ne défait cette commande : demandez ce que vous voulez à la place."),
    "undone": gettext_lazy(
        "Il n’y a rien à défaire : elle n’est pas partie, elle est déjà défaite, ou d’autres commandent."
    ),
    "not-authorised": gettext_lazy("Trop tard : quelqu’un a décidé avant vous, ou la demande a expiré."),
    "not-denied": gettext_lazy("Trop tard : quelqu’un a décidé avant vous, ou la demande a expiré."),
    "not-cancelled": gettext_lazy("Trop tard : elle est déjà partie, ou finie. Ce qui est parti se défait."),
    "key-used": gettext_lazy("Ce formulaire a déjà servi : rouvrez-le."),
}


@require_safe
@page(Verb.SEE, Kind.COMMAND)
def commands(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what waits for a second person, what is under way or planned, and the last requests."""
    since = journal.last_seq()
    opened = queries.list_commands(queries.Filters(open_only=True), seen_by=viewer, limit=PAGE)
    waiting = queries.waiting_for_second_person(seen_by=viewer)
    theirs = {each.id for each in waiting}
    mine = queries.groups(seen_by=viewer, open_only=True)
    gathered = [commanding.group_shown(each, viewer) for each in mine if each.id not in theirs]
    decided = {(each.asked_at, each.asked_by, each.ability.slug) for each in waiting if each.size == 1}
    alone = [
        commanding.shown(each, viewer)
        for each in opened
        if each.group is None and (each.asked_at, each.asked_by, each.ability.slug) not in decided
    ]
    last = queries.list_commands(queries.Filters(), seen_by=viewer, limit=PAGE)
    ended = [commanding.shown(each, viewer) for each in last if not each.is_open and each.group is None][:40]
    over = [commanding.group_shown(each, viewer) for each in queries.groups(seen_by=viewer, limit=40) if not each.open]
    may_ask = people.may(viewer, Verb.ASK, Kind.COMMAND)
    context = surround(request, viewer, since=since) | {
        **_waiting(waiting, viewer),
        "may_authorise": people.may(viewer, Verb.AUTHORISE, Kind.COMMAND),
        "may_ask": may_ask,
        "planned": [each for each in alone if each["state"] == "planned"],
        "planned_groups": [each for each in gathered if each["planned"]],
        "alone": [each for each in alone if each["state"] != "planned"],
        "open_count": len([each for each in alone if each["state"] != "planned"]) + len(gathered),
        "gathered": [each for each in gathered if not each["planned"]],
        "ended": ended,
        "over": over,
        "abilities": asking.abilities_by_class(viewer) if may_ask else [],
        "communes": [commune.name for commune in places.communes()] if may_ask else [],
    }
    return render(request, "console/commands.html", context)


def _waiting(found: Sequence[Group], viewer: Viewer) -> dict[str, Any]:
    """Return what waits for this person's agreement: a single command by its equipment, a group by its count."""
    groups = [commanding.group_shown(each, viewer) for each in found if each.size > 1]
    single = [queries.list_commands(queries.Filters(group=each.id), seen_by=viewer) for each in found if each.size == 1]
    return {
        "waiting_groups": groups,
        "waiting_alone": [commanding.shown(each, viewer) for rows in single for each in rows],
        "waiting_count": len(found),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.ASK, Kind.COMMAND)
def new(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the form; what it would touch, with each piece of equipment named; and ask, when `do` says so.

    One piece of equipment that cannot be hurt is asked at once; anything else is shown first, with all of it as a file.
    """
    if request.method != "POST":
        draft = asking.from_address(request.GET)
        return _form(request, viewer, draft)
    draft = asking.read(request.POST)
    do = request.POST.get("do", "")
    try:
        if do == "back":
            return _form(request, viewer, draft)
        wanted = asking.to_request(draft, viewer)
        alone = len(wanted.assets) == 1 and not queries.ability_named(wanted.ability).dangerous
        if do == "ask" or (alone and do != "list"):
            return _asked(request, actions.ask(wanted, by=viewer, at=clock.now()))
        run = queries.dry_run(wanted, seen_by=viewer, at=clock.now())
        return command_list.whole(run) if do == "list" else _confirm(request, viewer, draft, run)
    except BeffroiError as error:
        return _form(request, viewer, draft, _why_not(error, draft, viewer), status=error.status)


@require_safe
@page(Verb.SEE, Kind.COMMAND)
def command(request: HttpRequest, viewer: Viewer, command_id: UUID) -> HttpResponse:
    """Show one command, or a request of many with the equipment it touches."""
    since = journal.last_seq()
    try:
        found = queries.command(command_id, seen_by=viewer)
    except NotFound:
        return _group(request, viewer, command_id, since)
    context = surround(request, viewer, since=since) | {
        "command": commanding.shown(found, viewer, whole=True),
        "undo": commanding.undo_of(found.ability),
        "lines": _lines(str(command_id), viewer),
    }
    return render(request, "console/command.html", context)


@require_POST
@page(Verb.AUTHORISE, Kind.COMMAND)
def authorise(request: HttpRequest, viewer: Viewer, command_id: UUID) -> HttpResponse:
    """Agree, as the second person."""
    return _decided(
        request,
        command_id,
        lambda: actions.authorise(command_id, by=viewer, at=clock.now()),
        _("Autorisée : elle peut partir."),
    )


@require_POST
@page(Verb.AUTHORISE, Kind.COMMAND)
def deny(request: HttpRequest, viewer: Viewer, command_id: UUID) -> HttpResponse:
    """Deny, saying why."""
    why = request.POST.get("why", "")
    return _decided(
        request,
        command_id,
        lambda: actions.deny(command_id, why, by=viewer, at=clock.now()),
        _("Refusée : rien ne part."),
    )


@require_POST
@page(Verb.CANCEL, Kind.COMMAND)
def cancel(request: HttpRequest, viewer: Viewer, command_id: UUID) -> HttpResponse:
    """Take back what has not left yet, saying why."""
    why = request.POST.get("why", "")
    return _decided(
        request,
        command_id,
        lambda: actions.cancel(command_id, why, by=viewer, at=clock.now()),
        _("Annulée : rien ne part plus."),
    )


@require_POST
@page(Verb.ASK, Kind.COMMAND)
def revert(request: HttpRequest, viewer: Viewer, command_id: UUID) -> HttpResponse:
    """Ask for what brings equipment back: a command of its own, whose page follows."""
    try:
        return _asked(request, actions.revert(command_id, by=viewer, at=clock.now()))
    except BeffroiError as error:
        messages.warning(request, _said(error))
        return HttpResponseRedirect(reverse("console:command", args=[command_id]))


def _decided(request: HttpRequest, command_id: UUID, act: Callable[[], object], said: str) -> HttpResponse:
    """Decide and go back to the page of what was decided; who comes second is told there."""
    try:
        act()
        messages.success(request, said)
    except BeffroiError as error:
        messages.warning(request, _said(error))
    return HttpResponseRedirect(reverse("console:command", args=[command_id]))


def _asked(request: HttpRequest, asked: Asked) -> HttpResponse:
    if asked.state is CommandState.ASKED:
        said = _("Demandée : une seconde personne doit l’autoriser avant %(n)s.")
        expires = queries.group(asked.group).expires_at if asked.group else queries.command(asked.id).expires_at
        messages.info(request, said % {"n": alarms.clock_time(expires)})
    if asked.left_out:
        messages.warning(request, _("%(n)s équipements laissés de côté.") % {"n": len(asked.left_out)})
    return HttpResponseRedirect(reverse("console:command", args=[asked.id]))


def _form(
    request: HttpRequest, viewer: Viewer, draft: asking.Draft, refusal: str = "", status: int | None = None
) -> HttpResponse:
    context = surround(request, viewer) | asking.form(draft, viewer) | {"draft": draft, "refusal": refusal}
    return render(request, "console/command_form.html", context, status=status)


def _confirm(request: HttpRequest, viewer: Viewer, draft: asking.Draft, run: DryRun) -> HttpResponse:
    """Show what would be touched, page by page: the safe button has the focus."""
    shown = asking.page_number(request.POST.get("page", ""), len(run.touched), PAGE)
    touched = run.touched[(shown - 1) * PAGE : shown * PAGE]
    context = surround(request, viewer) | {
        "draft": draft,
        "run": run,
        "only": run.touched[0] if len(run.touched) == 1 else None,
        "only_where": place_words(run.touched[0].place, run.touched[0].commune) if run.touched else "",
        "touched": [(each, place_words(each.place, each.commune)) for each in touched],
        "page_number": shown,
        "pages_count": max(1, -(-len(run.touched) // PAGE)),
        "communes_count": len({each.commune for each in run.touched}),
        "left_out": commanding.left_out_words(run.left_out[:200], viewer),
        "left_out_more": max(0, len(run.left_out) - 200),
        "parameters": commanding.parameters_words(run.ability, run.parameters),
        "hold": words.duration(draft.hold_s) if draft.hold_s else "",
        "undo": asking.undo_label(run.ability),
        "now": run.due_at <= clock.now(),
    }
    return render(request, "console/command_confirm.html", context)


def _group(request: HttpRequest, viewer: Viewer, command_id: UUID, since: int) -> HttpResponse:
    found = queries.group(command_id, seen_by=viewer)
    state = request.GET.get("state", "")
    filters = queries.Filters(group=command_id, state=CommandState(state) if state in set(CommandState) else None)
    before = asking.uuid_or_none(request.GET.get("before", ""))
    rows = queries.list_commands(filters, seen_by=viewer, before=before, limit=PAGE + 1)
    if found.size == 1 and rows:
        return HttpResponseRedirect(reverse("console:command", args=[rows[0].id]))
    query = f"?state={state}&before={rows[PAGE - 1].id}" if len(rows) > PAGE else ""
    context = surround(request, viewer, since=since) | {
        "group": commanding.group_shown(found, viewer),
        "rows": [commanding.shown(each, viewer) for each in rows[:PAGE]],
        "undo": commanding.undo_of(found.ability),
        "state": state,
        "next": query,
        "lines": _lines(str(command_id), viewer),
    }
    return render(request, "console/command_group.html", context)


def _lines(name: str, viewer: Viewer) -> Any:
    if not people.may(viewer, Verb.SEE, Kind.JOURNAL):
        return None
    return told.tell_together(journal.lines_of(f"command:{name}", limit=30, reach=people.reach_of(viewer)))


def _why_not(error: BeffroiError, draft: asking.Draft, viewer: Viewer) -> str:
    """Return why nothing was asked: for equipment that somebody commands already, who and what."""
    named = (draft.of, *draft.code_list)
    if error.key == "taken" and named[0]:
        ((_left_out, why),) = commanding.left_out_words((LeftOut(named[0], "", "taken", ""),), viewer)
        return f"{named[0]} : {why}"
    return f"{named[0]} : {words.told(words.LEFT_OUT, error.key)}" if error.key in words.LEFT_OUT else _said(error)


def _said(error: BeffroiError) -> str:
    return str(REFUSALS.get(error.key) or refusal_words(error))

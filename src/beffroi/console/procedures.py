"""Procedures in the console: started, run step by step from the incident's panel, adapted; a run on paper.

Each act is asked of the kernel, which journals it; who comes second is told by whom and when it was done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, step_words, steps, words
from beffroi.console.door import page, refusal_words, wants_json
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import Run, RunState

Act = Callable[[int, Instant], object]


@require_safe
@page(Verb.SEE, Kind.PROCEDURE)
def run_print(request: HttpRequest, viewer: Viewer, reference: str, run: int) -> HttpResponse:
    """Show a run as it goes on paper: what is done with its time and its proof, what is left with room to write."""
    incident, found = _run(viewer, reference, run)
    shown = next(each for each in steps.runs_shown(incident, viewer) if each.run.id == found.id)
    lines = [
        {
            "step": each.step,
            "kind": each.kind,
            "title": " · ".join([each.title, *each.notes]) if each.key.endswith("added") else each.title,
            "role": each.role,
            "depth": each.depth,
            "when": "",
            "within": words.duration(each.step.within_s) if each.step.within_s else "",
            "outcome": _outcome_words(each),
        }
        for each in shown.steps
    ]
    back = reverse("console:incident", args=[reference])
    title = {"title": found.title, "version": found.version, "desk": found.desk}
    context = surround(request, viewer) | title | {"steps": lines, "back": back, "incident": incident}
    return render(request, "console/procedure_print.html", context)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def start(request: HttpRequest, viewer: Viewer, reference: str, procedure: str) -> HttpResponse:
    """Start the procedure that is proposed."""

    def act(number: int, at: Instant) -> object:
        return actions.start(procedure, number, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Procédure lancée."))


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def choose(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Start another procedure in force."""
    code = request.POST.get("procedure", "")
    if not code:
        raise Refused("which procedure? choose one", key="procedure-missing")

    def act(number: int, at: Instant) -> object:
        return actions.start(code, number, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Procédure lancée."))


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def confirm(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str) -> HttpResponse:
    """Say that a step is done, with its proof."""
    note = request.POST.get(f"proof-{run}-{run_step}", "")
    _run(viewer, reference, run)

    def act(_number: int, at: Instant) -> object:
        return actions.confirm(run, run_step, note=note, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Étape faite."), run, run_step)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def answer(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str, value: str) -> HttpResponse:
    """Answer a question."""
    _run(viewer, reference, run)

    def act(_number: int, at: Instant) -> object:
        return actions.answer(run, run_step, value, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Réponse notée."), run, run_step)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def tick(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str, item: int) -> HttpResponse:
    """Tick one item of a list."""
    _run(viewer, reference, run)

    def act(_number: int, at: Instant) -> object:
        return actions.tick(run, run_step, item, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Coché."), run, run_step)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def skip(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str) -> HttpResponse:
    """Go past a step, saying why."""
    _run(viewer, reference, run)
    why = request.POST.get(f"skip-{run}-{run_step}", "")

    def act(_number: int, at: Instant) -> object:
        return actions.skip(run, run_step, reason=why, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Étape sautée, motif noté."), run, run_step)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def send(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str) -> HttpResponse:
    """Send the command of a step; what proves it comes after."""
    _run(viewer, reference, run)

    def act(_number: int, at: Instant) -> object:
        return actions.send(run, run_step, by=viewer, at=at)

    return _done(
        request, viewer, reference, act, _("Commande demandée : la preuve viendra de l’équipement."), run, run_step
    )


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def engage(request: HttpRequest, viewer: Viewer, reference: str, run: int, run_step: str, unit: str) -> HttpResponse:
    """Propose the mission of a step to a crew."""
    _run(viewer, reference, run)

    def act(_number: int, at: Instant) -> object:
        return actions.engage(run, run_step, unit, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Mission proposée à l’équipe."), run, run_step)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def add(request: HttpRequest, viewer: Viewer, reference: str, run: int) -> HttpResponse:
    """Add a step beside the others."""
    _run(viewer, reference, run)
    title, role, minutes = (request.POST.get(name, "") for name in ("added", "added_role", "added_min"))
    within_s = int(minutes) * 60 if minutes.isascii() and minutes.isdigit() and len(minutes) < 5 else 0

    def act(_number: int, at: Instant) -> object:
        return actions.add_step(run, title, role=role, within_s=within_s, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Étape ajoutée."), run)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def apply(request: HttpRequest, viewer: Viewer, reference: str, run: int) -> HttpResponse:
    """Apply a step or a procedure again, beside what goes on."""
    _run(viewer, reference, run)
    what = request.POST.get("apply", "")
    if not what:
        raise Refused("what is to be applied again? choose a step or a procedure", key="apply-missing")

    def act(_number: int, at: Instant) -> object:
        return actions.reapply(run, what, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("C’est repris, à côté du reste."), run)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def stop(request: HttpRequest, viewer: Viewer, reference: str, run: int) -> HttpResponse:
    """Stop a run before its end, saying why."""
    _run(viewer, reference, run)
    why = request.POST.get("stop_why", "")

    def act(_number: int, at: Instant) -> object:
        return actions.stop(run, reason=why, by=viewer, at=at)

    return _done(request, viewer, reference, act, _("Procédure arrêtée, motif noté."), run)


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def letter_again(request: HttpRequest, viewer: Viewer, reference: str, letter: int) -> HttpResponse:
    """Have a letter sent once more."""

    def act(_number: int, at: Instant) -> object:
        actions.send_again(letter, by=viewer, at=at)
        return None

    return _done(request, viewer, reference, act, _("Le courriel repart."))


@require_POST
@page(Verb.NOTE, Kind.INCIDENT)
def address(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Note where whoever told the incident wants to be written to."""
    mail = request.POST.get("mail", "")

    def act(number: int, at: Instant) -> object:
        actions.leave_address(number, mail, by=viewer, at=at)
        return None

    return _done(request, viewer, reference, act, _("Adresse notée.") if mail.strip() else _("Adresse oubliée."))


@require_POST
@page(Verb.RUN, Kind.PROCEDURE)
def seen(request: HttpRequest, viewer: Viewer, message: int) -> HttpResponse:
    """Say that a message told to one's post is seen."""
    status, said = 200, _("Vu : noté à votre nom.")
    try:
        actions.acknowledge_message(message, by=viewer, at=clock.now())
    except Conflict as conflict:
        status, said = conflict.status, conflict.reason
    if wants_json(request):
        seq = journal.last_seq()
        fragments = [{"target": "messages", "html": steps.render_messages(viewer)}]
        return JsonResponse({"said": said, "detail": said, "fragments": fragments, "seq": seq}, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    return HttpResponseRedirect(request.META.get("HTTP_REFERER") or reverse("console:situation"))


def _done(
    request: HttpRequest, viewer: Viewer, reference: str, act: Act, said: str, run: int = 0, key: str = ""
) -> HttpResponse:
    """Do it and answer: a sentence and the incident's row, also to who came second."""
    number, status = incidents.get(reference, viewer).id, 200
    try:
        act(number, clock.now())
    except Conflict as conflict:
        status, said = conflict.status, _first(conflict, viewer, run, key)
    if wants_json(request):
        seq = journal.last_seq()  # first: what is drawn then holds every line up to it
        fragments = [frames.queue_fragment(incidents.get(number, viewer), viewer)]
        return JsonResponse({"said": said, "detail": said, "fragments": fragments, "seq": seq}, status=status)
    (messages.success if status == 200 else messages.warning)(request, said)
    return HttpResponseRedirect(reverse("console:incident", args=[reference]))


def _first(conflict: Conflict, viewer: Viewer, run: int, key: str) -> str:
    """Tell who came second who was first, and when."""
    state = queries.run(run, viewer).state if run else RunState(())
    known = state.steps.get(key)
    if known is not None and known.by_name and conflict.key in ("step-over", "already-asked", "already-ticked"):
        told = _("%(who)s l’a déjà fait à %(when)s.") if known.ended_at else _("%(who)s l’a déjà demandé.")
        return told % {"who": known.by_name, "when": _hour(known.ended_at, "H:i:s")}
    return refusal_words(conflict)


def _run(viewer: Viewer, reference: str, run: int) -> tuple[Any, Run]:
    """Return an incident and a run on it. Raises NotFound, also for a run of another incident."""
    incident, found = incidents.get(reference, viewer), queries.run(run, viewer)
    if found.incident != incident.id:
        raise NotFound(f"run {run} is not of {reference}")
    return incident, found


def _outcome_words(each: steps.ShownStep) -> str:
    if not each.state or each.standing:
        return ""
    state = words.told(step_words.STEP_STATES, each.state)
    return " · ".join(filter(None, (_hour(each.at, "H:i"), each.by, each.answer or state, *each.notes)))


def _hour(at: Instant, layout: str) -> str:
    return date_format(timezone.localtime(to_datetime(at)), layout)

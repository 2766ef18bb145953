"""The page of the data protection officer: about whom the journal holds content, and its erasure by two persons."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from beffroi.console.door import page
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.incidents import rules as incidents
from beffroi.kernel.journal import actions
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

PAGE = 100


@require_safe
@page(Verb.CONFIRM, Kind.PERSONAL)
def erasures(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the requests that wait for a second person, and the persons and cases about whom something is kept."""
    text = request.GET.get("holder", "").strip()[:160]
    context = surround(request, viewer) | {
        "text": text,
        "waiting": [(each, _beside(each.subject)) for each in journal.erasures_waiting()],
        "holders": journal.holders(text, limit=PAGE),
        "may_ask": people.may(viewer, Verb.ERASE, Kind.PERSONAL),
    }
    return render(request, "console/erasures.html", context)


@require_POST
@page(Verb.ERASE, Kind.PERSONAL)
def ask(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Ask that what is kept about a person or a case be erased."""
    typed, reason = request.POST.get("subject", "").strip(), request.POST.get("reason", "")
    actions.ask_erasure(_named(typed), reason=reason, by=viewer.actor, at=clock.now())
    messages.success(request, _("Effacement demandé : une autre personne doit le confirmer."))
    return HttpResponseRedirect(reverse("console:erasures"))


def _named(typed: str) -> str:
    """Return the person or case that was typed; an incident's reference stands for its case."""
    number = None if ":" in typed else incidents.number_of(typed)
    return typed if number is None else incidents.case_of(number)


def _beside(subject: str) -> tuple[str, ...]:
    """Return the other cases whose words an incident's page shows, and which this erasure does not reach."""
    number = subject.removeprefix("case:incident-")
    return incident_queries.cases_of(int(number))[1:] if number.isdigit() else ()


@require_POST
@page(Verb.CONFIRM, Kind.PERSONAL)
def confirm(request: HttpRequest, viewer: Viewer, number: int) -> HttpResponse:
    """Confirm what another person asked: the keys are destroyed."""
    lines = actions.confirm_erasure(number, by=viewer.actor, at=clock.now())
    told = ngettext("Effacé : %(n)s ligne ne dit plus rien.", "Effacé : %(n)s lignes ne disent plus rien.", lines)
    messages.success(request, told % {"n": lines})
    return HttpResponseRedirect(reverse("console:erasures"))


@require_POST
@page(Verb.CONFIRM, Kind.PERSONAL)
def withdraw(request: HttpRequest, viewer: Viewer, number: int) -> HttpResponse:
    """Drop a request, saying why."""
    actions.withdraw_erasure(number, reason=request.POST.get("reason", ""), by=viewer.actor, at=clock.now())
    messages.success(request, _("Demande retirée : rien n’est effacé."))
    return HttpResponseRedirect(reverse("console:erasures"))

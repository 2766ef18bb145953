"""What an operator does to an incident. Each act is asked of the kernel, which journals it; the answer says who was first."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from beffroi.console import frames, linking
from beffroi.console.door import page, wants_json
from beffroi.foundation import clock
from beffroi.foundation.errors import Conflict
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.types import CloseReason, Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer

Act = Callable[[int], Incident]

CONFLICTS: Mapping[str, object] = {
    "already-proposed": gettext_lazy(
        "%(ref)s est déjà proposé ailleurs : attendez la réponse ou retirez la proposition."
    ),
    "not-proposed": gettext_lazy("%(ref)s n’est proposé à personne."),
    "transfer-accepted": gettext_lazy("%(ref)s : le transfert a déjà été accepté."),
    "transfer-refused": gettext_lazy("%(ref)s : le transfert a déjà été refusé."),
    "transfer-withdrawn": gettext_lazy("%(ref)s : la proposition a été retirée entre-temps."),
    "transfer-expired": gettext_lazy("%(ref)s : la proposition est restée sans réponse et a pris fin."),
    "already-associated": gettext_lazy("%(ref)s est déjà dans cette salle."),
    "not-associated": gettext_lazy("%(ref)s n’est plus associé à cette salle."),
    "not-hold": gettext_lazy("%(ref)s ne peut pas attendre dans cet état : prenez-le ou qualifiez-le d’abord."),
    "not-resume": gettext_lazy("%(ref)s n’est plus en attente."),
    "not-mark": gettext_lazy("%(ref)s n’a pas de responsable : prenez-le d’abord."),
    "not-resolve": gettext_lazy("%(ref)s est déjà résolu."),
    "not-closed": gettext_lazy("%(ref)s n’est pas clos : quelqu’un l’a déjà rouvert."),
    "already-acknowledged": gettext_lazy("%(ref)s est déjà acquitté par %(acknowledged_by)s."),
    "already-taken": gettext_lazy("%(ref)s est déjà pris en charge par %(owner)s."),
    "already-united": gettext_lazy("%(ref)s a été réuni avec %(kept)s par %(closed_by)s."),
    "already-closed": gettext_lazy("%(ref)s est déjà clos par %(closed_by)s."),
}


@require_POST
@page(Verb.ACKNOWLEDGE, Kind.INCIDENT)
def acknowledge(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say that it was seen: the incident and its alarms."""

    def act(number: int) -> Incident:
        return actions.acknowledge_incident(number, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s acquitté."))


@require_POST
@page(Verb.TAKE, Kind.INCIDENT)
def take(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Become the one who deals with it."""

    def act(number: int) -> Incident:
        return actions.take_incident(number, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s est à vous."))


@require_POST
@page(Verb.CLOSE, Kind.INCIDENT)
def close(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Close it, with a reason among those that exist; as a duplicate, by uniting it with the incident that is named."""
    reason, comment = request.POST.get("reason", ""), request.POST.get("comment", "")
    if reason == CloseReason.DUPLICATE and request.POST.get("duplicate_of", "").strip():
        return linking.unite(request, viewer, reference, field="duplicate_of", comment=comment)
    useful = {"yes": True, "no": False}.get(request.POST.get("useful", ""))

    def act(number: int) -> Incident:
        return actions.close_incident(number, reason=reason, comment=comment, useful=useful, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s clos."))


@require_POST
@page(Verb.REOPEN, Kind.INCIDENT)
def reopen(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Open it again, saying why."""
    reason = request.POST.get("again", "")

    def act(number: int) -> Incident:
        return actions.reopen_incident(number, reason=reason, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("%(ref)s rouvert."))


@require_POST
@page(Verb.NOTE, Kind.INCIDENT)
def note(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Write a line of the incident's journal."""
    text = request.POST.get("text", "")

    def act(number: int) -> Incident:
        return actions.note_incident(number, text, by=viewer, at=clock.now())

    return done(request, viewer, reference, act, _("Note écrite sur %(ref)s."))


def done(request: HttpRequest, viewer: Viewer, reference: str, act: Act, said: str) -> HttpResponse:
    """Do it and answer: a sentence and the row as it stands, also to who came second."""
    number = queries.get(reference, viewer).id
    status = 200
    try:
        after = act(number)
    except Conflict as conflict:
        status = conflict.status
        after = queries.get(number, viewer)
        said = str(CONFLICTS.get(conflict.key, _("%(ref)s a changé : regardez à nouveau.")))
    text = said % {
        "ref": after.reference,
        "owner": after.owner_name,
        "acknowledged_by": after.acknowledged_by or after.owner_name,
        "closed_by": after.closed_by or _("une règle"),
        "kept": after.duplicate_reference,
    }
    if wants_json(request):
        seq = journal.last_seq()  # first: what is drawn then holds every line up to it
        fragments = [frames.queue_fragment(queries.get(number, viewer), viewer)]
        return JsonResponse({"said": text, "detail": text, "fragments": fragments, "seq": seq}, status=status)
    (messages.success if status == 200 else messages.warning)(request, text)
    return HttpResponseRedirect(f"{reverse('console:situation')}?incident={after.reference}")

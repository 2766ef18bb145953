"""What people do to the links between incidents: unite, separate, take apart, confirm or reject what is proposed."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beffroi.console import frames
from beffroi.console.door import page, wants_json
from beffroi.foundation import clock
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.people.types import Kind, Verb, Viewer

MOST_CHOSEN = 500


@require_POST
@page(Verb.LINK, Kind.INCIDENT)
def merge(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Unite this incident with the one that is named, of which it becomes a duplicate."""
    return unite(request, viewer, reference)


def unite(
    request: HttpRequest, viewer: Viewer, reference: str, *, field: str = "other", comment: str = ""
) -> HttpResponse:
    """Unite an incident with the one that a field names, and answer; `comment` is what the person said of it."""
    mine, other = queries.get(reference, viewer), _other(request, viewer, field)

    def act() -> Incident:
        return actions.merge_incidents(mine.id, other.id, comment=comment, by=viewer, at=clock.now())

    said = _("%(mine)s est réuni avec %(after)s, qui continue.")
    return _done(request, viewer, (mine, other), act, said)


@require_POST
@page(Verb.LINK, Kind.INCIDENT)
def separate(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Undo a union: this duplicate lives again with what was its own."""
    mine = queries.get(reference, viewer)
    root = queries.get(queries.living_of(mine.id), viewer)

    def act() -> Incident:
        return actions.separate_incident(mine.id, by=viewer, at=clock.now())

    return _done(request, viewer, (mine, root), act, _("%(mine)s est de nouveau un incident à part."))


@require_POST
@page(Verb.LINK, Kind.INCIDENT)
def split(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Take what is chosen out of this incident, into a new one or into the duplicate that is named."""
    mine = queries.get(reference, viewer)
    into = request.POST.get("into", "").strip()
    former = queries.get(into, viewer) if into else None
    chosen = {name: _numbers(request, name) for name in ("alarm", "signal", "note")}

    def act() -> Incident:
        return actions.split_incident(
            mine.id,
            alarm_ids=chosen["alarm"],
            signal_ids=chosen["signal"],
            notes=chosen["note"],
            into=former.id if former else None,
            by=viewer,
            at=clock.now(),
        )

    return _done(request, viewer, (mine, *((former,) if former else ())), act, _("Détaché de %(mine)s : %(after)s."))


@require_POST
@page(Verb.LINK, Kind.INCIDENT)
def confirm(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say that a proposed pair is one."""
    mine, other = queries.get(reference, viewer), _other(request, viewer)

    def act() -> Incident:
        return actions.confirm_link(mine.id, other.id, by=viewer, at=clock.now())

    return _done(request, viewer, (mine, other), act, _("Réunis : %(after)s continue."))


@require_POST
@page(Verb.LINK, Kind.INCIDENT)
def reject(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Say that a proposed pair is not one: it is not proposed again."""
    mine, other = queries.get(reference, viewer), _other(request, viewer)

    def act() -> Incident:
        return actions.reject_link(mine.id, other.id, by=viewer, at=clock.now())

    return _done(request, viewer, (mine, other), act, _("%(mine)s et %(other)s restent deux incidents."))


def _other(request: HttpRequest, viewer: Viewer, field: str = "other") -> Incident:
    named = request.POST.get(field, "").strip()
    if not named:
        raise Refused("no other incident is named", key="other-missing")
    return queries.get(named, viewer)


def _numbers(request: HttpRequest, name: str) -> list[int]:
    """Return the numbers that are chosen, each once, in their order."""
    found = [int(text) for text in request.POST.getlist(name)[:MOST_CHOSEN] if text.isascii() and text.isdigit()]
    return list(dict.fromkeys(number for number in found if number < 2**63))


def _done(
    request: HttpRequest, viewer: Viewer, about: tuple[Incident, ...], act: Callable[[], Incident], said: str
) -> HttpResponse:
    """Do it and answer: a sentence, and the rows of all that it touched as they stand, also to who came second."""
    status = 200
    after = about[0]
    try:
        after = act()
        text = said % {"mine": about[0].reference, "other": about[-1].reference, "after": after.reference}
    except Conflict as conflict:
        status = conflict.status
        text = _first(request, viewer, about, conflict)
    if wants_json(request):
        numbers = dict.fromkeys([*(each.id for each in about), after.id])
        touched = dict.fromkeys([*numbers, *queries.proposed_with(numbers)])
        rows = [frames.queue_fragment(each, viewer) for each in queries.of_ids(touched, seen_by=viewer)]
        return JsonResponse({"said": text, "detail": text, "fragments": rows}, status=status)
    (messages.success if status == 200 else messages.warning)(request, text)
    return HttpResponseRedirect(f"{reverse('console:situation')}?incident={after.reference}")


def _first(request: HttpRequest, viewer: Viewer, about: tuple[Incident, ...], conflict: Conflict) -> str:
    """Tell who came second who was first, and what became of it."""
    now = [queries.get(each.id, viewer) for each in about]
    if conflict.key == "already-decided" and (who := queries.decided_by(now[0].id, now[-1].id)):
        return _("%(who)s en a déjà décidé.") % {"who": who}
    if conflict.key == "not-duplicate":
        return _("Cet incident n’est plus un doublon : quelqu’un l’a séparé avant vous.")
    if conflict.key == "already-moved":
        moves = [queries.last_move(number) for number in _numbers(request, "alarm")]
        if found := next((move for move in moves if move and move[1] != now[0].reference), None):
            return _("%(who)s l’a déplacé dans %(where)s avant vous.") % {"who": found[0], "where": found[1]}
    gone = next((each for each in now if each.closed_at is not None), None)
    if gone is None:
        return _("%(mine)s a changé : regardez à nouveau.") % {"mine": now[0].reference}
    names = {"ref": gone.reference, "kept": gone.duplicate_reference, "closed_by": gone.closed_by or _("une règle")}
    united = _("%(ref)s a été réuni avec %(kept)s par %(closed_by)s.")
    return (united if gone.duplicate_reference else _("%(ref)s est déjà clos par %(closed_by)s.")) % names

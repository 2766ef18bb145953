"""A group of the queue: its panel, and the one act on all that it gathers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from beffroi.console import frames, gathering
from beffroi.console.door import page, wants_json
from beffroi.foundation import clock
from beffroi.foundation.errors import Conflict, Malformed, NotFound
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb, Viewer


@require_safe
@page(Verb.SEE, Kind.ALARM)
def group_panel(request: HttpRequest, viewer: Viewer, key: str) -> HttpResponse:
    """Return a group's panel alone: what a page asks for when the group is chosen, and when its row changed."""
    since = journal.last_seq()
    panel = gathering.render_group_panel(gathering.group_named(key, viewer), viewer, since=since)
    return HttpResponse(panel, headers={"Cache-Control": "no-store"})


@require_POST
@page(Verb.ACKNOWLEDGE, Kind.ALARM)
def group_acknowledge(request: HttpRequest, viewer: Viewer, key: str) -> HttpResponse:
    """Acknowledge all that a group gathers, as it was seen at the journal's number `seen`; what changed since is left."""
    seen = request.POST.get("seen", "")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 18):
        raise Malformed("`seen` is the number of the journal's line at which the group was seen")
    status, acknowledged = 200, tuple[str, ...]()
    try:
        group = gathering.group_named(key, viewer)
        content = {"key": group.key, "kind": str(group.kind), "place": group.place, "commune": group.commune}
        done = actions.acknowledge_group(
            [item.name for item in group.items if item.unseen],
            title=group.title,
            seen_at_seq=int(seen),
            by=viewer,
            at=clock.now(),
            content=content,
        )
        acknowledged, said = done.acknowledged, _said(len(done.acknowledged), len(done.changed))
    except (Conflict, NotFound):
        status, said = 409, _("Ce groupe a changé depuis que vous l’avez vu : regardez à nouveau.")
    if wants_json(request):
        return JsonResponse(
            {"said": said, "detail": said, "fragments": _fragments(acknowledged, viewer)}, status=status
        )
    (messages.success if status == 200 else messages.warning)(request, said)
    return HttpResponseRedirect(f"{reverse('console:situation')}?group={key}")


def _said(done: int, left: int) -> str:
    said = ngettext("%(n)s acquittement.", "%(n)s acquittements par un seul geste.", done) % {"n": done}
    if left:
        more = ngettext("%(n)s laissé : il a changé entre-temps.", "%(n)s laissés : ils ont changé entre-temps.", left)
        said = f"{said} {more % {'n': left}}"
    return said


def _fragments(names: tuple[str, ...], viewer: Viewer) -> list[frames.Fragment]:
    numbers = [int(name.partition(":")[2]) for name in names if name.startswith("incident:")]
    rows = [frames.queue_fragment(found, viewer) for found in incidents.of_ids(numbers, seen_by=viewer)]
    return [*frames.load_fragments(viewer), *rows]

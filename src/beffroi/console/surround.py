"""What stands around every page: pages in reach, figures of the header, state of the sources, clock, words of the scripts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from beffroi.console import frames, reading, sending, steps, words
from beffroi.console.build import build
from beffroi.foundation import clock
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

KEYS = {"incidents": "!", "aside": ":", "handover": "h", "commands": "(", "definitions": ",", "closures": "'"}
"""Pages that a key opens."""

MORE = frozenset({"procedures", "quality", "quarantine", "definitions", "aside", "closures", "crews"})
"""Pages asked for now and then: they fold under « Plus », so that the header is one line."""


LIVE = "/live/console"
MAP_LIVE = f"{LIVE}?map=1"
"""The stream of a page that draws equipment on a map: it is told the condition of all of it."""
PALETTES = (("night", _("Nuit")), ("dusk", _("Crépuscule")), ("day", _("Jour")))
PAGES = (
    ("situation", _("Situation"), Verb.SEE, Kind.SITUATION),
    ("incidents", _("Incidents"), Verb.SEE, Kind.INCIDENT),
    ("aside", _("De côté"), Verb.SEE, Kind.ALARM),
    ("assets", _("Équipements"), Verb.SEARCH, Kind.ASSET),
    ("commands", _("Commandes"), Verb.SEE, Kind.COMMAND),
    ("closures", _("Rues fermées"), Verb.SEE, Kind.PLACE),
    ("crews", _("Équipages"), Verb.SEE, Kind.UNIT),
    ("handover", _("Relève"), Verb.SEE, Kind.SHIFT),
    ("procedures", _("Procédures"), Verb.SEE, Kind.PROCEDURE),
    ("definitions", _("Définitions d’alarmes"), Verb.SEE, Kind.DEFINITION),
    ("journal", _("Main courante"), Verb.SEE, Kind.JOURNAL),
    ("quality", _("Qualité des alarmes"), Verb.SEE, Kind.ALARM),
    ("quarantine", _("Quarantaine"), Verb.SEE, Kind.QUARANTINE),
)


def home(viewer: Viewer) -> str:
    """Return the first page that this person may see: where signing in leads."""
    reached = (name for name, _label, verb, kind in PAGES if people.may(viewer, verb, kind))
    otherwise = "crew" if people.may(viewer, Verb.REPORT, Kind.MISSION) else "preferences"
    return reverse(f"console:{next(reached, otherwise)}")


def surround(request: HttpRequest, viewer: Viewer, *, since: int | None = None, live: str = "") -> dict[str, Any]:
    """Return the context that every page of a signed-in person shares.

    `since` is the journal's number read *before* what the page shows: frames from there on can only repeat, never miss.
    """
    number = journal.last_seq() if since is None else since
    watches = people.may(viewer, Verb.SEE, Kind.SITUATION)
    path = request.path
    pages = [
        {
            "url": reverse(f"console:{name}"),
            "label": label,
            "here": path == reverse(f"console:{name}"),
            "key": KEYS.get(name, ""),
            "more": name in MORE,
        }
        for name, label, verb, kind in PAGES
        if people.may(viewer, verb, kind)
    ]
    return {
        "person": viewer,
        "home": home(viewer),
        "language": viewer.language,
        "palette": viewer.palette,
        "shortcuts": viewer.single_key_shortcuts,
        "build": build(),
        "at": clock.now(),
        "since": number,
        "live": (live or LIVE) if watches else "",
        "zone": settings.TIME_ZONE,
        "pages": pages,
        "more": [entry for entry in pages if entry["more"]],
        "may_open": people.may(viewer, Verb.OPEN, Kind.INCIDENT),
        "counters": frames.render_counters(reading.counts(viewer), viewer) if watches else "",
        "streams": frames.render_streams(reading.source_states(), viewer) if watches else "",
        "distress": sending.render_distress(viewer),
        "told_messages": steps.render_messages(viewer) if watches else "",
        "sealing": frames.render_sealing(viewer),
        "words": words.for_scripts(),
        "city": reading.city(),
    }

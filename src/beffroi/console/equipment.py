"""Equipment: the list that is the map's twin, the sheet with its history, the panel of the map."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.console import commanding, frames, reading, told, words
from beffroi.console.door import page
from beffroi.console.pictures import place_words
from beffroi.console.surround import LIVE, surround
from beffroi.foundation import clock
from beffroi.foundation.clock import HOUR
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import CLASSES, SOURCE, Asset

PAGE = 100
MOST_POINTS = 5_000
TABLE_POINTS = 200
PERIODS = (1, 6, 24, 168)


@require_safe
@page(Verb.SEARCH, Kind.ASSET)
def assets(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List equipment: by code, or by distance from a piece of equipment or an incident (`near`)."""
    asked = {name: request.GET.get(name, "").strip()[:120] for name in ("q", "class", "source", "near", "after")}
    asset_class = asked["class"] if asked["class"] in CLASSES else ""
    since = journal.last_seq()
    refusal, found = "", []
    try:
        found = reading.list_assets(
            asked["q"],
            asset_class,
            asked["near"],
            asked["after"],
            source=asked["source"],
            viewer=viewer,
            limit=PAGE + 1,
        )
    except NotFound:
        refusal = _("Ni équipement ni incident ne s’appelle « %(name)s ».") % {"name": asked["near"]}
    more = len(found) > PAGE and not asked["near"]
    query = {"q": asked["q"], "class": asset_class, "after": found[PAGE - 1].asset.code} if more else {}
    if more and asked["source"]:
        query |= {"source": asked["source"]}
    context = surround(request, viewer, since=since) | {
        "q": asked["q"],
        "near": asked["near"],
        "source": asked["source"],
        "asset_class": asset_class,
        "classes": [(slug, words.told(words.CLASSES, slug)) for slug in CLASSES],
        "rows": found[:PAGE],
        "may_command": bool(asset_class) and commanding.may_ask_class(asset_class, viewer),
        "refusal": refusal,
        "incidents": reading.find_incidents(asked["q"], viewer) if asked["q"] else (),
        "addresses": reading.find_addresses(asked["q"], viewer) if asked["q"] and not asked["near"] else (),
        "next": f"{request.path}?{urlencode(query)}" if query else "",
    }
    return render(request, "console/assets.html", context)


@require_safe
@page(Verb.SEE, Kind.ASSET)
def asset(request: HttpRequest, viewer: Viewer, code: str) -> HttpResponse:
    """Show a piece of equipment: last values with their age, history, place, links, alarms, journal."""
    since = journal.last_seq()
    this = _seen(twin.get_asset(code), Kind.ASSET, viewer)
    state = reading.asset_state(this, viewer)
    names = [value.quantity for value in state.values]
    quantity = request.GET.get("quantity", "")
    if quantity not in names:
        quantity = next((name for name in names if not words.states_of(name)), next(iter(names), ""))
    period = _period(request)
    query = urlencode({"quantity": quantity, "hours": period})
    history = reading.history(this.id, quantity, period, TABLE_POINTS) if quantity else ()
    context = surround(request, viewer, since=since, live=f"{LIVE}?{urlencode({'asset': code})}") | {
        "asset": this,
        "where": place_words(this.place, this.commune),
        "state": frames.render_asset_state(state, viewer),
        "values": [frames.render_value_row(this.id, value, state.level, viewer) for value in state.values],
        "lon": f"{this.lon:.6f}",
        "lat": f"{this.lat:.6f}",
        "quantity": quantity,
        "quantities": names,
        "period": period,
        "periods": [(hours, _period_words(hours)) for hours in PERIODS],
        "plot_url": f"{reverse('console:plot', args=[code])}?{query}",
        "history": [{"at": at, "text": words.value_words(quantity, value)} for at, value in reversed(history)],
        "source": reading.source_sheet(this, viewer),
        "relations": _relations(this.id, viewer),
        "alarms": state.alarms,
        **commanding.of_asset(this, viewer),
        "lines": _lines(this, viewer),
        "properties": sorted((key, value) for key, value in this.properties.items() if value not in ("", None)),
    }
    return render(request, "console/asset.html", context)


@require_safe
@page(Verb.SEE, Kind.ASSET)
def asset_panel(request: HttpRequest, viewer: Viewer, asset_id: int) -> HttpResponse:
    """Return the panel of a piece of equipment chosen on the map."""
    found = twin.assets_by_id([asset_id]).get(asset_id)
    if found is None:
        raise NotFound(f"there is no asset number {asset_id}")
    return HttpResponse(
        frames.render_asset_panel(reading.asset_state(_seen(found, Kind.ASSET, viewer), viewer), viewer)
    )


@require_safe
@page(Verb.SEE, Kind.READING)
def plot(request: HttpRequest, viewer: Viewer, code: str) -> HttpResponse:
    """Return one quantity of one piece of equipment over the last hours, as columns for the plot."""
    this = _seen(twin.get_asset(code), Kind.READING, viewer)
    quantity = request.GET.get("quantity", "")
    period = _period(request)
    now = clock.now()
    points = reading.history(this.id, quantity, period, MOST_POINTS)
    label, unit = words.told(words.QUANTITIES, quantity), words.unit_symbol(quantity)
    body = {
        "quantity": quantity,
        "label": label,
        "unit": unit,
        "states": words.states_of(quantity),
        "t": [at / 1e6 for at, _value in points],
        "v": [value for _at, value in points],
        "from": (now - period * HOUR) / 1e6,
        "to": now / 1e6,
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})


def _seen(asset: Asset, kind: Kind, viewer: Viewer) -> Asset:
    """Return the equipment if this person may see it where it stands. Raises Forbidden."""
    people.require(viewer, Verb.SEE, kind, commune=asset.commune)
    return asset


def _period(request: HttpRequest) -> int:
    asked = request.GET.get("hours", "")
    return int(asked) if asked.isascii() and asked.isdigit() and int(asked) in PERIODS else PERIODS[1]


def _period_words(hours: int) -> str:
    return _("%(n)s dernières heures") % {"n": hours} if hours > 1 else _("dernière heure")


def _relations(asset_id: int, viewer: Viewer) -> list[tuple[str, list[Asset]]]:
    """Return the linked equipment that this person may see, gathered by what the link is."""
    within = reading.communes_of(viewer)
    found: dict[str, list[Asset]] = {}
    for way, kind, other in twin.related(asset_id):
        if within is not None and other.commune not in within:
            continue
        if (way, kind) == ("out", SOURCE):
            continue  # thousands: the sheet of the source counts them, and leads to their list
        found.setdefault(str(words.RELATIONS.get((way, kind), kind)), []).append(other)
    return list(found.items())


def _lines(this: Asset, viewer: Viewer) -> list[told.ToldLine] | None:
    if not people.may(viewer, Verb.SEE, Kind.JOURNAL):
        return None
    about = [f"asset:{this.code}", *([f"source:{this.source}"] if this.asset_class == SOURCE else [])]
    lines = journal.lines_of_any(about, limit=30, reach=people.reach_of(viewer))
    return told.tell_together(lines)

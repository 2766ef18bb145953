"""Telling an incident: what about, where, in which words. What is already known near there is shown before anything is sent.

The form is sent back and forth as it is filled (never in an address: what people tell stays out of logs). With the page's
script the same answers come while one types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from beffroi.console import reading
from beffroi.console.door import page, refusal_words
from beffroi.console.pictures import place_words, short_title
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError, NotFound, Refused
from beffroi.foundation.geo import is_position
from beffroi.foundation.ids import new_id
from beffroi.kernel.incidents import queries
from beffroi.kernel.incidents.types import CHANNELS_OF_PEOPLE, Channel, Incident, Told
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.procedures import actions as procedures
from beffroi.kernel.twin import queries as twin

MOST_CHOICES = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A place that the typed text may mean: a piece of equipment, or an address."""

    label: str
    lon: float
    lat: float
    place: str = ""
    commune: str = ""
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """The form as it stands. `chosen` is the place that was chosen for the text in `where`; another text undoes it.

    `key` makes a form that is sent twice one incident.
    """

    category: str = ""
    where: str = ""
    description: str = ""
    channel: str = Channel.PHONE
    priority: str = ""
    key: str = ""
    answer_to: str = ""
    answer_consent: str = ""
    chosen: Choice | None = None

    def told(self) -> Told:
        """Return what the kernel is told."""
        chosen = self.chosen or Choice("", 0.0, 0.0)
        return Told(
            category=self.category,
            lon=chosen.lon,
            lat=chosen.lat,
            place=chosen.place,
            commune=chosen.commune,
            description=self.description,
            channel=Channel(self.channel) if self.channel in set(Channel) else Channel.ALARM,
            priority=int(self.priority) if self.priority in ("1", "2", "3", "4") else None,
            asset=chosen.asset,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.OPEN, Kind.INCIDENT)
def new(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the form, look up what is typed, and open the incident when `do` says so."""
    refusal = ""
    if request.method != "POST":
        draft = _from_address(request.GET, viewer)
    else:
        draft = _read(request.POST, viewer)
        if request.POST.get("do") == "open":
            try:
                opened = _open(draft, viewer)
                return _leave(request, opened, _("%(ref)s ouvert."))
            except BeffroiError as error:
                refusal = refusal_words(error)
    return _form(request, viewer, draft, refusal)


def _open(draft: Draft, viewer: Viewer) -> Incident:
    """Open what the form tells, with where to answer whoever told it. Raises Refused for an address without their consent."""
    told, address = draft.told(), _answered_at(draft)
    return procedures.open_with_address(told, address, by=viewer, at=clock.now(), key=draft.key).incident


def _answered_at(draft: Draft) -> str:
    if draft.answer_to and not draft.answer_consent:
        raise Refused("ask whoever told it whether their address may be kept to answer them", key="consent-missing")
    return draft.answer_to


@require_POST
@page(Verb.OPEN, Kind.INCIDENT)
def attach(request: HttpRequest, viewer: Viewer, reference: str) -> HttpResponse:
    """Write what was told on an incident that is already known, instead of opening another."""
    draft = _read(request.POST, viewer)
    known = queries.get(reference, viewer)
    told = replace(draft.told(), lon=draft.chosen.lon if draft.chosen else known.lon)
    told = replace(told, lat=draft.chosen.lat if draft.chosen else known.lat, place=told.place or draft.where[:200])
    try:
        address = _answered_at(draft)
        after = procedures.attach_with_address(known.id, told, address, by=viewer, at=clock.now())
        return _leave(request, after, _("Signalement rattaché à %(ref)s."))
    except BeffroiError as error:
        return _form(request, viewer, draft, refusal_words(error), status=error.status)


def _leave(request: HttpRequest, incident: Incident, said: str) -> HttpResponse:
    messages.success(request, said % {"ref": incident.reference})
    return HttpResponseRedirect(f"{reverse('console:situation')}?incident={incident.reference}")


def _form(request: HttpRequest, viewer: Viewer, draft: Draft, refusal: str, status: int | None = None) -> HttpResponse:
    choices = () if draft.chosen else _choices(draft.where, viewer)
    known: tuple[Any, ...] = ()
    if draft.chosen:
        near = queries.known_near(draft.chosen.lon, draft.chosen.lat, category=draft.category, seen_by=viewer)
        known = tuple((each, short_title(each.incident), _where(each.incident)) for each in near)
    context = surround(request, viewer) | {
        "draft": draft if draft.key else replace(draft, key=str(new_id(clock.now()))),
        "choices": choices,
        "known": known,
        "categories": queries.categories(),
        "channels": [str(channel) for channel in CHANNELS_OF_PEOPLE],
        "refusal": refusal,
        "within_m": round(queries.KNOWN_WITHIN_M),
    }
    return render(request, "console/incident_new.html", context, status=status or (422 if refusal else 200))


def _where(incident: Incident) -> str:
    return place_words(incident.asset_name or incident.place, incident.commune)


def _read(data: Mapping[str, Any], viewer: Viewer) -> Draft:
    text = {name: str(data.get(name, "")).replace("\x00", "").strip() for name in Draft.__dataclass_fields__}
    where = text["where"][:200]
    draft = Draft(
        text["category"][:48],
        where,
        text["description"][:4_000],
        text["channel"][:16] or Channel.PHONE,
        text["priority"][:1],
        text["key"][:80],
        text["answer_to"][:200],
        "on" if text["answer_consent"] else "",
    )
    pick = str(data.get("choose", ""))
    if pick.isdigit() and len(pick) < 3:
        choices = _choices(where, viewer)
        if int(pick) < len(choices):
            chosen = choices[int(pick)]
            return replace(draft, where=chosen.label, chosen=chosen)
    label = str(data.get("label", ""))
    if label and label == where and (chosen_before := _chosen(data, label, viewer)):
        return replace(draft, chosen=chosen_before)
    return draft


def _chosen(data: Mapping[str, Any], label: str, viewer: Viewer) -> Choice | None:
    """Return the place chosen before, as the form carries it."""
    if code := str(data.get("asset", ""))[:64]:
        return _equipment(code, viewer)
    try:
        lon, lat = float(data.get("lon", "")), float(data.get("lat", ""))
    except ValueError:
        return None
    if not is_position(lon, lat):
        return None
    return Choice(label, lon, lat, str(data.get("place", ""))[:200], str(data.get("commune", ""))[:80])


def _from_address(query: Mapping[str, str], viewer: Viewer) -> Draft:
    """Return the form as an address opens it: on a piece of equipment (`asset`), or at a point of the map (`at`)."""
    if code := query.get("asset", "")[:64]:
        chosen = _equipment(code, viewer)
        return Draft(where=chosen.label, chosen=chosen) if chosen else Draft(where=code)
    lon, _comma, lat = query.get("at", "").partition(",")
    try:
        point = (float(lon), float(lat))
    except ValueError:
        return Draft()
    if not is_position(*point):
        return Draft()
    near = places.nearest_address(*point)
    commune = places.commune_at(*point)
    place = f"{near.address.number} {near.address.street}".strip() if near else ""
    town = near.address.commune if near else commune.name if commune else ""
    label = place_words(place, town) or f"{point[0]:.5f}, {point[1]:.5f}"
    return Draft(where=label, chosen=Choice(label, *point, place, town))


def _equipment(code: str, viewer: Viewer) -> Choice | None:
    try:
        asset = twin.get_asset(code)
    except NotFound:
        return None
    within = reading.communes_of(viewer)
    if within is not None and asset.commune not in within:
        return None
    label = f"{asset.name or asset.code} ({asset.code})"
    return Choice(label, asset.lon, asset.lat, asset.place, asset.commune, asset.code)


def _choices(text: str, viewer: Viewer) -> tuple[Choice, ...]:
    """Return the places that a typed text may mean: the equipment of that very code first, then addresses."""
    if len(text) < 3:
        return ()
    exact = _equipment(text, viewer)
    found = [
        Choice(address.text, address.lon, address.lat, f"{address.number} {address.street}".strip(), address.commune)
        for address in places.search_addresses(text, MOST_CHOICES)
    ]
    named = twin.list_assets(text=text, within=reading.communes_of(viewer), limit=3) if not found else ()
    others = [each for asset in named if (each := _equipment(asset.code, viewer)) and asset.code != text]
    return tuple([*([exact] if exact else []), *found, *others][:MOST_CHOICES])

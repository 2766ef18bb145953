"""What pages and frames read across the rooms, put together for one screen."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from beffroi.console import sending, words
from beffroi.console.pictures import (
    ALARM,
    EXPLAINED,
    NORMAL,
    SILENT,
    AssetState,
    Counts,
    Detail,
    SourceState,
    place_words,
)
from beffroi.console.thumbnails import pictures_of
from beffroi.foundation import clock
from beffroi.foundation.clock import HOUR, SECOND, Instant
from beffroi.foundation.errors import NotFound
from beffroi.foundation.geo import point_to_metres
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.types import Line
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.places.types import Address
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import CLASSES, SOURCE, Asset

CAMERAS_WITHIN_M = 300.0
NEAR_WITHIN_M = 1_000.0
QUEUE = 500
MOST_READ = 50_000
MOVED_WITHIN: Instant = 10 * 60 * SECOND
LEAST_SILENCE: Instant = 60 * SECOND


@dataclass(frozen=True, slots=True)
class AssetRow:
    """A line of the list of equipment."""

    asset: Asset
    where: str
    freshness: str
    stale: bool
    abnormal: bool
    distance: float | None = None


def counts(viewer: Viewer) -> Counts:
    """Return the figures of the header: of the person's post, over what this person may see."""
    post = viewer.post
    found = incidents.counts(seen_by=viewer, desks=post.desks)
    rate, flood = alarms.rate_10_min(clock.now(), post), alarms.open_flood(post)
    first, second, third, fourth = (found.unseen.get(priority, 0) for priority in (1, 2, 3, 4))
    escalated, aside = alarms.aside_counts(seen_by=viewer, desks=post.desks)
    one, two, three, four = (escalated.get(level, 0) + found.late_by.get(level, 0) for level in (1, 2, 3, 4))
    return Counts(
        found.open,
        found.unowned,
        rate,
        flood,
        (first, second, third, fourth),
        found.late,
        sum(escalated.values()),
        aside,
        told=(one, two, three, four),
        to_authorise=commands.to_authorise(seen_by=viewer),
    )


def queue(viewer: Viewer) -> tuple[Incident, ...]:
    """Return the open incidents of the person's post that this person may see, the most urgent first, at most 500."""
    return incidents.list_open(seen_by=viewer, desks=viewer.post.desks, limit=QUEUE)


def detail(incident: Incident, viewer: Viewer) -> Detail:
    """Return everything that an incident's panel shows to this person."""
    x_m, y_m = point_to_metres(incident.lon, incident.lat)
    cameras = twin.nearest(x_m, y_m, asset_class="camera", within_m=CAMERAS_WITHIN_M, limit=5)
    lines: tuple[Line, ...] = ()
    if people.may(viewer, Verb.SEE, Kind.JOURNAL):
        lines = incidents.history(incident.id, limit=60, reach=people.reach_of(viewer))
    reads = people.may(viewer, Verb.SEE, Kind.PERSONAL, desk=incident.desk, commune=incident.commune)
    return Detail(
        incident,
        alarms.of_ids(incident.alarm_ids),
        cameras,
        lines,
        incidents.proposals_of(incident.id, seen_by=viewer),
        incidents.duplicates_of(incident.id, seen_by=viewer),
        incidents.signals_of(incident.id) if reads else (),
        incidents.origins_of(incident.id),
        incidents.marks(incident.id, readable=reads),
        incidents.pauses(incident.id) if reads else (),
        incidents.transfers(incident.id, readable=reads),
        incidents.bodies(),
        _takers(incident, viewer),
        pictures_of(incident, viewer),
        incidents.written([incident.id], readable=reads)[incident.id],
        missions=sending.missions_of(incident, viewer),
        closures=places.closures_of_incident(incident.id, at=clock.now()),
    )


def _takers(incident: Incident, viewer: Viewer) -> tuple[tuple[str, str], ...]:
    """Return the accounts to which this viewer may give an incident; none for who may not."""
    if not people.may(viewer, Verb.ASSIGN, Kind.INCIDENT, desk=incident.desk, commune=incident.commune):
        return ()
    return people.who_may(Verb.TAKE, Kind.INCIDENT, desk=incident.desk, commune=incident.commune)


def find_incidents(text: str, viewer: Viewer) -> list[Incident]:
    """Return the open incidents whose reference, title or place holds this text, at most 20."""
    if not people.may(viewer, Verb.SEE, Kind.INCIDENT):
        return []
    sought = text.casefold()
    found = [
        incident
        for incident in incidents.list_open(seen_by=viewer, limit=QUEUE)
        if sought in f"{incident.reference} {incident.title} {incident.place} {incident.commune}".casefold()
    ]
    return found[:20]


def communes_of(viewer: Viewer) -> frozenset[str] | None:
    """Return where this person may see equipment; None: everywhere."""
    return people.communes_of(viewer, Verb.SEE, Kind.ASSET)


def find_addresses(text: str, viewer: Viewer) -> tuple[Address, ...]:
    """Return the addresses that a typed text may mean, the best first, at most 8."""
    if not (people.may(viewer, Verb.SEARCH, Kind.PLACE) and people.may(viewer, Verb.SEE, Kind.SITUATION)):
        return ()
    return places.search_addresses(text, 8)


def source_states() -> list[SourceState]:
    """Return whether each source is heard: not for a minute, nor for one and a half of its equipment's periods."""
    now = clock.now()
    return [
        SourceState(code, heard, heard is None or now - heard > _silence_of(code))
        for code, heard in twin.sources_heard()
    ]


@lru_cache(maxsize=256)
def _silence_of(source: str) -> Instant:
    """Return how long a source may say nothing, from the period of its first piece of equipment."""
    first = twin.list_assets(source=source, limit=1)
    period_s = (first[0].period_s if first else None) or 0
    return max(LEAST_SILENCE, period_s * SECOND * 3 // 2)


def asset_state(asset: Asset, viewer: Viewer) -> AssetState:
    """Return what is known of a piece of equipment now."""
    level, since = twin.freshness_of(asset.id)
    opened = alarms.list_alarms(alarms.Filters(asset=asset.code, open_only=True), seen_by=viewer, limit=20)
    return AssetState(asset, twin.state_of(asset.id), level, since, opened)


def history(asset_id: int, quantity: str, hours: int, limit: int) -> list[tuple[Instant, float]]:
    """Return the last values of a quantity over the last hours, in their order, the latest `limit` at most."""
    since = clock.now() - hours * HOUR
    found = twin.readings(asset_id, quantity=quantity, since=since, limit=MOST_READ)
    return [(value.observed_at, value.value) for value in found][-limit:]


def source_sheet(asset: Asset, viewer: Viewer) -> twin.SourceSheet | None:
    """Return the sheet of the source that a piece of equipment stands for; None for every other."""
    if asset.asset_class != SOURCE:
        return None
    return next(iter(twin.source_sheets(code=asset.source, within=communes_of(viewer))), None)


def list_assets(
    text: str, asset_class: str, near: str, after: str, *, viewer: Viewer, limit: int, source: str = ""
) -> list[AssetRow]:
    """Return equipment by code, or by distance when `near` names one or an incident. Raises NotFound for that name."""
    within = communes_of(viewer)
    if not near:
        found = twin.list_assets(
            text=text or None,
            asset_class=asset_class or None,
            source=source or None,
            within=within,
            after=after,
            limit=limit,
        )
        return _rows([(asset, None) for asset in found])
    x_m, y_m = _place_of(near, viewer)
    slugs = [asset_class] if asset_class else list(CLASSES)
    around = [
        (asset, far)
        for slug in slugs
        for asset, far in twin.nearest(x_m, y_m, asset_class=slug, within_m=NEAR_WITHIN_M, limit=limit)
        if within is None or asset.commune in within
        if source in ("", asset.source)
        if not text or text.casefold() in f"{asset.code} {asset.name} {asset.place}".casefold()
    ]
    return _rows(sorted(around, key=lambda pair: pair[1])[:limit])


def position_of(name: str, viewer: Viewer) -> tuple[float, float]:
    """Return the longitude and latitude of a piece of equipment or an incident that this person may see. Raises NotFound."""
    try:
        asset = twin.get_asset(name)
    except NotFound:
        return incidents.place_of(name, viewer)
    within = communes_of(viewer)
    if within is not None and asset.commune not in within:
        raise NotFound(f"no asset is called `{name}`, or you may not see it")
    return asset.lon, asset.lat


def _place_of(name: str, viewer: Viewer) -> tuple[float, float]:
    try:
        asset = twin.get_asset(name)
    except NotFound:
        place = incidents.place_of(name, viewer)
        return point_to_metres(*place)
    return asset.x_m, asset.y_m


def _rows(found: Collection[tuple[Asset, float | None]]) -> list[AssetRow]:
    state = conditions_of([asset.id for asset, _far in found])
    rows = []
    for asset, far in found:
        condition = state.get(asset.id, NORMAL)
        level = condition if condition <= SILENT else 0
        told = "" if asset.period_s is None else str(words.FRESHNESS[level])
        where = place_words(asset.place, asset.commune)
        rows.append(AssetRow(asset, where, told, level > 0, ALARM < condition < EXPLAINED, far))
    return rows


def all_conditions() -> dict[int, int]:
    """Return the condition of every piece of equipment that is not normal (`pictures.NORMAL` and what follows)."""
    return combine(*causes_of_conditions())


def causes_of_conditions() -> tuple[dict[int, int], list[tuple[int, int, bool]]]:
    """Return what makes equipment not normal: freshness levels by asset, and (asset, priority, explained) of alarms."""
    return twin.freshness_levels(), alarms.standing()


def conditions_of(asset_ids: Iterable[int]) -> dict[int, int]:
    """Return the condition of these pieces of equipment where it is not normal."""
    ids = set(asset_ids)
    levels = {asset: level for asset, level in twin.freshness_levels().items() if asset in ids}
    return combine(levels, alarms.standing(ids))


def combine(levels: Mapping[int, int], standing: Iterable[tuple[int, int, bool]]) -> dict[int, int]:
    """Return the condition of what is not normal: an alarm shows before one that is explained, that before silence."""
    found = {asset: level for asset, level in levels.items() if level}
    for asset, priority, explained in standing:
        condition = EXPLAINED if explained else ALARM + priority
        found[asset] = min(condition, found[asset]) if found.get(asset, NORMAL) > ALARM else condition
    return found


def map_places(
    fine: Collection[str], most: int, *, viewer: Viewer
) -> tuple[list[tuple[int, str, str, float, float]], int]:
    """Return (id, code, class, lon, lat) of the equipment of few classes and of what moves, and how many there are."""
    within = communes_of(viewer)
    ours = None if within is None else twin.ids_within(within)
    places = [place[:5] for place in twin.movers(clock.now() - MOVED_WITHIN) if ours is None or place[0] in ours]
    for slug in (slug for slug, entry in CLASSES.items() if slug not in fine and not entry.moves):
        after = ""
        while len(places) < most:
            found = twin.list_assets(asset_class=slug, within=within, after=after, limit=500)
            places += [(asset.id, asset.code, asset.asset_class, asset.lon, asset.lat) for asset in found]
            if len(found) < 500:
                break
            after = found[-1].code
    return places[:most], len(places)


@dataclass(frozen=True, slots=True)
class City:
    """What the city's own files ask of its map: the words to show, where it opens, and how far the city goes.

    `extent`: west, south, east and north in degrees, with commas.
    """

    attribution: str = ""
    lon: str = ""
    lat: str = ""
    extent: str = ""


_city: dict[str, City] = {}


def city() -> City:
    """Return what `city.json` says of the map, read once; empty for a city that has no such file."""
    file = settings().data.absolute() / "city" / "city.json"
    if str(file) not in _city:
        try:
            told = json.loads(file.read_text())
            lon, lat = told.get("centre", ("", ""))
            extent = ",".join(str(each) for each in told.get("bounds", ()))
        except (OSError, ValueError):
            return City()
        _city[str(file)] = City(str(told.get("attribution", "")), str(lon), str(lat), extent)
    return _city[str(file)]

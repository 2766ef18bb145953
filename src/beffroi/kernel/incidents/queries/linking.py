"""How incidents stand to each other: near, proposed as one, united; what was told of them; what they are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import Q

from beffroi.foundation.clock import MINUTE, from_datetime, to_datetime
from beffroi.foundation.geo import point_to_metres
from beffroi.kernel.incidents import models, rules
from beffroi.kernel.incidents.queries import catalogue
from beffroi.kernel.incidents.queries.reading import of_ids
from beffroi.kernel.incidents.queries.tree import tree_of
from beffroi.kernel.incidents.rules import Compared, Twin
from beffroi.kernel.incidents.types import (
    OPEN_STATES,
    Category,
    Channel,
    Correlation,
    Facts,
    Incident,
    Near,
    PairState,
    Proposal,
    Signal,
)
from beffroi.kernel.journal.queries import lines_of, lines_of_any, read_words
from beffroi.kernel.journal.types import COMMON_ONLY, Line, Reach
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import queries as twin

KNOWN_WITHIN_M = 150.0
MOVES = ("split_incident", "merge_incident", "separate_incident")
"""Verbs that move alarms from one incident to another."""

MOST_NEIGHBOURS = 40
MOST_ASSETS = 20
MOST_SHOWN = 20
_OPEN = [str(state) for state in OPEN_STATES]

_NEAR = """
SELECT id, point(x_m, y_m) <-> point(%s, %s) AS far FROM incidents_incident
WHERE state = ANY(%s) AND point(x_m, y_m) <@ box(point(%s, %s), point(%s, %s)) ORDER BY far, id LIMIT %s
"""
_NEIGHBOURS = """
SELECT n.id FROM incidents_incident n
WHERE n.state = ANY(%s) AND n.id <> %s
    AND point(n.x_m, n.y_m) <@ box(point(%s, %s), point(%s, %s))
    AND n.opened_at BETWEEN %s AND %s
    AND NOT EXISTS (
        SELECT 1 FROM incidents_pair p WHERE p.elder_id = least(n.id, %s) AND p.younger_id = greatest(n.id, %s)
    )
ORDER BY point(n.x_m, n.y_m) <-> point(%s, %s), n.id LIMIT %s
"""


def known_near(
    lon: float, lat: float, *, category: str = "", seen_by: Viewer, within_m: float = KNOWN_WITHIN_M, limit: int = 5
) -> tuple[Near, ...]:
    """Return the open incidents near a place, those about the same thing first, then by distance."""
    x_m, y_m = point_to_metres(lon, lat)
    box = [x_m - within_m, y_m - within_m, x_m + within_m, y_m + within_m]
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [x_m, y_m, _OPEN, *box, MOST_NEIGHBOURS])
        far = {int(key): float(metres) for key, metres in cursor.fetchall() if metres <= within_m}
    profile = catalogue.categories()
    family = rules.family_of(category, profile) if category else ""
    found = [
        Near(incident, round(far[incident.id], 1), rules.family_of(incident.category, profile) == family)
        for incident in of_ids(far, seen_by=seen_by)
    ]
    return tuple(sorted(found, key=lambda near: (not near.alike, near.distance_m, near.incident.id))[:limit])


def signals_of(incident_id: int, *, readable: bool = True) -> tuple[Signal, ...]:
    """Return what was told of an incident, the latest first, at most 100. The caller asks the door.

    Not `readable`: the words, which may name persons, are withheld.
    """
    rows = list(models.Signal.objects.filter(incident_id=incident_id).select_related("first").order_by("-id")[:100])
    read = read_words([row.description for row in rows], readable=readable)
    return tuple(
        Signal(
            row.pk,
            Channel(row.channel),
            read.words(row.description),
            row.place,
            from_datetime(row.received_at),
            row.teller_name,
            rules.reference_of(row.first.pk, from_datetime(row.first.opened_at)) if row.first else "",
        )
        for row in rows
    )


def duplicates_of(incident_id: int, *, seen_by: Viewer) -> tuple[Incident, ...]:
    """Return the incidents that were united with this one, and that this person may see."""
    ids = models.Incident.objects.filter(duplicate_of_id=incident_id).values_list("id", flat=True)
    return of_ids(ids[:MOST_SHOWN], seen_by=seen_by)


def proposals_of(incident_id: int, *, seen_by: Viewer) -> tuple[Proposal, ...]:
    """Return the open incidents that may be the same as this one, nearest first, of those that this person may see."""
    pairs = models.Pair.objects.filter(Q(elder_id=incident_id) | Q(younger_id=incident_id), state=PairState.PROPOSED)
    others = {row.younger_id if row.elder_id == incident_id else row.elder_id: row for row in pairs[:MOST_SHOWN]}
    titles = {rule.code: rule.title for rule in catalogue.correlation()}
    found = [
        Proposal(
            row.pk, other, row.rule, titles.get(row.rule, row.rule), Facts(**row.facts), row.younger_id == other.id
        )
        for other in of_ids(others, seen_by=seen_by)
        if other.state in OPEN_STATES
        for row in (others[other.id],)
    ]
    return tuple(sorted(found, key=lambda each: (each.facts.distance_m, each.other.id)))


def proposed_with(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return the incidents that are proposed as one with any of these: what their rows show follows from these too."""
    wanted = set(numbers)
    pairs = models.Pair.objects.filter(Q(elder_id__in=wanted) | Q(younger_id__in=wanted), state=PairState.PROPOSED)
    found = {number for pair in pairs.values_list("elder_id", "younger_id") for number in pair}
    return tuple(sorted(found - wanted))


def pair_of(one: int, other: int) -> models.Pair | None:
    """Return what was thought or decided of two incidents."""
    pairs = models.Pair.objects.select_related("decided_by")
    return pairs.filter(elder_id=min(one, other), younger_id=max(one, other)).first()


def decided_by(one: int, other: int) -> str:
    """Return who decided whether two incidents are one; nothing while nobody did, or where a rule did."""
    pair = pair_of(one, other)
    return pair.decided_by.display_name if pair and pair.decided_by else ""


def last_move(alarm_id: int) -> tuple[str, str] | None:
    """Return who moved an alarm from one incident to another last, and the reference of where it is."""
    link = models.IncidentAlarm.objects.filter(alarm_id=alarm_id).select_related("incident").first()
    line = next((each for each in lines_of(f"alarm:{alarm_id}", limit=50) if each.verb in MOVES), None)
    if link is None or line is None:
        return None
    return line.actor.name, rules.reference_of(link.incident_id, from_datetime(link.incident.opened_at))


def note_lines(incident_id: int, *, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return the notes written about an incident and its duplicates, the latest first."""
    ours = {f"incident:{number}" for number in tree_of(incident_id)}
    lines = lines_of_any(sorted(ours), limit=500, reach=reach)
    return tuple(line for line in lines if line.verb == "note_incident" and line.subject in ours)


def origins_of(incident_id: int) -> dict[str, str]:
    """Return, for each subject of the journal that came from a duplicate, the reference of that duplicate."""
    tree = [number for number in tree_of(incident_id) if number != incident_id]
    if not tree:
        return {}
    rows = models.Incident.objects.filter(pk__in=tree).values_list("id", "opened_at")
    named = {key: rules.reference_of(key, from_datetime(at)) for key, at in rows}
    links = models.IncidentAlarm.objects.filter(incident_id=incident_id, first_id__in=tree)
    alarms = {f"alarm:{alarm}": named[first] for alarm, first in links.values_list("alarm_id", "first_id")}
    return {f"incident:{key}": reference for key, reference in named.items()} | alarms


# -- what comparing reads ----------------------------------------------------------------------------------------------


def neighbours(
    incident_id: int, correlation: Sequence[Correlation], categories: Sequence[Category]
) -> tuple[Compared | None, tuple[Compared, ...]]:
    """Return an open incident as it is compared, and the open ones near enough in place and time, nearest first.

    A pair of which somebody thought already is left out. At most 40, found by a box in metres.
    """
    (me,) = compared([incident_id], categories) or (None,)
    within_m, within_min = rules.reach(correlation)
    if me is None or within_m <= 0:
        return me, ()
    box = [me.x_m - within_m, me.y_m - within_m, me.x_m + within_m, me.y_m + within_m]
    span = int(within_min * MINUTE)
    times = [to_datetime(me.opened_at - span), to_datetime(me.opened_at + span)]
    with connection.cursor() as cursor:
        cursor.execute(
            _NEIGHBOURS,
            [_OPEN, me.id, *box, *times, me.id, me.id, me.x_m, me.y_m, MOST_NEIGHBOURS],
        )
        ids = [int(row[0]) for row in cursor.fetchall()]
    return me, compared(ids, categories)


def compared(incident_ids: Sequence[int], categories: Sequence[Category]) -> tuple[Compared, ...]:
    """Return open incidents as they are compared, in the order asked; closed ones and those without place are absent."""
    rows = models.Incident.objects.filter(pk__in=list(incident_ids), state__in=_OPEN, x_m__isnull=False)
    links: dict[int, list[int]] = {}
    held = models.IncidentAlarm.objects.filter(incident_id__in=list(incident_ids)).order_by("-alarm_id")
    for incident, asset in held.values_list("incident_id", "alarm__asset_id"):
        links.setdefault(incident, []).append(asset)
    found = {
        row.pk: Compared(
            id=row.pk,
            x_m=row.x_m or 0.0,
            y_m=row.y_m or 0.0,
            opened_at=from_datetime(row.opened_at),
            category=row.category,
            family=rules.family_of(row.category, categories),
            sources=frozenset({row.origin, row.channel, *_source(row)}),
            assets=frozenset([*links.get(row.pk, [])[:MOST_ASSETS], *([row.asset_id] if row.asset_id else [])]),
            priority=row.priority,
            owner=row.owner_id,
        )
        for row in rows.select_related("asset__source")
    }
    return tuple(found[number] for number in incident_ids if number in found)


def _source(row: models.Incident) -> tuple[str, ...]:
    return (row.asset.source.code,) if row.asset and row.asset.source else ()


def twin_of(incidents: Iterable[Compared]) -> Twin:
    """Return what the twin says of the equipment of these incidents: three statements, however many they are."""
    assets = {asset for each in incidents for asset in each.assets}
    fed, inside = twin.upstream(assets, "feeds"), twin.upstream(assets, "contains")
    known = twin.assets_by_id(assets | set(fed.values()) | set(inside.values()))
    return Twin(fed, inside, {key: asset.name or asset.code for key, asset in known.items()})

"""Crews: what they do, who mans them, where they are while on duty; narrowed to what the person may see."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Prefetch, QuerySet

from beffroi.foundation.clock import from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.dispatch import models, rules
from beffroi.kernel.dispatch.types import (
    DutyState,
    MissionState,
    Point,
    Position,
    Unit,
    UnitKind,
)
from beffroi.kernel.people.queries import may, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places.types import Vehicle

MAX_LIMIT = 500


def units(
    *, seen_by: Viewer, desks: Collection[str] = (), on_duty: bool = False, after: str = "", limit: int = MAX_LIMIT
) -> tuple[Unit, ...]:
    """Return the crews that this person may see, in the order of the profile; `desks` narrows to those of a post.

    Positions are in it for who may see where crews are. `after` is the slug of the last one of the page before.
    """
    seen = {territory.desk for territory in territories(seen_by, Verb.SEE, Kind.UNIT)}
    rows = _whole() if "" in seen else _whole().filter(desk__in=seen)
    if desks:
        rows = rows.filter(desk__in=desks)
    if on_duty:
        rows = rows.exclude(duty=DutyState.OFF)
    if after:
        last = models.Unit.objects.filter(slug=after).values_list("place", flat=True).first()
        rows = rows.filter(place__gt=-1 if last is None else last)
    return tuple(unit_of(row, seen_by) for row in rows.order_by("place", "slug")[: max(1, min(limit, MAX_LIMIT))])


def unit(slug: str, *, seen_by: Viewer) -> Unit:
    """Return a crew. Raises NotFound, also for who may not see it: its own people, and who sends crews of its desk."""
    row = _whole().filter(slug=slug[:32]).first()
    if row is None or not (is_of_crew(seen_by, row) or may(seen_by, Verb.SEE, Kind.UNIT, desk=row.desk)):
        raise NotFound(f"there is no crew `{slug[:32]}`, or you may not see it")
    return unit_of(row, seen_by)


def unit_of_person(viewer: Viewer) -> Unit | None:
    """Return the crew that a person is in: the one they are aboard of, else the one the profile gives them; None: none."""
    slug = slug_of_person(viewer)
    return None if slug is None else unit_of(_whole().get(slug=slug), viewer)


def slug_of_person(viewer: Viewer) -> str | None:
    """Return the slug of the crew that a person is in."""
    aboard = models.Aboard.objects.filter(person__username=viewer.username, ended_at=None).values_list(
        "unit__slug", flat=True
    )
    declared = models.Unit.objects.filter(crew__contains=[viewer.username], in_use=True).values_list("slug", flat=True)
    return aboard.first() or declared.order_by("place").first()


def is_of_crew(viewer: Viewer, row: models.Unit) -> bool:
    """Tell whether a person with a crew's clearance mans this crew: aboard of it, or named by the profile."""
    if not may(viewer, Verb.REPORT, Kind.MISSION, desk=row.desk):
        return False
    return viewer.username in row.crew or row.aboard.filter(person__username=viewer.username, ended_at=None).exists()


def _whole() -> QuerySet[models.Unit]:
    """Return crews with all that is shown of them, in four statements however many they are."""
    return (
        models.Unit.objects.filter(in_use=True)
        .select_related("last_position")
        .prefetch_related(
            Prefetch("missions", models.Mission.objects.filter(state__in=models.LIVE), to_attr="live"),
            Prefetch("distresses", models.Distress.objects.filter(ended_at=None), to_attr="standing"),
            Prefetch(
                "aboard",
                models.Aboard.objects.filter(ended_at=None).select_related("person").order_by("began_at", "id"),
                to_attr="people",
            ),
        )
    )


def unit_of(row: models.Unit, viewer: Viewer) -> Unit:
    """Return a crew as this person may see it. `row` comes from `_whole`."""
    live = next(iter(getattr(row, "live", [])), None)
    distress = next(iter(getattr(row, "standing", [])), None)
    duty = DutyState(row.duty)
    state = MissionState(live.state) if live is not None else None
    named = [] if row.anonymous else [each.person.display_name for each in getattr(row, "people", [])]
    own = viewer.username in row.crew
    sees = own or may(viewer, Verb.SEE, Kind.POSITION, desk=row.desk)
    return Unit(
        slug=row.slug,
        name=row.name,
        callsign=row.callsign,
        kind=UnitKind(row.kind),
        desk=row.desk,
        post=row.post,
        vehicle=Vehicle(row.vehicle),
        skills=tuple(row.skills),
        asset_id=row.asset_id,
        status=rules.status_of(duty, state, distress is not None),
        duty=duty,
        duty_since=from_datetime(row.duty_since) if row.duty_since else None,
        duty_until=from_datetime(row.duty_until) if row.duty_until else None,
        headcount=row.headcount,
        alone=duty is not DutyState.OFF and rules.is_alone(row.headcount, row.alone),
        crew=tuple(named),
        shares=row.shares,
        position=_position(row) if sees else None,
        base=Point(row.base_lon, row.base_lat),
        mission=live.pk if live is not None else None,
        mission_state=state,
        incident=live.incident_id if live is not None else None,
        distress=distress.pk if distress is not None else None,
        reason=row.reason,
        version=row.version,
        anonymous=row.anonymous,
    )


def _position(row: models.Unit) -> Position | None:
    last = getattr(row, "last_position", None)
    if last is None:
        return None
    return Position(last.lon, last.lat, from_datetime(last.observed_at), last.accuracy_m, last.coarse)


def read_unit(slug: str, viewer: Viewer) -> Unit:
    """Return a crew read anew, for who has just acted on it."""
    return unit_of(_whole().get(slug=slug), viewer)

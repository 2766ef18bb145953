"""Who is nearest, by travel time through the streets, and why, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from beffroi.foundation.clock import Instant
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.queries.profile import skills as titles_of
from beffroi.kernel.dispatch.queries.profile import times
from beffroi.kernel.dispatch.queries.units import units
from beffroi.kernel.dispatch.types import Candidate, Point, Unit
from beffroi.kernel.people.queries import may
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.places.types import Travel

MAX_LIMIT = 50


def nearest(
    position: Point, *, skills: Iterable[str] = (), seen_by: Viewer, at: Instant, limit: int = 10
) -> tuple[Candidate, ...]:
    """Return the crews on duty that this person may send, the first to think of first, each with its reason.

    `skills` are asked for: a crew that lacks one comes after those that have them. Crews that are busy come last.
    """
    wanted, named, ours = tuple(skills), titles_of(), times()
    may_send = {desk: may(seen_by, Verb.PROPOSE, Kind.MISSION, desk=desk) for desk in _desks(seen_by)}
    found = [unit for unit in units(seen_by=seen_by, on_duty=True) if may_send.get(unit.desk)]
    travels = _travels(found, position, at)
    known = (
        rules.candidate_of(unit, position, each, wanted, times=ours, at=at)
        for unit, each in zip(found, travels, strict=True)
    )
    ordered = rules.order(known)[: max(1, min(limit, MAX_LIMIT))]
    return tuple(rules.told(candidate, named) for candidate in ordered)


def _desks(viewer: Viewer) -> set[str]:
    return {unit.desk for unit in units(seen_by=viewer, on_duty=True)}


def _travels(found: Sequence[Unit], to: Point, at: Instant) -> list[Travel]:
    """Return how each crew comes there by the streets, one question for each kind of vehicle."""
    reached: dict[str, Travel] = {}
    for vehicle in dict.fromkeys(unit.vehicle for unit in found):
        going = [unit for unit in found if unit.vehicle is vehicle]
        origins = [(origin.lon, origin.lat) for origin in map(rules.origin_of, going)]
        ways = places.travels(origins, (to.lon, to.lat), vehicle=vehicle, at=at)
        reached |= {unit.slug: way for unit, way in zip(going, ways, strict=True)}
    return [reached[unit.slug] for unit in found]

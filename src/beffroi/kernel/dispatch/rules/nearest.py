"""Which crew comes first, and why, in one sentence. Pure: travel times are reckoned by the places' room and passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.dispatch.rules.positions import metres_between
from beffroi.kernel.dispatch.types import Candidate, DutyState, Point, Position, Times, Unit, UnitStatus
from beffroi.kernel.places.types import Travel, Vehicle

DETOUR = 1.4
"""How much longer a way by streets is than the straight line, in a town."""

SPEED_MS: Mapping[Vehicle, float] = MappingProxyType(
    {Vehicle.CAR: 8.3, Vehicle.VAN: 8.0, Vehicle.LORRY: 7.0, Vehicle.BICYCLE: 4.2, Vehicle.FOOT: 1.3}
)
"""Speeds in a town, lights and corners counted, in metres a second: for places that no street of the graph leads to."""

MOST_ADDED_S = 900
"""A position that is old adds its age to the time by which crews are ordered, and no more than this."""

_STATUS_RANK = {
    UnitStatus.AVAILABLE: 0,
    UnitStatus.BREAK: 1,
    UnitStatus.ALERTED: 2,
    UnitStatus.EN_ROUTE: 2,
    UnitStatus.ON_SITE: 2,
    UnitStatus.UNAVAILABLE: 3,
    UnitStatus.DISTRESS: 4,
    UnitStatus.OFF_DUTY: 5,
}
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "streets": "à %(minutes)d min par les rues",
        "straight": "à %(minutes)d min environ, en ligne droite",
        "closed": "par une rue fermée à la circulation",
        "base": "compté depuis son point d’attache",
        "coarse": "position approchée, pendant la pause",
        "stale": "position vieille de %(minutes)d min, comptés en plus",
        "missing": "sans %(skills)s",
        "tired": "de service depuis %(hours)d h",
        UnitStatus.AVAILABLE: "disponible",
        UnitStatus.BREAK: "en pause",
        UnitStatus.ALERTED: "déjà alerté",
        UnitStatus.EN_ROUTE: "déjà en route ailleurs",
        UnitStatus.ON_SITE: "déjà sur place ailleurs",
        UnitStatus.UNAVAILABLE: "indisponible",
        UnitStatus.DISTRESS: "en détresse",
    }
)
"""The parts of the sentence, French; the console says them in the language of who reads."""


def origin_of(unit: Unit) -> Point:
    """Return where a crew is reckoned to start from: its position, else its base."""
    if unit.position is not None:
        return Point(unit.position.lon, unit.position.lat)
    return unit.base


def straight_s(origin: Point, to: Point, vehicle: Vehicle) -> float:
    """Return how long a crew needs where no street is known, in seconds."""
    return metres_between(origin, to) * DETOUR / SPEED_MS[vehicle]


def candidate_of(
    unit: Unit, to: Point, travel: Travel, wanted: Iterable[str], *, times: Times, at: Instant
) -> Candidate:
    """Return what is known of a crew that may be sent: its time, what it lacks, how old its position is."""
    origin, position = origin_of(unit), unit.position
    seconds = straight_s(origin, to, unit.vehicle) if travel.seconds is None else travel.seconds
    age = position.age_s(at) if position is not None else None
    duty_s = (at - unit.duty_since) // SECOND if unit.duty_since is not None else 0
    return Candidate(
        unit=unit,
        travel_s=round(seconds),
        reason="",
        metres=round(metres_between(origin, to)),
        by_streets=travel.seconds is not None,
        closed=travel.closed,
        from_base=position is None,
        position_age_s=age,
        stale=_is_stale(position, at, times),
        missing=tuple(skill for skill in wanted if skill not in unit.skills),
        duty_s=duty_s,
        tired=duty_s >= times.tired_after_s,
        free=unit.status in (UnitStatus.AVAILABLE, UnitStatus.BREAK) and unit.duty is not DutyState.OFF,
    )


def _is_stale(position: Position | None, at: Instant, times: Times) -> bool:
    return position is not None and position.age_s(at) > times.stale_after_s


def counted_s(candidate: Candidate) -> float:
    """Return the time by which crews are ordered: what is not certain counts against it."""
    added = min(candidate.position_age_s or 0, MOST_ADDED_S) if candidate.stale else 0
    return candidate.travel_s + added


def order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return crews in the order in which to think of them.

    Those free and able come first. Among them the minute decides (ten seconds are less than what an estimate is worth),
    then skills, then status, then who has worked less, then seconds.
    """

    def key(each: Candidate) -> tuple[bool, bool, bool, int, int, int, int, float, str]:
        seconds = counted_s(each)
        minute = round(seconds / 60)
        rank = _STATUS_RANK[each.unit.status]
        return (
            not each.free,
            bool(each.missing),
            bool(each.closed),
            minute,
            len(each.missing),
            rank,
            each.duty_s // 3600,
            seconds,
            each.unit.slug,
        )

    return tuple(sorted(candidates, key=key))


def sentence(candidate: Candidate, skills: Mapping[str, str], say: Callable[[str], str] = str) -> str:
    """Return why a crew stands where it does, in one sentence; `say` translates its parts."""
    parts = [_travel(candidate, say)]
    if candidate.closed:
        parts.append(say(WORDS["closed"]))
    if candidate.from_base:
        parts.append(say(WORDS["base"]))
    if candidate.unit.position is not None and candidate.unit.position.coarse:
        parts.append(say(WORDS["coarse"]))
    if candidate.stale:
        parts.append(say(WORDS["stale"]) % {"minutes": min(candidate.position_age_s or 0, MOST_ADDED_S) // 60})
    if candidate.missing:
        named = ", ".join(skills.get(skill, skill) for skill in candidate.missing)
        parts.append(say(WORDS["missing"]) % {"skills": named})
    parts.append(say(WORDS.get(candidate.unit.status, "")))
    if candidate.tired:
        parts.append(say(WORDS["tired"]) % {"hours": candidate.duty_s // 3600})
    told = " ; ".join(part for part in parts if part)
    return told[:1].upper() + told[1:] + "."


def _travel(candidate: Candidate, say: Callable[[str], str]) -> str:
    minutes = {"minutes": max(1, round(candidate.travel_s / 60))}
    return say(WORDS["streets" if candidate.by_streets else "straight"]) % minutes


def told(candidate: Candidate, skills: Mapping[str, str]) -> Candidate:
    """Return a crew with its sentence."""
    return replace(candidate, reason=sentence(candidate, skills))

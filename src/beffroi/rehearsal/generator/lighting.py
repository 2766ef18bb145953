"""Public lighting: light points at even distances along lit streets, and the cabinets that feed them."""

from __future__ import annotations

import numpy as np
import shapely

from beffroi.rehearsal.generator.assets import MadeAsset, MadeRelation
from beffroi.rehearsal.generator.geometry import Metres, aside, spread
from beffroi.rehearsal.generator.names import in_sentence
from beffroi.rehearsal.generator.network import Network, Segment
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

RATED_W = {4: 110, 3: 90, 2: 75, 1: 55, 0: 40}
"""Rated power of a lamp by the rank of its street."""


Spot = tuple[Metres, Segment, float]
"""Where a lamp stands: place, street, distance along the segment."""


def light_city(profile: Profile, territory: Territory, network: Network) -> tuple[list[MadeAsset], list[MadeRelation]]:
    """Place exactly the light points asked, group them by neighbourhood within a commune, give each group a cabinet."""
    by_commune: dict[str, list[Spot]] = {}
    for spot in _spots(profile, territory, network):
        by_commune.setdefault(spot[1].commune, []).append(spot)
    communes = [commune for commune in territory.communes if commune in by_commune]
    cabinets = max(len(communes), round(profile.equipment.light_points / profile.equipment.lights_per_cabinet))
    extra = spread(cabinets - len(communes), [len(by_commune[commune]) for commune in communes])
    groups: list[list[Spot]] = []
    for commune, more in zip(communes, extra, strict=True):
        groups += _neighbourhoods(by_commune[commune], more + 1)
    assets, relations, light = [], [], 0
    for number, group in enumerate(groups, start=1):
        cabinet = _cabinet(number, group)
        assets.append(cabinet)
        for at, segment, _ in sorted(group, key=lambda spot: (spot[1].name, spot[1].draft, spot[1].start_m + spot[2])):
            light += 1
            lamp = _lamp(light, at, segment)
            assets.append(lamp)
            relations.append(MadeRelation(cabinet.code, "feeds", lamp.code))
    return assets, relations


def _spots(profile: Profile, territory: Territory, network: Network) -> list[Spot]:
    """Return the lamps' places, alternating sides, the same distance apart over the whole length of lit streets."""
    shapely.prepare(territory.built)
    lit = [
        segment
        for segment in network.segments
        if segment.street_class != "motorway"
        and territory.built.contains(segment.line.interpolate(0.5, normalized=True))
    ]
    lit.sort(key=lambda segment: (segment.commune, segment.name, segment.draft, segment.start_m))
    ends = np.cumsum([segment.line.length for segment in lit])
    total, count = float(ends[-1]), profile.equipment.light_points
    spots: list[Spot] = []
    for index in range(count):
        run_m = (index + 0.5) * total / count
        place = int(np.searchsorted(ends, run_m))
        segment = lit[place]
        along = run_m - (float(ends[place]) - segment.line.length)
        side = (6.0 if segment.rank >= 3 else 3.6) * (1 if index % 2 else -1)
        spots.append((aside(segment.line, along, side), segment, along))
    return spots


def _neighbourhoods(spots: list[Spot], count: int) -> list[list[Spot]]:
    """Split spots into `count` compact groups of even size, halving across the longer side."""
    if count == 1:
        return [spots]
    places = np.array([spot[0] for spot in spots])
    axis = int(np.argmax(np.ptp(places, axis=0)))
    order = np.argsort(places[:, axis], kind="stable")
    half = count // 2
    cut = round(len(spots) * half / count)
    first, second = [spots[i] for i in order[:cut]], [spots[i] for i in order[cut:]]
    return _neighbourhoods(first, half) + _neighbourhoods(second, count - half)


def _cabinet(number: int, group: list[Spot]) -> MadeAsset:
    """Set the cabinet near the middle of its lamps, beside the street of the nearest one."""
    places = np.array([spot[0] for spot in group])
    nearest = int(np.argmin(((places - places.mean(0)) ** 2).sum(1)))
    _, segment, along = group[nearest]
    code = f"A-{number:03d}"
    name = f"Armoire {code}, {in_sentence(segment.name)}"
    return MadeAsset(
        code, "lighting_cabinet", aside(segment.line, along, 7.5), name, "lighting", segment.name, segment.commune,
        properties={"rated_w": str(sum(RATED_W[spot[1].rank] for spot in group))},
    )  # fmt: skip


def _lamp(number: int, at: Metres, segment: Segment) -> MadeAsset:
    code = f"L-{number:05d}"
    name = f"Point lumineux {code}, {in_sentence(segment.name)}"
    return MadeAsset(
        code, "light_point", at, name, "lighting", segment.name, segment.commune,
        properties={"rated_w": str(RATED_W[segment.rank])},
    )  # fmt: skip

"""Streets that run on beyond a crossing are one street, with one name and one run of numbers."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import cKDTree
from shapely.geometry import LineString

from beffroi.rehearsal.generator.drafts import Draft
from beffroi.rehearsal.generator.geometry import Floats

TOUCH_M = 1.5
STRAIGHT_COS = -math.cos(math.radians(38))
"""Two streets are one when they deflect by less than this angle where they meet."""
LONGEST_M = 2200.0

End = tuple[int, int]
"""A street's place in the list, and 0 for its start or 1 for its end."""


def join_streets(drafts: list[Draft]) -> list[Draft]:
    """Chain drafts that continue each other: each gets the chain as its axis, and runs in the chain's direction."""
    links = _links(drafts)
    joined = list(drafts)
    seen: set[int] = set()
    for first in range(len(drafts)):
        if first in seen:
            continue
        chain = _chain(first, links, drafts, seen)
        seen.update(place for place, _ in chain)
        if len(chain) < 2:
            continue
        ways = [_run(drafts[place].line, forward) for place, forward in chain]
        axis = LineString(np.vstack([np.asarray(way.coords)[:, :2] for way in ways]))
        for (place, _), way in zip(chain, ways, strict=True):
            joined[place] = Draft(
                way,
                drafts[place].street_class,
                None,
                drafts[place].fabric,
                one_way=drafts[place].one_way,
                axis=axis,
            )
    return joined


def _links(drafts: list[Draft]) -> dict[End, End]:
    """Pair street ends that touch and run straight on, the straightest first, each end once."""
    ends: list[End] = [
        (place, side) for place, draft in enumerate(drafts) if draft.street_class != "living_street" for side in (0, 1)
    ]
    at = np.array([drafts[place].line.coords[-side][:2] for place, side in ends])
    if not len(at):
        return {}
    away = np.array([_away(drafts[place].line, side) for place, side in ends])
    pairs = []
    for one, other in sorted(cKDTree(at).query_pairs(TOUCH_M)):
        cosine = float(away[one] @ away[other])
        if ends[one][0] != ends[other][0] and cosine < STRAIGHT_COS:
            pairs.append((cosine, one, other))
    links: dict[End, End] = {}
    for _, one, other in sorted(pairs):
        if ends[one] not in links and ends[other] not in links:
            links[ends[one]], links[ends[other]] = ends[other], ends[one]
    return links


def _chain(first: int, links: dict[End, End], drafts: list[Draft], taken: set[int]) -> list[tuple[int, bool]]:
    """Return the chain that a street belongs to, as (place, run forward), no longer than a long street is."""
    chain = [(first, True)]
    length_m = drafts[first].line.length
    for side in (1, 0):
        at: End = (first, side)
        while at in links and length_m < LONGEST_M:
            place, met = links[at]
            if place in taken or any(place == known for known, _ in chain):
                break
            forward = (met == 0) == (side == 1)
            chain = [*chain, (place, forward)] if side == 1 else [(place, forward), *chain]
            length_m += drafts[place].line.length
            at = (place, 1 - met)
    return chain


def _run(line: LineString, forward: bool) -> LineString:
    return line if forward else line.reverse()


def _away(line: LineString, side: int) -> Floats:
    """Return the unit vector by which a line leaves its end into itself."""
    points = np.asarray(line.coords)[:, :2]
    vector = points[1] - points[0] if side == 0 else points[-2] - points[-1]
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))

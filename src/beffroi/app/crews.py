"""The crews of the simulated city: an account and a token for each, in a file that the simulated city alone reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

from beffroi.foundation.clock import Instant
from beffroi.foundation.log import logger
from beffroi.kernel.dispatch.types import Point, Profile, UnitEntry, UnitKind
from beffroi.kernel.journal.types import Actor
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_of_token
from beffroi.kernel.people.types import Role
from beffroi.kernel.places import queries as places

log = logger("crews")
FILE = "crews.json"
WITH_TOOLS = (UnitKind.LIGHTING_CREW, UnitKind.ROAD_CREW, UnitKind.TRAFFIC_TECHNICIAN)


def settle(profile: Profile, folder: Path) -> Profile:
    """Return the crews with their bases in the city that is generated in `folder`, where one lies outside every commune.

    Who works with lorries and tools stands at the depots of that city, the others at the seats of its communes, each in its
    turn. A city of one's own, or without communes yet, leaves the bases as they are written.
    """
    try:
        told = json.loads((folder / "city.json").read_text())
    except (OSError, ValueError):
        return profile
    if not places.communes():
        return profile
    seats = [Point(*each) for each in told.get("seats") or [told["centre"]]]
    depots = [Point(*each) for each in told.get("depots", ())] or seats
    tools, others = cycle(depots), cycle(seats)
    return replace(
        profile, units=tuple(_settled(unit, tools if unit.kind in WITH_TOOLS else others) for unit in profile.units)
    )


def _settled(unit: UnitEntry, stands: Iterator[Point]) -> UnitEntry:
    inside = places.commune_at(unit.base.lon, unit.base.lat) is not None
    return unit if inside else replace(unit, base=next(stands))


def prepare_crews(folder: Path, units: tuple[UnitEntry, ...], *, by: Actor, at: Instant) -> int:
    """Give each crew of the profile that names it (`crew-` and its slug) an account without password and a token.

    A crew that people man too is `shared`: the simulated city leaves it to them. Return how many tokens were made: none when all of them are in force already.
    """
    file = folder / FILE
    known: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
    wanted: dict[str, dict[str, Any]] = {}
    made = 0
    for unit in units:
        username = f"crew-{unit.slug}"
        if username not in unit.crew:
            continue
        name, initials = f"Équipage {unit.callsign}", unit.callsign.replace(" ", "")[:4]
        if not people.ensure_demonstration_account(
            username, name, initials, Role.CREW, password=None, at=at, desk=unit.desk
        ):
            continue
        token = str(known.get(unit.slug, {}).get("token", ""))
        if viewer_of_token(token, at=at) is None:
            token = people.create_token(username, "simulated crew", by=by, at=at, reason="simulated city").secret
            made += 1
        wanted[unit.slug] = {
            "token": token,
            "username": username,
            "base": [unit.base.lon, unit.base.lat],
            "vehicle": str(unit.vehicle),
            "desk": unit.desk,
            "headcount": 1 if unit.alone else 2,
            "shared": len(unit.crew) > 1,
        }
    file.touch(mode=0o600)
    file.write_text(json.dumps(wanted))
    if made:
        log.info("tokens made for the simulated crews", crews=made)
    return made

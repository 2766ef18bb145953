"""Vehicles and buses, parked in rows at their depots. They drive only in the simulation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import shapely

from beffroi.rehearsal.generator.assets import MadeAsset
from beffroi.rehearsal.generator.geometry import Metres, Plane, point, spread
from beffroi.rehearsal.generator.lines import Route
from beffroi.rehearsal.generator.network import Network
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

BAY_M = (4.0, 14.0)
BAYS_IN_ROW = 20


def _bays(at: Metres) -> Iterator[Metres]:
    """Yield parking places in rows from a corner."""
    for index in itertools.count():
        row, bay = divmod(index, BAYS_IN_ROW)
        yield at[0] + bay * BAY_M[0], at[1] + row * BAY_M[1]


def park_fleet(
    profile: Profile, plane: Plane, territory: Territory, network: Network, routes: list[Route]
) -> list[MadeAsset]:
    """Return the city's vehicles by service, and the buses shared among the lines by length."""
    tree = shapely.STRtree([segment.line for segment in network.segments])

    def place(at: Metres) -> tuple[str, str]:
        """Street and commune of a depot."""
        street = network.segments[int(tree.nearest(point(at)))].name
        return street, territory.commune_of(np.array([at]))[0]

    depots = [(depot.name, plane.point(depot.at)) for depot in profile.equipment.depots]
    bays = [_bays(at) for _, at in depots]
    where = [place(at) for _, at in depots]
    services = [share for share in profile.equipment.fleet for _ in range(share.count)]
    assets = []
    for index, share in enumerate(services):
        depot, code = index % len(depots), f"VH{index + 1:03d}"
        properties = {"service": share.service, "depot": depots[depot][0]}
        assets.append(
            MadeAsset(
                code,
                "vehicle",
                next(bays[depot]),
                f"{share.kind} {code}",
                "fleet",
                *where[depot],
                properties=properties,
            )
        )
    lines = [route for route in routes if route.kind == "bus"]
    at = plane.point(profile.equipment.bus_depot.at)
    home, stands = place(at), _bays(at)
    number = itertools.count(1)
    for route, buses in zip(
        lines, spread(profile.equipment.buses, [route.shape.length for route in lines]), strict=True
    ):
        for _ in range(buses):
            code = f"BUS{next(number):03d}"
            properties = {"line": route.line, "depot": profile.equipment.bus_depot.name}
            name = f"Bus {code.removeprefix('BUS')}, ligne {route.line}"
            assets.append(MadeAsset(code, "bus", next(stands), name, "buses", *home, properties=properties))
    return assets

"""From profile and seed to the files: the stages in order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from beffroi.rehearsal.generator import basemap, export
from beffroi.rehearsal.generator.assets import MadeAsset
from beffroi.rehearsal.generator.buildings import Address, Footprints, number_buildings, raise_buildings
from beffroi.rehearsal.generator.equipment import Ground, equip_city
from beffroi.rehearsal.generator.fleet import park_fleet
from beffroi.rehearsal.generator.geometry import Plane
from beffroi.rehearsal.generator.lighting import light_city
from beffroi.rehearsal.generator.lines import Route, route_lines
from beffroi.rehearsal.generator.network import Network, build_network
from beffroi.rehearsal.generator.profile import Profile, load_profile
from beffroi.rehearsal.generator.streets import draw_streets
from beffroi.rehearsal.generator.territory import Territory, build_territory


def generate(profile: str, seed: int, out: Path) -> dict[str, Any]:
    """Write a city's files into the folder `out` and return what `city.json` says.

    `city.json` is written last: a folder without it is an interrupted generation. Raises Misconfigured for a wrong
    profile, ValueError when the profile asks for more equipment than its streets can hold.
    """
    chosen = load_profile(profile)
    plane = Plane(chosen.centre)
    territory = build_territory(chosen, plane, seed)
    drafts, blocks = draw_streets(chosen, plane, territory, seed)
    network = build_network(chosen, territory, drafts, seed)
    routes = route_lines(chosen, plane, network)
    footprints = raise_buildings(chosen, blocks, seed)
    addresses = number_buildings(network, footprints, seed)
    lights, feeds = light_city(chosen, territory, network)
    fixed, contains = equip_city(Ground(chosen, territory, network, blocks, routes, seed))
    assets = [*lights, *fixed, *park_fleet(chosen, plane, territory, network, routes)]

    out.mkdir(parents=True, exist_ok=True)
    (out / "city.json").unlink(missing_ok=True)
    export.write_communes(out / "communes.geojson", plane, chosen, territory)
    export.write_streets(out / "streets.geojson", plane, network.segments)
    export.write_addresses(out / "addresses.csv", plane, addresses)
    export.write_assets(out / "assets.csv", plane, assets)
    export.write_relations(out / "relations.csv", [*feeds, *contains])
    layers = basemap.basemap_layers(chosen, plane, territory, network, blocks, footprints, routes)
    basemap.write_basemap(out / "basemap.pmtiles", plane, layers)
    city = _describe(chosen, profile, seed, plane, territory, network, footprints, addresses, assets, routes)
    export.write_json(out / "city.json", city)
    return city


def _describe(
    profile: Profile,
    called: str,
    seed: int,
    plane: Plane,
    territory: Territory,
    network: Network,
    footprints: Footprints,
    addresses: list[Address],
    assets: list[MadeAsset],
    routes: list[Route],
) -> dict[str, Any]:
    """Return what city.json holds: identity, figures, bounds, and the lines that the simulated buses run."""
    west, south, east, north = territory.outline.bounds
    return {
        "name": profile.name,
        "profile": called,
        "seed": seed,
        "attribution": profile.attribution,
        "tempo": profile.tempo,
        "centre": list(profile.centre),
        "depots": [list(depot.at) for depot in profile.equipment.depots],
        "seats": [list(commune.at) for commune in profile.communes],
        "bounds": [*plane.degrees(west, south), *plane.degrees(east, north)],
        "counts": {
            "communes": len(territory.communes),
            "street_segments": len(network.segments),
            "street_km": round(sum(segment.line.length for segment in network.segments) / 1000),
            "street_names": len({(segment.commune, segment.name) for segment in network.segments}),
            "footprints": len(footprints.shapes),
            "addresses": len(addresses),
            **dict(sorted(Counter(asset.asset_class for asset in assets).items())),
        },
        "lines": [
            {"line": route.line, "kind": route.kind, "there": route.there, "back": route.back} for route in routes
        ],
    }

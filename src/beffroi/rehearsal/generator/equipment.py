"""Fixed equipment other than lighting: signalised intersections, bollards, secured buildings with sensors and boilers, cameras."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely

from beffroi.rehearsal.generator.assets import MadeAsset, MadeRelation
from beffroi.rehearsal.generator.drafts import Block
from beffroi.rehearsal.generator.geometry import (
    Metres,
    Random,
    aside,
    keep_apart,
    point,
    spread,
    stable_id,
    stream,
)
from beffroi.rehearsal.generator.lines import Route
from beffroi.rehearsal.generator.names import in_sentence, short_name
from beffroi.rehearsal.generator.network import Network, Segment
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

SIGNALS_APART_M = 170.0
CAMERA_FROM_SIGNAL_M = 30.0
HEATED = ("sport", "school", "culture", "childcare", "community", "town_hall", "depot", "car_park")
"""Uses of buildings by what their heating consumes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What fixed equipment is placed on."""

    profile: Profile
    territory: Territory
    network: Network
    blocks: list[Block]
    routes: list[Route]
    seed: int


def equip_city(ground: Ground) -> tuple[list[MadeAsset], list[MadeRelation]]:
    """Place intersections, bollards, buildings with their sensors, and cameras, in the numbers of the profile."""
    corners = _corners(ground.network)
    intersections = _intersections(ground, corners)
    bollards = _bollards(ground, corners)
    buildings = _buildings(ground)
    sensors, relations = _sensors(ground, buildings)
    boilers, heated = _boiler_rooms(ground, buildings)
    cameras = _cameras(ground, buildings, [asset.at for asset in intersections])
    return [*intersections, *bollards, *buildings, *sensors, *boilers, *cameras], [*relations, *heated]


def _corners(network: Network) -> dict[Metres, list[Segment]]:
    """Return the segments that meet at each crossing."""
    corners: dict[Metres, list[Segment]] = defaultdict(list)
    for segment in network.segments:
        for end in segment.ends:
            corners[end].append(segment)
    return dict(sorted(corners.items()))


def _intersections(ground: Ground, corners: dict[Metres, list[Segment]]) -> list[MadeAsset]:
    """Signals stand where the greatest streets cross, nearer to the centre first, never on a roundabout or a motorway."""
    ranked = []
    for at, meeting in corners.items():
        ranks = sorted((segment.rank for segment in meeting), reverse=True)
        names = {segment.name for segment in meeting}
        if (
            len(meeting) < 3
            or len(names) < 2
            or ranks[0] >= 5
            or any(segment.kind == "roundabout" for segment in meeting)
        ):
            continue
        ranked.append((sum(ranks[:3]) + 0.4 * len(meeting) - math.hypot(*at) / 6000, at))
    ranked.sort(reverse=True)
    places = [at for _, at in ranked]
    kept = keep_apart(places, SIGNALS_APART_M, ground.profile.equipment.intersections)
    assets, seen = [], set()
    for number, place in enumerate(kept, start=1):
        at = places[place]
        meeting = sorted(corners[at], key=lambda segment: (-segment.rank, segment.name))
        streets = list(dict.fromkeys(segment.name for segment in meeting))
        name = f"Carrefour {short_name(streets[0])} / {short_name(streets[1])}"
        if name in seen:
            name += f" ({meeting[0].commune})" if f"{name} ({meeting[0].commune})" not in seen else f" ({number})"
        seen.add(name)
        assets.append(MadeAsset(f"C{number:03d}", "intersection", at, name, "traffic", streets[0], meeting[0].commune))
    return assets


def _bollards(ground: Ground, corners: dict[Metres, list[Segment]]) -> list[MadeAsset]:
    """Retractable bollards close the old town's footways to traffic."""
    shapely.prepare(ground.territory.core)
    gates: list[tuple[Metres, Segment]] = []
    others: list[tuple[Metres, Segment]] = []
    for at, meeting in corners.items():
        if not ground.territory.core.contains(point(at)):
            continue
        feet = [segment for segment in meeting if segment.street_class == "pedestrian"]
        (gates if feet and len(feet) < len(meeting) else others).append((at, (feet or meeting)[0]))
    candidates = sorted(gates, key=lambda gate: math.hypot(*gate[0])) + sorted(
        others, key=lambda each: math.hypot(*each[0])
    )
    assets = []
    for number, place in enumerate(
        keep_apart([at for at, _ in candidates], 70, ground.profile.equipment.bollards), start=1
    ):
        segment = candidates[place][1]
        code = f"BE{number:02d}"
        along = 6.0 if segment.ends[0] == candidates[place][0] else segment.line.length - 6
        at = aside(segment.line, min(max(along, 0.0), segment.line.length), 0)
        name = f"Borne {code}, {in_sentence(segment.name)}"
        assets.append(MadeAsset(code, "bollard", at, name, "traffic", segment.name, segment.commune))
    return assets


def _buildings(ground: Ground) -> list[MadeAsset]:
    """One town hall at each seat, then each kind shared among the communes by population, in blocks drawn at random."""
    rng = stream(ground.seed, "equipment/buildings")
    streets = [segment for segment in ground.network.segments if segment.street_class != "motorway"]
    tree = shapely.STRtree([segment.line for segment in streets])
    wanted = [("Mairie de", "town_hall", commune.name, commune.name) for commune in ground.profile.communes]
    populations = [commune.population for commune in ground.profile.communes]
    for kind in ground.profile.names.building_kinds:
        names = [ground.profile.names.people[i] for i in rng.permutation(len(ground.profile.names.people))]
        shares = spread(kind.count, populations)
        owners = [c.name for c, share in zip(ground.profile.communes, shares, strict=True) for _ in range(share)]
        wanted += [(kind.kind, kind.use, owner, names[i % len(names)]) for i, owner in enumerate(owners)]
    spots = _block_spots(ground, rng)
    assets = []
    for number, (what, use, commune, called) in enumerate(wanted, start=1):
        seat = what == "Mairie de"
        spot = ground.territory.seats[commune] if seat else spots[commune].pop()
        segment = streets[int(tree.nearest(point(spot)))]
        if seat:
            spot = aside(segment.line, segment.line.project(point(spot)), 18)
            name = f"Mairie d’{called}" if called[0] in "AEHIOUÉ" else f"Mairie de {called}"
        else:
            name = f"{what} {short_name(segment.name) if use == 'car_park' else called}"
        assets.append(
            MadeAsset(
                f"B{number:03d}", "building", spot, name, "buildings", segment.name, commune, properties={"use": use}
            )
        )
    return assets


def _block_spots(ground: Ground, rng: Random) -> dict[str, list[Metres]]:
    """Return, for each commune, the middles of its built blocks in random order; every block once."""
    blocks = [
        block for block in ground.blocks if not block.open and block.fabric != "industrial" and block.shape.area > 1200
    ]
    middles = np.array([block.shape.representative_point().coords[0][:2] for block in blocks])
    communes = ground.territory.commune_of(middles)
    spots: dict[str, list[Metres]] = defaultdict(list)
    for index in rng.permutation(len(blocks)):
        spots[communes[index]].append((float(middles[index, 0]), float(middles[index, 1])))
    return spots


def _sensors(ground: Ground, buildings: list[MadeAsset]) -> tuple[list[MadeAsset], list[MadeRelation]]:
    """LoRaWAN sensors, one in each of as many buildings, schools first; known to their sources by device identifiers."""
    counts = ground.profile.equipment
    order = sorted(buildings, key=lambda asset: (asset.properties["use"] not in {"school", "childcare"}, asset.code))
    assets, relations = [], []
    for index in range(counts.sensors_chirpstack + counts.sensors_things_stack):
        home = order[index % len(order)]
        code = f"S{index + 1:03d}"
        chirpstack = index < counts.sensors_chirpstack
        address = stable_id(ground.seed, code, length=16) if chirpstack else f"sonde-{code.lower()}"
        at = (home.at[0] + 3.0 + index // len(order) * 2, home.at[1] + 2.0)
        name = f"Sonde {code}, {home.name}"
        source = "lorawan" if chirpstack else "things"
        assets.append(MadeAsset(code, "sensor", at, name, source, home.street, home.commune, address))
        relations.append(MadeRelation(home.code, "contains", code))
    return assets, relations


def _boiler_rooms(ground: Ground, buildings: list[MadeAsset]) -> tuple[list[MadeAsset], list[MadeRelation]]:
    """Boiler rooms of the greatest consumers first: pools and gymnasiums, then schools. Each is a unit of one gateway."""
    order = sorted(buildings, key=lambda asset: (HEATED.index(asset.properties["use"]), asset.code))
    assets, relations = [], []
    for unit, home in enumerate(order[: ground.profile.equipment.boiler_rooms], start=1):
        code = f"CH{unit:02d}"
        at, name = (home.at[0] - 3.0, home.at[1] - 2.0), f"Chaufferie {code}, {home.name}"
        properties = {"modbus_unit": str(unit)}
        assets.append(
            MadeAsset(code, "boiler_room", at, name, "boilers", home.street, home.commune, properties=properties)
        )
        relations.append(MadeRelation(home.code, "contains", code))
    return assets, relations


def _cameras(ground: Ground, buildings: list[MadeAsset], signals: list[Metres]) -> list[MadeAsset]:
    """Cameras by use, in this order: squares, stops, car parks, town halls, footways, school gates, then main roads."""
    candidates = [
        candidate
        for candidate in _camera_spots(ground, buildings, stream(ground.seed, "equipment/cameras"))
        if all(math.hypot(candidate[0][0] - x, candidate[0][1] - y) > CAMERA_FROM_SIGNAL_M for x, y in signals)
    ]
    assets = []
    kept = keep_apart([at for at, *_ in candidates], 32, ground.profile.equipment.cameras)
    for number, place in enumerate(kept, start=1):
        at, use, where, street, commune = candidates[place]
        code = f"V{number:03d}"
        assets.append(
            MadeAsset(code, "camera", at, f"Caméra {code}, {where}", "", street, commune, properties={"use": use})
        )
    return assets


CameraSpot = tuple[Metres, str, str, str, str]
"""Place, use, where in words, street, commune."""


def _camera_spots(ground: Ground, buildings: list[MadeAsset], rng: Random) -> list[CameraSpot]:
    segments = ground.network.segments
    by_name: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        if segment.kind == "square":
            by_name[f"{segment.name}/{segment.commune}"].append(segment)
    spots: list[CameraSpot] = []
    for square in by_name.values():
        longest = sorted(square, key=lambda segment: (-segment.line.length, segment.id))[:2]
        spots += [_on(segment, 0.5, 3.0, "square", in_sentence(segment.name)) for segment in longest]
    nodes = shapely.STRtree([segment.line for segment in segments])
    for route in ground.routes:
        if route.kind == "tram":
            for stop in route.stops:
                segment = segments[int(nodes.nearest(point(stop.at)))]
                spots.append(
                    (
                        (stop.at[0] + 4, stop.at[1] + 4),
                        "tram_stop",
                        f"station {stop.name}",
                        segment.name,
                        segment.commune,
                    )
                )
    for use in ("car_park", "town_hall"):
        spots += [_at_gate(asset, use) for asset in buildings if asset.properties["use"] == use]
    feet = [
        segment
        for segment in segments
        if segment.street_class == "pedestrian" and segment.kind == "street" and segment.line.length > 40
    ]
    some = [feet[i] for i in rng.permutation(len(feet))[: ground.profile.equipment.cameras // 5]]
    spots += [_on(segment, 0.5, 2.5, "footway", in_sentence(segment.name)) for segment in some]
    spots += [_at_gate(asset, "school") for asset in buildings if asset.properties["use"] == "school"]
    roads = [
        segment
        for segment in segments
        if 2 <= segment.rank <= 4 and segment.kind == "street" and segment.line.length > 100
    ]
    spots += [_on(roads[i], 0.5, 5.0, "traffic", in_sentence(roads[i].name)) for i in rng.permutation(len(roads))]
    return spots


def _on(segment: Segment, share: float, offset_m: float, use: str, where: str) -> CameraSpot:
    return aside(segment.line, segment.line.length * share, offset_m), use, where, segment.name, segment.commune


def _at_gate(asset: MadeAsset, use: str) -> CameraSpot:
    return (asset.at[0] + 9, asset.at[1] - 7), use, asset.name, asset.street, asset.commune

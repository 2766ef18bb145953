"""The `city` process: equipment that speaks over MQTT, buses asked over HTTP, crews on the API, a director of failures."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import uvicorn

from beffroi.foundation import clock
from beffroi.foundation.clock import Clock, Instant
from beffroi.foundation.errors import Misconfigured
from beffroi.foundation.log import logger
from beffroi.rehearsal.control import control_app
from beffroi.rehearsal.director import Director
from beffroi.rehearsal.equipment.boilers import Boilers
from beffroi.rehearsal.equipment.buildings import Buildings, Sensors
from beffroi.rehearsal.equipment.buses import Buses
from beffroi.rehearsal.equipment.lighting import Lighting
from beffroi.rehearsal.equipment.model import Failing, Model, Obeying
from beffroi.rehearsal.equipment.roads import Roads
from beffroi.rehearsal.equipment.traffic import Bollards, Intersections
from beffroi.rehearsal.equipment.vehicles import Vehicles
from beffroi.rehearsal.heeding import Heeding
from beffroi.rehearsal.inventory import Inventory, Item, read_inventory
from beffroi.rehearsal.modbus import serve_modbus
from beffroi.rehearsal.radio import make_crews, play_crews, read_crews
from beffroi.rehearsal.scenario import Scenario, load_scenario
from beffroi.rehearsal.transmission import Gateway, Link

STEP_S = 0.25
DIRECTOR_STEP_S = 0.5
log = logger("city")


@dataclass(frozen=True, slots=True)
class City:
    """The simulated equipment of an inventory, and who makes it fail."""

    models: Sequence[Model]
    buses: Buses | None
    boilers: Boilers | None
    director: Director
    roads: Roads


def build_city(inventory: Inventory, scenario: Scenario, start: Instant, seed: int) -> City:
    """Make the equipment of an inventory. Each kind has its own random numbers, so that one does not disturb another."""
    models: list[Model] = []

    def chance(kind: str) -> Random:
        return Random(f"{seed}/{kind}")

    cabinets = inventory.of_class("lighting_cabinet")
    if cabinets:
        lamps = inventory.of_class("light_point")
        models.append(Lighting(lamps, cabinets, inventory.feeds, inventory.centre, start, chance("lighting")))
    simple: Sequence[tuple[str, Callable[[Sequence[Item], Instant, Random], Model]]] = (
        ("intersection", Intersections),
        ("bollard", Bollards),
        ("building", Buildings),
        ("sensor", Sensors),
    )
    for asset_class, make in simple:
        by_source: dict[str, list[Item]] = defaultdict(list)
        for item in inventory.of_class(asset_class):
            by_source[item.source].append(item)
        models += [make(items, start, chance(f"{asset_class}/{source}")) for source, items in by_source.items()]
    roads = Roads(inventory.streets)
    vehicles, bus_items = inventory.of_class("vehicle"), inventory.of_class("bus")
    if vehicles:
        models.append(Vehicles(vehicles, roads, start, chance("vehicle")))
    buses = Buses(bus_items, inventory.lines, roads, start, chance("bus")) if bus_items else None
    failings = [failing for model in models for failing in model.failings()]
    failings += buses.failings() if buses is not None else ()
    boiler_items = inventory.of_class("boiler_room")
    boilers = Boilers(boiler_items, start, chance("boiler_room")) if boiler_items else None
    failings += boilers.failings() if boilers is not None else ()
    return City(models, buses, boilers, Director(_merged(failings), scenario, start, chance("director")), roads)


async def run(
    city_dir: Path,
    gateways: Path,
    mqtt_host: str,
    mqtt_port: int,
    http_port: int,
    seed: int,
    *,
    modbus_port: int | None = None,
    post_url: str = "",
    scenario: str = "opening",
    now: Clock = clock.now,
) -> None:
    """Play the city in `city_dir` until cancelled, or until the process is told to stop.

    `gateways` is a JSON file: source -> username, password, connector, settings. A source without a gateway stays mute.
    `post_url` is where the crews of `crews.json` beside it reach the post's API; empty: there are no crews.
    Raises Misconfigured for wrong files.
    """
    known = _read_gateways(gateways)
    entries = read_crews(city_dir / "crews.json") if post_url else {}
    inventory = await asyncio.to_thread(read_inventory, city_dir)
    city = build_city(inventory, load_scenario(scenario), now(), seed)
    links = {source: Link(source, gateway, mqtt_host, mqtt_port) for source, gateway in known.items()}
    city.director.learn(_dying(list(links.values())))
    for source, gateway in known.items():
        if gateway.connector == "mqtt_json":
            obeying = [model for model in city.models if model.source == source and isinstance(model, Obeying)]
            links[source].heeding = Heeding(source, obeying, now) if obeying else None
    crews = make_crews(entries, city.roads, inventory, city.director, now(), seed)
    app = control_app(city.director, city.buses, now)
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", http_port, log_level="warning", access_log=False))
    modbus = None
    if city.boilers is not None and modbus_port is not None:
        modbus = await serve_modbus(city.boilers.answer, modbus_port, now)
    log.info("city plays", folder=str(city_dir), sources=sorted(links), http_port=http_port)
    async with asyncio.TaskGroup() as group:
        playing = [group.create_task(link.run()) for link in links.values()]
        heard = [(model, links[model.source]) for model in city.models if model.source in links]
        playing += [group.create_task(_play(model, link, now)) for model, link in heard]
        playing.append(group.create_task(_direct(city.director, now)))
        playing.append(group.create_task(play_crews(crews, post_url, now)))
        await server.serve()
        for task in playing:
            task.cancel()
        if modbus is not None:
            modbus.close()


async def _play(model: Model, link: Link, now: Clock) -> None:
    """Let a model speak for ever."""
    while True:
        for said in model.step(now()):
            await link.say(said)
        await asyncio.sleep(STEP_S)


async def _direct(director: Director, now: Clock) -> None:
    """Let failures come and go."""
    while True:
        for failure in director.step(now()):
            log.info("failure", kind=failure.kind, asset=failure.asset)
        await asyncio.sleep(DIRECTOR_STEP_S)


def _read_gateways(path: Path) -> dict[str, Gateway]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Gateway])
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(f"the gateways' file {path} cannot be read: {error}") from error


def _dying(links: Sequence[Link]) -> Failing:
    """Gateways that die: an asset that fails so is a source."""
    by_source = {link.source: link for link in links}
    return Failing(
        "gateway_silent",
        tuple(by_source),
        lambda source, at: by_source[source].die(source, at),
        lambda source, at: by_source[source].revive(source, at),
    )


def _merged(failings: Sequence[Failing]) -> list[Failing]:
    """Join failings of the same kind on several sources into one."""
    by_kind: dict[str, list[Failing]] = defaultdict(list)
    for failing in failings:
        by_kind[failing.kind].append(failing)
    return [_joined(kind, parts) for kind, parts in by_kind.items()]


def _joined(kind: str, parts: Sequence[Failing]) -> Failing:
    owner = {code: part for part in parts for code in part.codes}
    return Failing(
        kind,
        tuple(owner),
        lambda code, at: owner[code].fail(code, at),
        lambda code, at: owner[code].repair(code, at),
    )

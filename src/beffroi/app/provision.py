"""What a post needs before its processes start: tables, definitions, and, for the demonstration, a city with its people.

Every step can be run again: it does what is missing and nothing else.
"""

from __future__ import annotations

import csv
import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bcrypt
import yaml
from django.core.management import call_command

from beffroi.app import roles
from beffroi.app.crews import prepare_crews, settle
from beffroi.app.registry import connector_settings, connectors, is_fetched, period_of
from beffroi.foundation.clock import DAY, now
from beffroi.foundation.database import database_url
from beffroi.foundation.errors import Conflict, Misconfigured
from beffroi.foundation.log import logger
from beffroi.foundation.settings import runtime_address, settings
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms.rules import parse_definitions, parse_priorities
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.commands.rules import parse_abilities
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.dispatch.types import Profile
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.rules import parse_bodies, parse_categories, parse_correlation, parse_deadlines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.rules import parse_posts, parse_shifts
from beffroi.kernel.places import actions as places
from beffroi.kernel.procedures import actions as procedures
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as twin_queries

log = logger("provision")
SYSTEM = Actor(ActorKind.SYSTEM, "beffroi", "Beffroi")
PROFILE = Path(__file__).parent / "profile"
CITY_SOURCES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "lighting": ("mqtt_json", {}),
    "traffic": ("mqtt_json", {}),
    "buildings": ("mqtt_json", {}),
    "fleet": ("mqtt_json", {}),
    "lorawan": ("chirpstack", {"application_ids": ["1"]}),
    "things": ("things_stack", {"application": "batiments", "tenant": "ttn"}),
}


def prepare_database() -> None:
    """Bring the tables up to date under the role that owns them, and put in force what the city's profile says."""
    (settings().data.absolute() / "static").mkdir(parents=True, exist_ok=True)
    with roles.as_owner():
        call_command("migrate", interactive=False, verbosity=0)
        if roles.owner_is_apart():
            roles.grant(roles.role_of(database_url()))
    check_partitions()
    expect_what_is_fetched()
    at = now()
    twin.ensure_history(at, at + 2 * DAY)
    alarms.publish_priorities(parse_priorities((PROFILE / "priorities.yaml").read_text()), by=SYSTEM, at=at)
    definitions = parse_definitions((PROFILE / "alarms.yaml").read_text())
    imported = alarms.import_definitions(definitions, by=SYSTEM, at=at)
    if imported.proposed or imported.withdrawn or imported.waiting:
        log.info(
            "the profile's alarm definitions changed: a person decides",
            proposed=imported.proposed,
            withdrawn=imported.withdrawn,
            waiting=imported.waiting,
        )
    incidents.publish_deadlines(parse_deadlines((PROFILE / "deadlines.yaml").read_text()), by=SYSTEM, at=at)
    incidents.publish_bodies(parse_bodies((PROFILE / "bodies.yaml").read_text()), by=SYSTEM, at=at)
    people.publish_posts(parse_posts((PROFILE / "posts.yaml").read_text()), by=SYSTEM, at=at)
    categories = parse_categories((PROFILE / "categories.yaml").read_text())
    correlation = parse_correlation((PROFILE / "correlation.yaml").read_text())
    incidents.publish_profile(categories, correlation, by=SYSTEM, at=at)
    abilities = parse_abilities((PROFILE / "abilities.yaml").read_text())
    carriers = [slug for slug, connector in connectors().items() if connector.commands is not None]
    commands.publish_abilities(abilities, connectors=carriers, by=SYSTEM, at=at)
    dispatch.publish_units(crews_in_force(), by=SYSTEM, at=at)
    people.publish_shifts(parse_shifts((PROFILE / "shifts.yaml").read_text()), by=SYSTEM, at=at)
    library = procedures.import_procedures(procedure_files(), by=SYSTEM, at=at)
    if library.proposed or library.withdrawn or library.waiting:
        log.info(
            "the profile's procedures changed: a person decides",
            proposed=library.proposed,
            withdrawn=library.withdrawn,
            waiting=library.waiting,
        )


def crews_in_force() -> Profile:
    """Return the city's crews; where the city is a generated one, those of another town have their bases in it."""
    return settle(parse_profile((PROFILE / "units.yaml").read_text()), city_folder())


def procedure_files() -> list[tuple[str, str]]:
    """Return the city's procedures, each file's name and text."""
    return [(file.name, file.read_text(encoding="utf-8")) for file in sorted((PROFILE / "procedures").glob("*.yaml"))]


def check_partitions() -> None:
    """Raise Misconfigured when a source lies in a partition that no engine would read: its readings would wait for ever."""
    beyond = [source for source in twin_queries.sources() if source.partition >= settings().partitions]
    if beyond:
        least = max(source.partition for source in beyond) + 1
        raise Misconfigured(
            f"BEFFROI_PARTITIONS is {settings().partitions}, but source `{beyond[0].code}` was given partition"
            f" {beyond[0].partition} when it was declared: set it to {least} or more, as it was at the first start"
        )


def expect_what_is_fetched() -> None:
    """Have the sources that are fetched expected as often as they are asked, where nobody said how often."""
    for source in twin_queries.sources():
        if source.period_s is None and is_fetched(source.connector):
            connector = connectors()[source.connector]
            try:
                period_s = period_of(connector, connector_settings(connector, source.settings, source.code))
            except Misconfigured:
                continue  # told by the engine, which does not read it
            if period_s is not None:
                twin.declare_source(source.code, source.connector, by=SYSTEM, at=now(), period_s=period_s)


def city_folder() -> Path:
    """Return the folder of the simulated city's files."""
    return settings().data.absolute() / "city"


def prepare_city(city_http_port: int) -> None:
    """Generate the simulated city, import its inventories as a city would its own, give its gateways and people access."""
    ours = settings()
    folder = city_folder()
    wanted = {"profile": ours.city, "seed": ours.city_seed}
    mark = folder / "imported.json"
    generated = mark.exists() and json.loads(mark.read_text()) == wanted
    if not generated:
        _generate(folder)
    if not generated or not CITY_SOURCES.keys() <= {source.code for source in twin_queries.sources()}:
        mark.unlink(missing_ok=True)  # first: an import that is cut off is begun again
        _import(folder)
        mark.write_text(json.dumps(wanted))
    accounts = people.ensure_demonstration_accounts(now())
    (ours.run / "accounts.json").write_text(json.dumps(accounts))
    crews = crews_in_force()
    dispatch.publish_units(crews, by=SYSTEM, at=now())
    prepare_crews(folder, crews.units, by=SYSTEM, at=now())
    _gateways(folder, city_http_port)


def prepare_without_city() -> None:
    """Put the demonstration's accounts out of use: their passwords are public."""
    people.retire_demonstration_accounts(now())


def _generate(folder: Path) -> None:
    from beffroi.rehearsal.generator import generate

    draft = folder.with_name("city.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    log.info("generating the city", profile=settings().city, seed=settings().city_seed)
    generate(settings().city, settings().city_seed, draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.replace(folder)


def _import(folder: Path) -> None:
    at = now()
    for code, (connector, options) in CITY_SOURCES.items():
        twin.declare_source(code, connector, by=SYSTEM, at=at, options=options)
    _declare_buses("http://127.0.0.1:1/")
    _boiler_rooms(folder)
    steps: tuple[tuple[str, Callable[..., object]], ...] = (
        ("communes.geojson", places.import_communes),
        ("streets.geojson", places.import_streets),
        ("addresses.csv", places.import_addresses),
        ("assets.csv", twin.import_assets),
        ("relations.csv", twin.import_relations),
    )
    for name, step in steps:
        step(folder / name, by=SYSTEM, at=now())
        log.info("imported", file=name)


def _gateways(folder: Path, city_http_port: int) -> None:
    """Give each of the city's gateways its own password, kept where the simulated city alone reads it."""
    file = folder / "gateways.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    at = now()
    in_force = {gateway.name for gateway in twin_queries.gateways_in_force()}
    for code, (connector, options) in CITY_SOURCES.items():
        if code in known and known[code]["username"] in in_force:
            continue
        name, password = f"city-{code}", secrets.token_urlsafe(18)
        source = twin.declare_source(code, connector, by=SYSTEM, at=at, options=options)
        try:
            twin.add_gateway(name, source, hash_password(password), by=SYSTEM, at=at)
        except Conflict:  # its password was lost with the file: the old gateway goes, a new one comes
            twin.revoke_gateway(name, by=SYSTEM, at=at, reason="the simulated city's passwords were made anew")
            name = f"{name}-{secrets.token_hex(3)}"
            twin.add_gateway(name, source, hash_password(password), by=SYSTEM, at=at)
        known[code] = {"username": name, "password": password, "connector": connector, "settings": options}
    file.touch(mode=0o600)
    file.write_text(json.dumps(known))
    url = f"http://127.0.0.1:{city_http_port}/gtfs-rt/vehicle-positions.pb"
    _declare_buses(url)
    _boiler_rooms(folder)


def _boiler_rooms(folder: Path) -> None:
    """Declare the boiler rooms' gateway where the simulated city serves it now; a city without any has none."""
    with (folder / "assets.csv").open(encoding="utf-8", newline="") as file:
        rooms = [row for row in csv.DictReader(file) if row["source"] == "boilers"]
    if not rooms:
        return
    port = urlsplit(runtime_address("city-modbus") or "tcp://127.0.0.1:1").port
    devices = [
        {
            "address": room["address"] or room["asset"],
            "host": "127.0.0.1",
            "port": port,
            "unit": int(room["modbus_unit"]),
            "model": "boiler",
        }
        for room in rooms
    ]
    models = yaml.safe_load((PROFILE / "boiler_rooms.yaml").read_text())
    options = {"models": _as_json(models), "devices": devices, "period_s": 20}
    _declare_fetched("boilers", "modbus", options)


def _as_json(value: Any) -> Any:
    """Return settings as the database gives them back, where keys are texts: else they would differ at every start."""
    return json.loads(json.dumps(value))


def _declare_buses(url: str) -> None:
    _declare_fetched("buses", "gtfs_rt", {"url": url, "period_s": 10})


def _declare_fetched(code: str, slug: str, options: Mapping[str, Any]) -> None:
    """Declare a source that is fetched, expected as often as it is asked."""
    connector = connectors()[slug]
    period_s = period_of(connector, connector_settings(connector, options, code))
    twin.declare_source(code, slug, by=SYSTEM, at=now(), options=options, period_s=period_s)


def hash_password(password: str) -> str:
    """Return the bcrypt that nats-server checks. Cost 8: our passwords are random, and a broker checks them at every CONNECT."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(8)).decode()

"""A town of a few streets without a post: the rehearsal's equipment on a clock of the test, the engine's own applier, what the
sender and the worker do each second, and people who run procedures. No process, no bus: messages go from hand to hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from random import Random

from beffroi.app.engine.applying import Applier
from beffroi.app.engine.decoding import make_ready
from beffroi.app.engine.knowing import learn
from beffroi.app.provision import PROFILE
from beffroi.app.registry import connector_settings, connectors
from beffroi.connectors.mqtt_json import wire
from beffroi.foundation.bus import MQTT_STREAM, Arrived
from beffroi.foundation.clock import SECOND, Instant
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms import queries as alarm_queries
from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.alarms.types import Alarm
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.commands import queries as command_queries
from beffroi.kernel.commands.rules import parse_abilities
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.incidents.rules import parse_bodies, parse_categories, parse_correlation
from beffroi.kernel.incidents.types import Channel, Incident, Told
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.rules import parse_posts
from beffroi.kernel.procedures import actions as procedures
from beffroi.kernel.procedures.types import Procedure
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.actions import import_assets
from beffroi.rehearsal.equipment.buildings import Buildings
from beffroi.rehearsal.equipment.lighting import Lighting
from beffroi.rehearsal.equipment.model import Failing, Said
from beffroi.rehearsal.equipment.traffic import Bollards, Intersections
from beffroi.rehearsal.heeding import Heeding
from beffroi.rehearsal.inventory import Item
from tests.kernel.alarms.factories import relate, viewer
from tests.rehearsal.test_equipment import CENTRE, NIGHT

LON, LAT = CENTRE
ASSETS = (
    ("A-001", "lighting_cabinet", "lighting", 0), ("L-001", "light_point", "lighting", 1),
    ("L-002", "light_point", "lighting", 2), ("L-003", "light_point", "lighting", 3),
    ("C-001", "intersection", "traffic", 1), ("C-002", "intersection", "traffic", 4),
    ("B-001", "bollard", "bollards", 2), ("H-001", "building", "buildings", 3),
)  # fmt: skip
FED = ("L-001", "L-002", "L-003")


def found(folder: Path, library: Iterable[Procedure]) -> None:
    """Put the city's profile in force, its equipment in the inventory, its crews on duty."""
    by = people.SYSTEM

    def read(name: str) -> str:
        return (PROFILE / name).read_text()

    alarms.publish_definitions(parse_definitions(read("alarms.yaml")), by=by, at=NIGHT)
    incidents.publish_bodies(parse_bodies(read("bodies.yaml")), by=by, at=NIGHT)
    people.publish_posts(parse_posts(read("posts.yaml")), by=by, at=NIGHT)
    profile = parse_categories(read("categories.yaml")), parse_correlation(read("correlation.yaml"))
    incidents.publish_profile(*profile, by=by, at=NIGHT)
    commands.publish_abilities(parse_abilities(read("abilities.yaml")), connectors=["mqtt_json"], by=by, at=NIGHT)
    dispatch.publish_units(parse_profile(read("units.yaml")), by=by, at=NIGHT)
    procedures.publish_procedures(library, by=by, at=NIGHT)
    rows = [
        f"{code},{kind},{LON + place * 2e-4},{LAT},{code},{source},Dijon,rue Haute,60"
        for code, kind, source, place in ASSETS
    ]
    file = folder / "town.csv"
    file.write_text("\n".join(["asset,class,lon,lat,name,source,commune,place,period_s", *rows]) + "\n")
    import_assets(file, by=by, at=NIGHT)
    numbers = {code: _number(code) for code, *_ in ASSETS}
    relate(numbers["A-001"], "feeds", *(numbers[code] for code in FED))
    for unit in ("lumiere-1", "voirie-1", "patrouille-1", "feux-1", "gardien-1", "astreinte"):
        dispatch.go_on_duty(unit, headcount=2, by=viewer("nadia"), at=NIGHT)


def _number(code: str) -> int:
    asset = twin.get_asset(code)
    return asset.id


class Town:
    """The town, from the evening on. `pass_time` lets seconds pass for all that goes by itself."""

    def __init__(self) -> None:
        self.now: Instant = NIGHT
        self.room, self.second_person, self.police = viewer("nadia"), viewer("karim"), viewer("patrol_desk")
        self._numbers = itertools.count(1)
        items = {code: Item(code, kind, source, code, code, LON, LAT, {}) for code, kind, source, _ in ASSETS}

        def of(kind: str) -> list[Item]:
            return [item for item in items.values() if item.asset_class == kind]

        self.lighting = Lighting(of("light_point"), of("lighting_cabinet"), {"A-001": FED}, CENTRE, NIGHT, Random(1))
        self.junctions = Intersections(of("intersection"), NIGHT, Random(2))
        self.bollards = Bollards(of("bollard"), NIGHT, Random(3))
        self.buildings = Buildings(of("building"), NIGHT, Random(4))
        self.models = (self.lighting, self.junctions, self.bollards, self.buildings)
        self.deaf: set[str] = set()
        """Sources whose commands are lost on their way."""

        self._heeding = {model.source: Heeding(model.source, [model], lambda: self.now) for model in self.models}
        self._failings: dict[str, Failing] = {each.kind: each for model in self.models for each in model.failings()}
        self._broken: dict[str, str] = {}
        self._sources = {source.code: source for source in twin.sources()}
        readers, wrong = make_ready(self._sources.values())
        assert not wrong
        self.engine: Applier
        self.engine, _classes = learn(list(self._sources.values()), readers, clock=lambda: self.now)
        self.pass_time(60, 20)

    def fail(self, kind: str, code: str) -> None:
        """Make a piece of equipment fail as the city's director does."""
        self._failings[kind].fail(code, self.now)
        self._broken[code] = kind

    def repair(self) -> None:
        """Mend everything that was broken: what a crew does on site."""
        for code, kind in self._broken.items():
            self._failings[kind].repair(code, self.now)
        self._broken.clear()

    def told(self, category: str, asset: str = "") -> Incident:
        """Open an incident by a call."""
        told = Told(category, LON, LAT, "rue Haute", "Dijon", "essai", Channel.PHONE, asset=asset)
        return incident_queries.get(incidents.open_incident(told, by=self.room, at=self.now).incident.id, self.room)

    def raised(self, code: str) -> Alarm:
        """Return the alarm of this definition, once it stands."""
        for _ in range(60):
            for each in alarm_queries.list_alarms(alarm_queries.Filters(code=code), seen_by=self.room):
                return each
            self.pass_time(10, 5)
        raise AssertionError(f"no alarm {code}")

    def opened_by(self, alarm: Alarm) -> Incident:
        """Return the incident that an alarm opened."""
        number = incident_queries.incidents_of_alarms([alarm.id])[alarm.id]
        return incident_queries.get(number, self.room)

    def pass_time(self, seconds: int, by_s: int = 1) -> None:
        """Let seconds pass for equipment, engine and sender, so many at a time; then have the worker look."""
        for _ in range(0, seconds, by_s):
            self.now += by_s * SECOND
            self._say([(model.source, said) for model in self.models for said in model.step(self.now)])
            self._send()
        self.engine.tick()
        commands.pass_time(self.now)
        procedures.pass_time(self.now)

    def _say(self, said: Iterable[tuple[str, Said]]) -> None:
        self._hear(
            [
                (wire.encode_topic(source, each.address), wire.encode_report(each.observed_at, each.values))
                for source, each in said
            ]
        )

    def _hear(self, messages: Iterable[tuple[str, bytes]]) -> None:
        arrived = [
            (MQTT_STREAM, Arrived(next(self._numbers), topic, self.now, payload, 0, "")) for topic, payload in messages
        ]
        if arrived:
            self.engine.apply([], self.engine.decoding.decode(arrived))

    def _send(self) -> None:
        """Do what the sender does: mark what is due, hand it over, and hear what equipment answers at once."""
        commander = connectors()["mqtt_json"].commands
        assert commander is not None
        due = command_queries.sources_to_serve(self.now)
        for source in (each for each in self._sources.values() if each.id in due):
            options = connector_settings(connectors()["mqtt_json"], source.settings, source.code)
            claimed = commands.claim(source.code, source.id, 50, sender="one", at=self.now)
            commands.note_left([each.id for each in claimed], sender="one")
            heeding = self._heeding[source.code]
            wires = [each for claim in claimed for each in commander.encode(claim.order, options)]
            answers = [heeding.heed(each.topic, each.payload) for each in wires if source.code not in self.deaf]
            self._hear([answer for answer in answers if answer is not None])

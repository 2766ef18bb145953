"""What leaves the city: frames that the post's own connectors read, over a real broker, through a real cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import nats
import pytest

from beffroi.app.embedded.children import free_port
from beffroi.app.embedded.nats import GatewayAccess, NatsServer
from beffroi.app.provision import hash_password
from beffroi.connectors.chirpstack.connector import CONNECTOR as CHIRPSTACK
from beffroi.connectors.gtfs_rt.connector import CONNECTOR as GTFS_RT
from beffroi.connectors.mqtt_json.connector import CONNECTOR as MQTT_JSON
from beffroi.connectors.things_stack.connector import CONNECTOR as THINGS_STACK
from beffroi.foundation.clock import SECOND, now
from beffroi.foundation.errors import Misconfigured
from beffroi.kernel.twin.types import Connector, Frame, Report
from beffroi.rehearsal.control import control_app
from beffroi.rehearsal.equipment.model import Said
from beffroi.rehearsal.inventory import Inventory
from beffroi.rehearsal.process import build_city
from beffroi.rehearsal.scenario import load_scenario
from beffroi.rehearsal.transmission import Gateway, Link, Outbox, encoder

AIR = {"temperature_degc": 19.4, "humidity_pct": 47.5, "battery_pct": 88.0}
FORMATS = {
    "mqtt_json": (MQTT_JSON, {}),
    "chirpstack": (CHIRPSTACK, {"application_ids": ["1"]}),
    "things_stack": (THINGS_STACK, {"application": "batiments", "tenant": "ttn"}),
}


def read(connector: Connector, options: dict[str, object], source: str, topic: str, payload: bytes) -> list[Report]:
    found = connector.decode(Frame(source, topic, payload, now()), connector.settings.model_validate(options))
    assert all(isinstance(each, Report) for each in found)
    return [each for each in found if isinstance(each, Report)]


@pytest.mark.parametrize("slug", list(FORMATS))
def test_connector_reads_what_the_equipment_said(slug: str) -> None:
    connector, options = FORMATS[slug]
    encode = encoder("src", Gateway("u", "p", slug, dict(options)))
    said = Said("70b3d57ed0000001", now() // SECOND * SECOND, AIR)
    (report,) = read(connector, dict(options), "src", *encode(said))
    assert (report.address, report.observed_at) == (said.address, said.observed_at)
    assert {name: report.values[name] for name in AIR} == AIR


def test_unknown_format_is_refused() -> None:
    with pytest.raises(Misconfigured, match="'semaphore'"):
        encoder("src", Gateway("u", "p", "semaphore"))


def test_every_model_speaks_so_that_connectors_understand(bourg_inventory: Inventory) -> None:
    start = now() - 60 * SECOND
    city = build_city(bourg_inventory, load_scenario("opening"), start, 1)
    known = {item.address for item in bourg_inventory.items}
    for model in city.models:
        slug = {"lorawan": "chirpstack", "things": "things_stack"}.get(model.source, "mqtt_json")
        connector, options = FORMATS[slug]
        encode = encoder(model.source, Gateway("u", "p", slug, dict(options)))
        heard = [said for second in range(60) for said in model.step(start + second * SECOND)]
        assert heard
        for said in heard[:300]:
            (report,) = read(connector, dict(options), model.source, *encode(said))
            assert report.address in known and set(said.values) <= set(report.values)


def test_outbox_is_bounded_and_gives_back_in_order() -> None:
    async def story() -> list[bytes]:
        outbox = Outbox(3)
        for payload in (b"1", b"2", b"3"):
            await outbox.put("t", payload)
        waiting = asyncio.create_task(outbox.put("t", b"4"))
        await asyncio.sleep(0)
        assert len(outbox) == 3 and not waiting.done()
        first, second = await outbox.take(), await outbox.take()
        outbox.give_back(second)
        outbox.give_back(first)
        taken = [(await outbox.take()).payload]
        await waiting
        return taken + [(await outbox.take()).payload for _ in range(3)]

    assert asyncio.run(story()) == [b"1", b"2", b"3", b"4"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(
        tmp_path / "nats",
        secrets=tmp_path / "secrets",
        log=tmp_path / "nats.log",
        mqtt_host="127.0.0.1",
        mqtt_port=free_port(),
    )
    yield server
    server.stop()


def test_link_waits_for_the_broker_and_loses_nothing_when_it_is_killed(broker: NatsServer) -> None:
    """Said before the broker is there, and while it is down: each is heard in the end."""
    access = GatewayAccess("g", hash_password("secret"), ("readings.lighting.>",))

    async def story() -> set[str]:
        link = Link("lighting", Gateway("g", "secret", "mqtt_json"), *broker.mqtt)
        running = asyncio.create_task(link.run())
        heard: set[str] = set()
        for first in (0, 50):
            for number in range(first, first + 50):
                await link.say(Said(f"L-{number}", now(), {"voltage_v": 230}))
            await _admit_and_listen(broker, access, heard, first + 50)
            if first == 0:
                assert broker.process is not None
                broker.process.kill()
                broker.process.wait()
        running.cancel()
        await asyncio.wait({running}, timeout=10)
        return heard

    assert asyncio.run(story()) == {f"L-{number}" for number in range(100)}


async def _admit_and_listen(broker: NatsServer, access: GatewayAccess, heard: set[str], count: int) -> None:
    """Start the broker, listen, then admit the gateway; collect the addresses heard until there are `count`."""
    await asyncio.to_thread(broker.start)
    client = await nats.connect(broker.url)
    subscription = await client.subscribe("readings.lighting.>")
    await client.flush()
    broker.configure([access])
    broker.reload()
    async with asyncio.timeout(30):
        while len(heard) < count:
            message = await subscription.next_msg(timeout=30)
            heard.add(message.subject.rpartition(".")[2])
    await client.close()


class Control:
    """The city's control surface, asked without a network."""

    def __init__(self, inventory: Inventory) -> None:
        city = build_city(inventory, load_scenario("quiet"), now(), 1)
        self.app = control_app(city.director, city.buses, now)

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
                return await client.request(method, path, **content)

        return asyncio.run(asked())

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self.ask("POST", path, **content)


@pytest.fixture
def control(bourg_inventory: Inventory) -> Control:
    return Control(bourg_inventory)


def test_feed_is_read_by_its_connector(control: Control) -> None:
    answer = control.get("/gtfs-rt/vehicle-positions.pb")
    assert answer.headers["content-type"] == "application/x-protobuf"
    for report in read(GTFS_RT, {"url": "http://127.0.0.1:1/"}, "buses", "frames/buses", answer.content):
        assert report.address.startswith("BUS") and report.values["speed_kmh"] >= 0


def test_failure_is_brought_about_and_repaired_over_http(control: Control) -> None:
    order = {"kind": "cabinet_trip", "asset": "A-001"}
    answer = control.post("/rehearsal/fail", json=order)
    assert (answer.status_code, answer.json()["asset"]) == (201, "A-001")
    assert [item["asset"] for item in control.get("/rehearsal/failures").json()["items"]] == ["A-001"]
    assert control.post("/rehearsal/fail", json=order).status_code == 409
    assert control.post("/rehearsal/repair", json={"asset": "A-001"}).status_code == 200
    assert control.get("/rehearsal/failures").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 422),
        (b'{"kind": 3}', "application/json", 422),
        (b'{"kind": "meteor"}', "application/json", 422),
        (b'{"kind": "cabinet_trip", "asset": "A-999"}', "application/json", 404),
        (b'{"kind": "cabinet_trip", "asset": "A-001"}', "text/plain", 422),
        (b'"' + b"x" * 5000 + b'"', "application/json", 422),
    ],
)
def test_wrong_order_is_refused_with_problem_details(
    control: Control, body: bytes, content_type: str, status: int
) -> None:
    answer = control.post("/rehearsal/fail", content=body, headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(answer.content)["detail"]


@pytest.mark.parametrize(
    ("name", "failures"),
    [("cabinet_trip", 1), ("storm", 342), ("chattering_detector", 1), ("two_operators", 1), ("gateway_silent", 1)],
)
def test_scenario_is_played_over_http(control: Control, name: str, failures: int) -> None:
    answer = control.post("/rehearsal/scenario", json={"name": name})
    assert (answer.status_code, answer.json()) == (201, {"title": load_scenario(name).title, "failures": failures})


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b'{"name": "meteor"}', 404, "known: cabinet_trip, chattering_detector"),
        (b'{"name": "../opening"}', 422, "is no scenario's name"),
        (b'{"name": "/etc/passwd.yaml"}', 422, "is no scenario's name"),
        (b'{"name": "storm", "times": 9}', 422, "not an order"),
        (b"{}", 422, "not an order"),
    ],
)
def test_scenario_that_cannot_be_played_is_refused(control: Control, content: bytes, status: int, told: str) -> None:
    answer = control.post("/rehearsal/scenario", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.json()["detail"]

"""From the wire to the screen and the journal, with every process of a post: a device, a feed, a cabinet that trips."""

from __future__ import annotations

import asyncio
import csv
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiomqtt
import pytest
from google.transit import gtfs_realtime_pb2
from playwright.sync_api import Page, expect

from tests.post.running import Post, eventually, uplink

pytestmark = [pytest.mark.post, pytest.mark.browser]


def publish(post: Post, access: tuple[str, str], topic: str, payload: bytes) -> None:
    """Publish one message with QoS 1, as a gateway does; returns once it is acknowledged."""

    async def send() -> None:
        user, password = access
        async with aiomqtt.Client("127.0.0.1", post.mqtt_port, username=user, password=password) as client:
            await client.publish(topic, payload, qos=1)

    with ThreadPoolExecutor(1) as beside:  # Playwright keeps a loop in this thread
        beside.submit(asyncio.run, send()).result()


def test_a_real_device_is_followed_to_its_sheet(
    post: Post, token: str, operator: Page, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    device = json.loads(shared("lorawan/ttn/em300-th.json").read_text())
    eui = "24e124136b502217"
    inventory = tmp_path / "sensors.csv"
    inventory.write_text(
        f"asset,class,lon,lat,name,source,address\nSONDE-1,sensor,5.04,47.32,Salle des fêtes,halle,{eui}\n"
    )
    post.command(
        "source", "add", "halle", "--connector", "chirpstack",
        "--setting", 'application_ids=["7"]', "--setting", "codec=em300-th",
    )  # fmt: skip
    post.command("import", "assets", str(inventory))
    operator.goto(f"{post.url}/assets/SONDE-1")
    publish(
        post,
        post.gateway("halle-1", "halle"),
        f"application/7/device/{eui}/event/up",
        uplink(device, application_id="7", dev_eui=eui),
    )
    state = eventually(lambda: post.get("assets/SONDE-1", token)["state"], "the asset has a state")
    values = {entry["quantity"]: entry["value"] for entry in state}
    assert values["temperature_degc"] == pytest.approx(device["expected"]["temperature"])
    assert values["humidity_pct"] == pytest.approx(device["expected"]["humidity"])
    assert values["battery_pct"] == pytest.approx(device["expected"]["battery"])
    expect(operator.locator("main")).to_contain_text("20", timeout=15_000)


@pytest.fixture
def feed(shared: Callable[[str], Path]) -> Iterator[tuple[str, bytes, threading.Event]]:
    """A web server with one real feed (King County, 2 September 2021), out of order until it is opened."""
    name = "transit/otp/application/src/test/resources/org/opentripplanner/updater/vehicle_position/king-county-metro-1.pbf"
    content = shared(name).read_bytes()

    opened = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content if opened.is_set() else b""
            self.send_response(200 if body else 503)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/vehicles.pb", content, opened
    server.shutdown()


def test_a_real_feed_is_followed_to_every_vehicle(
    post: Post, token: str, feed: tuple[str, bytes, threading.Event], tmp_path: Path
) -> None:
    url, content, opened = feed
    message = gtfs_realtime_pb2.FeedMessage.FromString(content)
    vehicles = {entity.vehicle.vehicle.id: entity.vehicle.position for entity in message.entity}
    inventory = tmp_path / "buses.csv"
    inventory.write_text(
        "asset,class,lon,lat,name,source,address\n"
        + "".join(f"KC{number},bus,-122.33,47.6,Bus {number},kingcounty,{number}\n" for number in vehicles)
    )
    post.command(
        "source", "add", "kingcounty", "--connector", "gtfs_rt",
        "--setting", f"url={json.dumps(url)}", "--setting", "max_age_s=1e9", "--setting", "period_s=5",
    )  # fmt: skip
    post.command("import", "assets", str(inventory))
    opened.set()
    counts = eventually(
        lambda: (
            (found := post.get("status", token)["readings"]["by_source"].get("kingcounty"))
            and found["stored"] >= len(vehicles)
            and found
        ),
        "every vehicle is stored",
    )
    assert counts["received"] == counts["stored"] + counts["quarantined"] + counts["refused"]
    number, position = next(iter(vehicles.items()))
    state = {entry["quantity"]: entry["value"] for entry in post.get(f"assets/KC{number}", token)["state"]}
    assert state["longitude_deg"] == pytest.approx(position.longitude)
    assert state["latitude_deg"] == pytest.approx(position.latitude)


def test_a_cabinet_that_trips_is_one_alarm_one_incident_and_lines_nobody_can_alter(
    post: Post, token: str, operator: Page
) -> None:
    relations = csv.DictReader((post.folder / "city" / "relations.csv").open())
    fed: dict[str, list[str]] = {}
    for relation in relations:
        fed.setdefault(relation["from"], []).append(relation["to"])
    quiet = [cabinet for cabinet in fed if cabinet.startswith("A-")]
    before = {incident["asset"] for incident in post.get("incidents?limit=500", token)["items"]} | post.failed()
    cabinet = next(code for code in quiet if code not in before)
    operator.goto(post.url)
    post.city("fail", {"kind": "cabinet_trip", "asset": cabinet})
    row = operator.locator("#queue li", has_text=cabinet)
    expect(row).to_have_count(1, timeout=30_000)

    def darkened() -> bool:
        states = (post.get(f"assets/{lamp}", token)["state"] for lamp in fed[cabinet])
        return all(any(v["quantity"] == "voltage_v" and v["value"] == 0 for v in state) for state in states)

    eventually(darkened, "every lamp of the cabinet said that it has no supply")
    found = [i for i in post.get("incidents?limit=500", token)["items"] if i["asset"] == cabinet]
    assert len(found) == 1

    def in_view() -> bool:
        if row.get_attribute("data-folded"):
            operator.keyboard.press("g")  # a flood, and groups: she wants rows
        return row.is_visible()

    eventually(in_view, "the row takes its place")
    row.click()
    operator.keyboard.press("p")
    expect(row).to_contain_text("LM", timeout=10_000)
    reference = found[0]["reference"]
    lines = eventually(
        lambda: (
            {"open_incident", "take_incident"}
            <= {
                line["verb"]
                for line in post.get("journal?limit=500", token)["items"]
                if f"incident:{found[0]['id']}" in [line["subject"], *line.get("related", [])]
            }
        ),
        f"the journal tells of {reference}",
    )
    assert lines
    assert "the journal stands" in post.command("journal", "verify")


CITY = ("lighting", "traffic", "buildings", "fleet", "lorawan", "things", "buses")


def test_every_wire_format_of_the_city_reaches_the_last_value_of_an_asset(post: Post, token: str) -> None:
    """Each connector, from the city's own devices: their inventory imported, their frames decoded, their values kept."""
    assets: dict[str, list[str]] = {}
    with (post.folder / "city" / "assets.csv").open() as file:
        for row in csv.DictReader(file):
            assets.setdefault(row["source"], []).append(row["asset"])

    def stored() -> bool:
        counts = post.get("status", token)["readings"]["by_source"]
        return all(source in counts and counts[source]["stored"] for source in CITY)

    eventually(stored, "each source has readings that are stored")
    told = [source for source in CITY if any(post.get(f"assets/{code}", token)["state"] for code in assets[source])]
    assert told == list(CITY)

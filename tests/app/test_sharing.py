"""Two posts on one bus: neither reads what is the other's, and neither has it forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bench.mqtt import Login
from hypothesis import given
from hypothesis import strategies as st
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from beffroi.app.embedded.nats import MAX_PAYLOAD, NatsServer
from beffroi.app.processes.field import Field
from beffroi.app.readers import readers_of_others, remove_readers
from beffroi.foundation import bus as field_bus
from beffroi.foundation.bus import FRAMES_STREAM, MQTT_PREFIX, MQTT_STREAM, PartitionReader
from beffroi.foundation.clock import now
from beffroi.foundation.errors import NotFound, Refused
from beffroi.foundation.heartbeat import heartbeats
from beffroi.foundation.settings import Settings, settings
from beffroi.foundation.sharing import OtherPost, other_readers, overlap, post_of
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin.queries import list_quarantine
from tests.app.conftest import (
    BY,
    PASSWORD,
    World,
    access,
    connects,
    kept,
    on_bus,
    prepare,
    publish,
    wait_for,
)
from tests.app.test_partition_reader import take

OURS, THEIRS = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
A, B = f"{MQTT_PREFIX}readings.a.>", f"{MQTT_PREFIX}readings.b.>"
EVERY = f"{MQTT_PREFIX}readings.>"


def _reader(bus: Any, post: str, *, partition: int = 3, epoch: int = 1, position: int = 0) -> PartitionReader:
    return PartitionReader(bus, MQTT_STREAM, partition, epoch, position, post, False)


@pytest.fixture
def shared(server: NatsServer) -> NatsServer:
    """A bus that others use too: one gateway, which may publish for every source."""
    prepare(server)
    server.configure([access("gate", "readings.>")])
    server.reload()
    wait_for(lambda: connects(Login("127.0.0.1", server.mqtt[1], "gate", PASSWORD)), "the gateway may connect")
    return server


def _send(server: NatsServer, source: str, count: int) -> None:
    messages = [(f"readings/{source}/x", str(n).encode()) for n in range(count)]
    assert publish(Login("127.0.0.1", server.mqtt[1], "gate", PASSWORD), messages) == count


async def _names(bus: Any, stream: str = MQTT_STREAM) -> list[str]:
    return sorted(info.name for info in await bus.jetstream().consumers_info(stream) if post_of(info.name) is not None)


def test_second_post_does_not_begin_to_read_what_the_first_reads(shared: NatsServer) -> None:
    async def work(bus: Any) -> tuple[str, list[str]]:
        await _reader(bus, THEIRS).read([A])
        with pytest.raises(OtherPost) as refused:
            await _reader(bus, OURS, partition=5, epoch=2).read([EVERY])
        return refused.value.reason, await _names(bus)

    reason, names = on_bus(shared, work)
    assert f"the post {THEIRS} on " in reason and f"beffroi bus forget {THEIRS}" in reason and EVERY in reason
    assert names == [f"partition-003-1-{THEIRS}"]


def test_reader_of_an_older_version_is_anothers_on_a_shared_bus_and_ours_on_our_own(shared: NatsServer) -> None:
    async def work(bus: Any) -> tuple[str, list[str]]:
        await PartitionReader(bus, MQTT_STREAM, 3, epoch=1, position=0).read([A])  # it carried no identity
        with pytest.raises(OtherPost) as refused:
            await _reader(bus, OURS, epoch=2).read([A])
        await PartitionReader(bus, MQTT_STREAM, 3, 3, 0, OURS).read([A])
        return refused.value.reason, await _names(bus)

    reason, names = on_bus(shared, work)
    assert "a post of an older version reads" in reason and "beffroi bus forget older" in reason
    assert names == [f"partition-003-3-{OURS}"]


def test_posts_with_sources_of_their_own_share_a_bus_and_keep_each_others_readers(shared: NatsServer) -> None:
    async def work(bus: Any) -> tuple[int, list[str]]:
        theirs, ours = _reader(bus, THEIRS), _reader(bus, OURS, epoch=2)
        await theirs.read([A])
        await ours.read([B])
        await asyncio.to_thread(_send, shared, "a", 4)
        await asyncio.to_thread(_send, shared, "b", 3)
        await ours.applied((await take(ours, 3))[-1])
        await ours.release(others=await other_readers(bus, MQTT_STREAM, OURS, alone=False))
        await ours.close()
        await _reader(bus, OURS, epoch=9, position=ours.position).read([B])
        return len(await take(theirs, 4)), await _names(bus)

    assert on_bus(shared, work) == (4, [f"partition-003-1-{THEIRS}", f"partition-003-9-{OURS}"])
    assert kept(shared) == 4


def test_source_taken_up_later_is_refused_and_what_was_read_is_read_on(shared: NatsServer) -> None:
    async def work(bus: Any) -> tuple[tuple[str, ...], int, int]:
        theirs, ours = _reader(bus, THEIRS), _reader(bus, OURS, epoch=2)
        await theirs.read([A])
        await ours.read([B])
        with pytest.raises(OtherPost):
            await ours.read([A, B])
        await asyncio.to_thread(_send, shared, "a", 2)
        await asyncio.to_thread(_send, shared, "b", 2)
        return ours.filters, len(await take(ours, 2)), len(await take(theirs, 2))

    assert on_bus(shared, work) == ((B,), 2, 2)


def test_of_two_posts_that_begin_at_once_one_stays(shared: NatsServer) -> None:
    async def work(bus: Any) -> list[tuple[int, list[str]]]:
        found = []
        for epoch in range(1, 9):
            pair = [_reader(bus, OURS, epoch=epoch), _reader(bus, THEIRS, epoch=epoch)]
            said = await asyncio.gather(*(reader.read([A]) for reader in pair), return_exceptions=True)
            found.append((sum(isinstance(each, OtherPost) for each in said), await _names(bus)))
            for name in await _names(bus):
                await bus.jetstream().delete_consumer(MQTT_STREAM, name)
        return found

    assert [(refused, len(names)) for refused, names in on_bus(shared, work)] == [(1, 1)] * 8


def test_what_a_reader_of_others_has_not_read_is_not_released(shared: NatsServer) -> None:
    """Some other tool reads the devices' stream: what is applied here stays until it has acknowledged it."""

    async def work(bus: Any) -> list[int]:
        js = bus.jetstream()
        config = ConsumerConfig(
            durable_name="archive",
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            filter_subject=A,
        )
        await js.add_consumer(MQTT_STREAM, config)
        ours = PartitionReader(bus, MQTT_STREAM, 3, 1, 0, OURS)  # on our own server as well
        await ours.read([A])
        await asyncio.to_thread(_send, shared, "a", 10)
        await ours.applied((await take(ours, 10))[-1])
        left = []
        archive = await js.pull_subscribe_bind("archive", MQTT_STREAM)
        for count in (0, 4, 6):
            for message in await archive.fetch(count, timeout=5) if count else ():
                await message.ack_sync()
            await ours.release(others=await other_readers(bus, MQTT_STREAM, OURS, alone=True))
            left.append((await js.stream_info(MQTT_STREAM)).state.messages)
        return left

    assert on_bus(shared, work) == [10, 6, 0]


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.c", True),
        ("a.*", "a.c.d", False),
        ("a.>", "a.c.d", True),
        ("a.>", "a", False),
        (">", "a.b", True),
        ("a.*.c", "a.b.>", True),
        ("a.*.c", "b.>", False),
    ],
)
def test_filters_overlap(one: str, other: str, meet: bool) -> None:
    assert (overlap(one, other), overlap(other, one)) == (meet, meet)


_WORDS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3)
_FILTERS = st.tuples(_WORDS, st.booleans()).map(lambda made: ".".join([*made[0], *([">"] if made[1] else [])]))


@given(_FILTERS, _FILTERS)
def test_filters_overlap_when_some_subject_matches_both(one: str, other: str) -> None:
    def matches(subject: tuple[str, ...], wanted: str) -> bool:
        words = wanted.split(".")
        if words[-1] == ">":
            if len(subject) < len(words):
                return False
            subject, words = subject[: len(words) - 1], words[:-1]
        return len(subject) == len(words) and all(w in ("*", s) for s, w in zip(subject, words, strict=True))

    subjects = [()]
    every: list[tuple[str, ...]] = []
    for _ in range(5):
        subjects = [(*known, word) for known in subjects for word in "ab"]
        every += subjects
    assert overlap(one, other) == any(matches(each, one) and matches(each, other) for each in every)


# -- whole processes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def own_bus(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A post that is told of its bus by the setting, as one of its own: it is not alone there."""
    prepare(world.server)
    monkeypatch.setenv("BEFFROI_NATS_URL", world.server.url)
    settings.cache_clear()
    return world


def _other_post(world: World, stream: str, subject: str) -> None:
    async def read(bus: Any) -> None:
        await PartitionReader(bus, stream, 1, 1, 0, THEIRS, False).read([subject])

    on_bus(world.server, read)


def _said(name: str) -> str:
    last = heartbeats().get(name)
    return "" if last is None or last.ready else "; ".join(last.reasons)


def test_engine_says_why_it_does_not_read_and_reads_once_the_other_is_forgotten(own_bus: World) -> None:
    own_bus.equip("lighting", "A-1")
    _other_post(own_bus, MQTT_STREAM, f"{MQTT_PREFIX}readings.lighting.>")
    own_bus.engine()
    wait_for(lambda: f"the post {THEIRS}" in _said("engine-1"), "the engine says whose they are")
    assert [reader.post for _, reader in asyncio.run(readers_of_others(twin.identity()))] == [THEIRS]
    with pytest.raises(NotFound, match="bus readers"):
        asyncio.run(remove_readers("cccccccccccc", twin.identity()))
    with pytest.raises(Refused):
        asyncio.run(remove_readers(twin.identity(), twin.identity()))
    assert asyncio.run(remove_readers(THEIRS, twin.identity())) == 1
    wait_for(lambda: heartbeats()["engine-1"].ready, "the engine reads")


def test_connectors_publish_nothing_that_another_post_would_store(
    own_bus: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fetching(monkeypatch, b"frame")
    twin.declare_source("buses", "gtfs_rt", by=BY, at=now(), options={"url": "http://127.0.0.1:1/"})
    _other_post(own_bus, FRAMES_STREAM, "frames.buses")
    field = Field()
    own_bus.run(field)
    wait_for(lambda: THEIRS in field.unreachable.get("buses", ""), "the source says whose they are")
    assert kept(own_bus.server, FRAMES_STREAM) == 0


def test_identity_is_made_once(transactional_db: None) -> None:
    first = twin.identity()
    assert (post_of(field_bus.consumer_name(3, 5, first)), twin.identity()) == (first, first)


def test_frame_that_the_bus_does_not_carry_goes_to_quarantine_and_the_next_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(world.server)
    large = b"x" * (MAX_PAYLOAD + 1)
    _fetching(monkeypatch, large, b"small enough")
    twin.declare_source("buses", "gtfs_rt", by=BY, at=now(), options={"url": "http://127.0.0.1:1/"})
    world.field()
    counts = world.wait_counted("buses", received=1)
    assert counts == {"received": 1, "stored": 0, "quarantined": 1, "refused": 0, "denied": 0}
    (frame,) = list_quarantine(source="buses")
    assert (frame.topic, frame.payload, frame.verdict) == ("frames/buses", large[:65_536], "quarantined")
    assert f"{MAX_PAYLOAD + 1} bytes, and the bus carries {MAX_PAYLOAD} bytes" in frame.reason
    wait_for(lambda: kept(world.server, FRAMES_STREAM) == 1, "the next frame is in the log")


def test_frame_that_the_stream_of_ones_own_does_not_take_goes_to_quarantine(
    own_bus: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bound(bus: Any) -> None:
        await field_bus.change_stream(bus, FRAMES_STREAM, max_msg_size=1_000)

    on_bus(own_bus.server, bound)
    _fetching(monkeypatch, b"x" * 5_000)
    twin.declare_source("buses", "gtfs_rt", by=BY, at=now(), options={"url": "http://127.0.0.1:1/"})
    own_bus.field()
    own_bus.wait_counted("buses", quarantined=1)
    assert ["5000 bytes" in reason and "max_msg_size" in reason for _, reason in own_bus.reasons()] == [True]


def test_bus_that_is_full_is_said_to_be(own_bus: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "bus_max_bytes", 1_000)

    async def fill(bus: Any) -> None:
        await bus.jetstream().publish("frames.other", b"x" * 2_000)

    on_bus(own_bus.server, fill)
    own_bus.field()
    wait_for(lambda: "the field bus is full" in _said("connectors"), "connectors says it")


def _fetching(monkeypatch: pytest.MonkeyPatch, *frames: bytes) -> None:
    """Have the connector of feeds fetch these frames and then nothing more."""
    from beffroi.connectors.gtfs_rt.client import GtfsRtClient

    async def yielded(self: Any) -> Any:
        for frame in frames:
            yield frame
        await asyncio.Event().wait()

    monkeypatch.setattr(GtfsRtClient, "frames", yielded)

"""Partitions shared by several engines, and the fence around one that lost its own (architecture, section 6)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from beffroi.app.engine.applying import Applier, Taken
from beffroi.app.engine.claims import Claims
from beffroi.app.engine.decoding import Decoding, reader_of
from beffroi.foundation.bus import MQTT_STREAM, Arrived
from beffroi.foundation.clock import now
from beffroi.foundation.database import connect
from beffroi.foundation.errors import Conflict
from beffroi.foundation.heartbeat import heartbeats
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import History, Position
from beffroi.kernel.twin.rules import Hearing
from tests.app.conftest import World, publish, reading, wait_for

PARTITIONS = 8


@pytest.fixture
def two(place: object, transactional_db: None) -> Iterator[tuple[Claims, Claims]]:
    first, second = connect(), connect()
    yield Claims(first, PARTITIONS), Claims(second, PARTITIONS)
    first.close()
    second.close()


def test_engines_share_partitions_fairly_and_hold_each_once(two: tuple[Claims, Claims]) -> None:
    first, second = two
    assert first.engines() == 2
    assert (first.acquire(), second.acquire()) == ([0, 1, 2, 3], [4, 5, 6, 7])
    assert (first.acquire(), second.acquire()) == ([], [])
    assert not first.held & second.held


def test_engine_that_dies_leaves_its_partitions_to_the_other(two: tuple[Claims, Claims]) -> None:
    first, second = two
    first.acquire(), second.acquire()
    first.connection.close()
    wait_for(lambda: second.engines() == 1, "the dead engine is no longer counted")
    second.acquire()
    assert second.held == set(range(PARTITIONS))


def test_engine_gives_up_its_surplus_when_another_comes(place: object, transactional_db: None) -> None:
    with connect() as alone, connect() as newcomer:
        first = Claims(alone, PARTITIONS)
        first.acquire()
        assert (len(first.held), first.surplus()) == (8, [])
        second = Claims(newcomer, PARTITIONS)
        assert second.acquire() == []
        assert first.surplus() == [7, 6, 5, 4]
        for partition in first.surplus():
            first.release(partition)
        assert second.acquire() == [4, 5, 6, 7]


def applier() -> Applier:
    (source,) = queries.sources()
    decoding = Decoding([reader_of(source)])
    return Applier(decoding, Hearing(listening_since=now()), Watch([], []), now, queries.quantity_ids())


def arrived(sequence: int, value: float) -> Arrived:
    return Arrived(sequence, "readings/lighting/A-1", now(), reading(value), 0, "")


def test_engine_that_lost_its_epoch_commits_nothing(world: World) -> None:
    """The fence: whoever lost a partition without noticing can write neither value, nor count, nor journal."""
    (asset,) = world.equip("lighting", "A-1").values()
    lines = len(list_lines(limit=100))
    _, old = actions.claim_position(MQTT_STREAM, 0)
    applier().apply([Taken(MQTT_STREAM, 0, old, [arrived(1, 1.0)])])
    position, new = actions.claim_position(MQTT_STREAM, 0)
    assert position == 1
    with pytest.raises(Conflict, match="taken over by another engine"):
        applier().apply([Taken(MQTT_STREAM, 0, old, [arrived(2, 2.0)])])
    assert world.history(asset) == [(asset, 1.0)]
    assert world.counted("lighting")["stored"] == 1
    applier().apply([Taken(MQTT_STREAM, 0, new, [arrived(2, 2.0)])])
    assert world.history(asset) == [(asset, 1.0), (asset, 2.0)]
    assert len(list_lines(limit=100)) == lines


def test_two_engines_read_all_partitions_and_one_takes_over_when_the_other_stops(world: World) -> None:
    sources = [f"s{k}" for k in range(4)]
    for source in sources:
        world.equip(source, f"{source}-1")
        world.gateway(f"gate-{source}", source)
    engines = [world.engine(1), world.engine(2)]
    world.field()
    world.admit(*(f"gate-{source}" for source in sources))

    def shares() -> list[float]:
        return sorted(beat.figures.get("partitions", 0) for beat in heartbeats().values() if "engine" in beat.name)

    wait_for(lambda: shares() == [4, 4], "each engine holds half of the partitions")
    for source in sources:
        publish(world.login(f"gate-{source}"), [(f"readings/{source}/{source}-1", reading(1)) for _ in range(10)])
    for source in sources:
        world.wait_counted(source, stored=10)
    world.stop(engines[0])
    for source in sources:
        publish(world.login(f"gate-{source}"), [(f"readings/{source}/{source}-1", reading(2)) for _ in range(10)])
    for source in sources:
        world.wait_counted(source, stored=20)
    assert History.objects.count() == 80


def test_engine_killed_under_load_loses_nothing_and_repeats_nothing(world: World) -> None:
    """kill -9, three times, of an engine in a process of its own, while readings come in."""
    (asset,) = world.equip("lighting", "A-1").values()
    world.gateway("gate", "lighting")
    world.field()
    login, sent = world.login("gate"), 0
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "beffroi.app", "process", "engine", "1"]
        started.append(subprocess.Popen(command, env={**os.environ}, stderr=subprocess.DEVNULL))
        return started[-1]

    try:
        for _ in range(3):
            engine = start()
            world.admit("gate")
            before = world.counted("lighting")["stored"]
            sent += publish(login, [("readings/lighting/A-1", reading(sent + k)) for k in range(200)])
            wait_for(lambda before=before: world.counted("lighting")["stored"] > before, "some are applied")  # type: ignore[misc]
            engine.send_signal(signal.SIGKILL)
            engine.wait()
        start()
        world.wait_counted("lighting", stored=sent)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [value for _, value in world.history(asset)] == [float(k) for k in range(600)]
    assert max(Position.objects.values_list("sequence", flat=True)) == 600
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM twin_quarantine")
        assert cursor.fetchone() == (0,)

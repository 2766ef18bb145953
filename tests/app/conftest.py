"""The readings path with its real engines: a nats-server of its own for each test, PostgreSQL's test database, and the
post's own processes run as tasks of a thread, so that a test reads as a story: publish, wait, look.

Nothing sleeps: every wait is for a condition, with a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import bcrypt
import psycopg
import pytest
from bench.mqtt import Login, Publisher, text
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from beffroi.app.embedded.children import free_port
from beffroi.app.embedded.nats import INTERNAL_USER, GatewayAccess, NatsServer
from beffroi.app.engine.process import Engine
from beffroi.app.processes.field import Field
from beffroi.foundation import bus as field_bus
from beffroi.foundation.clock import now, to_rfc3339
from beffroi.foundation.settings import publish_address, settings
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import Counter, History, Quarantine, Source
from tests.database import AS_THE_POST

BY = Actor(ActorKind.SYSTEM, "test", "Essai")
PASSWORD = "only for this test"
HASHED = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
PATIENCE_S = 20.0
T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """Wait until a condition gives something true, and return it. Fails with what was waited for."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {within_s:g} s")
        time.sleep(0.02)
    return found


class Runs(Protocol):
    """A process of the post."""

    stopping: asyncio.Event

    async def run(self) -> None:
        """Serve until asked to stop."""


class Running:
    """A process of the post, run in a thread with its own loop."""

    def __init__(self, process: Runs) -> None:
        self.process = process
        self.loop = asyncio.new_event_loop()
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        try:
            self.loop.run_until_complete(self.process.run())
        except BaseException as error:
            self.fault = error
        finally:  # its threads end, and their connections to the database with them
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    def stop(self) -> None:
        """Ask it to stop and wait until it has. Fails when it ended by a fault."""
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended already
            self.loop.call_soon_threadsafe(self.process.stopping.set)
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive(), "it does not stop"
        assert self.fault is None, repr(self.fault)


class World:
    """A field bus, a store, and the processes between them."""

    def __init__(self, folder: Path) -> None:
        self.server = NatsServer(
            settings().data / "nats",
            secrets=settings().secrets,
            log=settings().data / "log" / "nats-server.log",
            mqtt_host="127.0.0.1",
            mqtt_port=settings().mqtt_port,
        )
        self.folder = folder
        self.running: list[Running] = []

    def start_bus(self) -> None:
        """Start the bus closed, and say where it is, as the supervisor does."""
        self.server.start()
        self.tell_bus()

    def tell_bus(self) -> None:
        """Say where the bus is, under which number."""
        settings().run.mkdir(parents=True, exist_ok=True)
        (settings().run / "nats-server.json").write_text(json.dumps(self.server.facts()))
        publish_address("nats-monitor", f"http://127.0.0.1:{self.server.monitor_port}")
        publish_address("nats", self.server.url)

    # -- the post's processes --------------------------------------------------------------------------------------

    def run(self, process: Runs) -> Running:
        """Run a process of the post."""
        running = Running(process)
        self.running.append(running)
        return running

    def stop(self, running: Running) -> None:
        """Stop a process of the post."""
        self.running.remove(running)
        running.stop()

    def engine(self, number: int = 1) -> Running:
        """Run an engine."""
        return self.run(Engine(number))

    def field(self) -> Running:
        """Run what admits gateways and counts what the bus refused."""
        return self.run(Field())

    # -- the inventory ---------------------------------------------------------------------------------------------

    def equip(self, source: str, *addresses: str, asset_class: str = "light_point") -> dict[str, int]:
        """Import assets of a source; return their numbers by code."""
        file = self.folder / f"{source}.csv"
        lines = ["asset,class,lon,lat,name,source"]
        lines += [f"{address},{asset_class},5.04,47.32,{address},{source}" for address in addresses]
        file.write_text("\n".join(lines) + "\n")
        actions.import_assets(file, by=BY, at=now())
        return {code: queries.get_asset(code).id for code in addresses}

    def gateway(self, name: str, source: str) -> Login:
        """Give a gateway the right to publish for a source; return its login, admitted or not."""
        declared = actions.declare_source(source, _connector_of(source), by=BY, at=now())
        actions.add_gateway(name, declared, HASHED, by=BY, at=now())
        return self.login(name)

    def login(self, name: str, password: str = PASSWORD) -> Login:
        """Return a login on this bus."""
        return Login("127.0.0.1", self.server.mqtt[1], name, password)

    def admit(self, *names: str) -> None:
        """Wait until the bus admits these gateways."""
        wait_for(lambda: set(names) <= {each.name for each in self.server.admitted()}, f"{names} admitted")
        for name in names:
            wait_for(lambda name=name: connects(self.login(name)), f"{name} may connect")  # type: ignore[misc]

    # -- what the store holds --------------------------------------------------------------------------------------

    def counted(self, source: str) -> dict[str, int]:
        """Return the counters of a source, by name."""
        names = ("received", "stored", "quarantined", "refused", "denied")
        row = Counter.objects.filter(source__code=source).values(*names).first()
        return dict(row) if row else dict.fromkeys(names, 0)

    def wait_counted(self, source: str, **wanted: int) -> dict[str, int]:
        """Wait until counters of a source have these values; return all of them."""

        def found() -> dict[str, int]:
            counts = self.counted(source)
            return counts if all(counts[name] == value for name, value in wanted.items()) else {}

        try:
            return wait_for(found, f"{source} counts {wanted}")
        except pytest.fail.Exception:
            pytest.fail(f"{source}: expected {wanted}, counted {self.counted(source)}; aside {self.reasons()[:5]}")

    def history(self, *asset_ids: int) -> list[tuple[int, float]]:
        """Return (asset, value) of everything stored of these assets, in the order observed."""
        rows = History.objects.filter(asset_id__in=asset_ids).order_by("observed_at", "value")
        return list(rows.values_list("asset_id", "value"))

    def reasons(self) -> list[tuple[str, str]]:
        """Return (verdict, reason) of what was put aside, in the order it came."""
        return list(Quarantine.objects.order_by("sequence", "entry").values_list("verdict", "reason"))


def _connector_of(source: str) -> str:
    return Source.objects.filter(code=source).values_list("connector", flat=True).first() or "mqtt_json"


def connects(login: Login) -> bool:
    """Tell whether the bus takes this user and password."""
    publisher = Publisher([login], links=1, window=1, acked=lambda _: None, name=f"try-{time.monotonic_ns()}")
    try:
        publisher.connect(0.3)
    except TimeoutError:
        return False
    finally:
        publisher.close()
    return True


def publish(login: Login, messages: Sequence[tuple[str, bytes]], *, links: int = 1) -> int:
    """Publish messages with QoS 1 and return how many were acknowledged."""
    acked: list[int] = []
    name = f"test-{login.username}-{time.monotonic_ns()}"
    publisher = Publisher([login], links=links, window=200, acked=acked.append, name=name)
    publisher.connect(PATIENCE_S)
    for number, (topic, payload) in enumerate(messages):
        while not publisher.offer(0, number, text(topic.encode()), payload):
            publisher.turn(0.01)
    publisher.settle(PATIENCE_S)
    publisher.close()
    return len(acked)


def reading(value: float, *, at: int | None = None, quantity: str = "power_w") -> bytes:
    """Return a payload of plain JSON."""
    return json.dumps({"observed_at": to_rfc3339(now() if at is None else at), quantity: value}).encode()


def on_bus(server: NatsServer, work: Callable[[Any], Awaitable[T]]) -> T:
    """Do something on the bus with our own account."""

    async def connected() -> T:
        bus = await field_bus.connect("test", server.url)
        try:
            return await work(bus)
        finally:
            await bus.close()

    return asyncio.run(_coroutine(connected()))


async def _coroutine(work: Coroutine[Any, Any, T]) -> T:
    return await asyncio.wait_for(work, PATIENCE_S)


def kept(server: NatsServer, stream: str = field_bus.MQTT_STREAM) -> int:
    """Return how many messages a stream holds."""

    async def ask(bus: Any) -> int:
        return int((await bus.jetstream().stream_info(stream)).state.messages)

    return on_bus(server, ask)


def prepare(server: NatsServer) -> None:
    """Make the streams, as an engine does when it starts."""
    host, port = server.mqtt

    async def make(bus: Any) -> None:
        await field_bus.prepare_streams(
            bus, mqtt_host=host, mqtt_port=port, user=INTERNAL_USER, password=server.password
        )

    on_bus(server, make)


def access(name: str, *subjects: str) -> GatewayAccess:
    """Return what the server must know of a gateway that may publish on these subjects."""
    return GatewayAccess(name, HASHED, subjects)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder and ports of this test's own, and the test's database for those who connect outside Django."""
    monkeypatch.setenv("BEFFROI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BEFFROI_HTTP_PORT", str(free_port()))
    monkeypatch.setenv("BEFFROI_MQTT_PORT", str(free_port()))
    monkeypatch.setenv("BEFFROI_PARTITIONS", "8")
    monkeypatch.setenv("BEFFROI_DATABASE_URL", _url(connection.settings_dict["NAME"]))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def _url(name: str) -> str:
    """Return the address of the test database under the role under which the post runs."""
    parts = {**conninfo_to_dict(settings().database_url or ""), "dbname": name}
    user, password, host = (quote(str(parts.get(key, "")), safe="") for key in ("user", "password", "host"))
    port = f"&port={parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}:{password}@/{parts['dbname']}?host={host}{port}&options={quote(AS_THE_POST)}"


@pytest.fixture
def server(place: Path, request: pytest.FixtureRequest) -> Iterator[NatsServer]:
    """A nats-server of this test's own, started closed. Its parameter, if any, is when it flushes to disk."""
    bus = NatsServer(
        place / "nats",
        secrets=place / "secrets",
        log=place / "nats-server.log",
        mqtt_host="127.0.0.1",
        mqtt_port=settings().mqtt_port,
        sync_interval=getattr(request, "param", "always"),
    )
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def world(transactional_db: None, place: Path) -> Iterator[World]:
    """A bus and a store, empty. What a test runs on them is stopped at its end."""
    with psycopg.connect(settings().database_url or "", autocommit=True) as cleaning:
        cleaning.execute("SET ROLE NONE")
        cleaning.execute("TRUNCATE twin_history")  # no model of Django's, so no fixture empties it
    found = World(place)
    found.start_bus()
    try:
        yield found
        for running in reversed(found.running):
            running.stop()
    finally:
        for running in found.running:
            with contextlib.suppress(AssertionError):
                running.stop()
        gc.collect()  # the connections of threads that have ended close when they are collected
        found.server.stop()

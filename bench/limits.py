"""The bare limits of this machine at this moment: what no post could pass, measured beside it in the same run."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import numpy as np
import psycopg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from beffroi.app.embedded.children import free_port
from beffroi.app.embedded.nats import INTERNAL_USER, GatewayAccess, NatsServer
from beffroi.foundation import bus as field_bus
from beffroi.kernel.twin.rules import columns, pack_history
from bench.load import Load, LoadSpec, Record, source_of
from bench.mqtt import Login

PASSWORD = "only for this trial"
COPY_ROWS = 5_000
_COPY = "COPY bench_copy (observed_at, received_at, value, asset_id, quantity_id, quality) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class BareBus:
    """MQTT QoS 1 into JetStream alone: acknowledged a second, and whether all of it was kept."""

    messages_per_s: float
    acknowledged: int
    kept: int
    puback_p50_ms: float
    puback_p99_ms: float


def bare_bus(sync_interval: str, seconds: float, *, rate_per_s: float = 0, sources: int = 4) -> BareBus:
    """Publish as fast as acknowledgements allow into a bus that one durable consumer's filter keeps, read by nobody."""
    folder = Path(tempfile.mkdtemp(prefix="beffroi-bench-bus-"))
    port = free_port()
    server = NatsServer(
        folder / "nats",
        secrets=folder / "secrets",
        log=folder / "nats.log",
        mqtt_host="127.0.0.1",
        mqtt_port=port,
        sync_interval=sync_interval,
    )
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    names = [source_of(k) for k in range(sources)]
    try:
        server.start(gateways=[GatewayAccess(name, hashed, (f"readings.{name}.>",)) for name in names])
        asyncio.run(_keep_everything(server))
        logins = tuple(Login("127.0.0.1", port, name, PASSWORD) for name in names)
        record = Load(LoadSpec(logins, 10_000, rate_per_s, seconds)).finish()
        kept = asyncio.run(_kept(server))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    p50, p99 = _puback_ms(record)
    return BareBus(record.rate_per_s, record.acknowledged, kept, p50, p99)


def _puback_ms(record: Record) -> tuple[float, float]:
    acknowledged = record.acked_at > 0
    waits = (record.acked_at - record.observed_at)[acknowledged]
    p50, p99 = np.percentile(waits, [50, 99]) / 1000 if len(waits) else (0.0, 0.0)
    return round(float(p50), 1), round(float(p99), 1)


async def _keep_everything(server: NatsServer) -> None:
    bus = await field_bus.connect("bench", server.url)
    host, port = server.mqtt
    await field_bus.prepare_streams(bus, mqtt_host=host, mqtt_port=port, user=INTERNAL_USER, password=server.password)
    await bus.jetstream().add_consumer(
        field_bus.MQTT_STREAM,
        ConsumerConfig(
            durable_name="bench",
            ack_policy=AckPolicy.ALL,
            deliver_policy=DeliverPolicy.ALL,
            max_ack_pending=1_000_000,
            filter_subjects=[f"{field_bus.MQTT_PREFIX}readings.>"],
        ),
    )
    await bus.close()


async def _kept(server: NatsServer) -> int:
    bus = await field_bus.connect("bench", server.url)
    info = await bus.jetstream().stream_info(field_bus.MQTT_STREAM)
    await bus.close()
    return info.state.messages


def bare_copy(url: str, seconds: float) -> float:
    """Return rows a second of binary COPY alone: history's own columns, no index, a commit for every 5,000 rows."""
    at = time.time_ns() // 1000
    rows = [(k, k % 4, 41.5 + k % 60, at + k, at + k, 0) for k in range(COPY_ROWS)]
    packed = pack_history(columns(rows))
    count = 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_copy")
        connection.execute("CREATE TABLE bench_copy (LIKE twin_history)")
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            with connection.cursor().copy(_COPY) as copy:
                copy.write(packed)
            count += COPY_ROWS
        took = time.monotonic() - began
        connection.execute("DROP TABLE bench_copy")
    return count / took

"""From what equipment says to the broker: one MQTT connection for each gateway, QoS 1, nothing given up.

A message leaves the outbox when the broker has acknowledged it. A cut connection puts unacknowledged messages back in
their order, so that the broker may see some twice and none never; what waits is bounded, and a full outbox makes the
equipment wait, which then says less and not late.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import aiomqtt
import msgspec

from beffroi.connectors.chirpstack import wire as chirpstack
from beffroi.connectors.mqtt_json import wire as mqtt_json
from beffroi.connectors.things_stack import wire as things_stack
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Misconfigured
from beffroi.foundation.log import logger
from beffroi.foundation.lorawan import encode_payload
from beffroi.rehearsal.equipment.model import Said
from beffroi.rehearsal.heeding import Heeding

OUTBOX = 5_000
IN_FLIGHT = 64
ACKNOWLEDGED_WITHIN_S = 20.0
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 5.0
CODEC = "em300-th"
F_PORT = 85
log = logger("city")


class Gateway(msgspec.Struct, frozen=True):
    """What one gateway of `gateways.json` may publish as, and in which format."""

    username: str
    password: str
    connector: str
    settings: dict[str, Any] = {}


class Outgoing(NamedTuple):
    """One message, ordered by its number."""

    number: int
    topic: str
    payload: bytes


Encode = Callable[[Said], tuple[str, bytes]]
"""What equipment says -> topic and payload."""


def encoder(source: str, gateway: Gateway) -> Encode:
    """Return the encoder of a gateway's format. Raises Misconfigured for one that the city does not speak."""
    if gateway.connector == "mqtt_json":
        return lambda said: (
            mqtt_json.encode_topic(source, said.address),
            mqtt_json.encode_report(said.observed_at, said.values),
        )
    if gateway.connector == "chirpstack":
        return _chirpstack_encoder(str(gateway.settings["application_ids"][0]))
    if gateway.connector == "things_stack":
        return _things_stack_encoder(gateway.settings["application"], gateway.settings.get("tenant", "ttn"))
    raise Misconfigured(f"the simulated city does not speak {gateway.connector!r}, asked for source {source!r}")


def _chirpstack_encoder(application_id: str) -> Encode:
    frames: Counter[str] = Counter()

    def encode(said: Said) -> tuple[str, bytes]:
        frames[said.address] += 1
        payload = chirpstack.encode_uplink(
            application_id=application_id,
            dev_eui=said.address,
            observed_at=said.observed_at,
            f_cnt=frames[said.address],
            f_port=F_PORT,
            data=encode_payload(CODEC, _numbers(said.values)),
            decoded=_decoded(said.values),
        )
        return chirpstack.encode_topic(application_id, said.address), payload

    return encode


def _things_stack_encoder(application: str, tenant: str) -> Encode:
    frames: Counter[str] = Counter()

    def encode(said: Said) -> tuple[str, bytes]:
        frames[said.address] += 1
        payload = things_stack.encode_uplink(
            application=application,
            device_id=said.address,
            dev_eui=f"{zlib.crc32(said.address.encode()):016X}",
            observed_at=said.observed_at,
            f_cnt=frames[said.address],
            f_port=F_PORT,
            frm_payload=encode_payload(CODEC, _numbers(said.values)),
            decoded_payload=_decoded(said.values),
        )
        return things_stack.encode_topic(application, tenant, said.address), payload

    return encode


def _numbers(values: Mapping[str, float | str]) -> dict[str, float]:
    return {quantity: float(value) for quantity, value in values.items()}


def _decoded(values: Mapping[str, float | str]) -> dict[str, float]:
    """Return values under the names that the public codecs of such sensors give them, without the unit."""
    return {quantity.rpartition("_")[0]: value for quantity, value in _numbers(values).items()}


class Outbox:
    """Messages that wait for the broker, in order, bounded."""

    def __init__(self, size: int = OUTBOX) -> None:
        self._waiting: list[Outgoing] = []
        self._numbers = itertools.count()
        self._size = size
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, topic: str, payload: bytes) -> None:
        """Add a message, once there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._size)
            heapq.heappush(self._waiting, Outgoing(next(self._numbers), topic, payload))
            self._changed.notify_all()

    async def take(self) -> Outgoing:
        """Take the oldest message, once there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting))
            message = heapq.heappop(self._waiting)
            self._changed.notify_all()
            return message

    def give_back(self, message: Outgoing) -> None:
        """Put a message that was not acknowledged back in its place."""
        heapq.heappush(self._waiting, message)


class Link:
    """One gateway's connection to the broker."""

    def __init__(self, source: str, gateway: Gateway, host: str, port: int) -> None:
        self.source = source
        self.acknowledged = 0
        self.outbox = Outbox()
        self._gateway, self._host, self._port = gateway, host, port
        self._encode = encoder(source, gateway)
        self._dead = False
        self.heeding: Heeding | None = None

    async def say(self, said: Said) -> None:
        """Hand over what equipment says; waits while the outbox is full. A dead gateway loses it."""
        if not self._dead:
            await self.outbox.put(*self._encode(said))

    def die(self, source: str, now: Instant) -> None:
        """Let the gateway lose what its equipment says."""
        self._dead = True

    def revive(self, source: str, now: Instant) -> None:
        """Let it speak again."""
        self._dead = False

    async def run(self) -> None:
        """Send for ever, connecting again after each cut, a little later each time it fails at once."""
        retry_s, reachable = FIRST_RETRY_S, True
        while True:
            before = self.acknowledged
            try:
                await self._connected()
            except* (aiomqtt.MqttError, TimeoutError, OSError) as errors:
                reason = str(errors.exceptions[0])
                if reachable or self.acknowledged > before:
                    log.warning("gateway cut off", source=self.source, reason=reason)
                reachable = False
            retry_s = FIRST_RETRY_S if self.acknowledged > before else min(retry_s * 2, LAST_RETRY_S)
            await asyncio.sleep(retry_s)

    async def _connected(self) -> None:
        """Connect and send, some messages in flight at a time, until the connection is cut."""
        async with aiomqtt.Client(
            self._host,
            self._port,
            username=self._gateway.username,
            password=self._gateway.password,
            identifier=f"city-{self.source}",
            timeout=ACKNOWLEDGED_WITHIN_S,
            max_inflight_messages=IN_FLIGHT,
        ) as client:
            client.pending_calls_threshold = IN_FLIGHT + 1
            log.info("gateway connected", source=self.source, waiting=len(self.outbox))
            async with asyncio.TaskGroup() as senders:
                if self.heeding is not None:
                    await client.subscribe(self.heeding.topics, qos=1)
                senders.create_task(self._hear(client))
                for _ in range(IN_FLIGHT):
                    senders.create_task(self._send(client))

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            message = await self.outbox.take()
            try:
                await client.publish(message.topic, message.payload, qos=1, timeout=ACKNOWLEDGED_WITHIN_S)
            except BaseException:
                self.outbox.give_back(message)
                raise
            self.acknowledged += 1

    async def _hear(self, client: aiomqtt.Client) -> None:
        """Heed what comes until the connection is cut, which an idle sender would not notice. Raises aiomqtt.MqttError."""
        async for message in client.messages:
            if self.heeding is None or self._dead:
                continue
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if (answer := self.heeding.heed(str(message.topic), payload)) is not None:
                await self.outbox.put(*answer)

"""The field bus and durable log (NATS JetStream): the one place that knows how the server lays out what devices sent.

Readings published over MQTT with QoS 1 lie in the server's own stream `$MQTT_msgs`, whose subjects begin `$MQTT.msgs.`:
that layout is no promised interface, so the server's version is pinned and a contract test watches it. What our
connectors fetch lies in our own stream FRAMES. Both are read the same way: a durable pull consumer for each partition,
opened at the position that PostgreSQL holds.

What is applied of `$MQTT_msgs` is never acknowledged but purged, once a second, up to the position. The server removes what
is acknowledged one message after the other, and flushes each removal to disk where `sync_interval` is `always`: 0.7 ms for
each message, three times what it costs to take one in (measured: 10,000 removed in 7.2 s, against 0.03 s by a purge).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from beffroi.foundation import sharing
from beffroi.foundation.clock import Instant
from beffroi.foundation.delivery import DeliveringClient
from beffroi.foundation.errors import Unreachable
from beffroi.foundation.settings import runtime_address, settings
from beffroi.foundation.sharing import OtherPost

MQTT_STREAM = "$MQTT_msgs"
MQTT_PREFIX = "$MQTT.msgs."
FRAMES_STREAM = "FRAMES"
FRAMES_PREFIX = "frames."
FRAMES_MAX_BYTES = 4 << 30
FRAMES_MAX_AGE_S = 7 * 86400
STREAMS = (MQTT_STREAM, FRAMES_STREAM)
ACK_WAIT_S = 3600
PULL_BATCH = 5_000
PULL_EXPIRES_S = 30
PULL_MAX_BYTES = 32 << 20


class Arrived(NamedTuple):
    """A message of a partition: its number in the stream, its topic, when the log stored it, its bytes, what still waits."""

    sequence: int
    topic: str
    received_at: Instant
    payload: bytes
    pending: int
    ack: str


def bus_url() -> str:
    """Return the address of the bus: the setting, else the embedded one. Raises Unreachable when neither is known."""
    url = settings().nats_url or runtime_address("nats")
    if url is None:
        raise Unreachable("no field bus is known: start the post (`beffroi up`) or set BEFFROI_NATS_URL")
    return url


async def connect(
    name: str, url: str | None = None, *, on_reconnect: Callable[[], Awaitable[None]] | None = None
) -> DeliveringClient:
    """Connect to the bus, and reconnect for ever. Raises Unreachable when it does not answer the first time."""
    client = DeliveringClient()
    try:
        await client.connect(
            url or bus_url(),
            name=f"beffroi {name}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # a fraction is slept as well
            connect_timeout=3,
            ping_interval=5,
            max_outstanding_pings=2,
            pending_size=32 << 20,
            error_cb=_quiet,
            reconnected_cb=on_reconnect,
        )
    except (TimeoutError, OSError, nats.errors.Error) as error:
        raise Unreachable(f"the field bus does not answer: {error!r}") from error
    return client


async def _quiet(error: Exception) -> None:
    """Leave words about a lost connection to the callers, who see it and say it once."""


def subject_of_topic(topic: str) -> str:
    """Return the NATS subject of an MQTT topic or filter, as the server translates it.

    A level's `/` becomes `.`, a `.` within a level `//`, and a level that is empty `/`.
    """
    special = {"+": "*", "#": ">", "": "/"}
    return ".".join(special.get(level) or level.replace(".", "//") for level in topic.split("/"))


def topic_of_subject(subject: str) -> str:
    """Return the MQTT topic of a NATS subject: the inverse of `subject_of_topic` on topics."""
    if "/" not in subject:
        return subject.replace(".", "/")
    return "/".join("" if level == "/" else level.replace("//", ".") for level in subject.split("."))


def topic_of_message(subject: str) -> str:
    """Return the topic of a stored message: the MQTT one, or `frames/{source}` for what a connector fetched."""
    return topic_of_subject(subject.removeprefix(MQTT_PREFIX))


def frames_subject(source: str) -> str:
    """Return the subject on which a connector publishes what it fetched."""
    return FRAMES_PREFIX + source


async def prepare_frames(bus: Client, max_bytes: int = FRAMES_MAX_BYTES) -> None:
    """See that the stream of what connectors fetch exists, and refuses when it is full instead of dropping what is old.

    One made beforehand (three replicas, say) is left as it is in all else.
    """
    if not await change_stream(bus, FRAMES_STREAM, discard="new"):
        await bus.jetstream().add_stream(
            StreamConfig(
                name=FRAMES_STREAM,
                subjects=[FRAMES_PREFIX + ">"],
                retention=RetentionPolicy.LIMITS,
                max_age=FRAMES_MAX_AGE_S,
                max_bytes=max_bytes,
                discard=DiscardPolicy.NEW,
            )
        )


async def change_stream(bus: Client, stream: str, **wanted: Any) -> bool:
    """See that a stream's configuration says what is wanted, in the server's own words; False when there is none.

    What else it says is kept as it is, also what this version of the client does not know. Raises Unreachable when the
    server will not have it.
    """
    answer = json.loads((await bus.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)).data)
    if "error" in answer:
        if answer["error"].get("code") == 404:
            return False
        raise Unreachable(f"the field bus does not tell of {stream}: {answer['error']}")
    config = answer["config"]
    if any(config.get(name) != value for name, value in wanted.items()):
        request = json.dumps({**config, **wanted}).encode()
        said = json.loads((await bus.request(f"$JS.API.STREAM.UPDATE.{stream}", request, timeout=5)).data)
        if "error" in said:
            raise Unreachable(f"the field bus does not take the bounds of {stream}: {said['error']}")
    return True


async def prepare_streams(
    bus: Client, *, mqtt_host: str, mqtt_port: int, user: str, password: str, max_frames_bytes: int = FRAMES_MAX_BYTES
) -> None:
    """See that both streams exist. The server makes `$MQTT_msgs` when a first MQTT client connects: we are that client."""
    import aiomqtt  # the engine's first start needs it, and nothing else of the post does

    await prepare_frames(bus, max_frames_bytes)
    js = bus.jetstream()
    for attempt in range(20):
        try:
            await js.stream_info(MQTT_STREAM)
            return
        except NotFoundError:
            try:
                async with aiomqtt.Client(
                    mqtt_host, mqtt_port, username=user, password=password, identifier="beffroi-first"
                ):
                    pass
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1 * (attempt + 1))
    raise Unreachable(f"the bus did not make {MQTT_STREAM}: is MQTT served on {mqtt_host}:{mqtt_port}?")


async def identity(bus: Client, stream: str) -> tuple[str, int]:
    """Return what tells a stream from another of the same name (when it was made), and the number of its last message.

    Raises Unreachable when there is no such stream.
    """
    answer = json.loads((await bus.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)).data)
    if "error" in answer:
        raise Unreachable(f"the field bus does not know {stream}: {answer['error']}")
    return str(answer["created"])[:40], int(answer["state"]["last_seq"])


def consumer_name(partition: int, epoch: int, post: str = "") -> str:
    """Return the name of a partition's consumer in an epoch, of a post."""
    return f"partition-{partition:03d}-{epoch}{'-' if post else ''}{post}"


def values_subject(post: str) -> str:
    """Return the subject on which a post's engines tell its screens what changed."""
    return f"live.{post}.values"


def freshness_subject(post: str) -> str:
    """Return the subject on which a post's engines tell its screens who reports again or no more."""
    return f"live.{post}.freshness"


async def read_filters(js: JetStreamContext, stream: str) -> set[str]:
    """Return every subject filter that some durable consumer of ours reads: what is safe to admit."""
    found: set[str] = set()
    for info in await _consumers(js, stream):
        if info.name.startswith("partition-") and info.config is not None:
            found.update(info.config.filter_subjects or [])
            found.update([info.config.filter_subject] if info.config.filter_subject else [])
    return found


async def _consumers(js: JetStreamContext, stream: str) -> list[ConsumerInfo]:
    """Return every consumer of a stream, none when there is no such stream. The server answers in pages of 256."""
    found: list[ConsumerInfo] = []
    while True:
        try:
            page = await js.consumers_info(stream, len(found))
        except NotFoundError:
            return found
        found += page
        if len(page) < 256:
            return found


@dataclass(slots=True)
class PartitionReader:
    """Reads one partition of one stream, from a position, keeping a bounded number of messages asked for.

    A consumer found from before is never bound again: an acknowledgement of a newer message would also acknowledge what
    the process that died never committed. A new one is opened after the position, then the old ones are deleted.

    Messages come in their order, so one whose number is not above the last received is a repetition and is passed over.
    """

    bus: DeliveringClient
    stream: str
    partition: int
    epoch: int
    position: int
    post: str = ""  # identity of the post that reads
    alone: bool = True  # on the post's own server every reader of Beffroi's is its own
    filters: tuple[str, ...] = ()
    waiting: list[Arrived] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # shared by the readers of one engine
    pending: int = 0
    _received: int = 0
    _released: int = 0
    _credit: int = 0
    _subscription: Any = None
    _open: bool = False
    _opened_at: int = 0

    @property
    def name(self) -> str:
        """Name of this epoch's consumer."""
        return consumer_name(self.partition, self.epoch, self.post)

    async def read(self, filters: Sequence[str]) -> None:
        """Open the consumer on these subjects, or change what an open one reads. No filter: nothing is opened.

        Raises OtherPost, with all as it was, where another post reads some of them.
        """
        wanted = tuple(sorted(filters))
        if wanted == self.filters or not wanted:
            return
        await self._refuse_others(wanted)
        js = self.bus.jetstream()
        if not self._open:
            self._opened_at = self._received = self.position
        made = await self._consume(js, wanted)
        try:
            await self._refuse_others(wanted, (made.created, self.name) if made.created else None)
        except OtherPost:  # both began at once: the one that was first stays
            await (self._consume(js, self.filters) if self._open else js.delete_consumer(self.stream, self.name))
            raise
        self.filters = wanted
        if not self._open:
            await self._delete_older(js)
            inbox = self.bus.new_inbox()
            self._subscription = await self.bus.subscribe(
                inbox, cb=self._ended, pending_msgs_limit=-1, pending_bytes_limit=-1
            )
            self.bus.deliver(self._subscription._id, self._take)
            self._open = True  # last: whoever asks for more meanwhile has nothing to be answered on
            await self.ask()

    async def _refuse_others(self, wanted: Sequence[str], before: tuple[datetime, str] | None = None) -> None:
        if self.alone:
            return
        others = await sharing.other_readers(self.bus, self.stream, self.post, alone=False)
        if (found := sharing.refusal(others, self.stream, wanted, before)) is not None:
            raise found

    async def _consume(self, js: JetStreamContext, wanted: Sequence[str]) -> ConsumerInfo:
        return await js.add_consumer(
            self.stream,
            ConsumerConfig(
                durable_name=self.name,
                ack_policy=AckPolicy.ALL,
                ack_wait=ACK_WAIT_S,
                max_ack_pending=-1,  # what is under way is bounded by what is asked for
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE if self._opened_at else DeliverPolicy.ALL,
                opt_start_seq=self._opened_at + 1 if self._opened_at else None,  # never changes in a consumer's life
                filter_subjects=list(wanted),
                metadata=sharing.marks(self.post) or None,
            ),
        )

    async def _delete_older(self, js: JetStreamContext) -> None:
        prefix = f"partition-{self.partition:03d}-"
        for info in await _consumers(js, self.stream):
            ours = self.alone or sharing.post_of(info.name) == self.post
            if info.name.startswith(prefix) and info.name != self.name and ours:
                with contextlib.suppress(NotFoundError):
                    await js.delete_consumer(self.stream, info.name)

    async def ask(self) -> None:
        """Ask for more when less than half of what may be under way is."""
        if not self._open or self._credit > PULL_BATCH or len(self.waiting) > 2 * PULL_BATCH:
            return
        self._credit += PULL_BATCH
        request = {"batch": PULL_BATCH, "expires": PULL_EXPIRES_S * 1_000_000_000, "max_bytes": PULL_MAX_BYTES}
        await self.bus.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.name}",
            json.dumps(request).encode(),
            reply=self._subscription.subject,
        )

    async def _ended(self, message: Msg) -> None:
        """A request has ended, whatever it still had to give; where it expired (nothing came for a while), ask again."""
        self._credit = 0
        if (message.headers or {}).get("Status") == "408":
            await self.ask()

    def _take(self, subject: bytes, reply: bytes, payload: bytes) -> None:
        self._credit -= 1
        words = reply.split(b".")
        if len(words) > 9:  # with a domain and an account hash: two more words in front
            words = words[:2] + words[4:]
        sequence, received_at, self.pending = int(words[5]), int(words[7]) // 1000, int(words[8])
        if sequence > self._received:
            self._received = sequence
            topic = topic_of_message(subject.decode("utf-8", "replace"))
            self.waiting.append(Arrived(sequence, topic, received_at, payload, self.pending, reply.decode("ascii")))
            self.arrived.set()

    def take(self, limit: int) -> list[Arrived]:
        """Return what has arrived, oldest first, at most `limit`; each message once."""
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    async def applied(self, last: Arrived) -> None:
        """Note that the effects of a message and of all before it are committed, and ask for more."""
        self.position = last.sequence
        if self.stream != MQTT_STREAM:
            await self.bus.publish(last.ack, b"+ACK")  # our own log keeps what is acknowledged: nothing is removed
        await self.ask()

    async def release(self, upto: int | None = None, others: Sequence[sharing.OtherReader] = ()) -> None:
        """Have the server forget what is applied: once a second is enough. What a crash leaves is purged the next time.

        `others` are the readers of the stream that are not this post's, asked for after `upto` was the position: what
        they have not read stays. Raises Unreachable when the server refuses: the stream is not what it was.
        """
        upto = sharing.may_release(self.position if upto is None else upto, self.filters, others)
        if not self._open or self.stream != MQTT_STREAM or upto <= self._released:
            return
        for subject in self.filters:
            request = json.dumps({"filter": subject, "seq": upto + 1}).encode()
            try:
                answer = await self.bus.request(f"$JS.API.STREAM.PURGE.{self.stream}", request, timeout=5)
            except nats.errors.TimeoutError:
                return  # a busy server: the next purge covers this one
            if "error" in (said := json.loads(answer.data)):
                raise Unreachable(f"the field bus does not release what is applied: {said['error']}")
        self._released = upto

    async def close(self) -> None:
        """Stop reading. The consumer stays, so that the log keeps what arrives until it is read again."""
        self._open = False
        if self._subscription is not None:
            self.bus.forget(self._subscription._id)
            await self._subscription.unsubscribe()

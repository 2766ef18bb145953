"""One session of an engine: from a fresh load of the inventory to the first fault."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import nats.errors
import psycopg
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, close_old_connections

from beffroi.app.embedded.nats import INTERNAL_USER
from beffroi.app.engine.applying import Changes, Taken, messages_of
from beffroi.app.engine.claims import Claims
from beffroi.app.engine.decoding import Decoded, make_ready
from beffroi.app.engine.knowing import learn, watch_over
from beffroi.app.engine.telling import tell
from beffroi.foundation import bus as field_bus
from beffroi.foundation.bus_store import bound_retained
from beffroi.foundation.clock import SECOND, Instant, now
from beffroi.foundation.database import connect as connect_database
from beffroi.foundation.errors import Conflict, Unreachable
from beffroi.foundation.heartbeat import beat
from beffroi.foundation.log import logger
from beffroi.foundation.settings import settings
from beffroi.foundation.sharing import OtherPost, other_readers
from beffroi.foundation.together import side_by_side
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as twin_queries

if TYPE_CHECKING:
    from beffroi.app.engine.process import Engine

log = logger("engine")
BATCH = 5_000
INLINE = 64
"""Messages up to which a batch is decoded where it arrives: half a millisecond; handing it to a thread costs as much."""

AHEAD = 1_000
"""Messages waiting from which the next batch is taken while one is being written. Fewer wait for its end, and make one batch:
three small transactions one behind the other would triple the delay of each."""

TICK_S = 1.0
CLOSE_WITHIN_S = 5.0
FOLLOW_S = 0.5
LOOK_AGAIN_S = 10
"""After which subjects are asked for again that another post read."""
CONTENT = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError)
"""What the database says of what a batch holds, through Django or not."""

FAULTS = (
    Unreachable,
    Conflict,
    DatabaseError,
    InterfaceError,
    psycopg.Error,
    nats.errors.Error,
    OSError,
    TimeoutError,
)


class Anew(Exception):
    """The session must end; the reason is for the log."""


class Untaken(Exception):
    """The database refused a batch for what it holds, not for being away."""


class Session:
    """What is read, applied and told until a fault; then memory is dropped and another begins."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.arrived = asyncio.Event()
        self.decoded: asyncio.Queue[tuple[list[Taken], Decoded]] = asyncio.Queue(1)
        self.idle = asyncio.Event()  # nothing is decoded, nothing is being written
        self.idle.set()
        self.lost = asyncio.Event()
        self.readers: dict[tuple[str, int], field_bus.PartitionReader] = {}
        self.epochs: dict[tuple[str, int], int] = {}
        self.watch: Watch | None = None
        self.sources: tuple[twin_queries.SourceInfo, ...] = ()
        self.ready = False
        self.reasons: tuple[str, ...] = ("starting",)
        self.post = ""
        self.alone = settings().nats_url is None
        self.refused: tuple[str, ...] = ()  # why sources are not read: another post reads them
        self.look_again_at: Instant = 0
        self.holding: frozenset[str] = frozenset()  # readers of others that want messages which are applied here

    async def serve(self) -> None:
        """Read and apply until a fault or the stop."""
        self.bus = await field_bus.connect(self.engine.name, on_reconnect=self._reconnected)
        self.locks = await self.engine.in_thread(connect_database)
        try:
            await self._prepare()
            await side_by_side(
                self._decode_loop(), self._apply_loop(), self._tick_loop(), self._follow_loop(), self._watch_loss()
            )
        finally:
            for reader in self.readers.values():
                with contextlib.suppress(Exception):
                    await reader.close()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self.bus.close()
            with contextlib.suppress(Exception):
                self.locks.close()

    async def _reconnected(self) -> None:
        self.lost.set()

    async def _watch_loss(self) -> None:
        lost = asyncio.create_task(self.lost.wait())
        stop = asyncio.create_task(self.engine.stopping.wait())
        try:
            await asyncio.wait({lost, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            stop.cancel()
        raise Anew("the bus came back" if self.lost.is_set() else "stop")

    async def _prepare(self) -> None:
        ours = settings()
        if ours.nats_url is None:
            password = (ours.secrets / "nats.password").read_text().strip()
            await field_bus.prepare_streams(
                self.bus, mqtt_host=ours.mqtt_host, mqtt_port=ours.mqtt_port, user=INTERNAL_USER, password=password
            )
            await bound_retained(self.bus)
        else:
            await field_bus.prepare_frames(self.bus)
        self.claims = await self.engine.in_thread(Claims, self.locks, ours.partitions)
        await self.engine.in_thread(self._load)
        await self._open()

    # -- what this engine knows ------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Claim partitions and load the inventory of their sources, last values and open alarms. In the thread."""
        close_old_connections()
        self.post = twin.identity()
        for partition in self.claims.acquire():
            for stream in field_bus.STREAMS:
                sequence, epoch = twin.claim_position(stream, partition)
                self.epochs[stream, partition] = epoch
                self.readers[stream, partition] = field_bus.PartitionReader(
                    self.bus, stream, partition, epoch, sequence, self.post, self.alone, arrived=self.arrived
                )
        every = twin_queries.sources()
        self.sources = tuple(source for source in every if source.partition in self.claims.held)
        readers, self.reasons = make_ready(every)
        for reason in self.reasons:
            log.error("source cannot be read", reason=reason)
        self.ready_readers = [reader for reader in readers if reader.source.partition in self.claims.held]
        self.applier, self.classes = learn(
            self.sources, self.ready_readers, clock=now, poison=self.engine.poison, before=self.watch
        )
        self.watch = self.applier.watch

    def _redefine(self) -> None:
        """Take up definitions that were put in force or withdrawn, between two batches. In the thread."""
        close_old_connections()
        ids = [source.id for source in self.sources]
        self.watch = self.applier.watch = watch_over(ids, self.classes, self.watch)
        log.info("definitions of alarms taken up")

    async def _open(self) -> None:
        """Read what the sources publish. A partition without a source is not read; nothing can arrive there."""
        streams = {ready.stream for ready in self.ready_readers}
        logs = {stream: await field_bus.identity(self.bus, stream) for stream in streams}
        await self.engine.in_thread(self._match_logs, logs)
        refused: list[str] = []
        for (stream, partition), reader in self.readers.items():
            filters = [
                subject
                for ready in self.ready_readers
                if ready.stream == stream and ready.source.partition == partition
                for subject in ready.filters
            ]
            try:
                await reader.read(filters)
            except OtherPost as error:
                refused.append(error.reason)
        for reason in set(refused) - set(self.refused):
            log.error("not read: another post reads it", reason=reason)
        self.refused, self.look_again_at = tuple(refused), now() + LOOK_AGAIN_S * SECOND
        self.ready = not refused

    def _match_logs(self, logs: Mapping[str, tuple[str, int]]) -> None:
        """See that each position counts in the log that is there: one made anew begins again. In the thread."""
        for (stream, partition), reader in self.readers.items():
            if reader.filters or stream not in logs:
                continue
            name, last = logs[stream]
            position = twin.match_log(stream, partition, reader.epoch, log=name, last=last)
            if position != reader.position:
                log.error(
                    "the log is not the one that was read: reading from its beginning",
                    stream=stream,
                    partition=partition,
                    was=reader.position,
                    now=position,
                )
                reader.position = position

    # -- what it does ----------------------------------------------------------------------------------------------

    async def _decode_loop(self) -> None:
        """Decode the next batch while the last one is being written. At most three are under way, in their order."""
        loop = asyncio.get_running_loop()
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            while waiting := self._waiting():
                if waiting < AHEAD:
                    await self.idle.wait()
                batch = self._take()
                self.idle.clear()
                if sum(len(taken.messages) for taken in batch) <= INLINE:
                    decoded = self.applier.decoding.decode(messages_of(batch))
                else:
                    decoded = await loop.run_in_executor(
                        self.engine.decoder, self.applier.decoding.decode, messages_of(batch)
                    )
                await self.decoded.put((batch, decoded))

    async def _apply_loop(self) -> None:
        while True:
            batch, decoded = await self.decoded.get()
            try:
                changes = await self.engine.in_thread(self._apply, batch, decoded)
            except Exception as error:
                if isinstance(error, FAULTS) and not isinstance(error, CONTENT):
                    raise
                log.exception("a batch could not be applied", messages=sum(len(each.messages) for each in batch))
                if sum(len(taken.messages) for taken in batch) == 1:
                    self.engine.poison.add((batch[0].stream, batch[0].messages[0].sequence))
                raise Untaken(str(error)) from error
            await tell(self.bus, self.post, changes)
            for taken in batch:
                await self.readers[taken.stream, taken.partition].applied(taken.messages[-1])
            self.engine.applied_total += changes.stored
            self.engine.batches_total += 1
            if self.decoded.empty():
                self.idle.set()

    def _waiting(self) -> int:
        return sum(len(reader.waiting) for reader in self.readers.values())

    def _apply(self, batch: list[Taken], decoded: Decoded) -> Changes:
        """Apply with what is known when the thread comes to it: an inventory may have been loaded anew meanwhile."""
        return self.applier.apply(batch, decoded)

    def _tick(self) -> Changes:
        return self.applier.tick()

    def _take(self) -> list[Taken]:
        room = 1 if self.engine.careful else BATCH
        batch: list[Taken] = []
        for (stream, partition), reader in self.readers.items():
            if room <= 0:
                self.arrived.set()
                break
            if messages := reader.take(room):
                room -= len(messages)
                batch.append(Taken(stream, partition, self.epochs[stream, partition], messages))
        self.engine.careful = max(0, self.engine.careful - 1)
        return batch

    async def _tick_loop(self) -> None:
        """Once a second: silence, delays, claims, heartbeat."""
        while True:
            await asyncio.sleep(TICK_S)
            changes = await self.engine.in_thread(self._tick)
            await tell(self.bus, self.post, changes)
            pending = {key: reader.pending for key, reader in self.readers.items() if reader.filters}
            await self.engine.in_thread(twin.note_pending, pending, now())
            await self._release()
            figures = {
                "reports_stored_total": self.engine.applied_total,
                "batches_total": self.engine.batches_total,
                "partitions": len(self.claims.held),
                "messages_waiting": sum(pending.values()),
                "assets": len(self.applier.hearing),
                "proofs_awaited": len(self.applier.proving.proofs),
                "readers_of_others": len(self.holding),
            }
            reasons = (*self.refused, *self.reasons)
            beat(self.engine.name, now(), ready=self.ready, reasons=reasons, figures=figures)

    async def _release(self) -> None:
        """Ask for more, and have the log forget what is applied and nobody else has still to read."""
        applied = {key: reader.position for key, reader in self.readers.items()}
        others = await other_readers(self.bus, field_bus.MQTT_STREAM, self.post, alone=self.alone)
        for key, reader in self.readers.items():
            await reader.ask()
            await reader.release(applied[key], others)
        holding = frozenset(other.name for other in others if other.holds_after is not None)
        for name in holding - self.holding:
            log.info("a reader of others has messages to read: they are kept for it", reader=name)
        self.holding = holding

    async def _follow_loop(self) -> None:
        """Take up changes of the inventory (announced, else looked for every 10 s) and of who reads what."""
        while True:
            announced = await self.engine.in_thread(self._listen)
            known = await self.engine.in_thread(twin_queries.sources)
            mine = tuple(source for source in known if source.partition in self.claims.held)
            if "assets" in announced or {source.id for source in mine} != {source.id for source in self.sources}:
                await self.engine.in_thread(self._reload)
                await self._open()
            elif self.refused and now() >= self.look_again_at:
                await self._open()
            elif mine != self.sources:
                raise Anew("settings of a source changed")
            elif "definitions" in announced:
                await self.engine.in_thread(self._redefine)
            if await self.engine.in_thread(self.claims.moved):
                raise Anew("partitions are shared anew")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FOLLOW_S):  # `wait_for` loses a cancellation that comes as its time is over
                    await self.lost.wait()

    def _listen(self) -> set[str]:
        """Return what was announced on the channel `twin` since the last look. In the thread; never waits."""
        if not getattr(self, "_listening", False):
            self.locks.execute("LISTEN twin")
            self.locks.execute("LISTEN alarms")
            self._listening = True
        return {note.payload for note in self.locks.notifies(timeout=0)}

    def _reload(self) -> None:
        """Learn a grown inventory without stopping: sources, assets, definitions. In the thread."""
        listening_since = self.applier.hearing.listening_since
        self._load_keeping(listening_since)

    def _load_keeping(self, listening_since: int) -> None:
        self._load()
        self.applier.hearing.listening_since = min(listening_since, now() - SECOND)

"""The `connectors` process: runs what fetches, admits gateways to the bus, and counts what the bus refused.

A connector's client only yields frames. Everything else it would otherwise write again stands here once: publishing them
acknowledged, trying again, and saying once that a source has become unreachable and once that it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections import Counter
from pathlib import Path

import httpx
import nats.errors
from django.db import close_old_connections
from nats.js.errors import Error as JetStreamError

from beffroi.app.embedded.nats import GatewayAccess, NatsServer
from beffroi.app.engine.decoding import Reader, make_ready
from beffroi.app.processes.commanding import Commanding
from beffroi.app.registry import connectors
from beffroi.foundation import bus as field_bus
from beffroi.foundation.bus_store import Kept, kept_by_bus, trim_frames, words_when_full
from beffroi.foundation.clock import SECOND, Instant, now
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import BeffroiError, Misconfigured
from beffroi.foundation.heartbeat import beat
from beffroi.foundation.log import logger
from beffroi.foundation.settings import runtime_address, settings
from beffroi.foundation.sharing import other_readers, refusal
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as twin_queries

log = logger("connectors")
_VIOLATION = re.compile(
    r' - mid:(?P<connection>\d+) - .*Publish Violation - (?:User "(?P<user>[^"]+)", )?Subject "(?P<subject>[^"]+)"'
)
_LOOK_EVERY_S = 0.5
_TOO_LARGE_FOR_THE_STREAM = 10054
TRIM_EVERY_S = 10
STOP_WITHIN_S = 8
_REASONS_KEPT = 20
NOTE_ANSWERS_EVERY = 2 * SECOND
"""How often it is written down that sources answered: what they said is counted when it is applied."""


class Field:
    """The process, from start to stop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.commanding = Commanding()
        self.sources: tuple[twin_queries.SourceInfo, ...] = ()
        self.fetching: dict[str, asyncio.Task[None]] = {}
        self.configured: dict[str, twin_queries.SourceInfo] = {}
        self.unreachable: dict[str, str] = {}
        self.contacts: dict[int, Contact] = {}
        self.noted: dict[int, Instant] = {}
        self.note_at: Instant = 0
        self.frames_total = 0
        self.admitted: tuple[str, ...] = ()
        self.denied_total = 0
        self.too_large_total = 0
        self.kept = Kept(0, None)
        self.trim_at: Instant = 0

    async def run(self) -> None:
        """Serve until asked to stop; a lost bus or database is waited for."""
        while not self.stopping.is_set():
            try:
                self.bus = await field_bus.connect("connectors")
                sending = asyncio.create_task(self.commanding.run(self.bus, lambda: self.sources))
                try:
                    await self._serve()
                finally:
                    sending.cancel()
                    await asyncio.wait({sending}, timeout=STOP_WITHIN_S)
                    for task in self.fetching.values():
                        task.cancel()
                    self.fetching.clear()
                    await self.bus.close()
            except Exception as error:
                log.warning("field lost, starting anew", error=f"{type(error).__name__}: {error}")
                beat("connectors", now(), ready=False, reasons=["the bus or the database does not answer"])
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), 0.5)

    async def _serve(self) -> None:
        log_file = settings().data.absolute() / "log" / "nats-server.log"
        violations = Violations(log_file, settings().run / "violations.place")
        while not self.stopping.is_set():
            sources = self.sources = await asyncio.to_thread(_sources)
            self._match_fetchers(sources)
            await self._note_answers()
            if settings().nats_url is None:
                await self._admit(sources)
                await self._count_denied(violations)
            await self._mind_the_store()
            self._beat()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), _LOOK_EVERY_S)

    async def _mind_the_store(self) -> None:
        """Look at how much the bus keeps, and let go of fetched frames that are read once they take much of it."""
        self.kept = await kept_by_bus(self.bus, settings().bus_max_bytes)
        if now() >= self.trim_at:
            self.trim_at = now() + TRIM_EVERY_S * SECOND
            if trimmed := await trim_frames(self.bus):
                log.info("fetched frames that are read were let go to make room", frames=trimmed)

    def _beat(self) -> None:
        figures = {
            "frames_fetched_total": self.frames_total,
            "frames_too_large_total": self.too_large_total,
            "gateways": len(self.admitted),
            "sources_unreachable": len(self.unreachable),
            "bus_kept_bytes": self.kept.used_bytes,
            "bus_max_bytes": self.kept.max_bytes or 0,
            **self.commanding.figures(),
        }
        full = self.kept.full
        beat("connectors", now(), ready=not full, reasons=[words_when_full(self.kept)] if full else [], figures=figures)

    # -- what fetches ----------------------------------------------------------------------------------------------

    def _match_fetchers(self, sources: tuple[twin_queries.SourceInfo, ...]) -> None:
        """Start a task for each source that is fetched, stop those that are gone or configured otherwise."""
        wanted = {source.code: source for source in sources if connectors()[source.connector].client is not None}
        for code, task in list(self.fetching.items()):
            if wanted.get(code) != self.configured.get(code) or task.done():
                task.cancel()
                del self.fetching[code]
        for code, source in wanted.items():
            if code not in self.fetching:
                self.configured[code] = source
                self.fetching[code] = asyncio.create_task(self._fetch(source))

    async def _note_answers(self) -> None:
        """Write down which sources answered since the last look: an answer that brings nothing new reaches no engine."""
        if now() < self.note_at:
            return
        self.note_at = now() + NOTE_ANSWERS_EVERY
        answers = {
            source: contact.last_contact_at
            for source, contact in self.contacts.items()
            if contact.last_contact_at is not None and contact.last_contact_at != self.noted.get(source)
        }
        if answers:
            await asyncio.to_thread(twin.note_answers, answers)
            self.noted |= answers

    async def _fetch(self, source: twin_queries.SourceInfo) -> None:
        connector = connectors()[source.connector]
        delay_s = 1.0
        while True:
            try:
                make = connector.client
                options = connector.settings.model_validate(source.settings)
                await self._refuse_another_posts(source)
                if make is None:
                    return
                client = make(options)
                self.contacts[source.id] = client.contact
                async for frame in client.frames():
                    await self._publish(source, frame)
                    delay_s = 1.0
                    if self.unreachable.pop(source.code, None):
                        log.info("source is back", source=source.code)
            except asyncio.CancelledError:
                raise
            except (BeffroiError, httpx.HTTPError, nats.errors.Error, JetStreamError, ValueError, OSError) as error:
                if source.code not in self.unreachable:
                    log.warning("source does not answer", source=source.code, error=str(error))
                self.unreachable[source.code] = str(error)
            except Exception as error:
                log.exception("a connector failed: this is a fault of ours", source=source.code)
                self.unreachable[source.code] = f"{type(error).__name__}: {error}"
            delay_s = min(delay_s * 2, 60.0)
            await asyncio.sleep(delay_s)

    async def _publish(self, source: twin_queries.SourceInfo, frame: bytes) -> None:
        """Give a fetched frame to the log; one that the bus does not carry goes to the quarantine, with its size."""
        try:
            await self.bus.jetstream().publish(field_bus.frames_subject(source.code), frame)
            self.frames_total += 1
            return
        except nats.errors.MaxPayloadError:
            bound = f"the bus carries {self.bus.max_payload} bytes a message (`max_payload`)"
        except JetStreamError as error:
            if getattr(error, "err_code", None) != _TOO_LARGE_FOR_THE_STREAM:
                raise
            bound = f"the stream {field_bus.FRAMES_STREAM} takes less a message (`max_msg_size`)"
        self.too_large_total += 1
        reason = f"the frame has {len(frame)} bytes, and {bound}: have the producer send less, or raise the bound of your bus"
        topic = f"frames/{source.code}"
        await asyncio.to_thread(twin.quarantine_fetched, source.id, topic, frame, reason, now())

    async def _refuse_another_posts(self, source: twin_queries.SourceInfo) -> None:
        """Raise OtherPost where another post on this bus reads what this source would publish: it would store it as its own."""
        if settings().nats_url is None:
            return
        subject = field_bus.frames_subject(source.code)
        post = await asyncio.to_thread(twin.identity)
        others = await other_readers(self.bus, field_bus.FRAMES_STREAM, post, alone=False)
        if (found := refusal(others, field_bus.FRAMES_STREAM, [subject])) is not None:
            raise found

    # -- who may publish -------------------------------------------------------------------------------------------

    async def _admit(self, sources: tuple[twin_queries.SourceInfo, ...]) -> None:
        """Admit each gateway whose source a consumer reads, as the bus itself says; never one before that."""
        read = await field_bus.read_filters(self.bus.jetstream(), field_bus.MQTT_STREAM)
        ready = {reader.source.code: reader for reader in make_ready(sources)[0]}
        gateways = await asyncio.to_thread(_gateways)
        access = [
            GatewayAccess(
                gateway.name,
                gateway.password_hash,
                _subjects(ready[gateway.source]),
                ready[gateway.source].commands,
            )
            for gateway in gateways
            if gateway.source in ready and ready[gateway.source].filters and set(ready[gateway.source].filters) <= read
        ]
        admission = Admission.of_this_post()
        if await asyncio.to_thread(admission.differs, access):
            admission.write(access)
            log.info("gateways admitted", gateways=[gateway.name for gateway in access])
        self.admitted = tuple(gateway.name for gateway in access)

    async def _count_denied(self, violations: Violations) -> None:
        """Count what the bus refused, by gateway, asking the server who a connection was where its log does not say.

        What cannot be counted now (the bus or the database is away) stays to be counted at the next look.
        """
        if not violations.read():
            return
        sources = {gateway.name: gateway.source for gateway in await asyncio.to_thread(_gateways)}
        for sender, subjects in list(violations.found.items()):
            connection, named = sender
            gateway = named or await self._user_of(connection)
            if gateway in sources:
                self.denied_total += subjects.total()
                await asyncio.to_thread(twin.count_denied, sources[gateway], subjects.total())
            del violations.found[sender]
            log.warning("publishes outside permission", gateway=gateway, subjects=dict(subjects.most_common(5)))
        violations.counted()

    async def _user_of(self, connection: str) -> str:
        monitor = runtime_address("nats-monitor")
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            answer = await client.get(f"{monitor}/connz", params={"cid": connection, "auth": "true", "state": "all"})
        known = answer.json().get("connections") or [{}]
        return str(known[0].get("authorized_user", ""))


class Admission:
    """The list of gateways that the embedded server admits, kept in its configuration file."""

    def __init__(self, server: NatsServer, pid: int) -> None:
        self.server = server
        self.pid = pid

    @classmethod
    def of_this_post(cls) -> Admission:
        """Find the running server by what the supervisor wrote. Raises Misconfigured when there is none."""
        file = settings().run / "nats-server.json"
        try:
            facts = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise Misconfigured(f"{file} cannot be read: is the post running?") from error
        server = NatsServer.running(facts)
        return cls(server, int(facts["pid"]))

    def differs(self, gateways: list[GatewayAccess]) -> bool:
        """Tell whether the running server admits others than these: not what its file says, what it serves with."""
        return self.server.admitted() != sorted(gateways, key=lambda gateway: gateway.name) or not self.server.loaded()

    def write(self, gateways: list[GatewayAccess]) -> None:
        """Write the configuration and have the server read it again; nobody connected is dropped.

        A server that has died meanwhile is told at the next look, under its new number.
        """
        self.server.configure(gateways)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGHUP)


class Violations:
    """Follows the server's log for publishes it refused: it acknowledges them to the device and drops them.

    How far it was followed is kept in a file, so that what is refused while this process is down is counted too.
    """

    def __init__(self, file: Path, mark: Path) -> None:
        self.file = file
        self.mark = mark
        self.found: dict[tuple[str, str], Counter[str]] = {}
        try:
            self.place = int(mark.read_text())
        except (OSError, ValueError):
            self.place = file.stat().st_size if file.exists() else 0

    def read(self) -> dict[tuple[str, str], Counter[str]]:
        """Return the refused subjects by (connection, user if the log names it) that are not counted yet."""
        try:
            with self.file.open("rb") as words:
                if words.seek(0, 2) < self.place:
                    self.place = 0  # the log was turned
                words.seek(self.place)
                for line in words:
                    if not line.endswith(b"\n"):
                        break
                    self.place += len(line)
                    if match := _VIOLATION.search(line.decode(errors="replace")):
                        sender = (match["connection"], match["user"] or "")
                        self.found.setdefault(sender, Counter())[match["subject"]] += 1
        except OSError:
            pass
        return self.found

    def counted(self) -> None:
        """Keep how far the log was followed: all found until here is counted."""
        draft = self.mark.with_suffix(".new")
        draft.write_text(str(self.place))
        draft.replace(self.mark)


def _subjects(reader: Reader) -> tuple[str, ...]:
    return tuple(subject.removeprefix(field_bus.MQTT_PREFIX) for subject in reader.filters)


def _sources() -> tuple[twin_queries.SourceInfo, ...]:
    close_old_connections()
    return twin_queries.sources()


def _gateways() -> tuple[twin_queries.GatewayInfo, ...]:
    close_old_connections()
    return twin_queries.gateways_in_force()


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    field = Field()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, field.stopping.set)
    await field.run()

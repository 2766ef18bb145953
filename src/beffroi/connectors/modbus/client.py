"""Talking to devices: one connection a host, one request at a time on it, bounded in time, patient with a line in trouble."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from beffroi.connectors.modbus.settings import Device, ModbusSettings
from beffroi.connectors.modbus.wire import (
    HEADER_BYTES,
    TRANSIENT,
    Adu,
    Answer,
    Exchange,
    Poll,
    Refusal,
    Request,
    body_bytes,
    decode_adu,
    decode_answer,
    decode_batch,
    encode_adu,
    encode_poll,
    encode_request,
    plan,
)
from beffroi.foundation.clock import Clock, now
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed, Unreachable
from beffroi.kernel.twin.types import Outcome, Receipt, WireCommand

WAITING_POLLS = 64
"""Polls kept while the caller is busy; then hosts wait, and are asked less often."""
LATE_ANSWERS = 4
Sleep = Callable[[float], Awaitable[None]]


class Line:
    """One host's connection. It is opened when first needed, and closed after any trouble: a late answer must never be taken
    for that of a later request.
    """

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.host, self.port = host, port
        self.asked_sooner = asyncio.Event()
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._transaction = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def exchange(self, unit: int, request: Request) -> tuple[Exchange, Answer | Refusal]:
        """Ask, and return the two frames with the answer read. Raises Unreachable; `sent` tells whether the request had left."""
        async with self._turn:
            sent = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    reader, writer = await self._connected()
                self._transaction = self._transaction % 65535 + 1
                asked = encode_adu(Adu(self._transaction, unit, encode_request(request)))
                sent = True
                async with asyncio.timeout(self._timeout_s):
                    writer.write(asked)
                    await writer.drain()
                    answered = await self._answer(reader, unit)
                return Exchange(asked, answered), decode_answer(decode_adu(answered).pdu, request)
            except TimeoutError as error:
                self._close()
                what = "no answer" if sent else "no connection"
                raise Unanswered(
                    f"{self.host}:{self.port}, unit {unit}: {what} within {self._timeout_s:g} s", sent
                ) from error
            except (OSError, asyncio.IncompleteReadError) as error:
                self._close()
                raise Unanswered(
                    f"{self.host}:{self.port}, unit {unit}: {type(error).__name__} {error}"[:300], sent
                ) from error
            except Malformed as error:
                self._close()
                raise Unanswered(
                    f"{self.host}:{self.port}, unit {unit} does not answer as Modbus: {error.reason}", sent
                ) from error
            except BaseException:
                self._close()
                raise

    async def release(self) -> None:
        """Let the connection go, once nobody is waiting for an answer on it; who needs it next opens it again."""
        async with self._turn:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self._close()
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader, unit: int) -> bytes:
        """Return the frame that answers the present transaction; a few late ones before it are let go. Raises Malformed."""
        for _ in range(LATE_ANSWERS):
            header = await reader.readexactly(HEADER_BYTES)
            frame = header + await reader.readexactly(body_bytes(header))
            adu = decode_adu(frame)
            if adu.transaction == self._transaction and adu.unit == unit:
                return frame
        raise Malformed("its answers are of other transactions or units than what was asked")


class Unanswered(Unreachable):
    """No answer. `sent`: the request may have been carried out all the same."""

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(slots=True)
class Host:
    """The devices behind one line, and how many polls in a row brought no answer from any of them."""

    line: Line
    devices: list[Device] = field(default_factory=list)
    failures: int = 0
    asked_before: bool = False


class ModbusClient:
    """Polls the devices of one source. `sleep`, `jitter` (0 to 1) and `clock` are a test's to own."""

    def __init__(
        self,
        settings: ModbusSettings,
        *,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Clock = now,
    ) -> None:
        self.contact = Contact()
        self._settings = settings
        self._sleep, self._jitter, self._clock = sleep, jitter, clock
        self._hosts = _hosts(settings)
        self._turns = asyncio.Semaphore(settings.max_connections)
        self._plans = {name: plan(model.registers, model.max_gap) for name, model in settings.models.items()}

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yield each poll of each device that answered, for ever, the hosts each at its own pace.

        Raises Unreachable when every device has let `attempts` polls in a row pass. Call it again to go on: each host waits its
        turn first.
        """
        polls: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_POLLS)
        tasks = [asyncio.create_task(self._ask_for_ever(host, polls)) for host in self._hosts.values()]
        try:
            while True:
                frame = await polls.get()
                if frame is not None:
                    yield frame
                elif all(host.failures >= self._settings.attempts for host in self._hosts.values()):
                    raise Unreachable(
                        f"none of the {len(self._settings.devices)} devices answers: {self.contact.last_error}"
                    )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for host in self._hosts.values():
                await host.line.release()

    async def _ask_for_ever(self, host: Host, polls: asyncio.Queue[bytes | None]) -> None:
        while True:
            if host.asked_before:
                await self._wait(host)
            host.asked_before = True
            host.line.asked_sooner.clear()
            answered = False
            async with self._turns:
                for device in host.devices:
                    frame = await self._poll(host.line, device)
                    if frame is not None:
                        answered = True
                        await polls.put(frame)
            host.failures = 0 if answered else host.failures + 1
            if not answered:
                await polls.put(None)

    async def _poll(self, line: Line, device: Device) -> bytes | None:
        """Read a device's registers. Returns None when it did not answer; an exception that says `later` counts as such."""
        exchanges = []
        for request in self._plans[device.model]:
            try:
                exchange, answer = await line.exchange(device.unit, request)
            except Unreachable as error:
                self.contact.note_error(error.reason, self._clock())
                return None
            if isinstance(answer, Refusal) and answer.code in TRANSIENT:
                reason = f"{line.host}:{line.port}, unit {device.unit}: exception {answer.code}, {answer.name}"
                self.contact.note_error(reason, self._clock())
                return None
            exchanges.append(exchange)
        frame = encode_poll(Poll(device.address, tuple(exchanges)))
        self.contact.note_frame(frame, self._clock())
        return frame

    async def _wait(self, host: Host) -> None:
        """Wait until the next poll of a host, or until a command asks for one sooner."""
        asked = asyncio.create_task(host.line.asked_sooner.wait())
        slept = asyncio.ensure_future(self._sleep(self._wait_s(host)))
        try:
            await asyncio.wait((asked, slept), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            slept.cancel()

    def _wait_s(self, host: Host) -> float:
        """Return the seconds before the next poll: the period, or after failures a growing, spread-out wait."""
        period_s = self._settings.period_s
        if not host.failures:
            return period_s
        spread_s = period_s * 2.0 ** min(host.failures - 1, 16) * (1 + 0.25 * self._jitter())
        return min(spread_s, max(self._settings.max_backoff_s, period_s))


class ModbusSender:
    """Writes to the devices of one source, on the same connections as their polls."""

    def __init__(self, settings: ModbusSettings) -> None:
        self._settings = settings
        self._lines = {key: host.line for key, host in _hosts(settings).items()}

    async def send(self, wire: WireCommand) -> Receipt:
        """Write, in order, until one is not done; the device is polled at once after it. Nothing is ever asked twice."""
        device = self._settings.device(wire.topic)
        if device is None:
            return Receipt(Outcome.UNREACHABLE, f"device {wire.topic[:60]!r} is not of this source any more")
        line = self._lines[device.host, device.port]
        try:
            unit, requests = decode_batch(wire.payload)
            for done, request in enumerate(requests):
                receipt = await _write(line, unit, request, first=done == 0)
                if receipt.outcome is not Outcome.ACCEPTED:
                    return Receipt(receipt.outcome, _after(done, len(requests)) + receipt.reason)
        except Malformed as error:
            return Receipt(Outcome.REFUSED, error.reason)
        finally:
            line.asked_sooner.set()
        return Receipt(Outcome.ACCEPTED)

    async def close(self) -> None:
        """Let the connections go."""
        for line in self._lines.values():
            await line.release()


async def _write(line: Line, unit: int, request: Request, *, first: bool) -> Receipt:
    """Write once. Only when nothing of a command has been done can it be given back as not sent.

    Exceptions 6 and 10 say that nothing was done; 5 that it is being done; 11 that a gateway has no answer from the device,
    which may have done it.
    """
    nothing_done = Outcome.UNREACHABLE if first else Outcome.IN_DOUBT
    try:
        _, answer = await line.exchange(unit, request)
    except Unanswered as error:
        return Receipt(Outcome.IN_DOUBT if error.sent else nothing_done, error.reason)
    if isinstance(answer, Answer) or answer.code == 5:
        return Receipt(Outcome.ACCEPTED)
    if answer.code in (6, 10):
        return Receipt(nothing_done, answer.sentence)
    return Receipt(Outcome.IN_DOUBT if answer.code == 11 else Outcome.REFUSED, answer.sentence)


def _after(done: int, count: int) -> str:
    return f"after {done} of {count} writes: " if done else ""


_lines: WeakValueDictionary[tuple[int, str, int], Line] = WeakValueDictionary()
"""The lines in use, by event loop, host and port: polls and commands share one connection."""


def _line(host: str, port: int, timeout_s: float) -> Line:
    key = (id(asyncio.get_running_loop()), host, port)
    line = _lines.get(key)
    if line is None:
        line = _lines[key] = Line(host, port, timeout_s)
    return line


def _hosts(settings: ModbusSettings) -> dict[tuple[str, int], Host]:
    by_host: dict[tuple[str, int], list[Device]] = defaultdict(list)
    for device in settings.devices:
        by_host[device.host, device.port].append(device)
    return {key: Host(_line(*key, settings.timeout_s), devices) for key, devices in by_host.items()}

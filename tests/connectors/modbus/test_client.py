"""The client against a local device that misbehaves in every way we know. Nothing sleeps: waits are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from beffroi.connectors.modbus.client import ModbusClient, ModbusSender
from beffroi.connectors.modbus.connector import decode
from beffroi.connectors.modbus.wire import (
    Adu,
    Answer,
    Refusal,
    Request,
    body_bytes,
    decode_adu,
    decode_request,
    encode_adu,
    encode_answer,
    encode_batch,
    write,
)
from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Unreachable
from beffroi.kernel.twin.types import Frame, Outcome, Receipt, Rejected, Report, WireCommand

from .boiler import boilers

NOON = 1_769_860_800 * SECOND
Trick = Callable[[Adu, bytes], bytes | None]
"""What goes over the line instead of a good answer; None: silence."""


def good(asked: Adu, answer: bytes) -> bytes:
    return encode_adu(Adu(asked.transaction, asked.unit, answer))


def silence(asked: Adu, answer: bytes) -> None:
    return None


def refusing(code: int) -> Trick:
    return lambda asked, answer: good(asked, bytes((asked.pdu[0] | 0x80, code)))


TRICKS: dict[str, Trick] = {
    "cut": lambda asked, answer: b"",
    "half": lambda asked, answer: good(asked, answer)[:9],
    "garbage": lambda asked, answer: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "another function": lambda asked, answer: good(asked, b"\x11" + answer[1:]),
    "too short": lambda asked, answer: good(asked, answer[:1] + b"\x00"),
    "only late answers": lambda asked, answer: encode_adu(Adu(asked.transaction ^ 1, asked.unit, answer)) * 5,
    "another unit": lambda asked, answer: encode_adu(Adu(asked.transaction, asked.unit ^ 1, answer)) * 5,
    "busy": refusing(6),
    "gateway: nobody there": refusing(11),
}
CUTTING = {"cut", "half", "garbage"}


@dataclass
class Automaton:
    """Registers behind a socket. Plays each trick once, in order, then answers well; remembers what it was asked."""

    tricks: list[Trick] = field(default_factory=list)
    coils: dict[int, int] = field(default_factory=dict)
    holding: dict[int, int] = field(default_factory=lambda: {0: 685})
    inputs: tuple[int, ...] = (1, 713, 612)
    asked: list[tuple[int, Request]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                header = await reader.readexactly(7)
                asked = decode_adu(header + await reader.readexactly(body_bytes(header)))
                request = decode_request(asked.pdu)
                self.asked.append((asked.unit, request))
                trick = self.tricks.pop(0) if self.tricks else good
                sent = trick(asked, encode_answer(self.answer(request)))
                if sent is None:
                    await reader.read()  # Says nothing until the client gives up.
                    break
                writer.write(sent)
                await writer.drain()
                if trick in [TRICKS[name] for name in CUTTING]:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, request: Request) -> Answer | Refusal:
        if not request.values:
            table = {"coil": self.coils, "holding_register": self.holding}.get(request.table, {})
            values = [table.get(request.address + place, 0) for place in range(request.count)]
            if request.table == "input_register":
                values = list(self.inputs[request.address : request.address + request.count])
            return Answer(request, tuple(values))
        table = self.coils if request.table == "coil" else self.holding
        table |= {request.address + place: value for place, value in enumerate(request.values)}
        return Answer(request)


@dataclass
class Watch:
    """Owns the waits of a client: records them, and returns at once, or never once `patient`."""

    waits: list[float] = field(default_factory=list)
    patient: bool = False

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.patient:
            await asyncio.Event().wait()


@asynccontextmanager
async def playing(*automata: Automaton) -> AsyncIterator[list[int]]:
    servers = []
    for automaton in automata:
        server = await asyncio.start_server(automaton.serve, "127.0.0.1", 0)
        automaton.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    try:
        yield [automaton.port for automaton in automata]
    finally:
        for server in servers:
            server.close()


def client_of(ports: list[int], watch: Watch, **changes: Any) -> ModbusClient:
    settings = boilers(*ports, **{"attempts": 100, "timeout_s": 2} | changes)
    return ModbusClient(settings, sleep=watch.sleep, jitter=lambda: 0.0, clock=lambda: NOON)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await story()

    asyncio.run(bounded())


def report(payload: bytes, ports: list[int], **changes: Any) -> Report | Rejected:
    first, *_ = decode(Frame("boilers", "frames/boilers", payload, NOON), boilers(*ports, **changes))
    return first


WELL = {
    "boiler_state": 1.0,
    "flow_temperature_degc": 71.3,
    "return_temperature_degc": 61.2,
    "setpoint_degc": 68.5,
    "door_state": 0.0,
}


def test_a_device_is_polled_again_and_again_on_one_connection() -> None:
    async def story() -> None:
        watch, boiler = Watch(), Automaton()
        async with playing(boiler) as ports:
            client = client_of(ports, watch)
            frames = client.frames()
            for _ in range(3):
                assert report(await anext(frames), ports) == Report("CH-1", NOON, WELL)
            await frames.aclose()
        assert boiler.connections == 1
        assert set(watch.waits) == {30.0}
        assert client.contact.errors == 0 and client.contact.frames >= 3

    run(story)


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_a_bad_answer_costs_one_poll_and_is_told(name: str) -> None:
    async def story() -> None:
        watch, boiler = Watch(), Automaton(tricks=[TRICKS[name]])
        async with playing(boiler) as ports:
            client = client_of(ports, watch)
            frames = client.frames()
            assert report(await anext(frames), ports) == Report("CH-1", NOON, WELL)
            await frames.aclose()
        assert client.contact.errors == 1
        assert f"127.0.0.1:{ports[0]}" in client.contact.last_error
        assert boiler.connections == (1 if name in ("busy", "gateway: nobody there") else 2)

    run(story)


def test_a_silent_device_is_left_after_the_time_out() -> None:
    async def story() -> None:
        boiler = Automaton(tricks=[silence])
        async with playing(boiler) as ports:
            client = client_of(ports, Watch(), timeout_s=0.05)
            assert report(await anext(client.frames()), ports) == Report("CH-1", NOON, WELL)
        assert client.contact.last_error == f"127.0.0.1:{ports[0]}, unit 1: no answer within 0.05 s"

    run(story)


def test_a_late_answer_is_not_taken_for_a_later_one() -> None:
    def late(asked: Adu, answer: bytes) -> bytes:
        return encode_adu(Adu(asked.transaction - 1, asked.unit, b"\x04\x06\x00\x02\x00\x00\x00\x00")) + good(
            asked, answer
        )

    async def story() -> None:
        async with playing(Automaton(tricks=[good, late])) as ports:
            client = client_of(ports, Watch())
            assert report(await anext(client.frames()), ports) == Report("CH-1", NOON, WELL)
        assert client.contact.errors == 0

    run(story)


def test_an_exception_is_kept_with_the_poll_and_the_rest_is_read() -> None:
    async def story() -> None:
        async with playing(Automaton(tricks=[refusing(2)])) as ports:
            payload = await anext(client_of(ports, Watch()).frames())
        read = decode(Frame("boilers", "frames/boilers", payload, NOON), boilers(*ports))
        assert read[0] == Report("CH-1", NOON, {name: WELL[name] for name in WELL if name != "door_state"})
        assert isinstance(read[1], Rejected) and "exception 2, illegal data address" in read[1].reason

    run(story)


def test_waits_grow_while_nobody_answers_and_the_source_is_then_unreachable() -> None:
    async def story() -> None:
        async with playing(Automaton()) as ports:
            pass
        watch = Watch()
        client = client_of(ports, watch, attempts=5, max_backoff_s=100)
        with pytest.raises(Unreachable, match="none of the 1 devices answers: 127"):
            await anext(client.frames())
        assert watch.waits[:4] == [30.0, 60.0, 100.0, 100.0]

    run(story)


def test_one_dead_host_does_not_hold_the_others() -> None:
    async def story() -> None:
        dead, well = Automaton(), Automaton()
        async with playing(dead) as gone:
            pass
        async with playing(well) as ports:
            both = [*gone, *ports]
            client = client_of(both, Watch(), attempts=1)
            frames = client.frames()
            for _ in range(3):
                assert report(await anext(frames), both) == Report("CH-2", NOON, WELL)
            await frames.aclose()
        assert client.contact.errors >= 1

    run(story)


def test_devices_behind_one_gateway_share_its_connection() -> None:
    async def story() -> None:
        gateway = Automaton(tricks=[good] * 3 + [refusing(11)])
        async with playing(gateway) as ports:
            client = client_of(ports, Watch(), units=3)
            frames = client.frames()
            heard = [report(await anext(frames), ports, units=3) for _ in range(2)]
            await frames.aclose()
        assert [each.address for each in heard if isinstance(each, Report)] == ["CH-1", "CH-3"]
        assert gateway.connections == 1

    run(story)


def command(ports: list[int], *requests: Request, address: str = "CH-1") -> WireCommand:
    return WireCommand(address, encode_batch(boilers(*ports).devices[0].unit, requests))


def test_a_command_is_written_on_the_connection_of_the_polls_and_the_device_polled_at_once() -> None:
    async def story() -> None:
        watch, boiler = Watch(patient=True), Automaton()
        async with playing(boiler) as ports:
            frames = client_of(ports, watch).frames()
            sender = ModbusSender(boilers(*ports))
            await anext(frames)
            sent = await sender.send(command(ports, write("holding_register", 0, [550]), write("coil", 0, [1])))
            assert sent == Receipt(Outcome.ACCEPTED)
            assert report(await anext(frames), ports) == Report("CH-1", NOON, WELL | {"setpoint_degc": 55.0})
            await frames.aclose()
            await sender.close()
        assert boiler.coils == {0: 1}
        assert boiler.connections == 1

    run(story)


async def sent_by(boiler: Automaton, *requests: Request, **changes: Any) -> Receipt:
    async with playing(boiler) as ports:
        sender = ModbusSender(boilers(*ports, **changes))
        receipt = await sender.send(command(ports, *requests))
        await sender.close()
    return replace_port(receipt, ports[0])


def replace_port(receipt: Receipt, port: int) -> Receipt:
    return Receipt(receipt.outcome, receipt.reason.replace(str(port), "PORT"))


ON = write("coil", 5, [1])


@pytest.mark.parametrize(
    ("code", "receipt"),
    [
        (1, Receipt(Outcome.REFUSED, "asked to write coil 5, the device answers with exception 1, illegal function")),
        (
            4,
            Receipt(
                Outcome.REFUSED, "asked to write coil 5, the device answers with exception 4, server device failure"
            ),
        ),
        (5, Receipt(Outcome.ACCEPTED)),
        (
            6,
            Receipt(
                Outcome.UNREACHABLE, "asked to write coil 5, the device answers with exception 6, server device busy"
            ),
        ),
        (
            10,
            Receipt(
                Outcome.UNREACHABLE,
                "asked to write coil 5, the device answers with exception 10, gateway path unavailable",
            ),
        ),
        (
            11,
            Receipt(
                Outcome.IN_DOUBT,
                "asked to write coil 5, the device answers with exception 11, gateway target device failed to respond",
            ),
        ),
    ],
)
def test_an_exception_says_what_became_of_the_command(code: int, receipt: Receipt) -> None:
    async def story() -> None:
        assert await sent_by(Automaton(tricks=[refusing(code)]), ON) == receipt

    run(story)


def test_a_command_stops_at_the_first_write_refused_and_says_how_far_it_came() -> None:
    async def story() -> None:
        boiler = Automaton(tricks=[good, refusing(4)])
        receipt = await sent_by(boiler, write("coil", 0, [1]), ON, write("coil", 9, [1]))
        reason = (
            "after 1 of 3 writes: asked to write coil 5, the device answers with exception 4, server device failure"
        )
        assert receipt == Receipt(Outcome.REFUSED, reason)
        assert [asked.address for _, asked in boiler.asked] == [0, 5]

    run(story)


def test_a_busy_device_leaves_a_command_begun_in_doubt() -> None:
    async def story() -> None:
        receipt = await sent_by(Automaton(tricks=[good, refusing(6)]), write("coil", 0, [1]), ON)
        assert receipt.outcome is Outcome.IN_DOUBT

    run(story)


@pytest.mark.parametrize("name", sorted(CUTTING | {"another function", "too short", "only late answers"}))
def test_a_command_whose_answer_is_lost_is_in_doubt_and_never_sent_twice(name: str) -> None:
    async def story() -> None:
        boiler = Automaton(tricks=[TRICKS[name]])
        assert (await sent_by(boiler, ON)).outcome is Outcome.IN_DOUBT
        assert len(boiler.asked) == 1

    run(story)


def test_a_command_to_a_silent_device_is_in_doubt() -> None:
    async def story() -> None:
        receipt = await sent_by(Automaton(tricks=[silence]), ON, timeout_s=0.05)
        assert receipt == Receipt(Outcome.IN_DOUBT, "127.0.0.1:PORT, unit 1: no answer within 0.05 s")

    run(story)


def test_a_command_to_a_device_that_is_not_there_has_not_left() -> None:
    async def story() -> None:
        async with playing(Automaton()) as ports:
            pass
        sender = ModbusSender(boilers(*ports))
        assert (await sender.send(command(ports, ON))).outcome is Outcome.UNREACHABLE
        assert (await sender.send(command(ports, ON, address="CH-9"))).outcome is Outcome.UNREACHABLE

    run(story)

"""The client against a local producer that misbehaves in every way we know. Nothing sleeps: waits are recorded."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from beffroi.connectors.gtfs_rt.client import GtfsRtClient
from beffroi.connectors.gtfs_rt.connector import decode
from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.connectors.gtfs_rt.wire import VehiclePosition, encode_vehicle_positions
from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.errors import Malformed, Refused, Unreachable
from beffroi.kernel.twin.types import Frame

NOON = 1_769_860_800 * SECOND
BUS = VehiclePosition(entity_id="1", vehicle_id="BUS-12", latitude=47.5, longitude=5.25)
FIRST = encode_vehicle_positions(observed_at=NOON, vehicles=[BUS])
SECOND_FEED = encode_vehicle_positions(observed_at=NOON + 20 * SECOND, vehicles=[BUS])
SILENCE = b""


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Producer:
    """Gives each answer once, in order, then cuts every connection; remembers what it was asked."""

    answers: list[bytes]
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
            self.asked.append({name.lower(): value for name, value in (line.split(": ", 1) for line in head)})
            if self.answers:
                given = self.answers.pop(0)
                if given is SILENCE:
                    await reader.read()  # Says nothing until the client gives up.
                writer.write(given)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class Watch:
    """Owns the waits of a client: records them, and returns at once."""

    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@asynccontextmanager
async def producing(*answers: bytes) -> AsyncIterator[Producer]:
    producer = Producer(list(answers))
    server = await asyncio.start_server(producer.serve, "127.0.0.1", 0)
    producer.port = server.sockets[0].getsockname()[1]
    try:
        yield producer
    finally:
        server.close()


def client_of(producer: Producer, watch: Watch, **changes: Any) -> GtfsRtClient:
    asked: dict[str, Any] = {"url": f"http://127.0.0.1:{producer.port}/positions.pb", "attempts": 100}
    settings = GtfsRtSettings(**(asked | changes))
    return GtfsRtClient(settings, sleep=watch.sleep, jitter=lambda: 0.0, clock=lambda: NOON)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await story()

    asyncio.run(bounded())


def test_each_new_feed_is_given_once_and_asked_for_conditionally() -> None:
    async def story() -> None:
        watch = Watch()
        async with producing(
            answer(body=FIRST, ETag='"one"', Last_Modified="Sat, 31 Jan 2026 12:00:00 GMT"),
            answer("304 Not Modified"),
            answer(body=FIRST),
            answer(body=SECOND_FEED),
        ) as producer:
            client = client_of(producer, watch, headers={"X-Api-Key": "s3cret"})
            frames = client.frames()
            assert [await anext(frames), await anext(frames)] == [FIRST, SECOND_FEED]
            await frames.aclose()
        assert watch.waits == [20.0, 20.0, 20.0]
        assert [one.get("if-none-match") for one in producer.asked] == [None, '"one"', '"one"', None]
        assert producer.asked[1]["if-modified-since"] == "Sat, 31 Jan 2026 12:00:00 GMT"
        assert [one["x-api-key"] for one in producer.asked] == ["s3cret"] * 4
        assert (client.contact.frames, client.contact.errors, client.contact.last_contact_at) == (2, 0, NOON)

    run(story)


def test_a_feed_the_caller_could_not_keep_is_given_again() -> None:
    async def story() -> None:
        async with producing(answer(body=FIRST, ETag='"one"'), answer(body=FIRST, ETag='"one"')) as producer:
            client = client_of(producer, Watch())
            for _ in range(2):
                frames = client.frames()
                assert await anext(frames) == FIRST
                await frames.aclose()
        assert [one.get("if-none-match") for one in producer.asked] == [None, None]

    run(story)


def test_gzip_is_read_and_a_cut_one_is_asked_for_again() -> None:
    async def story() -> None:
        whole = gzip.compress(FIRST)
        async with producing(
            answer(body=whole[:-12], Content_Encoding="gzip"),
            answer(body=b"not gzip at all", Content_Encoding="gzip"),
            answer(body=whole, Content_Encoding="gzip"),
        ) as producer:
            client = client_of(producer, Watch())
            assert await anext(client.frames()) == FIRST
        assert [one["accept-encoding"] for one in producer.asked] == ["gzip"] * 3
        assert client.contact.errors == 2

    run(story)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (answer(body=FIRST)[:-5], "could not be fetched: RemoteProtocolError"),
        (answer(body=FIRST)[:20], "could not be fetched: RemoteProtocolError"),
        (b"\x00\x01garbage\r\n\r\n", "could not be fetched: RemoteProtocolError"),
        (answer("429 Too Many Requests"), "the producer answers 429 Too Many Requests"),
        (answer("500 Internal Server Error"), "the producer answers 500 Internal Server Error"),
        (answer("503 Service Unavailable", b"<html>"), "the producer answers 503 Service Unavailable"),
    ],
)
def test_a_passing_fault_is_tried_again(fault: bytes, reason: str) -> None:
    async def story() -> None:
        watch = Watch()
        async with producing(fault, answer(body=FIRST)) as producer:
            client = client_of(producer, watch)
            assert await anext(client.frames()) == FIRST
        assert watch.waits == [20.0]
        assert reason in client.contact.last_error

    run(story)


def test_a_slow_producer_is_given_up_on_in_time() -> None:
    async def story() -> None:
        async with producing(SILENCE, answer(body=FIRST)) as producer:
            client = client_of(producer, Watch(), timeout_s=0.2)
            assert await anext(client.frames()) == FIRST
        assert client.contact.last_error == "no whole answer within 0.2 s"

    run(story)


def test_a_drip_of_bytes_is_bounded_by_the_same_time() -> None:
    async def story() -> None:
        async with producing(answer(body=FIRST)[:-1]) as producer:
            held = asyncio.Event()

            async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(answer(body=FIRST)[:-1])
                await writer.drain()
                await held.wait()
                writer.close()

            server = await asyncio.start_server(drip, "127.0.0.1", 0)
            producer.port = server.sockets[0].getsockname()[1]
            client = client_of(producer, Watch(), timeout_s=0.2, attempts=1)
            with pytest.raises(Unreachable, match=r"no whole answer within 0\.2 s"):
                await anext(client.frames())
            held.set()
            server.close()

    run(story)


def test_waits_grow_to_their_bound_and_start_anew_after_an_answer() -> None:
    async def story() -> None:
        watch = Watch()
        down = [answer("503 Service Unavailable")] * 6
        async with producing(*down, answer(body=FIRST), answer("500 Oops"), answer(body=SECOND_FEED)) as producer:
            frames = client_of(producer, watch, period_s=10, max_backoff_s=100).frames()
            assert [await anext(frames), await anext(frames)] == [FIRST, SECOND_FEED]
        assert watch.waits == [10.0, 20.0, 40.0, 80.0, 100.0, 100.0, 10.0, 10.0]

    run(story)


def test_jitter_spreads_the_waits_after_failures() -> None:
    async def story() -> None:
        watch = Watch()
        async with producing(answer("500 Oops"), answer("500 Oops"), answer(body=FIRST)) as producer:
            settings = GtfsRtSettings(url=f"http://127.0.0.1:{producer.port}/", period_s=10)
            client = GtfsRtClient(settings, sleep=watch.sleep, jitter=lambda: 1.0)
            assert await anext(client.frames()) == FIRST
        assert watch.waits == [12.5, 25.0]

    run(story)


def test_the_producer_may_ask_for_a_longer_wait_within_bounds() -> None:
    async def story() -> None:
        watch = Watch()
        async with producing(
            answer("429 Too Many Requests", Retry_After="60"),
            answer("503 Service Unavailable", Retry_After="86400"),
            answer("503 Service Unavailable", Retry_After="Sat, 31 Jan 2026 12:00:00 GMT"),
            answer(body=FIRST),
        ) as producer:
            assert await anext(client_of(producer, watch, period_s=10).frames()) == FIRST
        assert watch.waits == [60.0, 300.0, 40.0]

    run(story)


def test_a_cut_is_declared_after_the_attempts_and_the_client_goes_on() -> None:
    async def story() -> None:
        watch = Watch()
        async with producing() as producer:
            client = client_of(producer, watch, attempts=3)
            with pytest.raises(Unreachable, match="could not be fetched"):
                await anext(client.frames())
            assert (len(producer.asked), watch.waits) == (3, [20.0, 40.0])
            producer.answers.append(answer(body=FIRST))
            assert await anext(client.frames()) == FIRST
            assert watch.waits == [20.0, 40.0, 80.0]

    run(story)


def test_nobody_listening_is_unreachable() -> None:
    async def story() -> None:
        async with producing() as producer:
            pass
        with pytest.raises(Unreachable, match="could not be fetched: ConnectError"):
            await anext(client_of(producer, Watch(), attempts=1).frames())

    run(story)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer("401 Unauthorized"), "answers 401 Unauthorized: check `url` and `headers`"),
        (answer("404 Not Found"), "answers 404 Not Found"),
        (answer("302 Found", Location="http://elsewhere.example/"), "has moved"),
        (answer(body=b"x" * 2000), "more than 1024 bytes"),
        (answer(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"), "more than 1024 bytes"),
        (answer(body=FIRST, Content_Encoding="br"), "encoded in 'br'; expected gzip or nothing"),
    ],
)
def test_what_asking_again_would_not_mend_is_refused_at_once(given: bytes, reason: str) -> None:
    async def story() -> None:
        watch = Watch()
        async with producing(given, answer(body=FIRST)) as producer:
            client = client_of(producer, watch, max_bytes=1024)
            with pytest.raises(Refused) as caught:
                await anext(client.frames())
            assert reason in caught.value.reason
            assert await anext(client.frames()) == FIRST
        assert watch.waits == [20.0]

    run(story)


def test_garbage_is_given_as_it_is_and_refused_by_the_decoder() -> None:
    async def story() -> None:
        page = b"<html>Maintenance</html>"
        async with producing(answer(body=page)) as producer:
            client = client_of(producer, Watch())
            got = await anext(client.frames())
        assert got == page
        with pytest.raises(Malformed, match="not a GTFS-Realtime feed"):
            decode(Frame("buses", "frames/buses", got, NOON), GtfsRtSettings(url="http://127.0.0.1/"))

    run(story)


def test_a_producer_whose_clock_is_ahead_is_repeated_its_own_dates() -> None:
    async def story() -> None:
        ahead = encode_vehicle_positions(observed_at=NOON + DAY, vehicles=[BUS])
        async with producing(
            answer(body=ahead, Last_Modified="Sun, 01 Feb 2026 12:00:00 GMT"), answer(body=FIRST)
        ) as producer:
            frames = client_of(producer, Watch()).frames()
            got = await anext(frames)
            await anext(frames)
            await frames.aclose()
        assert producer.asked[1]["if-modified-since"] == "Sun, 01 Feb 2026 12:00:00 GMT"
        with pytest.raises(Malformed, match="the sender's clock is ahead"):
            decode(Frame("buses", "frames/buses", got, NOON), GtfsRtSettings(url="http://127.0.0.1/"))

    run(story)

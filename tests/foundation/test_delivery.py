"""The quick way of deliveries against the client's own: the same frames, however they are cut, are told the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from beffroi.foundation.delivery import DeliveringClient, DeliveryParser

OURS, OTHER = b"7", b"8"
Told = tuple[bytes, ...]


class Receiver:
    """Notes what a parser hands to its client."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self.told.append((b"%d" % sid, bytes(subject), bytes(reply), data))

    async def _process_ping(self) -> None:
        self.told.append((b"PING",))

    async def _process_pong(self) -> None:
        self.told.append((b"PONG",))

    async def _process_err(self, words: str) -> None:
        self.told.append((b"-ERR", words.encode()))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.told.append((b"INFO", str(sorted(info)).encode()))


def message(sid: bytes, subject: bytes, reply: bytes, payload: bytes, headers: bytes | None) -> bytes:
    words = [word for word in (subject, sid, reply) if word]
    if headers is None:
        return b"MSG " + b" ".join(words) + b" %d\r\n" % len(payload) + payload + b"\r\n"
    head = b"NATS/1.0\r\n" + headers + b"\r\n\r\n"
    sizes = b" %d %d\r\n" % (len(head), len(head) + len(payload))
    return b"HMSG " + b" ".join(words) + sizes + head + payload + b"\r\n"


words = st.sampled_from([b"$MQTT.msgs.readings.a.x", b"frames.buses", b"_INBOX.1", "é.ü".encode()])
replies = st.sampled_from([b"", b"_INBOX.2", b"$JS.ACK.s.c.1.10.10.1780000000000000000.5"])
messages = st.builds(
    message,
    st.sampled_from([OURS, OTHER]),
    words,
    replies,
    st.binary(max_size=60) | st.sampled_from([b"MSG x 7 3\r\nabc\r\n", b"\r\n", b"PING\r\n"]),
    st.none() | st.sampled_from([b"Nmqtt-Pub: 1", b"Status: 408"]),
)
others = st.sampled_from([b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR 'Stale Connection'\r\n", b'INFO {"a":1}\r\n'])


def tell(parser: Parser, data: bytes, cuts: list[int]) -> None:
    async def feed() -> None:
        first = 0
        for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
            await parser.parse(data[first:cut])
            first = cut

    asyncio.run(feed())


@given(st.lists(messages | others, max_size=12), st.lists(st.integers(0, 10_000), max_size=12))
@settings(max_examples=150, deadline=None)
def test_frames_cut_anywhere_are_told_as_the_client_tells_them(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    plain, quick = Receiver(), Receiver()
    tell(Parser(plain), data, [])
    parser = DeliveryParser(quick)  # type: ignore[arg-type]
    delivered: list[Told] = []
    parser.takers[OURS] = lambda *parts: (delivered.append(parts), quick.told.append((OURS, *parts)))  # type: ignore[func-returns-value]
    tell(parser, data, cuts)
    assert quick.told == plain.told
    assert delivered == [told[1:] for told in plain.told if told[0] == OURS and told[2].startswith(b"$JS.ACK.")]


@pytest.mark.parametrize("line", [b"MSG a 7 x\r\n", b"HMSG a 7 $JS.ACK.1 x 20\r\n" + b" " * 40, b"nonsense\r\n"])
def test_what_is_no_frame_is_refused_as_by_the_client(line: bytes) -> None:
    parser = DeliveryParser(Receiver())  # type: ignore[arg-type]
    parser.takers[OURS] = lambda *_: None
    with pytest.raises(ProtocolError):
        tell(parser, line, [])


def test_a_new_connection_begins_with_no_half_frame_and_the_same_takers() -> None:
    client = DeliveringClient()
    found: list[Told] = []
    client.deliver(7, lambda *parts: found.append(parts))
    whole = message(OURS, b"a.b", b"$JS.ACK.1", b"payload", None)
    tell(client._ps, whole[:10], [])
    client._ps.reset()
    tell(client._ps, whole, [])
    assert found == [(b"a.b", b"$JS.ACK.1", b"payload")]
    client.forget(7)
    assert client._ps.takers == {}

"""What the log delivers, taken straight from the connection: the bus's client, made quick for the one kind that is many.

nats-py reads each message through a regular expression, parses its headers as mail headers, makes an object, puts it in a
queue and wakes a task: 25 us. A delivered message of the log needs none of it: its subject, its reply (where the
server writes the number and the instant) and its bytes are handed over at once, 1.5 us. Everything else the server sends
(answers, statuses, pings) goes the client's own way, one whole frame at a time, so nothing changes for it.

The client's parser is no promised interface: its version is locked, and tests/foundation/test_delivery.py holds both ways to
the same frames (NATS client protocol: MSG, HMSG).
"""

from __future__ import annotations

from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

Taker = Callable[[bytes, bytes, bytes], None]
"""Called with the subject, the reply subject and the payload of one delivered message; must neither wait nor raise."""

_DELIVERED = b"$JS.ACK."
_MOST_HEAD = 65_536
"""Bytes without the end of a line past which the rest is left to the client's own parser, which refuses it."""


class DeliveryParser(Parser):
    """Reads frames; hands deliveries of the log to the taker of their subscription, the rest to the client's parser."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.takers: dict[bytes, Taker] = {}

    def reset(self) -> None:
        """Begin anew on a new connection. Subscriptions keep their numbers there, so takers stay."""
        super().reset()
        self._rest = bytearray()
        self._needed = 0

    async def parse(self, data: bytes = b"") -> None:
        """Take what came. An unfinished frame is kept until its end has come. Raises ProtocolError for no frame."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
            self._rest.clear()
        at = self._needed = 0
        while (end := data.find(b"\r\n", at)) >= 0:
            stop = end + 2
            if data.startswith((b"HMSG ", b"MSG "), at):
                words = data[at:end].split()
                stop += _number(words[-1]) + 2
                if stop > len(data):
                    self._needed = stop - at
                    break
                if self._take(words, data, end + 2, stop - 2):
                    at = stop
                    continue
            await super().parse(data[at:stop])
            at = stop
        if end < 0 and len(data) - at > _MOST_HEAD:
            await super().parse(data[at:])
        else:
            self._rest += data[at:]

    def _take(self, words: list[bytes], data: bytes, first: int, last: int) -> bool:
        """Hand over a delivery; return whether it was one. A status has no reply, and no taker wants it."""
        taker = self.takers.get(words[2])
        with_headers = words[0] == b"HMSG"
        if taker is None or len(words) != 5 + with_headers or not words[3].startswith(_DELIVERED):
            return False
        taker(words[1], words[3], data[first + _number(words[4]) if with_headers else first : last])
        return True


def _number(word: bytes) -> int:
    if not word.isdigit():
        raise ProtocolError("nats: malformed MSG")
    return int(word)


class DeliveringClient(Client):
    """The bus's client, with a quick way for what the log delivers."""

    def __init__(self) -> None:
        super().__init__()
        self._ps: DeliveryParser = DeliveryParser(self)

    def deliver(self, subscription_id: int, taker: Taker) -> None:
        """Hand what the log delivers to a subscription to `taker`, in order, while it is read from the connection.

        Said before anything is asked for, all of it comes this way; statuses still come to the subscription's callback.
        """
        self._ps.takers[b"%d" % subscription_id] = taker

    def forget(self, subscription_id: int) -> None:
        """Hand nothing over any more."""
        self._ps.takers.pop(b"%d" % subscription_id, None)

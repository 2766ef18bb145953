"""A field of devices: publishes over MQTT 3.1.1 with QoS 1 on raw sockets, and knows exactly what was acknowledged.

A message is sent once. When its connection is lost before the acknowledgement nobody can say whether it was stored, so it
is counted as unknown and never sent again: every duplicate found in the store is then the post's own.
(OASIS MQTT 3.1.1: 2.2 fixed header, 3.1 CONNECT, 3.2 CONNACK, 3.3 PUBLISH, 3.4 PUBACK.)
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

CONNACK, PUBACK = 0x20, 0x40
OUTGOING_MOST_BYTES = 65_536
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 0.5
Acked = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Login:
    """Where a gateway publishes, and as whom."""

    host: str
    port: int
    username: str
    password: str


class State(Enum):
    """Of one connection."""

    DOWN = 0
    GREETING = 1
    UP = 2


def remaining_length(size: int) -> bytes:
    """Encode a packet's remaining length (2.2.3)."""
    encoded = bytearray()
    while True:
        digit, size = size & 0x7F, size >> 7
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def text(value: bytes) -> bytes:
    """Encode a string with its length (1.5.3)."""
    return struct.pack("!H", len(value)) + value


def connect_packet(client_id: str, login: Login) -> bytes:
    """Encode CONNECT with a clean session, no keep-alive, user and password."""
    body = text(b"MQTT") + b"\x04\xc2" + struct.pack("!H", 0)
    body += text(client_id.encode()) + text(login.username.encode()) + text(login.password.encode())
    return b"\x10" + remaining_length(len(body)) + body


def publish_packet(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """Encode PUBLISH with QoS 1. `topic` carries its length already (`text`), as it is encoded once and sent often."""
    return b"\x32" + remaining_length(len(topic) + 2 + len(payload)) + topic + packet_id.to_bytes(2, "big") + payload


class Link:
    """One connection. Lost or refused, it is opened again after a moment, for ever."""

    def __init__(self, name: str, login: Login, selector: selectors.BaseSelector, acked: Acked) -> None:
        self.name = name
        self.login = login
        self.selector = selector
        self.acked = acked
        self.state = State.DOWN
        self.in_flight: dict[int, int] = {}
        self.unknown: list[int] = []  # sent, and the connection was lost before the acknowledgement
        self.outgoing = bytearray()
        self.incoming = b""
        self.retry_at = 0.0
        self.retry_s = FIRST_RETRY_S
        self.packet_id = 0
        self.losses = 0
        self.refusals = 0
        self.socket: socket.socket | None = None

    def open(self) -> None:
        """Begin to connect."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self.socket.connect_ex((self.login.host, self.login.port))
        self.selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        if code not in {0, errno.EINPROGRESS}:
            self.drop()
            return
        self.state = State.GREETING
        self.outgoing += connect_packet(self.name, self.login)

    def drop(self) -> None:
        """Forget the connection: what was under way on it stays unknown."""
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None
        if self.state is State.UP:
            self.losses += 1
        else:
            self.refusals += 1
        self.state = State.DOWN
        self.unknown.extend(self.in_flight.values())
        self.in_flight.clear()
        self.outgoing.clear()
        self.incoming = b""
        self.retry_at = time.monotonic() + self.retry_s
        self.retry_s = min(self.retry_s * 2, LAST_RETRY_S)

    def publish(self, number: int, topic: bytes, payload: bytes) -> None:
        """Send a message, which the caller knows by its number. The connection must be up."""
        self.packet_id = self.packet_id % 65_535 + 1
        self.in_flight[self.packet_id] = number
        self.outgoing += publish_packet(topic, payload, self.packet_id)

    def flush(self) -> None:
        """Write what can be written now."""
        if not self.outgoing or self.socket is None:
            return
        try:
            del self.outgoing[: self.socket.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.drop()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outgoing else 0)
        if self.selector.get_key(self.socket).events != wanted:
            self.selector.modify(self.socket, wanted, self)

    def read(self) -> None:
        """Read acknowledgements."""
        if self.socket is None:
            return
        try:
            data = self.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop()
            return
        data = self.incoming + data
        place = 0
        while place + 4 <= len(data):  # only CONNACK and PUBACK come to us: four bytes each
            kind = data[place]
            if kind == PUBACK:
                number = self.in_flight.pop(data[place + 2] << 8 | data[place + 3], None)
                if number is not None:
                    self.acked(number)
            elif kind != CONNACK or data[place + 3]:  # a refusal (3.2.2.3), or what we do not speak
                self.drop()
                return
            else:
                self.state = State.UP
                self.retry_s = FIRST_RETRY_S
            place += 4
        self.incoming = data[place:]


class Publisher:
    """Many connections in groups, one group for each gateway."""

    def __init__(self, logins: list[Login], *, links: int, window: int, acked: Acked, name: str = "bench") -> None:
        self.selector = selectors.DefaultSelector()
        self.window = window
        self.groups = [
            [Link(f"{name}-{group}-{number}", login, self.selector, acked) for number in range(max(1, links))]
            for group, login in enumerate(logins)
        ]
        self.links = [link for group in self.groups for link in group]
        self.turns = [0] * len(logins)

    def offer(self, group: int, number: int, topic: bytes, payload: bytes) -> bool:
        """Send a message on a connection of a group that has room; False when none has."""
        links = self.groups[group]
        for _ in links:
            self.turns[group] = turn = (self.turns[group] + 1) % len(links)
            link = links[turn]
            if (
                link.state is State.UP
                and len(link.in_flight) < self.window
                and len(link.outgoing) < OUTGOING_MOST_BYTES
            ):
                link.publish(number, topic, payload)
                return True
        return False

    def turn(self, wait_s: float) -> None:
        """Write, then read for at most `wait_s`, then open again what was lost."""
        for link in self.links:
            link.flush()
        if not self.selector.get_map():
            time.sleep(min(wait_s, 0.01))
        else:
            for key, events in self.selector.select(wait_s):
                link = key.data
                if events & selectors.EVENT_READ:
                    link.read()
                if events & selectors.EVENT_WRITE:
                    link.flush()
        present = time.monotonic()
        for link in self.links:
            if link.state is State.DOWN and present >= link.retry_at:
                link.open()

    def connect(self, within_s: float) -> None:
        """Wait until every connection is up. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while not all(link.state is State.UP for link in self.links):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{sum(link.state is not State.UP for link in self.links)} connections are not up")
            self.turn(0.01)

    def settle(self, within_s: float) -> None:
        """Wait until nothing is under way, or the time is over."""
        deadline = time.monotonic() + within_s
        while self.under_way() and time.monotonic() < deadline:
            self.turn(0.01)

    def under_way(self) -> int:
        """Return how many messages were sent and neither acknowledged nor lost with their connection."""
        return sum(len(link.in_flight) for link in self.links)

    def close(self) -> None:
        """Close every connection; what was under way is unknown."""
        for link in self.links:
            link.drop()
        self.selector.close()

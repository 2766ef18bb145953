"""The front door against clients that mean harm: what they write must not lead it elsewhere, nor hold a part's threads."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from beffroi.app.embedded.children import free_port
from beffroi.app.processes import front
from beffroi.foundation.settings import publish_address, settings


class _Part(http.server.BaseHTTPRequestHandler):
    """Answers with its own name, the request line and the headers, then the body."""

    protocol_version = "HTTP/1.1"
    name = "web"

    def do_GET(self) -> None:
        """Answer."""
        told = f"{self.name} {self.command} {self.path}\n{self.headers}".encode()
        told += self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815 -- the name that the base class looks for

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Stranger(_Part):
    name = "stranger"


def _serve(handler: type[_Part]) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def stranger() -> Iterator[int]:
    """The port of a server that is no part of the post."""
    server = _serve(_Stranger)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def door() -> Iterator[int]:
    """The port of a front door before one part."""
    part = _serve(_Part)
    publish_address("web", f"http://127.0.0.1:{part.server_address[1]}")
    port = free_port()
    listening = threading.Event()

    class Door(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            listening.set()

    server = Door(uvicorn.Config(front.app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(20)
    yield port
    server.should_exit = True
    thread.join(20)
    part.shutdown()
    part.server_close()
    (settings().run / "web.address").unlink()


def _ask(port: int, line: str, *headers: str, body: bytes = b"") -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as to:
        head = "\r\n".join([f"{line} HTTP/1.1", "Host: poste.example", "Connection: close", *headers, "", ""])
        to.sendall(head.encode("latin-1") + body)
        told = b""
        while chunk := to.recv(65536):
            told += chunk
    return told.decode("latin-1")


@pytest.mark.parametrize("start", ["%2F@", "@", "%2F%2F", "x@"])
def test_an_address_cannot_lead_the_door_to_another_server(door: int, stranger: int, start: str) -> None:
    told = _ask(door, f"GET {start}127.0.0.1:{stranger}/secret")
    assert "stranger" not in told
    assert told.split()[1] in {"400", "404"}


def test_an_address_reaches_the_part_as_it_was_asked(door: int) -> None:
    assert "web GET /assets/a%2Fb/../c?x=%20|&y=1\n" in _ask(door, "GET /assets/a%2Fb/../c?x=%20|&y=1")


def test_what_a_client_writes_of_itself_is_not_believed(door: int) -> None:
    told = _ask(door, "GET /", "X-Forwarded-Host: evil.example", "Forwarded: for=9.9.9.9", "X-Secret: 1").lower()
    assert "evil.example" not in told
    assert "9.9.9.9" not in told
    assert "x-forwarded-host: poste.example" in told
    assert "x-forwarded-proto: http\n" in told


def test_headers_named_for_one_connection_stay_there(door: int) -> None:
    with socket.create_connection(("127.0.0.1", door), timeout=20) as to:
        to.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n\r\n")
        told = to.makefile("rb").read().lower()
    assert b"200 ok" in told
    assert b"x-hop" not in told


@pytest.mark.parametrize(
    "lengths", [("Transfer-Encoding: chunked",), ("Content-Length: 3", "Transfer-Encoding: chunked")]
)
def test_a_body_reaches_the_part_with_its_true_length(door: int, lengths: tuple[str, ...]) -> None:
    told = _ask(door, "POST /x", *lengths, body=b"5\r\nhello\r\n0\r\n\r\n")
    assert "web POST /x" in told
    assert "content-length: 5" in told
    assert told.endswith("hello")


@pytest.mark.parametrize("length", [str((32 << 20) + 1), "²", "9" * 5000, "-1", "+5"])
def test_a_body_too_large_or_of_no_length_is_refused(door: int, length: str) -> None:
    told = _ask(door, "POST /x", f"Content-Length: {length}")
    assert told.split()[1] in {"400", "413"}


def test_a_chunked_body_is_bounded_as_well(door: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "MOST_BODY_BYTES", 8)
    told = _ask(door, "POST /x", "Transfer-Encoding: chunked", body=b"9\r\nhellohell\r\n0\r\n\r\n")
    assert told.split()[1] == "413"


def test_a_slow_client_does_not_reach_the_part(door: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_WITHIN_S", 0.05)
    told = _ask(door, "POST /login", "Content-Length: 100", body=b"username=")
    assert told.split()[1] == "408"


def test_the_look_at_web_uses_a_name_that_the_post_answers_to(monkeypatch: pytest.MonkeyPatch, box: Path) -> None:
    for hosts, name in {
        "poste.ville.example,127.0.0.1": "poste.ville.example",
        "*": "127.0.0.1",
        ".a.b": "a.b",
    }.items():
        monkeypatch.setattr(settings(), "allowed_hosts", hosts)
        assert front._known_host() == name

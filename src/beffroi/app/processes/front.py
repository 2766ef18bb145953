"""The front door: one address for everything. Pages and API go to `web`, streams to `live`; tiles, health and metrics are here.

A city that has its own reverse proxy points it at `web` and `live` instead (deploy/), and does not start this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import IO, Generic, TypeVar

import httpx
import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from beffroi.app.metrics import exposition
from beffroi.foundation.clock import now
from beffroi.foundation.database import database_url
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.heartbeat import STALE_AFTER, beat, heartbeats
from beffroi.foundation.log import logger
from beffroi.foundation.settings import runtime_address, settings

log = logger("front")
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
    "host",
}
OURS = {"content-length", "expect", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
"""What a part is told of the request by this door alone, whatever the client wrote."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MOST_BODY_BYTES = 32 << 20
BODY_WITHIN_S = 30.0
_IN_MEMORY_BYTES = 256 << 10
_READ_BYTES = 64 << 10
_PATIENT = {"connect": 2.0, "read": None, "write": 60.0, "pool": 5.0}  # a stream may be silent, a page may be long
_BRIEF = {"connect": 2.0, "read": 3.0, "write": 3.0, "pool": 3.0}
_APART = """<!doctype html><html lang="fr"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Beffroi</title><body style="background:#0f1419;color:#e4e9ee;font:16px sans-serif;padding:3em">
<h1>Le poste redémarre</h1><p>Une partie du poste ne répond pas encore. Cette page se recharge d’elle-même.</p></body></html>"""


T = TypeVar("T")


class Shared(Generic[T]):
    """Work that all who ask at the same time share: a crowd at the door costs what one costs."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Return what the work under way returns, or begin it."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._begin())
        return await asyncio.shield(self._running)

    async def _begin(self) -> T:
        return await self._work()


class Front:
    """What the door knows: how to reach the parts, and whether each serves."""

    def __init__(self) -> None:
        # A transport, not a client: a client keeps cookies, and would hand one person's session to the next.
        self.transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64), trust_env=False
        )
        self.reasons: list[str] = ["starting"]
        self.ready = Shared(self.unready)
        self.metrics = Shared(lambda: asyncio.to_thread(exposition, not self.reasons))

    async def forward(self, request: Request, part: str) -> Response:
        """Pass a request on to a part, once it is here whole, and its answer back as it comes.

        A part has few threads: a client that sends its request slowly must hold none of them.
        """
        address = runtime_address(part)
        if address is None:
            return _apart(request)
        target = request.scope["raw_path"]
        if not target.startswith(b"/"):
            return PlainTextResponse("an address begins with a slash", 400)
        if query := request.scope["query_string"]:
            target += b"?" + query
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as body:
            refusal, size = await _received(request, body)
            if refusal is not None:
                return refusal
            outgoing = httpx.Request(
                request.method,
                address,
                headers=_told(request, size),
                content=_chunks(body) if size else None,
                extensions={"timeout": _PATIENT, "target": target},  # as it was asked: no rewriting on the way
            )
            try:
                answer = await self.transport.handle_async_request(outgoing)
            except httpx.HTTPError:
                return _apart(request)
        response = StreamingResponse(
            _passed(answer, part), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        dropped = HOP_BY_HOP | {"date", "server"}
        response.raw_headers = [
            (name, value) for name, value in answer.headers.raw if name.decode("latin-1").lower() not in dropped
        ]
        return response

    async def look(self) -> None:
        """Look at every part once a second and say whether the post is ready."""
        while True:
            with contextlib.suppress(Exception):
                self.reasons = await self.ready()
            beat("front", now(), ready=True)
            await asyncio.sleep(0.5)

    async def unready(self) -> list[str]:
        """Return why the post is not ready, one sentence for each part; empty when it is."""
        checks = (self._postgres(), self._nats(), self._web())
        found = [reason for reason in await asyncio.gather(*checks) if reason]
        said = heartbeats()
        expected = [f"engine-{number}" for number in range(1, settings().engines + 1)]
        for name in [*expected, "connectors", "worker", "live"]:
            last = said.get(name)
            if last is None or now() - last.at > STALE_AFTER:
                found.append(f"{name}: it has not said that it serves")
            elif not last.ready:
                found.append(f"{name}: {'; '.join(last.reasons) or 'not ready'}")
        return found

    async def _postgres(self) -> str | None:
        try:
            async with await psycopg.AsyncConnection.connect(database_url(), connect_timeout=2) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, BeffroiError, OSError) as error:
            return f"PostgreSQL: {error}"
        return None

    async def _nats(self) -> str | None:
        monitor = runtime_address("nats-monitor")
        if monitor is None:
            return None if settings().nats_url else "nats-server: not started yet"
        return await self._answers("nats-server", f"{monitor}/healthz")

    async def _web(self) -> str | None:
        address = runtime_address("web")
        if address is None:
            return "web: not started yet"
        return await self._answers("web", f"{address}/login")

    async def _answers(self, part: str, url: str) -> str | None:
        """Return why a part does not answer 200, or None."""
        request = httpx.Request("GET", url, headers={"host": _known_host()}, extensions={"timeout": _BRIEF})
        try:
            answer = await self.transport.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
        except httpx.HTTPError as error:
            return f"{part}: {type(error).__name__}"
        return None if answer.status_code == 200 else f"{part}: it answers {answer.status_code}"


def _told(request: Request, size: int) -> list[tuple[bytes, bytes]]:
    """Return the headers for a part: the client's, less what concerns this connection alone, and what we know better.

    The scheme and the address of the client are those that a proxy on this machine told, else those of the connection.
    """
    named = {name.strip().lower() for name in request.headers.get("connection", "").split(",")}
    dropped = HOP_BY_HOP | OURS | named
    headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() not in dropped]
    host = request.headers.get("host", "").encode("latin-1")
    client = request.client.host if request.client else ""
    headers += [
        (b"host", host),
        (b"x-forwarded-for", client.encode("latin-1", "replace")),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", b"https" if request.scope["scheme"] == "https" else b"http"),
    ]
    if size or request.method in {"POST", "PUT", "PATCH"}:
        headers.append((b"content-length", str(size).encode()))
    return headers


async def _received(request: Request, body: IO[bytes]) -> tuple[Response | None, int]:
    """Take a request's body in; return the refusal, if any, and its size. What it claims to hold is not believed."""
    size = 0
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 12) or int(length) > MOST_BODY_BYTES:
        return _too_large(), 0
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MOST_BODY_BYTES:
                    return _too_large(), 0
                body.write(chunk)
    except TimeoutError:
        return PlainTextResponse(f"a request is sent within {BODY_WITHIN_S:.0f} s", 408), 0
    except ClientDisconnect:
        return PlainTextResponse("the client left", 400), 0
    body.seek(0)
    return None, size


async def _chunks(body: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := body.read(_READ_BYTES):
        yield chunk


def _too_large() -> Response:
    return PlainTextResponse(f"a request holds at most {MOST_BODY_BYTES} bytes", 413, headers={"connection": "close"})


def _known_host() -> str:
    """Return a name under which this post answers: its own look must not be refused as a stranger's."""
    first = settings().allowed_hosts.split(",")[0].strip()
    return "127.0.0.1" if first in ("", "*") else first.lstrip(".")


async def _passed(answer: httpx.Response, part: str) -> AsyncIterator[bytes]:
    """Yield an answer's body as it comes. A part that dies in the middle ends its streams; a page is cut short, and seen to be."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        log.warning("a part left in the middle of an answer", part=part, error=str(error))
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            raise


front = Front()


def _apart(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return Response(_APART, 503, media_type="text/html", headers={"retry-after": "2"})
    problem = {"type": "about:blank", "title": "a part of the post is starting again", "status": 503}
    return JSONResponse(problem, 503, headers={"retry-after": "2"}, media_type="application/problem+json")


async def to_web(request: Request) -> Response:
    """Pages and API."""
    return await front.forward(request, "web")


async def to_live(request: Request) -> Response:
    """Streams."""
    return await front.forward(request, "live")


async def alive(_request: Request) -> Response:
    """`/health/live`: this process runs."""
    return JSONResponse({"status": "live"})


async def ready(_request: Request) -> Response:
    """`/health/ready`: 200 when every part serves, else 503 with the reasons."""
    reasons = await front.ready()
    return JSONResponse(
        {"status": "ready" if not reasons else "not ready", "reasons": reasons}, 503 if reasons else 200
    )


async def metrics(_request: Request) -> Response:
    """`/metrics`, in Prometheus' text format."""
    started = time.perf_counter()
    text, content_type = await front.metrics()
    return Response(
        text, media_type=content_type, headers={"server-timing": f"m;dur={(time.perf_counter() - started) * 1e3:.1f}"}
    )


async def tiles(request: Request) -> Response:
    """Basemaps of the city, with byte ranges."""
    name = request.path_params["name"]
    folder = settings().data.absolute() / "city"
    file = folder / name
    if "/" in name or not name.endswith(".pmtiles") or not file.is_file():
        return PlainTextResponse("no such basemap", 404)
    return FileResponse(Path(file), media_type="application/vnd.pmtiles", headers={"cache-control": "no-cache"})


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    task = asyncio.create_task(front.look())
    yield
    task.cancel()
    await front.transport.aclose()


app = Starlette(
    routes=[
        Route("/health/live", alive),
        Route("/health/ready", ready),
        Route("/metrics", metrics),
        Route("/tiles/{name}", tiles),
        Route("/live/{rest:path}", to_live),
        Route("/{rest:path}", to_web, methods=METHODS),
    ],
    lifespan=_lifespan,
)


def main() -> None:
    """Serve on the post's own address."""
    ours = settings()
    uvicorn.run(
        app,
        host=ours.http_host,
        port=ours.http_port,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )

"""The front door: one address for everything. Pages and API go to `web`, streams to `live`; tiles, health and metrics are here.

A city that has its own reverse proxy points it at `web` and `live` instead (deploy/), and does not start this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
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
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MOST_BODY_BYTES = 32 << 20
_PATIENT = {"connect": 2.0, "read": None, "write": 60.0, "pool": 5.0}  # a stream may be silent, a page may be long
_BRIEF = {"connect": 2.0, "read": 3.0, "write": 3.0, "pool": 3.0}
_APART = """<!doctype html><html lang="fr"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Beffroi</title><body style="background:#0f1419;color:#e4e9ee;font:16px sans-serif;padding:3em">
<h1>Le poste redémarre</h1><p>Une partie du poste ne répond pas encore. Cette page se recharge d’elle-même.</p></body></html>"""


class Front:
    """What the door knows: how to reach the parts, and whether each serves."""

    def __init__(self) -> None:
        # A transport, not a client: a client keeps cookies, and would hand one person's session to the next.
        self.transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64), trust_env=False
        )
        self.reasons: list[str] = ["starting"]

    async def forward(self, request: Request, part: str) -> Response:
        """Pass a request on to a part and its answer back as it comes."""
        address = runtime_address(part)
        if address is None:
            return _apart(request)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            return PlainTextResponse(f"a request holds at most {MOST_BODY_BYTES} bytes", 413)
        path = request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        headers = [(name, value) for name, value in request.headers.raw if name.decode().lower() not in HOP_BY_HOP]
        host = request.headers.get("host", "")
        client = request.client.host if request.client else ""
        headers += [
            (b"host", host.encode()),
            (b"x-forwarded-for", client.encode()),
            (b"x-forwarded-host", host.encode()),
        ]
        body = request.stream() if request.method not in {"GET", "HEAD"} else None
        outgoing = httpx.Request(
            request.method,
            f"{address}{path}{'?' + query if query else ''}",
            headers=headers,
            content=body,
            extensions={"timeout": _PATIENT},
        )
        try:
            answer = await self.transport.handle_async_request(outgoing)
        except httpx.HTTPError:
            return _apart(request)
        response = StreamingResponse(
            _passed(answer, part), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = [
            (name, value) for name, value in answer.headers.raw if name.decode().lower() not in HOP_BY_HOP
        ]
        return response

    async def look(self) -> None:
        """Look at every part once a second and say whether the post is ready."""
        while True:
            with contextlib.suppress(Exception):
                self.reasons = await self.unready()
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
        request = httpx.Request("GET", url, headers={"host": "127.0.0.1"}, extensions={"timeout": _BRIEF})
        try:
            answer = await self.transport.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
        except httpx.HTTPError as error:
            return f"{part}: {type(error).__name__}"
        return None if answer.status_code == 200 else f"{part}: it answers {answer.status_code}"


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
    reasons = await front.unready()
    return JSONResponse(
        {"status": "ready" if not reasons else "not ready", "reasons": reasons}, 503 if reasons else 200
    )


async def metrics(_request: Request) -> Response:
    """`/metrics`, in Prometheus' text format."""
    started = time.perf_counter()
    text, content_type = await asyncio.to_thread(exposition, not front.reasons)
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

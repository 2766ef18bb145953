"""A console in a real browser: the pages, the real `live` and the tiles on one address, on the test database.

The readings path stays out: alarms are raised as the engine raises them. `push` puts a frame of the test's own on every
open stream, for what a test wants to hold steady (50 changes a second, a stream that dies).

One server stands for all the journeys of a process, with its connections: a test opens it, with a `live` that has just
begun, and closes it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

import beffroi.console
from beffroi.app.processes import live
from tests.database import as_owner

THREADS = 4
"""Fewer than a post's: each keeps a connection to the database, which is slow until it has been used."""
UNDRAWN = "undrawn"
"""A cookie of the consoles that draw no map."""
ASSETS = Path(beffroi.console.__file__).parent / "static" / "build" / "assets"


class Stage:
    """The server of the journeys, and what a test may do to it."""

    def __init__(self) -> None:
        self.tiles: Path | None = None
        self.cut = False
        self.others: list[int] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = self.home = f"http://127.0.0.1:{self.port}"
        self.pages = WSGIMiddleware(WSGIHandler(), workers=THREADS)  # type: ignore[arg-type]
        self.loop = asyncio.new_event_loop()
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(self.server.serve()), daemon=True)
        self.lives: Future[None] | None = None
        self.over = asyncio.Event()

    def start(self) -> None:
        """Serve, from now until `stop`."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            self.others = [row[0] for row in cursor.fetchall()]
        self.thread.start()
        _wait(lambda: self.server.started, "the stage did not start")

    def open(self, tiles: Path) -> None:
        """Begin a test: nothing is cut, and `live` listens."""
        self.tiles, self.cut, self.url = tiles, False, self.home
        self.over.clear()
        self.lives = asyncio.run_coroutine_threadsafe(self._live(), self.loop)
        _wait(lambda: live.broadcaster.ready, "live did not listen")

    def close(self) -> None:
        """End a test: nothing of it goes on."""
        assert self.lives is not None
        self.loop.call_soon_threadsafe(self.over.set)
        self.lives.result(20)
        answering = threading.Barrier(THREADS)  # passed once no thread answers any more, even to who has gone
        for thread in [self.pages.executor.submit(answering.wait, 20) for _ in range(THREADS)]:
            thread.result(20)

    def stop(self) -> None:
        """Stop and leave no connection on the test database."""
        self.server.should_exit = True
        self.thread.join(10)
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
                " AND pid <> ALL(%s)",
                [self.others],
            )

    def push(self, data: dict[str, Any], name: str = "frame") -> None:
        """Send an event to every open console."""
        message = live.event(name, data)

        def send() -> None:
            for console in live.broadcaster.consoles:
                console.send(message)

        self.loop.call_soon_threadsafe(send)

    async def _live(self) -> None:
        async with live.app.router.lifespan_context(live.app):
            await self.over.wait()

    def _app(self) -> Starlette:
        async def tiles(_request: Request) -> Response:
            return FileResponse(self.tiles) if self.tiles else PlainTextResponse("no such basemap", 404)

        async def stream(request: Request) -> Response:
            return PlainTextResponse("cut", 503) if self.cut else await live.stream(request)

        async def city_map(request: Request) -> Response:
            """The map's script, or nothing for a console that is not about the map: drawing it is dear without a card."""
            if UNDRAWN in request.cookies:
                return Response(media_type="text/javascript", headers={"cache-control": "max-age=600"})
            return FileResponse(ASSETS / f"city-map-{request.path_params['rest']}.js")

        routes = [
            Route("/tiles/{name}", tiles),
            Route("/static/build/assets/city-map-{rest}.js", city_map),
            Route("/live/console", stream),
            Mount("/", self.pages),  # type: ignore[arg-type]
        ]
        return Starlette(routes=routes)


def _wait(done: Any, otherwise: str) -> None:
    deadline = time.monotonic() + 20
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert done(), otherwise


def wait(page: Page, look: Callable[[], bool]) -> None:
    """Wait until something is true; the browser goes on meanwhile."""
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)

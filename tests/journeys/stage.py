"""A console in a real browser: the pages, the real `live` and the tiles on one address, on the test database.

The readings path stays out: alarms are raised as the engine raises them. `push` puts a frame of the test's own on every
open stream, for what a test wants to hold steady (50 changes a second, a stream that dies).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from beffroi.app.processes import live
from beffroi.app.processes.web import THREADS
from tests.database import as_owner


class Stage:
    """The server of one test."""

    def __init__(self, tiles: Path | None) -> None:
        self.tiles = tiles
        self.cut = False
        self.others: list[int] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.loop: asyncio.AbstractEventLoop | None = None
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> None:
        """Serve, from now until `stop`."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            self.others = [row[0] for row in cursor.fetchall()]
        self.thread.start()
        deadline = time.monotonic() + 20
        while not (self.server.started and live.broadcaster.ready) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.server.started, "the stage did not start"

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
        assert self.loop is not None
        message = live.event(name, data)

        def send() -> None:
            for console in live.broadcaster.consoles:
                console.send(message)

        self.loop.call_soon_threadsafe(send)

    def _app(self) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            self.loop = asyncio.get_running_loop()
            async with live.app.router.lifespan_context(live.app):
                yield

        async def tiles(_request: Request) -> Response:
            return FileResponse(self.tiles) if self.tiles else PlainTextResponse("no such basemap", 404)

        async def stream(request: Request) -> Response:
            return PlainTextResponse("cut", 503) if self.cut else await live.stream(request)

        routes = [
            Route("/tiles/{name}", tiles),
            Route("/live/console", stream),
            Mount("/", WSGIMiddleware(WSGIHandler(), workers=THREADS)),  # type: ignore[arg-type]
        ]
        return Starlette(routes=routes, lifespan=lifespan)

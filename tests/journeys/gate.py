"""A gate before the stage: what a phone sends passes through it, until it is shut, at once or in the middle of an upload."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Gate:
    """Forward connections to a port of this machine. Shut, nobody answers at the address, as when a post is killed."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.loop = asyncio.new_event_loop()
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.left: int | None = None
        """Bytes of a connection after which everything is cut; None: never."""
        self.cuts = 0
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Let pass, at the same address as before."""
        asyncio.run_coroutine_threadsafe(self._open(), self.loop).result(10)

    def cut_after(self, sent: int) -> None:
        """Cut everything off once a connection has sent so many bytes."""
        self.left = sent

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _open(self) -> None:
        self.left = None
        self.server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        self.port = int(self.server.sockets[0].getsockname()[1])

    async def _shut(self) -> None:
        if self.server is not None:
            self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", self.behind)
        self.writers |= {writer, inner}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pass(reader, inner, counted=True), self._pass(inner_reader, writer))
        self.writers -= {writer, inner}
        for each in (writer, inner):
            each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False) -> None:
        sent = 0
        while chunk := await reader.read(4096):
            sent += len(chunk)
            if counted and self.left is not None and sent > self.left:
                self.cuts += 1
                await self._shut()
                return
            writer.write(chunk)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

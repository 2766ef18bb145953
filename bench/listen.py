"""Those who watch, in a process of their own: a subscriber of the bus, and screens on the event stream.

Delays run from the instant a device wrote in its message to the instant the watcher holds the value: one clock, one
machine. Each screen watches one probe that reports less often than frames are sent, so no value hides another.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import httpx
import msgspec
import nats
import numpy as np
import uvloop
from nats.aio.msg import Msg

from bench.load import Ints, code_of


@dataclass(frozen=True, slots=True)
class WatchSpec:
    """Who watches: the bus under its address, and a screen for each probe, with a session's cookie (None: no screen)."""

    bus_url: str
    url: str
    cookie: str | None
    probes: int


@dataclass(slots=True)
class Watched:
    """Delays in microseconds, each with the instant (microseconds) at which it was noted."""

    subscriber_at: Ints
    subscriber: Ints
    screen_at: Ints
    screen: Ints
    frames: int
    fault: str

    def between(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return the delays noted between two instants, of values observed since the first: subscriber's, screens'.

        A screen that opens is told the values as they stand: those of an earlier load say nothing about this one.
        """
        return (
            _between(self.subscriber_at, self.subscriber, first, last),
            _between(self.screen_at, self.screen, first, last),
        )


def _between(at: Ints, delays: Ints, first: int, last: int) -> Ints:
    return delays[(at - delays >= first) & (at < last)]


class _Watcher:
    def __init__(self, spec: WatchSpec) -> None:
        self.spec = spec
        self.subscriber: list[tuple[int, Ints]] = []
        self.screen: list[tuple[int, int]] = []
        self.frames = 0
        self.fault = ""

    async def run(self, pipe: Connection) -> Watched:
        bus = await nats.connect(self.spec.bus_url)
        await bus.subscribe("live.*.values", cb=self._values)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=httpx.Timeout(10, read=None), trust_env=False, limits=limits) as client:
            screens = [
                asyncio.create_task(self._screen(client, code_of(-k)))
                for k in range(1, self.spec.probes + 1)
                if self.spec.cookie
            ]
            await bus.flush()
            pipe.send("watching")
            await asyncio.to_thread(pipe.recv)
            for task in screens:
                task.cancel()
            await asyncio.gather(*screens, return_exceptions=True)
        await bus.close()
        at = np.concatenate([np.full(len(delays), now) for now, delays in self.subscriber] or [np.empty(0, np.int64)])
        delays = np.concatenate([delays for _, delays in self.subscriber] or [np.empty(0, np.int64)])
        screen = np.array(self.screen, np.int64).reshape(-1, 2)
        return Watched(at.astype(np.int64), delays, screen[:, 0], screen[:, 1], self.frames, self.fault)

    async def _values(self, message: Msg) -> None:
        now = time.time_ns() // 1000
        frame = msgspec.msgpack.decode(message.data)
        observed_at = np.asarray(frame["observed_at"], np.int64)
        once = np.unique(np.asarray(frame["asset"], np.int64), return_index=True)[1]  # one delay for each report
        self.subscriber.append((now, now - observed_at[once]))

    async def _screen(self, client: httpx.AsyncClient, code: str) -> None:
        headers = {"Cookie": self.spec.cookie or "", "Accept": "text/event-stream"}
        while True:
            try:
                async with client.stream(
                    "GET", f"{self.spec.url}/live/console?asset={code}", headers=headers
                ) as answer:
                    if answer.status_code != 200:
                        self.fault = f"/live/console answers {answer.status_code}"
                        await asyncio.sleep(1)
                        continue
                    await self._events(answer)
            except httpx.HTTPError as error:
                self.fault = f"{type(error).__name__}: {error}"
                await asyncio.sleep(0.5)

    async def _events(self, answer: httpx.Response) -> None:
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif name == "frame" and line.startswith("data: "):
                now = time.time_ns() // 1000
                data: dict[str, Any] = msgspec.json.decode(line[6:])
                self.frames += 1
                if newest := max((value[2] for value in data["values"]), default=0):
                    self.screen.append((now, now - newest))


def _child(spec: WatchSpec, pipe: Connection) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        pipe.send(uvloop.run(_Watcher(spec).run(pipe)))


class Watchers:
    """The watchers' process, begun at once; `finish` gives what they noted."""

    def __init__(self, spec: WatchSpec) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_child, args=(spec, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe.recv()

    def finish(self) -> Watched:
        """Stop watching; return the delays."""
        self.pipe.send("stop")
        watched = self.pipe.recv()
        self.process.join(10)
        assert isinstance(watched, Watched)
        return watched


def percentiles_ms(delays: Ints) -> tuple[float | None, float | None]:
    """Return p50 and p99 in milliseconds, or None twice when nothing was noted."""
    if not len(delays):
        return None, None
    p50, p99 = np.percentile(delays, [50, 99]) / 1000
    return round(float(p50), 1), round(float(p99), 1)

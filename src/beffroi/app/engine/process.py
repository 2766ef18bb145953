"""The engine's process: claims partitions, reads them, applies what arrives, lets time pass, and starts anew on any fault.

Whatever goes wrong (the bus or the database is lost, another engine took a partition), the session ends, memory is
dropped and everything is loaded again from PostgreSQL, which is never wrong about what was committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from beffroi.app.engine.session import BATCH, FAULTS, Anew, Session, Untaken
from beffroi.foundation.clock import now
from beffroi.foundation.heartbeat import beat
from beffroi.foundation.log import logger

log = logger("engine")
T = TypeVar("T")
SWITCH_S = 0.0005
"""How long one thread computes before another may: one that has written comes back to the next while a batch is decoded."""


class Engine:
    """One engine process, from start to stop."""

    def __init__(self, number: int) -> None:
        self.name = f"engine-{number}"
        self.stopping = asyncio.Event()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="apply")
        self.decoder = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self.applied_total = 0
        self.batches_total = 0
        self.careful = 0  # messages still to be applied one by one, after a batch the database would not take
        self.poison: set[tuple[str, int]] = set()  # messages the database would not take alone: to quarantine

    async def run(self) -> None:
        """Serve until asked to stop."""
        delay_s = 0.2
        while not self.stopping.is_set():
            try:
                await Session(self).serve()
                delay_s = 0.2
            except Anew as reason:
                log.info("session ends", reason=str(reason))
                delay_s = 0.2
            except Untaken as error:
                self.careful = 2 * BATCH
                log.error("a batch was not taken by the database; going on one message at a time", error=str(error))
            except FAULTS as error:
                log.warning("session lost, starting anew", error=f"{type(error).__name__}: {error}")
                delay_s = min(delay_s * 1.5, 2.0)
            except Exception:
                log.exception("session failed: this is a fault of ours; starting anew")
                delay_s = min(delay_s * 1.5, 2.0)
            await self.in_thread(_close_connections)
            beat(self.name, now(), ready=False, reasons=["reconnecting"])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), delay_s)
        self.thread.shutdown()
        self.decoder.shutdown()

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do blocking work in the one thread that touches the database and the engine's memory."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work, *arguments)


def _close_connections() -> None:
    connections.close_all()


async def main(number: int) -> None:
    """Run one engine until SIGTERM or SIGINT."""
    import signal

    sys.setswitchinterval(SWITCH_S)
    engine = Engine(number)
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, engine.stopping.set)
    await engine.run()

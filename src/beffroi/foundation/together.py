"""Works that go on side by side until one of them fails, and then all end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

AGAIN_S = 0.2


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Run works until one raises, or all have ended; end the others, and raise what the first raised.

    A work that lives on after its cancellation is cancelled again, where `asyncio.TaskGroup` would wait for it for ever:
    `asyncio.wait_for` of Python 3.11, by which libraries wait, loses a cancellation that comes as what it waits for is over.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end(tasks)
    for task in done:
        task.result()


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all have ended, whatever each does with a cancellation."""
    while living := [task for task in tasks if not task.done()]:
        for task in living:
            task.cancel()
        await asyncio.wait(living, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # what fails because it is ended is nobody's affair

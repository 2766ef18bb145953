"""Works side by side: one fails and all end, also one that swallows its cancellation."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from beffroi.foundation.together import side_by_side


async def fails() -> None:
    await asyncio.sleep(0)
    raise ValueError("first")


async def swallows(times: list[int]) -> None:
    """Go on after as many cancellations as `times` says, as a library does that loses one."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not times[0]:
                raise
            times[0] -= 1


async def fails_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise KeyError("last")


def test_work_that_swallows_its_cancellation_is_ended_all_the_same() -> None:
    left = [3]
    with pytest.raises(ValueError, match="first"):
        asyncio.run(side_by_side(swallows(left), fails(), fails_when_cancelled()))
    assert left == [0]


def test_works_that_all_end_are_waited_for() -> None:
    done: list[int] = []

    async def ends(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        done.append(number)

    asyncio.run(side_by_side(ends(1), ends(5), ends(3)))
    assert sorted(done) == [1, 3, 5]


def test_who_is_cancelled_ends_the_works_it_runs() -> None:
    ended: list[str] = []

    async def notes_its_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def story() -> None:
        running = asyncio.create_task(side_by_side(notes_its_end(), swallows([1])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert ended == ["ended"]

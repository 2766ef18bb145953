"""Sources that are fetched: that one does not answer is logged once, and once that it is back, whatever happens between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beffroi.app.processes import field as fetching
from beffroi.app.registry import connectors
from beffroi.foundation.errors import Unreachable
from beffroi.kernel.twin.queries import SourceInfo

FETCHED = {
    "gtfs_rt": {"url": "http://127.0.0.1:1/"},
    "modbus": {
        "models": {"boiler": {"registers": [
            {"quantity": "flow_degc", "table": "holding_register", "address": 0, "layout": "int16"}
        ]}},
        "devices": [{"address": "CH-1", "host": "127.0.0.1", "port": 1, "model": "boiler"}],
    },
}  # fmt: skip
"""Every connector that fetches, with settings that are good enough to make its client."""


class Hurried:
    """asyncio, whose waits take no time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Log:
    """What was logged, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str, **more: Any) -> None:
        self.lines.append(f"{text}: {more['source']}")

    info = exception = warning


class Bus:
    """A bus that takes every frame."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def jetstream(self) -> Bus:
        return self

    async def publish(self, subject: str, frame: bytes) -> None:
        self.frames.append(frame)


def test_every_connector_that_fetches_is_tried_here() -> None:
    assert {slug for slug, each in connectors().items() if each.client is not None} == set(FETCHED)


@pytest.mark.parametrize("slug", FETCHED)
def test_source_that_does_not_answer_is_logged_once_and_once_that_it_is_back(
    slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter([None, None, b"one", b"two", None, None, None, b"three", b"four"])
    over = asyncio.Event()

    async def frames(self: Any) -> Any:
        for each in said:
            if each is None:
                raise Unreachable("no answer")
            yield each
        over.set()
        await asyncio.Event().wait()

    log, field = Log(), fetching.Field()
    field.bus = bus = Bus()  # type: ignore[assignment]
    monkeypatch.setattr(fetching, "log", log)
    monkeypatch.setattr(fetching, "asyncio", Hurried())
    monkeypatch.setattr(connectors()[slug].client, "frames", frames)

    async def fetch() -> None:
        task = asyncio.create_task(field._fetch(SourceInfo(1, "src", slug, FETCHED[slug], 0)))
        await asyncio.wait_for(over.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(fetch())
    assert bus.frames == [b"one", b"two", b"three", b"four"]
    assert log.lines == ["source does not answer: src", "source is back: src"] * 2
    assert field.unreachable == {}

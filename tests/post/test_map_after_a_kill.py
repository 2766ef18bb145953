"""A console whose `live` is killed: its map is brought to what a map just opened shows."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.post.running import Post, eventually

pytestmark = pytest.mark.post


class Screen:
    """A page with a map: what its stream told of conditions, kept as the browser keeps it."""

    def __init__(self, post: Post) -> None:
        self.client = httpx.Client(base_url=post.url, timeout=30, trust_env=False)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.client.get("/login").text)
        assert token
        form = {"username": "operatrice", "password": "beffroi-operatrice", "csrfmiddlewaretoken": token[1]}
        assert self.client.post("/login", data=form).status_code == 302
        since = re.search(r'data-since="(\d+)"', self.client.get("/").text)
        assert since
        self.since = since[1]
        self.shown: dict[int, int] | None = None

    def frames(self) -> Iterator[None]:
        """Read the stream until it is cut, from the last line that was told."""
        with self.client.stream("GET", "/live/console", params={"map": "1", "since": self.since}) as answer:
            if answer.status_code != 200:
                return
            try:
                for line in answer.iter_lines():
                    if line.startswith("id: "):
                        self.since = line[4:]
                    if line.startswith("data: "):
                        self._take(json.loads(line[6:]))
                        yield
            except httpx.HTTPError:
                return

    def _take(self, data: dict[str, object]) -> None:
        told = dict(data.get("conditions") or [])  # type: ignore[call-overload]
        if data.get("whole"):
            self.shown = told
        elif self.shown is not None:
            self.shown = {asset: condition for asset, condition in (self.shown | told).items() if condition}

    def fresh(self) -> dict[int, int]:
        """Return what a map just opened would show of what is few."""
        columns = self.client.get("/map/assets.json").json()
        pairs = zip(columns["id"], columns["condition"], strict=True)
        return {asset: condition for asset, condition in pairs if condition}


def test_map_is_brought_to_the_truth_after_live_was_killed(post: Post) -> None:
    with (post.folder / "city" / "assets.csv").open() as file:
        cabinets = [row["asset"] for row in csv.DictReader(file) if row["class"] == "lighting_cabinet"]
    screen = Screen(post)
    stream = screen.frames()
    eventually(lambda: next(stream, True) or screen.shown is not None, "the stream tells the whole")
    heartbeat = post.folder / "run" / "heartbeats" / "live.json"
    before = json.loads(heartbeat.read_text())["pid"]
    failed = post.failed()
    well = [cabinet for cabinet in cabinets if cabinet not in failed]
    post.city("fail", {"kind": "cabinet_trip", "asset": well[-1]})
    os.kill(before, signal.SIGKILL)
    for _ in stream:
        pass
    eventually(
        lambda: any(condition > 10 for condition in screen.fresh().values()), "the cabinet's alarm stands on a new map"
    )
    screen.shown = dict(screen.shown or {})

    def same() -> bool:
        for _ in screen.frames():
            fresh = screen.fresh()
            shown = screen.shown or {}
            if {asset: shown.get(asset, 0) for asset in fresh} == fresh:
                return True
        return False

    eventually(same, "the open map shows what a new one does")
    assert json.loads(heartbeat.read_text())["pid"] != before

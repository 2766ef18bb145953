"""A whole post: it starts, survives the death of any of its parts under load, and stops leaving nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from bench.compare import compare, wait_drained
from bench.crash import kill
from bench.load import Load, LoadSpec
from bench.mqtt import Login
from bench.post import Post

from tests.app.conftest import wait_for

pytestmark = pytest.mark.post
PARTS = ("engine-1", "nats-server", "postgres", "live", "worker", "web", "connectors", "front")
KILLED = ("engine-1", "nats-server", "postgres", "web")


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    """A post, which must leave no process behind when it is stopped."""
    with Post() as running:
        yield running
        pids = running.processes()
        running.stop()
        wait_for(lambda: not any(_alive(pid, running.folder) for pid in pids.values()), "every process has ended")


@pytest.fixture(scope="module")
def logins(post: Post) -> tuple[Login, ...]:
    return post.equip(500, probes=0, sources=2)


def test_post_serves_with_every_part_up(post: Post) -> None:
    assert httpx.get(f"{post.url}/health/live").json() == {"status": "live"}
    answer = httpx.get(f"{post.url}/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": []})
    assert set(PARTS) <= set(post.processes())
    wait_for(lambda: "beffroi_ready 1.0" in httpx.get(f"{post.url}/metrics").text, "metrics say that it is ready")
    assert f"ready {post.url}" in (post.folder / "said.log").read_text()


def test_second_post_on_the_same_folder_is_refused(post: Post) -> None:
    said = post.run("up", "--no-city", check=False)
    assert "taken" in said or "already runs" in said
    assert post.ready()


def test_doctor_of_a_running_post_finds_nothing_wrong(post: Post) -> None:
    said = post.run("doctor", check=False)
    wrong = [line for line in said.splitlines() if line.startswith("WRONG") and "scripts" not in line]
    assert wrong == [], said


def test_part_killed_under_load_comes_back_and_nothing_is_lost(post: Post, logins: tuple[Login, ...]) -> None:
    """In small what `make crash` does to all of them, for longer."""
    before = post.counters()["received"]
    load = Load(LoadSpec(logins, 500, 200, 0, links=2, fault_every=50, most_behind_s=0.5))
    rounds = [kill(post, number, part) for number, part in enumerate(KILLED)]
    record = load.finish(now=True)
    assert [(each.part, each.reasons) for each in rounds if each.ready_s is None or each.stored_s is None] == []
    wait_drained(post, before + record.acknowledged, within_s=30)
    found = compare(post, record, quantities=4)
    assert found.stands, found
    assert "the journal stands" in post.run("journal", "verify")


def test_post_whose_supervisor_was_killed_leaves_nothing_behind_and_starts_again(
    post: Post, logins: tuple[Login, ...]
) -> None:
    """kill -9 of the supervisor itself: nothing is left that would hold the ports or the folder of the next start."""
    assert post.process is not None
    counters, pids = post.counters(), post.processes()
    post.process.send_signal(signal.SIGKILL)
    post.process.wait()
    wait_for(lambda: not any(_alive(pid, post.folder) for pid in pids.values()), "every process has ended", 30)
    post.start()
    assert post.counters() == counters
    record = Load(LoadSpec(logins, 500, 100, 1, links=1)).finish()
    wait_drained(post, counters["received"] + record.acknowledged, within_s=20)
    assert compare(post, record, quantities=4).stands


def _alive(pid: int, folder: Path) -> bool:
    try:
        os.kill(pid, 0)
        return str(folder) in Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except (OSError, ProcessLookupError):
        return False

"""Timers of a whole post under a real `kill -9`: worker and engine are killed between raise, deadline, shelf's end and
escalation, and everything happens once, in its time.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.post.running import Post, eventually

pytestmark = pytest.mark.post
CODES = [f"FEU-{place}" for place in range(6)]
SHELVED = "FEU-5"
SHELVED_FOR_S = 60
ESCALATES_AFTER_S = 40

_HURRY = """
import sys
from dataclasses import replace
from beffroi.app.shell import actor, set_up_django
set_up_django()
from beffroi.foundation.clock import now
from beffroi.kernel.alarms.actions import publish_priorities
from beffroi.kernel.alarms.queries import priorities
publish_priorities([replace(priorities()[1], escalate_after_s=int(sys.argv[1]))], by=actor(), at=now())
"""
_SHELVE = """
import sys
from beffroi.app.shell import set_up_django
set_up_django()
from beffroi.foundation.clock import SECOND, now
from beffroi.kernel.incidents.actions import shelve_alarm
from beffroi.kernel.people.queries import viewer_named
at = now()
shelve_alarm(int(sys.argv[1]), until=at + int(sys.argv[2]) * SECOND, reason="travaux", by=viewer_named("chefsalle"), at=at)
"""


def _act(post: Post, script: str, *arguments: object) -> None:
    """Do what has no command of its own, in a process beside those that are killed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=post.environment, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _publish(post: Post, access: tuple[str, str], state: str) -> None:
    async def send() -> None:
        async with aiomqtt.Client("127.0.0.1", post.mqtt_port, username=access[0], password=access[1]) as client:
            for code in CODES:
                await client.publish(f"readings/feux/{code}", json.dumps({"controller_state": state}).encode(), qos=1)

    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, send()).result()


def test_what_time_does_is_done_once_whoever_is_killed(post: Post, token: str, tmp_path: Path) -> None:
    _act(post, _HURRY, ESCALATES_AFTER_S)
    rows = [f"{code},intersection,4.6,47.45,Carrefour {code},feux,Bourg-Clairval,3600" for code in CODES]
    inventory = tmp_path / "feux.csv"
    inventory.write_text("\n".join(["asset,class,lon,lat,name,source,commune,period_s", *rows]) + "\n")
    post.command("import", "assets", str(inventory))
    access = post.gateway("feux-gate", "feux")
    _publish(post, access, "normal")
    eventually(lambda: post.get(f"assets/{CODES[-1]}", token)["state"], "the junctions are heard")

    def dark() -> dict[str, dict[str, Any]]:
        found = post.get("alarms?code=intersection_dark&open=true&limit=500", token)["items"]
        return {each["asset"]: each for each in found if each["asset"] in CODES}

    _publish(post, access, "dark")
    post.kill("engine-1")  # within the ten seconds after which it would raise them
    eventually(lambda: len(dark()) == len(CODES), "an alarm for each junction")
    shelved = dark()[SHELVED]["id"]
    _act(post, _SHELVE, shelved, SHELVED_FOR_S)

    def told() -> Counter[tuple[str, str]]:
        lines: list[dict[str, Any]] = []
        cursor = ""
        while len(lines) < 5_000:
            page = post.get(f"journal?limit=500{cursor}", token)
            lines += page["items"]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        mine = {f"alarm:{each['id']}" for each in dark().values()} | {f"incident:{number}" for number in incidents}
        return Counter((line["verb"], line["subject"]) for line in lines if line["subject"] in mine)

    every = post.get("incidents?limit=200", token)["items"]
    incidents = {i["id"] for i in every if set(i["alarms"]) & {each["id"] for each in dark().values()}}
    urgent = [each for each in dark().values() if each["asset"] != SHELVED]

    def all_done() -> bool:
        found = dark()
        return found[SHELVED]["state"] != "shelved" and all(found[each["asset"]]["rung"] >= 1 for each in urgent)

    deadline = time.monotonic() + 330
    while not all_done() and time.monotonic() < deadline:
        post.kill("worker")
        post.kill("engine-1")
    assert all_done()
    counts = told()
    for each in dark().values():
        subject = f"alarm:{each['id']}"
        assert counts["raise_alarm", subject] == 1, counts
        assert counts["escalate_alarm", subject] == each["rung"], counts
    assert (counts["shelve_alarm", f"alarm:{shelved}"], counts["end_shelving", f"alarm:{shelved}"]) == (1, 1)
    late = [i for i in post.get("incidents?limit=200", token)["items"] if i["id"] in incidents]
    assert all("acknowledged" in incident["missed"] for incident in late)
    missed = {
        i["id"]: sum(n for (verb, s), n in counts.items() if verb == "miss_deadline" and s == f"incident:{i['id']}")
        for i in late
    }
    assert missed == {i["id"]: len(i["missed"]) for i in late}
    assert "BROKEN" not in post.command("journal", "verify")

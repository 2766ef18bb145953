"""Timers of a whole post under a real `kill -9`: worker and engine are killed between raise, deadline, shelf's end and
escalation, and between the steps of a procedure; everything happens once, in its time.
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


_PUT_IN_FORCE = """
import sys
from beffroi.app.shell import set_up_django
set_up_django()
from beffroi.foundation.clock import now
from beffroi.kernel.people.queries import viewer_named
from beffroi.kernel.procedures import actions
writer, judge = viewer_named("ingenieure"), viewer_named("chefsalle")
change = actions.draft_procedure(sys.argv[1], reason="essai", by=writer, at=now())
actions.propose_procedure(change.id, by=writer, at=now())
actions.put_procedure_in_force(change.id, by=judge, at=now())
"""
_TIMED = """
code: timed
version: 1
title: À l'heure
desk: traffic
purpose: Dire ce qui vient à son heure, qui que l'on tue.
roles: [{code: operator, title: Opérateur, desk: traffic}, {code: supervisor, title: Chef de salle, post: night}]
steps:
  - {id: first, kind: notification, title: Dire d'abord, to: [{post: night}], message: "{reference} : un"}
  - {id: pause, kind: wait, for_s: 2}
  - {id: second, kind: notification, title: Dire ensuite, to: [{post: night}], message: "{reference} : deux"}
  - id: both
    kind: parallel
    lanes:
      - steps: [{id: do, title: Faire, within_s: 2, escalate: {to: supervisor, after_s: 1}}]
      - steps:
          - {id: rest, kind: wait, for_s: 2}
          - {id: third, kind: notification, title: Dire enfin, to: [{post: night}], message: "{reference} : trois"}
tests:
  - name: Rien n'est fait
    expect:
      - {at_s: 0, step: first}
      - {at_s: 0, step: pause}
      - {at_s: 2, step: second}
      - {at_s: 2, step: do, by: operator, within_s: 2}
      - {at_s: 2, step: rest}
      - {at_s: 4, step: third}
      - {at_s: 4, late: do}
      - {at_s: 5, told: supervisor, step: do}
    until_s: 9
"""


def test_steps_of_a_run_come_once_and_in_their_time_whoever_is_killed_between_them(post: Post, token: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PUT_IN_FORCE, _TIMED],
        env=post.environment, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mine = post.command("token", "create", "runs", "--person", "operatrice").strip()
    told = {"category": "road_accident", "lon": 4.6, "lat": 47.45, "description": "essai"}
    incident = post.ask("incidents", mine, told)["reference"]
    run = post.ask("runs", mine, {"procedure": "timed", "incident": incident})["id"]

    def steps() -> dict[str, dict[str, Any]]:
        return {each["step"]: each for each in post.get(f"runs/{run}", mine)["items"]}

    def is_all_told() -> bool:
        found = steps()
        return found["third"]["state"] == "done" and bool(found["do"]["escalated"])

    deadline = time.monotonic() + 200
    post.kill("worker")  # the first wait ends while nobody is there
    while not is_all_told() and time.monotonic() < deadline:
        post.kill("worker")
    assert is_all_told()
    over = post.ask(f"runs/{run}/steps/do/confirm", mine, {})
    assert (over["state"], [each["standing"] for each in over["items"]]) == ("done", [False] * len(over["items"]))
    texts = sorted((each["step"], each["urgent"]) for each in over["messages"])
    assert texts == [("do", True), ("first", False), ("second", False), ("third", False)]
    lines = post.get(f"journal?subject=run:{run}&limit=500", token)["items"]
    counts = Counter((each["verb"], each["content"].get("step", "")) for each in lines)
    assert counts == dict.fromkeys((("start_procedure", ""), ("tell_step", "first"), ("end_wait", "pause"), ("tell_step", "second"), ("end_wait", "rest"), ("tell_step", "third"), ("miss_step", "do"), ("escalate_step", "do"), ("confirm_step", "do"), ("end_procedure", "")), 1)  # fmt: skip
    missed = next(each for each in lines if each["verb"] == "miss_step")
    assert missed["effective_at"] == steps()["do"]["due_at"], "dated when it was due, whenever the worker came back"
    assert "BROKEN" not in post.command("journal", "verify")

"""Commands on a whole post: its simulated city obeys, refuses, stays silent; two people for what can hurt; the way back."""

from __future__ import annotations

import csv
import os
import signal
from collections import defaultdict
from typing import Any

import httpx
import pytest

from tests.post.running import Post, eventually

pytestmark = pytest.mark.post


class Person:
    """Somebody of the room, by the API."""

    def __init__(self, post: Post, username: str) -> None:
        token = post.command("token", "create", f"test-{username}", "--person", username).split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=f"{post.url}/api/v1/", headers=headers, timeout=30, trust_env=False)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, status: int, **body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ask(self, ability: str, *assets: str, **more: Any) -> Any:
        return self.post("commands", 201, ability=ability, assets=list(assets), reason="essai", **more)

    def state(self, command: str) -> str:
        return str(self.get(f"commands/{command}")["state"])


@pytest.fixture(scope="module")
def nadia(post: Post) -> Person:
    return Person(post, "operatrice")


@pytest.fixture(scope="module")
def chief(post: Post) -> Person:
    return Person(post, "chefsalle")


@pytest.fixture(scope="module")
def city(post: Post) -> dict[str, list[str]]:
    """The codes of the city's equipment that is well, by class, and the lamps of each cabinet under its code."""
    found: dict[str, list[str]] = defaultdict(list)
    failed = post.failed()
    for row in csv.DictReader((post.folder / "city" / "assets.csv").open()):
        if row["asset"] not in failed:
            found[row["class"]].append(row["asset"])
    for row in csv.DictReader((post.folder / "city" / "relations.csv").open()):
        if row["kind"] == "feeds":
            found[row["from"]].append(row["to"])
    return found


def settled(person: Person, command: str, *wanted: str) -> str:
    """Wait until a command is in one of these states; return which."""
    return str(
        eventually(
            lambda: (state := person.state(command)) in wanted and state, f"the command is {wanted}", within_s=90
        )
    )


def heard(person: Person, asset: str) -> dict[str, float]:
    return {entry["quantity"]: entry["value"] for entry in person.get(f"assets/{asset}")["state"]}


def test_lamps_of_a_cabinet_are_dimmed_shown_by_readings_and_come_back_by_themselves(
    post: Post, nadia: Person, city: dict[str, list[str]]
) -> None:
    cabinet = city["lighting_cabinet"][-1]
    eventually(lambda: all(heard(nadia, lamp) for lamp in city[cabinet]), "its lamps have reported")
    wish = {"ability": "set_level", "parameters": {"level_pct": 40}, "cabinet": cabinet, "reason": "essai"}
    tried = nadia.post("commands", 200, **wish, dry_run=True)
    assert sorted(tried["touched"]) == sorted(city[cabinet])
    asked = nadia.post("commands", 201, **wish, hold_s=20)
    group = asked["group"]

    def dimmed() -> bool:
        counts = nadia.get(f"commands/groups/{group}")["counts"]
        return bool(counts.get("effective", 0) + counts.get("reverted", 0) >= asked["size"] - 2)

    eventually(dimmed, "readings show that the lamps are dimmed", within_s=60)
    eventually(lambda: nadia.get(f"commands/groups/{group}")["reverted_by"], "its end came", within_s=60)
    back = eventually(
        lambda: (
            (counts := nadia.get(f"commands/groups/{group}")["counts"])
            and counts.get("reverted", 0) >= asked["size"] - 2
            and counts
        ),
        "the lamps follow their schedule again",
        within_s=60,
    )
    assert sum(back.values()) == asked["size"]
    lamp = nadia.get("commands", group=group, state="reverted")["items"][0]["asset"]
    assert heard(nadia, lamp)["mode_state"] == 0


def test_feeder_is_opened_by_two_people_and_the_cabinet_shows_it(
    post: Post, nadia: Person, chief: Person, city: dict[str, list[str]]
) -> None:
    cabinet = city["lighting_cabinet"][-2]
    eventually(lambda: heard(nadia, cabinet), "the cabinet has reported")
    asked = nadia.ask("open_feeder", cabinet)
    assert asked["state"] == "asked"
    nadia.post(f"commands/{asked['id']}/authorise", 403)
    second = chief.client.post("commands", json={"ability": "open_feeder", "assets": [cabinet], "reason": "essai"})
    assert (second.status_code, second.json()["type"]) == (409, "urn:beffroi:taken")
    chief.post(f"commands/{asked['id']}/authorise", 200)
    assert settled(nadia, asked["id"], "effective", "failed", "expired") == "effective"
    assert heard(nadia, cabinet)["feeder_state"] == 2
    back = chief.post(f"commands/{asked['id']}/revert", 200)
    nadia.post(f"commands/{back['id']}/authorise", 200)
    assert settled(nadia, back["id"], "effective", "failed", "expired") == "effective"
    assert nadia.state(asked["id"]) == "reverted"


def test_controller_in_local_mode_refuses_and_a_deaf_lamp_is_silent(
    post: Post, nadia: Person, city: dict[str, list[str]]
) -> None:
    controller, lamp = city["intersection"][-1], city["light_point"][3]
    eventually(lambda: heard(nadia, controller), "the controller has reported")
    eventually(lambda: heard(nadia, lamp), "the lamp has reported")
    post.city("fail", {"kind": "lamp_deaf", "asset": lamp})
    post.city("fail", {"kind": "intersection_local", "asset": controller})
    deaf = nadia.ask("set_level", lamp, parameters={"level_pct": 40})
    refused = nadia.ask("ask_plan", controller, parameters={"plan": 4})
    assert settled(nadia, refused["id"], "effective", "failed", "expired") == "failed"
    told = nadia.get(f"commands/{refused['id']}")
    assert told["end_reason"] == "contrôleur en commande locale"
    post.city("repair", {"asset": controller})
    again = nadia.ask("ask_plan", controller, parameters={"plan": 4}, hold_s=30)
    assert settled(nadia, again["id"], "effective", "failed", "expired") == "effective"
    assert heard(nadia, controller)["plan_count"] == 4
    silent = nadia.get(f"commands/{deaf['id']}")
    assert (silent["state"], silent["acknowledged_at"], silent["in_doubt"]) == ("sent", None, False)


def test_what_sends_is_killed_and_each_command_is_still_sent_once_or_in_doubt(
    post: Post, nadia: Person, city: dict[str, list[str]]
) -> None:
    cabinet = city["lighting_cabinet"][-3]
    eventually(lambda: all(heard(nadia, lamp) for lamp in city[cabinet]), "its lamps have reported")
    asked = nadia.post(
        "commands", 201, ability="set_level", parameters={"level_pct": 60}, cabinet=cabinet, reason="essai"
    )
    pid = _pid(post)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: _pid(post) not in (0, pid), "it runs again")

    def settled_or_doubtful() -> bool:
        group = nadia.get(f"commands/groups/{asked['group']}")
        return bool(group["counts"].get("effective", 0) + group["in_doubt"] >= asked["size"] - 2)

    eventually(settled_or_doubtful, "each is shown, or in doubt", within_s=90)
    lines = nadia.get("journal", verb="send_command", limit=500)["items"]
    sent = [line["subject"] for line in lines]
    assert len(sent) == len(set(sent))
    assert "the journal stands" in post.command("journal", "verify")


def _pid(post: Post) -> int:
    import json

    try:
        return int(json.loads((post.folder / "run" / "heartbeats" / "connectors.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return 0

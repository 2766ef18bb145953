"""The scenarios of the simulated city against a whole post: what its people then see, and what the API tells."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.post.running import Post, eventually

pytestmark = [pytest.mark.post, pytest.mark.browser]
DEAD_AFTER_S = 90.0


def alarms(post: Post, token: str, code: str, **asked: object) -> list[dict[str, Any]]:
    """Return the open alarms of a definition, the newest first."""
    query = "&".join(f"{name}={value}" for name, value in {"code": code, "open": "true", "limit": 500, **asked}.items())
    return list(post.get(f"alarms?{query}", token)["items"])


def counted(found: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {state: sum(each["state"] == state for each in found) for state in sorted({each["state"] for each in found})}


class Talking:
    """A gateway that has each of its pieces of equipment report every second, until it is cut."""

    def __init__(self, post: Post, source: str, codes: Sequence[str]) -> None:
        self.post, self.source, self.codes = post, source, codes
        self.access = post.gateway(f"{source}-gate", source)
        self.cut = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._talk()), daemon=True)
        self.thread.start()

    async def _talk(self) -> None:
        user, password = self.access
        async with aiomqtt.Client("127.0.0.1", self.post.mqtt_port, username=user, password=password) as client:
            while not self.cut.is_set():
                for code in self.codes:
                    await client.publish(
                        f"readings/{self.source}/{code}", json.dumps({"voltage_v": 231.0}).encode(), qos=1
                    )
                await asyncio.sleep(1)

    def stop(self) -> None:
        self.cut.set()
        self.thread.join(30)


@pytest.fixture
def annex(post: Post, tmp_path: Path) -> Iterator[Talking]:
    """A source of twelve cabinets that report every second and are expected every three."""
    codes = [f"ANNEXE-{place:02}" for place in range(12)]
    rows = [f"{code},lighting_cabinet,4.6,47.45,Armoire {code},annexe,3,Bourg-Clairval" for code in codes]
    inventory = tmp_path / "annexe.csv"
    inventory.write_text("\n".join(["asset,class,lon,lat,name,source,period_s,commune", *rows]) + "\n")
    post.command("import", "assets", str(inventory))
    talking = Talking(post, "annexe", codes)
    yield talking
    talking.stop()


def test_gateway_cut_is_one_alarm_also_for_an_engine_that_is_killed_meanwhile(
    post: Post, token: str, annex: Talking, operator: Page
) -> None:
    def heard() -> bool:
        return post.get("assets/source:annexe", token)["freshness"] == "live" and all(
            post.get(f"assets/{code}", token)["state"] for code in annex.codes
        )

    eventually(heard, "every cabinet is heard")
    annex.stop()
    (alarm,) = eventually(lambda: alarms(post, token, "source_silent", asset="source:annexe"), "the source's alarm")
    assert (alarm["state"], alarm["priority"], alarm["desk"]) == ("unacknowledged", 2, "systems")
    post.kill("engine-1")

    def explained() -> bool:
        found = [each for each in alarms(post, token, "lighting_cabinet_silent") if each["asset"] in annex.codes]
        return len(found) == 12 and {each["suppressed_by"] for each in found} == {alarm["id"]}

    eventually(explained, "the silences of the cabinets, explained by that of their source", within_s=DEAD_AFTER_S)
    assert [each["id"] for each in alarms(post, token, "source_silent", asset="source:annexe")] == [alarm["id"]]
    (told,) = [each for each in post.get("sources", token)["items"] if each["id"] == "annexe"]
    assert (told["gateways"], told["equipment"], told["period_s"]) == (["annexe-gate"], 12, 3)
    operator.goto(f"{post.url}/assets/source:annexe")
    expect(operator.locator("#source-card")).to_contain_text("annexe-gate")
    expect(operator.locator("#sheet-alarms")).to_contain_text("Source muette")
    operator.locator("#source-card a").click()
    expect(operator.locator("tbody tr")).to_have_count(12)
    again = Talking.__new__(Talking)
    again.__dict__.update(post=post, source="annexe", codes=annex.codes, access=annex.access, cut=threading.Event())
    again.thread = threading.Thread(target=lambda: asyncio.run(again._talk()), daemon=True)
    again.thread.start()
    try:
        eventually(
            lambda: (
                counted(alarms(post, token, "source_silent", asset="source:annexe")) == {"returned_unacknowledged": 1}
                and not [
                    each for each in alarms(post, token, "lighting_cabinet_silent") if each["asset"] in annex.codes
                ]
            ),
            "all have returned",
            within_s=150,
        )
    finally:
        again.stop()


def test_cabinet_that_trips_is_one_alarm_and_one_incident(post: Post, token: str, operator: Page) -> None:
    before = {each["id"] for each in alarms(post, token, "lighting_cabinet_tripped")}
    assert "1 failures are on their way" in post.command("city", "scenario", "cabinet_trip")
    new = eventually(
        lambda: [each for each in alarms(post, token, "lighting_cabinet_tripped") if each["id"] not in before],
        "the cabinet's alarm",
    )
    incident = eventually(
        lambda: next((i for i in post.get("incidents?limit=100", token)["items"] if new[0]["id"] in i["alarms"]), None),
        "its incident",
    )
    operator.goto(f"{post.url}/incidents/{incident['reference']}")
    expect(operator.locator("main")).to_contain_text(new[0]["asset_name"])


def test_detector_that_chatters_is_one_alarm_and_said_to_chatter(post: Post, token: str) -> None:
    post.command("city", "scenario", "chattering_detector")
    lines = eventually(
        lambda: [line for line in post.get("journal?limit=200", token)["items"] if line["verb"] == "begin_chatter"],
        "the detector chatters",
        within_s=120,
    )
    assert len(alarms(post, token, "building_intrusion", asset=lines[0]["content"]["asset"])) <= 1


def test_two_operators_reach_for_one_incident_and_one_has_it(post: Post, token: str, browser: Browser) -> None:
    before = {each["id"] for each in alarms(post, token, "intersection_dark")}
    post.command("city", "scenario", "two_operators")
    (new,) = eventually(
        lambda: [each for each in alarms(post, token, "intersection_dark") if each["id"] not in before], "the junction"
    )
    incident = eventually(
        lambda: next((i for i in post.get("incidents?limit=100", token)["items"] if new["id"] in i["alarms"]), None),
        "its incident",
    )
    reference = incident["reference"]
    answers: list[tuple[str, int, str]] = []
    ready = threading.Barrier(2)

    def take(username: str) -> None:
        with httpx.Client(base_url=post.url, timeout=30, trust_env=False, follow_redirects=True) as client:
            form = {
                "username": username,
                "password": f"beffroi-{username}",
                "csrfmiddlewaretoken": _csrf(client, "/login"),
            }
            client.post("/login", data=form)
            body = {"csrfmiddlewaretoken": _csrf(client, f"/incidents/{reference}")}
            ready.wait(30)
            answer = client.post(f"/incidents/{reference}/take", data=body)
            answers.append((username, answer.status_code, answer.text))

    both = [threading.Thread(target=take, args=(username,)) for username in ("operatrice", "chefsalle")]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    (owner,) = {post.get(f"incidents/{reference}", token)["owner"]}
    assert owner in ("operatrice", "chefsalle")
    took = [line for line in post.get("journal?limit=200", token)["items"]
            if line["verb"] == "take_incident" and line["subject"] == f"incident:{incident['id']}"]  # fmt: skip
    assert [line["actor"]["id"] for line in took] == [owner]
    (loser,) = [text for username, _, text in answers if username != owner]
    assert took[0]["actor"]["name"] in loser


def _csrf(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(path).text)
    assert found, path
    return found[1]


def test_storm_is_a_flood_in_groups_that_hides_no_priority_1(post: Post, token: str, operator: Page) -> None:
    post.command("city", "scenario", "storm")
    eventually(
        lambda: any(load["flood"] for load in post.get("alarms/posts", token)["items"]), "a flood opens", within_s=240
    )
    operator.goto(post.url)
    expect(operator.locator("#flood.on")).to_be_visible(timeout=30_000)
    urgent = [
        i for i in post.get("incidents?limit=200", token)["items"] if i["priority"] == 1 and i["state"] != "closed"
    ]
    for incident in urgent[:5]:
        expect(operator.locator(f"#incident-{incident['id']}")).to_be_visible()


def test_gateway_that_dies_is_said_by_the_city(post: Post) -> None:
    post.command("city", "scenario", "gateway_silent")
    address = (post.folder / "run" / "city.address").read_text().strip()
    eventually(
        lambda: ("gateway_silent", "buildings") in [
            (each["kind"], each["asset"]) for each in httpx.get(f"{address}/rehearsal/failures").json()["items"]
        ],
        "the gateway is dead",
    )  # fmt: skip
    assert "known: cabinet_trip" in _refused(post)
    post.city("repair", {"asset": "buildings"})


def _refused(post: Post) -> str:
    with pytest.raises(AssertionError) as refusal:
        post.command("city", "scenario", "meteor")
    return str(refusal.value)

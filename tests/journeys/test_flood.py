"""A storm seen from the desk: groups, a priority 1 that is never hidden, one key for all of a group, a calm screen reader.

`bench/flood.py` runs the first of these journeys at its full length and keeps its pictures.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import SECOND, now
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from tests.console import scene
from tests.journeys import flooding
from tests.journeys.conftest import Sit
from tests.journeys.stage import Stage
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser
LASTS_S = float(os.environ.get("BEFFROI_FLOOD_S", "12"))
ALARMS = int(os.environ.get("BEFFROI_FLOOD_ALARMS", "120"))
PICTURES = os.environ.get("BEFFROI_FLOOD_PICTURES", "")


def _watch() -> None:
    alarms.watch_alarms(people.posts(), at=now())


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def _shown(page: Page) -> list[str]:
    rows = "[...document.querySelectorAll('#queue > .row')].filter(row => !row.hidden).map(row => row.id)"
    return list(page.evaluate(rows))


def _urgent() -> set[str]:
    opened = incidents.list_open(seen_by=scene.who(), limit=500)
    return {f"incident-{each.id}" for each in opened if each.priority == 1}


def _flood(page: Page) -> None:
    """Put the post in a flood of lamps and cabinets, quickly."""
    for code in ("lighting_cabinet_door_open", "lighting_cabinet_silent"):
        scene.happen("raise", code, [f"AR-{i:03}" for i in range(9, 39)], at=now() - SECOND)
    _watch()
    expect(page.locator("#flood")).to_contain_text("Avalanche d’alarmes")


def test_storm_is_gathered_says_so_and_never_hides_a_priority_1(stage: Stage, sit: Sit, tmp_path: Path) -> None:
    flooding.grow(tmp_path)
    page = sit("/", drawn=bool(PICTURES))
    live(page)
    page.evaluate(flooding.OBSERVE)

    def meanwhile(place: int) -> None:
        if place in (ALARMS // 3, 2 * ALARMS // 3):
            _picture(page, f"storm-{place}")
        page.wait_for_timeout(1)  # lets the browser's events come in

    flooding.replay(ALARMS, LASTS_S, _watch, meanwhile)
    expect(page.locator("#flood")).to_contain_text("Avalanche d’alarmes")
    expect(page.locator(".counters .flood")).to_contain_text("Avalanche depuis")
    page.wait_for_function("() => !document.querySelector('#queue > [data-waiting]')", timeout=90_000)
    found = flooding.measure(page)
    (Path(PICTURES or tmp_path) / "storm.json").write_text(json.dumps(found, indent=1))
    _picture(page, "storm-gathered")
    assert found["most_rows_in_a_second"] <= 5
    assert found["assertive"] == len(_urgent())
    assert _urgent() <= set(_shown(page))
    assert found["polite"] <= 1 + (LASTS_S + 30) / 10
    assert found["groups_in_view"] > 0
    page.keyboard.press("g")
    expect(page.locator("#gather")).to_have_attribute("aria-pressed", "false")
    assert len(_shown(page)) == len(incidents.list_open(seen_by=scene.who(), limit=500))
    _picture(page, "storm-rows")


def test_group_is_opened_and_acknowledged_by_keyboard_alone(stage: Stage, sit: Sit, tmp_path: Path) -> None:
    flooding.grow(tmp_path)
    page = sit()
    live(page)
    _flood(page)
    page.wait_for_function("() => document.querySelector('#queue > .group:not([hidden])')")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=2, name=re.compile(r"^\d+ "))).to_be_visible()
    name = page.locator("#queue a[aria-current]").locator("xpath=..").get_attribute("id") or ""
    before = len(_shown(page))
    page.keyboard.press("o")
    members = (page.locator(f"#{name}").get_attribute("data-members") or "").split()
    shown = _shown(page)
    assert len(shown) == before + len(members)
    place = shown.index(name)
    assert set(shown[place + 1 : place + 1 + len(members)]) == {f"incident-{number}" for number in members}
    page.keyboard.press("o")
    assert len(_shown(page)) == before
    last = journal.last_seq()
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("par un seul geste")
    assert journal.last_seq() == last + 1
    line = journal.list_lines()[0]
    assert (line.verb, line.content["count"]) == ("acknowledge_group", len(members))
    expect(page.locator(f"#{name} .state")).to_contain_text("acquittées")


def test_groups_come_and_go_with_the_flood_and_by_choice(stage: Stage, sit: Sit, tmp_path: Path) -> None:
    flooding.grow(tmp_path)
    page = sit()
    live(page)
    scene.happen("raise", "lighting_cabinet_door_open", [f"AR-{i:03}" for i in range(9, 14)])
    expect(page.locator("#queue > .row:not([hidden])")).to_have_count(5)
    page.keyboard.press("g")
    page.mouse.move(5, 5)
    assert all(name.startswith("group-") for name in _shown(page)[:1])
    page.keyboard.press("g")
    assert len(_shown(page)) == 5
    _flood(page)
    page.wait_for_function("() => document.querySelectorAll('#queue > .group:not([hidden])').length > 0")
    alarms.watch_alarms(people.posts(), at=now() + 20 * scene.MINUTE)
    page.wait_for_function("() => !document.querySelector('#queue > .group:not([hidden])')")
    expect(page.locator("#flood")).to_be_hidden()


def test_page_in_a_flood_with_its_frames_is_a_fresh_page(stage: Stage, sit: Sit, tmp_path: Path) -> None:
    flooding.grow(tmp_path)
    page = sit()
    live(page)
    flooding.replay(40, 4, _watch, lambda _place: page.wait_for_timeout(1))
    for incident in incidents.list_open(seen_by=scene.who())[:8]:
        page.request.post(
            f"{stage.url}/incidents/{incident.reference}/acknowledge",
            form={"csrfmiddlewaretoken": page.locator("#act input").input_value()},
            headers={"Origin": stage.url},
        )
    seq = str(journal.last_seq())
    page.wait_for_function(f"() => Number(document.body.dataset.since) >= {seq}")
    page.wait_for_function("() => !document.querySelector('#queue > [data-waiting]')", timeout=60_000)
    old, fresh = page, sit()
    page.wait_for_timeout(300)
    parts = "[...document.querySelectorAll('#queue > .row:not([hidden])')].map(row => [row.id, row.dataset.order, row.textContent.replace(/< 1 min|\\d+ (min|s)/g, '')])"
    assert old.evaluate(parts) == fresh.evaluate(parts)
    assert old.locator("#flood").inner_text() == fresh.locator("#flood").inner_text()

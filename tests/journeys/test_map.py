"""The map that stays open shows what a map just opened shows: each lamp, after each act, after a cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from beffroi.console import reading
from beffroi.foundation.clock import now
from beffroi.kernel.people import actions as people
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.stage import Stage
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser
CABINET, LAMPS = "ARM-1", ("L-1", "L-2")


def shows_the_truth(page: Page) -> dict[str, int]:
    """Wait until the open map shows what the store holds; return it."""
    truth = {str(asset): condition for asset, condition in sorted(reading.all_conditions().items())}
    wanted = "wanted => JSON.stringify(document.querySelector('city-map').conditions) === JSON.stringify(wanted)"
    page.wait_for_function(wanted, arg=truth, timeout=20_000)
    return truth


def open_map(page: Page) -> None:
    """Wait until the map is drawn, with the two lamps of the street."""
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    live(page)


def test_open_map_is_a_fresh_map_after_each_act_and_after_a_cut(stage: Stage, sit: Sit, tmp_path: Path) -> None:
    file = tmp_path / "relations.csv"
    file.write_text("from,kind,to\n" + "".join(f"{CABINET},feeds,{lamp}\n" for lamp in LAMPS))
    twin.import_relations(file, by=people.SYSTEM, at=now())
    scene.happen("raise", "light_point_without_supply", LAMPS[:1])
    page = sit("/?at=5.0416,47.3222", drawn=True)
    open_map(page)
    lamp = str(queries.get_asset(LAMPS[0]).id)
    assert shows_the_truth(page) == {lamp: 13}

    scene.happen("raise", "light_point_without_supply", LAMPS[1:])
    shows_the_truth(page)
    scene.happen("raise", scene.TRIPPED, [CABINET])
    assert shows_the_truth(page)[lamp] == 20

    stage.cut = True
    page.evaluate("() => window.beffroi.resync()")
    page.wait_for_function("() => document.documentElement.dataset.stream === 'frozen'", timeout=20_000)
    scene.happen("return", "light_point_without_supply", LAMPS)
    scene.silence("BAT-1")
    stage.cut = False
    old = shows_the_truth(page)
    page.reload()
    open_map(page)
    assert shows_the_truth(page) == old


def test_incident_is_told_at_the_point_clicked_or_at_the_centre_that_arrows_move(stage: Stage, sit: Sit) -> None:
    page = sit("/?at=5.0430,47.3250", drawn=True)
    open_map(page)
    here = page.locator("city-map .here")
    expect(here).to_have_text("Signaler au centre .")
    at = re.compile(r"\?at=(5\.04\d+),(47\.32\d+)$")
    centre = at.search(here.get_attribute("href") or "")
    box = page.locator("city-map canvas").first.bounding_box()
    assert centre is not None
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2 + 120, box["y"] + box["height"] / 2 + 90)
    expect(here).to_have_text("Signaler à ce point .")
    expect(page.locator("city-map .said")).to_contain_text("Point choisi sur la carte")
    chosen = at.search(here.get_attribute("href") or "")
    assert chosen is not None
    assert (float(chosen[1]) > float(centre[1]), float(chosen[2]) < float(centre[2])) == (True, True)
    page.keyboard.press(".")
    expect(page).to_have_url(re.compile(r"/incidents/new\?at="))
    expect(page.locator("#place .chosen")).to_contain_text("Lieu retenu")

    page.goto(f"{stage.url}/?at=5.0430,47.3250")
    open_map(page)
    page.locator("city-map canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("was => !document.querySelector('city-map .here').href.includes(was)", arg=centre[0])
    page.keyboard.press(".")
    expect(page).to_have_url(re.compile(r"/incidents/new\?at="))
    assert page.locator("#place input[name=lon]").get_attribute("value") != centre[1]


def test_who_may_not_open_an_incident_is_not_offered_to_tell_one(sit: Sit) -> None:
    page = sit("/?at=5.0430,47.3250", username="visiteur", drawn=True)
    open_map(page)
    expect(page.locator("city-map .here")).to_have_count(0)

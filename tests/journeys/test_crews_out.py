"""Crews on the situation's map and on their page, as they move."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import now
from beffroi.kernel.dispatch import actions
from tests.console import scene
from tests.console.streets import lay
from tests.journeys import crews
from tests.journeys.conftest import Sit
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser


def picture(page: Page, name: str) -> None:
    """Keep what is drawn when somebody wants to look at it (`BEFFROI_PICTURES`, a folder)."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_crew_moves_on_the_map_and_is_sorted_by_travel_time(sit: Sit, tmp_path: Path) -> None:
    lay(tmp_path)
    crews.set_up()
    by = scene.who("equipiere")
    page = sit("/?at=5.0412,47.3229", username="chefsalle", drawn=True)
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    live(page)
    expect(page.locator("#crews-out")).to_be_hidden()
    actions.go_on_duty(headcount=2, by=by, at=now())
    actions.report_position(5.0416, 47.3232, by=by, at=now())
    actions.go_on_duty(headcount=1, by=scene.who("cantonnier"), at=now())
    actions.report_position(5.0400, 47.3240, by=scene.who("cantonnier"), at=now())
    actions.take_break(by=scene.who("cantonnier"), at=now())
    page.locator("#crews-out summary").click()
    row = page.locator("#crew-lumiere-1")
    expect(row).to_have_attribute("data-lat", "47.323200")
    actions.report_position(5.0415, 47.3228, by=by, at=now())  # no line of the journal: told all the same
    expect(row).to_have_attribute("data-lat", "47.322800")
    incident = scene.trip("ARM-1")
    page.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    picture(page, "crews-map-1760")
    desk = sit(f"/crews?incident={incident.reference}", username="chefsalle", width=1280, height=800)
    expect(desk.locator("#crews tbody tr").first).to_contain_text("LUM 1")
    picture(desk, "crews-1280")

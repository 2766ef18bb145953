"""A street closed from its incident with the keyboard alone, seen by another screen, and opened again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from beffroi.kernel.journal.queries import list_lines
from tests.console import scene
from tests.console.streets import lay
from tests.journeys.conftest import Sit
from tests.journeys.stage import wait
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def streets(stage: object, tmp_path: Path) -> None:
    lay(tmp_path)


def picture(page: Page, name: str) -> None:
    """Keep what is drawn when somebody wants to look at it (`BEFFROI_PICTURES`, a folder)."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_street_is_closed_from_the_incident_and_opened_again_by_keys(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    other = sit(username="chefsalle")
    live(other)
    expect(other.locator("#closed-streets")).to_be_hidden()
    page = sit(f"/incidents/{incident.reference}", width=1280, height=800)
    live(page)
    coming: list[Route] = []

    def hold(route: Route) -> None:
        coming.append(route)

    page.route("**/closures?incident=*", hold)
    page.evaluate("document.addEventListener('toggle', () => sessionStorage.setItem('unfolded', '1'), true)")
    page.keyboard.press("'")
    wait(page, lambda: bool(coming))
    page.keyboard.type("mc")  # before the page has come: no key of the one that is left
    coming[0].continue_()
    expect(page.get_by_role("heading", name=f"Fermer une rue pour {incident.reference}")).to_be_visible()
    live(page)
    assert page.evaluate("sessionStorage.getItem('unfolded')") is None
    expect(page.locator("#closing-why")).to_be_focused()
    picture(page, "closing-1280")
    why = 'Fuite d’eau à l\'îlot « Réaumur », côté "été"'
    page.keyboard.type(why)  # keys of the page are letters and signs too: here they are text
    expect(page.locator("#closing-why")).to_have_value(why)
    expect(page.locator("#closing-why")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#closures")).to_contain_text(why)
    expect(other.locator("#closed-streets")).to_be_visible()
    expect(other.locator("#closed-streets summary b")).to_have_text("1")
    other.locator("#closed-streets summary").click()
    expect(other.locator("#closed-streets")).to_contain_text(incident.reference)
    picture(page, "closed-1280")
    row = page.locator("#closures li").first
    row.get_by_text("Rouvrir…").focus()
    page.keyboard.press("Enter")
    expect(row.get_by_label("Pourquoi").first).to_be_focused()
    page.keyboard.type("Réparé")
    page.keyboard.press("Enter")
    expect(page.locator("#closures")).to_contain_text("Aucune rue n’est fermée")
    expect(other.locator("#closed-streets")).to_be_hidden()
    assert [line.verb for line in list_lines() if line.room == "places"][:2] == ["reopen_street", "close_street"]


def test_street_is_found_by_name_and_by_the_map(sit: Sit) -> None:
    page = sit("/closures", drawn=True, width=1760)
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    page.keyboard.press("r")
    page.keyboard.type("forges")
    page.keyboard.press("Enter")
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Fermer rue des Forges")).to_be_visible()
    page.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    picture(page, "closing-map-1760")
    page.locator("#closing-why").fill("Marché")
    page.get_by_role("button", name="Fermer rue des Forges").click()
    expect(page.locator("#closures")).to_contain_text("Marché")
    page.goto(page.url.split("?")[0] + "?segment=CHA-1")
    page.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    box = page.locator("city-map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/closures?near=*")
    page.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    picture(page, "closed-map-1760")
    situation = sit("/?at=5.0412,47.3229", drawn=True, width=1760)
    situation.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    situation.locator("#closed-streets summary").click()
    picture(situation, "situation-closed-1760")

"""Pictures on the incident's page, by keyboard: attached, seen at once by another console, walked through, erased."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import now
from beffroi.kernel.incidents import queries
from beffroi.kernel.journal import actions as journal
from tests.console import scene
from tests.journeys.crews import PHOTO
from tests.journeys.stage import Stage

pytestmark = pytest.mark.browser
Sit = Callable[..., Page]


def listening(page: Page, heading: str) -> None:
    """Wait until a page is there and hears keys."""
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator("#stream")).to_have_text("flux en direct")


def test_pictures_are_attached_and_walked_through_by_keyboard(stage: Stage, sit: Sit) -> None:
    incident = scene.trip()
    path = f"/incidents/{incident.reference}"
    other = sit(path, username="chefsalle", width=1280, height=800)
    page = sit(path, width=1280, height=800)
    listening(page, f"Incident {incident.reference}")
    for kind in ("before", "after"):
        page.keyboard.press("+")
        expect(page.locator(f"#picture-kind-{incident.id}")).to_be_focused()
        page.locator(f"#picture-kind-{incident.id}").select_option(kind)
        page.locator(f"#picture-{incident.id}").set_input_files(PHOTO)
        page.locator(f"#picture-{incident.id}").press("Enter")
        expect(page.locator(".thumbnails img")).to_have_count(1 if kind == "before" else 2)
    expect(other.locator(".thumbnails img")).to_have_count(2)
    expect(other.locator(".inline-picture img")).to_have_count(2)
    assert other.evaluate("Promise.all([...document.images].map((image) => image.decode())).then(() => true)")
    found = Axe().run(other, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == [], found.generate_report()
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    page.keyboard.press("*")
    listening(page, "Image 2 / 2")
    page.keyboard.press("p")
    listening(page, "Image 1 / 2")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("o")
    listening(page, f"Incident {incident.reference}")
    other.goto(f"{stage.url}{path}/evidence/{queries.evidence_of(incident.id)[0].id}")
    expect(other.locator("figure img")).to_be_visible()
    expect(page.get_by_text("A ouvert une image : Avant")).to_be_visible()
    journal.erase_personal(f"case:incident-{incident.id}", reason="conservation", by=scene.who().actor, at=now())
    page.reload()
    expect(page.get_by_text("effacée").first).to_be_visible()
    expect(page.locator(".thumbnails img")).to_have_count(0)

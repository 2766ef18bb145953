"""Telling an incident, attaching to what is known, and deciding of what is proposed, with the keyboard alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import beffroi.app
from beffroi.foundation.clock import MINUTE, now
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.rules import parse_categories, parse_correlation
from beffroi.kernel.incidents.types import Incident, Told
from beffroi.kernel.people import actions as people
from beffroi.kernel.places.actions import import_addresses
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser
PROFILE = Path(beffroi.app.__file__).parent / "profile"


@pytest.fixture(autouse=True)
def streets(stage: object, tmp_path: Path) -> None:
    """The profile of incidents, and two addresses."""
    categories = parse_categories((PROFILE / "categories.yaml").read_text())
    correlation = parse_correlation((PROFILE / "correlation.yaml").read_text())
    actions.publish_profile(categories, correlation, by=people.SYSTEM, at=now())
    file = tmp_path / "addresses.csv"
    file.write_text(
        "id,number,street,commune,lon,lat\n1,12,rue de la Liberté,Dijon,5.0416,47.3221\n"
        "2,3,rue Musette,Dijon,5.0450,47.3230\n3,14,rue de la Liberté,Dijon,5.0418,47.3222\n"
    )
    import_addresses(file, by=people.SYSTEM, at=now())


def call(by: str = "chefsalle", ago: int = 0) -> Incident:
    told = Told(
        "street_dark", 5.0416, 47.3221, "12 rue de la Liberté", "Dijon", "Plus aucun lampadaire devant l’école."
    )
    return actions.open_incident(told, by=scene.who(by), at=now() - ago).incident


def picture(page: Page, name: str) -> None:
    """Keep what is drawn when somebody wants to look at it (`BEFFROI_PICTURES`, a folder)."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_call_about_what_is_known_is_attached_by_one_key(sit: Sit) -> None:
    tripped = scene.trip("ARM-1", at=now() - 6 * MINUTE)
    page = sit(width=1280, height=800)
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Nouvel incident")).to_be_visible()
    page.keyboard.type("Rue ou place")  # the list has the focus
    page.locator("#t-where").focus()
    page.keyboard.type("12 liberte")
    expect(page.locator("#place .choices button").first).to_have_text("12 rue de la Liberté, Dijon")
    picture(page, "telling-choices-1280")
    page.keyboard.press("Enter")
    expect(page.locator("#known")).to_be_focused()
    expect(page.locator("#known")).to_contain_text(tripped.reference)
    expect(page.locator("#t-where")).to_have_value("12 rue de la Liberté, Dijon")
    picture(page, "telling-known-1280")
    page.keyboard.press("r")
    expect(page.locator("#toast")).to_have_text(f"Signalement rattaché à {tripped.reference}.")
    expect(page.locator(f"#detail-{tripped.id}")).to_contain_text("Signalements")
    assert len(queries.list_incidents(seen_by=scene.who())) == 1


def test_new_incident_is_told_and_comes_on_the_other_screens(sit: Sit) -> None:
    other = sit(username="chefsalle")
    live(other)
    page = sit("/incidents/new", width=1760)
    page.locator("#t-category").select_option("fallen_tree")
    page.locator("#t-where").focus()
    page.keyboard.type("musette")
    page.keyboard.press("Enter")
    expect(page.locator("#t-description")).to_be_focused()
    page.keyboard.type("Un tilleul barre la rue.")
    picture(page, "telling-1760")
    page.get_by_role("button", name="Ouvrir l’incident").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_have_text(re.compile(r"BF-\d\d-\d{6} ouvert\."))
    (found,) = queries.list_incidents(seen_by=scene.who())
    expect(other.locator(f"#incident-{found.id}")).to_contain_text("Arbre ou branche à terre")


@pytest.mark.parametrize("width", [1280, 1760])
def test_proposal_comes_live_and_one_key_unites(sit: Sit, width: int) -> None:
    tripped = scene.trip("ARM-1", at=now() - 6 * MINUTE)
    page = sit(f"/?incident={tripped.reference}", width=width)
    other = sit(f"/incidents/{tripped.reference}", username="chefsalle", width=width)
    live(page)
    live(other)
    called = call()
    expect(page.locator(f"#incident-{called.id}")).to_be_visible()
    actions.compare_incidents(at=now())
    for screen in (page, other):
        expect(screen.locator(f"#proposals-{tripped.id}")).to_contain_text(called.reference)
    expect(page.locator(f"#incident-{called.id}")).to_contain_text("≈ 1")
    picture(page, f"proposal-{width}")
    picture(other, f"proposal-page-{width}")
    page.keyboard.press("u")
    expect(page.locator(f"#incident-{called.id}")).to_have_count(0)
    for screen in (page, other):
        expect(screen.locator(f"#detail-{tripped.id}")).to_contain_text("Doublons réunis ici")
        expect(screen.locator(f"#detail-{tripped.id}")).to_contain_text(f"venu de {called.reference}")
    page.keyboard.press("-")
    expect(page.locator(f"#split-{tripped.id} input[type=checkbox]").first).to_be_focused()
    picture(page, f"united-{width}")
    picture(other, f"united-page-{width}")
    duplicate = sit(f"/incidents/{called.reference}", width=width)
    picture(duplicate, f"duplicate-{width}")
    duplicate.keyboard.press("-")
    expect(duplicate.locator("#toast")).to_have_text(f"{called.reference} est de nouveau un incident à part.")
    expect(page.locator(f"#incident-{called.id}")).to_be_visible()


def test_search_page_opens_by_its_key_and_finds(sit: Sit) -> None:
    scene.trip("ARM-1")
    called = call()
    page = sit(width=1280, height=800)
    page.keyboard.press("!")
    expect(page.locator("#i-text")).to_be_focused()
    page.keyboard.type("lampad ecole")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=called.reference)).to_be_visible()
    picture(page, "search-1280")
    page.goto(page.url.partition("?")[0])
    page.set_viewport_size({"width": 1760, "height": 990})
    picture(page, "search-1760")

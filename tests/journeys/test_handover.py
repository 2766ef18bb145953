"""A shift is handed over by keyboard, from one browser to another; the page follows the room while it is read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions as incidents
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.test_console import live
from tests.journeys.test_rules import violations

pytestmark = pytest.mark.browser


def region(page: Page) -> str:
    """Return what the live region says, without what only a script writes."""
    return re.sub(r"\s+", " ", page.locator("#left-now").inner_text())


def fresh(page: Page) -> str:
    """Return what the same region says on a page just loaded."""
    other = page.context.new_page()
    other.goto(page.url)
    told = region(other)
    other.close()
    return told


def test_a_shift_is_handed_over_with_the_keyboard_alone(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    lucie, paul = sit("/"), sit("/", username="chefsalle")
    live(lucie)
    live(paul)
    lucie.keyboard.press("h")
    expect(lucie.get_by_role("heading", level=1)).to_contain_text("Relève")
    live(lucie)
    lucie.keyboard.press("p")
    expect(lucie.get_by_text("vous êtes en poste depuis")).to_be_visible()
    live(lucie)
    lucie.keyboard.press("l")
    lucie.keyboard.press("Tab")
    lucie.keyboard.type("Borne 12 hors service jusqu’à demain")
    lucie.get_by_role("button", name="Laisser au poste").press("Enter")
    expect(lucie.locator("#instructions")).to_contain_text("Borne 12")
    live(lucie)
    lucie.keyboard.press("m")
    lucie.keyboard.type("Nuit calme, un coffret.")
    lucie.keyboard.press("Escape")
    lucie.keyboard.press("s")
    expect(lucie.get_by_text("Lucie Marchand a signé en partant")).to_be_visible()

    paul.keyboard.press("h")
    expect(paul.get_by_text("Nuit calme, un coffret.")).to_be_visible()
    expect(paul.locator("#left-now")).to_contain_text(incident.reference)
    live(paul)
    assert violations(paul) == []
    paul.keyboard.press("s")
    expect(paul.get_by_text("Relève close : vous êtes en poste.")).to_be_visible()
    expect(paul.locator("#crew")).to_contain_text("Paul Berthier")


def test_the_page_of_a_handover_follows_the_room(sit: Sit) -> None:
    page = sit("/handover")
    live(page)
    expect(page.locator("#left-now")).to_contain_text("Rien n’est ouvert à ce poste.")
    incident = scene.trip("ARM-1")
    expect(page.locator("#left-now")).to_contain_text(incident.reference)
    incidents.take_incident(incident.id, by=scene.who("chefsalle"), at=now())
    expect(page.locator("#left-now")).to_contain_text("PB")
    page.fill("#text", "en train d’écrire")
    incidents.close_incident(incident.id, reason="false_alarm", comment="essai", by=scene.who("chefsalle"), at=now())
    expect(page.locator("#left-now")).to_contain_text("Rien n’est ouvert à ce poste.")
    expect(page.locator("#text")).to_have_value("en train d’écrire")
    expect(page.locator("#left-now")).to_contain_text("Incidents clos")
    assert region(page) == fresh(page)

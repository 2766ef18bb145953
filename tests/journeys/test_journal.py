"""The journal with the keyboard: a note corrected from its incident, a line with its proof, an erasure by two persons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import SECOND, now
from beffroi.foundation.settings import settings
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.journal import actions, queries
from tests.console import scene
from tests.journeys.conftest import Sit

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")


def picture(page: Page, name: str) -> None:
    """Keep a picture where `BEFFROI_PICTURES` says, for who looks at what was drawn."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def barriers(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    return [each["id"] for each in found.response["violations"]]


def test_a_note_is_corrected_from_its_incident_with_the_keyboard_alone(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    incidents.note_incident(incident.id, "Appelé Mme Untel au 3e étage", by=scene.who(), at=now())
    note = queries.last_seq()
    while actions.seal(now()):
        pass
    page = sit(f"/incidents/{incident.reference}", width=1280)
    expect(page.locator(f"#line-{note}")).to_contain_text("Appelé Mme Untel")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name=f"Ligne {note}")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("c")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Appelé M. Autre au 4e étage")
    page.keyboard.press("Tab")
    page.keyboard.type("erreur de nom et d’étage")
    page.keyboard.press("Enter")
    expect(page.locator(".correction")).to_contain_text("Appelé M. Autre")
    assert barriers(page) == []
    picture(page, "line-1280")
    page.goto(page.url.rpartition("/journal")[0] + f"/incidents/{incident.reference}")
    expect(page.locator(f"#line-{note} .correction")).to_contain_text("Appelé M. Autre")
    picture(page, "incident-1280")


def test_the_journal_is_searched_and_its_stillness_seen(sit: Sit) -> None:
    while actions.seal(now()):
        pass
    incident = scene.trip("ARM-1", at=now() - 60 * SECOND)
    incidents.note_incident(incident.id, "Astreinte prévenue", by=scene.who(), at=now())
    page = sit("/journal", username="chefsalle")
    expect(page.get_by_role("alert").filter(has_text="Le scellement est arrêté")).to_be_visible()
    picture(page, "journal-1760")
    page.keyboard.press("t")
    page.keyboard.type("prevenue")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("Astreinte prévenue")
    assert barriers(page) == []
    page.keyboard.press("Escape")
    picture(page, "journal-filtered-1760")


def test_an_erasure_is_asked_and_confirmed_by_two_persons(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    incidents.note_incident(incident.id, "Appelé Mme Untel", by=scene.who(), at=now())
    officer = sit("/journal", username="dpo", width=1280)
    officer.keyboard.press("e")
    expect(officer.get_by_role("heading", name="Effacements")).to_be_visible()
    officer.wait_for_load_state()
    officer.keyboard.press("d")
    expect(officer.locator("#subject")).to_be_focused()
    officer.keyboard.type(f"case:incident-{incident.id}")
    officer.keyboard.press("Tab")
    officer.keyboard.type("droit à l’effacement")
    officer.keyboard.press("Enter")
    expect(officer.locator(".asked")).to_contain_text(f"case:incident-{incident.id}")
    assert barriers(officer) == []
    picture(officer, "erasures-1280")
    second = sit("/journal/erasures", username="chefsalle")
    second.get_by_role("button", name="Confirmer l’effacement").press("Enter")
    expect(second.locator("main")).to_contain_text("Effacé : 1 ligne")
    picture(second, "erasures-1760")

"""Two people act on the same row within the same second: one does, the other is told by whom (rule 8)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import queries
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser
AT_ONCE = """([selector, at]) => { setTimeout(() => document.querySelector(selector).click(), at - Date.now()); }"""


def two(sit: Sit, incident: int) -> tuple[Page, Page]:
    """Sit two people down before the same incident."""
    pages = sit(), sit(username="chefsalle")
    for page in pages:
        live(page)
        page.locator(f"#incident-{incident} a").click()
        expect(page.locator(f"#detail-{incident}")).to_be_visible()
    return pages


def act_at_once(pages: tuple[Page, Page], selector: str) -> None:
    """Have both press the same control at the same instant."""
    at = pages[0].evaluate("() => Date.now() + 700")
    for page in pages:
        page.evaluate(AT_ONCE, [selector, at])


def told(page: Page) -> str:
    """Return what a person was told, within a second."""
    expect(page.locator("#toast")).to_have_text(re.compile(r"\S"), timeout=2_000)
    return page.locator("#toast").inner_text()


def test_of_two_who_take_one_row_at_once_one_has_it_and_the_other_is_told_by_name(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    pages = two(sit, incident.id)
    act_at_once(pages, "#detail [formaction$='/take']")
    said = [told(page) for page in pages]
    row = pages[0].locator(f"#incident-{incident.id} .state")
    expect(row).to_contain_text("en cours")
    initials = row.inner_text()
    expect(pages[1].locator(f"#incident-{incident.id} .state")).to_have_text(initials, timeout=1_000)
    won = [text for text in said if "est à vous" in text]
    lost = [text for text in said if "déjà pris en charge par" in text]
    assert (len(won), len(lost)) == (1, 1), said
    assert queries.get(incident.id, scene.who("chefsalle")).owner_name in lost[0]


def test_of_two_who_put_one_alarm_aside_at_once_the_second_is_told_by_whom(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    pages = two(sit, incident.id)
    for page in pages:
        page.keyboard.press(";")
        page.keyboard.press("d")
        page.keyboard.press("Tab")
        page.keyboard.type("Pièce commandée")
    act_at_once(pages, "#detail [formaction$='/shelve']")
    said = [told(page) for page in pages]
    (kept,) = alarms.list_shelvings(seen_by=scene.who("chefsalle"))
    lost = [text for text in said if "déjà mise de côté par" in text]
    assert (len(lost), kept.kept.by in lost[0]) == (1, True), said
    for page in pages:
        expect(page.locator("#detail")).to_contain_text("mise de côté")
        expect(page.locator("#counters")).to_contain_text("De côté, hors service 1")
    pages[0].keyboard.press("Escape")
    pages[0].locator("#queue").click()
    pages[0].keyboard.press(":")
    expect(pages[0].get_by_role("heading", name="Mises de côté et hors service")).to_be_visible()
    expect(pages[0].locator("#aside")).to_contain_text("Pièce commandée")


def test_page_of_what_is_aside_follows_what_others_do(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page, other = sit("/aside"), sit(username="chefsalle")
    live(page)
    live(other)
    expect(page.locator("#aside")).to_contain_text("Tout est en service")
    other.locator(f"#incident-{incident.id} a").click()
    expect(other.locator(f"#detail-{incident.id}")).to_be_visible()
    other.keyboard.press(";")
    other.keyboard.press("h")
    other.keyboard.press("Tab")
    other.keyboard.press("Tab")
    other.keyboard.type("Travaux de voirie")
    other.keyboard.press("Tab")
    other.keyboard.press("Enter")
    expect(page.locator("#aside")).to_contain_text("Travaux de voirie", timeout=3_000)
    other.goto(page.url)
    assert page.locator("#aside td.why").all_inner_texts() == other.locator("#aside td.why").all_inner_texts()

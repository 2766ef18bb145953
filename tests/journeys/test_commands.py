"""Commanding equipment by key alone: one that obeys, one that refuses, one that is silent; two persons; a cabinet's lights."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from beffroi.kernel.commands import queries
from tests.console import commanded, scene

pytestmark = pytest.mark.browser


@pytest.fixture
def city(stage: Any) -> None:
    commanded.set_up()


def the_id(page: Page) -> UUID:
    return UUID(page.url.rsplit("/", 1)[1].partition("?")[0])


def state(page: Page) -> Any:
    return expect(page.locator(".command-state"))


def ready(page: Page) -> None:
    """Wait until the page's script listens to keys, and its first field or its safe button has the focus."""
    expect(page.locator("html")).to_have_attribute("data-stream", "live")
    expect(page.locator("#main [autofocus]")).to_be_focused()


def prepare(page: Page, ability: str) -> None:
    """Choose what to ask, as the arrows do, and open its form."""
    page.keyboard.press("$")
    expect(page.locator(".choose select")).to_be_focused()
    page.locator(".choose select").select_option(ability)
    page.keyboard.press("Enter")
    expect(page.locator("main form.command-form")).to_be_visible()
    ready(page)


def dim(page: Page, level: str) -> UUID:
    prepare(page, "set_level")
    page.keyboard.type(level)
    page.keyboard.press("Tab")
    page.keyboard.type("essai de nuit")
    page.keyboard.press("Enter")
    expect(page.locator("#command")).to_be_visible()
    return the_id(page)


def test_light_that_obeys_is_effective_only_when_a_reading_shows_it(city: None, sit: Any) -> None:
    page = sit("/assets/L-1")
    asked = dim(page, "30")
    state(page).to_contain_text("autorisée, pas encore envoyée")
    commanded.leave()
    state(page).to_contain_text("envoyée, réponse attendue")
    commanded.answer(asked)
    state(page).to_contain_text("effet pas encore constaté")
    expect(page.locator(".command-steps")).not_to_contain_text("constatée")
    commanded.prove(asked, 30.0)
    state(page).to_contain_text("effective, constatée")
    assert (
        page.locator(".command-state").inner_text() == sit(f"/commands/{asked}").locator(".command-state").inner_text()
    )


def test_light_that_refuses_says_why_on_an_open_sheet(city: None, sit: Any) -> None:
    sheet = sit("/assets/L-1")
    expect(sheet.locator("#sheet-commands")).to_contain_text("Rien ne lui a encore été demandé.")
    asked = commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0})
    expect(sheet.locator("#sheet-commands")).to_contain_text("autorisée, pas encore envoyée")
    commanded.leave()
    commanded.answer(asked.id, accepted=False, reason="commande locale")
    expect(sheet.locator("#sheet-commands")).to_contain_text("refusée par l’équipement")
    page = sit(f"/commands/{asked.id}")
    state(page).to_contain_text("refusée par l’équipement : commande locale")


def test_silent_light_ends_as_not_confirmed(city: None, sit: Any) -> None:
    page = sit("/assets/L-2")
    dim(page, "50")
    commanded.leave()
    state(page).to_contain_text("envoyée, réponse attendue")
    commanded.let_pass(3600)
    state(page).to_contain_text("non confirmée")


def test_dangerous_command_takes_two_persons_and_the_safe_key_sends_nothing(city: None, sit: Any) -> None:
    incident = scene.trip("ARM-1")
    other = sit("/", username="chefsalle")
    page = sit(f"/incidents/{incident.reference}")
    prepare(page, "close_feeder")
    expect(page.locator("#incident")).to_have_value(incident.reference)
    page.keyboard.type("départ contrôlé sur place")
    page.keyboard.press("Enter")
    expect(page.locator(".confirm")).to_contain_text("Armoire A-1")
    expect(page.locator(".confirm")).to_contain_text("rue de la Liberté")
    expect(page.locator(".confirm .effect")).to_contain_text("remis sous tension")
    expect(page.locator("button[data-safe]")).to_be_focused()
    page.keyboard.press("Enter")  # the safe answer: back to the form, nothing asked
    expect(page.locator("#reason")).to_have_value("départ contrôlé sur place")
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()
    page.locator("#reason").press("Enter")
    ready(page)
    page.keyboard.press("y")
    state(page).to_contain_text("attend une seconde personne")
    asked = the_id(page)
    expect(other.locator("#counters")).to_contain_text("À autoriser 1")
    other.keyboard.press("(")
    expect(other.locator("#commands")).to_contain_text("ARM-1")
    expect(other.locator("html")).to_have_attribute("data-stream", "live")
    other.keyboard.press("j")
    other.keyboard.press("Enter")
    expect(other.locator("#command")).to_be_visible()
    expect(other.locator("html")).to_have_attribute("data-stream", "live")
    other.keyboard.press("v")
    expect(other.locator("#authorise button[data-safe]")).to_be_focused()
    other.keyboard.press("Enter")
    expect(other.locator("#authorise")).not_to_have_attribute("open", "")
    assert str(commanded.seen(asked).state) == "asked"
    other.keyboard.press("v")
    other.keyboard.press("y")
    state(page).to_contain_text("autorisée, pas encore envoyée")
    commanded.leave()
    commanded.prove(asked, 0.0)
    state(page).to_contain_text("effective, constatée")
    state(other).to_contain_text("effective, constatée")


def test_incident_panel_follows_its_commands(city: None, sit: Any) -> None:
    incident = scene.trip("ARM-1")
    page = sit(f"/?incident={incident.reference}")
    expect(page.locator("#detail .commands")).to_contain_text("Rien n’a été commandé pour cet incident.")
    asked = commanded.ask("set_level", "L-1", incident=incident.id, parameters={"level_pct": 100.0})
    expect(page.locator("#detail .commands")).to_contain_text("autorisée, pas encore envoyée")
    commanded.leave()
    commanded.prove(asked.id, 100.0)
    expect(page.locator("#detail .commands")).to_contain_text("effective, constatée")


def test_cabinet_s_lights_are_named_before_and_counted_after(city: None, sit: Any) -> None:
    page = sit("/assets/ARM-1")
    prepare(page, "set_level")
    page.keyboard.type("40")
    page.keyboard.press("Tab")
    page.keyboard.type("événement")
    page.keyboard.press("Enter")
    expect(page.locator(".touched")).to_contain_text("L-1")
    expect(page.locator(".touched")).to_contain_text("L-2")
    ready(page)
    page.keyboard.press("y")
    expect(page.locator("#command")).to_contain_text("0 constatées sur 2")
    first, _second = commanded.leave()
    commanded.prove(first, 40.0)
    expect(page.locator("#command")).to_contain_text("1 constatées sur 2")
    expect(page.locator("#command-rows")).to_contain_text("effective, constatée")


@pytest.mark.parametrize("width", [1280, 1760])
def test_pages_of_commands_hold_at_their_widths_and_for_who_does_not_see_them(city: None, sit: Any, width: int) -> None:
    asked = commanded.ask("open_feeder", "ARM-1", by="chefsalle")
    commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0})
    page = sit("/commands", width=width)
    for path in (
        "/commands",
        f"/commands/{asked.id}",
        "/commands/new",
        "/commands/new?of=L-2&ability=set_level",
        "/assets/ARM-1",
    ):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())

"""An alarm definition changed by two persons, by keyboard, from the card that an incident's panel opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from beffroi.kernel.alarms import queries
from tests.console import scene

pytestmark = pytest.mark.browser
Sit = Callable[..., Page]


def picture(page: Page, name: str) -> None:
    """Keep a picture where `BEFFROI_PICTURES` says, to look at what was drawn."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_definition_is_changed_by_two_persons_with_the_keyboard(sit: Sit) -> None:
    scene.trip("ARM-1")
    page = sit(username="ingenieure")
    page.keyboard.press("j")
    expect(page.locator("#detail")).to_contain_text("Fiche de la définition")
    page.keyboard.press("=")
    expect(page.locator("h1")).to_contain_text("Armoire d'éclairage disjonctée")
    page.wait_for_load_state()
    picture(page, "card")
    page.keyboard.press("m")
    expect(page.locator("h1")).to_contain_text("Modifier")
    page.locator("#f-on_delay_s").fill("dix")
    page.locator("#f-reason").fill("trop de réarmements")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#f-on_delay_s")).to_have_value("dix")
    expect(page.locator("#h-on_delay_s")).to_have_class("wrong")
    picture(page, "form")
    page.locator("#f-on_delay_s").fill("4")
    tests = page.locator("#f-tests").input_value()
    page.locator("#f-tests").fill(tests.replace("raised_s: 5", "raised_s: 4"))
    page.locator("#f-reason").press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".change")).to_contain_text("brouillon")
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page.locator(".notice")).to_contain_text("La modification est proposée")
    judge = sit(username="chefsalle", width=1280)
    judge.keyboard.press(",")
    expect(judge.locator("h1")).to_have_text("Définitions d’alarmes")
    picture(judge, "list")
    judge.get_by_role("link", name="Armoire d'éclairage disjonctée").click()
    expect(judge.locator("h1")).to_contain_text("Armoire d'éclairage disjonctée")
    judge.wait_for_load_state()
    picture(judge, "judge")
    judge.keyboard.press("v")
    judge.keyboard.press("Tab")
    judge.keyboard.press("Enter")
    expect(judge.locator(".notice")).to_contain_text("C’est en vigueur")
    picture(judge, "done")
    found = queries.version_in_force("lighting_cabinet_tripped")
    assert found is not None and (found.version, found.on_delay_s) == (2, 4.0)


def test_every_field_of_the_form_is_seen_at_1280_pixels(sit: Sit) -> None:
    page = sit("/definitions/lighting_cabinet_tripped/change", username="ingenieure", width=1280, height=800)
    for name in ("title", "cause", "consequence", "response", "quantity_1", "tests", "reason"):
        field = page.locator(f"[name={name}]")
        box = field.bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 20, name

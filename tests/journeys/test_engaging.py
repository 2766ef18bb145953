"""Engaging a crew by key alone, within the budget of four strokes; a distress seen and answered from any page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import now
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.dispatch.types import Point
from beffroi.kernel.people import actions as people
from tests.console import scene


def picture(page: Page, name: str) -> None:
    """Keep a picture where `BEFFROI_PICTURES` says, to be looked at."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def crews_on_duty() -> None:
    actions.publish_units(parse_profile((PROFILE / "units.yaml").read_text()), by=people.SYSTEM, at=now())
    for name in ("equipiere", "cantonnier", "patrouille"):
        actions.go_on_duty(headcount=2, by=scene.who(name), at=now())
    actions.report_position(5.0432, 47.3226, by=scene.who("equipiere"), at=now())


def test_crew_is_engaged_by_two_strokes_and_another_by_four_at_most(stage: Any, sit: Any) -> None:
    crews_on_duty()
    incident = scene.trip("ARM-1")
    page = sit(f"/?incident={incident.reference}")
    row = page.locator(f"#incident-{incident.id}")
    expect(page.locator("#detail summary[data-key=e]")).to_be_visible()
    page.keyboard.press("e")
    chosen = page.locator("#detail .crews input:checked")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("value", "lumiere-1")
    picture(page, "engage")
    page.keyboard.press("Enter")
    expect(row.locator(".crews-out")).to_contain_text("1 équipage")
    expect(page.locator("#detail .mission-state")).to_contain_text("proposée")
    page.keyboard.press("e")
    expect(page.locator("#detail .crews input:checked")).to_be_focused()
    first = page.locator("#detail .crews input:checked").get_attribute("value")
    page.keyboard.press("ArrowDown")
    second = page.locator("#detail .crews input:checked").get_attribute("value")
    assert first != second
    page.keyboard.press("Enter")
    expect(row.locator(".crews-out")).to_contain_text("2 équipages")
    assert {each.unit for each in queries.missions_of_incident(incident.id)} == {"lumiere-1", second}
    mission = queries.missions_of_person("equipiere")[0]
    actions.depart(mission.number, by=scene.who("equipiere"), at=now())
    expect(page.locator(f"#mission-{mission.number} .mission-state")).to_contain_text("en route")
    expect(page.locator("#detail .clocks")).to_contain_text("Maud Perrin")
    picture(page, "missions")


def test_choice_of_a_crew_is_not_moved_under_the_hand(stage: Any, sit: Any) -> None:
    crews_on_duty()
    incident = scene.trip("ARM-1")
    page = sit(f"/?incident={incident.reference}")
    expect(page.locator("#detail summary[data-key=e]")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator("#detail .crews input:checked")).to_be_focused()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#detail .crews input:checked").get_attribute("value")
    from beffroi.kernel.incidents.actions import note_incident

    note_incident(incident.id, "vu de la caméra", by=scene.who("chefsalle"), at=now())
    expect(page.locator("#detail .log")).to_contain_text("vu de la caméra")
    assert page.locator("#detail .crews input:checked").get_attribute("value") == chosen


def test_distress_is_seen_on_any_page_within_a_second_and_answered_by_one_key(stage: Any, sit: Any) -> None:
    crews_on_duty()
    page, other = sit("/handover"), sit("/", username="chefsalle")
    actions.raise_distress(position=Point(5.0415, 47.3220), by=scene.who("equipiere"), at=now())
    for each in (page, other):
        expect(each.locator("#distress .call strong").first).to_contain_text("DÉTRESSE · LUM 1", timeout=5_000)
    picture(other, "distress")
    page.keyboard.press("0")
    for each in (page, other):
        expect(each.locator("#distress")).to_contain_text("Lucie Marchand répond")
    found = Axe().run(other).response["violations"]
    assert [each["id"] for each in found] == []
    page.keyboard.press("0")
    page.keyboard.type("agent au téléphone, chute sans gravité")
    picture(page, "distress-end")
    page.keyboard.press("Enter")
    for each in (page, other):
        expect(each.locator("#distress")).to_be_hidden()
    assert queries.standing_distresses(seen_by=scene.who()) == ()

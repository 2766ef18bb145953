"""A procedure by key alone: started, proven, answered, skipped with its reason; the other console sees who did it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from beffroi.app.provision import procedure_files
from beffroi.foundation.clock import now
from beffroi.kernel.people import actions as people
from beffroi.kernel.procedures import actions
from beffroi.kernel.procedures.rules import parse_library
from tests.console import scene


def picture(page: Page, name: str) -> None:
    """Keep a picture where `BEFFROI_PICTURES` says."""
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_procedure_is_run_by_key_and_seen_on_another_console(stage: Any, sit: Any) -> None:
    actions.publish_procedures(parse_library(procedure_files()), by=people.SYSTEM, at=now())
    incident = scene.trip("ARM-1")
    other = sit(f"/incidents/{incident.reference}", username="chefsalle")
    page = sit(f"/?incident={incident.reference}")
    runner = page.locator(f"#procedures-{incident.id}")
    expect(runner.locator("button[data-key='%']")).to_be_visible()
    picture(page, "proposed")
    page.keyboard.press("%")
    here = runner.locator(".step.here")
    expect(here).to_be_visible()
    first = here.locator("strong").first.inner_text()
    expect(other.locator(f"#procedures-{incident.id} .step.here strong").first).to_have_text(first)
    picture(page, "started")
    picture(other, "page")
    expect(here.locator("details.step-skip summary")).to_be_in_viewport()
    page.keyboard.press("s")
    page.keyboard.type("Caméra hors service")
    runner.locator(".step.here details.step-skip button").click()
    expect(runner.locator(".step.skipped")).to_contain_text("Caméra hors service")
    expect(other.locator(f"#procedures-{incident.id} .step.skipped")).to_contain_text("Lucie Marchand")
    picture(page, "skipped")
    page.set_viewport_size({"width": 1280, "height": 900})
    picture(page, "narrow")
    page.goto(f"{stage.url}/procedures")
    expect(page.locator("tbody tr").first).to_be_visible()
    picture(page, "library")
    page.goto(f"{stage.url}/procedures/road_accident/print")
    picture(page, "card")
    if folder := os.environ.get("BEFFROI_PICTURES"):
        page.pdf(path=str(Path(folder) / "card.pdf"), format="A4")

"""Leading an incident by key alone: each act in few strokes, in the panel, the row and on another console at once."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.rules import parse_bodies, parse_deadlines
from beffroi.kernel.people import actions as people
from tests.console import scene


def test_crew_is_engaged_by_two_strokes_and_a_transfer_is_seen_by_the_other_room(stage: Any, sit: Any) -> None:
    actions.publish_deadlines(parse_deadlines((PROFILE / "deadlines.yaml").read_text()), by=people.SYSTEM, at=now())
    actions.publish_bodies(parse_bodies((PROFILE / "bodies.yaml").read_text()), by=people.SYSTEM, at=now())
    incident = scene.trip("ARM-1")
    other = sit("/", username="chefsalle")
    page = sit(f"/?incident={incident.reference}")
    row, theirs = page.locator(f"#incident-{incident.id}"), other.locator(f"#incident-{incident.id}")
    page.keyboard.press("p")
    expect(row.locator(".state")).to_contain_text("en cours")
    expect(page.locator("#detail button[data-key=d]")).to_contain_text("Équipe engagée")
    page.keyboard.press("d")
    expect(page.locator("#detail button[data-key=d]")).to_contain_text("Sur place")
    page.keyboard.press("w")
    page.keyboard.type("pièce attendue")
    page.keyboard.press("Tab")
    page.keyboard.type("1 h")
    page.keyboard.press("Enter")
    expect(row.locator(".state")).to_contain_text("en attente")
    expect(theirs.locator(".state")).to_contain_text("en attente")
    expect(page.locator("#detail button[data-key=w]")).to_contain_text("Reprendre")
    page.keyboard.press("w")
    expect(theirs.locator(".state")).to_contain_text("en cours")
    actions.propose_transfer(incident.id, to="traffic", reason="feu", by=scene.who(), at=now())
    expect(theirs.locator(".state")).to_contain_text("proposé à nous")
    theirs.locator("a").click()
    expect(other.locator("#detail button[data-key=y]")).to_be_visible()
    other.keyboard.press("y")
    expect(row.locator(".state")).to_contain_text("PB")


def test_hours_pauses_owner_and_print_have_their_keys(stage: Any, sit: Any) -> None:
    incident = scene.trip("ARM-1")
    actions.take_incident(incident.id, by=scene.who(), at=now())
    page = sit(f"/incidents/{incident.reference}", username="chefsalle")
    expect(page.locator("#detail button[data-key=d]")).to_be_visible()
    for key, field in (("<", "clock"), (")", "begin"), (">", "person")):
        page.keyboard.press(key)
        expect(page.locator(f"#{field}-{incident.id}")).to_be_focused()
        page.keyboard.press("Escape")
    page.keyboard.press("&")
    expect(page).to_have_url(re.compile(rf"/incidents/{incident.reference}/print$"))

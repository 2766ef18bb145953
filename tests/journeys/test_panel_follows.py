"""The panel and the page of an incident that stay open show, after each act of another, what a page just opened shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import HOUR, MINUTE, now
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.rules import parse_bodies, parse_deadlines
from beffroi.kernel.incidents.types import Told
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.types import Viewer
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.test_console import live

pytestmark = pytest.mark.browser

SAME = """async url => {
  const said = root => {
    const detail = root.querySelector("#detail")?.cloneNode(true);
    if (!detail) return `no detail: ${root.body?.textContent.trim().slice(0, 200)}`;
    for (const age of detail.querySelectorAll("time[data-age]")) age.remove();
    return detail.textContent.replace(/\\s+/g, " ").trim();
  };
  const answer = await fetch(url, { cache: "no-store" });
  const fresh = said(new DOMParser().parseFromString(await answer.text(), "text/html"));
  const shown = said(document);
  return { same: answer.ok && fresh === shown, fresh, shown };
}"""
ATTEMPTS = 60


def shows_what_a_fresh_page_shows(page: Page, act: str, before: str) -> str:
    """Wait until the open page says what a fresh one says, and that it is not what it said before; return it."""
    found: dict[str, Any] = {}
    for _ in range(ATTEMPTS):
        found = page.evaluate(SAME, page.url)
        if found["same"]:
            break
        page.wait_for_timeout(100)
    assert found["same"], f"{act}: the open page says {found['shown']!r}, a fresh one {found['fresh']!r}"
    assert found["fresh"] != before, f"{act} changed nothing that is shown"
    return str(found["fresh"])


def lives(number: int, other: int, lucie: Viewer, chief: Viewer) -> list[tuple[str, Callable[[], object]]]:
    """Return every act on an incident, in an order in which each is possible."""

    def told() -> Told:
        return Told("", 5.0415, 47.3220, place="12 rue de la Liberté", description="Toujours noir.")

    def at() -> int:
        return now()

    def split() -> object:
        first = queries.signals_of(number)[-1].id
        return actions.split_incident(number, signal_ids=[first], by=chief, at=at())

    return [
        ("acknowledge", lambda: actions.acknowledge_incident(number, by=lucie, at=at())),
        ("take", lambda: actions.take_incident(number, by=lucie, at=at())),
        ("qualify", lambda: actions.qualify_incident(number, priority=1, reason="carrefour", by=lucie, at=at())),
        ("note", lambda: actions.note_incident(number, "vu sur place", by=lucie, at=at())),
        ("mark", lambda: actions.mark_incident(number, "engaged", by=lucie, at=at())),
        (
            "correct",
            lambda: actions.correct_mark(
                number, "received", effective_at=at() - 40 * MINUTE, reason="appel", by=lucie, at=at()
            ),
        ),
        (
            "hold",
            lambda: actions.hold_incident(number, reason="pièce", until=at() + HOUR, proof="m", by=lucie, at=at()),
        ),
        ("resume", lambda: actions.resume_incident(number, by=lucie, at=at())),
        (
            "pause",
            lambda: actions.declare_pause(
                number, begin=at() - 20 * MINUTE, end=at() - 10 * MINUTE, reason="accès", proof="p", by=lucie, at=at()
            ),
        ),
        ("associate", lambda: actions.associate_desk(number, "police", by=lucie, at=at())),
        ("dissociate", lambda: actions.dissociate_desk(number, "police", reason="sans objet", by=lucie, at=at())),
        ("propose", lambda: actions.propose_transfer(number, to="traffic", reason="feu", by=lucie, at=at())),
        ("withdraw", lambda: actions.withdraw_transfer(number, reason="erreur", by=lucie, at=at())),
        ("propose again", lambda: actions.propose_transfer(number, to="traffic", reason="feu", by=lucie, at=at())),
        ("refuse", lambda: actions.refuse_transfer(number, reason="non", by=chief, at=at())),
        ("assign", lambda: actions.assign_incident(number, to="chefsalle", reason="relève", by=chief, at=at())),
        ("first signal", lambda: actions.attach_signal(number, told(), by=lucie, at=at())),
        ("second signal", lambda: actions.attach_signal(number, told(), by=chief, at=at())),
        ("split", split),
        ("merge", lambda: actions.merge_incidents(other, number, by=chief, at=at())),
        ("separate", lambda: actions.separate_incident(other, by=chief, at=at())),
        ("time", lambda: actions.pass_time(at() + 3 * HOUR)),
        ("another alarm", lambda: scene.happen("raise", "lighting_cabinet_silent", ["ARM-1"])),
        ("alarm back", lambda: scene.happen("return", "lighting_cabinet_silent", ["ARM-1"])),
        ("all back", lambda: scene.happen("return", scene.TRIPPED, ["ARM-1"])),
        ("told again", lambda: actions.attach_signal(number, told(), by=lucie, at=at())),
        ("resolve", lambda: actions.resolve_incident(number, text="réarmé", by=chief, at=at())),
        ("close", lambda: actions.close_incident(number, reason="repaired", comment="fait", by=chief, at=at())),
        ("reopen", lambda: actions.reopen_incident(number, reason="encore noir", by=chief, at=at())),
    ]


def test_open_panel_and_page_follow_each_act_of_another(stage: Any, sit: Sit) -> None:
    actions.publish_deadlines(parse_deadlines((PROFILE / "deadlines.yaml").read_text()), by=people.SYSTEM, at=now())
    actions.publish_bodies(parse_bodies((PROFILE / "bodies.yaml").read_text()), by=people.SYSTEM, at=now())
    incident, other = scene.trip("ARM-1", at=now() - HOUR), scene.trip("ARM-2")
    pages = {
        "panel": sit(f"/?incident={incident.reference}", username="chefsalle"),
        "page": sit(f"/incidents/{incident.reference}", username="chefsalle"),
    }
    said = {}
    for name, page in pages.items():
        live(page)
        said[name] = shows_what_a_fresh_page_shows(page, "opening", "")
    for act, do in lives(incident.id, other.id, scene.who(), scene.who("chefsalle")):
        do()
        said = {
            name: shows_what_a_fresh_page_shows(page, f"{act} ({name})", said[name]) for name, page in pages.items()
        }

"""What an operator does at the console, in a real browser, with the keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries
from beffroi.kernel.journal import queries as journal
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.stage import Stage

pytestmark = pytest.mark.browser


def live(page: Page) -> None:
    """Wait until the stream says that it is live."""
    expect(page.locator("html")).to_have_attribute("data-stream", "live", timeout=15_000)


def hold_clock(page: Page) -> None:
    """Stop the page's clock, which was installed: from here on it goes as far as the test lets it."""
    page.clock.pause_at(datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 5, UTC))


def ids(page: Page) -> list[str]:
    """Return the rows of the queue that are shown, in their order."""
    return page.eval_on_selector_all("#queue > li:not([hidden])", "rows => rows.map(row => row.id)")


def test_signing_in_by_keyboard_opens_the_situation(stage: Stage, sit: Sit) -> None:
    page = sit("/help")
    page.context.clear_cookies()
    page.goto(stage.url)
    page.keyboard.type("operatrice")
    page.keyboard.press("Tab")
    page.keyboard.type("beffroi-operatrice")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="File des incidents")).to_be_visible()


def test_new_incident_comes_by_itself_and_is_taken_with_the_keyboard_alone(sit: Sit) -> None:
    page = sit()
    live(page)
    expect(page.get_by_text("Aucun incident ouvert.")).to_be_visible()
    incident = scene.trip("ARM-1")
    row = page.locator(f"#incident-{incident.id}")
    expect(row).to_be_visible()
    expect(page.get_by_text("Aucun incident ouvert.")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(row.locator(".state")).to_have_text("acquitté")
    page.keyboard.press("p")
    expect(row.locator(".state")).to_have_text("en cours · LM")
    expect(page.locator("#detail dd").nth(1)).to_have_text("Lucie Marchand")
    page.keyboard.press("c")
    page.keyboard.press("F")
    page.keyboard.press("Tab")  # whether the alarm was useful: no opinion
    page.keyboard.press("Tab")
    page.keyboard.type("Essai de la borne")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_have_text(f"{incident.reference} clos.")
    expect(row).to_have_count(0)
    expect(page.locator("#detail")).to_contain_text("Fausse alarme")
    assert queries.written([incident.id])[incident.id].close_comment.text == "Essai de la borne"


def test_two_posts_see_who_has_it_within_a_second(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    one, other = sit(), sit(username="chefsalle")
    live(one)
    live(other)
    other.locator(f"#incident-{incident.id} a").click()
    expect(other.locator("#detail")).to_contain_text("personne")
    one.keyboard.press("j")
    one.keyboard.press("p")
    expect(one.locator(f"#incident-{incident.id} .state")).to_have_text("en cours · LM")
    expect(other.locator(f"#incident-{incident.id} .state")).to_have_text("en cours · LM", timeout=1000)
    expect(other.locator("#detail")).to_contain_text("Lucie Marchand", timeout=1000)


def test_panel_says_what_its_row_says_however_quick_the_keys(sit: Sit) -> None:
    incidents_by_row = [scene.trip(code) for code in ("ARM-1", "ARM-2", "ARM-3")]
    page = sit()
    live(page)
    for _ in incidents_by_row:
        page.keyboard.press("j")
        page.keyboard.press("p")
    for incident in incidents_by_row:
        expect(page.locator(f"#incident-{incident.id} .state")).to_have_text("en cours · LM")
    expect(page.locator(f"#detail-{incidents_by_row[-1].id}")).to_contain_text("Lucie Marchand")
    expect(page.locator("#detail")).not_to_contain_text("personne")


def test_old_page_with_its_frames_is_a_fresh_page(sit: Sit) -> None:
    page = sit()
    live(page)
    first, second = scene.trip("ARM-1"), scene.trip("ARM-2")
    who = scene.who()
    incidents.acknowledge_incident(first.id, by=who, at=now())
    incidents.take_incident(second.id, by=who, at=now())
    third = scene.trip("ARM-3")
    incidents.close_incident(first.id, reason="false_alarm", comment="Essai.", by=who, at=now())
    expect(page.locator(f"#incident-{third.id}")).to_be_visible()
    expect(page.locator(f"#incident-{first.id}")).to_have_count(0)
    read = "() => [document.getElementById('queue').innerHTML, document.getElementById('counters').outerHTML]"
    ages = re.compile(r'(<time class="age"[^>]*?)( title="[^"]*")?>[^<]*<')
    old = [ages.sub(r"\1><", text) for text in page.evaluate(read)]
    page.reload()
    assert [ages.sub(r"\1><", text) for text in page.evaluate(read)] == old


def test_nothing_moves_under_the_hand(stage: Stage, sit: Sit) -> None:
    last = scene.trip("ARM-1")
    page = sit()
    live(page)
    page.locator(f"#incident-{last.id}").hover()
    under = "document.elementFromPoint({x}, {y}).closest('li').id"
    box = page.locator(f"#incident-{last.id}").bounding_box()
    assert box is not None
    where = {"x": box["x"] + 80, "y": box["y"] + 12}
    page.mouse.move(where["x"], where["y"])
    template = page.locator(f"#incident-{last.id}").evaluate("row => row.outerHTML")
    for number in range(900, 950):
        order = f"1-{number:020d}"
        html = template.replace(f"incident-{last.id}", f"incident-{number}").replace(
            f'data-id="{last.id}"', f'data-id="{number}"'
        )
        html = re.sub(r'data-order="[^"]*"', f'data-order="{order}"', html)
        stage.push(
            {"seq": 1, "fragments": [{"target": f"incident-{number}", "html": html, "list": "queue", "order": order}]}
        )
    expect(page.locator("[data-waiting=queue]")).to_have_text(re.compile("50 nouveaux, N pour afficher"))
    assert page.evaluate(under.format(**where)) == f"incident-{last.id}"
    assert ids(page) == [f"incident-{last.id}"]
    page.keyboard.press("n")
    expect(page.locator("#queue > li:not([hidden])")).to_have_count(51)
    assert ids(page)[-1] == f"incident-{last.id}"


def test_stream_that_is_lost_shows_within_five_seconds_and_comes_back(stage: Stage, sit: Sit) -> None:
    page = sit()
    live(page)
    stage.cut = True
    stage.push({}, "resync")  # the page asks anew, and finds the stream cut
    page.evaluate("() => window.beffroi.resync()")
    expect(page.locator("#stream")).to_have_text(re.compile(r"données figées depuis \d+ s"), timeout=9000)
    expect(page.locator("html")).to_have_attribute("data-stream", "frozen")
    incident = scene.trip("ARM-2")
    stage.cut = False
    expect(page.locator(f"#incident-{incident.id}")).to_be_visible(timeout=20_000)
    live(page)


def test_a_frame_older_than_an_act_does_not_take_its_row_back_in_time(stage: Stage, sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page = sit()
    live(page)
    row = page.locator(f"#incident-{incident.id}")
    before = {"target": f"incident-{incident.id}", "html": row.evaluate("row => row.outerHTML"), "list": "queue"}
    seen = journal.last_seq()
    page.keyboard.press("j")
    page.keyboard.press("p")
    expect(row.locator(".state")).to_have_text("en cours · LM")
    expect(page.locator("#toast")).to_have_text(f"{incident.reference} est à vous.")  # the act's own answer has come
    page.evaluate(
        "id => { window.seen = []; new MutationObserver(() => window.seen.push("
        "document.querySelector(`#${id} .state`).textContent)).observe("
        "document.getElementById(id), {subtree: true, childList: true, characterData: true}); }",
        f"incident-{incident.id}",
    )
    stage.push({"seq": seen, "fragments": [before]})
    other = scene.trip("ARM-2")
    expect(page.locator(f"#incident-{other.id}")).to_be_attached()
    assert not [text for text in page.evaluate("window.seen") if "LM" not in text]


def test_a_fold_that_tells_late_leaves_the_field_one_has_gone_to(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page = sit(f"/?incident={incident.reference}")
    live(page)
    active = page.evaluate(
        "number => { document.dispatchEvent(new KeyboardEvent('keydown', {key: 'c', bubbles: true}));"
        " document.getElementById(`comment-${number}`).focus();"
        " return new Promise(told => setTimeout(() => told(document.activeElement.id), 200)); }",
        incident.id,
    )
    assert active == f"comment-{incident.id}"


def test_text_being_typed_outlives_the_frames(sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page = sit(f"/?incident={incident.reference}")
    live(page)
    page.keyboard.press("m")
    page.keyboard.type("Patrouille en ")
    incidents.take_incident(incident.id, by=scene.who("chefsalle"), at=now())
    expect(page.locator("#detail dd").nth(1)).to_have_text("Paul Berthier")
    page.keyboard.type("route")
    assert page.evaluate("document.activeElement.value") == "Patrouille en route"


def test_map_and_queue_choose_together(sit: Sit) -> None:
    first, second = scene.trip("ARM-1"), scene.trip("ARM-2")
    page = sit(drawn=True, reduced_motion="reduce")
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#incident-{second.id} a")).to_have_attribute("aria-current", "true")
    expect(page.locator(f"#detail-{second.id}")).to_be_visible()
    page.wait_for_selector("city-map[data-still]", state="attached", timeout=60_000)
    spot = page.locator("city-map").bounding_box()
    assert spot is not None
    page.mouse.click(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    expect(page.locator(f"#detail-{second.id}")).to_be_visible()
    page.keyboard.press("k")
    expect(page.locator(f"#detail-{first.id}")).to_be_visible()


def test_open_sheet_follows_what_its_equipment_says(stage: Stage, sit: Sit) -> None:
    at = now()
    scene.report("ARM-1", {"voltage_v": 230.0}, at=at - scene.MINUTE)
    page = sit("/assets/ARM-1?quantity=voltage_v")
    live(page)
    expect(page.locator("#values")).to_contain_text("230\u202fV")
    scene.report("ARM-1", {"voltage_v": 197.5}, at=at)
    stage.push({"seq": 1, "fragments": [], "values": [["voltage_v", 197.5, at, at]]})
    expect(page.locator("#values")).to_contain_text("197,5\u202fV")
    expect(page.locator("history-plot canvas")).to_be_visible()


def test_shortcuts_can_be_switched_off(sit: Sit) -> None:
    scene.trip("ARM-1")
    page = sit("/preferences")
    page.get_by_label("Touches d’une seule lettre").uncheck()
    page.get_by_role("button", name="Enregistrer").click()
    page.goto(page.url.replace("/preferences", "/"))
    page.keyboard.press("j")
    expect(page.locator("#queue a[aria-current]")).to_have_count(0)
    page.locator("#queue a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail article")).to_be_visible()

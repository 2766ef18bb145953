"""One sound for each priority, never two at once; silence that ends by itself (rule 15). The browser's tones are noted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import MINUTE, now
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.types import Deadline
from beffroi.kernel.people import actions as people
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.test_console import hold_clock, live

pytestmark = pytest.mark.browser
EAR = """
  window.heard = [];
  class Parameter { setValueAtTime(value, at) { this.value = value; } linearRampToValueAtTime(value, at) { if (value) this.peak = value; } }
  class Node { connect(other) { this.to = other; return other; } }
  window.AudioContext = class {
    state = "suspended"; destination = new Node();
    get currentTime() { return Date.now() / 1000; }
    async resume() { this.state = "running"; }
    createGain() { const node = new Node(); node.gain = new Parameter(); return node; }
    createOscillator() {
      const node = new Node(); node.frequency = new Parameter();
      node.start = at => (node.from = at);
      node.stop = at => window.heard.push([node.frequency.value, node.from, at, node.to.gain.peak]);
      return node;
    }
  };
"""
HZ = {1: {880, 660}, 2: {660}, 3: {520}, 4: {392}}


def listen(sit: Sit, **options: Any) -> Page:
    """Open the situation with an ear, a clock of our own, and a first gesture that lets the page sound."""
    page = sit("/help", **options)
    page.add_init_script(EAR)
    page.clock.install()
    page.goto(re.sub(r"/help$", "/", page.url))
    live(page)
    hold_clock(page)
    page.keyboard.press("Shift")
    return page


def sounds(page: Page) -> list[set[float]]:
    """Return the heights of each sound that was heard, in order; no two of them may overlap."""
    found: list[tuple[float, set[float]]] = []
    for hz, begins, ends, _gain in sorted(page.evaluate("window.heard"), key=lambda note: float(note[1])):
        if found and begins - found[-1][0] < 0.3:
            assert begins >= found[-1][0], "two sounds at once"
            found[-1] = (ends, found[-1][1] | {hz})
        else:
            found.append((ends, {hz}))
    return [heights for _end, heights in found]


def pass_s(page: Page, seconds: int) -> None:
    """Let time pass for the page."""
    page.clock.run_for(seconds * 1000)


def arrives(page: Page, count: int) -> None:
    """Wait until the header tells of that many incidents."""
    expect(page.locator("#counters b").first).to_have_text(str(count))


def test_each_priority_has_its_sound_and_the_most_urgent_goes_first(sit: Sit) -> None:
    page = listen(sit)
    scene.trip("ARM-1")
    arrives(page, 1)
    pass_s(page, 3)
    assert sounds(page) == [HZ[2]]
    scene.trip("ARM-2")
    arrives(page, 2)
    scene.trip("ARM-3")
    arrives(page, 3)
    scene.happen("raise", "building_fire", ["BAT-1"])
    arrives(page, 4)
    pass_s(page, 5)
    assert sounds(page) == [HZ[2], HZ[2], HZ[1]], "what is less urgent than what waits is not heard"


def test_priority_1_sounds_again_until_it_is_acknowledged(sit: Sit) -> None:
    page = listen(sit)
    scene.happen("raise", "building_fire", ["BAT-1"])
    arrives(page, 1)
    pass_s(page, 25)
    assert sounds(page) == [HZ[1]] * 3
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("#queue .state")).to_have_text("acquitté")
    expect(page.locator("#counters")).to_have_attribute("data-unseen", "0 0 0 0")
    pass_s(page, 30)
    assert len(sounds(page)) == 3


def test_silence_lasts_half_an_hour_shows_and_ends_by_itself(sit: Sit) -> None:
    page = listen(sit)
    page.keyboard.press("s")
    button = page.locator("#sound")
    expect(button).to_have_text(re.compile("Silence 30 min"))
    expect(button).to_have_attribute("aria-pressed", "true")
    scene.happen("raise", "building_fire", ["BAT-1"])
    arrives(page, 1)
    pass_s(page, 60)
    assert sounds(page) == []
    page.reload()
    live(page)
    page.keyboard.press("Shift")
    expect(button).to_have_text(re.compile("Silence 29 min"))
    page.clock.fast_forward("29:00")
    pass_s(page, 11)
    expect(button).to_have_attribute("aria-pressed", "false")
    assert sounds(page)[0] == HZ[1]
    incident = scene.trip("ARM-1")
    incidents.take_incident(incident.id, by=scene.who(), at=now())
    page.keyboard.press("s")
    page.keyboard.press("s")
    expect(page.locator("#toast")).to_have_text("Le son est rétabli.")


def test_a_page_that_may_not_sound_yet_says_so(sit: Sit) -> None:
    page = sit("/help")
    page.add_init_script(EAR)
    page.goto(re.sub(r"/help$", "/", page.url))
    live(page)
    expect(page.locator("#sound")).to_have_text(re.compile("Son : cliquez"))
    page.keyboard.press("Shift")
    expect(page.locator("#sound")).to_have_text(re.compile("^Son"))
    expect(page.locator("#sound")).not_to_contain_text("cliquez")


def test_level_is_kept_and_each_sound_can_be_heard(sit: Sit) -> None:
    page = sit("/help")
    page.add_init_script(EAR)
    page.goto(re.sub(r"/help$", "/preferences", page.url))
    gains = []
    for level in ("1", "3"):
        page.get_by_label("Niveau").select_option(level)
        page.get_by_role("button", name="Écouter 3").click()
        page.wait_for_function("count => window.heard.length >= count", arg=2 * (len(gains) + 1))
        gains.append(page.evaluate("window.heard.at(-1)[3]"))
    assert gains[0] < gains[1]
    page.reload()
    expect(page.get_by_label("Niveau")).to_have_value("3")


def test_who_leads_the_room_is_told_of_escalations_and_deadlines_and_nobody_else(sit: Sit) -> None:
    incidents.publish_deadlines([Deadline("acknowledged", 120)], by=people.SYSTEM, at=now() - MINUTE)
    long_ago = now() - 10 * MINUTE
    incident = scene.trip("ARM-1", at=long_ago)
    page, other = listen(sit, username="chefsalle"), sit("/")
    live(other)
    arrives(page, 1)
    pass_s(page, 12)
    heard, said = len(sounds(page)), page.locator("#say-polite")
    incidents.pass_time(now())
    row = page.locator(f"#incident-{incident.id}")
    expect(row).to_have_attribute("data-missed", "acknowledged")
    pass_s(page, 12)
    expect(said).to_contain_text("Délai dépassé, Acquitté : Armoire d'éclairage disjonctée")
    assert sounds(page)[heard:] == [HZ[2]]
    heard = len(sounds(page))
    incidents.let_time_pass(at=now())
    expect(row).to_have_attribute("data-rung", "1")
    pass_s(page, 12)
    expect(said).to_contain_text("Personne n’a acquitté à temps : Armoire d'éclairage disjonctée")
    assert sounds(page)[heard:] == [HZ[2]]
    expect(other.locator(f"#incident-{incident.id}")).to_have_attribute("data-rung", "1")
    assert other.locator("#counters").get_attribute("data-told") is None
    assert "acquitté à temps" not in (other.locator("#say-polite").text_content() or "")


def test_away_from_the_queue_the_figure_is_told_and_priority_1_at_once(sit: Sit) -> None:
    incidents.publish_deadlines([Deadline("acknowledged", 120)], by=people.SYSTEM, at=now() - MINUTE)
    scene.happen("raise", "building_fire", ["BAT-1"], at=now() - 10 * MINUTE)
    page = sit("/handover", username="chefsalle")
    live(page)
    incidents.pass_time(now())
    expect(page.locator("#say-assertive")).to_have_text("Priorité 1 : une escalade ou un délai dépassé de plus.")

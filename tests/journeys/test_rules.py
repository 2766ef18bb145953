"""The console's rules that only a browser can try: accessibility, sizes, colours, announcements, the map's twin."""

from __future__ import annotations

import base64
import itertools
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from beffroi.foundation.clock import now
from beffroi.kernel.people.actions import set_preferences
from tests.console import scene
from tests.journeys.conftest import Sit
from tests.journeys.stage import Stage
from tests.journeys.test_console import hold_clock, live

pytestmark = pytest.mark.browser
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOUD = """async source => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  let loud = 0;
  for (let i = 0; i < data.length; i += 4) {
    const most = Math.max(data[i], data[i + 1], data[i + 2]), least = Math.min(data[i], data[i + 1], data[i + 2]);
    if (most > 0 && (most - least) / most > 0.35) loud += 1;
  }
  return loud;
}"""


def violations(page: Page) -> list[str]:
    """Return what axe finds, with the first element of each."""
    found = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
    return [f"{page.url} {each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


def furnish() -> str:
    """Put something on every page; return the reference of an incident."""
    scene.report("ARM-1", {"feeder_state": 1.0, "voltage_v": 230.0}, at=now() - scene.MINUTE)
    incident = scene.trip("ARM-1")
    scene.happen("raise", "building_fire", ["BAT-1"])
    return incident.reference


def test_every_page_is_accessible(stage: Stage, sit: Sit) -> None:
    reference = furnish()
    page = sit("/", drawn=True)
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    found = violations(page)
    page.keyboard.press("j")
    expect(page.locator("#detail article")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.keyboard.press("?")
    found += violations(page)
    page.route(
        re.compile(r"/city-map-[^/]*\.js$"), lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    for path in (f"/incidents/{reference}", "/assets", "/assets?near=ARM-1", "/assets/ARM-1?quantity=voltage_v", "/assets/V-1", "/journal", "/help", "/preferences"):  # fmt: skip
        page.goto(stage.url + path)
        found += violations(page)
    page.context.clear_cookies()
    page.goto(stage.url + "/login")
    found += violations(page)
    assert found == []


@pytest.mark.parametrize("palette", ["dusk", "day"])
def test_other_palettes_are_accessible(sit: Sit, palette: str) -> None:
    reference = furnish()
    set_preferences("operatrice", language="fr", palette=palette, single_key_shortcuts=True)
    assert violations(sit(f"/?incident={reference}")) == []


def test_technician_pages_are_accessible(sit: Sit) -> None:
    assert violations(sit("/quarantine", username="technicien")) == []


@pytest.mark.parametrize("width", [640, 880, 1280])
def test_nothing_scrolls_sideways_at_200_percent(stage: Stage, sit: Sit, width: int) -> None:
    reference = furnish()
    page = sit(f"/?incident={reference}", width=width, height=720)
    wide = []
    for path in (f"/?incident={reference}", f"/incidents/{reference}", "/assets", "/assets/ARM-1", "/journal", "/help"):
        page.goto(stage.url + path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []


@pytest.mark.parametrize("palette", ["night", "dusk", "day"])
def test_quiet_console_is_grey(sit: Sit, palette: str) -> None:
    set_preferences("operatrice", language="fr", palette=palette, single_key_shortcuts=True)
    page = sit()
    live(page)
    picture = base64.b64encode(page.screenshot()).decode()
    blank = page.context.new_page()
    assert blank.evaluate(LOUD, f"data:image/png;base64,{picture}") == 0


def test_priority_1_is_announced_at_once_and_the_rest_together(stage: Stage, sit: Sit) -> None:
    page = sit()
    live(page)
    page.evaluate(
        "() => { window.said = 0; new MutationObserver(() => window.said += 1)"
        ".observe(document.getElementById('say-polite'), {childList: true}); }"
    )
    scene.trip("ARM-1")
    scene.trip("ARM-2")
    scene.trip("ARM-3")
    scene.happen("raise", "building_fire", ["BAT-1"])
    expect(page.locator("#say-assertive")).to_contain_text("Priorité 1")
    expect(page.locator("#say-polite")).to_have_text("3 nouveaux incidents.")
    assert page.evaluate("window.said") == 1


def test_flood_enters_at_five_rows_a_second(stage: Stage, sit: Sit) -> None:
    first = scene.trip("ARM-1")
    page = sit()
    live(page)
    template = page.locator(f"#incident-{first.id}").evaluate("row => row.outerHTML")
    page.evaluate(
        "() => { window.entries = []; new MutationObserver(seen => seen.forEach(one => {"
        " if (!one.target.hidden) window.entries.push(performance.now()); }))"
        ".observe(document.getElementById('queue'), {subtree: true, attributeFilter: ['hidden']}); }"
    )
    for number in range(500, 530):
        html = template.replace(f"incident-{first.id}", f"incident-{number}")
        html = re.sub(r'data-order="[^"]*"', f'data-order="2-{number:020d}"', html)
        stage.push({"seq": 1, "fragments": [{"target": f"incident-{number}", "html": html, "list": "queue"}]})
    page.wait_for_function("() => window.entries.length >= 15", timeout=30_000)
    entries = page.evaluate("window.entries")
    assert max(sum(1 for other in entries if 0 <= other - entry < 950) for entry in entries) <= 5


def test_everything_on_the_map_is_in_a_list_with_the_same_panel(stage: Stage, sit: Sit) -> None:
    page = sit("/assets?near=ARM-1")
    links = page.locator("tbody a")
    names = links.all_inner_texts()
    assert names[0] == "Armoire A-1"
    for place in range(min(4, len(names))):
        links.nth(place).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(names[place])
        page.go_back()


def test_stale_equipment_is_hatched_with_its_age(stage: Stage, sit: Sit) -> None:
    scene.report("ARM-1", {"voltage_v": 230.0}, at=now() - 10 * scene.MINUTE)
    scene.silence("ARM-1")
    page = sit("/assets/ARM-1")
    expect(page.locator("#values tr").first).to_have_class("stale")
    expect(page.locator("#values time[data-age]")).to_have_text("10 min")
    expect(page.get_by_text("muet", exact=True)).to_be_visible()


def test_map_says_when_its_ground_is_missing_and_draws_the_rest(stage: Stage, sit: Sit) -> None:
    stage.tiles = None
    scene.trip("ARM-1")
    page = sit(drawn=True)
    expect(page.locator("city-map .said")).to_contain_text("Fond de carte indisponible.", timeout=60_000)
    page.wait_for_selector("city-map[data-ready]", state="attached", timeout=60_000)
    expect(page.get_by_role("button", name="Couches")).to_be_visible()


def test_page_works_before_its_scripts(stage: Stage, sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page = sit(java_script_enabled=False)
    page.locator(f"#incident-{incident.id} a").click()
    page.get_by_role("button", name="Prendre en charge").click()
    expect(page.locator("#detail")).to_contain_text("Lucie Marchand")
    expect(page.get_by_text(f"{incident.reference} est à vous.")).to_be_visible()


MASK = """async source => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(32, 32);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 32, 32);
  const { data } = context.getImageData(0, 0, 32, 32);
  const grey = [];
  for (let i = 0; i < data.length; i += 4) grey.push([data[i], data[i + 1], data[i + 2]]);
  return grey;
}"""


def test_four_priorities_are_four_shapes_without_colour(sit: Sit) -> None:
    page = sit("/help")
    page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    masks, areas = {}, {}
    for level in (1, 2, 3, 4):
        mark = page.locator(f"main .prio-{level}").first
        area = mark.bounding_box()
        assert area is not None
        areas[level] = area["width"] * area["height"]
        pixels = page.evaluate(MASK, "data:image/png;base64," + base64.b64encode(mark.screenshot()).decode())
        assert all(max(pixel) - min(pixel) <= 2 for pixel in pixels), "colour is left"
        ground = pixels[0][0]
        masks[level] = [abs(pixel[0] - ground) > 24 for pixel in pixels]
    alike = {
        (one, other): sum(a == b for a, b in zip(masks[one], masks[other], strict=True)) / 1024
        for one in masks
        for other in masks
        if one < other
    }
    assert max(alike.values()) < 0.88, alike
    assert areas[1] > max(areas[2], areas[3], areas[4])


def test_lost_stream_shows_within_five_seconds_in_each_region_it_feeds(stage: Stage, sit: Sit) -> None:
    incident = scene.trip("ARM-1")
    page = sit("/help")
    page.clock.install()
    page.goto(f"{stage.url}/?incident={incident.reference}")
    live(page)
    regions = {"#queue": "", "#counters": "", "#streams": "", "#detail": "", "#map": "::after"}
    hatched = (
        "regions => Object.entries(regions).filter(([name, part]) =>"
        " !getComputedStyle(document.querySelector(name), part).backgroundImage.includes('gradient')).map(([name]) => name)"
    )
    assert page.evaluate(hatched, regions) == list(regions)
    stage.cut = True
    page.evaluate("() => window.beffroi.resync()")
    page.wait_for_timeout(0)
    page.clock.run_for(5000)
    assert page.evaluate("document.documentElement.dataset.stream") == "frozen"
    assert page.evaluate(hatched, regions) == []


@pytest.mark.parametrize("width", [1280, 1760])
@pytest.mark.parametrize("path", ["/", "/journal", "/assets"])
def test_header_is_two_lines_and_labels_stand_in_one(stage: Stage, sit: Sit, width: int, path: str) -> None:
    page = sit(path, width=width, height=720)
    live(page)
    middles = page.eval_on_selector_all(
        "header.top > *",
        "all => all.map(one => one.getBoundingClientRect()).filter(box => box.height > 2)"
        ".map(box => Math.round((box.top + box.bottom) / 2))",
    )
    assert all(min(abs(each - middles[0]), abs(each - middles[-1])) <= 2 for each in middles), middles
    labels = page.eval_on_selector_all(
        ".fields label", "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    )
    rows = sorted(set(labels))
    assert all(below - above > 20 for above, below in itertools.pairwise(rows)), rows


def test_list_stays_still_for_two_seconds_after_a_key(stage: Stage, sit: Sit) -> None:
    first = scene.trip("ARM-1")
    page = sit("/help")
    page.clock.install()
    page.goto(stage.url)
    live(page)
    hold_clock(page)
    page.keyboard.press("j")
    second = scene.trip("ARM-2")
    page.wait_for_selector(f"#incident-{second.id}", state="attached")
    page.clock.run_for(1500)
    assert page.locator(f"#incident-{second.id}").is_hidden()
    assert page.locator(f"#incident-{first.id}").is_visible()
    expect(page.locator("[data-waiting=queue]")).to_have_text(re.compile("1 nouveau"))
    page.clock.run_for(1000)
    assert page.locator(f"#incident-{second.id}").is_visible()

"""The stories of the reference case on a whole post: W1, W2 and W5, in a real browser, on the simulated city.

What the city does in them comes by its own doors: equipment obeys or refuses over MQTT, crews drive and report through the
API, letters leave by a real mail server. The operator uses the keyboard and what the screen shows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Locator, expect

from beffroi.app.embedded.children import free_port
from tests.post.running import Post, eventually, running_post

pytestmark = [pytest.mark.post, pytest.mark.browser, pytest.mark.timeout(600)]
SLOWLY_MS = 300_000
"""What crews take to come and to work is the city's affair: the story waits for what the screen says."""


class Box:
    """The mail server's box."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=default)))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [letter for letter in self.letters if address in str(letter["To"])]


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Box, int]]:
    box, port = Box(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, box: tuple[Box, int]) -> Iterator[Post]:
    """A whole post that writes letters to a mail server of the test's own."""
    mail = {
        "BEFFROI_SMTP_HOST": "127.0.0.1",
        "BEFFROI_SMTP_PORT": str(box[1]),
        "BEFFROI_SMTP_SECURITY": "none",
    }
    with running_post(tmp_path_factory.mktemp("stories") / "var", extra=mail) as running:
        yield running


@pytest.fixture(scope="module")
def token(post: Post) -> str:
    return post.token()


class Desk:
    """Somebody at a desk, with a screen."""

    def __init__(self, browser: Browser, post: Post, name: str) -> None:
        self.context = browser.new_context(viewport={"width": 1760, "height": 990}, locale="fr-FR")
        self.page = self.context.new_page()
        self.post = post
        self.page.goto(f"{post.url}/login")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", f"beffroi-{name}")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{post.url}/")

    def step(self, key: str) -> Locator:
        """The step of the procedure that runs, as the incident's page shows it."""
        return self.page.locator(f'li.step[id^="step-"][id$="-{key}"]')

    def press(self, key: str, button: str) -> None:
        """Press a button of a step."""
        self.step(key).get_by_role("button", name=re.compile(button)).first.click()

    def prove(self, key: str, text: str) -> None:
        """Write a step's proof and say that it is done."""
        self.step(key).locator("textarea[name^=proof]").fill(text)
        self.press(key, "^Fait")

    def passed(self, key: str, *, slowly: bool = False) -> None:
        """Wait until the screen shows a step as done."""
        expect(self.step(key)).to_have_class(re.compile(r"\bdone\b"), timeout=SLOWLY_MS if slowly else 30_000)

    def engage(self, key: str, callsign: str) -> None:
        """Engage the first crew of a kind that the step proposes; the page is asked again until one is on duty and free."""
        buttons = self.step(key).locator(".crews button", has_text=callsign)

        def offered() -> bool:
            if not buttons.count():
                self.page.reload()
                self.page.locator("#stream", has_text="flux en direct").wait_for()
            return bool(buttons.count())

        eventually(offered, f"a crew {callsign} is free", within_s=120)
        buttons.first.click()

    def say_seen(self) -> None:
        """Say seen to every message that procedures tell this post."""
        buttons = self.page.locator("#messages button")
        expect(buttons.first).to_be_visible(timeout=30_000)
        while (left := buttons.count()) > 0:
            buttons.first.click()
            expect(buttons).not_to_have_count(left)


@pytest.fixture
def operator(browser: Browser, post: Post) -> Iterator[Desk]:
    desk = Desk(browser, post, "operatrice")
    yield desk
    desk.context.close()


@pytest.fixture
def supervisor(browser: Browser, post: Post) -> Iterator[Desk]:
    desk = Desk(browser, post, "chefsalle")
    yield desk
    desk.context.close()


def assets_of(post: Post, asset_class: str) -> list[dict[str, str]]:
    with (post.folder / "city" / "assets.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["class"] == asset_class]


@pytest.fixture(scope="module", autouse=True)
def lamp(post: Post) -> dict[str, str]:
    """A lamp that fails as the stories begin: it takes a minute to be believed."""
    found = assets_of(post, "light_point")[-1]
    post.city("fail", {"kind": "lamp_fault", "asset": found["asset"]})
    return found


def tell(desk: Desk, category: str, where: str, words: str, *, answer_to: str = "") -> str:
    """Take a call: what, where, in their words, where to answer; return the incident's reference."""
    page = desk.page
    page.goto(f"{desk.post.url}/incidents/new")
    page.select_option("#t-category", category)
    page.fill("#t-where", where)
    page.locator("#t-where").press("Enter")
    expect(page.locator("#place .chosen")).to_be_visible()
    page.fill("#t-description", words)
    if answer_to:
        page.fill("#t-answer", answer_to)
        page.check("#t-consent")
    page.click("button[value=open]")
    page.wait_for_url(re.compile(r"BF-\d\d-\d+"))
    return re.findall(r"BF-\d\d-\d+", page.url)[-1]


def lines_of(post: Post, token: str, reference: str) -> list[str]:
    number = int(reference.rsplit("-", 1)[1])
    lines = post.get(f"journal?subject=incident:{number}&limit=500", token)["items"]
    return [line["verb"] for line in lines]


def picture(desk: Desk, name: str) -> None:
    """Keep a picture of the strip where the environment asks for it: people look at them."""
    import os

    folder = os.environ.get("BEFFROI_STORIES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        desk.page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_w1_a_car_blocks_an_emergency_exit(
    operator: Desk, supervisor: Desk, post: Post, token: str, box: tuple[Box, int]
) -> None:
    building = assets_of(post, "building")[0]
    reference = tell(
        operator,
        "obstruction",
        building["asset"],
        "Une voiture devant la sortie de secours.",
        answer_to="riverain@example.org",
    )
    page = operator.page
    page.keyboard.press("p")
    page.get_by_role("button", name=re.compile("Lancer « Véhicule devant une issue")).click()
    operator.press("seen", "^Bloquée")
    picture(operator, "w1-1-blocked")
    expect(supervisor.page.locator("#messages")).to_contain_text(reference, timeout=30_000)
    picture(supervisor, "w1-2-police-told")
    supervisor.say_seen()
    operator.passed("police")
    operator.engage("crew", "PM ")
    operator.passed("crew", slowly=True)
    picture(operator, "w1-3-patrol-on-site")
    operator.press("decided", "^Enlèvement")
    operator.prove("pound", "Fourrière prévenue, promise dans 30 minutes.")
    operator.prove("taken", "Enlevée.")
    operator.prove("free", "La patrouille est repartie ; le gardien a ouvert la porte devant elle.")
    picture(operator, "w1-4-free")
    eventually(lambda: box[0].to("riverain@example.org"), "whoever called is told", within_s=60)
    verbs = lines_of(post, token, reference)
    for verb in ("open_incident", "take_incident", "start_procedure", "propose_mission", "accept_mission", "arrive"):
        assert any(verb in each for each in verbs), (verb, verbs)
    assert "the journal stands" in post.command("journal", "verify")


def test_w2_a_serious_accident_at_night(operator: Desk, supervisor: Desk, post: Post, token: str) -> None:
    junction = assets_of(post, "intersection")[0]
    reference = tell(operator, "road_accident", junction["asset"], "Deux véhicules, une personne au sol.")
    page = operator.page
    page.keyboard.press("p")
    page.get_by_role("button", name=re.compile("Lancer « Accident de la circulation")).click()
    operator.press("confirm", "^Blessés")
    operator.prove("call_15_18", "15 et 18 appelés, ambulance en route.")
    operator.press("green", "^Envoyer")
    night = operator.step("light").count() and "ahead" not in str(operator.step("light").get_attribute("class"))
    if night:
        operator.press("light", "^Envoyer")
    picture(operator, "w2-1-at-once")
    supervisor.say_seen()
    operator.engage("crew", "")
    operator.passed("police")
    operator.passed("transit")
    expect(operator.step("green")).to_have_class(re.compile(r"\b(done|failed)\b"), timeout=120_000)
    picture(operator, "w2-2-evidence")
    operator.passed("crew", slowly=True)
    operator.press("reopen", "^Rouverte")
    ticks = operator.step("restore").locator(".ticks button")
    for left in range(4, 0, -1):
        expect(ticks).to_have_count(left)
        ticks.first.click()
    operator.passed("restore")
    picture(operator, "w2-3-over")
    states = {
        command["state"]
        for command in post.get(f"commands?incident={int(reference.rsplit('-', 1)[1])}", token)["items"]
    }
    assert states <= {"effective", "failed", "expired", "reverted"}, states
    assert "effective" in states


def test_w5_a_lamp_reports_its_fault_and_the_citizen_is_told(
    operator: Desk, post: Post, token: str, box: tuple[Box, int], lamp: dict[str, str]
) -> None:
    eventually(
        lambda: [
            alarm
            for alarm in post.get(f"alarms?asset={lamp['asset']}&limit=20", token)["items"]
            if alarm["code"] == "light_point_fault"
        ],
        "the lamp says so itself",
        within_s=400,
    )
    reference = tell(
        operator,
        "light_out",
        lamp["asset"],
        "Le lampadaire devant chez moi est éteint.",
        answer_to="habitante@example.org",
    )
    page = operator.page
    picture(operator, "w5-1-told")
    page.keyboard.press("p")
    page.get_by_role("button", name=re.compile("Lancer « Point lumineux en panne")).click()
    operator.press("alone", "^Seul")
    operator.press("wake", "^Envoyer")
    expect(operator.step("wake")).to_have_class(re.compile(r"\b(done|failed)\b"), timeout=180_000)
    if "done" in str(operator.step("wake").get_attribute("class")):  # it obeys, and gives no light
        expect(operator.step("watch")).to_have_class(re.compile(r"\bopen\b"))
        operator.step("watch").locator("summary").click()
        operator.step("watch").locator("textarea").fill("Elle reste éteinte à la caméra.")
        operator.press("watch", "^Sauter")
    operator.engage("crew", "LUM ")
    picture(operator, "w5-2-crew-engaged")
    operator.passed("crew", slowly=True)
    number = reference.rsplit("-", 1)[1].lstrip("0")
    eventually(
        lambda: post.get(f"incidents/{number}", token)["state"] == "resolved",
        "the lamp says that it is well again",
        within_s=150,
    )
    expect(page.locator("#detail")).to_contain_text("résolu", timeout=30_000)
    page.keyboard.press("c")
    page.select_option(f"#reason-{number}", "repaired")
    page.fill(f"#comment-{number}", "Luminaire remplacé, la lampe éclaire.")
    page.get_by_role("button", name=f"Clore {reference}").click()
    assert not post.get(f"alarms?asset={lamp['asset']}&open=true", token)["items"]
    letters = eventually(lambda: box[0].to("habitante@example.org"), "the citizen is told", within_s=90)
    assert reference in letters[0].get_content()
    picture(operator, "w5-3-resolved")

"""A crew's phone: the mission from its call to its end by touch, a new problem, distress, and all of it without network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from beffroi.console import crew_acts
from beffroi.foundation.clock import now
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Mission, MissionState
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.types import EVERYTHING
from tests.console import scene
from tests.journeys import crews
from tests.journeys.crews import PHONE, PHOTO, sent
from tests.journeys.gate import Gate
from tests.journeys.stage import Stage, wait
from tests.journeys.test_engaging import picture

pytestmark = pytest.mark.browser
Sit = Callable[..., Page]


@pytest.fixture
def phone(stage: Stage, sit: Sit) -> Callable[..., Page]:
    """Open the crew's page in somebody's hand, once its service worker is ready."""
    crews.set_up()

    def take(username: str = "equipiere", *, keeps: bool = True) -> Page:
        """`keeps`: with its service worker; without it, the test's own routes see all that the page sends."""
        page = sit("/crew/", username=username, service_workers="allow" if keeps else "block", **PHONE)
        if keeps:
            page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        return page

    return take


def mission() -> Mission:
    return queries.missions_of_person("equipiere")[0]


def told(text: str) -> bool:
    return any(
        text in str(line.personal.content) for line in journal.list_lines(limit=100, reach=EVERYTHING) if line.personal
    )


def test_crew_goes_from_the_call_to_the_end_by_touch(phone: Callable[..., Page], stage: Stage) -> None:
    crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    expect(page.locator(".hazards").first).to_contain_text("Armoire sous tension")
    expect(page.locator(".orders")).to_contain_text("Se présenter à l’accueil")
    expect(page.locator("#position")).to_contain_text("Position envoyée")
    page.get_by_role("button", name="J’y vais").tap()
    expect(page.get_by_role("button", name="✓ J’y vais")).to_be_visible()
    page.get_by_role("button", name="Sur place").tap()
    page.get_by_label("Baliser").tap()
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    page.locator("input[data-picture=after]").set_input_files(PHOTO)
    page.get_by_role("button", name="Je vais bien").tap()
    page.get_by_role("button", name="Note au poste").tap()
    page.get_by_role("textbox", name="Note au poste").fill("Disjoncteur remplacé.")
    page.get_by_role("button", name="Envoyer la note").tap()
    page.get_by_role("button", name="Fini").tap()
    page.get_by_role("textbox", name="Un mot pour le poste").fill("Rue rallumée.")
    page.get_by_role("button", name="Réparé").tap()
    expect(page.get_by_text("Aucune mission. Vous êtes disponible.")).to_be_visible()
    sent(page)
    done = mission()
    assert (done.state, done.outcome, [item.checked_at is not None for item in done.checklist]) == (
        "done", "repaired", [True, False, False],
    )  # fmt: skip
    assert [each.kind for each in incidents.evidence_of(done.incident)] == ["before", "after"]
    assert told("Disjoncteur remplacé.") and told("Rue rallumée.")


def reload_offline(page: Page) -> None:
    """Open the page anew without network: what the phone keeps is all there is."""
    page.reload()
    expect(page.locator("#top .who strong")).to_have_text("LUM 1")


def test_page_opens_and_works_without_network_and_sends_in_order_when_it_is_back(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    page.reload()  # once through the service worker, so that the shell is kept
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    page.context.set_offline(True)
    reload_offline(page)
    expect(page.get_by_text("Pas de réseau : vous voyez ce qui était connu à")).to_be_visible()
    expect(page.locator(".hazards").first).to_contain_text("Armoire sous tension")
    page.get_by_role("button", name="J’y vais").tap()
    expect(page.locator("#unsent")).to_have_text("non envoyé : 1")
    page.get_by_role("button", name="Sur place").tap()
    page.get_by_label("Baliser").tap()
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    expect(page.locator("#unsent")).to_have_text("non envoyés : 4")
    reload_offline(page)
    expect(page.locator("#unsent")).to_have_text("non envoyés : 4")
    expect(page.get_by_label("Baliser")).to_be_checked()
    expect(page.get_by_role("button", name="✓ Sur place")).to_be_visible()
    expect(page.locator(".take img")).to_have_count(1)
    assert mission().state is MissionState.PROPOSED
    page.context.set_offline(False)
    sent(page)
    done = mission()
    steps = [step for step in (done.departed_at, done.arrived_at) if step]
    assert (done.state, len(steps), steps == sorted(steps)) == (MissionState.ON_SITE, 2, True)
    assert done.checklist[0].checked_at is not None
    assert len(incidents.evidence_of(done.incident)) == 1
    verbs = [line.verb for line in reversed(journal.list_lines(limit=20))]
    assert [verb for verb in verbs if verb in ("depart_for_mission", "arrive_on_site", "check_item", "attach_evidence")] == [
        "depart_for_mission", "arrive_on_site", "check_item", "attach_evidence",
    ]  # fmt: skip


@pytest.fixture
def gate(stage: Stage) -> Iterator[Gate]:
    """The phone reaches the post through a gate."""
    gate = Gate(stage.port)
    stage.url = gate.url
    yield gate
    gate.stop()


def test_post_killed_in_the_middle_of_an_upload_keeps_each_picture_once(gate: Gate, phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    page.get_by_role("button", name="J’y vais").tap()
    sent(page)
    gate.cut_after(9_000)  # a few thousand bytes of the picture have left the phone
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    page.locator("input[data-picture=after]").set_input_files(PHOTO)
    expect(page.locator("#unsent")).to_have_text("non envoyés : 2")
    expect(page.get_by_text("Pas de réseau : vous voyez ce qui était connu à")).to_be_visible()
    assert (gate.cuts, incidents.evidence_of(mission().incident)) == (1, ())
    page.reload()  # the phone restarts meanwhile, while nobody answers at the address
    expect(page.locator("#unsent")).to_have_text("non envoyés : 2")
    gate.open()
    sent(page)
    assert [each.kind for each in incidents.evidence_of(mission().incident)] == ["before", "after"]


def test_picture_that_the_post_refuses_is_told_and_stays_until_it_is_seen(
    phone: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    crews.proposed()
    page = phone()
    monkeypatch.setattr(crew_acts, "MAX_SENT_BYTES", 100)
    for kind in ("before", "after"):
        page.locator(f"input[data-picture={kind}]").set_input_files(PHOTO)
    notices = page.locator(".told.strong")
    expect(notices).to_have_count(2)  # each picture by itself
    expect(notices.first).to_contain_text("L’image est trop grande")
    expect(notices.first).to_contain_text("Elle reste ici jusqu’à ce que vous l’ayez vu")
    sent(page)
    expect(page.locator(".take img")).to_have_count(0)  # no small one that would say that it is done
    assert incidents.evidence_of(mission().incident) == ()
    page.reload()  # a phone that restarts still has them
    expect(page.locator(".refused img")).to_have_count(2)
    assert page.locator(".refused img").first.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 500
    expect(page.get_by_role("link", name="Garder la photo").first).to_have_attribute("download", re.compile(r"\.jpg$"))
    picture(page, "crew-refused")
    page.locator("input[data-picture=before]").set_input_files({**PHOTO, "buffer": b"no picture at all"})
    expect(page.get_by_text("Cette photo ne peut pas être lue : reprenez-la.").first).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="Vu", exact=True).first.tap()
    expect(page.locator(".refused")).to_have_count(0)


def test_what_waits_leaves_with_the_page_closed_where_the_browser_wakes_the_worker(
    phone: Callable[..., Page], stage: Stage
) -> None:
    crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    context = page.context
    context.set_offline(True)
    page.get_by_role("button", name="J’y vais").tap()
    page.get_by_role("button", name="Sur place").tap()
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    expect(page.locator("#unsent")).to_have_text("non envoyés : 3")
    page.close()
    context.set_offline(False)
    other = context.new_page()
    other.goto(f"{stage.url}/preferences")
    browser = context.new_cdp_session(other)
    registrations: list[str] = []
    browser.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registrations.extend(each["registrationId"] for each in told["registrations"]),
    )
    browser.send("ServiceWorker.enable")
    wait(other, lambda: bool(registrations))
    sync = {"origin": stage.url, "registrationId": registrations[0], "tag": "beffroi-crew-queue", "lastChance": False}
    browser.send("ServiceWorker.dispatchSyncEvent", sync)
    wait(other, lambda: len(incidents.evidence_of(mission().incident)) == 1)  # woken by this, or by itself before
    assert mission().state is MissionState.ON_SITE
    page = context.new_page()
    page.goto(f"{stage.url}/crew/")
    expect(page.get_by_role("button", name="✓ Sur place")).to_be_visible()
    sent(page)
    verbs = [line.verb for line in journal.list_lines(limit=30)]
    assert [verbs.count(verb) for verb in ("depart_for_mission", "arrive_on_site", "attach_evidence")] == [1, 1, 1]


def test_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone(keeps=False)
    lost: list[str] = []

    def lose(route: Route) -> None:
        """Let it be done, and lose its answer, once for each address."""
        if route.request.url in lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.fetch()
        route.abort("connectionreset")

    page.context.route("**/crew/acts", lose)
    page.context.route("**/crew/pictures", lose)
    page.get_by_role("button", name="J’y vais").tap()
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    expect(page.locator("#unsent.waits")).to_be_visible()
    sent(page)
    assert len(lost) == 2
    verbs = [line.verb for line in journal.list_lines(limit=30)]
    assert (verbs.count("depart_for_mission"), verbs.count("attach_evidence")) == (1, 1)
    assert page.locator(".told.strong").count() == 0


def test_mission_called_back_meanwhile_is_told_with_what_to_do_and_nothing_is_lost(phone: Callable[..., Page]) -> None:
    proposed = crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="J’y vais").tap()
    page.get_by_role("button", name="Sur place").tap()
    page.locator("input[data-picture=before]").set_input_files(PHOTO)
    page.get_by_role("button", name="Fini").tap()
    page.get_by_role("textbox", name="Un mot pour le poste").fill("Capot refermé.")
    page.get_by_role("button", name="Réparé").tap()
    expect(page.locator("#unsent")).to_have_text("non envoyés : 4")
    actions.cancel_mission(proposed.number, reason="Doublon d’un autre appel", by=scene.who(), at=now())
    page.context.set_offline(False)
    sent(page)
    notice = page.locator(".told.strong").first
    expect(notice).to_contain_text("Mission annulée par")
    expect(notice).to_contain_text("Doublon d’un autre appel")
    expect(notice).to_contain_text("N’y allez pas")
    expect(page.get_by_text("Ce que vous avez écrit est gardé sur l’incident.")).to_be_visible()
    expect(page.get_by_role("button", name="Compris")).to_have_count(1)  # three acts came too late, and are told once
    page.reload()
    page.get_by_role("button", name="Compris").tap()
    expect(page.get_by_role("button", name="Compris")).to_have_count(0)
    assert mission().state is MissionState.CANCELLED
    assert len(incidents.evidence_of(proposed.incident)) == 1
    assert told("Capot refermé.")


def test_new_problem_without_network_becomes_an_incident_with_its_picture(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Signaler").tap()
    expect(page.get_by_text("Ici : 47.32190, 5.04320")).to_be_visible()
    page.locator("#problem-picture").set_input_files(PHOTO)
    page.get_by_text("Arbre ou branche à terre").tap()
    page.get_by_label("Un mot (facultatif)").fill("Branche sur la piste cyclable")
    page.get_by_role("button", name="Envoyer", exact=True).tap()
    expect(page.locator("#unsent")).to_have_text("non envoyé : 1")
    page.context.set_offline(False)
    sent(page)
    found = incidents.list_open(seen_by=scene.who("chefsalle"))
    (opened,) = [each for each in found if each.category == "fallen_tree"]
    assert (opened.channel, round(opened.lon, 4), round(opened.lat, 4)) == ("patrol", 5.0432, 47.3219)
    assert [each.kind for each in incidents.evidence_of(opened.id)] == ["before"]
    assert told("Branche sur la piste cyclable")


def test_distress_is_held_or_touched_twice_and_says_whether_the_room_has_it(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    button = page.locator("#distress-button")
    expect(button).to_be_visible()
    button.tap()
    expect(button).to_contain_text("Toucher encore pour alerter")
    assert queries.standing_distresses(seen_by=scene.who("chefsalle")) == ()
    button.tap()
    expect(page.get_by_role("heading", name="Alerte reçue par le poste")).to_be_visible()
    (standing,) = queries.standing_distresses(seen_by=scene.who("chefsalle"))
    assert (standing.unit, round(standing.lon or 0, 4), standing.raised_by) == ("lumiere-1", 5.0432, standing.raised_by)
    actions.answer_distress(standing.id, by=scene.who("chefsalle"), at=now())
    expect(page.get_by_text("a répondu à votre alerte")).to_be_visible()
    page.get_by_role("button", name="Revenir à la mission").tap()
    expect(page.locator("dialog")).to_have_count(0)


def test_distress_without_network_says_that_it_is_not_sent_offers_the_telephone_and_goes_first_when_it_can(
    phone: Callable[..., Page],
) -> None:
    crews.proposed()
    page = phone()
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="J’y vais").tap()
    box = page.locator("#distress-button").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    expect(page.get_by_role("heading", name="ALERTE NON ENVOYÉE")).to_be_visible()  # held for two seconds
    page.mouse.up()
    expect(page.get_by_role("link", name="Appeler le 112")).to_have_attribute("href", "tel:112")
    assert queries.standing_distresses(seen_by=scene.who("chefsalle")) == ()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Alerte reçue par le poste")).to_be_visible()
    sent(page)
    verbs = [line.verb for line in reversed(journal.list_lines(limit=20))]
    assert verbs.index("raise_distress") < verbs.index("depart_for_mission")


def test_distress_taken_back_before_it_is_sent_alerts_nobody(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    expect(page.locator("#distress-button")).to_be_visible()
    page.context.set_offline(True)
    page.locator("#distress-button").tap()
    page.locator("#distress-button").tap()
    page.get_by_role("button", name="Ce n’est plus la peine").tap()
    page.context.set_offline(False)
    sent(page)
    assert queries.standing_distresses(seen_by=scene.who("chefsalle")) == ()


def test_position_is_sent_on_duty_only_and_the_page_says_so(phone: Callable[..., Page]) -> None:
    page = phone()
    expect(page.locator("#position")).to_have_text("Hors service : aucune position n’est envoyée.")
    expect(page.get_by_text("Prenez le service pour recevoir des missions.")).to_be_visible()

    def seen() -> object:
        return queries.unit("lumiere-1", seen_by=scene.who("chefsalle")).position

    assert seen() is None
    duty = page.locator("#duty")
    expect(duty).to_have_attribute("aria-checked", "false")
    duty.tap()
    page.get_by_role("button", name="Je pars seul").tap()
    expect(duty).to_have_attribute("aria-checked", "true")
    expect(page.locator("#position")).to_contain_text("Position envoyée à")
    assert seen() is not None
    page.get_by_role("button", name="Pause").tap()
    expect(page.locator("#position")).to_have_text("En pause : aucune position n’est envoyée.")
    page.get_by_role("button", name="Reprendre").tap()
    expect(page.locator("#position")).to_contain_text("Position")
    page.get_by_role("button", name="Indisponible…").tap()
    picture(page, "crew-unavailable")
    page.get_by_role("button", name="Panne").tap()
    expect(page.locator("#unavailable")).to_contain_text("Indisponible : panne.")
    sent(page)
    unit = queries.unit("lumiere-1", seen_by=scene.who("chefsalle"))
    assert (str(unit.duty), unit.reason) == ("unavailable", "breakdown")
    page.get_by_role("button", name="De nouveau disponible").tap()
    expect(page.get_by_text("Aucune mission. Vous êtes disponible.")).to_be_visible()
    duty.tap()
    page.get_by_role("button", name="Quitter le service").tap()
    expect(page.locator("#position")).to_have_text("Hors service : aucune position n’est envoyée.")
    sent(page)
    assert seen() is None


def test_what_one_person_did_not_send_is_never_sent_under_another_name(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    page.context.set_offline(True)
    page.get_by_role("button", name="J’y vais").tap()
    expect(page.locator("#unsent")).to_have_text("non envoyé : 1")
    page.context.set_offline(False)
    page.evaluate("navigator.locks.request('beffroi-crew-queue', () => new Promise((done) => setTimeout(done, 200)))")
    page.context.clear_cookies()
    page.goto(page.url)
    page.get_by_label("Compte").fill("cantonnier")
    page.get_by_label("Mot de passe").fill("beffroi-cantonnier")
    before = mission().state
    page.get_by_role("button", name="Se connecter").tap()
    expect(page.locator("#top .who strong")).to_have_text("VOI 1")
    assert mission().state in (before, MissionState.EN_ROUTE)
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_have_count(0)


def test_every_target_is_large_and_the_page_has_no_fault_of_accessibility(phone: Callable[..., Page]) -> None:
    crews.proposed()
    page = phone()
    page.get_by_role("button", name="J’y vais").tap()
    page.get_by_role("button", name="Sur place").tap()
    expect(page.get_by_role("button", name="✓ Sur place")).to_be_visible()

    def check(where: str) -> None:
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, .button, summary, label.check, textarea")]
                .filter((each) => each.checkVisibility() && !each.closest("[hidden]"))
                .map((each) => [each.textContent.trim().slice(0, 30), each.getBoundingClientRect()])
                .filter(([, box]) => box.width > 1 && (box.height < 56 || box.width < 56))
                .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
        )
        assert small == [], where
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
        page.evaluate(
            "scrollTo(0, document.body.scrollHeight)"
        )  # what the bars cover is scrolled to before it is touched
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.response["violations"] == [], f"{where}: {found.generate_report()}"

    check("mission")
    for name in ("Fini", "Signaler", "Note au poste"):
        page.get_by_role("button", name=name).first.tap()
        expect(page.locator("dialog[open]")).to_be_visible()
        check(name)
        page.get_by_role("button", name="Annuler").tap()
    page.locator("#distress-button").tap()
    page.locator("#distress-button").tap()
    expect(page.get_by_role("heading", name="Alerte reçue par le poste")).to_be_visible()
    check("distress")


def test_phone_shows_ones_own_missions_and_nothing_of_the_room(phone: Callable[..., Page], stage: Stage) -> None:
    crews.proposed()
    page = phone("cantonnier")
    expect(page.locator("#top .who strong")).to_have_text("VOI 1")
    expect(page.get_by_role("heading", name="Rue dans le noir")).to_have_count(0)
    for path in ("/", "/incidents", "/journal", "/api/v1/incidents", "/assets"):
        assert page.request.get(f"{stage.url}{path}", headers={"Accept": "application/json"}).status == 403, path
    number = mission().number
    answer = page.request.get(f"{stage.url}/crew/missions/{number}/way.json")
    assert answer.status == 404

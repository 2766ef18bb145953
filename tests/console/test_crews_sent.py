"""Crews in the console: engaging one, its missions on the incident, the banner of distress; old page + frames = fresh page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from beffroi.app.provision import PROFILE
from beffroi.console import frames
from beffroi.foundation.clock import HOUR, MINUTE, now
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.dispatch.types import Point
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def crews(town: None) -> None:
    actions.publish_units(parse_profile((PROFILE / "units.yaml").read_text()), by=people.SYSTEM, at=now())
    actions.go_on_duty(headcount=2, by=scene.who("equipiere"), at=now())
    actions.go_on_duty(headcount=2, by=scene.who("cantonnier"), at=now())


def post(client: Client, path: str, **body: str) -> Any:
    return client.post(path, body, headers=JSON)


def panel(client: Client, incident: Incident) -> str:
    return client.get(f"/incidents/{incident.reference}/panel").content.decode()


def offered(client: Client, incident: Incident) -> str:
    return client.get(f"/incidents/{incident.reference}/crews").content.decode()


def banner(html: str) -> str:
    found = re.search(r'<section id="distress".*?</section>', html, re.DOTALL)
    assert found
    return found[0]


def engaged(client: Client, incident: Incident) -> int:
    answer = post(client, f"/incidents/{incident.reference}/engage", unit="lumiere-1")
    assert answer.status_code == 200, answer.content
    return queries.missions_of_incident(incident.id)[0].number


def check_frames(client: Client, act: Callable[[], object], username: str = "chefsalle") -> None:
    """Do it; the page before with the frames of it must be a page drawn anew."""
    old, since = client.get("/").content.decode(), journal.last_seq()
    act()
    page, shown = scene.rows_of(old), banner(old)
    subjects = frozenset(journal.subjects_changed(since, journal.last_seq()))
    for fragment in frames.fragments_for(subjects, scene.who(username)):
        if fragment.get("list") == "queue":
            page.pop(fragment["target"], None)
            page |= {fragment["target"]: str(fragment["html"])} if fragment["html"] else {}
        if fragment["target"] == "distress":
            shown = str(fragment["html"])
    fresh = client.get("/").content.decode()
    rows = {name: row for name, row in page.items() if name.startswith("incident-")}
    assert dict(sorted(rows.items())) == dict(sorted(scene.rows_of(fresh).items()))
    assert shown == banner(fresh)


def test_panel_offers_the_crews_on_duty_the_nearest_able_one_chosen(enter: Enter) -> None:
    incident, client = scene.trip(), enter()
    shown = offered(client, incident)
    offers = re.findall(
        r'value="([a-z][a-z0-9-]+)"( checked)?', shown[shown.index('class="crews"') :].split("</fieldset>")[0]
    )
    assert offers == [("lumiere-1", " checked"), ("voirie-1", "")]
    assert "en ligne droite ; compté depuis son point d’attache ; disponible." in shown
    assert "sans Habilitation électrique" in shown
    assert "Aucun équipage engagé." in panel(client, incident)


def test_panel_is_drawn_without_reckoning_who_is_nearest(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    def reckoned(*_args: object, **_named: object) -> None:
        raise AssertionError("the panel asked who is nearest")

    incident, client = scene.trip(), enter()
    monkeypatch.setattr(queries, "nearest", reckoned)
    shown = panel(client, incident)
    assert f'data-lazy="/incidents/{incident.reference}/crews"' in shown
    assert f'href="/crews?incident={incident.reference}"' in shown  # without a script, the page of crews engages too


def test_crew_is_engaged_from_the_page_of_crews(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")
    shown = client.get(f"/crews?incident={incident.reference}").content.decode()
    action = f'formaction="/incidents/{incident.reference}/engage" name="unit" value="lumiere-1"'
    assert action in shown
    travel = re.search(r'name="travel_lumiere-1" value="(\d+)"', shown)
    assert travel
    answer = client.post(
        f"/incidents/{incident.reference}/engage", {"unit": "lumiere-1", "travel_lumiere-1": travel[1]}
    )
    assert answer.status_code == 302
    (sent,) = queries.missions_of_incident(incident.id)
    assert (sent.unit, sent.travel_s) == ("lumiere-1", int(travel[1]))
    assert action not in client.get(f"/crews?incident={incident.reference}").content.decode()


def test_engaging_is_said_and_shown_on_the_row_and_in_the_panel(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")

    def act() -> None:
        said = post(client, f"/incidents/{incident.reference}/engage", unit="lumiere-1", instructions="Code 12").json()
        assert said["said"] == f"Éclairage 1 : mission proposée pour {incident.reference}."

    check_frames(client, act)
    assert "1 équipage" in client.get("/").content.decode()
    shown = panel(client, incident)
    assert ("LUM 1" in shown, "proposée" in shown, "Code 12" in shown) == (True, True, True)
    assert 'value="lumiere-1" disabled' in offered(client, incident)


def test_each_act_of_a_crew_changes_rows_as_frames_say(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")
    number = engaged(client, incident)
    maud = scene.who("equipiere")
    for act in (
        lambda: actions.accept_mission(number, by=maud, at=now()),
        lambda: actions.depart(number, by=maud, at=now()),
        lambda: actions.arrive(number, by=maud, at=now()),
        lambda: actions.make_safe(number, by=maud, at=now()),
        lambda: actions.finish(number, outcome="repaired", by=maud, at=now()),
    ):
        check_frames(client, act)
    assert "terminée" in panel(client, incident)
    assert "1 équipage" not in client.get("/").content.decode()


def test_silence_of_a_crew_shows_on_the_row_and_in_the_panel(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")
    engaged(client, incident)
    check_frames(client, lambda: actions.pass_time(now() + HOUR))
    assert "silencieux" in client.get("/").content.decode()
    assert "la mission n’est pas acceptée" in panel(client, incident)


def test_who_comes_second_is_told_who_engaged_the_crew_and_for_what(enter: Enter) -> None:
    first, second = scene.trip("ARM-1"), scene.trip("ARM-2")
    engaged(enter("operatrice"), first)
    answer = post(enter("chefsalle"), f"/incidents/{second.reference}/engage", unit="lumiere-1")
    assert answer.status_code == 409
    assert re.fullmatch(
        rf"Éclairage 1 a été engagé pour {first.reference} par Lucie Marchand à \d\d:\d\d:\d\d\.", answer.json()["said"]
    )


def test_word_by_radio_is_written_by_the_room(enter: Enter) -> None:
    incident, client = scene.trip(), enter()
    number = engaged(client, incident)
    for step, said in (
        ("accept", "LUM 1 : mission acceptée."),
        ("depart", "LUM 1 : mission en route."),
        ("arrive", "LUM 1 : mission sur place."),
        ("safe", "LUM 1 : mission sur place."),
    ):
        assert post(client, f"/missions/{number}/radio/{step}").json()["said"] == said
    assert post(client, f"/missions/{number}/finish", outcome="").status_code == 422
    assert post(client, f"/missions/{number}/finish", outcome="made_safe").json()["said"] == "LUM 1 : mission terminée."
    late = post(client, f"/missions/{number}/cancel", back_why="doublon")
    assert late.status_code == 409
    assert re.match(r"LUM 1 : mission terminée par Lucie Marchand à .*, avant vous\.", late.json()["said"])


def test_crew_is_called_back_with_a_reason(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")
    number = engaged(client, incident)
    assert post(client, f"/missions/{number}/cancel", back_why=" ").status_code == 422
    check_frames(client, lambda: post(client, f"/missions/{number}/cancel", back_why="doublon"))
    assert "rappelée" in panel(client, incident)


def test_distress_stands_above_every_page_until_one_answers_by_name_and_it_is_ended(enter: Enter) -> None:
    client = enter("chefsalle")
    place = Point(5.0415, 47.3220)
    check_frames(client, lambda: actions.raise_distress(position=place, by=scene.who("equipiere"), at=now()))
    (standing,) = queries.standing_distresses(seen_by=scene.who())
    for page in ("/", "/incidents", "/journal", "/preferences"):
        shown = banner(client.get(page).content.decode())
        assert ("DÉTRESSE" in shown, "LUM 1" in shown, 'data-key="0"' in shown) == (True, True, True), page
    check_frames(client, lambda: post(client, f"/distress/{standing.id}/answer"))
    assert "Paul Berthier répond" in banner(client.get("/").content.decode())
    second = post(enter("operatrice"), f"/distress/{standing.id}/answer")
    assert (second.status_code, second.json()["said"][:34]) == (409, "Paul Berthier a répondu à LUM 1 à ")
    assert post(client, f"/distress/{standing.id}/end", ended_why="").status_code == 422
    check_frames(client, lambda: post(client, f"/distress/{standing.id}/end", ended_why="agent au téléphone"))
    assert banner(client.get("/").content.decode()) == '<section id="distress"></section>'


def test_distress_is_not_for_who_may_not_hear_it(enter: Enter) -> None:
    actions.raise_distress(by=scene.who("equipiere"), at=now())
    assert banner(enter("visiteur").get("/").content.decode()) == '<section id="distress"></section>'


def test_nothing_is_offered_when_nobody_is_on_duty_nor_to_who_may_not_send(enter: Enter) -> None:
    incident = scene.trip()
    assert "Engager…" not in panel(enter("visiteur"), incident)
    for name in ("equipiere", "cantonnier"):
        actions.end_duty(by=scene.who(name), at=now() + MINUTE)
    assert "Aucun équipage n’est en service." in offered(enter("operatrice"), incident)
    assert enter("visiteur").get(f"/incidents/{incident.reference}/crews").status_code == 403


def test_hand_over_names_the_crews_that_are_out_and_nobody_by_name(enter: Enter) -> None:
    incident, client = scene.trip(), enter("chefsalle")
    engaged(client, incident)
    shown = client.get("/handover").content.decode()
    assert "Équipes dehors (2)" in " ".join(shown.split())
    part = shown[shown.index("Équipes dehors") :].split("</section>")[0]
    assert ("LUM 1" in part, "alerté" in part, incident.reference in part) == (True, True, True)
    assert "Maud Perrin" not in part

"""Pages on the real database: who enters, what they read, what is refused and how it is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from beffroi.console import frames
from beffroi.foundation.clock import now
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.types import Post
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}


def test_nobody_is_sent_to_the_door_and_back_to_their_page(town: None) -> None:
    client = Client()
    assert client.get("/journal").headers["Location"] == "/login?next=%2Fjournal"
    answer = client.post("/login", {"username": "chefsalle", "password": "beffroi-chefsalle", "next": "/journal"})
    assert answer.headers["Location"] == "/journal"


def test_sign_in_never_leads_to_another_site(town: None) -> None:
    answer = Client().post(
        "/login", {"username": "chefsalle", "password": "beffroi-chefsalle", "next": "https://example.org/"}
    )
    assert answer.headers["Location"] == "/"


def test_wrong_password_is_refused_in_french_without_saying_which(town: None) -> None:
    for name in ("operatrice", "personne"):
        answer = Client().post("/login", {"username": name, "password": "non"})
        assert (answer.status_code, "Le compte ou le mot de passe n’est pas le bon." in answer.content.decode()) == (
            401,
            True,
        )


def test_sixth_wrong_password_is_told_to_wait(town: None) -> None:
    for _ in range(5):
        Client().post("/login", {"username": "operatrice", "password": "non"})
    answer = Client().post("/login", {"username": "operatrice", "password": "beffroi-operatrice"})
    assert (answer.status_code, "attendez une demi-minute" in answer.content.decode()) == (429, True)


def test_technician_lands_on_a_page_that_is_theirs(enter: Enter) -> None:
    client = enter("technicien")
    assert client.get("/login").headers["Location"] == "/assets"
    answer = client.get("/")
    assert (answer.status_code, "Vous n’avez pas ce droit ici" in answer.content.decode()) == (403, True)


def test_act_without_the_token_of_the_page_is_refused(town: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/login")
    token = client.cookies["beffroi_csrf"].value
    signed = client.post(
        "/login", {"username": "operatrice", "password": "beffroi-operatrice", "csrfmiddlewaretoken": token}
    )
    assert signed.status_code == 302
    assert client.post(f"/incidents/{scene.trip().reference}/take").status_code == 403


def test_situation_shows_the_queue_the_figures_and_the_chosen_incident(enter: Enter) -> None:
    first, second = scene.trip("ARM-1"), scene.trip("ARM-2")
    client = enter()
    before = journal.last_seq()
    html = client.get("/", {"incident": second.reference}).content.decode()
    rows = scene.rows_of(html)
    assert list(rows) == [f"incident-{first.id}", f"incident-{second.id}"]
    assert f'id="detail-{second.id}"' in html
    assert re.search(r"Incidents <b>2</b>.*À prendre <b>2</b>.*Alarmes / 10 min <b>2</b>", html, re.DOTALL)
    assert f'data-since="{before}"' in html
    assert "Caméra Musette" in html
    assert "astreinte éclairage" in html


def test_empty_queue_says_so(enter: Enter) -> None:
    assert "Aucun incident ouvert" in enter().get("/").content.decode()


def test_visitor_sees_the_incident_and_neither_acts_nor_journal(enter: Enter) -> None:
    incident = scene.trip()
    client = enter("visiteur")
    html = client.get(f"/incidents/{incident.reference}").content.decode()
    assert "Armoire A-1" in html
    assert "Acquitter <kbd" not in html
    assert "<h3>Main courante</h3>" not in html
    assert client.post(f"/incidents/{incident.reference}/take").status_code == 403
    assert client.get("/journal").status_code == 403


def test_names_from_inventories_are_escaped(enter: Enter) -> None:
    assert "Hôtel de ville &lt;ancien&gt;" in enter().get("/assets/BAT-1").content.decode()


@pytest.mark.parametrize(
    ("act", "body", "said"),
    [
        ("acknowledge", {}, "acquitté."),
        ("take", {}, "est à vous."),
        ("note", {"text": "Patrouille envoyée."}, "Note écrite"),
        ("close", {"reason": "false_alarm", "comment": "Essai."}, "clos."),
    ],
)
def test_act_is_done_and_old_page_with_its_frames_is_a_fresh_page(
    enter: Enter, act: str, body: dict[str, str], said: str
) -> None:
    incident, _other = scene.trip("ARM-1"), scene.trip("ARM-2")
    client = enter()
    old = client.get("/").content.decode()
    since = journal.last_seq()
    answer = client.post(f"/incidents/{incident.reference}/{act}", body, headers=JSON)
    assert said in answer.json()["said"]
    page, header = scene.rows_of(old), scene.part(old, "counters")
    subjects = frozenset(journal.subjects_changed(since, journal.last_seq()))
    for fragment in frames.fragments_for(subjects, scene.who()):
        if fragment.get("list") == "queue":
            page.pop(fragment["target"], None)
            page |= {fragment["target"]: str(fragment["html"])} if fragment["html"] else {}
        if fragment["target"] == "counters":
            header = str(fragment["html"])
    fresh = client.get("/").content.decode()
    assert dict(sorted(page.items())) == dict(sorted(scene.rows_of(fresh).items()))
    assert header == scene.part(fresh, "counters")


def test_answer_to_an_act_holds_the_same_row_as_a_fresh_page(enter: Enter) -> None:
    incident = scene.trip()
    client = enter()
    fragment = client.post(f"/incidents/{incident.reference}/take", headers=JSON).json()["fragments"][0]
    assert scene.rows_of(client.get("/").content.decode()) == {fragment["target"]: fragment["html"]}


def test_who_comes_second_is_told_who_was_first(enter: Enter) -> None:
    incident = scene.trip()
    enter("operatrice").post(f"/incidents/{incident.reference}/take")
    answer = enter("chefsalle").post(f"/incidents/{incident.reference}/take", headers=JSON)
    assert (answer.status_code, answer.json()["said"]) == (
        409,
        f"{incident.reference} est déjà pris en charge par Lucie Marchand.",
    )
    assert "LM" in answer.json()["fragments"][0]["html"]


def test_closing_over_a_standing_alarm_asks_for_its_reason_in_french(enter: Enter) -> None:
    incident = scene.trip()
    client = enter()
    refused = client.post(f"/incidents/{incident.reference}/close", {"reason": "repaired"}, headers=JSON)
    assert (refused.status_code, "toujours là" in refused.json()["detail"]) == (422, True)
    assert incidents.get(incident.id, scene.who()).state == "new"
    nothing = client.post(f"/incidents/{incident.reference}/close", headers=JSON)
    assert nothing.json()["detail"] == "Choisissez le motif de clôture."


def test_act_without_script_comes_back_to_the_situation_with_its_answer(enter: Enter) -> None:
    incident = scene.trip()
    answer = enter().post(f"/incidents/{incident.reference}/acknowledge", follow=True)
    assert f"{incident.reference} acquitté." in answer.content.decode()


def test_closed_incident_can_be_read_and_reopened(enter: Enter) -> None:
    incident = scene.trip()
    client = enter()
    client.post(f"/incidents/{incident.reference}/close", {"reason": "false_alarm", "comment": "Essai."})
    html = client.get(f"/incidents/{incident.reference}").content.decode()
    assert "Fausse alarme" in html
    assert "Rouvrir" in html
    client.post(f"/incidents/{incident.reference}/reopen", {"again": "Erreur de ma part."})
    assert incidents.get(incident.id, scene.who()).state == "reopened"


def test_unknown_things_are_not_found_in_the_words_of_the_console(enter: Enter) -> None:
    client = enter()
    for path in ("/incidents/BF-26-999999", "/assets/NOPE", "/incidents/%00/panel"):
        answer = client.get(path)
        assert (answer.status_code, "Cela n’existe pas" in answer.content.decode()) == (404, True), path
    assert client.get("/assets/NOPE", headers=JSON).json()["type"] == "urn:beffroi:not-found"


def test_sheet_shows_values_with_age_and_marks_what_is_abnormal(enter: Enter) -> None:
    scene.report("ARM-1", {"feeder_state": 1.0, "voltage_v": 230.4})
    html = enter().get("/assets/ARM-1", {"quantity": "voltage_v"}).content.decode()
    assert '<span class="tag strong">disjoncté</span>' in html
    assert "230,4\u202fV" in html
    assert 'src="/plot/ARM-1?quantity=voltage_v&amp;hours=6"' in html
    assert 'data-live="/live/console?asset=ARM-1"' in html


def test_plot_gives_the_columns_of_the_period(enter: Enter) -> None:
    at = now()
    scene.report("ARM-1", {"voltage_v": 229.0}, at=at - 30 * scene.MINUTE)
    scene.report("ARM-1", {"voltage_v": 231.0}, at=at - 300 * scene.MINUTE)
    body = enter().get("/plot/ARM-1", {"quantity": "voltage_v", "hours": "1"}).json()
    assert (body["v"], body["unit"], body["label"], body["states"]) == ([229.0], "V", "Tension", None)
    wide = enter().get("/plot/ARM-1", {"quantity": "voltage_v", "hours": "6"}).json()
    assert wide["v"] == [231.0, 229.0]


def test_list_finds_by_words_and_by_distance(enter: Enter) -> None:
    client = enter()
    html = client.get("/assets", {"q": "musette"}).content.decode()
    assert ("ARM-2" in html, "ARM-1" in html) == (True, False)
    near = client.get("/assets", {"near": "ARM-1"}).content.decode()
    codes = re.findall(r"<td>([A-Z]+-\d)</td>", near)
    assert codes[:2] == ["ARM-1", "V-1"]
    incident = scene.trip("ARM-2")
    assert "V-2" in client.get("/assets", {"near": incident.reference}).content.decode()
    assert "ne s’appelle" in client.get("/assets", {"near": "rien"}).content.decode()


def test_search_finds_open_incidents_too(enter: Enter) -> None:
    incident = scene.trip("ARM-2")
    assert incident.reference in enter().get("/assets", {"q": "A-2"}).content.decode()
    assert incident.reference not in enter("technicien").get("/assets", {"q": "A-2"}).content.decode()


def test_map_is_sent_as_columns_with_conditions(enter: Enter) -> None:
    scene.trip("ARM-1")
    body = enter().get("/map/assets.json").json()
    rows = {code: place for place, code in enumerate(body["code"])}
    assert body["classes"][body["class"][rows["ARM-1"]]] == "lighting_cabinet"
    assert (body["condition"][rows["ARM-1"]], body["condition"][rows["ARM-2"]]) == (12, 0)
    assert "L-1" not in rows
    assert body["total"] == len(body["id"])


def test_light_points_come_by_cell(enter: Enter) -> None:
    client = enter()
    cells = {(x, y): client.get(f"/map/cells/14/{x}/{y}.json").json() for x in (8420, 8421) for y in (5740, 5741, 5742)}
    found = {cell: body["code"] for cell, body in cells.items() if body["code"]}
    assert found == {(8421, 5741): ["L-1", "L-2"]}
    assert set(cells[(8421, 5741)]) == {"id", "code", "class", "lon", "lat", "condition"}
    assert client.get("/map/cells/14/99999/1.json").status_code == 404


def test_journal_is_filtered_and_paged_and_says_what_is_sealed(enter: Enter) -> None:
    incident = scene.trip()
    client = enter("chefsalle")
    client.post(f"/incidents/{incident.reference}/note", {"text": "Vu par <la> patrouille"})
    html = client.get("/journal", {"subject": f"incident:{incident.id}"}).content.decode()
    assert "A noté : Vu par &lt;la&gt; patrouille" in html
    assert "A ouvert l’incident" in html
    assert "S’est connecté</td>" not in html
    assert "Aucune ligne ne répond" in client.get("/journal", {"actor": "fantôme"}).content.decode()
    assert "n’est pas une date" in client.get("/journal", {"day": "hier"}).content.decode()
    assert "en attente" in html


def test_quarantine_tells_what_went_for_want_of_room(enter: Enter) -> None:
    from django.apps import apps

    day = date(2026, 5, 28)
    row = {"source_id": 0, "rows": 2, "bytes": 2_048, "seen": 1_502, "dropped": 1_500}
    apps.get_model("twin", "QuarantineDay").objects.create(day=day, **row)
    html = " ".join(
        enter("technicien").get("/quarantine").content.decode().replace("\xa0", " ").replace("\u202f", " ").split()
    )
    assert "2 messages gardés (2,0 Kio), au plus 500 000 ou 1,9 Gio, pendant 30 jours." in html
    assert "1 500 messages ont été retirés avant leur terme, faute de place. 28 mai 2026 : 1 500" in html


def test_quarantine_shows_reason_and_every_byte(enter: Enter) -> None:
    from django.apps import apps

    from beffroi.foundation.clock import to_datetime

    apps.get_model("twin", "Quarantine").objects.create(
        stream="mqtt", sequence=7, topic="readings/lighting/ARM-1", payload=b'{"x": \xff<b>\x00', verdict="quarantined",
        received_at=to_datetime(now()), reason="JSON is malformed: byte 6",
    )  # fmt: skip
    html = enter("technicien").get("/quarantine").content.decode()
    assert "JSON is malformed: byte 6" in html
    assert "{&quot;x&quot;: \\xff&lt;b&gt;\\x00" in html
    assert enter("operatrice").get("/quarantine").status_code == 403


def test_preferences_are_kept_for_the_person(enter: Enter) -> None:
    client = enter()
    client.post("/preferences", {"language": "en", "palette": "day"})
    html = client.get("/").content.decode()
    assert '<html lang="en" data-palette="day">' in html
    assert 'data-shortcuts="off"' in html
    client.post("/preferences", {"language": "xx", "palette": "pink", "shortcuts": "on"})
    viewer = scene.who()
    assert (viewer.language, viewer.palette, viewer.single_key_shortcuts) == ("en", "day", True)


def test_post_is_chosen_in_the_preferences_and_shown_in_the_header(enter: Enter) -> None:
    people.publish_posts([Post("traffic", "PC Circulation", ("traffic",))], by=people.SYSTEM, at=now())
    client = enter()
    assert "Toute la salle" in client.get("/").content.decode()
    client.post("/preferences", {"post": "traffic"})
    assert 'title="Lucie Marchand, PC Circulation"' in client.get("/").content.decode()
    refused = client.post("/preferences", {"post": "cellar"})
    assert (refused.status_code, scene.who().post.code) == (404, "traffic")


def test_page_runs_no_script_of_its_own_and_names_no_other_host(enter: Enter) -> None:
    scene.trip()
    answer = enter().get("/")
    html = answer.content.decode()
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []
    assert re.findall(r"\son\w+=|\sstyle=|javascript:", html) == []
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//", html) == []
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"].split("script-src")[-1].split(";")[0]

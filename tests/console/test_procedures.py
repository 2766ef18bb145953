"""Procedures in the console: from the panel, step by step; the library, the card on paper; old page + frames = fresh page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.app.provision import procedure_files
from beffroi.console import frames, steps, surround
from beffroi.foundation.clock import MINUTE, now
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.rules import parse_library, parse_procedure
from tests.console import scene
from tests.kernel.incidents.photos import photo

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}
CARD = """
code: dark
version: 3
title: Armoire disjonctée
desk: lighting
purpose: Rendre la lumière sans danger.
for: {alarms: [lighting_cabinet_tripped]}
roles: [{code: operator, title: Télécontrôleur, desk: lighting, post: night}, {code: chief, title: Chef de salle, post: night}]
steps:
  - {id: look, title: Regarder la caméra, evidence: note, within_s: 60, escalate: {to: chief}}
  - {id: hit, kind: question, title: "Un mât est-il touché ?", answers: [{value: hit, label: Touché}, {value: whole, label: Intact}]}
  - {id: list, kind: checklist, title: Refermer, items: [Coffret fermé, Rue éclairée]}
  - {id: tell, kind: notification, title: Prévenir la nuit, to: [{post: night}], message: "{reference} : voir {place}", acknowledged: true}
  - {id: end, title: Écrire le compte rendu}
tests: [{name: rien, expect: [{at_s: 0, step: look, by: operator, within_s: 60}]}]
"""


@pytest.fixture(autouse=True)
def city(town: None) -> None:
    actions.publish_procedures([parse_procedure(CARD)], by=people.SYSTEM, at=now())


def post(client: Client, path: str, **body: str) -> Any:
    return client.post(path, body, headers=JSON)


def panel(client: Client, incident: Incident) -> str:
    return str(client.get(f"/incidents/{incident.reference}/panel").content.decode())


def begun() -> tuple[Incident, int]:
    incident = scene.trip()
    return incident, actions.start("dark", incident.id, by=scene.who(), at=now()).id


def test_a_proposed_procedure_is_started_by_one_key(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    shown = panel(client, incident)
    assert 'data-key="%"' in shown
    assert (
        "Lancer « Armoire disjonctée »" in shown.replace("\n", " ").replace("</button>", "")
        or "Armoire disjonctée" in shown
    )
    answer = post(client, f"/incidents/{incident.reference}/procedures/dark/start")
    assert answer.json()["said"] == "Procédure lancée."
    shown = panel(client, incident)
    assert "v3" in shown
    assert "étape 0 / 5" in shown
    assert "Regarder la caméra" in shown
    assert shown.count('data-key="Enter"') == 1


def test_a_run_is_done_from_the_panel_and_each_act_shows_who_and_when(enter: Enter) -> None:
    client = enter()
    incident, run = begun()
    base = f"/incidents/{incident.reference}/runs/{run}"
    lacking = post(client, f"{base}/look/confirm")
    assert lacking.status_code == 422
    done = post(client, f"{base}/look/confirm", **{f"proof-{run}-look": "Rien vu à la V-1."})
    assert done.json()["said"] == "Étape faite."
    shown = panel(client, incident)
    assert "Rien vu à la V-1." in shown
    assert 'data-key="1"' in shown
    assert post(client, f"{base}/hit/answer/whole").status_code == 200
    assert post(client, f"{base}/list/tick/0").status_code == 200
    assert post(client, f"{base}/list/tick/1").status_code == 200
    page = client.get("/").content.decode()
    assert "voir rue de la Liberté" in page
    (message,) = queries.messages_of(incident.id)
    seen = post(client, f"/messages/{message.id}/seen")
    assert seen.json()["fragments"][0]["target"] == "messages"
    assert "voir rue" not in seen.json()["fragments"][0]["html"]
    assert post(client, f"{base}/end/confirm").status_code == 200
    assert "terminée" in panel(client, incident)


def test_who_comes_second_is_told_by_whom_and_when(enter: Enter) -> None:
    client = enter()
    incident, run = begun()
    actions.confirm(run, "look", note="Vu.", by=scene.who("chefsalle"), at=now())
    answer = post(client, f"/incidents/{incident.reference}/runs/{run}/look/confirm", **{f"proof-{run}-look": "Vu."})
    assert answer.status_code == 409
    assert answer.json()["said"].startswith(f"{scene.who('chefsalle').display_name} l’a déjà fait à ")


def test_a_step_is_skipped_added_applied_again_and_the_run_stopped(enter: Enter) -> None:
    client = enter()
    incident, run = begun()
    base = f"/incidents/{incident.reference}/runs/{run}"
    assert post(client, f"{base}/look/skip").status_code == 422
    assert post(client, f"{base}/look/skip", **{f"skip-{run}-look": "Caméra en panne"}).status_code == 200
    assert post(client, f"{base}/add", added="Appeler l’élu", added_role="chief", added_min="5").status_code == 200
    assert post(client, f"{base}/apply", apply="look").status_code == 200
    shown = panel(client, incident)
    for text in ("Caméra en panne", "Appeler l’élu", "Étape ajoutée"):
        assert text in shown
    assert shown.count("Regarder la caméra") >= 2
    assert post(client, f"{base}/stop", stop_why="Fausse alarme").status_code == 200
    assert "arrêtée" in panel(client, incident)


def test_a_run_of_another_incident_is_not_found(enter: Enter) -> None:
    client = enter()
    _incident, run = begun()
    other = scene.trip("ARM-2")
    assert (
        post(client, f"/incidents/{other.reference}/runs/{run}/look/skip", **{f"skip-{run}-look": "x"}).status_code
        == 404
    )


def test_a_visitor_sees_no_procedure_and_starts_none(enter: Enter) -> None:
    client, incident = enter("visiteur"), scene.trip()
    assert "Armoire disjonctée »" not in panel(client, incident)
    assert client.get("/procedures").status_code == 403
    assert post(client, f"/incidents/{incident.reference}/procedures/dark/start").status_code == 403


def test_old_page_with_its_frames_is_a_fresh_page(enter: Enter) -> None:
    client = enter()
    incident, run = begun()
    viewer = scene.who()
    before = journal.last_seq()
    actions.confirm(run, "look", note="Vu.", by=viewer, at=now())
    actions.answer(run, "hit", "whole", by=viewer, at=now())
    actions.tick(run, "list", 0, by=viewer, at=now())
    actions.tick(run, "list", 1, by=viewer, at=now())
    sent = frames.fragments_for(journal.subjects_changed(before, journal.last_seq()), viewer)
    told = next(each for each in sent if each["target"] == "messages")
    assert told["html"] in client.get("/").content.decode()
    assert any(each["target"] == f"incident-{incident.id}" for each in sent), "the panel follows its row"
    assert told["html"] == steps.render_messages(viewer)


def test_a_late_step_says_so_in_the_panel_and_at_the_post_of_who_is_told(enter: Enter) -> None:
    client = enter()
    incident = scene.trip()
    actions.start("dark", incident.id, by=scene.who(), at=now() - 5 * MINUTE)
    actions.pass_time(now())
    assert "en retard depuis" in panel(client, incident)
    assert "message urgent" in client.get("/").content.decode()


def test_the_library_shows_version_tests_and_their_result(enter: Enter) -> None:
    actions.publish_procedures(parse_library(procedure_files()), by=people.SYSTEM, at=now())
    client = enter()
    page = client.get("/procedures").content.decode()
    every = queries.in_force()
    trials = sum(len(each.procedure.tests) for each in every)
    assert f"{len(every)} fiches en vigueur" in page
    assert f"{trials} essais réussis sur {trials}" in page
    for each in every:
        one = client.get(f"/procedures/{each.procedure.code}").content.decode()
        assert "✕" not in one
        assert client.get(f"/procedures/{each.procedure.code}/print").status_code == 200
    assert client.get("/procedures/nothing").status_code == 404
    assert client.get("/procedures/storm?version=9").status_code == 404


def test_a_run_goes_on_paper_with_what_is_done_and_room_for_the_rest(enter: Enter) -> None:
    client = enter()
    incident, run = begun()
    actions.confirm(run, "look", note="Rien vu.", by=scene.who(), at=now())
    paper = client.get(f"/incidents/{incident.reference}/runs/{run}/print").content.decode()
    assert "Rien vu." in paper
    assert "☐ Touché" in paper
    assert incident.reference in paper


def test_the_address_of_who_told_it_is_noted_and_never_shown(enter: Enter) -> None:
    from tests.console.scene import who

    client, incident = enter(), scene.trip()
    assert post(client, f"/incidents/{incident.reference}/address", mail="riverain@example.org").status_code == 200
    assert queries.has_address(incident.id)
    assert "riverain@" not in panel(client, incident)
    assert post(client, f"/incidents/{incident.reference}/address", mail="rien").status_code == 422
    assert who().username == "operatrice"


def test_the_key_that_says_seen_opens_no_page() -> None:
    template = Path(surround.__file__).parent / "templates" / "console" / "messages.html"
    keys = set(re.findall(r'data-key="(.)"', template.read_text()))
    assert keys == {"#"} and not keys & set(surround.KEYS.values())


def test_letters_that_wait_for_want_of_a_mail_server_are_told_to_the_supervisor_alone(enter: Enter) -> None:
    card = CARD.replace("to: [{post: night}]", "to: [{post: night}, {mail: eaux@example.org}]").replace(
        "version: 3", "version: 4"
    )
    actions.publish_procedures([parse_procedure(card)], by=people.SYSTEM, at=now())
    _incident, run = begun()
    chief, before = scene.who("chefsalle"), journal.last_seq()
    assert "letters-wait" not in steps.render_messages(chief)
    actions.confirm(run, "look", note="Vu.", by=scene.who(), at=now())
    actions.answer(run, "hit", "whole", by=scene.who(), at=now())
    for item in (0, 1):
        actions.tick(run, "list", item, by=scene.who(), at=now())
    told = steps.render_messages(chief)
    assert "1 courriel attend." in told and "BEFFROI_SMTP_HOST" in told and "eaux@example.org" not in told
    assert "letters-wait" not in steps.render_messages(scene.who())
    sent = frames.fragments_for(journal.subjects_changed(before, journal.last_seq()), chief)
    assert next(each for each in sent if each["target"] == "messages")["html"] == told
    assert told in enter("chefsalle").get("/").content.decode()


def test_a_step_shows_the_pictures_that_were_attached_for_it_and_is_done_by_them(enter: Enter) -> None:
    card = CARD.replace("evidence: note", "evidence: picture").replace("version: 3", "version: 4")
    actions.publish_procedures([parse_procedure(card)], by=people.SYSTEM, at=now())
    client = enter()
    incident, run = begun()
    shown = panel(client, incident)
    assert "Aucune image de l’étape" in shown and f'value="run-{run}/look" selected' in shown
    attach = f"/incidents/{incident.reference}/evidence"
    sent = {"picture_kind": "other", "picture_step": f"run-{run}/look"}
    answer = client.post(attach, sent | {"picture": SimpleUploadedFile("p.jpg", photo())}, headers=JSON)
    assert answer.status_code == 200, answer.content.decode()
    shown = panel(client, incident)
    assert 'aria-label="Images de l’étape"' in shown
    assert 'class="of-step" title="Armoire disjonctée : Regarder la caméra"' in shown
    assert "Écrivez ce qui a été vu" not in shown.split('id="step-')[1]
    assert post(client, f"/incidents/{incident.reference}/runs/{run}/look/confirm").json()["said"] == "Étape faite."

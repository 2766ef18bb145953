"""Leading an incident in the console: each act by its form, the refusals in words, and old page + frames = fresh page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from beffroi.app.provision import PROFILE
from beffroi.console import frames, leading
from beffroi.foundation.clock import HOUR, MINUTE, from_rfc3339, now, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.rules import parse_bodies, parse_deadlines
from beffroi.kernel.incidents.types import IncidentState
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}
S = IncidentState


@pytest.fixture(autouse=True)
def city(town: None) -> None:
    actions.publish_deadlines(parse_deadlines((PROFILE / "deadlines.yaml").read_text()), by=people.SYSTEM, at=now())
    actions.publish_bodies(parse_bodies((PROFILE / "bodies.yaml").read_text()), by=people.SYSTEM, at=now())


def post(client: Client, reference: str, act: str, **body: str) -> Any:
    return client.post(f"/incidents/{reference}/{act}", body, headers=JSON)


BEFORE: dict[str, list[tuple[str, dict[str, str]]]] = {
    "mark/engaged": [("take", {})],
    "correct": [("take", {})],
    "hold": [("take", {})],
    "resume": [("take", {}), ("hold", {"hold_why": "pièce", "minutes": "60"})],
    "dissociate": [("associate", {"desk": "police"})],
    "withdraw": [("propose", {"to": "traffic", "to_why": "feu"})],
    "accept": [("propose", {"to": "traffic", "to_why": "feu"})],
    "refuse": [("propose", {"to": "traffic", "to_why": "feu"})],
    "reopen": [("close", {"reason": "no_action", "comment": "travaux"})],
}
ACTS: list[tuple[str, dict[str, str], str]] = [
    ("qualify", {"priority": "1", "qualify_why": "école"}, "qualifié."),
    ("assign", {"person": "operatrice"}, "affecté à Lucie Marchand."),
    ("mark/engaged", {}, "c’est daté."),
    ("hold", {"hold_why": "pièce attendue", "minutes": "120", "proof": "courriel"}, "en attente."),
    ("resume", {}, "reprend."),
    ("associate", {"desk": "police"}, "salle associée."),
    ("dissociate", {"desk_off": "police", "desk_why": "sans objet"}, "salle retirée."),
    ("propose", {"to": "water", "to_why": "fuite"}, "il reste à vous"),
    ("withdraw", {"back_why": "erreur"}, "proposition retirée."),
    ("accept", {}, "transfert accepté."),
    ("refuse", {"refuse_why": "pas un feu"}, "transfert refusé."),
    ("reopen", {"again": "encore noir"}, "rouvert."),
]


@pytest.mark.parametrize(("act", "body", "said"), ACTS, ids=[act for act, _, _ in ACTS])
def test_act_is_done_and_old_page_with_its_frames_is_a_fresh_page(
    enter: Enter, act: str, body: dict[str, str], said: str
) -> None:
    incident, _other = scene.trip("ARM-1"), scene.trip("ARM-2")
    client = enter("chefsalle")
    for step, words in BEFORE.get(act, []):
        assert post(client, incident.reference, step, **words).status_code == 200
    old, since = client.get("/").content.decode(), journal.last_seq()
    answer = post(client, incident.reference, act, **body)
    assert (answer.status_code, said in answer.json()["said"]) == (200, True), answer.json()
    page, header = scene.rows_of(old), scene.part(old, "counters")
    subjects = frozenset(journal.subjects_changed(since, journal.last_seq()))
    for fragment in frames.fragments_for(subjects, scene.who("chefsalle")):
        if fragment.get("list") == "queue":
            page.pop(fragment["target"], None)
            page |= {fragment["target"]: str(fragment["html"])} if fragment["html"] else {}
        if fragment["target"] == "counters":
            header = str(fragment["html"])
    fresh = client.get("/").content.decode()
    shown = {name: row for name, row in page.items() if name.startswith("incident-")}
    assert dict(sorted(shown.items())) == dict(sorted(scene.rows_of(fresh).items()))
    assert header == scene.part(fresh, "counters")


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("qualify", {"priority": "1"}, "Écrivez pourquoi."),
    ("assign", {}, "Choisissez à qui l’affecter."),
    ("resolve", {"done": ""}, "Écrivez d’abord le texte."),
    ("mark/closed", {}, "Choisissez l’étape à dater."),
    ("correct", {"clock": "taken", "correct_at": "bientôt", "correct_why": "x"}, "Écrivez l’heure comme 22:15."),
    ("correct", {"clock": "safe", "correct_at": "00:00", "correct_why": "x"}, "Cette étape n’a pas encore d’heure."),
    ("hold", {"hold_why": "x"}, "Choisissez quand il revient"),
    ("hold", {"minutes": "60"}, "Écrivez d’abord le texte."),
    ("associate", {"desk": "water"}, "n’est pas une salle du poste"),
    ("propose", {"to": ""}, "Écrivez d’abord le texte."),
    ("propose", {"to": "lighting", "to_why": "x"}, "Il est déjà à cette salle"),
    ("close", {"reason": "no_action"}, "pourquoi vous le fermez"),
    ("close", {"reason": "not_competent", "comment": "x"}, "Proposez le transfert"),
    ("close", {"reason": "duplicate", "comment": "x"}, "Choisissez l’autre"),
]


@pytest.mark.parametrize(("act", "body", "told"), REFUSED)
def test_what_is_missing_is_told_in_french_and_nothing_changes(
    enter: Enter, act: str, body: dict[str, str], told: str
) -> None:
    incident = scene.trip()
    client = enter("chefsalle")
    post(client, incident.reference, "take")
    before = incidents.get(incident.id, scene.who())
    answer = post(client, incident.reference, act, **body)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.json()
    assert incidents.get(incident.id, scene.who()) == before


def test_who_comes_second_is_told_what_became_of_the_proposal(enter: Enter) -> None:
    incident = scene.trip()
    client = enter("chefsalle")
    post(client, incident.reference, "propose", to="traffic", to_why="feu")
    post(client, incident.reference, "refuse", refuse_why="non")
    answer = post(client, incident.reference, "accept")
    assert (answer.status_code, answer.json()["said"]) == (
        409,
        f"{incident.reference} : le transfert a déjà été refusé.",
    )


def test_desk_that_is_asked_sees_it_and_accepts_in_its_own_queue(enter: Enter) -> None:
    incident = scene.trip()
    at = now()
    people.create_person("tania", "Tania Roux", "TR", password="beffroi-tania", by=people.SYSTEM, at=at, reason="test")
    people.grant_clearance("tania", "operator", desk="traffic", by=people.SYSTEM, at=at, reason="test")
    theirs, ours = enter("tania"), enter("operatrice")
    assert incident.reference not in theirs.get("/").content.decode()
    post(ours, incident.reference, "propose", to="traffic", to_why="feu tricolore")
    html = theirs.get("/", {"view": "asked", "incident": incident.reference}).content.decode()
    assert 'data-asked="1"' in html
    assert "proposé à nous" in html
    assert "Proposé à votre salle" in html
    assert 'data-view="asked"' in html
    assert post(theirs, incident.reference, "close", reason="no_action", comment="x").status_code == 403
    assert post(theirs, incident.reference, "accept").status_code == 200
    found = incidents.get(incident.id, scene.who())
    assert (found.desk, found.owner, found.associated) == ("traffic", "tania", ("lighting",))
    assert "avec Éclairage" in re.sub(r"\s+", " ", theirs.get(f"/incidents/{incident.reference}").content.decode())


def test_body_outside_is_accepted_by_who_said_yes(enter: Enter) -> None:
    incident = scene.trip()
    client = enter()
    post(client, incident.reference, "propose", to="water", to_why="fuite au pied du mât")
    panel = client.get(f"/incidents/{incident.reference}/panel").content.decode()
    assert ("Qui a dit oui" in panel, "Astreinte réseau" in panel, "Régie des eaux" in panel) == (True, True, True)
    assert post(client, incident.reference, "accept", who="").status_code == 422
    assert post(client, incident.reference, "accept", who="Astreinte, M. Rive").status_code == 200
    found = incidents.get(incident.id, scene.who())
    assert (found.state, found.transferred_to) == (S.NOT_COMPETENT, "water")
    assert "Transféré à Régie des eaux" in client.get(f"/incidents/{incident.reference}").content.decode()


def test_missed_deadline_shows_in_the_row_the_header_and_the_page(enter: Enter) -> None:
    incident = scene.trip(at=now() - 5 * MINUTE)
    actions.pass_time(now())
    html = enter().get("/", {"incident": incident.reference}).content.decode()
    assert 'data-late="1"' in html
    assert "hors délai" in html
    assert re.search(r"Hors délai <b>1</b>", html)
    assert "Prochain délai :" in html


def test_paper_shows_times_and_the_journal_the_oldest_first(enter: Enter) -> None:
    incident = scene.trip()
    client = enter()
    post(client, incident.reference, "take")
    html = client.get(f"/incidents/{incident.reference}/print").content.decode()
    assert html.index("A ouvert l’incident") < html.index("A pris l’incident en charge")
    assert "Lucie Marchand" in html
    assert "<button" not in html


def test_a_time_is_read_in_the_zone_of_the_post(town: None) -> None:
    at = from_rfc3339("2026-11-25T23:10:00+01:00")
    assert leading.read_moment("22:15", at) == from_rfc3339("2026-11-25T22:15:00+01:00")
    assert leading.read_moment("23:45", at) == from_rfc3339("2026-11-24T23:45:00+01:00")
    assert leading.read_moment("2026-07-01T08:00", at) == from_rfc3339("2026-07-01T08:00:00+02:00")
    assert leading.read_moment(" ", at) is None
    for wrong in ("25:00", "hier", "2026-13-01T00:00"):
        with pytest.raises(Refused):
            leading.read_moment(wrong, at)
    assert to_datetime(at + HOUR)

"""The library of procedures: what is listed, written, judged by a second person, and told when it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from beffroi.app.provision import PROFILE, procedure_files
from beffroi.console import drafting, frames
from beffroi.foundation.clock import now
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.rules import parse_posts
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.rules import parse_procedure
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
CARD = "/procedures/cordon"


@pytest.fixture(autouse=True)
def city(town: None) -> None:
    people.publish_posts(parse_posts((PROFILE / "posts.yaml").read_text()), by=people.SYSTEM, at=now())
    actions.import_procedures(procedure_files(), by=people.SYSTEM, at=now())


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content.decode()[:400]
    return str(answer.content.decode())


def text_of(code: str) -> str:
    return queries.card(code).text


def change(client: Client, text: str, *, reason: str = "Plus clair.", card: str = CARD) -> str:
    """Save a draft; return the address of its acts."""
    answer = client.post(f"{card}/change", {"text": text, "reason": reason})
    assert answer.status_code == 302, re.findall(r"<li>ligne.*", answer.content.decode())
    revision = queries.card(card.rpartition("/")[2]).revision
    assert revision is not None
    return f"/procedures/changes/{revision.id}"


def test_change_goes_from_one_person_to_another(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    before = text_of("cordon")
    title = queries.card("cordon").procedure.steps[0].title
    act = change(writer, before.replace(title, "Poser les cônes", 1).replace("\n", "\r\n"))
    mine = html(writer, CARD)
    assert re.search(r"<del>.*?</span>.*" + re.escape(title), mine) and re.search(r"<ins>.*Poser les cônes", mine)
    assert "Proposer" in mine and "Mettre en vigueur" not in mine
    assert "Mettre en vigueur…" not in html(judge, CARD)
    assert "proposée : une seconde personne" in writer.post(f"{act}/propose", follow=True).content.decode()
    assert "Vous avez écrit cette modification" in writer.post(f"{act}/put", follow=True).content.decode()
    shown = html(judge, CARD)
    assert "Mettre en vigueur…" in shown and "Plus clair." in shown
    done = judge.post(f"{act}/put", {"reason": "vu ensemble"}, follow=True).content.decode()
    assert "C’est en vigueur" in done and "version 2" in done and "vu ensemble" in done
    assert queries.version_of("cordon").procedure.steps[0].title == "Poser les cônes"
    old = html(judge, f"{CARD}?version=1")
    assert "Version passée" in old and title in old and "Modifier" not in old
    told = html(judge, "/journal?subject=procedure:cordon")
    assert "A proposé une procédure" in told and f'href="{CARD}"' in told


def test_failing_test_is_shown_with_what_came_and_refused(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    text = text_of("cordon")
    first = re.search(r"within_s: (\d+)", text)
    assert first is not None
    act = change(writer, text.replace(first[0], f"within_s: {int(first[1]) + 60}", 1))
    writer.post(f"{act}/propose")
    page = html(judge, CARD)
    assert "Un essai échoue" in page and "Attendu" in page and "Obtenu" in page
    assert "Un essai échoue : corrigez" in judge.post(f"{act}/put", follow=True).content.decode()
    refused = judge.post(f"{act}/refuse", {"reason": "corrigez l'essai"}, follow=True).content.decode()
    assert "La proposition est refusée." in refused and "corrigez l&#x27;essai" in refused
    assert "On a déjà décidé" in writer.post(f"{act}/propose", follow=True).content.decode()


def test_what_is_wrong_is_told_line_by_line_and_what_was_typed_stays(enter: Enter) -> None:
    client = enter("ingenieure")
    typed = text_of("cordon").replace("post: ", "post: nulle_part_", 1)
    answer = client.post(f"{CARD}/change", {"text": typed, "reason": "x"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "nulle_part_" in page and "ligne " in page and 'aria-invalid="true"' in page
    lacking = client.post(f"{CARD}/change", {"text": typed.replace("nulle_part_", ""), "reason": ""})
    assert lacking.status_code == 422
    unread = client.post(f"{CARD}/change", {"text": "code: [", "reason": "x"})
    assert unread.status_code == 422 and "this is no YAML" in unread.content.decode()
    assert queries.revisions_of("cordon") == ()


def test_new_procedure_begins_from_a_card_that_is_right(enter: Enter) -> None:
    writer = enter("chefsalle")
    assert "code: ma_fiche" in html(writer, "/procedures/new")
    parse_procedure(drafting.BEGIN)
    text = drafting.BEGIN.replace("ma_fiche", "pont_leve")
    answer = writer.post("/procedures/new", {"text": text, "reason": "Le pont se lève."})
    assert answer["Location"] == "/procedures/pont_leve"
    page = html(writer, "/procedures/pont_leve")
    assert "Nouvelle fiche" in page and "brouillon" in page and "Jamais en vigueur" in page
    listed = html(enter("operatrice"), "/procedures?state=open")
    assert re.findall(r'<td><a href="/procedures/(\w+)">', listed) == ["pont_leve"]
    revision = queries.card("pont_leve").revision
    assert revision is not None
    writer.post(f"/procedures/changes/{revision.id}/drop")
    assert writer.get("/procedures/pont_leve").status_code == 404


def test_withdrawal_is_proposed_and_decided_and_what_is_called_stays(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    called = writer.post(f"{CARD}/withdraw", {"reason": "vieux"}, follow=True).content.decode()
    assert "D’autres fiches appellent celle-ci" in called
    asked = writer.post("/procedures/storm/withdraw", {"reason": "vieux"}, follow=True).content.decode()
    assert "Retrait proposé" in asked
    revision = queries.card("storm").revision
    assert revision is not None
    judge.post(f"/procedures/changes/{revision.id}/put")
    assert "storm" not in queries.library()
    assert re.findall(r'<td><a href="/procedures/(\w+)">', html(judge, "/procedures?state=withdrawn")) == ["storm"]


def test_operators_read_and_write_nothing(enter: Enter) -> None:
    client = enter("operatrice")
    page = html(client, CARD)
    assert "Modifier" not in page and "Retirer" not in page
    assert client.get("/procedures/new").status_code == 403
    assert client.post(f"{CARD}/change", {"text": text_of("cordon"), "reason": "x"}).status_code == 403
    assert client.post(f"{CARD}/withdraw", {"reason": "x"}).status_code == 403


def test_old_page_with_its_frames_is_read_again_and_a_step_of_a_run_tells_nothing(enter: Enter) -> None:
    viewer, before = scene.who(), journal.last_seq()
    change(enter("ingenieure"), text_of("cordon").replace("title: ", "title: Bien ", 1))
    sent = frames.fragments_for(journal.subjects_changed(before, journal.last_seq()), viewer)
    (mark,) = [each for each in sent if each["target"] == "library"]
    assert str(mark["html"]).strip() in html(enter(), "/procedures")
    incident, before = scene.trip(), journal.last_seq()
    actions.start("lighting_cabinet_tripped", incident.id, by=viewer, at=now())
    sent = frames.fragments_for(journal.subjects_changed(before, journal.last_seq()), viewer)
    assert [each for each in sent if each["target"] == "library"] == []

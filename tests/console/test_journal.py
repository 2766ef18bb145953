"""The journal's pages: filters, one line and its proof, corrections, what leaves the house, erasure by two persons."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from beffroi.console import frames
from beffroi.foundation.clock import DAY, SECOND, now
from beffroi.foundation.settings import settings
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.journal import actions, queries
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, Sensitivity
from tests.console import scene
from tests.docs.pages import DOCS, blocks_of

Enter = Callable[[str], Client]
RULE = Actor(ActorKind.RULE, "essai", "Règle d’essai")


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")


@pytest.fixture
def noted(town: None) -> tuple[str, int]:
    """An incident with a note of the operator; its reference, and the note's number."""
    incident = scene.trip()
    incidents.note_incident(incident.id, "Appelé Mme Untel", by=scene.who(), at=now())
    return incident.reference, queries.last_seq()


def write(**fields: Any) -> int:
    values = {"actor": RULE, "room": "alarms", "verb": "raise_alarm", "subject": "alarm:1"} | fields
    with transaction.atomic():
        return actions.append([Entry(**values)], at=now())


def shown(answer: Any) -> str:
    assert answer.status_code == 200, answer.content.decode()[:400]
    return unescape(answer.content.decode())


def rows(answer: Any) -> list[int]:
    html = shown(answer)
    body = html[html.index("<tbody") : html.index("</tbody>")]
    return [int(part.partition(">")[2].partition("<")[0]) for part in body.split('<td class="num"><a ')[1:]]


def test_lines_are_filtered_by_words_verb_room_actor_subject_and_days(enter: Enter, noted: tuple[str, int]) -> None:
    client, (reference, note) = enter("operatrice"), noted
    seq = write(content={"title": "Lampe éteinte"}, subject="asset:L-1")
    assert rows(client.get("/journal", {"text": "lampe eteinte"})) == [seq]
    assert rows(client.get("/journal", {"text": "untel"})) == [note]
    assert rows(client.get("/journal", {"verb": "note_incident"})) == [note]
    assert rows(client.get("/journal", {"room": "alarms", "subject": "asset:L-1"})) == [seq]
    assert rows(client.get("/journal", {"actor": "essai"})) == [seq]
    assert rows(client.get("/journal", {"from": "2001-01-01", "to": "2001-01-02"})) == []
    assert "Aucune ligne ne répond" in shown(client.get("/journal", {"text": "zeppelin"}))
    assert "n’est pas une date" in shown(client.get("/journal", {"from": "hier"}))
    assert reference in shown(client.get("/journal", {"verb": "note_incident"}))


def test_a_line_is_shown_with_its_seal_and_a_proof_that_another_program_checks(enter: Enter, noted: Any) -> None:
    for _ in range(6):
        write()
    actions.seal(now())
    client = enter("operatrice")
    html = shown(client.get(f"/journal/{noted[1]}"))
    seal = queries.seal_of_line(noted[1])
    assert seal is not None
    assert seal.root.hex() in html
    assert "Appelé Mme Untel" in html
    checker: dict[str, Any] = {}
    program = next(block for block in blocks_of(DOCS / "reference" / "journal.md", "python") if "def check" in block)
    exec(program, checker)
    for seq in range(seal.first_seq, seal.last_seq + 1):
        told = client.get(f"/journal/{seq}/proof.json").json()
        assert checker["check"](told) is True
        for name in ("line_text", "line_digest"):
            assert checker["check"](told | {name: hashlib.sha256(told[name].encode()).hexdigest()}) is False
        assert checker["check"](told | {"place": told["place"] + 1}) is False
        assert checker["check"](told | {"seal": told["seal"] | {"last_seq": 10**6}}) is False


def test_a_line_that_waits_says_so_and_one_that_is_not_is_not_found(enter: Enter, noted: Any) -> None:
    client = enter("operatrice")
    assert "en attente" in shown(client.get(f"/journal/{noted[1]}"))
    assert client.get("/journal/999999").status_code == 404


def test_own_note_is_corrected_by_a_new_line_and_both_are_shown(enter: Enter, noted: tuple[str, int]) -> None:
    client, (reference, note) = enter("operatrice"), noted
    panel = shown(client.get(f"/incidents/{reference}/panel"))
    assert f'href="/journal/{note}" data-key="t"' in panel
    answer = client.post(f"/journal/{note}/correct", {"text": "Appelé M. Autre", "reason": "erreur de nom"})
    assert answer["Location"] == f"/journal/{note}"
    number = queries.last_seq()
    line = queries.get_line(number)
    assert (line.verb, line.subject, line.reason, line.related[0]) == (
        "correct_line", queries.get_line(note).subject, "erreur de nom", f"line:{note}",
    )  # fmt: skip
    for html in (
        shown(client.get(f"/incidents/{reference}/panel")),
        shown(client.get("/journal", {"verb": "note_incident"})),
        shown(client.get(f"/journal/{note}")),
    ):
        assert html.index("Appelé Mme Untel") < html.index("Corrigé") < html.index("Appelé M. Autre")
    assert f"corrige la ligne {note}" in shown(client.get(f"/journal/{number}"))
    client.post(f"/journal/{number}/correct", {"text": "Appelé Mme Autre", "reason": "encore"})
    assert [line.seq for line in queries.corrections_of([note])[note]] == [number, number + 1]
    assert queries.verify().breaks == ()


@pytest.mark.parametrize(("text", "reason"), [("", "motif"), ("texte", " "), ("x" * 2001, "motif")])
def test_correction_without_text_or_reason_writes_nothing(enter: Enter, noted: Any, text: str, reason: str) -> None:
    last = queries.last_seq()
    assert enter("operatrice").post(f"/journal/{noted[1]}/correct", {"text": text, "reason": reason}).status_code == 422
    assert queries.last_seq() == last + 1  # the sign-in


def test_the_lines_of_others_are_corrected_by_the_supervisor_alone(enter: Enter, noted: Any) -> None:
    seq, told = write(), {"text": "Essai de mise en service", "reason": "fausse alarme"}
    assert enter("operatrice").post(f"/journal/{seq}/correct", told).status_code == 403
    assert enter("chefsalle").post(f"/journal/{seq}/correct", told).status_code == 302
    assert queries.corrections_of([seq])[seq][0].actor.id == "chefsalle"


def test_selection_is_exported_with_a_purpose_that_is_journalled(enter: Enter, noted: tuple[str, int]) -> None:
    write(content={"title": "=cmd()"}, reason="=1+1", subject="essai:9")
    client = enter("chefsalle")
    assert client.post("/journal/export", {"form": "csv", "purpose": " "}).status_code == 422
    answer = client.post("/journal/export", {"form": "csv", "purpose": "réquisition", "subject": "essai:9"})
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["subject"], row["reason"]) for row in table] == [("essai:9", "'=1+1")]
    line = queries.list_lines(queries.Filters(verb="export_lines"))[0]
    assert (line.actor.id, line.purpose, line.content) == (
        "chefsalle", "réquisition", {"asked": {"subject": "essai:9"}, "lines": 1},
    )  # fmt: skip
    told = client.post("/journal/export", {"form": "json", "purpose": "p", "verb": "note_incident"}).json()
    assert [(row["seq"], row["personal"]) for row in told] == [
        (noted[1], {"state": "readable", "text": "Appelé Mme Untel"}),
    ]  # fmt: skip
    assert enter("operatrice").post("/journal/export", {"purpose": "p"}).status_code == 403


def test_vault_line_is_opened_by_the_officer_for_a_purpose(enter: Enter, town: None) -> None:
    seq = write(sensitivity=Sensitivity.VAULT, subject="person:martin", content={"title": "secret"})
    operator, officer = enter("operatrice"), enter("dpo")
    html = shown(operator.get("/journal"))
    assert f'href="/journal/{seq}"' in html
    assert "contenu réservé" in html
    for client in (operator, officer):
        assert "secret" not in shown(client.get(f"/journal/{seq}"))
        assert client.get(f"/journal/{seq}/proof.json").json()["line_text"] is None
    assert officer.post(f"/journal/{seq}/open", {"purpose": ""}).status_code == 422
    assert "secret" in shown(officer.post(f"/journal/{seq}/open", {"purpose": "demande d’accès"}))
    line = queries.list_lines()[0]
    assert (line.verb, line.subject, line.purpose, line.actor.id) == (
        "open_vault_line", f"line:{seq}", "demande d’accès", "dpo",
    )  # fmt: skip
    assert operator.post(f"/journal/{seq}/open", {"purpose": "curiosité"}).status_code == 403


def test_erasure_is_asked_by_the_officer_confirmed_by_another_and_told(enter: Enter, noted: tuple[str, int]) -> None:
    reference, note = noted
    part = queries.get_line(note).personal
    assert part is not None
    officer, supervisor, operator = enter("dpo"), enter("chefsalle"), enter("operatrice")
    assert part.about in shown(officer.get("/journal/erasures", {"holder": "incident"}))
    assert "Untel" not in shown(officer.get("/journal/erasures"))
    assert officer.post("/journal/erasures/ask", {"subject": part.about, "reason": "droit"}).status_code == 302
    (waiting,) = queries.erasures_waiting()
    assert officer.post(f"/journal/erasures/{waiting.id}/confirm").status_code == 422
    assert operator.post(f"/journal/erasures/{waiting.id}/confirm").status_code == 403
    assert "Confirmer" in shown(supervisor.get("/journal/erasures"))
    assert supervisor.post(f"/journal/erasures/{waiting.id}/confirm").status_code == 302
    html = shown(operator.get(f"/incidents/{reference}/panel"))
    assert "Untel" not in html
    assert "motif : droit" in html
    assert "Effacé" in shown(supervisor.get("/journal/erasures"))


def test_page_warns_when_sealing_stands_still_and_a_frame_brings_it(enter: Enter, town: None) -> None:
    client = enter("operatrice")
    while actions.seal(now()):
        pass
    assert "Main courante scellée" in shown(client.get("/journal"))
    with transaction.atomic():
        actions.append([Entry(RULE, "alarms", "raise_alarm", "alarm:1")], at=now() - 60 * SECOND)
    html = shown(client.get("/journal"))
    assert "Le scellement est arrêté" in html
    (fragment,) = [
        each for each in frames.fragments_for({"journal:sealing"}, scene.who()) if each["target"] == "sealing"
    ]
    assert "Main courante non scellée depuis" in str(fragment["html"])
    assert str(fragment["html"]) in shown(client.get("/")).replace("\n", "") or "non scellée" in shown(client.get("/"))
    while actions.seal(now()):
        pass
    assert "Main courante scellée" in shown(client.get("/"))


def _walk(client: Client) -> Iterator[list[int]]:
    url = "/journal?room=alarms"
    while url:
        answer = client.get(url)
        yield rows(answer)
        html = shown(answer)
        mark = html.find('data-key="n">Plus anciennes')
        url = "/journal" + html[:mark].rpartition('href="')[2].partition('"')[0] if mark >= 0 else ""


def test_pages_follow_each_other_without_gap_or_double(enter: Enter, town: None) -> None:
    with transaction.atomic():
        actions.append([Entry(RULE, "alarms", "raise_alarm", f"alarm:{n}") for n in range(230)], at=now() - DAY)
    seen = [seq for page in _walk(enter("operatrice")) for seq in page]
    assert len(seen) > 230
    assert seen == sorted(set(seen), reverse=True)
    assert json.dumps(seen)

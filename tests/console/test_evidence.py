"""Pictures on the incident's panel, its thread and their own page: attached, seen, opened for a purpose, erased."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.console import frames
from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal import queries as lines
from tests.console import scene
from tests.kernel.incidents.photos import photo

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}


def send(client: Client, incident: Incident, content: bytes, kind: str = "after", **headers: str) -> Any:
    file = SimpleUploadedFile("IMG_0001.jpg", content, content_type="image/jpeg")
    address = f"/incidents/{incident.reference}/evidence"
    return client.post(address, {"picture": file, "picture_kind": kind}, headers=headers or JSON)


def panel(client: Client, incident: Incident) -> str:
    return str(client.get(f"/incidents/{incident.reference}/panel").content.decode())


def test_operator_attaches_a_picture_and_every_screen_shows_it(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    assert "Aucune image." in panel(client, incident)
    before = lines.last_seq()
    answer = send(client, incident, photo())
    assert (answer.status_code, answer.json()["said"]) == (200, f"Image jointe à {incident.reference}.")
    (kept,) = queries.evidence_of(incident.id)
    shown = panel(client, incident)
    address = f"/incidents/{incident.reference}/evidence/{kept.id}"
    assert shown.count(f'src="{address}/thumbnail"') == 2  # among the pictures, and in the thread
    assert "A joint une image : Après" in shown
    subjects = lines.subjects_changed(before, lines.last_seq())
    told = {fragment["target"]: fragment["html"] for fragment in frames.fragments_for(subjects, scene.who("chefsalle"))}
    fresh = scene.rows_of(enter("chefsalle").get("/").content.decode())
    row = f"incident-{incident.id}"
    assert told[row] == fresh[row]


def test_picture_has_a_page_and_opening_it_is_told_in_the_thread(enter: Enter) -> None:
    incident = scene.trip()
    kept = actions.attach_evidence(
        incident.id, kind="before", picture=photo(), by=scene.who("chefsalle"), at=now(), taken_at=now()
    )
    client = enter()
    address = f"/incidents/{incident.reference}/evidence/{kept.id}"
    page = client.get(address).content.decode()
    assert kept.sha256 in page and f'src="{address}/picture"' in page and "Image 1 / 1" in page
    assert "A ouvert une image" not in panel(client, incident)  # the page alone opens nothing
    for name in ("thumbnail", "picture"):
        answer = client.get(f"{address}/{name}")
        assert (answer["Content-Type"], answer["Cache-Control"], answer.content[:2]) == (
            "image/jpeg", "no-store", b"\xff\xd8",
        )  # fmt: skip
    assert "A ouvert une image : Avant" in panel(client, incident)
    line = lines.list_lines(limit=1)[0]
    assert (line.verb, line.purpose) == ("open_evidence", incident.reference)
    journal_page = enter("chefsalle").get(f"/journal/{line.seq}").content.decode()
    assert incident.reference in journal_page and address in journal_page


def test_pictures_are_walked_by_key_in_their_order(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    for kind in ("before", "after"):
        assert send(client, incident, photo(), kind).status_code == 200
    first, last = queries.evidence_of(incident.id)
    page = client.get(f"/incidents/{incident.reference}/evidence/{last.id}").content.decode()
    assert re.search(rf'href="[^"]*{first.id}" data-key="p"', page) and 'data-key="n"' not in page
    assert re.search(rf'href="[^"]*{last.id}" data-key="\*"', panel(client, incident))


def test_refusals_are_told_in_french_and_keep_nothing(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    for content, kind, told in (
        (b"rien", "after", "Ce n’est pas une image qui puisse être gardée"),
        (photo()[:500], "after", "ne peut pas être lue en entier"),
        (photo(), "selfie", "Dites ce que l’image montre"),
    ):
        answer = send(client, incident, content, kind)
        assert answer.status_code == 422 and told in answer.json()["title"]
    nothing = client.post(f"/incidents/{incident.reference}/evidence", {"picture_kind": "after"}, headers=JSON)
    assert nothing.json()["title"] == "Choisissez une image."
    assert queries.evidence_of(incident.id) == ()


def test_without_script_the_form_leads_back_to_the_incident(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    answer = send(client, incident, photo(), Accept="text/html")
    assert (answer.status_code, answer["Location"]) == (302, f"/?incident={incident.reference}")


def test_visitor_sees_neither_pictures_nor_that_there_are_any(enter: Enter) -> None:
    incident = scene.trip()
    assert send(enter(), incident, photo()).status_code == 200
    (kept,) = queries.evidence_of(incident.id)
    visitor = enter("visiteur")
    shown = panel(visitor, incident)
    assert "/thumbnail" not in shown and "Images" not in shown
    for name in ("", "/thumbnail", "/picture"):
        assert visitor.get(f"/incidents/{incident.reference}/evidence/{kept.id}{name}").status_code == 403
    assert send(visitor, incident, photo()).status_code == 403


def test_picture_is_found_under_its_own_incident_alone(enter: Enter) -> None:
    client, incident, other = enter(), scene.trip("ARM-1"), scene.trip("ARM-2")
    assert send(client, incident, photo()).status_code == 200
    (kept,) = queries.evidence_of(incident.id)
    assert client.get(f"/incidents/{other.reference}/evidence/{kept.id}/picture").status_code == 404


def test_erased_picture_says_so_in_its_place(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    assert send(client, incident, photo()).status_code == 200
    (kept,) = queries.evidence_of(incident.id)
    journal.erase_personal(f"case:incident-{incident.id}", reason="conservation", by=scene.who().actor, at=now())
    shown = panel(client, incident)
    assert "effacée" in shown and "/thumbnail" not in shown
    address = f"/incidents/{incident.reference}/evidence/{kept.id}"
    assert "conservation" in client.get(address).content.decode()
    assert client.get(f"{address}/picture").status_code == 422


def test_paper_lists_pictures_with_their_digests(enter: Enter) -> None:
    client, incident = enter(), scene.trip()
    assert send(client, incident, photo()).status_code == 200
    assert (
        queries.evidence_of(incident.id)[0].sha256
        in client.get(f"/incidents/{incident.reference}/print").content.decode()
    )

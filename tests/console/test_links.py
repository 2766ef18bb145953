"""Telling, uniting, separating, taking apart, confirming and rejecting, and finding, as the pages do it.

For each act: *old page + frames = fresh page*, for the rows of every incident that it touches, on the screens of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

import beffroi.app
from beffroi.console import frames
from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.rules import parse_categories, parse_correlation
from beffroi.kernel.incidents.types import Incident, Told
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.procedures import queries as procedures
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}
PROFILE = Path(beffroi.app.__file__).parent / "profile"
NEAR = {"lon": 5.0416, "lat": 47.3221}


@pytest.fixture
def enter(enter: Enter, tmp_path: Path) -> Enter:
    """The town with its profile of incidents, and two addresses."""
    categories = parse_categories((PROFILE / "categories.yaml").read_text())
    correlation = parse_correlation((PROFILE / "correlation.yaml").read_text())
    actions.publish_profile(categories, correlation, by=people.SYSTEM, at=now())
    from beffroi.kernel.places.actions import import_addresses

    file = tmp_path / "addresses.csv"
    file.write_text(
        "id,number,street,commune,lon,lat\n"
        "1,12,rue de la Liberté,Dijon,5.0416,47.3221\n2,3,rue Musette,Dijon,5.0450,47.3230\n"
    )
    import_addresses(file, by=people.SYSTEM, at=now())
    return enter


def call(category: str = "street_dark", by: str = "operatrice", **place: float) -> Incident:
    """Open an incident by a call near the first cabinet."""
    told = Told(
        category, **{**NEAR, **place}, place="12 rue de la Liberté", commune="Dijon", description="Tout est noir."
    )
    return actions.open_incident(told, by=scene.who(by), at=now()).incident


def two() -> tuple[Incident, Incident, Incident]:
    """A cabinet that tripped, a call about it that is proposed with it, and an incident that has nothing to do with it."""
    tripped, other = scene.trip("ARM-1"), scene.trip("ARM-2")
    called = call()
    actions.compare_incidents(at=now())
    return tripped, called, other


def _follow(client: Client, do: Callable[[], Any]) -> Any:
    """Do something and check that an old page with its frames is a fresh page; return what doing it answered."""
    page = scene.rows_of(client.get("/").content.decode())
    since = journal.last_seq()
    answer = do()
    subjects = frozenset(journal.subjects_changed(since, journal.last_seq()))
    touched = set()
    for fragment in frames.fragments_for(subjects, scene.who()):
        if fragment["target"].startswith("incident-"):
            page.pop(fragment["target"], None)
            page |= {fragment["target"]: str(fragment["html"])} if fragment["html"] else {}
            touched.add(fragment["target"])
    fresh = scene.rows_of(client.get("/").content.decode())
    assert dict(sorted(page.items())) == dict(sorted(fresh.items()))
    return answer, touched


def test_proposal_comes_on_the_row_and_the_panel_of_both_with_its_reason(enter: Enter) -> None:
    client = enter()
    tripped = scene.trip("ARM-1")
    called = call()
    _answer, touched = _follow(client, lambda: actions.compare_incidents(at=now()))
    assert touched == {f"incident-{tripped.id}", f"incident-{called.id}"}
    for mine, other in ((tripped, called), (called, tripped)):
        panel = client.get(f"/incidents/{mine.reference}/panel").content.decode()
        assert "Peut-être le même incident" in panel
        assert re.search(rf"{other.reference}</a>.*à 1\d m, .*sujet voisin · Signalé à nouveau", panel, re.DOTALL)
        assert "≈ 1" in scene.rows_of(client.get("/").content.decode())[f"incident-{mine.id}"]


@pytest.mark.parametrize("act", ["confirm", "reject", "merge"])
def test_deciding_of_a_pair_brings_every_row_up_to_date(enter: Enter, act: str) -> None:
    tripped, called, _other = two()
    third = call("noise")
    again = call()
    actions.compare_incidents(at=now())
    client = enter()
    answer, touched = _follow(
        client,
        lambda: client.post(f"/incidents/{called.reference}/{act}", {"other": tripped.reference}, headers=JSON),
    )
    assert answer.status_code == 200, answer.content
    assert {f"incident-{each.id}" for each in (tripped, called, again)} <= touched
    assert f"incident-{third.id}" not in touched
    rows = {each["target"]: each["html"] for each in answer.json()["fragments"]}
    fresh = scene.rows_of(client.get("/").content.decode())
    assert {name: html for name, html in rows.items() if html} == {name: fresh[name] for name in rows if name in fresh}
    if act == "reject":
        assert answer.json()["said"] == f"{called.reference} et {tripped.reference} restent deux incidents."
        return
    assert rows[f"incident-{called.id}"] is None
    page = client.get(f"/incidents/{called.reference}").content.decode()
    assert f"Séparer de {tripped.reference}" in page
    kept = client.get(f"/incidents/{tripped.reference}").content.decode()
    assert "Doublons réunis ici" in kept
    assert f"venu de {called.reference}" in kept
    assert "Tout est noir." in kept


def test_separating_and_taking_apart_bring_both_rows_up_to_date(enter: Enter) -> None:
    tripped, called, other = two()
    client = enter()
    client.post(f"/incidents/{called.reference}/merge", {"other": tripped.reference}, headers=JSON)
    client.post(f"/incidents/{other.reference}/merge", {"other": tripped.reference}, headers=JSON)
    answer, touched = _follow(client, lambda: client.post(f"/incidents/{called.reference}/separate", headers=JSON))
    assert answer.json()["said"] == f"{called.reference} est de nouveau un incident à part."
    assert touched >= {f"incident-{tripped.id}", f"incident-{called.id}"}
    (moved,) = other.alarm_ids
    answer, touched = _follow(
        client, lambda: client.post(f"/incidents/{tripped.reference}/split", {"alarm": [moved]}, headers=JSON)
    )
    assert answer.status_code == 200
    apart = next(each for each in queries.list_open(seen_by=scene.who()) if each.alarm_ids == (moved,))
    assert answer.json()["said"] == f"Détaché de {tripped.reference} : {apart.reference}."
    assert touched >= {f"incident-{tripped.id}", f"incident-{apart.id}"}


def test_who_comes_second_is_told_in_french_by_whom(enter: Enter) -> None:
    tripped, called, _other = two()
    enter("chefsalle").post(f"/incidents/{called.reference}/confirm", {"other": tripped.reference})
    client = enter("operatrice")
    for act in ("confirm", "merge"):
        answer = client.post(f"/incidents/{called.reference}/{act}", {"other": tripped.reference}, headers=JSON)
        assert answer.status_code == 409
        assert re.search(r"par Paul|Paul .* en a déjà décidé|a été réuni avec|en a déjà décidé", answer.json()["said"])
    taken = client.post(f"/incidents/{called.reference}/take", headers=JSON)
    assert (taken.status_code, tripped.reference in taken.json()["said"]) == (409, True)


def test_closing_as_a_duplicate_offers_what_is_near_and_unites(enter: Enter) -> None:
    tripped, called, _other = two()
    client = enter()
    panel = client.get(f"/incidents/{called.reference}/panel").content.decode()
    assert '<option value="duplicate">doublon</option>' in panel.lower()
    assert re.findall(r'<option value="(BF-[-\d]+)">', panel)[0] == tripped.reference
    body = {"reason": "duplicate", "comment": "Le même noir."}
    refused = client.post(f"/incidents/{called.reference}/close", body, headers=JSON)
    assert (refused.status_code, "Doublon duquel" in refused.json()["detail"]) == (422, True)
    answer, touched = _follow(
        client,
        lambda: client.post(
            f"/incidents/{called.reference}/close", body | {"duplicate_of": tripped.reference}, headers=JSON
        ),
    )
    assert answer.json()["said"] == f"{called.reference} est réuni avec {tripped.reference}, qui continue."
    assert touched >= {f"incident-{tripped.id}", f"incident-{called.id}"}
    page = client.get(f"/incidents/{called.reference}").content.decode()
    assert f"Séparer de {tripped.reference}" in page and "Le même noir." in page


def test_refusals_are_told_in_french(enter: Enter) -> None:
    tripped, _called, _other = two()
    client = enter()
    for act, body, said in (
        ("merge", {"other": tripped.reference}, "ne se réunit pas avec lui-même"),
        ("merge", {}, "Écrivez la référence"),
        ("split", {}, "Cochez ce qui"),
        ("split", {"alarm": tripped.alarm_ids}, "Tout partirait"),
    ):
        answer = client.post(f"/incidents/{tripped.reference}/{act}", body, headers=JSON)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.content


# -- telling -----------------------------------------------------------------------------------------------------------


def _fields(html: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html)
    where = re.search(r'id="t-where" name="where" value="([^"]*)"', html)
    return dict(found) | {"where": where[1] if where else ""}


def test_form_finds_the_place_shows_what_is_known_and_opens(enter: Enter) -> None:
    tripped = scene.trip("ARM-1")
    client = enter()
    blank = client.get("/incidents/new").content.decode()
    assert "De quoi s’agit-il" in blank
    body = {"category": "street_dark", "where": "12 liberte", "channel": "phone", "key": _fields(blank)["key"]}
    looked = client.post("/incidents/new", body | {"do": "look"}).content.decode()
    assert "12 rue de la Liberté, Dijon</button>" in looked
    chosen = client.post("/incidents/new", body | {"do": "look", "choose": "0"}).content.decode()
    assert "Lieu retenu" in chosen
    assert "Déjà connu à moins de 150 m" in chosen
    assert re.search(rf'{tripped.reference}</a>.*formaction="/incidents/{tripped.reference}/attach" class="main" data-key="r"',
                     chosen, re.DOTALL)  # fmt: skip
    ready = body | _fields(chosen) | {"description": "La rue est noire."}
    for _twice in range(2):
        opened = client.post("/incidents/new", ready | {"do": "open"})
        assert opened.status_code == 302
    found = queries.list_incidents(seen_by=scene.who())
    assert [
        (each.title, each.place, each.commune, queries.written([each.id])[each.id].description.text)
        for each in found[:1]
    ] == [("Rue ou place dans le noir", "12 rue de la Liberté", "Dijon", "La rue est noire.")]
    assert len(found) == 2
    assert opened.headers["Location"] == f"/?incident={found[0].reference}"


def test_attaching_writes_the_call_on_what_is_known_and_opens_nothing(enter: Enter) -> None:
    tripped = scene.trip("ARM-1")
    client = enter()
    chosen = client.post("/incidents/new", {"where": "12 liberte", "choose": "0", "category": "street_dark"})
    body = _fields(chosen.content.decode()) | {"category": "street_dark", "description": "Encore un appel."}
    _answer, touched = _follow(client, lambda: client.post(f"/incidents/{tripped.reference}/attach", body))
    assert touched == {f"incident-{tripped.id}"}
    assert [each.description.text for each in queries.signals_of(tripped.id)] == ["Encore un appel."]
    assert "Encore un appel." in client.get(f"/incidents/{tripped.reference}").content.decode()
    assert apps.get_model("incidents", "Incident").objects.count() == 1


def test_form_says_what_is_missing_and_keeps_what_was_typed(enter: Enter) -> None:
    client = enter()
    answer = client.post("/incidents/new", {"do": "open", "description": "Un <arbre>", "where": "nulle part"})
    html = answer.content.decode()
    assert (answer.status_code, "Choisissez le lieu" in html, "Un &lt;arbre&gt;" in html, "Rien ne porte ce nom" in html) == (
        422, True, True, True,
    )  # fmt: skip
    place = client.post("/incidents/new", {"do": "open", "where": "12 liberte", "choose": "0"})
    assert "Choisissez de quoi il s’agit." in place.content.decode()


def test_form_opens_on_equipment_and_on_a_point_of_the_map(enter: Enter) -> None:
    client = enter()
    assert "Armoire A-1 (ARM-1)" in client.get("/incidents/new?asset=ARM-1").content.decode()
    assert "12 rue de la Liberté, Dijon" in client.get("/incidents/new?at=5.0416,47.3221").content.decode()
    for wrong in ("?at=x,y", "?at=0,0", "?asset=nowhere"):
        assert client.get(f"/incidents/new{wrong}").status_code == 200


# -- finding -----------------------------------------------------------------------------------------------------------


def test_search_page_finds_filters_and_says_when_nothing_answers(enter: Enter) -> None:
    tripped, called, other = two()
    client = enter()

    def found(**query: str) -> list[str]:
        html = client.get("/incidents", query).content.decode()
        return re.findall(r"BF-\d\d-\d{6}(?=</a></td>)", html)

    assert found() == [called.reference, other.reference, tripped.reference]
    assert found(text="noir") == [called.reference]
    assert found(category="street_dark") == [called.reference, other.reference, tripped.reference]
    assert found(around="12 liberte", within="100") == [called.reference, tripped.reference]
    assert found(around=other.reference, within="50") == [other.reference]
    assert found(text="introuvable") == []
    assert "Aucun incident ne répond" in client.get("/incidents", {"text": "introuvable"}).content.decode()
    assert "n’est ni une adresse" in client.get("/incidents", {"around": "zzzz"}).content.decode()
    assert "n’est pas une date" in client.get("/incidents", {"from": "hier"}).content.decode()


def test_search_page_goes_on_from_page_to_page(enter: Enter) -> None:
    for place in range(53):
        call(lon=5.1 + place / 100)
    client = enter()
    first = client.get("/incidents", {"text": "noir"}).content.decode()
    (older,) = re.findall(r'href="(\?text=noir&amp;before=\d+)"', first)
    second = client.get(f"/incidents{older.replace('&amp;', '&')}").content.decode()
    assert (len(re.findall(r"BF-\d\d-\d{6}</a></td>", first)), len(re.findall(r"BF-\d\d-\d{6}</a></td>", second))) == (
        50,
        3,
    )
    assert "Plus anciens" not in second


def test_visitor_sees_links_without_what_was_told(enter: Enter) -> None:
    tripped, called, _other = two()
    client = enter("visiteur")
    html = client.get(f"/incidents/{called.reference}").content.decode()
    assert ("Peut-être le même incident" in html, "Tout est noir." in html, "Sans rapport" in html) == (
        True,
        False,
        False,
    )
    assert client.get("/incidents/new").status_code == 403
    assert client.post(f"/incidents/{called.reference}/merge", {"other": tripped.reference}).status_code == 403


def test_address_of_who_told_it_is_kept_with_their_consent_and_shown_to_nobody(enter: Enter) -> None:
    client = enter()
    chosen = client.post("/incidents/new", {"where": "12 liberte", "choose": "0", "category": "street_dark"})
    body = _fields(chosen.content.decode()) | {"category": "street_dark", "description": "Tout est noir."}
    asked = client.post("/incidents/new", body | {"do": "open", "answer_to": "riverain@example.org"})
    html = asked.content.decode()
    assert (asked.status_code, "si son adresse peut être gardée" in html) == (422, True)
    assert 'value="riverain@example.org"' in html
    wrong = client.post("/incidents/new", body | {"do": "open", "answer_to": "riverain", "answer_consent": "on"})
    assert (wrong.status_code, "comme nom@exemple.fr" in wrong.content.decode()) == (422, True)
    assert queries.list_incidents(seen_by=scene.who()) == ()
    ready = body | {"do": "open", "answer_to": "riverain@example.org", "answer_consent": "on"}
    assert client.post("/incidents/new", ready).status_code == 302
    (found,) = queries.list_incidents(seen_by=scene.who())
    assert procedures.has_address(found.id)
    assert "riverain@" not in client.get(f"/incidents/{found.reference}").content.decode()
    again = body | {"answer_to": "voisine@example.org", "answer_consent": "on"}
    assert client.post(f"/incidents/{found.reference}/attach", again).status_code == 302
    assert apps.get_model("procedures", "Contact").objects.filter(incident_id=found.id).count() == 2

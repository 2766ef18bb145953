"""Closed streets as the console shows them: page, forms, the situation's list, the incident's panel, frames."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from beffroi.console import frames, streets
from beffroi.foundation.clock import HOUR, now
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.models import Person
from beffroi.kernel.places import actions, queries
from beffroi.kernel.places.types import Closure
from tests.console import scene
from tests.console.streets import lay

JSON = {"Accept": "application/json"}


@pytest.fixture
def town(db: None, tmp_path: Any) -> None:
    scene.set_up(tmp_path)
    lay(tmp_path)


def console(username: str = "operatrice") -> Client:
    client = Client()
    client.force_login(Person.objects.get(username=username))
    return client


def page(path: str, username: str = "operatrice") -> str:
    return html.unescape(console(username).get(path).content.decode())


def closed(**other: Any) -> Closure:
    at = now()
    return actions.close_street(
        ["LIB-1"], reason="fuite d’eau", until=at + HOUR, by=scene.who("operatrice"), at=at, **other
    )


def test_street_is_found_by_name_and_offered_whole_or_in_part(town: None) -> None:
    found = page("/closures?street=liberte")
    assert '?segment=LIB-1"' in found.replace('data-key="1"', "")
    form = page("/closures?segment=LIB-1")
    assert "entre place Darcy et rue Musette" in form
    assert "toute la rue : 2 tronçons" in form
    assert "Aucune rue de ce nom." in page("/closures?street=inconnue")


def test_street_is_chosen_by_a_place_of_the_map_or_by_the_incident(town: None) -> None:
    assert "Fermer rue Musette" in page("/closures?near=5.04155,47.32275")
    assert "Aucune rue près de ce point." in page("/closures?near=5.2,47.4")
    assert "Aucune rue près de ce point." in page("/closures?near=here")
    incident = scene.trip("ARM-1")
    shown = page(f"/closures?incident={incident.reference}")
    assert f"Fermer une rue pour {incident.reference}" in shown
    assert "Fermer rue" in shown
    assert console().get("/closures?incident=BF-26-999999").status_code == 404


def test_street_is_closed_by_the_form_for_an_incident_and_everyone_sees_it(town: None) -> None:
    incident = scene.trip("ARM-1")
    answer = console().post(
        f"/closures/segments/LIB-1/close?incident={incident.reference}",
        {"extent": "street", "minutes": "120", "why": "fuite d’eau"},
        headers=JSON,
    )
    assert answer.json()["said"] == "rue de la Liberté est fermée."
    (closure,) = queries.closures(seen_by=scene.who(), at=now())
    assert (closure.segments, closure.incident, closure.until - closure.begins_at) == (
        ("LIB-1", "LIB-2"), incident.id, 2 * HOUR,
    )  # fmt: skip
    assert incident.reference in page("/closures", "visiteur")
    assert "Rouvrir" not in page("/closures", "visiteur")
    assert "rue de la Liberté" in page("/", "visiteur")
    panel = page(f"/incidents/{incident.reference}/panel")
    assert "Rues fermées" in panel
    assert "A fermé une rue" in panel
    assert "jusqu’au" in panel


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"minutes": "120", "why": ""}, 422, "Écrivez pourquoi."),
        ({"minutes": "", "why": "x"}, 422, "Dites jusqu’à quand."),
        ({"minutes": "7", "why": "x"}, 422, "Dites jusqu’à quand."),
        ({"until": "2020-01-01T00:00", "why": "x"}, 422, "La fin vient après le début, et n’est pas passée."),
        ({"until": "demain", "why": "x"}, 422, "Écrivez la date et l’heure"),
    ],
)
def test_closing_that_cannot_be_says_what_to_write(town: None, sent: dict[str, str], status: int, told: str) -> None:
    answer = console().post("/closures/segments/LIB-1/close", sent, headers=JSON)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True)
    assert queries.closures(seen_by=scene.who(), at=now()) == ()


def test_who_comes_second_is_told_and_sees_the_list_as_it_is(town: None) -> None:
    closure = closed()
    again = console("chefsalle").post(
        "/closures/segments/LIB-1/close", {"minutes": "30", "why": "travaux"}, headers=JSON
    )
    assert (again.status_code, again.json()["detail"]) == (
        409, "Cette rue est déjà fermée pour tout ce temps : voyez la liste.",
    )  # fmt: skip
    assert f"closure-{closure.id}" in again.json()["fragments"][0]["html"]
    for status, told in ((200, "rue de la Liberté est rouverte."), (409, "Quelqu’un l’a déjà rouverte.")):
        answer = console().post(f"/closures/{closure.id}/reopen", {"why": "réparé"}, headers=JSON)
        assert (answer.status_code, answer.json()["said"]) == (status, told)
    assert "Terminées" in page("/closures")


def test_end_is_changed_from_the_list(town: None) -> None:
    closure = closed()
    answer = console().post(
        f"/closures/{closure.id}/prolong", {"until": "2090-01-01T00:00", "why": "pompage"}, headers=JSON
    )
    assert answer.json()["detail"].startswith("Une fermeture dure quatre cents jours")
    later = console().post(f"/closures/{closure.id}/prolong", {"until": "", "why": "pompage"}, headers=JSON)
    assert later.status_code == 422


def test_act_without_script_comes_back_to_the_list(town: None) -> None:
    answer = console().post("/closures/segments/MUS-1/close", {"minutes": "30", "why": "chute de pierres"}, follow=True)
    assert "rue Musette est fermée." in html.unescape(answer.content.decode())
    assert console("visiteur").post("/closures/segments/MUS-1/close", {"minutes": "30", "why": "x"}).status_code == 403


def region(text: str, name: str) -> str:
    found = re.search(rf'<(div|details) id="{name}".*?\n</\1>', text, re.DOTALL)
    assert found, name
    return found[0]


def test_old_pages_and_frames_are_fresh_pages(town: None) -> None:
    viewer = scene.who()
    incident = scene.trip("ARM-1")
    acts = (
        lambda: closed(incident=incident.id),
        lambda: actions.prolong_closure(only(), until=now() + 2 * HOUR, reason="x", by=viewer, at=now()),
        lambda: actions.reopen_street(only(), reason="réparé", by=viewer, at=now()),
    )
    for act in acts:
        before = list_lines()[0].seq
        act()
        subjects = {
            name for line in list_lines()[: list_lines()[0].seq - before] for name in (line.subject, *line.related)
        }
        told = {each["target"]: each["html"] for each in frames.fragments_for(subjects, viewer)}
        for path, name in (("/closures", "closures"), ("/", "closed-streets")):
            fresh = region(console().get(path).content.decode(), name)
            assert told[name] == fresh


def only() -> int:
    return queries.closures(seen_by=scene.who(), at=now())[0].id


def test_lines_drawn_are_those_of_the_streets(town: None) -> None:
    closed()
    assert 'data-lines="[[[5.04,47.322],[5.0415,47.3221]]]"' in streets.render_closed(scene.who())


def test_begun_and_ended_closures_are_told_by_frames(town: None) -> None:
    at = now()
    actions.close_street(["MUS-1"], reason="marché", begins_at=at + HOUR, until=at + 2 * HOUR, by=scene.who(), at=at)
    assert "prévue" in page("/closures")
    assert "none" in streets.render_closed(scene.who())
    assert actions.turn_closures(at=at + HOUR) == 1
    assert {each["target"] for each in frames.fragments_for([list_lines()[0].subject], scene.who())} == {
        "closures", "closed-streets",
    }  # fmt: skip

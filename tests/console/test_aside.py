"""Alarms put aside, out of service, reset and told higher, as the console shows them: pages, panels, acts, frames."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from beffroi.console import frames, keeping
from beffroi.foundation.clock import HOUR, MINUTE, now
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people.models import Person
from tests.console import scene

JSON = {"Accept": "application/json"}


@pytest.fixture
def town(db: None, tmp_path: Any) -> None:
    scene.set_up(tmp_path)


def console(username: str = "operatrice") -> Client:
    client = Client()
    client.force_login(Person.objects.get(username=username))
    return client


def the_alarm() -> int:
    (alarm,) = alarms.list_alarms(seen_by=scene.who("chefsalle"), limit=1)
    return alarm.id


def test_alarm_is_put_aside_by_a_form_of_the_panel_and_the_page_tells_it(town: None) -> None:
    incident = scene.trip()
    panel = console().get(f"/incidents/{incident.reference}/panel").content.decode()
    assert f"/alarms/{the_alarm()}/shelve" in panel
    assert 'data-key="d"' in panel and "120" in panel and ">480<" not in panel and "Hors service…" not in panel
    answer = console().post(f"/alarms/{the_alarm()}/shelve", {"minutes": "60", "why": "Pièce commandée"}, headers=JSON)
    assert (answer.status_code, "mise de côté" in answer.json()["said"]) == (200, True)
    targets = {fragment["target"] for fragment in answer.json()["fragments"]}
    assert {f"incident-{incident.id}", "counters", "aside"} <= targets
    page = console("visiteur").get("/aside").content.decode()
    assert "Pièce commandée" not in page and "réservé" in page  # it may name somebody
    assert "ARM-1" in page and "formaction" not in page
    assert "Remettre" in console().get("/aside").content.decode()
    panel = console().get(f"/incidents/{incident.reference}/panel").content.decode()
    assert "mise de côté" in panel and "Remettre devant nous" in panel


def test_who_comes_second_is_told_by_whom_and_when(town: None) -> None:
    scene.trip()
    console("chefsalle").post(f"/alarms/{the_alarm()}/shelve", {"minutes": "60", "why": "bruit"})
    name = Person.objects.get(username="chefsalle").display_name
    for verb, fields in (("shelve", {"minutes": "30", "why": "bruit"}), ("acknowledge", {})):
        answer = console().post(f"/alarms/{the_alarm()}/{verb}", fields, headers=JSON)
        assert (answer.status_code, name in answer.json()["said"]) == (409, True)
    console().post(f"/alarms/{the_alarm()}/unshelve")
    second = console("chefsalle").post(f"/alarms/{the_alarm()}/unshelve", headers=JSON)
    assert (second.status_code, Person.objects.get(username="operatrice").display_name in second.json()["said"]) == (
        409,
        True,
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"minutes": "60"}, "Écrivez d’abord le texte."),
        ({"why": "x"}, "Choisissez pendant combien de temps."),
        ({"minutes": "121", "why": "x"}, "C’est trop long"),
        ({"minutes": "99999999999", "why": "x"}, "Choisissez pendant combien de temps."),
    ],
)
def test_shelving_that_lacks_something_is_refused_with_what_to_do(town: None, fields: Any, told: str) -> None:
    scene.trip()
    answer = console().post(f"/alarms/{the_alarm()}/shelve", fields, headers=JSON)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True)


def test_supervisor_takes_equipment_out_of_service_and_puts_it_back(town: None) -> None:
    scene.trip()
    assert console().post(f"/alarms/{the_alarm()}/withdraw", {"until": "240", "why": "travaux"}).status_code == 403
    chief = console("chefsalle")
    chief.post(f"/alarms/{the_alarm()}/withdraw", {"until": "240", "why": "travaux", "what": "asset"})
    (kept,) = alarms.list_withdrawals(seen_by=scene.who())
    page = chief.get("/aside").content.decode()
    assert (kept.asset_code, kept.alarms, "Remettre en service" in page) == ("ARM-1", 1, True)
    again = chief.post("/aside/take-out", {"asset": "ARM-1", "until": "2099-01-01T08:00", "why": "x"}, headers=JSON)
    assert again.status_code == 422
    chief.post("/aside/take-out", {"source": "traffic", "until": "240", "why": "carrefours"})
    assert len(alarms.list_withdrawals(seen_by=scene.who())) == 2
    for each in alarms.list_withdrawals(seen_by=scene.who()):
        chief.post(f"/aside/withdrawals/{each.id}/end", {"why": "fini"})
    answer = chief.post(f"/aside/withdrawals/{kept.id}/end", {"why": "fini"}, headers=JSON)
    assert (answer.status_code, alarms.counts().out_of_service) == (409, 0)
    assert "Tout est en service" in chief.get("/aside").content.decode()


def test_frames_bring_the_page_and_the_header_to_what_a_fresh_page_shows(town: None) -> None:
    scene.trip()
    who = scene.who("chefsalle")
    steps: list[tuple[set[str], Any]] = [
        ({f"alarm:{the_alarm()}"}, lambda: actions.shelve_alarm(
            the_alarm(), until=now() + HOUR, reason="bruit", by=who, at=now())),
        ({"asset:ARM-1"}, lambda: actions.take_out_of_service(
            asset="ARM-1", until=now() + HOUR, reason="travaux", by=who, at=now())),
        ({"source:traffic"}, lambda: actions.take_out_of_service(
            source="traffic", until=now() + HOUR, reason="travaux", by=who, at=now())),
    ]  # fmt: skip
    for subjects, act in steps:
        act()
        drawn = {each["target"]: each["html"] for each in frames.fragments_for(subjects, who)}
        assert drawn["aside"] == keeping.render_aside(who)
        assert drawn["counters"] in console("chefsalle").get("/").content.decode()


def test_alarm_told_higher_is_marked_on_its_row_its_panel_and_the_header(town: None) -> None:
    began = now() - 11 * MINUTE
    incident = scene.trip(at=began)
    actions.let_time_pass(at=now())
    found = incidents.get(incident.id, scene.who())
    row = frames.render_incident_row(found, scene.who())
    page = console().get(f"/?incident={incident.reference}").content.decode()
    assert (found.rung, "escaladé" in row, "dit au chef de salle" in page) == (1, True, True)
    assert "Escaladées" in page
    console().post(f"/incidents/{incident.reference}/acknowledge")
    assert incidents.get(incident.id, scene.who()).rung == 0
    assert "Escaladées" not in console().get("/").content.decode()

"""What a crew's phone is told and sends: its own day, acts with a token, what comes too late, pictures and problems."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.console import crew_acts, crew_late, crew_words
from beffroi.console.build import crew_build, crew_worker
from beffroi.foundation.clock import now
from beffroi.foundation.settings import settings
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Mission, MissionState
from beffroi.kernel.incidents import actions as incident_actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.types import EVERYTHING
from beffroi.kernel.people import actions as people
from beffroi.kernel.places.actions import import_streets
from tests.console import scene
from tests.journeys import crews
from tests.kernel.incidents.photos import photo

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}


@pytest.fixture
def mission(town: None) -> Mission:
    crews.set_up()
    return crews.proposed()


def act(client: Client, name: str, mission: int = 0, token: str = "", **data: Any) -> Any:
    body = {"act": name, "token": token or str(uuid4()), "mission": mission, "data": data}
    return client.post("/crew/acts", json.dumps(body), content_type="application/json", headers=JSON)


def seen() -> Mission:
    return queries.missions_of_person("equipiere")[0]


def file() -> SimpleUploadedFile:
    return SimpleUploadedFile("p.jpg", photo(), content_type="image/jpeg")


def test_day_tells_ones_own_crew_and_missions_and_nothing_of_others(enter: Enter, mission: Mission) -> None:
    day = enter("equipiere").get("/crew/day.json", headers=JSON).json()
    assert (day["unit"]["callsign"], day["unit"]["duty"], [each["number"] for each in day["missions"]]) == (
        "LUM 1", "on", [mission.number],
    )  # fmt: skip
    told = day["missions"][0]
    assert (told["said"], told["where"], told["hazards"], len(told["checklist"])) == (
        "proposée", "27 boulevard Henri-Poincaré, Dijon", crews.CARD.hazards, 3,
    )  # fmt: skip
    other = enter("cantonnier").get("/crew/day.json", headers=JSON).json()
    assert (other["unit"]["callsign"], other["missions"]) == ("VOI 1", [])
    assert day["phone"] == settings().crew_phone == "112"


def test_signing_in_leads_a_crew_to_its_page_which_holds_nothing_of_anybody(enter: Enter, mission: Mission) -> None:
    client = Client()
    answer = client.post("/login", {"username": "equipiere", "password": "beffroi-equipiere"})
    assert answer["Location"] == "/crew/"
    shell = client.get("/crew/")
    html = shell.content.decode()
    assert shell.status_code == 200 and "beffroi_csrf" in client.cookies
    assert mission.title not in html and mission.reference not in html and "LUM 1" not in html
    for name in (crew_build().script, *crew_build().styles):
        assert f"/static/{name}" in html


def test_worker_keeps_every_file_that_the_page_loads(enter: Enter) -> None:
    script = Client().get("/crew/worker.js")
    assert script["Content-Type"].startswith("text/javascript") and script["Cache-Control"] == "no-cache"
    kept = json.loads(crew_worker().split("self.KEPT = ")[1].split(";\n")[0])
    assert {f"/static/{name}" for name in (crew_build().script, *crew_build().styles)} <= set(kept)
    assert any(name.endswith(".woff2") for name in kept) and not any("maplibre" in name for name in kept)
    script = crew_worker().split("self.NAME")[1]
    assert not re.search(r"\b(import|export)\b", script)  # in one piece: not every browser knows module workers


def test_acts_lead_a_mission_to_its_end_and_answer_with_the_day(enter: Enter, mission: Mission) -> None:
    client, number = enter("equipiere"), mission.number
    for name, data, state in (
        ("depart", {}, "en_route"),
        ("arrive", {}, "on_site"),
        ("check", {"line": 0, "checked": True}, "on_site"),
        ("sign", {}, "on_site"),
        ("safe", {}, "on_site"),
        ("note", {"text": "Disjoncteur remplacé."}, "on_site"),
        ("finish", {"outcome": "repaired", "comment": "Fait."}, "done"),
    ):
        answer = act(client, name, number, **data)
        assert answer.status_code == 200, (name, answer.content)
        assert answer.json()["day"]["missions"][0]["state"] == state
    done = seen()
    assert (done.state, done.outcome, done.safe_at is not None) == ("done", "repaired", True)
    assert done.checklist[0].checked_at is not None


def test_act_sent_twice_with_a_token_is_done_once(enter: Enter, mission: Mission) -> None:
    client = enter("equipiere")
    for _ in range(2):
        assert act(client, "depart", mission.number, token="jeton-0001").status_code == 200
    assert [line.verb for line in journal.list_lines(limit=50)].count("depart_for_mission") == 1
    reused = act(client, "arrive", mission.number, token="jeton-0001")
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:beffroi:key-reused")


def test_duty_breaks_and_the_switch_of_the_position(enter: Enter, mission: Mission) -> None:
    client = enter("cantonnier")
    far = {"data": {"lon": 5.05, "lat": 47.32, "accuracy_m": 9}}

    def tell() -> int:
        return client.post("/crew/position", json.dumps(far), content_type="application/json", headers=JSON).status_code

    def where() -> object:
        return queries.unit("voirie-1", seen_by=scene.who("chefsalle")).position

    assert (tell(), where()) == (422, None)
    assert act(client, "begin", headcount=2, shares=True).json()["day"]["unit"]["duty"] == "on"
    assert (tell(), where() is not None) == (204, True)
    assert act(client, "sharing", shares=False).json()["day"]["unit"]["shares"] is False
    assert (tell(), where()) == (422, None)
    assert act(client, "pause").json()["day"]["unit"]["duty"] == "break"
    assert act(client, "resume").json()["day"]["unit"]["duty"] == "on"
    assert act(client, "end").json()["day"]["unit"]["duty"] == "off"
    assert not any("5.05" in str(line.content) for line in journal.list_lines(limit=100, reach=EVERYTHING))


def test_crew_says_that_it_is_unavailable_and_why_and_the_room_sees_it(enter: Enter, mission: Mission) -> None:
    client = enter("equipiere")
    refused = act(client, "unavailable", reason="breakdown")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:beffroi:mission-goes-on")
    assert refused.json()["title"] == "Une mission est en cours : finissez-la, refusez-la, ou demandez à être rappelé."
    act(client, "refuse", mission.number, reason="Panne de nacelle.")
    for _ in range(2):
        unit = act(client, "unavailable", token="jeton-0009", reason="breakdown").json()["day"]["unit"]
        assert (unit["duty"], unit["said"], unit["reason"]) == ("unavailable", "indisponible", "panne")
    shown = " ".join(enter("chefsalle").get("/crews").content.decode().split())
    assert re.search(r'row-lumiere-1.*?indisponible</span><br><span class="muted">panne</span>', shown)
    assert "indisponible · panne" in enter("chefsalle").get("/").content.decode()
    assert act(client, "unavailable", reason="unwell").status_code == 422
    unit = act(client, "resume").json()["day"]["unit"]
    assert (unit["duty"], unit["reason"]) == ("on", "")


def test_problem_stands_where_its_picture_is_refused_and_both_are_told(enter: Enter, mission: Mission) -> None:
    client, body = enter("equipiere"), {"token": "jeton-0010", "category": "fallen_tree", "lon": "5.05", "lat": "47.32"}
    for _ in range(2):
        picture = SimpleUploadedFile("p.jpg", b"no picture", content_type="image/jpeg")
        answer = client.post("/crew/problems", {**body, "picture": picture}, headers=JSON)
        told = answer.json()
        assert (answer.status_code, told["type"]) == (422, "urn:beffroi:picture-unknown")
        assert re.fullmatch(r"BF-\d\d-\d+ signalé au poste\.", told["detail"])
    found = [each for each in incidents.list_open(seen_by=scene.who("chefsalle")) if each.category == "fallen_tree"]
    assert len(found) == 1


@pytest.mark.parametrize(("name", "data"), [("finish", {"outcome": "repaired", "comment": "Capot refermé."}),
                                            ("refuse", {"reason": "Capot refermé."})])  # fmt: skip
def test_words_of_an_act_that_comes_too_late_are_kept_on_the_incident(
    enter: Enter, mission: Mission, name: str, data: dict[str, str]
) -> None:
    actions.cancel_mission(mission.number, reason="Doublon", by=scene.who(), at=now())
    client = enter("equipiere")
    for _ in range(2):  # the phone that did not hear the answer sends it again
        answer = act(client, name, mission.number, token="jeton-0002", **data)
        told = answer.json()
        assert (answer.status_code, told["type"]) == (409, "urn:beffroi:mission-moved-on")
    assert told["title"].startswith("Mission annulée par Lucie") and "Motif : Doublon." in told["detail"]
    assert "Ce que vous avez écrit est gardé sur l’incident." in told["detail"]
    assert told["day"]["missions"][0]["state"] == "cancelled"
    kept = [line for line in journal.list_lines(limit=50, reach=EVERYTHING) if line.verb == "note_mission"]
    assert [line.personal.content["text"] for line in kept if line.personal] == ["Capot refermé."]
    panel = enter().get(f"/incidents/{mission.reference}/panel").content.decode()
    assert "L’équipage a noté" in panel and "Capot refermé." in panel


def test_what_becomes_of_a_mission_is_told_with_what_to_do_in_every_state(mission: Mission) -> None:
    assert set(crew_late.TITLES) == set(crew_late.ADVICE) == set(MissionState)


def test_picture_of_a_mission_is_kept_whatever_became_of_it(enter: Enter, mission: Mission) -> None:
    client = enter("equipiere")
    actions.cancel_mission(mission.number, reason="Doublon", by=scene.who(), at=now())
    incident_actions.close_incident(
        mission.incident, reason="cancelled", comment="doublon", by=scene.who("chefsalle"), at=now()
    )
    sent = {"mission": str(mission.number), "kind": "before", "token": "jeton-0003", "pressed_at": "1780000000000"}
    for _ in range(2):
        answer = client.post("/crew/pictures", {**sent, "picture": file()}, headers=JSON)
        assert answer.status_code == 200, answer.content
    (kept,) = incidents.evidence_of(mission.incident)
    assert (kept.kind, kept.mission, kept.by) == ("before", mission.number, "equipiere")
    assert answer.json()["day"]["missions"][0]["pictures"] == {"before": 1, "after": 0, "other": 0}
    other = enter("cantonnier").post("/crew/pictures", {**sent, "picture": file()}, headers=JSON)
    assert other.status_code == 404


def test_problem_opens_one_incident_with_its_picture_however_often_it_is_sent(enter: Enter, mission: Mission) -> None:
    client = enter("equipiere")
    sent = {"category": "fallen_tree", "text": "Branche", "lon": "5.0432", "lat": "47.3219", "token": "jeton-0004"}
    for _ in range(2):
        answer = client.post("/crew/problems", {**sent, "picture": file()}, headers=JSON)
        assert answer.status_code == 200, answer.content
    found = [each for each in incidents.list_open(seen_by=scene.who("chefsalle")) if each.category == "fallen_tree"]
    assert [(each.channel, each.origin) for each in found] == [("patrol", "person")]
    assert answer.json()["said"] == f"{found[0].reference} signalé au poste."
    assert len(incidents.evidence_of(found[0].id)) == 1
    nowhere = client.post("/crew/problems", {**sent, "lon": "", "token": "jeton-0005"}, headers=JSON)
    assert nowhere.json()["title"].startswith("Choisissez le lieu")


def test_distress_is_raised_where_the_phone_is_and_its_answer_comes_back(enter: Enter, mission: Mission) -> None:
    client = enter("equipiere")
    day = act(client, "distress", lon=5.0432, lat=47.3219).json()["day"]
    (standing,) = queries.standing_distresses(seen_by=scene.who("chefsalle"))
    assert (day["distress"]["id"], standing.lon, day["unit"]["status"]) == (standing.id, 5.0432, "distress")
    actions.answer_distress(standing.id, by=scene.who("chefsalle"), at=now())
    answered = client.get("/crew/day.json", headers=JSON).json()["distress"]["answered_name"]
    assert answered == scene.who("chefsalle").display_name


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '{"act": "fly", "token": "jeton-0006"}', '{"act": "depart", "token": "court"}',
     '{"act": "depart", "token": 7}', '{"act": "depart", "token": "jeton-0007", "mission": "12"}', "x" * 30_000,
     '{"act": "check", "token": "jeton-0008", "mission": true, "data": []}', "[" * 9_000],
)  # fmt: skip
def test_what_is_no_act_is_refused_and_changes_nothing(enter: Enter, mission: Mission, body: str) -> None:
    before = journal.last_seq()
    client = enter("equipiere")
    signed_in = journal.last_seq()
    answer = client.post("/crew/acts", body, content_type="application/json", headers=JSON)
    assert answer.status_code in (404, 422), answer.content
    assert (journal.last_seq(), signed_in >= before, seen().state) == (signed_in, True, "proposed")


def test_way_is_told_street_by_street_and_says_where_none_leads(enter: Enter, mission: Mission, tmp_path: Path) -> None:
    client = enter("equipiere")

    def way(query: str) -> dict[str, Any]:
        return dict(client.get(f"/crew/missions/{mission.number}/way.json{query}", headers=JSON).json())

    nowhere = {"metres": 0, "seconds": 0, "streets": [], "closed": []}
    assert way("?lon=5.0432&lat=47.3220") == nowhere
    ends = [(5.0432, 47.3220), (5.0415, 47.3220)]
    street = {"id": "S1", "name": "rue Monge", "class": "residential", "commune": "Dijon", "speed_kmh": 30}
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": ends}, "properties": street}
    file = tmp_path / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [line]}))
    import_streets(file, by=people.SYSTEM, at=now())
    told = way("?lon=5.0432&lat=47.3220")
    assert (told["streets"], told["closed"], 120 < told["metres"] < 140, told["seconds"] > 0) == (
        ["rue Monge"], [], True, True,
    )  # fmt: skip
    for query in ("", "?lon=nan&lat=47", "?lon=x&lat=y", "?lon=500&lat=0"):
        assert way(query)["streets"] == ["rue Monge"] or way(query) == nowhere
    other = enter("cantonnier").get(f"/crew/missions/{mission.number}/way.json", headers=JSON)
    assert other.status_code == 404


def test_page_has_words_for_all_that_its_script_says() -> None:
    import re
    from pathlib import Path

    import beffroi

    root = Path(beffroi.__file__).parents[2] / "web" / "src" / "crew"
    text = "\n".join(file.read_text() for file in sorted(root.glob("*.ts")))
    used = set(re.findall(r'word\(\s*"([a-z._]+)"', text)) | set(re.findall(r'\? "([a-z]+\.[a-z._]+)" : "', text))
    known = set(crew_words.crew_words())
    assert {name for name in used if name not in known} == set()
    assert {f"act.{name}" for name in ("depart", "arrive", "finish")} <= known
    assert set(crew_acts.WORDS_OF) <= set(crew_acts.ACTS)

"""Crews through the API: a day of one, as its phone and the simulated city live it; problems, idempotency, narrowing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.test import Client

from beffroi.api import shapes
from beffroi.kernel.dispatch import actions
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.types import Told
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_named
from tests.api.conftest import BY, NOW
from tests.kernel.dispatch.scene import CATEGORY, HERE, PROFILE

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.routes")]


class Phone:
    """Somebody with a token."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, token: str = "", **body: Any) -> Any:
        headers = {"Idempotency-Key": token} if token else {}
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


@pytest.fixture
def maud(token: Callable[..., str]) -> Phone:
    actions.publish_units(PROFILE, by=BY, at=NOW)
    incidents.publish_profile((CATEGORY,), (), by=BY, at=NOW)
    return Phone(token("crew", username="maud"))


@pytest.fixture
def lucie(token: Callable[..., str]) -> Phone:
    return Phone(token("operator", username="lucie"))


def call() -> int:
    told = Told("street_dark", HERE.lon, HERE.lat, place="12 rue Monge", commune="Dijon")
    return incidents.open_incident(told, by=viewer_named("lucie"), at=NOW).incident.id


def ok(response: Any, shape: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return msgspec.json.decode(response.content, type=shape)


def test_day_of_a_crew(maud: Phone, lucie: Phone) -> None:
    assert ok(maud.get("dispatch/mine"), shapes.OwnCrew).unit.status == "off_duty"
    begun = ok(maud.post("dispatch/duty/begin", "t1", headcount=2), shapes.Unit)
    assert (begun.id, begun.status, begun.headcount) == ("lumiere-1", "available", 2)
    kept = ok(maud.post("dispatch/positions", lon=5.051, lat=47.32, accuracy_m=8), shapes.UnitPosition)
    assert (kept.lon, kept.coarse) == (5.051, False)
    first = ok(lucie.get("dispatch/nearest", lon=5.04, lat=47.32, skills="electrical"), shapes.Candidates).items[0]
    assert (first.unit.id, first.missing, first.free) == ("lumiere-1", [], True)
    assert first.reason == "À 2 min environ, en ligne droite ; disponible."
    proposed = ok(lucie.post("missions", incident=call(), unit="lumiere-1"), shapes.Mission, 201)
    for act, state in (("accept", "accepted"), ("depart", "en_route"), ("arrive", "on_site"), ("make-safe", "on_site")):
        assert ok(maud.post(f"missions/{proposed.id}/{act}", act), shapes.Mission).state == state
    checked = ok(maud.post(f"missions/{proposed.id}/check", line=0), shapes.Mission)
    assert [item.checked_at is not None for item in checked.checklist] == [True, False]
    done = ok(maud.post(f"missions/{proposed.id}/finish", "f", outcome="repaired"), shapes.Mission)
    assert (done.state, done.outcome) == ("done", "repaired")
    mine = ok(maud.get("dispatch/mine"), shapes.OwnCrew)
    assert ([each.id for each in mine.missions], mine.unit.status) == ([proposed.id], "available")
    assert ok(maud.post("dispatch/duty/break"), shapes.Unit).status == "break"
    assert ok(maud.post("dispatch/duty/resume"), shapes.Unit).status == "available"
    assert ok(maud.post("dispatch/duty/unavailable", reason="refuelling"), shapes.Unit).reason == "refuelling"
    assert ok(maud.post("dispatch/duty/sharing", shares=False), shapes.Unit).position is None
    assert ok(maud.post("dispatch/duty/end"), shapes.Unit).status == "off_duty"


def test_act_that_comes_late_is_a_problem_that_says_who_did_what(maud: Phone, lucie: Phone) -> None:
    maud.post("dispatch/duty/begin", headcount=2)
    proposed = ok(lucie.post("missions", incident=call(), unit="lumiere-1"), shapes.Mission, 201)
    ok(lucie.post(f"missions/{proposed.id}/cancel", reason="doublon"), shapes.Mission)
    late = maud.post(f"missions/{proposed.id}/depart", "d1")
    assert (late.status_code, late["Content-Type"]) == (409, "application/problem+json")
    assert late.json()["type"] == "urn:beffroi:mission-moved-on"
    assert "was cancelled by lucie at" in late.json()["detail"]


def test_message_sent_twice_is_one(maud: Phone, lucie: Phone) -> None:
    maud.post("dispatch/duty/begin", headcount=2)
    proposed = ok(lucie.post("missions", incident=call(), unit="lumiere-1"), shapes.Mission, 201)
    first = maud.post(f"missions/{proposed.id}/accept", "a1")
    maud.post(f"missions/{proposed.id}/depart", "d1")
    assert maud.post(f"missions/{proposed.id}/accept", "a1").content == first.content
    assert maud.post(f"missions/{proposed.id}/arrive", "a1").status_code == 422


def test_position_off_duty_is_refused(maud: Phone) -> None:
    refused = maud.post("dispatch/positions", lon=5.051, lat=47.32)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:beffroi:off-duty")


def test_distress_is_raised_heard_answered_and_ended(maud: Phone, lucie: Phone, token: Callable[..., str]) -> None:
    raised = ok(maud.post("dispatch/distress", "s1", lon=5.04, lat=47.32), shapes.Distress, 201)
    assert [each.id for each in ok(lucie.get("dispatch/distress"), shapes.Distresses).items] == [raised.id]
    assert ok(maud.get("dispatch/mine"), shapes.OwnCrew).distress.id == raised.id
    assert ok(lucie.post(f"dispatch/distress/{raised.id}/answer"), shapes.Distress).answered_by == "lucie"
    paul = Phone(token("operator", username="paul"))
    assert paul.post(f"dispatch/distress/{raised.id}/answer").status_code == 409
    ok(lucie.post(f"dispatch/distress/{raised.id}/end", reason="au téléphone, va bien"), shapes.Distress)
    assert ok(lucie.get("dispatch/distress"), shapes.Distresses).items == []


def test_lists_are_cut_and_narrowed(maud: Phone, lucie: Phone) -> None:
    page = ok(lucie.get("dispatch/units", limit=2), shapes.Units)
    rest = ok(lucie.get("dispatch/units", limit=2, cursor=page.next), shapes.Units)
    assert [unit.id for unit in (*page.items, *rest.items)] == ["lumiere-1", "lumiere-2", "patrouille-1"]
    assert [unit.id for unit in ok(lucie.get("dispatch/units", desk="police"), shapes.Units).items] == ["patrouille-1"]
    assert ok(lucie.get("dispatch/units", on_duty="true"), shapes.Units).items == []
    assert lucie.get("dispatch/units", onduty="true").status_code == 422
    assert maud.get("dispatch/units").status_code == 403
    assert maud.get("dispatch/units/lumiere-1").status_code == 200
    assert maud.get("dispatch/units/lumiere-2").status_code == 404
    maud.post("dispatch/duty/begin", headcount=2)
    first = ok(lucie.post("missions", incident=call(), unit="lumiere-1"), shapes.Mission, 201)
    assert [each.id for each in ok(lucie.get("missions", live="true"), shapes.Missions).items] == [first.id]
    assert ok(lucie.get("missions", unit="lumiere-2"), shapes.Missions).items == []


def test_accounts_of_the_simulated_crews_are_made_once(tmp_path: Any) -> None:
    from beffroi.app.crews import prepare_crews
    from beffroi.app.provision import PROFILE as FOLDER
    from beffroi.kernel.dispatch.rules import parse_profile

    units = parse_profile((FOLDER / "units.yaml").read_text()).units
    assert prepare_crews(tmp_path, units, by=BY, at=NOW) == len(units) == 14
    text = (tmp_path / "crews.json").read_text()
    assert prepare_crews(tmp_path, units, by=BY, at=NOW) == 0
    assert (tmp_path / "crews.json").read_text() == text
    assert (tmp_path / "crews.json").stat().st_mode & 0o777 == 0o600
    people.retire_demonstration_accounts(NOW)
    assert prepare_crews(tmp_path, units, by=BY, at=NOW) == 0

"""What the API answers, through the real routes, middleware, door and database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.db import transaction
from django.test import Client

from beffroi.api import shapes
from beffroi.api.problems import MEDIA_TYPE
from beffroi.kernel.incidents.actions import publish_profile
from beffroi.kernel.incidents.types import Category
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal.types import Entry, Sensitivity
from beffroi.kernel.people import actions as people
from tests.api.conftest import BY, NOW

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.routes")]
Get = Callable[..., Any]
City = dict[str, int]


def _problem(response: Any) -> tuple[int, str]:
    told = response.json()
    assert response["Content-Type"] == MEDIA_TYPE
    assert told["status"] == response.status_code
    assert told["title"]
    assert told["detail"]
    return response.status_code, told["type"].removeprefix("urn:beffroi:")


def _ids(response: Any) -> list[Any]:
    assert response.status_code == 200, response.content
    return [item.get("sequence", item.get("id")) for item in response.json()["items"]]


def _exactly(response: Any, shape: Any) -> Any:
    """Decode strictly: every field there, none of another type."""
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store"
    return msgspec.json.decode(response.content, type=shape)


def test_status_has_the_shape_that_does_not_move(get: Get, city: City) -> None:
    response = get("status")
    _exactly(response, shapes.Status)
    told = response.json()
    assert list(told) == ["readings", "lag_s", "alarms", "incidents", "journal", "quarantine"]
    counts = {"received": 9, "stored": 6, "quarantined": 1, "refused": 2}
    assert told["readings"] == {**counts, "by_source": {"lighting": counts}}
    assert (told["alarms"], told["incidents"]) == ({"open": 0}, {"open": 0})
    assert told["journal"] == {"sequence": 3, "sealed": 0, "sealed_at": None, "stands_still": True}
    assert told["lag_s"] == {}
    assert told["quarantine"] == {"frames": 0, "bytes": 0, "dropped": 0}


def test_assets_are_listed_by_code_in_pages(get: Get, city: City) -> None:
    first = _exactly(get("assets", limit=2), shapes.Assets)
    assert [asset.id for asset in first.items] == ["CAB-1", "L-1"]
    second = _exactly(get("assets", limit=2, cursor=first.next), shapes.Assets)
    assert ([asset.id for asset in second.items], second.next) == (["L/2"], None)
    assert msgspec.to_builtins(first.items[0]) == {
        "id": "CAB-1",
        "class": "lighting_cabinet",
        "name": "Équipement CAB-1",
        "source": "lighting",
        "address": "CAB-1",
        "lon": 5.0,
        "lat": 47.0,
        "place": "rue A",
        "commune": "Dijon",
        "period_s": 60,
        "properties": {"rated_w": 40},
    }


def test_assets_are_filtered(get: Get, city: City) -> None:
    assert _ids(get("assets", **{"class": "light_point"})) == ["L-1", "L/2"]
    assert _ids(get("assets", **{"class": "light_point"}, commune="Talant")) == ["L/2"]
    assert _ids(get("assets", source="traffic")) == []
    assert _ids(get("assets", text="quipement l")) == ["L-1", "L/2"]


def test_assets_are_narrowed_to_the_communes_of_the_clearance(get: Get, city: City, token: Callable[..., str]) -> None:
    here = token("operator", commune="Talant")
    assert _ids(get("assets", bearer=here)) == ["L/2"]
    assert _problem(get("assets/L-1", bearer=here)) == (404, "not-found")
    assert _problem(get("assets/L-1/readings", bearer=here)) == (404, "not-found")
    assert get("assets/L/2", bearer=here).status_code == 200


def test_asset_is_shown_with_its_last_values(get: Get, city: City) -> None:
    asset = _exactly(get("assets/L-1"), shapes.AssetDetail)
    assert (asset.id, asset.freshness, asset.fresh_since) == ("L-1", "live", None)
    assert [(value.quantity, value.value, value.unit, value.state) for value in asset.state] == [
        ("lamp_state", 1.0, "", "on"),
        ("power_w", 42.0, "W", None),
    ]
    assert asset.state[0].observed_at == "2026-05-28T20:26:42.000000Z"
    assert asset.state[0].quality == "good"


def test_readings_are_listed_in_pages_without_loss(get: Get, city: City) -> None:
    seen, cursor = [], None
    while True:
        page = _exactly(get("assets/L-1/readings", limit=4, **({"cursor": cursor} if cursor else {})), shapes.Readings)
        seen += [(value.quantity, value.value) for value in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == sorted(
        (name, value) for second in range(3) for name, value in (("lamp_state", 1.0), ("power_w", 40.0 + second))
    )


def test_readings_are_filtered_by_quantity_and_time(get: Get, city: City) -> None:
    def values(**query: str) -> list[float]:
        response = get("assets/L-1/readings", quantity="power_w", **query)
        return [value.value for value in _exactly(response, shapes.Readings).items]

    assert values() == [40.0, 41.0, 42.0]
    assert values(**{"from": "2026-05-28T20:26:41Z"}) == [41.0, 42.0]
    assert values(**{"from": "2026-05-28T22:26:41+02:00", "to": "2026-05-28T20:26:42Z"}) == [41.0]
    raw = get("assets/L-1/readings?quantity=power_w&from=2026-05-28T22:26:42+02:00")
    assert [value["value"] for value in raw.json()["items"]] == [42.0]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("assets?limit=0", "limit"),
        ("assets?limit=501", "limit"),
        ("assets?clas=light_point", "no parameter is called `clas`"),
        ("assets?class=lamp", "there are: boiler_room"),
        ("assets?cursor=%21%21", "cursor"),
        ("assets?cursor=MTI", "cursor"),
        ("assets?text=%00", "zero character"),
        ("assets/L-1/readings?quantity=power", "unit last"),
        ("assets/L-1/readings?from=yesterday", "RFC 3339"),
        ("assets/L-1/readings?from=2026-11-22T08:00:00", "RFC 3339"),
        ("assets/L-1/readings?cursor=eA", "cursor"),
        ("alarms?state=loud", "state"),
        ("alarms?priority=9", "priority"),
        ("incidents?state=lost", "state"),
        ("journal?after=-1", "after"),
        ("journal?after=99999999999999999999", "after"),
        ("addresses", "text"),
    ],
)
def test_question_that_cannot_be_read_is_a_problem_that_says_why(get: Get, city: City, path: str, named: str) -> None:
    response = get(path)
    assert _problem(response) == (422, "malformed")
    assert named in response.json()["detail"]


def test_errors_are_problems(get: Get, city: City, token: Callable[..., str]) -> None:
    assert _problem(get("assets/NOTHING")) == (404, "not-found")
    assert _problem(get("assets/%00")) == (404, "not-found")
    assert _problem(get("nowhere")) == (404, "not-found")
    assert _problem(Client().get("/api")) == (404, "not-found")
    assert _problem(Client().get("/api/v2/status")) == (404, "not-found")
    assert _problem(get("status", bearer=token("visitor"))) == (403, "forbidden")
    assert _problem(get("status", bearer="bft_unknown")) == (401, "unauthorized")
    answer = Client().get("/api/v1/status")
    assert _problem(answer) == (401, "unauthorized")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    for method in ("post", "put", "delete", "patch", "options"):
        refused = getattr(Client(), method)("/api/v1/status")
        assert _problem(refused) == (405, "method-not-allowed")
        assert refused["Allow"] == "GET"


def test_failure_of_the_post_is_a_problem_that_shows_nothing(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("beffroi.kernel.twin.queries.totals", fail)
    response = get("status")
    assert _problem(response) == (500, "error")
    assert b"secret" not in response.content


def test_database_that_does_not_answer_is_told_as_such(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fail(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("beffroi.kernel.twin.queries.totals", fail)
    assert _problem(get("status")) == (503, "unreachable")


def test_journal_is_read_both_ways_and_without_what_is_kept_close(get: Get) -> None:
    with transaction.atomic():
        for number in range(4):
            level = Sensitivity.DESK if number == 1 else Sensitivity.COMMON
            entry = Entry(BY, "incidents", "note", f"incident:{number}", ("asset:X",), {"n": number}, sensitivity=level)
            journal.append([entry], at=NOW)
    assert _ids(get("journal", room="incidents")) == [7, 6, 4]
    assert _ids(get("journal", subject="incident:3")) == [7]
    assert _ids(get("journal", subject="asset:X", limit=2)) == [7, 6]
    page = _exactly(get("journal", subject="asset:X", limit=2), shapes.Lines)
    assert _ids(get("journal", subject="asset:X", limit=2, cursor=page.next)) == [4]
    forward = _exactly(get("journal", after=3, limit=2), shapes.Lines)
    assert [line.sequence for line in forward.items] == [4, 6]
    assert _ids(get("journal", after=3, limit=2, cursor=forward.next)) == [7]
    line = forward.items[0]
    assert (line.actor.id, line.content, len(line.digest)) == ("tests", {"n": 0}, 64)
    assert _ids(get("journal", verb="create_token", actor="tests")) == [3]
    assert _ids(get("journal", **{"from": "2030-01-01T00:00:00Z"})) == []


def test_lists_of_alarms_and_incidents_are_empty_pages(get: Get) -> None:
    assert get("alarms", open="true").json() == {"items": [], "next": None}
    assert get("incidents", open="true").json() == {"items": [], "next": None}
    assert get("addresses", text="rue").json() == {"items": [], "next": None}


def test_console_session_enters_by_the_same_door(db: None) -> None:
    accounts = {name: password for name, password, _ in people.ensure_demonstration_accounts(NOW)}
    client = Client()
    client.force_login(people.sign_in("visiteur", accounts["visiteur"], at=NOW))
    assert client.get("/api/v1/assets").status_code == 200
    assert _problem(client.get("/api/v1/journal")) == (403, "forbidden")
    assert _problem(client.get("/api/v1/assets", headers={"Authorization": "Bearer bft_wrong"})) == (
        401,
        "unauthorized",
    )


def test_openapi_document_describes_every_answer() -> None:
    response = Client().get("/api/v1/openapi.json")
    document = response.json()
    assert (response.status_code, document["openapi"]) == (200, "3.1.0")
    assert sorted(document["paths"]) == [
        "/api/v1/addresses",
        "/api/v1/alarm-definitions",
        "/api/v1/alarm-definitions/{definition}",
        "/api/v1/alarm-definitions/{definition}/versions",
        "/api/v1/alarms",
        "/api/v1/alarms/figures",
        "/api/v1/alarms/posts",
        "/api/v1/assets",
        "/api/v1/assets/{id}",
        "/api/v1/assets/{id}/readings",
        "/api/v1/commands",
        "/api/v1/commands/abilities",
        "/api/v1/commands/groups",
        "/api/v1/commands/groups/{command}",
        "/api/v1/commands/{command}",
        "/api/v1/commands/{command}/authorise",
        "/api/v1/commands/{command}/cancel",
        "/api/v1/commands/{command}/deny",
        "/api/v1/commands/{command}/revert",
        "/api/v1/dispatch/distress",
        "/api/v1/dispatch/distress/{distress}/answer",
        "/api/v1/dispatch/distress/{distress}/end",
        "/api/v1/dispatch/duty/begin",
        "/api/v1/dispatch/duty/break",
        "/api/v1/dispatch/duty/end",
        "/api/v1/dispatch/duty/resume",
        "/api/v1/dispatch/duty/sharing",
        "/api/v1/dispatch/duty/unavailable",
        "/api/v1/dispatch/mine",
        "/api/v1/dispatch/nearest",
        "/api/v1/dispatch/positions",
        "/api/v1/dispatch/units",
        "/api/v1/dispatch/units/{unit}",
        "/api/v1/incidents",
        "/api/v1/incidents/categories",
        "/api/v1/incidents/{reference}",
        "/api/v1/incidents/{reference}/evidence",
        "/api/v1/incidents/{reference}/evidence/{picture}",
        "/api/v1/journal",
        "/api/v1/journal/{sequence}/proof",
        "/api/v1/messages",
        "/api/v1/messages/{message}/seen",
        "/api/v1/missions",
        "/api/v1/missions/{mission}",
        "/api/v1/missions/{mission}/accept",
        "/api/v1/missions/{mission}/arrive",
        "/api/v1/missions/{mission}/cancel",
        "/api/v1/missions/{mission}/check",
        "/api/v1/missions/{mission}/depart",
        "/api/v1/missions/{mission}/finish",
        "/api/v1/missions/{mission}/make-safe",
        "/api/v1/missions/{mission}/refuse",
        "/api/v1/missions/{mission}/sign",
        "/api/v1/procedures",
        "/api/v1/procedures/{procedure}",
        "/api/v1/runs",
        "/api/v1/runs/{run}",
        "/api/v1/runs/{run}/steps/{run_step}/answer",
        "/api/v1/runs/{run}/steps/{run_step}/confirm",
        "/api/v1/runs/{run}/steps/{run_step}/engage",
        "/api/v1/runs/{run}/steps/{run_step}/send",
        "/api/v1/runs/{run}/steps/{run_step}/skip",
        "/api/v1/runs/{run}/steps/{run_step}/tick",
        "/api/v1/runs/{run}/stop",
        "/api/v1/sources",
        "/api/v1/status",
        "/api/v1/streets/closures",
        "/api/v1/streets/closures/{closure}/reopen",
        "/api/v1/streets/way",
    ]
    schemas = document["components"]["schemas"]
    for route in [route for methods in document["paths"].values() for route in methods.values()]:
        assert {"401", "403", "422"} < set(route["responses"])
        assert {"200", "201"} & set(route["responses"])
        assert route["security"] == [{"BearerToken": []}, {"ConsoleSession": []}]
        for answer in route["responses"].values():
            for content in answer["content"].values():
                if content["schema"].get("format") == "binary":
                    continue
                assert content["schema"]["$ref"].removeprefix("#/components/schemas/") in schemas
    assert schemas["Status"]["required"] == ["readings", "lag_s", "alarms", "incidents", "journal", "quarantine"]
    names = [parameter["name"] for parameter in document["paths"]["/api/v1/assets"]["get"]["parameters"]]
    assert names == ["limit", "cursor", "class", "source", "commune", "text"]
    assert "class" in schemas["Asset"]["properties"]


# -- telling incidents -------------------------------------------------------------------------------------------------

TOLD = {
    "category": "fallen_tree",
    "description": "Un tilleul barre la rue.",
    "lon": 5.04,
    "lat": 47.32,
    "commune": "Dijon",
}


@pytest.fixture
def tell(token: Callable[..., str]) -> Callable[..., Any]:
    """Tell an incident as a partner (or with another token); return the answer."""
    publish_profile([Category("fallen_tree", "Arbre à terre", "citizens", 2)], [], by=BY, at=NOW)
    mine = token("partner")

    def ask(body: Any, *, key: str = "", bearer: str = mine) -> Any:
        headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
        return Client(headers=headers).post("/api/v1/incidents", body, content_type="application/json")

    return ask


def test_partner_tells_an_incident_once_for_one_key(tell: Callable[..., Any]) -> None:
    first, again = tell(TOLD, key="k-1"), tell(TOLD, key="k-1")
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    told = msgspec.json.decode(first.content, type=shapes.Incident)
    assert (told.title, told.desk, told.priority, told.origin, told.channel, told.description, told.duplicate_of) == (
        "Arbre à terre", "citizens", 2, "partner", "partner", "Un tilleul barre la rue.", None,
    )  # fmt: skip
    assert _problem(tell(TOLD | {"description": "autre"}, key="k-1")) == (422, "key-reused")


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({}, 422, "malformed"),
        (TOLD | {"unknown": 1}, 422, "malformed"),
        (TOLD | {"category": "nope"}, 422, "category-unknown"),
        ({"category": "fallen_tree"}, 422, "place-missing"),
        (TOLD | {"lon": 900}, 422, "malformed"),
        ("{", 400, "bad-request"),
    ],
)
def test_what_cannot_be_taken_is_a_problem(tell: Callable[..., Any], body: Any, status: int, key: str) -> None:
    assert _problem(tell(body)) == (status, key)


def test_partner_reads_nothing_and_an_integration_tells_nothing(
    tell: Callable[..., Any], get: Get, token: Callable[..., str]
) -> None:
    partner = token("partner", username="eaux")
    assert _problem(get("incidents", bearer=partner)) == (403, "forbidden")
    assert _problem(tell(TOLD, bearer=token("integration", username="sig"))) == (403, "forbidden")
    assert get("incidents/categories", bearer=partner).json()["items"][0]["id"] == "fallen_tree"


def test_incidents_are_found_by_words_and_around_a_place(tell: Callable[..., Any], get: Get) -> None:
    number = tell(TOLD).json()["id"]
    other = tell(TOLD | {"lon": 5.2, "description": "Une branche."}).json()["id"]
    assert _ids(get("incidents", text="arbre terre")) == [other, number]
    assert _ids(get("incidents", text="tilleul")) == [], "words that name persons are found by who may read them"
    assert _ids(get("incidents", around="5.04,47.32", within_m=100)) == [number]
    assert _problem(get("incidents", around="ici")) == (422, "malformed")

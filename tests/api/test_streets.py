"""Streets through the API: listed, closed and opened again, and the way along what is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from beffroi.foundation.clock import HOUR, now, to_rfc3339
from tests.console.streets import lay

Token = Callable[..., str]


@pytest.fixture
def streets(db: None, tmp_path: Path) -> None:
    lay(tmp_path)


def ask(secret: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    if body is None:
        return client.get(f"/api/v1/streets/{path}", query)
    return client.post(f"/api/v1/streets/{path}", body, content_type="application/json")


def until() -> str:
    return to_rfc3339(now() + HOUR)


@pytest.mark.usefixtures("streets")
def test_street_at_a_position_is_closed_listed_and_opened_again(token: Token) -> None:
    mine = token("operator")
    body = {"lon": 5.0408, "lat": 47.32205, "whole_street": True, "until": until(), "reason": "fuite"}
    made = ask(mine, "closures", body)
    assert made.status_code == 201, made.content
    closure = made.json()
    assert (closure["segments"], closure["street"], closure["state"], closure["incident"]) == (
        ["LIB-1", "LIB-2"], "rue de la Liberté", "in_force", "",
    )  # fmt: skip
    assert ask(mine, "closures").json() == {"items": [closure], "next": None}
    again = ask(mine, "closures", body)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "already-closed")
    opened = ask(mine, f"closures/{closure['id']}/reopen", {"reason": "réparé"})
    assert (opened.status_code, opened.json()["state"], opened.json()["end_reason"]) == (200, "lifted", "réparé")
    assert ask(mine, f"closures/{closure['id']}/reopen", {"reason": "réparé"}).status_code == 409
    assert ask(mine, "closures").json()["items"] == []
    assert [each["id"] for each in ask(mine, "closures", ended="true").json()["items"]] == [closure["id"]]


@pytest.mark.usefixtures("streets")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"segments": ["LIB-1"], "lon": 5.04, "lat": 47.32, "reason": "x"}, 422),
        ({"reason": "x"}, 422),
        ({"segments": ["NO"], "reason": "x"}, 404),
        ({"lon": 5.4, "lat": 47.4, "reason": "x"}, 404),
        ({"segments": ["LIB-1"], "reason": " "}, 422),
        ({"segments": ["LIB-1"], "reason": "x", "until": "tomorrow"}, 422),
        ({"segments": ["LIB-1"], "reason": "x", "incident": "BF-26-000999"}, 404),
        ({"segments": ["LIB-1"], "reason": "x", "colour": "red"}, 422),
    ],
)
def test_closing_that_cannot_be_is_told_as_a_problem(token: Token, body: dict[str, Any], status: int) -> None:
    mine = token("operator")
    answer = ask(mine, "closures", {"until": until()} | body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert ask(mine, "closures").json()["items"] == []


@pytest.mark.usefixtures("streets")
def test_way_goes_round_what_is_closed_and_says_what_must_be_entered(token: Token) -> None:
    mine = token("operator")
    ends = {"from": "5.0400,47.3220", "to": "5.0415,47.3221"}
    straight = ask(mine, "way", **ends).json()
    assert (straight["streets"], straight["closed"]) == (["rue de la Liberté"], [])
    ask(mine, "closures", {"segments": ["LIB-1"], "until": until(), "reason": "fuite"})
    round_ = ask(mine, "way", **ends).json()
    assert round_["streets"] == ["place Darcy", "rue des Forges", "rue Musette"]
    assert round_["seconds"] > straight["seconds"]
    inside = ask(mine, "way", **(ends | {"to": "5.0408,47.32205"}), vehicle="bicycle").json()
    assert inside["closed"] == ["rue de la Liberté"]
    for wrong in ({"from": "here"}, {"vehicle": "tank"}, {"over": "x"}, {"to": "0,0"}):
        assert ask(mine, "way", **(ends | wrong)).status_code == 422
    away = ask(mine, "way", **(ends | {"to": "5.5,47.3"}))
    assert (away.status_code, away.json()["type"].rpartition(":")[2]) == (404, "no-way-off-network")

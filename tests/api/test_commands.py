"""Commands by the API: asked, tried, authorised by another, refused with who was first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from beffroi.foundation import clock
from beffroi.foundation.clock import to_datetime
from beffroi.kernel.twin.models import Counter
from tests.api.conftest import Get
from tests.kernel.commands.scene import send, set_up

Post = Callable[..., Any]


@pytest.fixture
def post(token: Callable[..., str], city: dict[str, int]) -> Post:
    """Post as nadia, an operator, or with another token."""
    set_up()
    Counter.objects.update(last_received_at=to_datetime(clock.now()))
    nadia = token("operator", username="nadia")

    def ask(path: str, body: dict[str, Any] | None = None, *, bearer: str = nadia, **headers: str) -> Any:
        return Client(headers={"Authorization": f"Bearer {bearer}", **headers}).post(
            f"/api/v1/{path}", body or {}, content_type="application/json"
        )

    return ask


WISH: dict[str, Any] = {
    "ability": "set_level",
    "parameters": {"level_pct": 30},
    "assets": ["L-1", "CAB-1", "X"],
    "reason": "nuit",
}


def test_request_is_tried_then_asked_then_followed(post: Post, get: Get) -> None:
    tried = post("commands", WISH | {"dry_run": True, "hold_s": 600})
    assert tried.status_code == 200
    told = tried.json()
    assert told["touched"] == ["L-1"]
    assert {each["asset"]: each["key"] for each in told["left_out"]} == {"CAB-1": "ability-unknown", "X": "unknown"}
    assert told["effect"].startswith("Le point lumineux éclaire à 30 %")
    assert get("commands").json()["items"] == []
    asked = post("commands", WISH, **{"Idempotency-Key": "k-1"})
    assert (asked.status_code, asked.json()["state"], asked.json()["size"]) == (201, "authorised", 1)
    again = post("commands", WISH, **{"Idempotency-Key": "k-1"})
    assert (again.status_code, again.json()["id"]) == (200, asked.json()["id"])
    command = get(f"commands/{asked.json()['id']}").json()
    assert (command["asset"], command["state"], command["asked_by"]) == ("L-1", "authorised", "nadia")
    assert [each["id"] for each in get("commands", asset="L-1", open="true").json()["items"]] == [command["id"]]
    assert get("commands", asset="L-9").json()["items"] == []


def test_second_to_ask_is_told_who_was_first(post: Post, token: Callable[..., str]) -> None:
    assert post("commands", WISH).status_code == 201
    second = post("commands", WISH | {"assets": ["L-1"]}, bearer=token("operator", username="karim"))
    assert (second.status_code, second.json()["type"]) == (409, "urn:beffroi:taken")
    assert "already commanded by nadia" in second.json()["detail"]


def test_dangerous_request_needs_the_token_of_another(post: Post, get: Get, token: Callable[..., str]) -> None:
    karim = token("operator", username="karim")
    asked = post("commands", {"ability": "open_feeder", "assets": ["CAB-1"], "reason": "câble à terre"}).json()
    assert asked["state"] == "asked"
    waiting = get("commands/groups", bearer=karim, waiting="true").json()["items"]
    assert [each["effect"] for each in waiting] == [
        "Le départ de l’armoire est coupé ; tous les points qu’elle alimente s’éteignent."
    ]
    own = post(f"commands/{asked['id']}/authorise")
    assert (own.status_code, own.json()["type"]) == (403, "urn:beffroi:forbidden")
    agreed = post(f"commands/{asked['id']}/authorise", bearer=karim)
    assert (agreed.status_code, agreed.json()["moved"]) == (200, 1)
    late = post(f"commands/{asked['id']}/deny", {"reason": "non"}, bearer=karim)
    assert (late.status_code, late.json()["type"]) == (409, "urn:beffroi:not-denied")
    assert post(f"commands/{asked['id']}/cancel", {"reason": "fini"}).json()["moved"] == 1
    assert get(f"commands/{asked['id']}", bearer=karim).json()["end_reason"] == "fini"
    assert get(f"commands/{asked['id']}").json()["end_reason"] == ""


def test_group_is_followed_by_its_counts_and_undone(post: Post, get: Get, city: dict[str, int]) -> None:
    asked = post("commands", WISH | {"assets": ["L-1", "L/2"], "hold_s": 600}).json()
    group = get(f"commands/groups/{asked['group']}").json()
    assert (group["size"], group["counts"], group["open"]) == (2, {"authorised": 2}, 2)
    source = int(Counter.objects.get().source_id)
    assert len(send(source, at=clock.now())) == 2
    undone = post(f"commands/{asked['group']}/revert")
    assert (undone.status_code, undone.json()["size"]) == (200, 2)
    assert get(f"commands/groups/{asked['group']}").json()["reverted_by"] == undone.json()["group"]
    assert len(get("commands", group=undone.json()["group"]).json()["items"]) == 2
    assert [each["id"] for each in get("commands/groups").json()["items"]] == [undone.json()["group"], asked["group"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"ability": "explode"}, 404),
        ({"parameters": {"level_pct": 300}}, 422),
        ({"parameters": {}}, 422),
        ({"reason": ""}, 422),
        ({"assets": []}, 422),
        ({"assets": ["CAB-1"]}, 422),
        ({"due_at": "tomorrow"}, 422),
        ({"colour": "red"}, 422),
    ],
)
def test_request_that_is_wrong_is_a_problem_and_asks_nothing(
    post: Post, get: Get, change: dict[str, Any], status: int
) -> None:
    answered = post("commands", WISH | change)
    assert (answered.status_code, answered["Content-Type"]) == (status, "application/problem+json")
    assert get("commands").json()["items"] == []


def test_who_may_only_see_asks_nothing_and_strange_numbers_are_not_found(post: Post, get: Get) -> None:
    assert [each["ability"] for each in get("commands/abilities", class_="bollard").json()["items"]] == [
        "lower_bollard",
        "raise_bollard",
    ]
    for path in ("commands/x", "commands/00000000-0000-7000-8000-000000000000", "commands/groups/x"):
        assert get(path).status_code == 404
    assert get("commands", colour="red").status_code == 422


def test_integration_reads_and_asks_nothing(post: Post, token: Callable[..., str]) -> None:
    machine = token("integration", username="machine")
    assert post("commands", WISH, bearer=machine).status_code == 403

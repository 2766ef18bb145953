"""Procedures by the API: read, started, run step by step, each act once whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.procedures import actions, queries
from tests.api.conftest import Get
from tests.kernel.incidents.photos import photo
from tests.kernel.procedures.cards import T0, an_incident, assert_replayed, in_force, later, nadia

Post = Callable[..., Any]


@pytest.fixture
def post(token: Callable[..., str]) -> Post:
    """Post as nadia, an operator, or with another token; with `key`, an `Idempotency-Key`."""
    mine = token("operator", username="nadia")

    def ask(path: str, body: dict[str, Any] | None = None, *, bearer: str = mine, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
        return Client(headers=headers).post(f"/api/v1/{path}", body or {}, content_type="application/json")

    return ask


@pytest.fixture
def reference(post: Post) -> str:
    """The reference of an incident, the procedures in force."""
    in_force()
    return an_incident().reference


def standing(run: dict[str, Any]) -> list[str]:
    """Return the steps that wait."""
    return [each["step"] for each in run["items"] if each["standing"]]


def moves(number: int) -> int:
    """Return how many events a run has."""
    return queries.run(number, nadia()).moves


def test_procedures_are_listed_proposed_and_given_with_their_steps(get: Get, reference: str) -> None:
    found = get("procedures").json()["items"]
    assert [(each["code"], each["version"], each["in_force"]) for each in found] == [
        ("cordon", 4, True),
        ("dark", 1, True),
    ]
    assert [each["code"] for each in get("procedures", category="street_dark").json()["items"]] == ["dark"]
    assert [each["code"] for each in get("procedures", incident=reference).json()["items"]] == ["dark"]
    card = get("procedures/dark").json()
    assert (card["alarms"], card["categories"], card["versions"]) == (["cabinet_tripped"], ["street_dark"], [1])
    assert [each["id"] for each in card["steps"]] == ["look", "hit", "by_hit", "both", "end"]
    assert card["steps"][0] == {
        "id": "look",
        "kind": "instruction",
        "title": "Regarder les caméras",
        "within_s": 60,
        "escalate": {"to": "supervisor", "after_s": 30},
        "evidence": "note",
    }
    hit, otherwise = card["steps"][2]["ways"]
    assert (hit["when"], hit["steps"][0]["procedure"]) == ({"hit": ["hit"]}, "cordon")
    assert (otherwise.get("when"), otherwise["steps"][0]["until"]) == (None, "on_site")
    assert get("procedures/nowhere").status_code == 404
    assert get("procedures/dark", version=7).status_code == 404
    assert get("procedures", colour="red").status_code == 422


def test_a_run_is_started_once_and_done_step_by_step(post: Post, get: Get, reference: str) -> None:
    asked = post("runs", {"procedure": "dark", "incident": reference}, key="k-1")
    again = post("runs", {"procedure": "dark", "incident": reference}, key="k-1")
    assert (asked.status_code, again.status_code) == (201, 200)
    run = asked.json()
    assert (again.json()["id"], standing(run), run["steps_done"]) == (run["id"], ["look"], 0)
    look = run["items"][0]
    assert (look["due_at"] is not None, look["wants"], look["state"], look["role"]) == (
        True, "note", "open", "Télécontrôleur",
    )  # fmt: skip
    at = f"runs/{run['id']}/steps"
    assert post(f"{at}/look/confirm").json()["type"] == "urn:beffroi:evidence-missing"
    done = post(f"{at}/look/confirm", {"note": "Rien à voir."}, key="k-2").json()
    assert (standing(done), done["items"][0]["notes"], done["items"][0]["by"]) == (["hit"], ["Rien à voir."], "nadia")
    assert done["items"][1]["answers"] == [{"value": "hit", "label": "Oui"}, {"value": "whole", "label": "Non"}]
    waits = post(f"{at}/hit/answer", {"value": "whole"}).json()
    assert (standing(waits), waits["items"][2]["waits_until"] is not None) == (["calm"], True)
    lanes = post(f"{at}/calm/skip", {"reason": "Sur place déjà."}).json()
    assert standing(lanes) == ["both", "list", "tell"]
    post(f"{at}/list/tick", {"item": 0})
    ticked = post(f"{at}/list/tick", {"item": 1}).json()
    assert [each["ticked"] for each in next(each for each in ticked["items"] if each["step"] == "list")["items"]] == [
        True, True,
    ]  # fmt: skip
    (message,) = ticked["messages"]
    assert message["text"].startswith(reference)
    assert post(f"messages/{message['id']}/seen", key="k-3").json()["seen_by"] == "nadia"
    assert post(f"messages/{message['id']}/seen", key="k-3").status_code == 200
    over = post(f"{at}/end/confirm").json()
    assert (over["state"], over["steps_done"], over["steps"], over["ended_by"]) == ("done", 6, 6, "nadia")
    assert_replayed(run["id"])


def test_an_act_that_is_sent_twice_is_done_once(post: Post, reference: str) -> None:
    run = post("runs", {"procedure": "dark", "incident": reference}).json()
    at = f"runs/{run['id']}/steps"
    first = post(f"{at}/look/confirm", {"note": "Rien."}, key="k-1").json()
    before, lines = moves(run["id"]), len(list_lines(limit=500))
    assert post(f"{at}/look/confirm", {"note": "Rien."}, key="k-1").json() == first
    assert (moves(run["id"]), len(list_lines(limit=500))) == (before, lines)
    late = post(f"{at}/look/confirm", {"note": "Rien."}, key="k-2")
    assert (late.status_code, late.json()["type"]) == (409, "urn:beffroi:step-over")
    assert "nadia" in late.json()["detail"]
    other = post(f"{at}/hit/answer", {"value": "hit"}, key="k-1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:beffroi:key-reused")
    assert moves(run["id"]) == before


def test_who_comes_second_is_told_and_what_is_wrong_changes_nothing(
    post: Post, get: Get, token: Callable[..., str], reference: str
) -> None:
    run = post("runs", {"procedure": "dark", "incident": reference}).json()
    karim = token("operator", username="karim")
    second = post("runs", {"procedure": "dark", "incident": reference}, bearer=karim)
    assert (second.status_code, second.json()["type"]) == (409, "urn:beffroi:runs-already")
    at = f"runs/{run['id']}/steps"
    wrong = [
        ("end/confirm", {}, 409),
        ("nowhere/confirm", {}, 404),
        ("look/answer", {"value": "x"}, 422),
        ("look/tick", {"item": -1}, 422),
        ("look/skip", {}, 422),
        ("look/skip", {"reason": " "}, 422),
        ("look/send", {}, 422),
        ("look/engage", {"unit": "x"}, 422),
        ("look/confirm", {"pictured": True}, 422),
    ]
    answered = [(path, post(f"{at}/{path}", body)) for path, body, _ in wrong]
    assert [(path, each.status_code) for path, each in answered] == [(path, status) for path, _, status in wrong]
    assert {each["Content-Type"] for _, each in answered} == {"application/problem+json"}
    assert moves(run["id"]) == 1
    stopped = post(f"runs/{run['id']}/stop", {"reason": "Ce n'était pas ça."}, bearer=karim).json()
    assert (stopped["state"], stopped["ended_by"]) == ("stopped", "karim")
    assert post(f"runs/{run['id']}/stop", {"reason": "Encore."}).status_code == 409


def test_runs_are_listed_for_who_sees_their_incident(
    post: Post, get: Get, token: Callable[..., str], reference: str
) -> None:
    run = post("runs", {"procedure": "dark", "incident": reference}).json()
    listed = get("runs", incident=reference).json()["items"]
    assert [(each["id"], each["reference"], each["state"]) for each in listed] == [(run["id"], reference, "running")]
    assert get("runs", procedure="cordon").json()["items"] == []
    actions.stop(run["id"], reason="Fini.", by=nadia(), at=later(60))
    assert get("runs", running="true").json()["items"] == []
    elsewhere = token("operator", commune="Talant")
    assert get("runs", bearer=elsewhere).json()["items"] == []
    for path in (f"runs/{run['id']}", "runs/99999"):
        assert get(path, bearer=elsewhere).status_code == 404
    hidden = post(f"runs/{run['id']}/stop", {"reason": "x"}, bearer=elsewhere)
    assert hidden.status_code == 404


def test_a_machine_reads_runs_without_what_names_persons_and_moves_none(
    post: Post, get: Get, token: Callable[..., str], reference: str
) -> None:
    run = post("runs", {"procedure": "dark", "incident": reference}).json()
    post(f"runs/{run['id']}/steps/look/confirm", {"note": "Madame X est là."})
    seen = get(f"runs/{run['id']}").json()
    assert (seen["items"][0]["state"], seen["items"][0]["notes"]) == ("done", [])
    assert post(f"runs/{run['id']}/stop", {"reason": "x"}, bearer=token("integration", username="m")).status_code == 403


def test_a_step_that_wants_a_picture_names_those_that_were_attached_for_it(
    post: Post, token: Callable[..., str], reference: str
) -> None:
    run = actions.start("cordon", queries_number(reference), by=nadia(), at=T0)
    actions.confirm(run.id, "barrier", by=nadia(), at=later(5))
    refused = post(f"runs/{run.id}/steps/photo/confirm")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:beffroi:evidence-missing")
    bearer = token("operator", username="karim")
    sent = Client(headers={"Authorization": f"Bearer {bearer}"}).post(
        f"/api/v1/incidents/{reference}/evidence",
        {"kind": "other", "run": run.id, "step": "photo", "picture": SimpleUploadedFile("p.jpg", photo())},
    )
    assert (sent.status_code, sent.json()["step"]) == (201, f"run-{run.id}/photo"), sent.json()
    done = post(f"runs/{run.id}/steps/photo/confirm").json()
    assert (done["state"], done["items"][1]["pictures"]) == ("done", [sent.json()["id"]])


def queries_number(reference: str) -> int:
    """Return the number of an incident."""
    return int(reference.rpartition("-")[2])

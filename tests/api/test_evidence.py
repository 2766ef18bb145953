"""Pictures through the API: attached once, listed, opened; for who leads the incident or told it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_named
from tests.kernel.incidents.factories import CATEGORIES, RULES, SYSTEM, told
from tests.kernel.incidents.photos import photo

pytestmark = pytest.mark.django_db
Token = Callable[..., str]


@pytest.fixture
def reference(token: Token) -> str:
    """An incident that a partner told."""
    actions.publish_profile(CATEGORIES, RULES, by=SYSTEM, at=now())
    token("partner", username="eaux")
    return actions.open_incident(told(), by=viewer_named("eaux"), at=now()).incident.reference


def send(bearer: str, reference: str, *, key: str = "", content: bytes = b"", **fields: str) -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
    file = SimpleUploadedFile("p.jpg", content or photo(), content_type="image/jpeg")
    return Client(headers=headers).post(f"/api/v1/incidents/{reference}/evidence", {"picture": file, **fields})


def test_picture_is_attached_once_listed_and_opened(token: Token, reference: str) -> None:
    mine = token("operator")
    taken = "2026-11-26T01:00:00.000000Z"
    first = send(mine, reference, key="k-1", kind="before", taken_at=taken)
    assert first.status_code == 201, first.content
    body = first.json()
    assert send(mine, reference, key="k-1", kind="before", taken_at=taken).json() == body
    client = Client(headers={"Authorization": f"Bearer {mine}"})
    address = f"/api/v1/incidents/{reference}/evidence"
    assert client.get(address).json() == {"items": [body], "next": None}
    picture = client.get(f"{address}/{body['id']}")
    assert (picture["Content-Type"], hashlib.sha256(picture.content).hexdigest()) == ("image/jpeg", body["sha256"])
    assert {name: body[name] for name in ("kind", "by", "mission", "step", "readable", "erased_at")} == {
        "kind": "before", "by": "operator-all", "mission": None, "step": "", "readable": True, "erased_at": None,
    }  # fmt: skip


def test_partner_illustrates_what_it_told_and_nothing_else(token: Token, reference: str) -> None:
    token("operator")
    other = actions.open_incident(told("noise"), by=viewer_named("operator-all"), at=now()).incident
    bearer = people.create_token("eaux", "again", by=SYSTEM, at=now(), reason="test").secret
    sent = send(bearer, reference)
    assert (sent.status_code, sent.json()["by"]) == (201, "eaux")
    assert send(bearer, other.reference).status_code == 403
    client = Client(headers={"Authorization": f"Bearer {bearer}"})
    assert client.get(f"/api/v1/incidents/{reference}/evidence").status_code == 403
    line = queries.history(queries.get(reference, viewer_named("operator-all")).id)[0]
    assert (line.verb, str(line.actor.kind)) == ("attach_evidence", "partner")


def test_refusals_are_problem_details(token: Token, reference: str) -> None:
    mine = token("operator")
    for content, key in ((b"no picture", "picture-unknown"), (photo()[:400], "picture-unread")):
        answer = send(mine, reference, content=content)
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:beffroi:{key}")
    assert send(mine, reference, kind="selfie").status_code == 422
    assert send(mine, "BF-26-999999").status_code == 404
    assert send(token("visitor"), reference).status_code == 403

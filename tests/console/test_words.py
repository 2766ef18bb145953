"""What people wrote of an incident, on every page that shows it, and what stands there once its case was erased."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from beffroi.foundation.clock import now
from beffroi.kernel.incidents import actions
from beffroi.kernel.incidents.types import Told
from beffroi.kernel.people import queries as people
from tests.console import scene
from tests.console.test_handover import text_of

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
NAMES = ("Zénobie", "Barnabé", "Anatole", "Eulalie", "Hortense")


def pages(client: Client, reference: str, record: int) -> dict[str, str]:
    """What each page that shows the incident says."""
    paths = (
        f"/incidents/{reference}",
        f"/incidents/{reference}/panel",
        f"/incidents/{reference}/print",
        "/journal",
        "/journal?text=",
        "/handover",
        f"/handover/{record}",
        f"/?incident={reference}",
        f"/incidents?text={NAMES[0]}",
    )
    return {path: text_of(client.get(path).content.decode()) for path in paths}


def live_a_life(lucie: Client) -> tuple[str, int, int]:
    """Have an incident with texts everywhere, and a hand-over that froze one; return reference, number, hand-over."""
    found = scene.trip("ARM-1")
    told = Told("", found.lon, found.lat, place="2 rue Musette", description="Zénobie appelle.")
    actions.attach_signal(found.id, told, by=scene.who(), at=now())
    lucie.post(f"/incidents/{found.reference}/take")
    lucie.post(
        f"/incidents/{found.reference}/hold",
        {"hold_why": "Barnabé a les clés", "minutes": "60", "proof": "mail d’Anatole"},
    )
    lucie.post(f"/incidents/{found.reference}/note", {"text": "Eulalie rappelle"})
    lucie.post(
        "/handover/instructions",
        {"kind": "instruction", "instruction": "Prévenir Hortense", "about": found.reference},
    )
    lucie.post("/handover/sign", {"text": ""})
    (signed,) = people.list_handovers(seen_by=scene.who())
    return found.reference, found.id, signed.id


def test_erased_words_leave_every_page_and_what_was_signed_stands(enter: Enter) -> None:
    lucie, asks, confirms = enter("operatrice"), enter("dpo"), enter("chefsalle")
    reference, number, record = live_a_life(lucie)
    before = pages(lucie, reference, record)
    export = {"form": "json", "purpose": "contrôle", "subject": f"incident:{number}"}
    assert NAMES[3] in confirms.post("/journal/export", export).content.decode()
    said = " ".join(before.values())
    assert [name for name in NAMES if name not in said] == []
    assert all(name in before[f"/incidents/{reference}"] for name in NAMES[:4])
    assert "Hortense" in before[f"/handover/{record}"]
    digest = people.get_handover(record, seen_by=scene.who()).digest

    asked = asks.post("/journal/erasures/ask", {"subject": reference, "reason": "droit à l’effacement"})
    assert asked.status_code == 302
    confirm = re.search(r"/journal/erasures/(\d+)/confirm", confirms.get("/journal/erasures").content.decode())
    assert confirm is not None
    assert confirms.post(confirm[0]).status_code == 302

    after = pages(lucie, reference, record)
    assert [(path, name) for path, text in after.items() for name in NAMES if name in text] == []
    exported = confirms.post("/journal/export", export).content.decode()
    assert ([name for name in NAMES if name in exported], '"erased"' in exported) == ([], True)
    for path in (f"/incidents/{reference}", f"/incidents/{reference}/print", f"/handover/{record}", "/handover"):
        assert "effacé le" in after[path], path
    assert people.get_handover(record, seen_by=scene.who()).digest == digest

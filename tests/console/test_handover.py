"""The hand-over page: what a post leaves, two signatures, what is refused keeps what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from beffroi.foundation.clock import HOUR, now
from beffroi.kernel.people import queries as people
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_what_a_shift_leaves_is_signed_by_one_and_countersigned_by_another(enter: Enter) -> None:
    incident = scene.trip("ARM-1")
    lucie, paul = enter("operatrice"), enter("chefsalle")
    assert lucie.post("/handover/duty").status_code == 302
    assert "vous êtes en poste depuis" in lucie.get("/handover").content.decode()
    answer = lucie.post(
        "/handover/instructions",
        {"kind": "instruction", "instruction": "Borne 12 hors service", "about": incident.reference},
    )
    assert answer.status_code == 302
    assert lucie.post("/handover/sign", {"text": "Nuit calme."}).status_code == 302

    shown = text_of(paul.get("/handover").content.decode())
    for words in ("Lucie Marchand a signé en partant", "Nuit calme.", incident.reference, "Borne 12 hors service"):
        assert words in shown
    (signed,) = people.list_handovers(seen_by=scene.who("chefsalle"))
    assert [row["reference"] for row in signed.content["open"]] == [incident.reference]
    assert paul.post(f"/handover/{signed.id}/countersign", {"remark": "Vu."}).status_code == 302
    record = text_of(paul.get(f"/handover/{signed.id}").content.decode())
    for words in ("Nuit calme.", "Vu.", signed.digest, "Paul Berthier", "Borne 12 hors service", incident.reference):
        assert words in record
    assert [duty.username for duty in people.on_duty()] == ["chefsalle"]


def test_what_was_signed_stays_when_the_room_goes_on(enter: Enter) -> None:
    incident = scene.trip("ARM-1")
    lucie = enter("operatrice")
    lucie.post("/handover/sign", {"text": ""})
    lucie.post(f"/incidents/{incident.reference}/take")
    (signed,) = people.list_handovers(seen_by=scene.who())
    assert [row["owner"] for row in signed.content["open"]] == [""]
    page = lucie.get("/handover").content.decode()
    frozen, _part, present = page.partition('id="left-now"')
    assert ("<td>LM</td>" in frozen, "<td>LM</td>" in present) == (False, True)


def test_refusals_say_what_to_do_and_keep_what_was_typed(enter: Enter) -> None:
    lucie = enter("operatrice")
    answer = lucie.post("/handover/instructions", {"kind": "promise", "instruction": "Rappeler l’école <Zola>"})
    html = answer.content.decode()
    assert (answer.status_code, "Dites pour quand c’est promis." in html) == (422, True)
    assert "Rappeler l’école &lt;Zola&gt;</textarea>" in html
    answer = lucie.post("/handover/instructions", {"kind": "promise", "instruction": "x", "due": "demain"})
    assert "Écrivez la date et l’heure" in answer.content.decode()
    lucie.post("/handover/sign", {"text": "Première."})
    again = enter("chefsalle").post("/handover/sign", {"text": "Seconde, longue à écrire."})
    assert (again.status_code, "attend déjà sa seconde signature" in again.content.decode()) == (409, True)
    (signed,) = people.list_handovers(seen_by=scene.who())
    own = lucie.post(f"/handover/{signed.id}/countersign", {"remark": "moi"})
    assert (own.status_code, "se signe à deux" in own.content.decode()) == (422, True)
    back = lucie.post(f"/handover/{signed.id}/withdraw", {"withdraw_reason": "une alarme de plus"})
    assert back.status_code == 302


def test_gaps_are_counted_and_promises_end(enter: Enter) -> None:
    scene.trip("ARM-1", at=now() - HOUR)
    lucie = enter("operatrice")
    lucie.post(
        "/handover/instructions", {"kind": "promise", "instruction": "Rappeler l’école", "due": "2026-12-24T08:30"}
    )
    (promise,) = people.standing_instructions((scene.who().post.code,))
    page = text_of(lucie.get("/handover").content.decode())
    assert "Alarmes non acquittées : 1" in page
    assert "promis pour" in page
    assert lucie.post(f"/handover/instructions/{promise.id}/end", {"how": "withdrawn"}).status_code == 422
    assert lucie.post(f"/handover/instructions/{promise.id}/end", {"how": "kept"}).status_code == 302
    assert "Aucune consigne à ce poste." in lucie.get("/handover").content.decode()


def test_who_is_not_of_the_room_sees_no_handover(enter: Enter) -> None:
    for name in ("visiteur", "technicien"):
        client = enter(name)
        assert client.get("/handover").status_code == 403
        assert "/handover" not in client.get("/preferences").content.decode()

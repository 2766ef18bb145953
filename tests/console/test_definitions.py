"""The back office of alarm definitions: what is listed, written, judged by a second person, and told when it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from beffroi.console import defining, frames
from beffroi.foundation.clock import now
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.rules.definition_entries import entry_of
from beffroi.kernel.alarms.rules.definition_rule import MAX_COMPARISONS
from beffroi.kernel.alarms.types import RevisionState
from beffroi.kernel.journal.queries import list_lines
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
CARD = "/definitions/lighting_cabinet_tripped"


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content.decode()[:400]
    return answer.content.decode()


def form_of(code: str) -> dict[str, str]:
    """The fields of the form as the browser sends them when nothing was touched."""
    definition = queries.version_in_force(code)
    assert definition is not None
    return defining._shown(entry_of(definition)) | {"reason": "trop de réarmements"}


def rows(page: str) -> list[str]:
    return re.findall(r'<td><a href="/definitions/(\w+)">', page)


def change(client: Client, **typed: str) -> str:
    answer = client.post(f"{CARD}/change", form_of("lighting_cabinet_tripped") | typed)
    assert answer.status_code == 302, re.findall(r'class="wrong"[^>]*>([^<]*)', answer.content.decode())
    revision = queries.get_definition("lighting_cabinet_tripped", scene.who("chefsalle")).revision
    assert revision is not None
    return f"/definitions/changes/{revision.id}"


def test_list_shows_the_most_urgent_first_and_filters(enter: Enter) -> None:
    client = enter("operatrice")
    page = html(client, "/definitions")
    every = rows(page)
    assert (every[:2], len(every)) == (["building_fire", "intersection_dark"], 32)
    assert "conseil EEMUA 191 : 80 sur 100" in page
    assert rows(html(client, "/definitions?desk=traffic&priority=4")) == [
        "bollard_silent", "intersection_local", "intersection_maintenance", "vehicle_silent",
    ]  # fmt: skip
    assert rows(html(client, "/definitions?class=bus")) == ["bus_silent"]
    assert rows(html(client, "/definitions?q=givre&state=in_force")) == []
    assert "Aucune définition ne répond à ces filtres." in html(client, "/definitions?state=withdrawn")
    assert "Nouvelle définition" not in page and "Nouvelle définition" in html(enter("ingenieure"), "/definitions")


def test_card_says_why_what_to_do_and_what_the_rule_is(enter: Enter) -> None:
    page = html(enter("operatrice"), "/definitions/light_point_day_burner")
    for told in (
        "Contacteur collé",
        "Puissance &gt; 10\u202fW (bande morte 5\u202fW) et Gradation ≤ 0\u202f% pendant 30 min",
        "power_w &gt; 10.0 &amp;&amp; dim_pct &lt;= 0.0",
        "power_w &gt; 5.0 &amp;&amp; dim_pct &lt;= 0.0",
        "Dans la bande morte, l&#x27;alarme reste",
        "Beffroi",
    ):
        assert told in page, told
    assert "échoue" not in page
    assert "Modifier" not in page


def test_card_of_nothing_is_not_found(enter: Enter) -> None:
    assert enter("operatrice").get("/definitions/nothing").status_code == 404


def test_change_goes_from_one_person_to_another(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    typed = form_of("lighting_cabinet_tripped")
    tests = typed["tests"].replace("raised_s: 5", "raised_s: 8").replace("at_s: 2.0", "at_s: 4.0")
    act = change(writer, on_delay_s="8", tests=tests)
    mine = html(writer, CARD)
    assert "Délai de montée" in mine and "<del>5 s</del>" in mine and "<ins>8 s</ins>" in mine
    assert "Proposer" in mine and "Mettre en vigueur" not in mine
    assert "Mettre en vigueur…" not in html(judge, CARD)
    assert "proposée : une seconde personne" in writer.post(f"{act}/propose", follow=True).content.decode()
    assert "Vous avez écrit cette modification" in writer.post(f"{act}/put", follow=True).content.decode()
    assert "Mettre en vigueur…" in html(judge, CARD)
    done = judge.post(f"{act}/put", {"reason": "vu ensemble"}, follow=True).content.decode()
    assert "C’est en vigueur" in done and "version 2" in done and "vu ensemble" in done
    found = queries.version_in_force("lighting_cabinet_tripped")
    assert found is not None and (found.version, found.on_delay_s) == (2, 8.0)
    journal = html(judge, "/journal?subject=definition:lighting_cabinet_tripped")
    assert "A proposé une définition d’alarme" in journal and f'href="{CARD}"' in journal


def test_failing_test_is_shown_and_refused(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    act = change(writer, on_delay_s="9")
    writer.post(f"{act}/propose")
    page = html(judge, CARD)
    assert "Un essai échoue" in page and "levée à 5 s" in page and "levée à 9 s" in page
    assert "Un essai échoue : corrigez" in judge.post(f"{act}/put", follow=True).content.decode()
    refused = judge.post(f"{act}/refuse", {"reason": "corrigez l'essai"}, follow=True).content.decode()
    assert "La proposition est refusée." in refused and "corrigez l&#x27;essai" in refused
    late = writer.post(f"{act}/propose", follow=True).content.decode()
    assert "On a déjà décidé de cette modification." in late


def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(enter: Enter) -> None:
    typed = form_of("lighting_cabinet_undervoltage") | {
        "priority": "7", "cause": " ", "threshold_1": "beaucoup", "on_delay_s": "cinq", "tests": "- {", "reason": "",
    }  # fmt: skip
    client = enter("ingenieure")
    answer = client.post("/definitions/lighting_cabinet_undervoltage/change", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="cinq"' in page and "- {" in page and 'value="beaucoup"' in page
    assert re.findall(r'<p id="h-(\w+)" class="wrong"', page) == ["tests"]
    page = client.post("/definitions/lighting_cabinet_undervoltage/change", typed | {"tests": ""}).content.decode()
    assert re.findall(r'<p id="h-(\w+)" class="wrong"', page) == ["cause", "priority", "on_delay_s"]
    assert 'id="e-row-1"' in page
    page = client.post(
        "/definitions/lighting_cabinet_undervoltage/change",
        form_of("lighting_cabinet_undervoltage") | {"reason": "", "priority": "4"},
    ).content.decode()
    assert re.findall(r'<p id="h-(\w+)" class="wrong"', page) == ["reason"]


def test_form_writes_every_kind_of_rule_as_it_was(enter: Enter) -> None:
    """Saved untouched but for the title, each shipped definition differs by its title alone."""
    client = enter("ingenieure")
    for card in queries.list_definitions(seen_by=scene.who("ingenieure")):
        code = card.definition.code
        answer = client.post(f"/definitions/{code}/change", form_of(code) | {"title": "Autre intitulé"})
        assert answer.status_code == 302, (code, re.findall(r'class="wrong"[^>]*>([^<]*)', answer.content.decode()))
        revision = queries.get_definition(code, scene.who("ingenieure")).revision
        before = queries.version_in_force(code)
        assert revision is not None and revision.definition is not None and before is not None
        assert entry_of(revision.definition) == entry_of(before) | {
            "title": "Autre intitulé",
            "version": before.version + 1,
        }
        assert revision.state == RevisionState.DRAFT


def test_new_definition_in_cel_is_written_and_taken_back(enter: Enter) -> None:
    client = enter("ingenieure")
    assert "Nouvelle définition d’alarme" in html(client, "/definitions/new")
    typed = form_of("light_point_fault") | {
        "code": "light_point_greedy", "kind": "expression", "expression": "power_w - dim_pct > 20", "tests": "",
        "suppressed_by": "", "release_delay_s": "",
    }  # fmt: skip
    answer = client.post("/definitions/new", typed, follow=True)
    page = answer.content.decode()
    assert "power_w - dim_pct &gt; 20.0" in page and "brouillon" in page and "Jamais en vigueur." in page
    assert rows(html(client, "/definitions?state=open")) == ["light_point_greedy"]
    revision = queries.get_definition("light_point_greedy", scene.who("ingenieure")).revision
    assert revision is not None
    gone = client.post(f"/definitions/changes/{revision.id}/drop", follow=True).content.decode()
    assert "La modification est reprise." in gone and client.get("/definitions/light_point_greedy").status_code == 404


def test_withdrawal_is_proposed_and_decided(enter: Enter) -> None:
    writer, judge = enter("ingenieure"), enter("chefsalle")
    page = writer.post("/definitions/bus_silent/withdraw", {"reason": "doublon"}, follow=True).content.decode()
    assert "Retrait proposé" in page
    revision = queries.get_definition("bus_silent", scene.who("chefsalle")).revision
    assert revision is not None
    judge.post(f"/definitions/changes/{revision.id}/put")
    assert queries.version_in_force("bus_silent") is None
    assert rows(html(judge, "/definitions?state=withdrawn")) == ["bus_silent"]
    leaned = writer.post("/definitions/bollard_fault/withdraw", {"reason": "x"}, follow=True).content.decode()
    assert "D’autres définitions sont expliquées par celle-ci" in leaned


def test_card_of_an_alarm_is_one_key_away(enter: Enter) -> None:
    incident = scene.trip()
    panel = html(enter("operatrice"), f"/incidents/{incident.reference}/panel")
    assert f'<a href="{CARD}" data-key="=">' in panel
    assert 'data-key="="' not in html(enter("visiteur"), f"/incidents/{incident.reference}/panel")
    assert 'href="/definitions" data-key=","' in html(enter("operatrice"), "/")


def test_proposal_of_the_file_can_be_judged_by_anyone_of_the_role(enter: Enter) -> None:
    found = queries.version_in_force("bus_silent")
    assert found is not None
    actions.import_definitions([found], by=scene.people.SYSTEM, at=now())
    urgent = replace(found, priority=3)
    assert actions.import_definitions([urgent], by=scene.people.SYSTEM, at=now()).proposed == ("bus_silent",)
    page = html(enter("chefsalle"), "/definitions/bus_silent")
    assert "Mettre en vigueur…" in page and "Beffroi" in page and "<ins>3</ins>" in page


def test_change_is_simulated_over_the_history(enter: Enter) -> None:
    writer = enter("ingenieure")
    act = change(writer, on_delay_s="9")
    for minutes, value in ((60, 1.0), (50, 0.0)):
        scene.report("ARM-1", {"feeder_state": value}, at=now() - minutes * scene.MINUTE)
    page = writer.post(f"{act}/simulate", {"days": "1"}, follow=True).content.decode()
    assert "La simulation est faite." in page and "Alarmes : 1 au lieu de 1, sur 1 j." in page
    assert 'href="/assets/ARM-1">ARM-1</a> (1)' in page
    wrong = writer.post(f"{act}/simulate", {"days": "99"}, follow=True).content.decode()
    assert "Choisissez un nombre de jours de 1 à 14." in wrong


def mark_of(page: str) -> str:
    found = re.search(r'<span id="definitions" data-mark="(\w+)" hidden></span>', page)
    assert found is not None
    return found[0]


def test_each_act_on_a_definition_is_told_to_its_pages_by_a_frame(enter: Enter) -> None:
    writes, decides = enter("ingenieure"), enter("chefsalle")
    before = mark_of(html(decides, CARD))
    marks = [before]

    def told() -> None:
        (fragment,) = [
            each
            for each in frames.fragments_for({"definition:lighting_cabinet_tripped"}, scene.who("chefsalle"))
            if each["target"] == "definitions"
        ]
        assert fragment["html"] == mark_of(html(decides, CARD)) == mark_of(html(decides, "/definitions"))
        marks.append(str(fragment["html"]))

    address = change(writes, on_delay_s="30")
    told()
    assert writes.post(f"{address}/simulate", {"days": "1"}).status_code == 302
    assert next(iter(list_lines())).verb == "replay_definition"
    told()
    assert writes.post(f"{address}/propose").status_code == 302
    told()
    assert decides.post(f"{address}/refuse", {"reason": "trop court"}).status_code == 302
    told()
    assert len(set(marks)) == 5


def test_form_takes_as_many_comparisons_as_a_file(enter: Enter) -> None:
    client = enter("ingenieure")
    page = html(client, f"{CARD}/change")
    assert page.count('class="fields compared"') == MAX_COMPARISONS
    assert '<details class="more-rows"><summary>' in page
    many = {}
    for place in range(1, MAX_COMPARISONS + 1):
        many |= {
            f"quantity_{place}": "voltage_v",
            f"operator_{place}": "<",
            f"threshold_{place}": str(100 + place),
            f"dead_band_{place}": "",
        }
    address = change(client, kind="comparisons", join="any", tests="", **many)
    revision = queries.get_definition("lighting_cabinet_tripped", scene.who("chefsalle")).revision
    assert revision is not None and revision.definition is not None
    assert [each.threshold for each in revision.definition.comparisons] == [float(100 + n) for n in range(1, 9)]
    again = html(client, f"{CARD}/change")
    assert ('<details class="more-rows" open>' in again, 'value="108"' in again) == (True, True), address

"""Commands as the console shows them: form, confirmation, states, second person, groups; never success without evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from beffroi.console import commanding, frames, reading
from beffroi.foundation.clock import HOUR, SECOND, now
from beffroi.kernel.commands import queries
from beffroi.kernel.journal import queries as journal
from tests.console import commanded, scene

Enter = Callable[..., Client]


@pytest.fixture
def city(town: None) -> None:
    commanded.set_up()


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def the_id(answer: Any) -> UUID:
    assert answer.status_code == 302, text(answer)[:3000]
    return UUID(answer["Location"].rsplit("/", 1)[1])


def fill(ability: str, **more: str) -> dict[str, str]:
    return {"ability": ability, "reason": "essai", "key": "k-1", "do": "check", **more}


def test_sheet_and_panel_offer_what_a_class_can_do_and_nothing_to_who_may_not(city: None, enter: Enter) -> None:
    sheet = text(enter().get("/assets/ARM-1"))
    assert "Couper le départ (à deux)" in sheet and "Les 2 points lumineux alimentés" in sheet
    assert 'data-key="$"' in sheet and "Rien ne lui a encore été demandé." in sheet
    panel = text(enter().get(f"/map/assets/{scene.get_asset('L-1').id}/panel"))
    assert "Régler le niveau d’éclairage" in panel and "Couper le départ" not in panel
    for visitor in (text(enter("visiteur").get("/assets/ARM-1")), text(enter("visiteur").get("/"))):
        assert "Commander" not in visitor.replace("Commander l’équipement", "")
    assert "Commander…" not in text(enter().get("/assets/V-1"))


def test_harmless_command_of_one_piece_of_equipment_is_asked_at_once(city: None, enter: Enter) -> None:
    form = text(enter().get("/commands/new?of=L-1&ability=set_level"))
    assert "Régler le niveau d’éclairage" in form and 'min="0" max="100" step="5"' in form
    assert "Retour automatique : « Rendre à l’horaire »" in form and "au bout de 24 h" in form
    asked = the_id(enter().post("/commands/new", fill("set_level", of="L-1", p_level_pct="30", hold="3600")))
    found = commanded.seen(asked)
    assert (found.asset_code, found.parameters, found.reason) == ("L-1", {"level_pct": 30.0}, "essai")
    page = text(enter().get(f"/commands/{asked}"))
    assert "autorisée, pas encore envoyée" in page and "effective, constatée" not in page
    assert "Gradation : 30" in page and "Retour automatique" in page
    assert "Régler le niveau" in text(enter().get("/assets/L-1"))


def test_same_form_sent_twice_is_one_command(city: None, enter: Enter) -> None:
    first, second = (
        the_id(enter().post("/commands/new", fill("set_level", of="L-1", p_level_pct="30"))) for _ in range(2)
    )
    assert first == second
    assert len(queries.list_commands(queries.Filters(), seen_by=scene.who())) == 1


def test_who_comes_second_is_told_who_commands_it_and_what(city: None, enter: Enter) -> None:
    commanded.ask("set_level", "L-1", by="chefsalle", parameters={"level_pct": 80.0})
    answer = enter().post("/commands/new", fill("set_level", of="L-1", p_level_pct="30"))
    name = scene.who("chefsalle").display_name
    assert answer.status_code == 409
    assert f"L-1 : déjà commandé par quelqu’un : {name}, Régler le niveau d’éclairage" in text(answer)


def test_silent_equipment_is_not_commanded_and_its_silence_is_told(city: None, enter: Enter) -> None:
    scene.silence("L-1")
    answer = enter().post("/commands/new", fill("set_level", of="L-1", p_level_pct="30"))
    assert answer.status_code == 422 and "L-1 : muet" in text(answer)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "Écrivez pourquoi vous le demandez."),
        ({"p_level_pct": "130"}, "Une valeur manque, ou sort de ses bornes."),
        ({"p_level_pct": "fort"}, "Une valeur manque, ou sort de ses bornes."),
        ({"p_level_pct": ""}, "Une valeur manque, ou sort de ses bornes."),
        ({"of": ""}, "Nommez l’équipement"),
        ({"of": "L-99"}, "Cela n’existe pas"),
        ({"hold": "999999"}, "Ce retour automatique n’est pas possible"),
        ({"due": "2020-01-01T08:00"}, "L’heure prévue est passée"),
        ({"due": "demain"}, "Écrivez la date et l’heure"),
        ({"incident": "BF-26-999999"}, "Cela n’existe pas"),
        ({"ability": "sing"}, "Cela n’existe pas"),
        ({"of": "V-1"}, "feeds nothing|Cela n’existe pas"),
    ],
)
def test_request_that_lacks_something_comes_back_with_what_to_write(
    city: None, enter: Enter, fields: dict[str, str], told: str
) -> None:
    sent = fill("set_level", of="L-1", p_level_pct="30") | fields
    answer = enter().post("/commands/new", sent)
    assert answer.status_code in (404, 422), text(answer)[:500]
    assert re.search(told, text(answer))
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()


def test_dangerous_command_names_equipment_place_and_effect_and_its_safe_answer_has_the_focus(
    city: None, enter: Enter
) -> None:
    page = text(enter().post("/commands/new", fill("open_feeder", of="ARM-1")))
    for said in ("Armoire A-1", "rue de la Liberté", "tous les points qu’elle alimente s’éteignent", "À deux"):
        assert said in page
    safe = re.search(r'<button name="do" value="back"[^>]*>', page)
    assert safe and "autofocus" in safe[0] and "data-safe" in safe[0]
    assert re.search(r'<button name="do" value="ask" data-key="y"', page)
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()
    back = text(enter().post("/commands/new", fill("open_feeder", of="ARM-1") | {"do": "back"}))
    assert 'value="essai"' in back
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()


def test_second_person_finds_it_by_the_header_and_authorises_it(city: None, enter: Enter) -> None:
    asked = the_id(enter().post("/commands/new", fill("open_feeder", of="ARM-1") | {"do": "ask"}))
    mine = text(enter().get(f"/commands/{asked}"))
    assert "Une autre personne que vous doit l’autoriser." in mine and "/authorise" not in mine
    other = enter("chefsalle")
    assert "À autoriser <b>1</b>" in text(other.get("/"))
    waiting = text(other.get("/commands"))
    assert "ARM-1" in waiting and "Rien n’attend votre accord." not in waiting
    assert "Rien n’attend votre accord." in text(enter().get("/commands"))
    page = text(other.get(f"/commands/{asked}"))
    assert 'data-key="v"' in page and "Ne pas autoriser" in page and "Demandé par" in page
    other.post(f"/commands/{asked}/authorise")
    found = commanded.seen(asked)
    assert (str(found.state), found.authorised_by) == ("authorised", "chefsalle")
    assert "À autoriser" not in text(other.get("/")).split('id="counters"')[1].split("</ul>")[0]


def test_oneself_is_no_second_person_and_who_comes_second_is_told(city: None, enter: Enter) -> None:
    asked = the_id(enter().post("/commands/new", fill("open_feeder", of="ARM-1") | {"do": "ask"}))
    told = text(enter().post(f"/commands/{asked}/authorise", follow=True))
    assert "il faut une seconde personne" in told and str(commanded.seen(asked).state) == "asked"
    chief = enter("chefsalle")
    assert "Écrivez pourquoi" in text(chief.post(f"/commands/{asked}/deny", follow=True))
    chief.post(f"/commands/{asked}/deny", {"why": "quelqu’un y travaille"})
    page = text(enter().get(f"/commands/{asked}"))
    assert "refusée par une seconde personne" in page and "quelqu’un y travaille" in page
    assert "quelqu’un a décidé avant vous" in text(chief.post(f"/commands/{asked}/authorise", follow=True))


def test_what_has_not_left_is_cancelled_and_what_has_is_not(city: None, enter: Enter) -> None:
    first, second = commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0}), None
    page = text(enter().get(f"/commands/{first.id}"))
    assert "/cancel" in page and "/revert" not in page
    enter().post(f"/commands/{first.id}/cancel", {"why": "erreur"})
    assert "annulée avant l’envoi" in text(enter().get(f"/commands/{first.id}"))
    second = commanded.ask("set_level", "L-1", parameters={"level_pct": 50.0})
    commanded.leave()
    assert "elle est déjà partie" in text(enter().post(f"/commands/{second.id}/cancel", {"why": "x"}, follow=True))
    assert "/revert" in text(enter().get(f"/commands/{second.id}"))


def test_states_never_say_more_than_is_known(city: None, enter: Enter) -> None:
    """Obeying, refusing, silent: what the page says at each step."""
    obeys, refuses, silent = (
        commanded.ask(ability, code, **more).id
        for ability, code, more in (
            ("set_level", "L-1", {"parameters": {"level_pct": 30.0}}),
            ("ask_plan", "C-1", {"parameters": {"plan": 3.0}}),
            ("set_level", "L-2", {"parameters": {"level_pct": 30.0}}),
        )
    )

    def said(id: UUID) -> str:
        page = text(enter().get(f"/commands/{id}"))
        return re.findall(r'<p class="command-state[^>]*>(.*?)</p>', page)[0].strip()

    commanded.leave()
    assert {said(each) for each in (obeys, refuses, silent)} == {"envoyée, réponse attendue"}
    commanded.answer(obeys)
    assert said(obeys) == "prise par l’équipement, effet pas encore constaté"
    commanded.prove(obeys, 30.0)
    assert said(obeys) == "effective, constatée"
    commanded.answer(refuses, accepted=False, reason="commande locale")
    assert said(refuses) == "refusée par l’équipement : commande locale"
    commanded.let_pass(3600)
    assert said(silent).startswith("non confirmée")
    steps = text(enter().get(f"/commands/{silent}"))
    assert "effective" not in re.findall(r'<ol class="command-steps".*?</ol>', steps)[0]


def test_silence_is_told_before_the_expiry(city: None) -> None:
    asked = commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0})
    commanded.leave(now())
    found = commanded.seen(asked.id)
    assert commanding.state_of(found, now()) == "sent"
    assert commanding.state_of(found, now() + 61 * SECOND) == "silent"


def test_cabinet_s_lights_are_one_request_that_names_every_light_first(city: None, enter: Enter) -> None:
    commanded.ask("set_level", "L-2", by="chefsalle", parameters={"level_pct": 80.0})
    page = text(enter().post("/commands/new", fill("set_level", of="ARM-1", p_level_pct="30")))
    assert "L-1" in page and "Laissés de côté" in page and "déjà commandé par quelqu’un" in page
    asked = the_id(enter().post("/commands/new", fill("set_level", of="ARM-1", p_level_pct="30") | {"do": "ask"}))
    assert commanded.seen(asked).asset_code == "L-1"


def test_group_shows_its_counts_and_the_equipment_of_each(city: None, enter: Enter) -> None:
    asked = the_id(enter().post("/commands/new", fill("set_level", zone="*", p_level_pct="30") | {"do": "ask"}))
    group = queries.group(asked)
    assert group.size == 2
    commanded.leave()
    first = next(each for each in queries.list_commands(queries.Filters(group=asked), seen_by=scene.who()))
    commanded.prove(first.id, 30.0)
    page = text(enter().get(f"/commands/{asked}"))
    assert "1 constatées sur 2" in page and "data-refresh-soon" in page
    only = text(enter().get(f"/commands/{asked}?state=effective"))
    assert first.asset_code in only.split('id="command-rows"')[1]
    assert commanding.group_shown(queries.group(asked), scene.who())["counts"] == [
        ("sent", "sent", 1),
        ("effective", "effective", 1),
    ]
    commanded.let_pass(3600)
    page = text(enter().get(f"/commands/{asked}"))
    assert "non confirmée" in page and "expirée avant l’envoi" not in page


def test_a_large_selection_is_shown_by_pages(city: None, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.console.commands.PAGE", 1)
    sent = fill("set_level", codes="L-1, L-2 L-9", p_level_pct="30")
    first = text(enter().post("/commands/new", sent))
    assert "page 1 sur 2" in first and "aucun équipement n’a ce code" in first
    second = text(enter().post("/commands/new", sent | {"page": "2"}))
    assert "page 2 sur 2" in second and "Envoyer à 2 équipements" in second
    whole = enter().post("/commands/new", sent | {"do": "list"})
    assert (whole["Content-Type"], "attachment" in whole["Content-Disposition"]) == ("text/csv; charset=utf-8", True)
    rows = [line.split(",") for line in whole.content.decode("utf-8-sig").splitlines()]
    assert [(row[0], row[-1]) for row in rows] == [
        ("Code", "Ce qu’il en est"), ("L-1", "sera commandé"), ("L-2", "sera commandé"),
        ("L-9", "aucun équipement n’a ce code"),
    ]  # fmt: skip
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()


def test_list_of_one_piece_of_equipment_asks_nothing(city: None, enter: Enter) -> None:
    answer = enter().post("/commands/new", fill("set_level", codes="L-1", p_level_pct="30") | {"do": "list"})
    assert answer["Content-Type"].startswith("text/csv")
    assert queries.list_commands(queries.Filters(), seen_by=scene.who()) == ()


def test_selection_of_the_list_of_equipment_is_commanded_together(city: None, enter: Enter) -> None:
    listed = text(enter().get("/assets?class=light_point"))
    assert 'name="code" value="L-1"' in listed and "Commander la sélection…" in listed
    assert 'name="code"' not in text(enter().get("/assets"))
    assert 'name="code"' not in text(enter("visiteur").get("/assets?class=light_point"))
    chosen = text(enter().get("/commands/new?code=L-1&code=L-2"))
    assert "2 équipements nommés" in chosen and "Régler le niveau" in chosen and "Couper le départ" not in chosen
    form = text(enter().get("/commands/new?code=L-1&code=L-2&ability=set_level"))
    assert "L-1 L-2</textarea>" in form


def test_lines_of_the_journal_say_what_was_asked_of_which_equipment(city: None, enter: Enter) -> None:
    asked = commanded.ask("open_feeder", "ARM-1")
    assert "A commandé : Couper le départ, Armoire A-1, essai" in text(enter().get(f"/commands/{asked.id}"))


def test_planned_command_stands_under_its_hour(city: None, enter: Enter) -> None:
    asked = commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0}, due_at=now() + 2 * HOUR)
    page = text(enter().get("/commands"))
    assert "Programmées" in page
    assert "programmée" in text(enter().get(f"/commands/{asked.id}"))


def test_automatic_return_and_undoing_are_commands_of_their_own(city: None, enter: Enter) -> None:
    asked = commanded.ask("set_level", "L-1", parameters={"level_pct": 30.0}, hold_s=3600)
    commanded.leave()
    commanded.prove(asked.id, 30.0)
    page = text(enter().get(f"/commands/{asked.id}"))
    assert "Défaire…" in page and "suit à nouveau son horaire" in page
    undoing = the_id(enter().post(f"/commands/{asked.id}/revert"))
    assert commanded.seen(undoing).ability.slug == "return_to_schedule"
    assert str(undoing) in text(enter().get(f"/commands/{asked.id}"))
    commanded.leave()
    commanded.prove(undoing, 0.0)
    assert "défaite" in text(enter().get(f"/commands/{asked.id}"))
    assert "Il n’y a rien à défaire" in text(enter().post(f"/commands/{asked.id}/revert", follow=True))


def test_incident_s_panel_tells_the_commands_asked_for_it(city: None, enter: Enter) -> None:
    incident = scene.trip("ARM-1")
    panel = text(enter().get(f"/incidents/{incident.reference}/panel"))
    assert "Rien n’a été commandé pour cet incident." in panel and 'data-key="$"' in panel
    form = text(enter().get(f"/commands/new?of=ARM-1&ability=close_feeder&incident={incident.reference}"))
    assert f'value="{incident.reference}"' in form
    sent = fill("close_feeder", of="ARM-1", incident=incident.reference) | {"do": "ask"}
    asked = the_id(enter().post("/commands/new", sent))
    panel = text(enter().get(f"/incidents/{incident.reference}/panel"))
    assert f"/commands/{asked}" in panel and "demandée, attend une seconde personne" in panel
    assert incident.reference in text(enter().get(f"/commands/{asked}"))


def test_frames_bring_every_open_page_to_what_a_fresh_one_shows(city: None, enter: Enter) -> None:
    """A line about a command moves the header; its pages are then asked for again, so they are fresh by what they are."""
    chief = scene.who("chefsalle")
    before = journal.last_seq()
    asked = commanded.ask("open_feeder", "ARM-1")
    subjects = journal.subjects_changed(before, journal.last_seq())
    assert f"command:{asked.id}" in subjects and "asset:ARM-1" in subjects
    drawn = {each["target"]: each["html"] for each in frames.fragments_for(set(subjects), chief)}
    assert drawn["counters"] == frames.render_counters(reading.counts(chief), chief)
    assert drawn["counters"] in enter("chefsalle").get("/").content.decode()
    assert frames.fragments_for({f"command:{asked.id}"}, chief)
    page = enter("chefsalle").get(f"/commands/{asked.id}").content.decode()
    for region in ('class="page follows"', 'id="command" data-fed', 'id="command-log" data-fed'):
        assert region in page


def test_incident_row_comes_with_a_command_s_line_so_its_panel_is_asked_for_again(city: None) -> None:
    incident = scene.trip("ARM-1")
    before = journal.last_seq()
    commanded.ask("close_feeder", "ARM-1", incident=incident.id)
    subjects = set(journal.subjects_changed(before, journal.last_seq()))
    targets = {each["target"] for each in frames.fragments_for(subjects, scene.who())}
    assert f"incident-{incident.id}" in targets


def test_command_that_is_not_there_is_told(city: None, enter: Enter) -> None:
    answer = enter().get("/commands/0199a0c2-5f10-7a3b-8c44-0d6b2f1e9a77")
    assert answer.status_code == 404

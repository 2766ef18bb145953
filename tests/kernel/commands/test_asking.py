"""Asking, dry runs, two people, taking back; on PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import transaction

from beffroi.foundation.clock import HOUR, MINUTE, SECOND, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.models import Command as Row
from beffroi.kernel.commands.types import CommandState
from beffroi.kernel.journal.actions import erase_personal
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.commands.scene import (
    SYSTEM,
    T0,
    ask,
    cabinet,
    chief,
    karim,
    lights,
    lines,
    make_source,
    nadia,
    seen,
    set_up,
    states,
    verbs,
    wish,
    words,
)


@pytest.fixture
def source(db: None) -> int:
    set_up()
    return make_source("lighting")


def test_command_that_is_not_dangerous_is_authorised_by_who_asks(source: int) -> None:
    lights(1, source)
    asked = ask(incident=7, hold_s=3600)
    command = seen(asked.id)
    assert (asked.group, asked.state, asked.left_out) == (None, CommandState.AUTHORISED, ())
    assert (command.state, command.asked_by, command.authorised_by) == ("authorised", "nadia", "nadia")
    assert (command.expires_at, command.returns_at) == (T0 + 1800 * SECOND, T0 + HOUR)
    assert command.effect == "Le point lumineux éclaire à 30 % de sa puissance, quelle que soit l’heure."
    (line,) = lines()
    assert (line.verb, line.subject, line.reason, words(line)) == ("ask_command", f"command:{asked.id}", "", "essai")
    assert line.personal is not None
    assert line.personal.about == "case:incident-7"
    assert line.related == ("asset:L-00001", "incident:7")
    assert line.content["state"] == "authorised"


def test_dangerous_command_waits_for_another_person(source: int) -> None:
    cabinet("A-014", source, lights(2, source))
    asked = ask("open_feeder", assets=("A-014",))
    assert (asked.state, states()) == (CommandState.ASKED, ["asked"])
    assert [group.id for group in queries.waiting_for_second_person(seen_by=karim())]
    assert queries.waiting_for_second_person(seen_by=nadia()) == ()
    with pytest.raises(Forbidden, match="it takes two"):
        actions.authorise(asked.id, by=nadia(), at=T0 + SECOND)
    assert actions.authorise(asked.id, by=karim(), at=T0 + SECOND) == 1
    assert (seen(asked.id).state, seen(asked.id).authorised_by) == ("authorised", "karim")
    with pytest.raises(Conflict, match="authorised by Karim"):
        actions.authorise(asked.id, by=chief(), at=T0 + 2 * SECOND)
    assert verbs() == ["ask_command", "authorise_command"]


def test_denial_says_why_and_frees_the_equipment(source: int) -> None:
    cabinet("A-014", source, lights(1, source))
    asked = ask("open_feeder", assets=("A-014",))
    with pytest.raises(Refused, match="say why"):
        actions.deny(asked.id, " ", by=karim(), at=T0)
    with pytest.raises(Forbidden, match="it takes two"):
        actions.deny(asked.id, "non", by=nadia(), at=T0)
    actions.deny(asked.id, "une équipe y travaille", by=karim(), at=T0 + SECOND)
    command = seen(asked.id)
    assert (command.state, command.end_reason, command.ended_by) == ("denied", "une équipe y travaille", "Karim")
    with pytest.raises(Conflict, match="denied by Karim"):
        actions.authorise(asked.id, by=chief(), at=T0 + SECOND)
    assert ask("open_feeder", assets=("A-014",), at=T0 + MINUTE).state == "asked"


def test_what_people_wrote_is_read_by_who_may_and_goes_with_the_key_of_its_case(source: int) -> None:
    lights(1, source)
    asked = ask(reason="appel de Mme Martin", hold_s=600)
    actions.cancel(asked.id, "elle a rappelé", by=karim(), at=T0)
    mine = queries.command(asked.id, seen_by=nadia())
    assert (mine.reason, mine.end_reason) == ("appel de Mme Martin", "elle a rappelé")
    machine = queries.command(asked.id, seen_by=viewer("machine", role=Role.INTEGRATION))
    assert (machine.state, machine.reason, machine.end_reason) == ("cancelled", "", "")
    (case,) = {line.personal.about for line in lines() if line.personal}
    assert case.startswith("case:command-")
    with transaction.atomic():
        erase_personal(case, reason="demande", by=SYSTEM, at=T0 + MINUTE)
    assert (seen(asked.id).reason, seen(asked.id).end_reason) == ("", "")


def test_what_was_not_authorised_in_time_is_not_authorised_late(source: int) -> None:
    cabinet("A-014", source, lights(1, source))
    asked = ask("open_feeder", assets=("A-014",))
    with pytest.raises(Conflict, match="expired"):
        actions.authorise(asked.id, by=karim(), at=T0 + 601 * SECOND)
    assert states() == ["asked"]


def test_cancelling_takes_back_what_has_not_left_and_nothing_else(source: int) -> None:
    lights(2, source)
    asked = ask()
    with pytest.raises(Refused):
        actions.cancel(asked.id, "", by=nadia(), at=T0)
    assert actions.cancel(asked.id, "erreur", by=karim(), at=T0) == 1
    with pytest.raises(Conflict, match="cancelled by Karim"):
        actions.cancel(asked.id, "erreur", by=nadia(), at=T0)
    other = ask(assets=("L-00002",))
    Row.objects.filter(pk=other.id).update(state="sent")
    with pytest.raises(Conflict, match="it is sent"):
        actions.cancel(other.id, "trop tard", by=nadia(), at=T0)


def test_second_to_ask_is_told_who_has_it_and_what_for(source: int) -> None:
    lights(2, source)
    ask()
    with pytest.raises(Conflict, match=r"L-00001: already commanded by Nadia at .*: Régler le niveau d’éclairage"):
        ask(by=karim())
    both = ask(by=karim(), assets=("L-00001", "L-00002"))
    assert [(each.code, each.key) for each in both.left_out] == [("L-00001", "taken")]
    assert (both.group, states()) == (None, ["authorised", "authorised"])


def test_group_is_asked_by_cabinet_by_zone_or_by_name(source: int) -> None:
    cabinet("A-014", source, lights(3, source))
    lights(2, source, commune="Chenôve", first=10)
    by_cabinet = ask(cabinet="A-014")
    group = queries.group(by_cabinet.id)
    assert (group.size, group.counts, by_cabinet.group) == (3, {CommandState.AUTHORISED: 3}, by_cabinet.id)
    by_zone = ask(zone="Chenôve", hold_s=600)
    assert queries.group(by_zone.id).size == 2
    assert len(verbs()) == 5
    with pytest.raises(NotFound):
        ask(zone="Nulle Part")
    with pytest.raises(NotFound):
        ask(cabinet="L-00001")
    with pytest.raises(Conflict):
        ask(zone="*", by=karim())


def test_large_group_is_one_line_that_names_its_equipment(source: int) -> None:
    lights(25, source)
    asked = ask(zone="Dijon")
    (line,) = lines()
    assert (line.subject, line.content["count"], len(line.content["assets"])) == (f"command:{asked.id}", 25, 25)
    actions.cancel(asked.id, "erreur", by=nadia(), at=T0 + SECOND)
    assert verbs() == ["ask_command", "cancel_command"]
    assert set(states()) == {"cancelled"}


def test_dry_run_names_what_is_touched_and_why_the_rest_is_not(source: int) -> None:
    lights(4, source)
    make_asset("A-014", source_id=source)
    make_asset("L-90000", "light_point", "Dijon")
    make_asset("L-90001", "light_point", "Dijon", source_id=make_source("buses", "gtfs_rt"))
    make_asset("L-90002", "light_point", "Dijon", source_id=make_source("mute", heard=T0 - HOUR))
    supervisor = chief()
    with transaction.atomic():
        alarms.take_out_of_service(asset="L-00002", until=T0 + HOUR, reason="travaux", by=supervisor, at=T0)
    from django.apps import apps

    number = apps.get_model("twin", "Asset").objects.get(code="L-00003").pk
    apps.get_model("twin", "Freshness").objects.create(asset_id=number, level=2, since=to_datetime(T0))
    ask(assets=("L-00004",))
    names = ("L-00001", "L-00002", "L-00003", "L-00004", "A-014", "L-90000", "L-90001", "L-90002", "X-1")
    before = Row.objects.count()
    run = queries.dry_run(wish(assets=names), seen_by=karim(), at=T0)
    assert [each.code for each in run.touched] == ["L-00001"]
    assert {each.code: each.key for each in run.left_out} == {
        "L-00002": "out-of-service",
        "L-00003": "silent",
        "L-00004": "taken",
        "A-014": "ability-unknown",
        "L-90000": "no-source",
        "L-90001": "not-commanded",
        "L-90002": "silent",
        "X-1": "unknown",
    }
    told = {each.code: each.reason for each in run.left_out}
    assert "Chief" in told["L-00002"]
    assert "travaux" not in told["L-00002"]  # what a person wrote is told to who may read it, on its own page
    assert "already commanded by Nadia" in told["L-00004"]
    assert Row.objects.count() == before
    asked = actions.ask(wish(assets=names), by=karim(), at=T0)
    assert asked.left_out == run.left_out


def test_person_asks_only_where_the_clearance_reaches(source: int) -> None:
    lights(1, source)
    lights(1, source, commune="Chenôve", first=2)
    with pytest.raises(Forbidden):
        ask(by=viewer("tania", desk="traffic"))
    with pytest.raises(Forbidden):
        ask(by=viewer("vincent", role=Role.VISITOR))
    local = ask(by=viewer("lou", commune="Dijon"), assets=("L-00001", "L-00002"))
    assert [(each.code, each.key) for each in local.left_out] == [("L-00002", "forbidden")]
    with pytest.raises(Forbidden):
        ask(by=viewer("lou", commune="Dijon"), assets=("L-00002",))


def test_same_key_is_the_same_request(source: int) -> None:
    lights(2, source)
    first = ask(key="etape-3")
    again = ask(key="etape-3")
    assert (again.id, again.commands, again.again) == (first.id, first.commands, True)
    assert ask(key="etape-3", by=karim(), assets=("L-00002",)).again is False
    with pytest.raises(Conflict, match="this key was used"):
        ask("return_to_schedule", key="etape-3")
    assert verbs() == ["ask_command", "ask_command"]


def test_planned_command_does_not_keep_others_off_before_its_hour(source: int) -> None:
    lights(1, source)
    planned = ask(due_at=T0 + HOUR)
    assert seen(planned.id).expires_at == T0 + HOUR + 1800 * SECOND
    assert ask(by=karim()).state == "authorised"


def test_lists_are_narrowed_to_what_is_asked_and_to_what_one_may_see(source: int) -> None:
    lights(3, source)
    first, second = ask(incident=4), ask(assets=("L-00002",), by=karim())
    mine = queries.list_commands(queries.Filters(asked_by="karim"), seen_by=nadia())
    assert [command.id for command in mine] == [second.id]
    assert [command.id for command in queries.commands_of_incident(4, seen_by=nadia())] == [first.id]
    assert queries.list_commands(queries.Filters(), seen_by=viewer("tania", desk="traffic")) == ()
    with pytest.raises(NotFound):
        queries.command(first.id, seen_by=viewer("tania", desk="traffic"))
    assert queries.counts(seen_by=nadia()) == {CommandState.AUTHORISED: 2}


def test_profile_put_in_force_twice_changes_nothing_and_terms_stay_as_they_were(source: int) -> None:
    lights(1, source)
    asked = ask()
    from beffroi.kernel.commands.types import Ability
    from tests.kernel.commands.scene import ABILITIES, ability

    changed: tuple[Ability, ...] = tuple(
        ability(slug, label="Autre") if slug == "set_level" else each for slug, each in ABILITIES.items()
    )
    assert actions.publish_abilities(changed, connectors=("mqtt_json",), by=SYSTEM, at=T0) == 1
    assert actions.publish_abilities(changed, connectors=("mqtt_json",), by=SYSTEM, at=T0) == 0
    assert queries.ability_named("set_level").label == "Autre"
    assert seen(asked.id).ability.label == "Régler le niveau d’éclairage"
    assert actions.publish_abilities((), connectors=(), by=SYSTEM, at=T0) == len(changed)
    with pytest.raises(NotFound):
        ask(by=karim())

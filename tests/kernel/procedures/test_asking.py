"""Steps that ask: commands of equipment and missions of crews, followed to their proof or their failure."""

from __future__ import annotations

from uuid import UUID

import pytest

from beffroi.foundation.errors import BeffroiError, Conflict, NotFound
from beffroi.kernel.commands import actions as command_actions
from beffroi.kernel.commands import queries as command_queries
from beffroi.kernel.commands.types import Answered, CommandState, Proven
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch import queries as crews
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import Command, Dispatch, Run, RunStatus
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.commands import scene as commands
from tests.kernel.dispatch import scene as missions
from tests.kernel.faults import Witness, at_once, with_fault
from tests.kernel.incidents import factories
from tests.kernel.procedures.cards import SYSTEM, T0, assert_replayed, in_force, later, nadia, states, verbs

FIELD = """
code: field
version: 1
title: Terrain
desk: lighting
purpose: Couper, envoyer.
for: {categories: [street_dark]}
roles: [{code: operator, title: Opérateur, desk: lighting}]
steps:
  - {id: light, kind: command, title: Éclairer plus fort, ability: set_level, parameters: {level_pct: 100},
     hold_s: 3600, target: {reach: around, asset_class: light_point, within_m: 200}}
  - {id: crew, kind: dispatch, title: Envoyer une équipe, skills: [electrical], instructions: Voir l'armoire.,
     done_when: on_site, within_s: 600}
tests: [{name: rien, expect: [{at_s: 0, step: light, by: operator}]}]
"""


def begun(lights: int = 1) -> tuple[Run, Incident, int]:
    """Start the card where there are light points and a crew on duty."""
    commands.set_up()
    missions.set_up()
    incidents.publish_profile(factories.CATEGORIES, (), by=SYSTEM, at=T0)
    source = commands.make_source("lighting")
    for number in range(1, lights + 1):
        make_asset(f"L-{number:05d}", "light_point", "Dijon", source_id=source, **near())
    in_force(FIELD)
    incident = factories.call(by="nadia")
    return actions.start("field", incident.id, by=nadia(), at=T0), incident, source


def near() -> dict[str, float]:
    from beffroi.foundation.geo import point_to_metres

    x_m, y_m = point_to_metres(factories.LON, factories.LAT)
    return {"x_m": x_m, "y_m": y_m}


def proven(source: int) -> None:
    """Have the equipment take the commands and show that they are done."""
    sent = commands.send(source, at=later(2))
    for each in sent:
        commands.equipment_says(Answered(each, source, True, "", later(3)), at=later(3))
        commands.equipment_says(Proven(each, 100.0, later(4)), at=later(4))


@pytest.mark.django_db
def test_a_command_is_sent_once_and_the_step_is_done_by_its_proof_alone() -> None:
    run, incident, source = begun()
    step = run.state.lanes[0].steps[0]
    assert isinstance(step, Command)
    aim = queries.aim(step, incident, seen_by=nadia(), at=T0)
    assert (aim.codes, aim.refused) == (("L-00001",), "")
    assert aim.effect == "Le point lumineux éclaire à 100 % de sa puissance, quelle que soit l’heure."
    run = actions.send(run.id, "light", by=nadia(), at=later(1))
    assert states(run) == {"light": "asked"}
    with pytest.raises(Conflict, match="asked for by Nadia"):
        actions.send(run.id, "light", by=viewer("marc"), at=later(1))
    assert actions.pass_time(later(2)) == 0
    proven(source)
    assert actions.pass_time(later(5)) == 1
    assert states(queries.run(run.id, nadia())) == {"light": "done", "crew": "open"}
    (command,) = command_queries.commands_of_incident(incident.id)
    assert (command.state, command.reason) == (CommandState.EFFECTIVE, "Terrain : Éclairer plus fort")
    assert command.returns_at is not None
    assert verbs() == ["start_procedure", "send_step", "prove_step"]
    assert_replayed(run.id)


@pytest.mark.django_db
def test_a_command_that_equipment_refuses_fails_its_step_and_is_sent_again_by_a_person() -> None:
    run, incident, source = begun(lights=2)
    actions.send(run.id, "light", by=nadia(), at=later(1))
    first, second = commands.send(source, at=later(2))
    commands.equipment_says(Answered(first, source, False, "capot ouvert", later(3)), at=later(3))
    commands.equipment_says(Proven(second, 100.0, later(4)), at=later(4))
    assert actions.pass_time(later(5)) == 1
    run = queries.run(run.id, nadia())
    assert states(run) == {"light": "failed"}
    run = actions.send(run.id, "light", by=nadia(), at=later(10))
    assert run.state.steps["light"].attempts == 2
    assert len(command_queries.groups_of_incident(incident.id)) == 2
    assert verbs() == ["start_procedure", "send_step", "fail_step", "send_step"]
    assert_replayed(run.id)


@pytest.mark.django_db
def test_a_command_cancelled_or_silent_fails_its_step() -> None:
    run, _incident, _source = begun()
    run = actions.send(run.id, "light", by=nadia(), at=later(1))
    command_actions.cancel(
        UUID(run.state.steps["light"].reference.partition(":")[2]), "erreur", by=nadia(), at=later(2)
    )
    actions.pass_time(later(3))
    assert states(queries.run(run.id, nadia())) == {"light": "failed"}
    actions.send(run.id, "light", by=nadia(), at=later(4))
    command_actions.expire_commands(at=later(40_000))
    actions.pass_time(later(40_001))
    assert states(queries.run(run.id, nadia()))["light"] == "failed"


@pytest.mark.django_db
def test_nothing_to_ask_it_of_is_told_and_the_step_can_be_skipped() -> None:
    run, incident, _source = begun(lights=0)
    step = run.state.lanes[0].steps[0]
    assert isinstance(step, Command)
    assert "none is near" in queries.aim(step, incident, seen_by=nadia(), at=T0).refused
    with pytest.raises(NotFound, match="none is near"):
        actions.send(run.id, "light", by=nadia(), at=later(1))
    assert states(actions.skip(run.id, "light", reason="Aucun", by=nadia(), at=later(2)))["crew"] == "open"


@pytest.mark.django_db
def test_a_crew_is_engaged_nearest_first_and_its_mission_ends_the_step() -> None:
    run, incident, _source = begun(lights=0)
    run = actions.skip(run.id, "light", reason="Aucun", by=nadia(), at=later(2))
    missions.on_duty("maud")
    missions.on_duty("omar")
    step = run.state.lanes[0].steps[1]
    assert isinstance(step, Dispatch)
    found = queries.candidates(step, incident, seen_by=nadia(), at=later(3))
    assert [each.unit.slug for each in found] == ["lumiere-1", "lumiere-2"]
    actions.engage(run.id, "crew", "lumiere-1", by=nadia(), at=later(4))
    (mission,) = crews.missions_of_incident(incident.id)
    assert (mission.title, mission.instructions, mission.hazards) == (
        "Envoyer une équipe", "Voir l'armoire.", "Armoire sous tension.",
    )  # fmt: skip
    missions.do("depart", mission.number, missions.crew("maud"), later(20))
    assert actions.pass_time(later(21)) == 0
    missions.do("arrive", mission.number, missions.crew("maud"), later(30))
    assert actions.pass_time(later(31)) == 1
    after = queries.run(run.id, nadia())
    assert (states(after)["crew"], after.state.status) == ("done", RunStatus.DONE)
    assert_replayed(run.id)


@pytest.mark.django_db
def test_a_crew_that_refuses_leaves_the_step_for_another() -> None:
    run, incident, _source = begun(lights=0)
    actions.skip(run.id, "light", reason="Aucun", by=nadia(), at=later(2))
    missions.on_duty("maud")
    missions.on_duty("omar")
    actions.engage(run.id, "crew", "lumiere-1", by=nadia(), at=later(4))
    (mission,) = crews.missions_of_incident(incident.id)
    missions.do("refuse", mission.number, missions.crew("maud"), later(20))
    actions.pass_time(later(21))
    assert states(queries.run(run.id, nadia()))["crew"] == "failed"
    with pytest.raises(BeffroiError):
        actions.engage(run.id, "crew", "nobody", by=nadia(), at=later(22))
    again = actions.engage(run.id, "crew", "lumiere-2", by=nadia(), at=later(23))
    assert again.state.steps["crew"].attempts == 2
    dispatch.cancel_mission(
        crews.missions_of_incident(incident.id)[0].number, reason="autre urgence", by=missions.room(), at=later(30)
    )
    actions.pass_time(later(31))
    assert states(queries.run(run.id, nadia()))["crew"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_two_people_send_the_same_step_and_one_command_leaves() -> None:
    run, incident, _source = begun()
    one, other = nadia(), viewer("marc")
    found = at_once(
        lambda: actions.send(run.id, "light", by=one, at=later(1)),
        lambda: actions.send(run.id, "light", by=other, at=later(1)),
    )
    assert sorted(type(each).__name__ for each in found) == ["Conflict", "Run"]
    assert len(command_queries.commands_of_incident(incident.id)) == 1
    assert_replayed(run.id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["command", "mission"])
def test_a_fault_at_any_boundary_never_asks_without_noting_it_nor_twice(kind: str) -> None:
    run, incident, _source = begun()
    one = nadia()
    if kind == "mission":
        missions.on_duty("maud")
        actions.skip(run.id, "light", reason="Aucun", by=one, at=later(1))
    borne = 0
    with Witness() as witness:
        for place in range(1, 200):
            for fault in ("killed", "lost"):
                if asked_of(run, kind):
                    break
                witness.give_numbers_back()
                borne += with_fault(lambda: ask(run.id, kind), fault, place, witness)  # type: ignore[arg-type]
                assert asked_of(run, kind) == len(things_of(incident, kind))
    assert asked_of(run, kind) == len(things_of(incident, kind)) == 1
    assert borne > 10
    assert_replayed(run.id)


def ask(run: int, kind: str) -> object:
    if kind == "command":
        return actions.send(run, "light", by=nadia(), at=later(2))
    return actions.engage(run, "crew", "lumiere-1", by=nadia(), at=later(2))


def asked_of(run: Run, kind: str) -> int:
    """1 when the step says that it asked."""
    return int(states(queries.run(run.id, nadia())).get("light" if kind == "command" else "crew") == "asked")


def things_of(incident: Incident, kind: str) -> tuple[object, ...]:
    """What exists in the room that was asked."""
    if kind == "command":
        return command_queries.commands_of_incident(incident.id)
    return crews.missions_of_incident(incident.id)

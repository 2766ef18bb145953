"""A run in the database: what each person may do, what is told, what comes by itself."""

from __future__ import annotations

from dataclasses import replace as with_fields

import pytest
from django.apps import apps

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.journal.queries import lines_of, list_lines
from beffroi.kernel.journal.types import EVERYTHING
from beffroi.kernel.people.types import Post, Role
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import RunStatus
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.incidents import factories
from tests.kernel.incidents.photos import photo
from tests.kernel.procedures.cards import (
    CARD,
    CORDON,
    SYSTEM,
    T0,
    an_incident,
    assert_replayed,
    in_force,
    later,
    library,
    nadia,
    started,
    states,
    verbs,
)

pytestmark = pytest.mark.django_db


def to_the_lanes() -> int:
    """Start the card, and bring it to its parallel lanes; return the run."""
    run = started()
    actions.confirm(run.id, "look", note="Rien à voir.", by=nadia(), at=later(10))
    actions.answer(run.id, "hit", "whole", by=nadia(), at=later(20))
    actions.pass_time(later(140))
    return run.id


def test_publishing_puts_in_force_once_and_withdraws_what_is_gone() -> None:
    first = actions.publish_procedures(library().values(), by=SYSTEM, at=T0)
    assert (first.new, first.changed, first.withdrawn) == (("dark", "cordon"), (), ())
    assert actions.publish_procedures(library().values(), by=SYSTEM, at=T0).unchanged == 2
    lines = len(list_lines(limit=500))
    newer = CORDON.replace("version: 4", "version: 5").replace("Poser les barrières", "Poser les cônes")
    second = actions.publish_procedures(library(CARD, newer).values(), by=SYSTEM, at=T0)
    assert (second.new, second.changed) == ((), ("cordon",))
    assert len(list_lines(limit=500)) == lines + 1
    third = actions.publish_procedures(library(newer).values(), by=SYSTEM, at=T0)
    assert third.withdrawn == ("dark",)
    assert queries.version_of("cordon").versions == (4, 5)
    assert queries.version_of("cordon", 4).procedure.steps[0].title == "Poser les barrières"


def test_publishing_refuses_a_content_that_changed_under_its_version_and_a_test_that_fails() -> None:
    in_force()
    with pytest.raises(Refused, match="write version: 5"):
        in_force(CARD, CORDON.replace("Poser les barrières", "Poser les cônes"))
    with pytest.raises(Refused, match="test “Deux gestes”"):
        in_force(CARD, CORDON.replace("version: 4", "version: 5").replace("at_s: 9, end", "at_s: 8, end"))
    assert queries.version_of("cordon").procedure.version == 4


def test_a_procedure_that_ran_is_proposed_again_once_its_incident_is_opened_again() -> None:
    in_force()
    incident = an_incident()
    run = actions.start("dark", incident.id, by=nadia(), at=T0)
    actions.stop(run.id, reason="autre cause", by=nadia(), at=T0 + SECOND)
    assert queries.proposed_for(factories.seen(incident.id)) == ()
    incidents.take_incident(incident.id, by=nadia(), at=T0 + 2 * SECOND)
    incidents.close_incident(incident.id, reason="repaired", comment="", by=nadia(), at=T0 + 3 * SECOND)
    incidents.reopen_incident(incident.id, reason="encore noir", by=nadia(), at=T0 + 4 * SECOND)
    assert [each.procedure.code for each in queries.proposed_for(factories.seen(incident.id))] == ["dark"]


def test_a_procedure_is_proposed_by_category_and_by_alarm_until_it_runs() -> None:
    in_force()
    incident = an_incident()
    assert [(each.procedure.code, each.because, each.of) for each in queries.proposed_for(incident)] == [
        ("dark", "category", "street_dark")
    ]
    actions.start("dark", incident.id, by=nadia(), at=T0)
    assert queries.proposed_for(incident) == ()
    cabinet = make_asset("A-014")
    by_alarm = factories.seen(factories.incident_of(factories.alarm("cabinet_tripped", cabinet)))
    assert [(each.procedure.code, each.because, each.of) for each in queries.proposed_for(by_alarm)] == [
        ("dark", "alarm", "cabinet_tripped")
    ]
    noise = factories.call(category="noise")
    assert queries.proposed_for(noise) == ()


def test_the_most_particular_procedure_is_proposed_first_whatever_their_names() -> None:
    def named(code: str, title: str, purpose: str) -> str:
        text = CORDON.replace("code: cordon", f"code: {code}").replace("title: Baliser", f"title: {title}")
        return text.replace("roles:", f"for: {{{purpose}}}\nroles:", 1)

    in_force(
        named("any_b", "Bb", "categories: [street_dark]"),
        named("any_a", "Aa", "categories: [street_dark]").replace("desk: lighting\npurpose", "desk: police\npurpose"),
        named("on_cabinet", "Zz", "categories: [street_dark], asset_classes: [lighting_cabinet]"),
        named("on_bollard", "Ab", "categories: [street_dark], asset_classes: [bollard]"),
        named("by_alarm", "Zzz", "alarms: [cabinet_tripped], categories: [street_dark]"),
    )
    factories.set_up()
    cabinet = make_asset("A-014")
    told = factories.call(by="nadia", asset="A-014")
    assert [(each.procedure.code, str(each.because)) for each in queries.proposed_for(told)] == [
        ("on_cabinet", "asset_class"), ("any_b", "category"), ("by_alarm", "category"), ("any_a", "category"),
    ]  # fmt: skip
    raised = factories.seen(factories.incident_of(factories.alarm("cabinet_tripped", cabinet)))
    assert [str(each.because) for each in queries.proposed_for(raised)][:1] == ["alarm"]
    nowhere = factories.call(by="nadia", lon=5.2)
    assert [each.procedure.code for each in queries.proposed_for(nowhere)] == ["any_b", "by_alarm", "any_a"]


def test_a_picture_is_of_the_step_that_it_names_and_of_no_other() -> None:
    factories.set_up()
    in_force(CORDON, TWO_PICTURES)
    incident = an_incident().id
    run = actions.start("two", incident, by=nadia(), at=T0)
    assert [(each.title, each.taken) for each in queries.steps_to_picture(incident)] == [("Un", 0), ("Deux", 0)]
    one, two = (each.name for each in queries.steps_to_picture(incident))
    kept = incidents.attach_evidence(incident, kind="other", picture=photo(), step=one, by=nadia(), at=later(5))
    assert [(each.title, each.taken) for each in queries.steps_to_picture(incident)] == [("Un", 1), ("Deux", 0)]
    assert queries.pictured_steps(queries.runs_of_incident(incident))[kept.step] == "Deux images : Un"
    with pytest.raises(Refused, match="picture"):
        actions.confirm(run.id, "second", by=nadia(), at=later(6))
    actions.confirm(run.id, "first", by=nadia(), at=later(6))
    incidents.attach_evidence(incident, kind="other", picture=photo(width=80), by=nadia(), at=later(7))
    over = actions.confirm(run.id, "second", by=nadia(), at=later(8))
    assert over.state.status is RunStatus.DONE
    assert_replayed(run.id)
    assert (queries.known_picture_name(incident, two), queries.known_picture_name(incident, "run-9/x")) == (two, "")
    with pytest.raises(NotFound):
        queries.picture_name_of(incident, run.id, "nowhere")


TWO_PICTURES = """
code: two
version: 1
title: Deux images
desk: lighting
purpose: Montrer.
roles: [{code: operator, title: Opérateur}]
steps:
  - id: both
    kind: parallel
    lanes:
      - steps: [{id: first, title: Un, evidence: picture}]
      - steps: [{id: second, title: Deux, evidence: picture}]
tests: [{name: deux, expect: [{at_s: 0, step: first, by: operator}, {at_s: 0, step: second, by: operator}]}]
"""


def test_a_run_keeps_the_version_that_it_began_with() -> None:
    run = started()
    newer = CARD.replace("version: 1", "version: 2").replace("Regarder les caméras", "Regarder")
    in_force(newer, CORDON)
    found = queries.run(run.id, nadia())
    assert (found.version, found.state.lanes[0].steps[0].title) == (1, "Regarder les caméras")


def test_a_run_from_start_to_end_with_its_lines_and_its_moves() -> None:
    number = to_the_lanes()
    actions.tick(number, "list", 0, by=nadia(), at=later(150))
    actions.tick(number, "list", 1, by=nadia(), at=later(151))
    police = with_fields(viewer("marc"), post=Post("buildings", "PC", ("police",)))
    (message,) = queries.messages_for(police)
    assert "Rue dans le noir, 12 rue Monge, Dijon, priorité 2 à " in message.text
    actions.acknowledge_message(message.id, by=police, at=later(160))
    run = actions.confirm(number, "end", by=nadia(), at=later(170))
    assert run.state.status is RunStatus.DONE
    assert verbs() == [
        "start_procedure", "confirm_step", "answer_step", "end_wait", "tell_step", "tick_step", "tick_step",
        "acknowledge_message", "confirm_step", "end_procedure",
    ]  # fmt: skip
    assert_replayed(number)
    thread = incident_queries.history(run.incident)
    assert {line.verb for line in thread} >= {"start_procedure", "end_procedure"}


def test_what_people_write_is_encrypted_and_read_by_who_may() -> None:
    run = started()
    actions.confirm(run.id, "look", note="M. Personne est à terre.", by=nadia(), at=later(10))
    line = next(line for line in lines_of(f"run:{run.id}", reach=EVERYTHING) if line.verb == "confirm_step")
    assert line.personal is not None
    assert line.personal.about == f"case:incident-{run.incident}"
    assert "Personne" not in str(line.content)
    assert "Personne" not in str(apps.get_model("procedures", "Run").objects.get(pk=run.id).state)
    assert queries.run(run.id, nadia()).notes == {"look": ("M. Personne est à terre.",)}
    assert queries.run(run.id, viewer("lise", role=Role.VISITOR)).notes == {}


def test_who_may_not_run_procedures_there_is_refused() -> None:
    in_force()
    incident = an_incident()
    for who in (viewer("lise", role=Role.VISITOR), viewer("tom", desk="winter")):
        with pytest.raises((Forbidden, NotFound)):
            actions.start("dark", incident.id, by=who, at=T0)
    run = actions.start("dark", incident.id, by=nadia(), at=T0)
    for act in (
        lambda who: actions.confirm(run.id, "look", note="vu", by=who, at=T0),
        lambda who: actions.skip(run.id, "look", reason="rien", by=who, at=T0),
        lambda who: actions.stop(run.id, reason="rien", by=who, at=T0),
        lambda who: actions.add_step(run.id, "Appeler", by=who, at=T0),
        lambda who: actions.reapply(run.id, "look", by=who, at=T0),
    ):
        with pytest.raises(Forbidden):
            act(viewer("tom", desk="winter"))
    assert states(queries.run(run.id, nadia())) == {"look": "open"}


def test_the_desk_of_a_steps_role_does_its_steps_and_no_other() -> None:
    run = started()
    actions.confirm(run.id, "look", note="Vu.", by=nadia(), at=later(10))
    actions.answer(run.id, "hit", "hit", by=nadia(), at=later(20))
    patrol = viewer("marc", desk="police")
    actions.confirm(run.id, "cordon.barrier", by=patrol, at=later(30))
    with pytest.raises(Forbidden):
        actions.stop(run.id, reason="non", by=patrol, at=later(31))
    assert states(queries.run(run.id, nadia()))["cordon.photo"] == "open"


def test_one_run_of_a_procedure_at_a_time_and_none_on_what_is_closed() -> None:
    run = started()
    with pytest.raises(Conflict, match="started by Nadia"):
        actions.start("dark", run.incident, by=viewer("marc"), at=later(1))
    actions.stop(run.id, reason="Fausse piste", by=nadia(), at=later(2))
    incidents.close_incident(run.incident, reason="repaired", by=nadia(), at=later(3))
    with pytest.raises(Conflict, match="reopen it first"):
        actions.start("dark", run.incident, by=nadia(), at=later(4))
    with pytest.raises(NotFound, match="no procedure in force"):
        actions.start("unknown", run.incident, by=nadia(), at=later(4))


def test_skipping_and_stopping_ask_for_a_reason() -> None:
    run = started()
    for act in (
        lambda why: actions.skip(run.id, "look", reason=why, by=nadia(), at=later(1)),
        lambda why: actions.stop(run.id, reason=why, by=nadia(), at=later(2)),
    ):
        with pytest.raises(Refused):
            act("  ")
        act("Caméras en panne")
    after = queries.run(run.id, nadia())
    assert states(after) == {"look": "skipped", "hit": "open"}
    assert after.state.status is RunStatus.STOPPED
    line = next(line for line in lines_of(f"run:{run.id}", reach=EVERYTHING) if line.verb == "stop_procedure")
    assert line.content["left"] == ["Un mât est-il touché ?", "Fermer", "Prévenir", "Écrire le compte rendu"]
    assert_replayed(run.id)


def test_a_late_step_is_told_once_over_stops_and_starts_and_the_one_above_sees_it() -> None:
    run = started()
    assert actions.pass_time(later(59)) == 0
    assert actions.pass_time(later(1_000)) == 1
    assert actions.pass_time(later(2_000)) == 0
    late, told = [line for line in reversed(lines_of(f"run:{run.id}")) if line.verb in ("miss_step", "escalate_step")]
    assert (late.effective_at, told.effective_at) == (later(60), later(90))
    (message,) = queries.messages_for(nadia())
    assert (message.urgent, message.step, message.to_name) == (True, "look", "Chef de salle")
    seen = actions.acknowledge_message(message.id, by=nadia(), at=later(2_100))
    assert (seen.seen_by, seen.seen_at) == ("Nadia", later(2_100))
    with pytest.raises(Conflict, match="was seen by Nadia"):
        actions.acknowledge_message(message.id, by=viewer("marc"), at=later(2_200))
    assert queries.messages_for(nadia()) == ()
    assert_replayed(run.id)


def test_a_wait_ends_when_the_incident_reaches_what_it_waits_for() -> None:
    run = started()
    actions.confirm(run.id, "look", note="Vu.", by=nadia(), at=later(10))
    actions.answer(run.id, "hit", "whole", by=nadia(), at=later(20))
    assert actions.pass_time(later(21)) == 0
    incidents.take_incident(run.incident, by=nadia(), at=later(22))
    incidents.mark_incident(run.incident, "on_site", by=nadia(), at=later(30))
    assert actions.pass_time(later(31)) == 1
    assert states(queries.run(run.id, nadia()))["calm"] == "done"


def test_a_run_stops_with_its_incident_and_says_what_was_left() -> None:
    run = started()
    incidents.close_incident(run.incident, reason="repaired", by=nadia(), at=later(5))
    assert actions.pass_time(later(6)) == 1
    after = queries.run(run.id, nadia())
    assert (after.state.status, after.ended_by) == (RunStatus.STOPPED, "Rue dans le noir")
    line = next(line for line in lines_of(f"run:{run.id}") if line.verb == "stop_procedure")
    assert (line.reason, line.actor.kind) == ("incident_ended", "rule")
    assert_replayed(run.id)


def test_a_step_is_added_and_a_step_or_a_procedure_applied_again() -> None:
    run = started()
    actions.add_step(run.id, "Appeler l'élu d'astreinte", role="supervisor", within_s=300, by=nadia(), at=later(1))
    actions.reapply(run.id, "cordon", by=nadia(), at=later(2))
    after = actions.reapply(run.id, "look", by=nadia(), at=later(3))
    assert states(after) == {"look": "open", "1.added": "open", "2.barrier": "open", "3.again": "open"}
    assert after.state.steps["1.added"].due_at == later(1) + 300 * SECOND
    assert queries.run(run.id, nadia()).notes == {"1.added": ("Appeler l'élu d'astreinte",)}
    assert "élu" not in str(apps.get_model("procedures", "Run").objects.get(pk=run.id).state)
    actions.confirm(run.id, "1.added", by=nadia(), at=later(4))
    with pytest.raises(NotFound, match="neither a step of this run"):
        actions.reapply(run.id, "nothing", by=nadia(), at=later(5))
    with pytest.raises(Refused):
        actions.add_step(run.id, "", by=nadia(), at=later(5))
    assert_replayed(run.id)

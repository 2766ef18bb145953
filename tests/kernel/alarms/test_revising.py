"""Changing definitions with two persons: every step, every refusal with the same setup as the success."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.errors import BeffroiError, Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.actions import WrongDefinition
from beffroi.kernel.alarms.rules.definition_entries import changed_fields, digest_of, entry_of
from beffroi.kernel.alarms.rules.definition_fields import Problems
from beffroi.kernel.alarms.rules.definitions import read_definition
from beffroi.kernel.alarms.types import Definition, Revision, RevisionState
from beffroi.kernel.journal.queries import Filters, list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people.types import Role, Viewer
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, a_definition, viewer
from tests.kernel.alarms.test_compound import COMPARISON, a_rule
from tests.kernel.alarms.test_definitions import LEAST

T0 = 1_700_000_000_000_000
SYSTEM = Actor(ActorKind.SYSTEM, "beffroi", "Beffroi")
TESTS = [
    {"name": "disjoncte", "given": [{"at_s": 0, "feeder_state": "tripped"}], "expect": [{"raised_s": 8}]},
    {"name": "tient", "given": [{"at_s": 0, "feeder_state": "energised"}], "expect": []},
]


@pytest.fixture
def nadia(db: None) -> Viewer:
    """She writes."""
    return viewer("nadia", role=Role.ALARM_ENGINEER)


@pytest.fixture
def omar(db: None) -> Viewer:
    """He judges."""
    return viewer("omar", role=Role.ROOM_SUPERVISOR)


@pytest.fixture
def in_force(db: None) -> None:
    """Three definitions in force."""
    actions.publish_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0)


def slower(**changes: Any) -> dict[str, Any]:
    """The tripped cabinet, with an on-delay of 8 s and tests."""
    return entry_of(TRIPPED) | {"on_delay_s": 8.0, "tests": TESTS} | changes


def proposed(by: Viewer, **changes: Any) -> Revision:
    draft = actions.draft_definition(slower(**changes), reason="trop de réarmements", by=by, at=T0 + 1)
    return actions.propose_definition(draft.id, by=by, at=T0 + 2)


def verbs() -> list[tuple[str, str]]:
    return [(line.verb, line.actor.id) for line in reversed(list_lines(Filters(subject="definition:cabinet_tripped")))]


@pytest.mark.usefixtures("in_force")
def test_change_is_put_in_force_by_a_second_person(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia)
    assert (change.state, change.base_version, change.author_name) == (RevisionState.PROPOSED, 1, "Nadia")
    done = actions.put_definition_in_force(change.id, reason="vu ensemble", by=omar, at=T0 + 3)
    assert (done.state, done.version, done.reviewer_name, done.review_reason) == ("in_force", 2, "Omar", "vu ensemble")
    now = queries.version_in_force("cabinet_tripped")
    assert now is not None
    assert (now.version, now.on_delay_s, [trial.name for trial in now.tests]) == (2, 8.0, ["disjoncte", "tient"])
    assert [each.version for each in queries.versions_of("cabinet_tripped")] == [2, 1]
    assert verbs() == [
        ("publish_definition", "beffroi"),
        ("draft_definition", "nadia"),
        ("propose_definition", "nadia"),
        ("publish_definition", "omar"),
    ]
    line = list_lines(Filters(subject="definition:cabinet_tripped"))[0]
    told = {name: line.content[name] for name in ("version", "author", "why", "before")}
    assert told == {
        "version": 2, "author": "Nadia", "why": "trop de réarmements",
        "before": {"version": 1, "on_delay_s": 0, "tests": []},
    }  # fmt: skip


@pytest.mark.usefixtures("in_force")
def test_nobody_decides_on_their_own_change(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia)
    for decide in (actions.put_definition_in_force, actions.refuse_definition):
        with pytest.raises(Refused, match="another person decides"):
            decide(change.id, reason="oui", by=nadia, at=T0 + 3)
    assert queries.version_in_force("cabinet_tripped").version == 1  # type: ignore[union-attr]
    assert actions.put_definition_in_force(change.id, by=omar, at=T0 + 3).state == RevisionState.IN_FORCE


@pytest.mark.usefixtures("in_force")
def test_change_is_refused_with_a_reason(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia)
    with pytest.raises(Refused, match="say why the change is refused"):
        actions.refuse_definition(change.id, reason="  ", by=omar, at=T0 + 3)
    refused = actions.refuse_definition(change.id, reason="trop lent", by=omar, at=T0 + 3)
    assert (refused.state, refused.review_reason, refused.is_open) == (RevisionState.REFUSED, "trop lent", False)
    for late in (
        lambda: actions.put_definition_in_force(change.id, by=omar, at=T0 + 4),
        lambda: actions.propose_definition(change.id, by=nadia, at=T0 + 4),
        lambda: actions.drop_definition(change.id, by=nadia, at=T0 + 4),
    ):
        with pytest.raises(Conflict, match=r"this change is closed \(refused, by Omar\)"):
            late()


@pytest.mark.usefixtures("in_force")
def test_failing_test_keeps_a_proposal_out_of_force(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia, on_delay_s=9.0)
    with pytest.raises(Refused) as caught:
        actions.put_definition_in_force(change.id, by=omar, at=T0 + 3)
    assert caught.value.key == "definition-test-failed"
    assert "disjoncte: expected raised at 8 s; came raised at 9 s" in caught.value.reason
    assert queries.get_revision(change.id, omar).state == RevisionState.PROPOSED


@pytest.mark.usefixtures("in_force")
def test_draft_is_not_judged_and_written_again_it_is_a_draft_again(nadia: Viewer, omar: Viewer) -> None:
    draft = actions.draft_definition(slower(), reason="essai", by=nadia, at=T0)
    with pytest.raises(Conflict, match="Nadia has not proposed this change yet"):
        actions.put_definition_in_force(draft.id, by=omar, at=T0 + 1)
    actions.propose_definition(draft.id, by=nadia, at=T0 + 2)
    with pytest.raises(Conflict, match="proposed already"):
        actions.propose_definition(draft.id, by=nadia, at=T0 + 2)
    again = actions.draft_definition(slower(priority=3), reason="mieux", by=nadia, at=T0 + 3)
    assert (again.id, again.state, again.definition.priority) == (draft.id, "draft", 3)  # type: ignore[union-attr]
    assert actions.drop_definition(draft.id, by=nadia, at=T0 + 4).state == RevisionState.DROPPED


@pytest.mark.usefixtures("in_force")
def test_one_open_change_for_a_definition(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia)
    for act in (
        lambda: actions.draft_definition(slower(priority=3), reason="moi aussi", by=omar, at=T0),
        lambda: (
            actions.propose_withdrawal("cabinet_silent", reason="x", by=omar, at=T0)
            and actions.propose_withdrawal("cabinet_silent", reason="y", by=nadia, at=T0)
        ),
        lambda: actions.drop_definition(change.id, by=omar, at=T0),
        lambda: actions.propose_definition(change.id, by=omar, at=T0),
    ):
        with pytest.raises((Conflict, Refused)) as caught:
            act()
        assert caught.value.key in ("change-open", "definition-leaned-on")


@pytest.mark.usefixtures("in_force")
def test_change_written_from_an_older_version_is_refused(nadia: Viewer, omar: Viewer) -> None:
    change = proposed(nadia)
    actions.publish_definitions([replace(TRIPPED, version=2, priority=1), SILENT, DARK], by=SYSTEM, at=T0)
    with pytest.raises(Conflict, match="written from version 1, and version 2 is in force now"):
        actions.put_definition_in_force(change.id, by=omar, at=T0 + 3)


@pytest.mark.usefixtures("in_force")
def test_withdrawal_needs_two_persons_and_leaves_nothing_leaning_on_it(nadia: Viewer, omar: Viewer) -> None:
    with pytest.raises(Refused, match="explains light_dark: change these first"):
        actions.propose_withdrawal("cabinet_silent", reason="inutile", by=nadia, at=T0)
    change = actions.propose_withdrawal("light_dark", reason="inutile", by=nadia, at=T0)
    assert (change.definition, change.state) == (None, RevisionState.PROPOSED)
    actions.put_definition_in_force(change.id, by=omar, at=T0 + 1)
    assert queries.version_in_force("light_dark") is None
    card = queries.get_definition("light_dark", omar)
    assert (card.in_force, card.definition.version, card.revision) == (False, 1, None)
    with pytest.raises(NotFound, match="no definition `light_dark` is in force"):
        actions.propose_withdrawal("light_dark", reason="encore", by=nadia, at=T0)
    back = actions.draft_definition(entry_of(DARK) | {"priority": 4}, reason="utile", by=nadia, at=T0 + 2)
    actions.propose_definition(back.id, by=nadia, at=T0 + 3)
    assert actions.put_definition_in_force(back.id, by=omar, at=T0 + 4).version == 2


@pytest.mark.usefixtures("in_force")
def test_new_definition_is_shown_before_it_is_in_force(nadia: Viewer, omar: Viewer) -> None:
    draft = actions.draft_definition(
        {**LEAST, "code": "feeder_again", "desk": "lighting"}, reason="neuf", by=nadia, at=T0
    )
    card = queries.get_definition("feeder_again", omar)
    assert (card.in_force, card.definition.version, card.revision) == (False, 1, draft)
    states = {
        state: [card.definition.code for card in queries.list_definitions(queries.Asked(state=state), seen_by=omar)]
        for state in ("in_force", "withdrawn", "open")
    }
    assert states == {
        "in_force": ["cabinet_tripped", "cabinet_silent", "light_dark"],
        "withdrawn": [],
        "open": ["feeder_again"],
    }


@pytest.mark.usefixtures("in_force")
def test_what_is_wrong_is_told_field_by_field(nadia: Viewer) -> None:
    with pytest.raises(WrongDefinition) as caught:
        actions.draft_definition(slower(priority=7, threshold="broken", cause=" "), reason="essai", by=nadia, at=T0)
    assert {problem.field for problem in caught.value.problems} == {"priority", "threshold", "cause"}
    with pytest.raises(Refused, match="say why"):
        actions.draft_definition(slower(), reason="", by=nadia, at=T0)
    with pytest.raises(Refused, match="nothing differs"):
        actions.draft_definition(entry_of(TRIPPED), reason="rien", by=nadia, at=T0)
    draft = actions.draft_definition(slower(suppressed_by=["self:absent"]), reason="essai", by=nadia, at=T0)
    with pytest.raises(WrongDefinition, match="which is not defined here"):
        actions.propose_definition(draft.id, by=nadia, at=T0)


@pytest.mark.usefixtures("in_force")
def test_rights_are_asked_with_the_desk(nadia: Viewer, omar: Viewer) -> None:
    operator = viewer("olga")
    elsewhere = viewer("theo", role=Role.ALARM_ENGINEER, desk="traffic")
    change = proposed(nadia)
    for person in (operator, elsewhere):
        with pytest.raises(Forbidden):
            actions.draft_definition(slower(), reason="essai", by=person, at=T0)
        with pytest.raises(Forbidden):
            actions.put_definition_in_force(change.id, by=person, at=T0)
        with pytest.raises(Forbidden):
            actions.propose_withdrawal("cabinet_tripped", reason="essai", by=person, at=T0)
    assert len(queries.list_definitions(seen_by=operator)) == 3
    assert queries.list_definitions(seen_by=elsewhere) == ()
    with pytest.raises(NotFound):
        queries.get_definition("cabinet_tripped", elsewhere)
    with pytest.raises(NotFound):
        queries.get_revision(change.id, elsewhere)


def test_profile_begins_a_city_and_then_only_proposes(nadia: Viewer, omar: Viewer) -> None:
    first = actions.import_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0)
    assert first.begun == ("cabinet_tripped", "cabinet_silent", "light_dark")
    assert actions.import_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0) == actions.Imported()
    done = proposed(nadia)
    actions.put_definition_in_force(done.id, by=omar, at=T0)
    assert actions.import_definitions([TRIPPED, SILENT, DARK], by=SYSTEM, at=T0) == actions.Imported()
    urgent = a_definition(priority=1)
    assert actions.import_definitions([urgent, SILENT], by=SYSTEM, at=T0) == actions.Imported(
        proposed=("cabinet_tripped",), withdrawn=("light_dark",)
    )
    assert queries.version_in_force("cabinet_tripped").on_delay_s == 8.0  # type: ignore[union-attr]
    card = queries.get_definition("cabinet_tripped", omar)
    assert card.revision is not None
    actions.refuse_definition(card.revision.id, reason="non", by=omar, at=T0)
    assert actions.import_definitions([urgent, SILENT], by=SYSTEM, at=T0) == actions.Imported()


def test_import_waits_for_a_change_that_is_open(nadia: Viewer, omar: Viewer) -> None:
    actions.import_definitions([TRIPPED], by=SYSTEM, at=T0)
    change = proposed(nadia)
    urgent = a_definition(priority=1)
    assert actions.import_definitions([urgent], by=SYSTEM, at=T0) == actions.Imported(waiting=("cabinet_tripped",))
    actions.refuse_definition(change.id, reason="non", by=omar, at=T0)
    assert actions.import_definitions([urgent], by=SYSTEM, at=T0) == actions.Imported(proposed=("cabinet_tripped",))


def test_shares_of_priorities() -> None:
    assert queries.shares([TRIPPED, SILENT, DARK, SILENT]) == {2: 0.25, 3: 0.75}


@pytest.mark.django_db(transaction=True)
def test_two_persons_who_decide_at_once_make_one_decision() -> None:
    actions.publish_definitions([TRIPPED], by=SYSTEM, at=T0)
    change = proposed(viewer("nadia", role=Role.ALARM_ENGINEER))
    judges = [viewer("omar", role=Role.ROOM_SUPERVISOR), viewer("ines", role=Role.ALARM_ENGINEER)]
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def judge(person: Viewer, accepts: bool) -> None:
        try:
            gate.wait(10)
            if accepts:
                actions.put_definition_in_force(change.id, by=person, at=T0 + 3)
            else:
                actions.refuse_definition(change.id, reason="non", by=person, at=T0 + 3)
            outcomes.append("done")
        except BeffroiError as error:
            outcomes.append(error.key)
        finally:
            connection.close()

    threads = [threading.Thread(target=judge, args=(judges[place], place == 0)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["change-closed", "done"]
    lines = [verb for verb, _ in verbs() if verb in ("publish_definition", "refuse_definition")]
    assert len(lines) == 2  # the first publication, and one decision


@given(
    st.lists(COMPARISON, min_size=2, max_size=4, unique=True),
    st.sampled_from(["all", "any"]),
    st.sampled_from([(), ("self:light_fault",)]),
)
def test_definition_is_written_as_it_is_read(comparisons: list[Any], join: str, suppressed: tuple[str, ...]) -> None:
    definition = a_rule(*comparisons, join=join, suppressed_by=suppressed, release_delay_s=7.0 if suppressed else 0.0)
    assert read_definition(entry_of(definition), Problems("")) == definition
    assert digest_of(definition) == digest_of(replace(definition, version=9))
    assert changed_fields(definition, replace(definition, version=9)) == {}
    assert changed_fields(definition, replace(definition, title="Autre")) == {"title": (definition.title, "Autre")}


def test_every_kind_of_definition_is_written_as_it_is_read() -> None:
    kinds: list[Definition] = [
        TRIPPED, SILENT, DARK,
        a_rule(expression="power_w - dim_pct > 20.0", quantity="power_w", latching=True, re_alarm_s=600),
        replace(TRIPPED, escalate_after_s=0),
    ]  # fmt: skip
    assert [read_definition(entry_of(each), Problems("")) for each in kinds] == kinds

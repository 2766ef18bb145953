"""A procedure changed by two persons: written, proposed, put in force or refused; runs under way keep their version."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Role, Viewer
from beffroi.kernel.procedures import actions, queries, rules
from beffroi.kernel.procedures.rules import WrongProcedure, compared, digest_of, numbered, parse_procedure
from beffroi.kernel.procedures.types import RevisionState, Run
from tests.kernel.alarms.factories import viewer
from tests.kernel.incidents import factories
from tests.kernel.procedures.cards import CARD, CORDON, T0, an_incident, in_force, later, nadia, states

pytestmark = pytest.mark.django_db
CONES = CORDON.replace("Poser les barrières", "Poser les cônes")


def writer() -> Viewer:
    """A supervisor who writes."""
    return viewer("paul", role=Role.ROOM_SUPERVISOR)


def judge() -> Viewer:
    """Another one."""
    return viewer("ines", role=Role.ROOM_SUPERVISOR)


@pytest.fixture(autouse=True)
def library() -> None:
    factories.set_up()
    in_force()


def draft(text: str = CONES, code: str = "cordon") -> int:
    return actions.draft_procedure(text, code=code, reason="Plus léger.", by=writer(), at=later(1)).id


def proposed(text: str = CONES, code: str = "cordon") -> int:
    return actions.propose_procedure(draft(text, code), by=writer(), at=later(2)).id


def told() -> list[str]:
    """Return the verbs of the library's lines, the oldest first, without those of the beginning."""
    lines = [line for line in reversed(list_lines(limit=500)) if line.room == "procedures"]
    return [line.verb for line in lines if line.recorded_at > T0]


def test_a_change_goes_from_one_person_to_another() -> None:
    number = draft()
    written = queries.revision(number)
    assert (written.state, written.base_version, written.procedure and written.procedure.version) == ("draft", 4, 5)
    assert "version: 5" in written.text
    with pytest.raises(Conflict, match="has not proposed"):
        actions.put_procedure_in_force(number, by=judge(), at=later(2))
    actions.propose_procedure(number, by=writer(), at=later(2))
    with pytest.raises(Refused, match="another person decides"):
        actions.put_procedure_in_force(number, by=writer(), at=later(3))
    with pytest.raises(Forbidden):
        actions.put_procedure_in_force(number, by=nadia(), at=later(3))
    done = actions.put_procedure_in_force(number, reason="Vu ensemble.", by=judge(), at=later(4))
    assert (done.state, done.version, done.reviewer_name) == (RevisionState.IN_FORCE, 5, "Ines")
    found = queries.version_of("cordon")
    assert (found.procedure.version, found.procedure.steps[0].title, found.published_by) == (
        5,
        "Poser les cônes",
        "Ines",
    )
    assert [each.version for each in queries.past_versions("cordon")] == [5, 4]
    assert told() == ["draft_procedure", "propose_procedure", "publish_procedure"]
    line = list_lines(limit=1)[0]
    assert (line.content["author"], line.content["why"], line.content["version"]) == ("Paul", "Plus léger.", 5)
    assert (line.subject, line.related) == ("procedure:cordon", ("library:procedures",))


def test_a_run_under_way_keeps_its_version() -> None:
    run = actions.start("dark", an_incident().id, by=nadia(), at=T0)
    actions.put_procedure_in_force(proposed(), by=judge(), at=later(5))
    actions.confirm(run.id, "look", note="Rien.", by=nadia(), at=later(6))
    after = actions.answer(run.id, "hit", "hit", by=nadia(), at=later(7))
    assert "cordon.barrier" in states(after)
    assert titles(after)["cordon.barrier"] == "Poser les barrières"
    other = actions.start("dark", factories.call(by="nadia", category="noise").id, by=nadia(), at=later(8))
    actions.confirm(other.id, "look", note="Rien.", by=nadia(), at=later(9))
    new = actions.answer(other.id, "hit", "hit", by=nadia(), at=later(10))
    assert titles(new)["cordon.barrier"] == "Poser les cônes"


def titles(run: Run) -> dict[str, str]:
    return {each.key: each.step.title for each in rules.placed(run.state)}


def test_a_refusal_says_why_and_leaves_everything() -> None:
    number = proposed()
    with pytest.raises(Refused, match="say why"):
        actions.refuse_procedure(number, reason=" ", by=judge(), at=later(3))
    refused = actions.refuse_procedure(number, reason="Les cônes volent.", by=judge(), at=later(4))
    assert (refused.state, refused.review_reason) == (RevisionState.REFUSED, "Les cônes volent.")
    assert queries.version_of("cordon").versions == (4,)
    with pytest.raises(Conflict, match="this change is closed"):
        actions.put_procedure_in_force(number, by=judge(), at=later(5))
    assert told()[-1] == "refuse_procedure"


def test_writing_again_takes_back_what_was_proposed_and_another_waits() -> None:
    number = proposed()
    other = CORDON.replace("Poser les barrières", "Poser les rubans")
    with pytest.raises(Conflict, match="Paul has a change open"):
        actions.draft_procedure(other, code="cordon", reason="x", by=judge(), at=later(3))
    again = actions.draft_procedure(other, code="cordon", reason="Autre.", by=writer(), at=later(3))
    assert (again.id, again.state, again.proposed_at) == (number, RevisionState.DRAFT, None)
    with pytest.raises(Conflict, match="Paul has a change open"):
        actions.drop_procedure(number, by=judge(), at=later(4))
    assert actions.drop_procedure(number, by=writer(), at=later(4)).state is RevisionState.DROPPED


def test_what_is_no_procedure_is_told_line_by_line_and_nothing_is_kept() -> None:
    with pytest.raises(WrongProcedure) as wrong:
        draft(CORDON.replace("within_s: 600", "within_s: soon", 1))
    assert [(each.line, each.key) for each in wrong.value.problems] == [(8, "within_s")]
    with pytest.raises(WrongProcedure, match="its code stays"):
        draft(CONES.replace("code: cordon", "code: cone"))
    with pytest.raises(WrongProcedure, match="`nowhere` is not known"):
        draft(CONES.replace("desk: lighting", "desk: lighting\nfor: {categories: [nowhere]}"))
    with pytest.raises(Refused, match="nothing differs"):
        draft("# Une remarque\n" + CORDON)
    with pytest.raises(Refused, match="say why"):
        actions.draft_procedure(CONES, code="cordon", reason="", by=writer(), at=later(1))
    with pytest.raises(Forbidden):
        actions.draft_procedure(CONES, code="cordon", reason="x", by=nadia(), at=later(1))
    assert queries.revisions_of("cordon") == ()
    assert told() == []


def test_a_test_that_fails_is_not_put_in_force_nor_one_of_what_calls_it() -> None:
    number = proposed(CONES.replace("within_s: 600}\n  - {id: photo", "within_s: 700}\n  - {id: photo"))
    with pytest.raises(Refused, match="test “Deux gestes”"):
        actions.put_procedure_in_force(number, by=judge(), at=later(3))
    assert queries.revision(number).state is RevisionState.PROPOSED
    assert queries.version_of("cordon").procedure.version == 4


def test_what_others_call_is_not_withdrawn() -> None:
    with pytest.raises(Refused, match="calls `cordon`"):
        actions.propose_procedure_withdrawal("cordon", reason="Vieux.", by=writer(), at=later(1))
    number = actions.propose_procedure_withdrawal("dark", reason="Vieux.", by=writer(), at=later(1)).id
    actions.put_procedure_in_force(number, by=judge(), at=later(2))
    assert set(queries.library()) == {"cordon"}
    card = queries.card("dark")
    assert (card.in_force, card.is_new, told()[-1]) == (False, False, "withdraw_procedure")
    with pytest.raises(NotFound):
        actions.propose_procedure_withdrawal("dark", reason="x", by=writer(), at=later(3))
    back = actions.draft_procedure(
        CARD.replace(", post: pilot", ""), code="dark", reason="Il en faut une.", by=writer(), at=later(4)
    )
    assert (back.base_version, back.procedure and back.procedure.version) == (0, 2)


def test_a_proposal_from_an_older_version_is_outdated() -> None:
    number = proposed()
    in_force(CARD, CORDON.replace("version: 4", "version: 5").replace("Poser les", "Placer les"))
    with pytest.raises(Conflict, match="version 5 is in force now"):
        actions.put_procedure_in_force(number, by=judge(), at=later(3))


def test_a_new_procedure_is_listed_before_it_is_in_force() -> None:
    text = CORDON.replace("code: cordon", "code: cones").replace("title: Baliser", "title: Cônes")
    number = proposed(text, "")
    card = queries.card("cones")
    assert (card.is_new, card.in_force, card.revision and card.revision.id) == (True, False, number)
    assert [each.procedure.code for each in queries.cards()] == ["cordon", "cones", "dark"]
    actions.drop_procedure(number, by=writer(), at=later(3))
    with pytest.raises(NotFound):
        queries.card("cones")


def test_the_mark_moves_with_each_act() -> None:
    marks = [queries.library_mark()]
    number = draft()
    marks.append(queries.library_mark())
    actions.propose_procedure(number, by=writer(), at=later(2))
    marks.append(queries.library_mark())
    actions.put_procedure_in_force(number, by=judge(), at=later(3))
    marks.append(queries.library_mark())
    assert len(set(marks)) == 4


@pytest.mark.django_db(transaction=True)
def test_two_who_put_it_in_force_at_once_do_it_once() -> None:
    number = proposed()
    judges = [judge(), viewer("lea", role=Role.ROOM_SUPERVISOR)]
    outcomes: list[str] = []

    def put(who: Viewer) -> None:
        try:
            outcomes.append(str(actions.put_procedure_in_force(number, by=who, at=later(3)).version))
        except Conflict as conflict:
            outcomes.append(conflict.key)
        finally:
            connection.close()

    both = [threading.Thread(target=put, args=[who]) for who in judges]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(outcomes) == ["5", "change-closed"]
    assert queries.version_of("cordon").versions == (4, 5)


FILES = (("dark.yaml", CARD), ("cordon.yaml", CORDON))


def test_the_profile_begins_then_only_proposes() -> None:
    changed = (("dark.yaml", CARD), ("cordon.yaml", CONES.replace("version: 4", "version: 9")))
    same = actions.import_procedures(FILES, by=factories.SYSTEM, at=later(1))
    assert (same.begun, same.proposed, same.withdrawn) == ((), (), ())
    imported = actions.import_procedures(changed, by=factories.SYSTEM, at=later(2))
    assert (imported.proposed, imported.withdrawn) == (("cordon",), ())
    (change,) = queries.revisions_of("cordon")
    assert (change.state, change.procedure and change.procedure.version, change.author_name) == ("proposed", 5, "Essai")
    assert actions.import_procedures(changed, by=factories.SYSTEM, at=later(3)).proposed == ()
    actions.refuse_procedure(change.id, reason="Non.", by=judge(), at=later(4))
    assert actions.import_procedures(changed, by=factories.SYSTEM, at=later(5)).proposed == ()
    gone = actions.import_procedures(FILES[1:], by=factories.SYSTEM, at=later(6))
    assert (gone.proposed, gone.withdrawn) == ((), ("dark",))
    assert queries.version_of("cordon").procedure.version == 4


def test_what_people_put_in_force_is_not_overridden_by_the_profile() -> None:
    actions.import_procedures(FILES, by=factories.SYSTEM, at=later(1))
    actions.put_procedure_in_force(proposed(), by=judge(), at=later(3))
    assert actions.import_procedures(FILES, by=factories.SYSTEM, at=later(4)).proposed == ()
    assert queries.version_of("cordon").procedure.steps[0].title == "Poser les cônes"
    waits = proposed(CONES.replace("Photographier", "Filmer"))
    newer = (("dark.yaml", CARD), ("cordon.yaml", CORDON.replace("Baliser", "Baliser vite")))
    assert actions.import_procedures(newer, by=factories.SYSTEM, at=later(6)).waiting == ("cordon",)
    actions.refuse_procedure(waits, reason="Non.", by=judge(), at=later(7))
    assert actions.import_procedures(newer, by=factories.SYSTEM, at=later(8)).proposed == ("cordon",)


def test_texts_are_numbered_told_apart_and_compared() -> None:
    assert numbered("a: 1\nversion: 4 # la quatrième\nb: 2\n", 7) == "a: 1\nversion: 7 # la quatrième\nb: 2\n"
    one, two = parse_procedure(CORDON), parse_procedure(numbered("# autre\n" + CORDON, 9))
    assert digest_of(one) == digest_of(two) != digest_of(parse_procedure(CONES))
    assert compared(CORDON, numbered(CORDON, 9)) == ()
    found = [(each.mark, each.text.strip()) for each in compared(CORDON, CONES) if each.mark]
    assert found == [
        ("-", "- {id: barrier, title: Poser les barrières, within_s: 600}"),
        ("+", "- {id: barrier, title: Poser les cônes, within_s: 600}"),
    ]
    far = compared("\n".join(f"l{n}" for n in range(40)), "\n".join(f"l{n}" + "x" * (n in (3, 30)) for n in range(40)))
    assert [each.text for each in far if each.gap] == ["l28"]

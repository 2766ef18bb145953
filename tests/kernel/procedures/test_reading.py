"""A procedure that is wrong says where, which key, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.incidents.rules import parse_bodies, parse_categories
from beffroi.kernel.people.rules import parse_posts
from beffroi.kernel.procedures.rules import (
    WrongProcedure,
    every_step,
    expected_words,
    parse_library,
    parse_procedure,
    problems_between,
    run_trials,
)
from beffroi.kernel.procedures.types import Notification, Procedure
from tests.kernel.procedures.cards import CARD, CORDON, library

PROFILE = Path(__file__).parents[3] / "src" / "beffroi" / "app" / "profile"
FILES = sorted((PROFILE / "procedures").glob("*.yaml"))
LIBRARY = {each.code: each for each in parse_library((file.name, file.read_text()) for file in FILES)}


def wrong(old: str, new: str, text: str = CARD) -> str:
    """Return what is said of a card in which something was changed."""
    assert old in text
    with pytest.raises(WrongProcedure) as raised:
        parse_procedure(text.replace(old, new, 1), name="dark.yaml")
    return raised.value.reason


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("within_s: 60,", "within_s: soon,", "line 12, `within_s`: is 'soon'; write a whole number from 1 to 604800"),
        ("title: Rue dans le noir\n", "", "`title`: is missing: write a text of 1 to 120 characters"),
        ("kind: question", "kind: quizz", "line 14, `kind`: is 'quizz'; write one of instruction, question,"),
        ("evidence: note", "proof: note", "`proof`: is no key of a step of kind instruction; its keys are id, kind,"),
        ("{hit: hit}", "{hit: maybe}", "line 17, `hit`: `maybe` is no answer of `hit`: its answers are hit, whole"),
        ("{hit: hit}", "{struck: hit}", "`struck` is no step of this procedure: name a question, or `step.outcome`"),
        ("{hit: hit}", "{incident.weather: hit}", "`incident.weather`: is no fact of an incident; there are incident.c"),
        ("{hit: hit}", "{look.outcome: lost}", "`lost` is no outcome; write `look.outcome` with one of done, skipped"),
        ("{to: supervisor, after_s: 30}", "{to: mayor}", "`mayor` is no role of this procedure; roles are operator, s"),
        ("id: end,", "id: look,", "line 12, `id`: `look` names two steps; give each its own name"),
        ("{reference} :", "{owner} :", "`message`: `{owner}` stands for nothing; there are reference, title, place"),
        ("[{desk: police}]", "[{desk: police, post: pilot}]", "write one of post, desk, role, mail, teller for each"),
        ("until: on_site", "until: lunch", "`until`: is 'lunch'; write one of engaged, on_site, safe, resolved"),
        ("answer: hit, with: whole", "answer: hot, with: whole", "test “Rien n'est touché”: `hot` is no step of this"),
        ("version: 1", "version: 1\nversion: 2", "line 4, `version`: is written twice: keep one"),
        ("title: Rue", "title: [Rue", "this is no YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_its_key_and_what_to_write(old: str, new: str, said: str) -> None:
    assert said in wrong(old, new)
    assert wrong(old, new).startswith("dark.yaml: line ")


def test_a_case_that_always_holds_is_the_last() -> None:
    told = wrong("      - when: {hit: hit}\n        steps:", "      - steps:")
    assert "a case without `when` holds always: write it last" in told


def test_a_procedure_has_a_test() -> None:
    assert "`tests`: is missing: write at least one test" in wrong(CARD[CARD.index("tests:") :], "")


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(WrongProcedure) as raised:
        parse_library([("a.yaml", CARD.replace("version: 1", "version: 0")), ("b.yaml", "- not a mapping")])
    assert [line.split(":")[0] for line in raised.value.reason.splitlines()] == ["a.yaml", "b.yaml"]


def test_calls_exist_and_make_no_circle() -> None:
    alone = [parse_procedure(CARD)]
    assert problems_between(alone) == ["procedure `dark`, step `cordon`: calls `cordon`, which does not exist"]
    back = CORDON.replace(
        "{id: photo, title: Photographier, evidence: picture}", "{id: photo, kind: procedure, procedure: dark}"
    )
    circle = [parse_procedure(CARD), parse_procedure(back)]
    assert len(problems_between(circle)) == 2
    assert problems_between(library().values()) == []


@pytest.mark.parametrize("text", ["", "[", "a: &a [*a]", "code: 1", "\x00", "steps: " + "[" * 50])
def test_garbage_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(WrongProcedure):
        parse_procedure(text)


# -- the city's own library ----------------------------------------------------------------------------------------


def test_the_library_holds_together() -> None:
    assert problems_between(LIBRARY.values()) == []
    assert {file.stem for file in FILES} == set(LIBRARY)


@pytest.mark.parametrize("code", sorted(LIBRARY))
def test_every_test_beside_a_procedure_passes(code: str) -> None:
    for outcome in run_trials(LIBRARY[code], LIBRARY):
        assert not outcome.error, outcome.error
        assert expected_words(outcome.came) == expected_words(outcome.expected), outcome.name


@pytest.mark.parametrize("procedure", LIBRARY.values(), ids=lambda each: each.code)
def test_what_a_procedure_names_is_in_the_citys_profile(procedure: Procedure) -> None:
    alarms = {each.code for each in parse_definitions((PROFILE / "alarms.yaml").read_text())}
    categories = {each.code for each in parse_categories((PROFILE / "categories.yaml").read_text())}
    desks = {each.code for each in parse_bodies((PROFILE / "bodies.yaml").read_text()) if each.inside}
    posts = {each.code for each in parse_posts((PROFILE / "posts.yaml").read_text())}
    assert set(procedure.alarms) <= alarms
    assert set(procedure.categories) <= categories
    told = [r for step in every_step(procedure.steps) if isinstance(step, Notification) for r in step.to]
    assert {procedure.desk, *(r.desk for r in (*procedure.roles, *told) if r.desk)} <= desks
    assert {r.post for r in (*procedure.roles, *told) if r.post} <= posts
    given = [trial.given for trial in procedure.tests]
    assert {each.category for each in given if each.category} <= categories | alarms
    assert {alarm for each in given for alarm in each.alarms} <= alarms


def test_the_files_are_plain_yaml() -> None:
    assert all(yaml.safe_load(file.read_text())["code"] == file.stem for file in FILES)


def test_the_procedure_that_the_how_to_shows_passes_its_own_test() -> None:
    page = (PROFILE.parents[3] / "docs" / "how-to" / "write-a-procedure.md").read_text()
    shown = parse_procedure(page.split("```yaml")[1].split("```")[0])
    assert [outcome.passed for outcome in run_trials(shown)] == [True]

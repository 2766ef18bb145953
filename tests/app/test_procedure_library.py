"""The procedures of the profile: their own tests pass, and everything they name exists in the city's other files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from beffroi.app import provision
from beffroi.kernel.procedures.rules import every_step, expected_words, parse_library, problems_between, run_trials
from beffroi.kernel.procedures.types import Call, Command, Dispatch, Notification, Outcome, Procedure
from tests.docs.pages import DOCS, rows_of

FOLDER = provision.PROFILE / "procedures"
LIBRARY = {
    each.code: each for each in parse_library((path.name, path.read_text()) for path in sorted(FOLDER.glob("*.yaml")))
}


def _profile(name: str) -> Any:
    return yaml.safe_load((provision.PROFILE / name).read_text())


def _outcomes() -> Iterator[Any]:
    for each in LIBRARY.values():
        for outcome in run_trials(each, LIBRARY):
            yield pytest.param(outcome, id=f"{each.code}: {outcome.name}")


@pytest.mark.parametrize("outcome", [*_outcomes()])
def test_each_procedure_goes_as_its_tests_say(outcome: Outcome) -> None:
    assert (expected_words(outcome.came), outcome.error) == (expected_words(outcome.expected), "")


def test_procedures_call_each_other_without_a_circle() -> None:
    assert problems_between(LIBRARY.values()) == []


@pytest.mark.parametrize("procedure", LIBRARY.values(), ids=LIBRARY)
def test_what_a_procedure_names_exists(procedure: Procedure) -> None:
    desks = {desk["code"] for desk in _profile("bodies.yaml")["bodies"] if desk.get("inside")}
    posts = {post["code"] for post in _profile("posts.yaml")["posts"]}
    steps = list(every_step(procedure.steps))
    named = {
        "alarm": set(procedure.alarms) - {each["code"] for each in _profile("alarms.yaml")["definitions"]},
        "category": set(procedure.categories) - {each["code"] for each in _profile("categories.yaml")["categories"]},
        "desk": {procedure.desk, *(role.desk for role in procedure.roles)} - desks - {""},
        "post": {role.post for role in procedure.roles} - posts - {""},
        "told": {to.desk for step in steps if isinstance(step, Notification) for to in step.to} - desks - {""},
        "skill": {skill for step in steps if isinstance(step, Dispatch) for skill in step.skills}
        - set(_profile("units.yaml")["skills"]),
        "ability": {step.ability for step in steps if isinstance(step, Command)}
        - {each["slug"] for each in _profile("abilities.yaml")["abilities"]},
    }
    assert {what: missing for what, missing in named.items() if missing} == {}


@pytest.mark.parametrize("procedure", LIBRARY.values(), ids=LIBRARY)
def test_a_command_of_a_procedure_fits_the_equipment_that_it_reaches(procedure: Procedure) -> None:
    abilities = {each["slug"]: each for each in _profile("abilities.yaml")["abilities"]}
    for step in every_step(procedure.steps):
        if not isinstance(step, Command):
            continue
        ability = abilities[step.ability]
        if step.target.asset_class:
            assert step.target.asset_class == ability["class"], step.id
        parameters = {each["name"]: each for each in ability.get("parameters", ())}
        assert set(step.parameters) <= set(parameters), step.id
        assert (step.hold_s or 0) <= ability.get("longest_hold_s", 0), step.id


def test_the_reference_lists_the_library() -> None:
    listed = rows_of((DOCS / "reference" / "procedures.md").read_text().split("## The library")[1])
    assert sorted((row[0].strip("`"), row[1]) for row in listed) == sorted(
        (each.code, each.title) for each in LIBRARY.values()
    )


def test_each_file_is_named_after_its_procedure_and_called_ones_exist() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.yaml"))] == sorted(LIBRARY)
    called = {step.procedure for each in LIBRARY.values() for step in every_step(each.steps) if isinstance(step, Call)}
    assert called <= set(LIBRARY)

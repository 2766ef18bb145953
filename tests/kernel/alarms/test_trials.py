"""Tests beside definitions: how they are read, what they find, and that the shipped ones say enough and pass."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beffroi.app.commands import main
from beffroi.kernel.alarms.rules import Outcome, parse_definitions, run_trials, told_words
from beffroi.kernel.alarms.types import Definition, Said, Told, Trial
from tests.kernel.alarms.test_definitions import LEAST, PROFILE, refusal, text_of

SHIPPED = parse_definitions(PROFILE.read_text(encoding="utf-8"))
SILENT = {key: value for key, value in LEAST.items() if key not in ("quantity", "operator", "threshold")} | {
    "silence_periods": 6,
    "off_delay_s": 30,
}


def a_test(given: list[dict[str, Any]], expect: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"name": "essai", "given": given, "expect": expect, **more}


def outcome(entry: dict[str, Any], test: dict[str, Any]) -> Outcome:
    (definition,) = parse_definitions(text_of({**entry, "tests": [test]}))
    return run_trials(definition)[0]


@pytest.mark.parametrize("definition", SHIPPED, ids=lambda definition: definition.code)
def test_shipped_definition_is_tested_to_raise_to_stay_quiet_and_to_return(definition: Definition) -> None:
    outcomes = run_trials(definition)
    assert [each for each in outcomes if not each.passed] == []
    kinds = {tuple(told.kind for told in each.expected) for each in outcomes}
    assert {("raise",), (), ("raise", "return")} <= kinds


def test_test_is_read_with_words_and_looks_until_its_delays_are_over() -> None:
    entry = {**LEAST, "on_delay_s": 5, "off_delay_s": 30}
    test = a_test(
        [{"at_s": 0, "feeder_state": "tripped"}, {"at_s": 60, "feeder_state": "energised"}], [{"raised_s": 5}]
    )
    (definition,) = parse_definitions(text_of({**entry, "tests": [test]}))
    assert definition.tests == (
        Trial(
            "essai",
            (Said(0.0, (("feeder_state", 1.0),)), Said(60.0, (("feeder_state", 0.0),))),
            (Told("raise", 5.0),),
            96.0,
        ),
    )
    failed = run_trials(definition)[0]
    assert (failed.passed, told_words(failed.expected), told_words(failed.came)) == (
        False, "raised at 5 s", "raised at 5 s, returned at 90 s",
    )  # fmt: skip


def test_silence_is_tested_at_whole_seconds() -> None:
    heard = [{"at_s": 0.5}, {"at_s": 400}]
    assert outcome(SILENT, a_test(heard, [{"raised_s": 361}, {"returned_s": 430}], until_s=600)).passed
    assert outcome(SILENT, a_test([{"at_s": 0}, {"at_s": 359}], [], until_s=700)).passed
    assert told_words(outcome(SILENT, a_test([{"at_s": 0}], [])).came) == "raised at 360 s"


def test_late_word_does_not_count_beyond_the_end() -> None:
    entry = {**LEAST, "on_delay_s": 5}
    assert outcome(entry, a_test([{"at_s": 0, "feeder_state": "tripped"}], [], until_s=4)).passed


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("no mapping", "test 1: write name, given, expect and, at will, until_s"),
        ({"name": "x", "given": []}, "test 1: write name, given, expect"),
        (a_test([], []), "`given` is not a list of 1 to 200 reports"),
        (a_test([{"feeder_state": "tripped"}], []), "a report is `{at_s: seconds, quantity: value}`"),
        (a_test([{"at_s": 0, "power": 1}], []), "`power` is no quantity of this equipment; it has voltage_v, power_w"),
        (
            a_test([{"at_s": 0, "feeder_state": "off"}], []),
            "'off' is no state of `feeder_state`; write one of energised",
        ),
        (a_test([{"at_s": 0, "power_w": "high"}], []), "'high' is not a number in the unit of `power_w`"),
        (a_test([{"at_s": -1}], []), "`at_s` is -1; write seconds from 0"),
        (a_test([{"at_s": 5}, {"at_s": 1}], []), "write the reports in the order of their seconds"),
        (a_test([{"at_s": 0}], [{"raised": 5}]), "an expectation is `{raised_s: seconds}` or `{returned_s: seconds}`"),
        (a_test([{"at_s": 0}], "none"), "`expect` is not a list; write [] for no alarm at all"),
        (a_test([{"at_s": 9}], [], until_s=5), "until_s ends before the last report or expectation"),
        (a_test([{"at_s": 9}], []) | {"name": " "}, "`name` is not a text of 1 to 160 characters"),
    ],
)
def test_test_that_is_wrong_says_what_to_write(test: object, told: str) -> None:
    assert told in refusal(text_of({**LEAST, "tests": [test]}))


def test_two_tests_of_one_name_are_refused() -> None:
    test = a_test([{"at_s": 0}], [])
    assert "the test `essai` is written twice" in refusal(text_of({**LEAST, "tests": [test, deepcopy(test)]}))


def test_command_runs_the_tests_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "alarms.yaml"
    right = a_test([{"at_s": 0, "feeder_state": "tripped"}], [{"raised_s": 0}])
    file.write_text(text_of({**LEAST, "tests": [right, deepcopy(right) | {"name": "faux", "expect": []}]}))
    failed = CliRunner().invoke(main, ["alarms", "test", str(file)])
    assert (failed.exit_code, failed.output.splitlines()) == (
        1,
        [
            "FAILED cabinet_tripped: faux",
            "       expected nothing",
            "       came     raised at 0 s",
            "1 of 2 tests passed, 1 definitions",
        ],
    )
    shipped = CliRunner().invoke(main, ["alarms", "test"])
    assert (shipped.exit_code, shipped.output) == (
        0, f"{sum(len(each.tests) for each in SHIPPED)} of {sum(len(each.tests) for each in SHIPPED)} tests passed, "
        f"{len(SHIPPED)} definitions\n",
    )  # fmt: skip

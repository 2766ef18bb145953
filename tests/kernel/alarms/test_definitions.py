from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import beffroi.app
from beffroi.foundation.errors import Malformed
from beffroi.kernel.alarms.rules import explanations, parse_definitions
from beffroi.kernel.alarms.types import Definition
from beffroi.kernel.twin.types import CLASSES

PROFILE = Path(beffroi.app.__file__).parent / "profile" / "alarms.yaml"
LEAST = {
    "code": "cabinet_tripped",
    "version": 2,
    "title": "Armoire disjonctée",
    "asset_class": "lighting_cabinet",
    "quantity": "feeder_state",
    "operator": "==",
    "threshold": "tripped",
    "cause": "Court-\n  circuit.",
    "consequence": "Rue sombre.",
    "response": "Envoyer l'astreinte.",
    "allowable_time_s": 3600,
    "priority": 2,
    "desk": "lighting",
    "opens_incident": True,
}
LIGHT = {**LEAST, "code": "light_fault", "asset_class": "light_point", "quantity": "lamp_state", "threshold": "fault"}


def text_of(*entries: object) -> str:
    return yaml.safe_dump({"definitions": list(entries)}, allow_unicode=True)


def refusal(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        parse_definitions(text)
    return caught.value.reason


def test_definition_is_read_with_its_defaults() -> None:
    assert parse_definitions(text_of(LEAST)) == (
        Definition(
            "cabinet_tripped", 2, "Armoire disjonctée", "lighting_cabinet", "feeder_state", "==", 1.0, None, 0.0, 0.0, 0.0,
            "Court- circuit.", "Rue sombre.", "Envoyer l'astreinte.", 3600, 2, "lighting", True, (), 0.0,
        ),
    )  # fmt: skip


def test_explained_alarm_has_its_on_delay_again_unless_told_otherwise() -> None:
    light = {**LIGHT, "priority": 4, "on_delay_s": 90, "suppressed_by": ["feeds:cabinet_tripped", "self:light_dark"]}
    dark = {**LIGHT, "code": "light_dark", "suppressed_by": ["feeds:cabinet_tripped"], "release_delay_s": 7}
    _, first, second = parse_definitions(text_of(LEAST, light, dark))
    assert (first.release_delay_s, second.release_delay_s) == (90.0, 7.0)
    assert explanations(first) == (("feeds", "cabinet_tripped"), ("self", "light_dark"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"response": None}, "definition cabinet_tripped: `response` is missing: write it (what the operator does)"),
        ({"cause": "  "}, "`cause` is not a text of 1 to 2000 characters: what makes it happen"),
        ({"colour": "red"}, "`colour` is not a field; the fields are allowable_time_s, asset_class"),
        ({"code": "Tripped!"}, "the code is not 1 to 64 lower-case letters"),
        ({"version": 0}, "`version` is 0; write a whole number from 1 to 1000000"),
        ({"version": True}, "`version` is True; write a whole number"),
        ({"asset_class": "lamp"}, "asset_class 'lamp' is none of light_point, lighting_cabinet"),
        ({"quantity": "fire_state"}, "`lighting_cabinet` has no quantity `fire_state`; it has voltage_v, power_w"),
        ({"operator": "="}, "operator '=' is none of > >= < <= == != (in quotes)"),
        ({"operator": ">"}, "operator '>' does not suit a state; write one of == !="),
        (
            {"threshold": "off"},
            "threshold 'off' is no state of `feeder_state`; write one of energised, tripped, open in quotes",
        ),
        ({"threshold": True}, "threshold True is no state of `feeder_state`"),
        ({"quantity": "voltage_v", "threshold": "high"}, "threshold 'high' is not a number in the unit of `voltage_v`"),
        ({"quantity": "voltage_v", "threshold": float("nan")}, "threshold nan is not a number"),
        ({"threshold": None}, "has no rule: write quantity, operator and threshold, or silence_periods"),
        ({"silence_periods": 3}, "has both silence_periods and quantity, operator, threshold: keep one kind of rule"),
        ({"dead_band": 2}, "dead_band only serves the operators > >= < <=: leave it out"),
        ({"on_delay_s": -1}, "`on_delay_s` is -1; write a number from 0 to 86400"),
        ({"priority": 5}, "`priority` is 5; write a whole number from 1 to 4"),
        ({"opens_incident": "yes"}, "`opens_incident` is 'yes'; write true or false"),
        ({"suppressed_by": "feeds:x"}, "`suppressed_by` is not a list of `relation:definition`"),
        (
            {"suppressed_by": ["near:x"]},
            "suppressed_by `near:x` is not `relation:definition`; relations are self, feeds",
        ),
        ({"suppressed_by": ["feeds:" + "x" * 240]}, "`suppressed_by` is longer than 240 characters"),
        ({"release_delay_s": 3}, "release_delay_s without suppressed_by: leave it out"),
        ({"suppressed_by": ["feeds:absent"]}, "is suppressed by `absent`, which is not defined here"),
        ({"suppressed_by": ["self:light_fault"]}, "`self:light_fault` is about light_point, not lighting_cabinet"),
    ],
)
def test_definition_that_is_wrong_says_what_to_write(change: dict[str, object], told: str) -> None:
    assert told in refusal(text_of({**LEAST, **change}, {**LIGHT, "priority": 1}))


def test_every_problem_is_told_at_once() -> None:
    reason = refusal(text_of({**LEAST, "priority": 9, "desk": ""}, "no mapping", {**LIGHT, "title": None}))
    assert [part.split(":")[0] for part in reason.splitlines()] == [
        "definition cabinet_tripped",
        "definition cabinet_tripped",
        "definition 2",
        "definition light_fault",
    ]  # fmt: skip


def test_urgent_alarm_never_hides_behind_a_lesser_one() -> None:
    light = {**LIGHT, "priority": 1, "suppressed_by": ["feeds:cabinet_tripped"]}
    assert "an explanation must be at least as urgent" in refusal(text_of(LEAST, light))


def test_alarms_that_explain_each_other_are_refused() -> None:
    one = {**LIGHT, "suppressed_by": ["self:other"]}
    other = {**LIGHT, "code": "other", "suppressed_by": ["self:light_fault"]}
    assert "definition light_fault: explains itself" in refusal(text_of(one, other))


def test_same_code_twice_is_refused() -> None:
    assert "is written twice; give each its code" in refusal(text_of(LEAST, dict(LEAST)))


def test_silence_of_what_never_reports_is_refused() -> None:
    silent = {key: value for key, value in LEAST.items() if key not in ("quantity", "operator", "threshold")}
    assert "no such rule can hold" in refusal(text_of({**silent, "asset_class": "camera", "silence_periods": 3}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("definitions: [", "the definitions are no YAML"),
        ("- a", "expected one key, `definitions`"),
        ("definitions: []\nother: 1", "expected one key, `definitions`"),
        ("definitions:\n  - code: a\n    code: b", "line 2: code is written twice; keep one"),
        ("definitions:\n  - &a {code: b}\n  - *a", "aliases"),
        ("definitions: !!python/object/apply:os.getcwd []", "the definitions are no YAML"),
    ],
)
def test_text_that_is_no_list_of_definitions_is_refused(text: str, told: str) -> None:
    assert told in refusal(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        parse_definitions(text)


def test_profile_of_the_city_covers_its_equipment() -> None:
    definitions = parse_definitions(PROFILE.read_text(encoding="utf-8"))
    watched = {definition.asset_class for definition in definitions}
    silent = {definition.asset_class for definition in definitions if definition.silence_periods}
    equipment = {name for name, known in CLASSES.items() if known.period_s is not None}
    assert (watched, silent) == (equipment, equipment)


def test_profile_of_the_city_keeps_priorities_rare() -> None:
    """EEMUA 191 asks for about 5 % high, 15 % medium, 80 % low."""
    priorities = [definition.priority for definition in parse_definitions(PROFILE.read_text(encoding="utf-8"))]
    share = {priority: priorities.count(priority) / len(priorities) for priority in (1, 2)}
    assert share[1] <= 0.10
    assert share[1] + share[2] <= 0.30


def test_times_after_the_alarm_are_read_and_bounded() -> None:
    stated = {**LEAST, "latching": True, "re_alarm_s": 900, "escalate_after_s": 0}
    (read,) = parse_definitions(text_of(stated))
    assert (read.latching, read.re_alarm_s, read.escalate_after_s) == (True, 900, 0)
    told = refusal(text_of({**LEAST, "latching": "yes", "re_alarm_s": 5, "escalate_after_s": True}))
    assert told.splitlines() == [
        "definition cabinet_tripped: `latching` is 'yes'; write true or false",
        "definition cabinet_tripped: `re_alarm_s` is 5; write 0 for never, or seconds from 60 to 86400",
        "definition cabinet_tripped: `escalate_after_s` is True; write 0 for never, or seconds from 60 to 86400",
    ]

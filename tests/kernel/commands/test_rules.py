"""The table of states, the reading of the profile, what a request must say. No database."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Malformed, Refused
from beffroi.foundation.units import STATES
from beffroi.kernel.commands import rules
from beffroi.kernel.commands.types import OPEN_STATES, CommandEvent, CommandState, Request
from beffroi.kernel.twin.types import CLASSES
from tests.kernel.commands.scene import ABILITIES, PROFILE, T0

LEVEL = ABILITIES["set_level"]


def test_every_state_is_in_the_table_and_every_event_happens_somewhere() -> None:
    assert set(rules.TABLE) == set(CommandState)
    assert {event for after in rules.TABLE.values() for event in after} == set(CommandEvent)


def test_a_state_that_is_over_is_left_by_undoing_alone() -> None:
    over = {state: dict(rules.TABLE[state]) for state in CommandState if state not in OPEN_STATES}
    assert {state: set(after) for state, after in over.items() if after} == {
        CommandState.EFFECTIVE: {CommandEvent.REVERT},
        CommandState.EXPIRED: {CommandEvent.REVERT},
    }


@given(st.lists(st.sampled_from(list(CommandEvent)), max_size=12))
def test_whatever_happens_only_a_proof_makes_it_effective_and_nothing_leaves_without_authorisation(
    events: list[CommandEvent],
) -> None:
    state, past = CommandState.ASKED, []
    for event in events:
        after = rules.next_state(state, event)
        if after is None:
            continue
        past.append(event)
        state = after
        if state is CommandState.EFFECTIVE:
            assert past[-1] is CommandEvent.PROVE
        if state in (CommandState.SENT, CommandState.ACKNOWLEDGED, CommandState.EFFECTIVE):
            assert CommandEvent.AUTHORISE in past
            assert CommandEvent.SEND in past
        if state not in OPEN_STATES and state not in (CommandState.EFFECTIVE, CommandState.EXPIRED):
            assert all(rules.next_state(state, each) is None for each in CommandEvent)


def test_every_ability_of_the_city_has_a_proof_that_its_class_reports_and_a_way_back_of_its_class() -> None:
    for ability in ABILITIES.values():
        assert ability.proof is not None, ability.slug
        assert ability.proof.quantity in CLASSES[ability.asset_class].quantities, ability.slug
        assert ability.undo is None or ABILITIES[ability.undo.ability].asset_class == ability.asset_class
        assert ability.proof.quantity not in STATES or ability.proof.value in range(len(STATES[ability.proof.quantity]))


def test_what_can_hurt_asks_for_two() -> None:
    dangerous = {slug for slug, ability in ABILITIES.items() if ability.dangerous}
    assert dangerous == {
        "open_feeder", "close_feeder", "ask_flashing", "raise_bollard", "disarm_building", "stop_boiler", "start_boiler",
    }  # fmt: skip


def test_no_ability_commands_a_signal_group() -> None:
    asked = {slug for slug, ability in ABILITIES.items() if ability.asset_class == "intersection"}
    assert asked == {"ask_plan", "ask_green_wave", "ask_flashing", "return_to_normal"}


ENTRY = """
abilities:
  - slug: set_level
    class: light_point
    desk: lighting
    label: Niveau
    effect: À {level_pct} %.
    parameters: [{name: level_pct, least: 0, most: 100}]
    proof: {quantity: dim_pct, parameter: level_pct, within_s: 60}
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("class: light_point", "class: lamp"), "`class` is 'lamp'; write one of light_point"),
        (("{level_pct} %", "{level} %"), "`effect` may hold {name} for these parameters only: level_pct"),
        (("dim_pct, parameter: level_pct", "dim_pct, parameter: level"), "which is no parameter that is a number"),
        (("dim_pct, parameter", "colour, parameter"), "looks at 'colour', which is no quantity"),
        (("within_s: 60", "within_s: 0"), "`within_s` is 0; write seconds"),
        (("least: 0, most: 100", "least: 9, most: 1"), "write `least` and `most`, or `choices`"),
        (("    desk: lighting\n", ""), "`desk` is not a text"),
        (("    label: Niveau", "    label: Niveau\n    dangerous: perhaps"), "`dangerous` is true or false"),
        (("    label: Niveau", "    label: Niveau\n    longest_hold_s: 60"), "`longest_hold_s` needs an `undo`"),
        (("    label: Niveau", "    label: Niveau\n    undo: {ability: x}"), "names `x`, which is no ability"),
        (("    label: Niveau", "    label: Niveau\n    colour: red"), "colour: the fields are"),
        (("    label: Niveau", "    label: Niveau\n    expires_after_s: soon"), "write seconds, 10 to"),
        (("dim_pct, parameter: level_pct", "lamp_state, equals: bright"), "one of off, on, fault"),
    ],
)
def test_profile_that_is_wrong_is_refused_with_what_to_write(change: tuple[str, str], told: str) -> None:
    assert rules.parse_abilities(ENTRY)[0].slug == "set_level"
    text = ENTRY.replace(*change)
    assert text != ENTRY
    with pytest.raises(Malformed) as refused:
        rules.parse_abilities(text)
    assert told in refused.value.reason


def test_ability_written_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="`set_level` is written twice"):
        rules.parse_abilities(ENTRY + ENTRY.partition("abilities:\n")[2])


@given(st.text(max_size=300))
def test_arbitrary_text_is_a_profile_or_malformed(text: str) -> None:
    try:
        rules.parse_abilities(text)
    except Malformed:
        return


def request(**more: Any) -> Request:
    return Request(
        **{"ability": "set_level", "parameters": {"level_pct": 30}, "assets": ("L-1",), "reason": "nuit"} | more
    )


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"reason": " "}, "reason-missing"),
        ({"reason": "x" * 501}, "text-too-long"),
        ({"assets": ()}, "whose"),
        ({"zone": "Dijon"}, "whose"),
        ({"hold_s": 0}, "hold"),
        ({"hold_s": 86_401}, "hold"),
        ({"due_at": T0 - 61 * SECOND}, "due"),
        ({"due_at": T0 + 400 * 86_400 * SECOND}, "due"),
        ({"parameters": {}}, "parameters"),
        ({"parameters": {"level_pct": 101}}, "parameters"),
        ({"parameters": {"level_pct": 33}}, "parameters"),
        ({"parameters": {"level_pct": "much"}}, "parameters"),
        ({"parameters": {"level_pct": 30, "colour": "red"}}, "parameters"),
    ],
)
def test_request_that_says_too_little_or_too_much_is_refused(more: dict[str, Any], key: str) -> None:
    assert rules.check_request(request(), LEVEL, at=T0).parameters == {"level_pct": 30.0}
    with pytest.raises(Refused) as refused:
        rules.check_request(request(**more), LEVEL, at=T0)
    assert refused.value.key == key


def test_an_incident_is_reason_enough_unless_it_is_dangerous() -> None:
    assert rules.check_request(request(reason="", incident=4), LEVEL, at=T0).incident == 4
    dangerous = ABILITIES["open_feeder"]
    with pytest.raises(Refused, match="say why this is asked"):
        rules.check_request(request(ability="open_feeder", parameters={}, reason="", incident=4), dangerous, at=T0)


def test_effect_is_a_sentence_with_what_was_chosen() -> None:
    wave = ABILITIES["ask_green_wave"]
    assert rules.effect_of(LEVEL, {"level_pct": 30.0}).startswith("Le point lumineux éclaire à 30 % ")
    assert "(axe secondaire)" in rules.effect_of(wave, rules.check_parameters(wave, {"axis": "side"}))


def test_proof_is_a_reading_between_two_bounds() -> None:
    assert rules.target_of(LEVEL, {"level_pct": 30.0}) == ("dim_pct", 27.5, 32.5)
    assert rules.target_of(ABILITIES["lower_bollard"], {}) == ("bollard_state", 0.0, 0.0)
    assert PROFILE.name == "abilities.yaml"

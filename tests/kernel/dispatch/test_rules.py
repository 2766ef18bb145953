"""The pure decisions: who comes first and why, squares of the grid, silences, the profile read strictly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import beffroi.app
from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Malformed
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.types import (
    DutyState,
    MissionState,
    Point,
    Position,
    Silence,
    Times,
    Unit,
    UnitKind,
    UnitStatus,
)
from beffroi.kernel.incidents.rules import parse_categories
from beffroi.kernel.places.types import Travel, Vehicle

PROFILE = Path(beffroi.app.__file__).parent / "profile"
AT = 1_780_000_000 * SECOND
HERE = Point(5.04, 47.32)
TIMES = Times()
UNIT = Unit(
    slug="a", name="Éclairage 1", callsign="LUM 1", kind=UnitKind.LIGHTING_CREW, desk="lighting", post="pilot",
    vehicle=Vehicle.CAR, skills=("electrical",), asset_id=None, status=UnitStatus.AVAILABLE, duty=DutyState.ON,
    duty_since=AT - HOUR, duty_until=None, headcount=2, alone=False, crew=(), shares=True,
    position=Position(5.05, 47.32, AT), base=HERE, mission=None, mission_state=None, incident=None, distress=None,
    reason="", version=1,
)  # fmt: skip


def ranked(*pairs: tuple[Unit, Travel], skills: tuple[str, ...] = ()) -> list[str]:
    found = [rules.candidate_of(unit, HERE, travel, skills, times=TIMES, at=AT) for unit, travel in pairs]
    return [each.unit.slug for each in rules.order(found)]


def said(unit: Unit, travel: Travel, skills: tuple[str, ...] = ()) -> str:
    found = rules.candidate_of(unit, HERE, travel, skills, times=TIMES, at=AT)
    return rules.told(found, {"platform": "Nacelle"}).reason


def test_order_is_free_able_open_minute_skills_status_hours_seconds() -> None:
    quick, slow, fast = Travel(200), Travel(900), Travel(205)
    busy = replace(UNIT, slug="busy", status=UnitStatus.EN_ROUTE)
    unskilled = replace(UNIT, slug="unskilled", skills=())
    pause = replace(UNIT, slug="pause", status=UnitStatus.BREAK, duty=DutyState.BREAK)
    tired = replace(UNIT, slug="tired", duty_since=AT - 9 * HOUR)
    assert ranked((busy, quick), (UNIT, slow)) == ["a", "busy"]
    assert ranked((unskilled, quick), (UNIT, slow), skills=("electrical",)) == ["a", "unskilled"]
    assert ranked((replace(UNIT, slug="closed"), Travel(100, closed=1)), (UNIT, slow)) == ["a", "closed"]
    assert ranked((UNIT, slow), (replace(UNIT, slug="near"), quick)) == ["near", "a"]
    assert ranked((pause, quick), (UNIT, fast)) == ["a", "pause"]
    assert ranked((tired, quick), (UNIT, fast)) == ["a", "tired"]
    assert ranked((UNIT, fast), (replace(UNIT, slug="b"), quick)) == ["b", "a"]


def test_old_position_counts_against_a_crew_and_is_said() -> None:
    old = replace(UNIT, slug="old", position=Position(5.05, 47.32, AT - 10 * MINUTE))
    assert ranked((old, Travel(60)), (UNIT, Travel(300))) == ["a", "old"]
    assert said(old, Travel(60)) == "À 1 min par les rues ; position vieille de 10 min, comptés en plus ; disponible."


@pytest.mark.parametrize(
    ("unit", "travel", "skills", "told"),
    [
        (UNIT, Travel(372), (), "À 6 min par les rues ; disponible."),
        (UNIT, Travel(None), (), "À 2 min environ, en ligne droite ; disponible."),
        (UNIT, Travel(372), ("platform",), "À 6 min par les rues ; sans Nacelle ; disponible."),
        (
            replace(UNIT, position=None, base=Point(5.05, 47.32), duty_since=AT - 9 * HOUR),
            Travel(372, closed=1),
            (),
            "À 6 min par les rues ; par une rue fermée à la circulation ; compté depuis son point d’attache ;"
            " disponible ; de service depuis 9 h.",
        ),
        (replace(UNIT, status=UnitStatus.ON_SITE), Travel(60), (), "À 1 min par les rues ; déjà sur place ailleurs."),
    ],
)
def test_reason_is_one_sentence(unit: Unit, travel: Travel, skills: tuple[str, ...], told: str) -> None:
    assert said(unit, travel, skills) == told


@given(st.floats(-179, 179), st.floats(-80, 80))
def test_square_of_the_grid_is_near_and_tells_no_more_than_itself(lon: float, lat: float) -> None:
    square = rules.coarse(lon, lat, 500)
    assert rules.metres_between(Point(lon, lat), square) < 500
    assert rules.coarse(square.lon, square.lat, 500) == square


@pytest.mark.parametrize(
    ("state", "alone", "expected"),
    [
        (MissionState.PROPOSED, False, (Silence.NO_ANSWER, AT + 120 * SECOND)),
        (MissionState.ACCEPTED, False, (Silence.NO_MOVE, AT + 10 * MINUTE)),
        (MissionState.EN_ROUTE, True, (Silence.NO_MOVE, AT + 10 * MINUTE)),
        (MissionState.ON_SITE, True, (Silence.NO_SIGN, AT + 15 * MINUTE)),
        (MissionState.ON_SITE, False, None),
        (MissionState.DONE, True, None),
    ],
)
def test_silence_that_is_watched_follows_from_the_state(
    state: MissionState, alone: bool, expected: tuple[Silence, int] | None
) -> None:
    found = rules.silence_of(state, priority=2, since=AT, moved_at=None, sign_at=None, alone=alone, times=TIMES)
    assert found == expected


def test_profile_of_the_city_is_sound_and_its_cards_name_what_exists() -> None:
    profile = rules.parse_profile((PROFILE / "units.yaml").read_text())
    assert len(profile.units) == 14
    known = {
        code
        for each in parse_categories((PROFILE / "categories.yaml").read_text())
        for code in (each.code, *each.alarms)
    }
    assert {name for card in profile.cards for name in card.categories} - known == set()
    assert all(f"crew-{unit.slug}" in unit.crew for unit in profile.units)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("units: [{slug: A}]", "slug is not"),
        ("units: [{slug: a, kind: army}]", "kind is one of"),
        ("units: [{slug: a, kind: on_call, name: A, callsign: A, desk: d, post: p}]", "base"),
        ("units: [{slug: a, plate: AB-123}]", "plate: the fields are"),
        ("times: {track_kept_s: 6000000}", "write 30 to 5184000"),
        ("times: {grid_m: 10}", "write 300 to 5000"),
        ("cards: [{categories: [x], skills: [magic]}]", "skill magic has no title"),
        ("others: 1", "expected the keys"),
        ("- a", "expected the keys"),
        ("a: [", "no YAML"),
    ],
)
def test_profile_that_is_wrong_is_refused_naming_what_to_write(text: str, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        rules.parse_profile(text)

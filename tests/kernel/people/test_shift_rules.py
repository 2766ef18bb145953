"""Shifts: a day without gap or overlap, and the hand-over at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import beffroi.app
from beffroi.foundation.errors import Malformed
from beffroi.kernel.people import rules
from beffroi.kernel.people.types import Shift

DAY = (
    Shift("morning", "Matin", 360, 840),
    Shift("afternoon", "Après-midi", 840, 1320),
    Shift("night", "Nuit", 1320, 360),
)


def test_profile_of_the_city_names_three_shifts() -> None:
    text = (Path(beffroi.app.__file__).parent / "profile" / "shifts.yaml").read_text()
    assert rules.parse_shifts(text) == DAY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shifts: {", "no YAML"),
        ("shifts: []", "1 to 12 shifts"),
        ("shifts: [{code: a, title: A}]", "shift 1: write `code`"),
        ("shifts: [{code: A, title: A, begins: '06:00'}]", "shift 1: the code"),
        ("shifts: [{code: a, title: '', begins: '06:00'}]", "shift a: the title"),
        ("shifts: [{code: a, title: A, begins: 22:00}]", "between quotation marks"),
        ("shifts: [{code: a, title: A, begins: '25:00'}]", "write `begins`"),
        ("shifts: [{code: a, title: A, begins: '06:00'}, {code: b, title: B, begins: '06:00'}]", "same hour"),
        ("shifts: [{code: a, title: A, begins: '06:00'}, {code: a, title: B, begins: '07:00'}]", "same code"),
    ],
)
def test_wrong_shifts_are_refused_saying_what_to_write(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        rules.parse_shifts(text)


@pytest.mark.parametrize(
    ("minute", "found"),
    [(359, "night"), (360, "morning"), (839, "morning"), (840, "afternoon"), (1320, "night"), (0, "night")],
)
def test_shift_of_a_minute(minute: int, found: str) -> None:
    assert rules.shift_at(DAY, minute).code == found


@pytest.mark.parametrize(
    ("minute", "pair", "in_min"),
    [
        (1310, ("afternoon", "night"), 10),
        (1320, ("afternoon", "night"), 0),
        (1430, ("afternoon", "night"), -110),
        (1, ("night", "morning"), 359),
        (0, ("afternoon", "night"), -120),
        (2, ("night", "morning"), 358),
    ],
)
def test_the_handover_at_hand(minute: int, pair: tuple[str, str], in_min: int) -> None:
    out, into, when = rules.turn(DAY, minute)
    assert ((out.code, into.code), when) == (pair, in_min)


@given(st.integers(0, 1439), st.lists(st.integers(0, 1439), min_size=1, max_size=12, unique=True))
def test_every_minute_has_one_shift_and_its_neighbours_hand_over(minute: int, begins: list[int]) -> None:
    entries = "".join(
        f"- {{code: s{n}, title: S, begins: '{begin // 60:02}:{begin % 60:02}'}}\n" for n, begin in enumerate(begins)
    )
    shifts = rules.parse_shifts("shifts:\n" + entries)
    inside = [s for s in shifts if (minute - s.begins_min) % 1440 < ((s.ends_min - s.begins_min) % 1440 or 1440)]
    assert inside == [rules.shift_at(shifts, minute)]
    out, into, _ = rules.turn(shifts, minute)
    assert out.ends_min == into.begins_min

"""When equipment reports, and what sun and hour it lives by."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from beffroi.foundation.clock import SECOND, from_datetime
from beffroi.rehearsal.daylight import lamp_level_pct, local_hour, sun_elevation_deg
from beffroi.rehearsal.rhythm import Rhythm

DIJON = (5.04, 47.32)


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def played(rhythm: Rhythm, seconds: int) -> list[tuple[int, int]]:
    return [(second, device) for second in range(seconds + 1) for device in rhythm.due(second * SECOND)]


def test_rhythm_lets_each_device_report_first_soon_then_once_a_period_evenly_spread() -> None:
    said = played(Rhythm(100, 50, 0, 10), 240)
    assert sorted(device for second, device in said if second <= 10) == list(range(100))
    for second in range(90, 140):
        assert 1 <= sum(1 for moment, _ in said if moment == second) <= 3
    for device in (0, 17, 99):
        moments = [second for second, each in said if each == device]
        assert 25 <= moments[1] - moments[0] <= 76
        assert all(49 <= b - a <= 51 for a, b in pairwise(moments[1:])), moments


def test_rhythm_bounds_what_is_due_at_once_and_forgets_missed_periods() -> None:
    rhythm = Rhythm(100, 60, 0, 1, at_most=30)
    late = 10_000 * SECOND
    assert [len(rhythm.due(late)) for _ in range(5)] == [30, 30, 30, 10, 0]


def test_rhythm_stops_a_silent_device_until_it_is_hurried() -> None:
    rhythm = Rhythm(2, 10, 0, 0)
    rhythm.stop(1)
    assert {device for _, device in played(rhythm, 40)} == {0}
    rhythm.hurry(1, 45 * SECOND)
    assert 1 in rhythm.due(46 * SECOND)


@pytest.mark.parametrize(
    ("moment", "low", "high"),
    [
        ("2026-06-21T11:40", 65, 67),  # the highest sun of the year: 90 - 47.3 + 23.4
        ("2026-12-21T11:40", 18, 20),
        ("2026-03-20T06:00", -6, 6),  # sunrise of the equinox
        ("2026-11-22T00:00", -70, -50),
    ],
)
def test_sun_stands_where_it_should(moment: str, low: float, high: float) -> None:
    assert low < sun_elevation_deg(at(moment), *DIJON) < high


@pytest.mark.parametrize(
    ("moment", "hour"),
    [("2026-01-10T12:30", 13.5), ("2026-07-10T12:30", 14.5), ("2026-03-29T00:59", 1.98), ("2026-03-29T01:00", 3.0)],
)
def test_local_hour_follows_summer_time(moment: str, hour: float) -> None:
    assert local_hour(at(moment)) == pytest.approx(hour, abs=0.01)


def test_lamps_are_off_by_day_full_in_the_evening_dimmed_at_night() -> None:
    levels = [
        lamp_level_pct(at(moment), *DIJON) for moment in ("2026-11-22T12:00", "2026-11-22T19:00", "2026-11-22T23:30")
    ]
    assert levels == [0, 100, 50]

"""Degrees outside, metres inside."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.geo import is_position, point_to_metres, to_metres


def haversine_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    (lon1, lat1), (lon2, lat2) = ((math.radians(lon), math.radians(lat)) for lon, lat in (first, second))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


metropolis = st.tuples(st.floats(4.9, 5.2), st.floats(47.2, 47.4))


@given(metropolis, metropolis)
def test_distance_in_metres_is_true_within_half_a_percent(
    first: tuple[float, float], second: tuple[float, float]
) -> None:
    projected = math.dist(point_to_metres(*first), point_to_metres(*second))
    assert projected == pytest.approx(haversine_m(first, second), rel=0.005, abs=0.01)


def test_many_positions_are_projected_as_one_by_one() -> None:
    x, y = to_metres([5.0, 5.1], [47.3, 47.4])
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [point_to_metres(5.0, 47.3), point_to_metres(5.1, 47.4)]


@pytest.mark.parametrize(
    ("lon", "lat", "on_the_globe"),
    [
        (5.04, 47.32, True),
        (-180, -90, True),
        (0, 0, False),
        (181, 0, False),
        (5, 91, False),
        (math.nan, 47, False),
        (math.inf, 47, False),
    ],
)
def test_position_is_on_the_globe_and_not_that_of_a_receiver_without_a_fix(
    lon: float, lat: float, on_the_globe: bool
) -> None:
    assert is_position(lon, lat) is on_the_globe

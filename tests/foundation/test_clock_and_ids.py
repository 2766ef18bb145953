"""Instants, dates and identifiers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import from_datetime, from_rfc3339, now, to_datetime, to_rfc3339
from beffroi.foundation.ids import new_id

instants = st.integers(0, 253_402_300_799_999_999)


@given(instants)
def test_instant_survives_dates_and_text(instant: int) -> None:
    assert from_datetime(to_datetime(instant)) == instant
    assert from_rfc3339(to_rfc3339(instant)) == instant


def test_date_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        from_rfc3339("2026-01-01T00:00:00")


def test_now_is_in_microseconds() -> None:
    before = datetime.now(UTC).timestamp()
    assert before - 1 < now() / 1e6 < before + 60


@given(instants, st.binary(min_size=10, max_size=10))
def test_identifier_is_a_version_7_uuid_of_its_millisecond(instant: int, noise: bytes) -> None:
    found = new_id(instant, noise)
    assert (found.version, found.variant, found.int >> 80) == (7, RFC_4122, instant // 1000)


@given(instants, instants)
def test_identifiers_are_ordered_by_their_instant(first: int, second: int) -> None:
    if first // 1000 < second // 1000:
        assert new_id(first) < new_id(second)


def test_identifiers_of_one_instant_differ() -> None:
    assert len({new_id(1) for _ in range(1000)}) == 1000

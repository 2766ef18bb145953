"""Pure decisions of the twin: unit and property tests."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import SECOND
from beffroi.kernel.twin.rules import (
    LIVE,
    SILENT,
    STALE,
    Hearing,
    columns,
    last_values,
    pack_history,
    partition_of,
)

NOW = 1_780_000_000 * SECOND
Row = tuple[int, int, float, int, int, int]

rows = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(1, 3),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(NOW - 20, NOW),
        st.integers(NOW, NOW + 5),
        st.integers(0, 2),
    ),
    max_size=60,
)


def as_rows(batch: Any) -> list[Row]:
    return list(
        zip(
            batch.asset_id.tolist(),
            batch.quantity_id.tolist(),
            batch.value.tolist(),
            batch.observed_at.tolist(),
            batch.received_at.tolist(),
            batch.quality.tolist(),
            strict=True,
        )
    )


def test_partition_of_a_source_never_changes() -> None:
    # these numbers are written in databases in service: a change here would read a source twice, or never
    known = {code: partition_of(code, 64) for code in ("lighting", "traffic", "buildings", "fleet", "buses")}
    assert known == {"lighting": 51, "traffic": 48, "buildings": 39, "fleet": 7, "buses": 51}


@given(st.text(), st.integers(1, 256))
def test_partition_is_within_bounds(code: str, partitions: int) -> None:
    assert 0 <= partition_of(code, partitions) < partitions


@given(rows)
def test_columns_keep_every_row_in_its_order(given_rows: list[Row]) -> None:
    assert as_rows(columns(given_rows)) == given_rows


@given(rows)
def test_last_values_agree_with_a_dictionary(given_rows: list[Row]) -> None:
    expected: dict[tuple[int, int], Row] = {}
    for row in given_rows:
        kept = expected.get(row[:2])
        if kept is None or row[3] >= kept[3]:  # of two at the same instant, the one that came last
            expected[row[:2]] = row
    assert as_rows(last_values(columns(given_rows))) == [expected[key] for key in sorted(expected)]


def unpack_history(data: bytes) -> list[tuple[int, ...]]:
    """Read PostgreSQL's binary COPY format as its manual describes it, field by field."""
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    flags, extension = struct.unpack_from("!ii", data, 11)
    assert (flags, extension) == (0, 0)
    place, found = 19, []
    while (count := struct.unpack_from("!h", data, place)[0]) != -1:
        assert count == 6
        place += 2
        row: list[Any] = []
        for kind in "qqdqhh":
            length = struct.unpack_from("!i", data, place)[0]
            assert length == struct.calcsize(f"!{kind}")
            row.append(struct.unpack_from(f"!{kind}", data, place + 4)[0])
            place += 4 + length
        found.append(tuple(row))
    assert place + 2 == len(data)
    return found


@given(rows)
def test_packed_history_is_binary_copy(given_rows: list[Row]) -> None:
    since_2000 = 946_684_800 * SECOND
    expected = [
        (observed - since_2000, received - since_2000, value, asset, quantity, quality)
        for asset, quantity, value, observed, received, quality in given_rows
    ]
    assert unpack_history(pack_history(columns(given_rows))) == expected


# -- who is heard ------------------------------------------------------------------------------------------------------


def hearing(*assets: tuple[int, float | None, int | None, int], since: int = NOW) -> Hearing:
    found = Hearing(listening_since=since)
    found.set_assets(assets)
    return found


def heard(found: Hearing, *ids: int, at: int) -> None:
    found.heard(np.array(ids, np.int64), np.full(len(ids), at, np.int64))


def test_asset_is_stale_after_three_periods_and_silent_after_six() -> None:
    found = hearing((1, 60, None, LIVE))
    heard(found, 1, at=NOW)
    assert found.sweep(NOW + 179 * SECOND) == []
    assert found.sweep(NOW + 180 * SECOND) == [(1, STALE)]
    assert found.sweep(NOW + 181 * SECOND) == []
    assert found.sweep(NOW + 360 * SECOND) == [(1, SILENT)]
    heard(found, 1, at=NOW + 400 * SECOND)
    assert found.sweep(NOW + 401 * SECOND) == [(1, LIVE)]


def test_asset_without_period_is_never_judged() -> None:
    found = hearing((1, None, None, LIVE))
    heard(found, 1, at=NOW)
    assert found.sweep(NOW + 10**6 * SECOND) == []


def test_asset_never_heard_is_not_silent_but_counted() -> None:
    found = hearing((1, 60, None, LIVE), (2, None, None, LIVE))
    assert found.sweep(NOW + 10**6 * SECOND) == []
    assert found.never_heard() == 1


def test_post_that_was_stopped_does_not_blame_equipment() -> None:
    found = hearing((1, 60, NOW - 10**6 * SECOND, LIVE))
    assert found.sweep(NOW + 179 * SECOND) == []
    assert found.sweep(NOW + 181 * SECOND) == [(1, STALE)]


def test_recorded_silence_outlives_a_restart_until_the_asset_reports() -> None:
    found = hearing((1, 60, NOW - 10**6 * SECOND, SILENT))
    assert found.sweep(NOW + SECOND) == []
    heard(found, 1, at=NOW + 2 * SECOND)
    assert found.sweep(NOW + 3 * SECOND) == [(1, LIVE)]


def test_report_of_an_unknown_asset_is_passed_over() -> None:
    found = hearing((5, 60, None, LIVE))
    heard(found, 1, 4, 6, 99, at=NOW)
    assert found.sweep(NOW + 10**5 * SECOND) == []


def test_report_from_before_the_last_one_changes_nothing() -> None:
    found = hearing((1, 60, None, LIVE))
    heard(found, 1, at=NOW + 100 * SECOND)
    heard(found, 1, at=NOW)
    assert found.sweep(NOW + 279 * SECOND) == []


@given(
    st.dictionaries(st.integers(1, 20), st.sampled_from([None, 20, 60, 900]), max_size=12),
    st.lists(st.tuples(st.integers(1, 25), st.integers(0, 5_000)), max_size=40),
    st.lists(st.integers(0, 20_000), max_size=6),
)
def test_hearing_agrees_with_a_dictionary(
    periods: dict[int, int | None], reports: list[tuple[int, int]], looks: list[int]
) -> None:
    found = hearing(*((asset, period, None, LIVE) for asset, period in periods.items()))
    last: dict[int, int] = {}
    for asset, second in reports:
        heard(found, asset, at=NOW + second * SECOND)
        last[asset] = max(last.get(asset, 0), second)
    levels = dict.fromkeys(periods, LIVE)
    for look in sorted(looks):
        changes = found.sweep(NOW + look * SECOND)
        for asset, level in changes:
            assert levels[asset] != level
            levels[asset] = level
        for asset, period in periods.items():
            missed = max(0, look - last[asset]) / period if period and asset in last else 0
            assert levels[asset] == (SILENT if missed >= 6 else STALE if missed >= 3 else LIVE)


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_hearing_holds_an_inventory_of_any_size(count: int) -> None:
    found = hearing(*((asset, 900, None, LIVE) for asset in range(count)))
    assert len(found) == count
    assert found.sweep(NOW) == []

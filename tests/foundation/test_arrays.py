"""Arrays handed to PostgreSQL as they lie in memory: what arrives is what was sent, of the type it should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.foundation.arrays import Packed, PackedDumper, packed
from beffroi.foundation.clock import from_datetime
from beffroi.foundation.database import database_url


@pytest.fixture(scope="module")
def connection() -> Any:
    with psycopg.connect(database_url(), autocommit=True) as opened:
        yield opened


def ask(connection: Any, value: Packed) -> tuple[str, list[Any]]:
    cursor = connection.cursor()
    cursor.adapters.register_dumper(Packed, PackedDumper)
    return cursor.execute("SELECT pg_typeof(%b)::text, %b", [value, value]).fetchone()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "dtype", "elements"),
    [
        ("bigint", np.int64, st.integers(-(2**63), 2**63 - 1)),
        ("smallint", np.int64, st.integers(-(2**15), 2**15 - 1)),
        ("float8", np.float64, st.floats(allow_nan=False)),
    ],
)
def test_numbers_arrive_as_they_were_sent(connection: Any, kind: str, dtype: Any, elements: Any) -> None:
    @given(st.lists(elements, max_size=30))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def check(values: list[Any]) -> None:
        found = ask(connection, packed(np.array(values, dtype), kind))
        assert found == ({"float8": "double precision"}.get(kind, kind) + "[]", values)

    check()


def test_instants_arrive_as_dates_to_the_microsecond(connection: Any) -> None:
    instants = [0, 1, 946_684_800_000_000, 1_780_000_000_123_456, 4_102_444_800_000_000]
    kind, found = ask(connection, packed(np.array(instants, np.int64), "timestamptz"))
    assert kind == "timestamp with time zone[]"
    assert [from_datetime(moment) for moment in found] == instants

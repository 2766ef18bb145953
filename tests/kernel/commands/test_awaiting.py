"""The index of awaited proofs, against a plain search; the pace. No database."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from beffroi.foundation.clock import SECOND
from beffroi.kernel.commands.rules import AwaitedProof, AwaitedProofs, Pace
from beffroi.kernel.commands.types import Proven

T0 = 1_780_000_000 * SECOND


def proof(number: int, asset: int, low: float = 29.0, high: float = 31.0, sent_at: int = T0) -> AwaitedProof:
    return AwaitedProof(UUID(int=number), asset, "dim_pct", low, high, sent_at, sent_at + 120 * SECOND)


def observe(index: AwaitedProofs, *rows: tuple[int, float, int], quantity: str = "dim_pct") -> list[Proven]:
    return index.try_values(quantity, rows)


def test_reading_within_bounds_and_after_the_sending_proves_once() -> None:
    index = AwaitedProofs()
    assert index.add([proof(1, 7), proof(2, 9)]) == [proof(1, 7), proof(2, 9)]
    assert index.add([proof(1, 7)]) == []
    assert observe(index, (7, 80.0, T0 + SECOND)) == []
    assert observe(index, (8, 30.0, T0 + SECOND)) == []
    assert observe(index, (7, 30.0, T0 + SECOND), quantity="power_w") == []
    assert observe(index, (5, 1.0, T0), (7, 30.0, T0 + SECOND), (99, 1.0, T0)) == [
        Proven(UUID(int=1), 30.0, T0 + SECOND)
    ]
    assert observe(index, (7, 30.0, T0 + SECOND)) == []
    assert len(index) == 1


def live(index: AwaitedProofs, asset: int, value: float, observed_at: int) -> list[Proven]:
    """Show the index a reading of a batch, as it comes."""
    return index.observe("dim_pct", np.array([asset]), np.array([value]), np.array([observed_at]))


def test_what_was_true_before_the_sending_proves_only_once_the_equipment_says_that_it_heard() -> None:
    index = AwaitedProofs()
    index.add([proof(1, 7), proof(2, 9)])
    assert observe(index, (7, 30.0, T0 - 60 * SECOND), (9, 30.0, T0 - 10 * SECOND)) == []
    assert live(index, 7, 30.0, T0 + SECOND) == live(index, 7, 30.5, T0 + 2 * SECOND) == []
    assert index.acknowledge([UUID(int=1), UUID(int=3)]) == [Proven(UUID(int=1), 30.5, T0 + 2 * SECOND)]
    assert (index.acknowledge([UUID(int=1)]), len(index)) == ([], 1)
    assert (index.acknowledge([UUID(int=2)]), len(index)) == ([], 1)
    assert live(index, 9, 30.0, T0 + 3 * SECOND) == [Proven(UUID(int=2), 30.0, T0 + 3 * SECOND)]


def test_what_was_true_before_the_sending_and_otherwise_meanwhile_proves() -> None:
    index = AwaitedProofs()
    index.add([proof(1, 7)])
    observe(index, (7, 30.0, T0 - SECOND))
    assert live(index, 7, 80.0, T0 + SECOND) == []
    assert live(index, 7, 30.0, T0 + 2 * SECOND) == [Proven(UUID(int=1), 30.0, T0 + 2 * SECOND)]


def test_what_equipment_heard_before_it_was_awaited_here_is_proved_by_the_next_reading() -> None:
    index = AwaitedProofs()
    index.add([replace(proof(1, 7), acknowledged=True)])
    assert observe(index, (7, 30.0, T0 - 60 * SECOND)) == []
    assert live(index, 7, 30.0, T0 + SECOND) == [Proven(UUID(int=1), 30.0, T0 + SECOND)]


def test_reading_of_a_clock_that_lags_a_little_proves() -> None:
    index = AwaitedProofs()
    index.add([proof(1, 7)])
    assert live(index, 7, 30.0, T0 - 6 * SECOND) == []
    assert live(index, 7, 30.0, T0 - 4 * SECOND) == [Proven(UUID(int=1), 30.0, T0 - 4 * SECOND)]


def test_what_is_past_its_time_is_awaited_no_more() -> None:
    index = AwaitedProofs()
    index.add([proof(1, 7)])
    index.prune(T0 + 120 * SECOND)
    assert len(index) == 1
    index.prune(T0 + 181 * SECOND)
    assert (len(index), observe(index, (7, 30.0, T0 + SECOND))) == (0, [])


def test_newer_command_takes_the_place_of_the_one_before() -> None:
    index = AwaitedProofs()
    index.add([proof(1, 7), proof(2, 7, 99.0, 101.0)])
    assert observe(index, (7, 30.0, T0 + SECOND)) == []
    assert [each.command for each in observe(index, (7, 100.0, T0 + SECOND))] == [UUID(int=2)]


rows = st.lists(
    st.tuples(st.integers(1, 12), st.floats(0, 100), st.integers(-10, 10)), max_size=20, unique_by=lambda r: r[0]
)
proofs = st.dictionaries(st.integers(1, 12), st.tuples(st.floats(0, 60), st.floats(0, 40)), max_size=10)


@given(proofs, rows)
def test_index_finds_what_a_plain_search_finds(
    wanted: dict[int, tuple[float, float]], readings: list[tuple[int, float, int]]
) -> None:
    index = AwaitedProofs()
    known = [proof(asset, asset, low, low + span) for asset, (low, span) in wanted.items()]
    index.add(known)
    dated = [(asset, value, T0 + ago * SECOND) for asset, value, ago in readings]
    expected = {
        each.command
        for each in known
        for asset, value, at in dated
        if asset == each.asset_id and each.met(value, at) and at >= T0
    }
    assert {each.command for each in observe(index, *dated)} == expected
    assert len(index) == len(known) - len(expected)
    assert np.asarray([1]).dtype.kind == "i"


@given(
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 400)), max_size=40),
    st.sampled_from([0.5, 7.0, 200.0]),
)
def test_pace_is_never_above_what_the_source_bears(turns: list[tuple[int, int]], per_s: float) -> None:
    pace, at, sent = Pace(per_s), T0, 0
    for passes, wanted in turns:
        at += passes
        taken = min(pace.room(at), wanted)
        pace.spend(taken)
        sent += taken
    assert sent <= per_s * (at - T0) / SECOND + max(1.0, per_s) + 1

"""Quantities with their unit last, and what a frame may claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.bounds import MAX_ADDRESS, check_address, check_instant, check_size
from beffroi.foundation.clock import SECOND
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, UNITS, is_quantity, state_value, state_word, unit_of
from beffroi.kernel.twin.types import CLASSES


@pytest.mark.parametrize("name", sorted({name for entry in CLASSES.values() for name in entry.quantities}))
def test_quantity_of_every_class_is_one(name: str) -> None:
    assert is_quantity(name)
    assert unit_of(name) in UNITS
    assert (unit_of(name) == "state") == (name in STATES)


@pytest.mark.parametrize(
    "name", ["", "_w", "w", "power", "Power_w", "power_furlongs", "power w", "énergie_kwh", "x" * 47 + "_w", "a\0_w"]
)
def test_name_that_is_no_quantity_is_told_apart(name: str) -> None:
    assert not is_quantity(name)


@given(st.sampled_from(sorted(STATES)), st.integers(0, 9))
def test_state_word_and_value_are_inverse(quantity: str, place: int) -> None:
    word = state_word(quantity, place)
    assert (word is None) == (place >= len(STATES[quantity]))
    if word is not None:
        assert state_value(quantity, word) == place


def test_unknown_state_has_no_value() -> None:
    assert state_value("lamp_state", "molten") is None
    assert state_value("power_w", "on") is None
    assert state_word("lamp_state", 0.5) is None


@given(st.integers(-(10**18), 10**18), st.integers(0, 10**16))
def test_instant_is_accepted_within_its_bounds_and_nowhere_else(observed: int, received: int) -> None:
    within = -60 * SECOND <= observed - received <= 5 * SECOND
    try:
        check_instant(observed, received, max_age_s=60, max_ahead_s=5)
    except Malformed as error:
        assert not within
        assert "receipt" in error.reason
    else:
        assert within


@pytest.mark.parametrize("address", ["", "x" * (MAX_ADDRESS + 1), "a\nb", "a\0b", "\x7f", "\u202e"])
def test_address_that_cannot_be_shown_is_refused(address: str) -> None:
    with pytest.raises(Malformed, match="printable"):
        check_address(address)


def test_payload_is_neither_empty_nor_too_large() -> None:
    check_size(b"12345", 5)
    for payload in (b"", b"123456"):
        with pytest.raises(Malformed, match="payload"):
            check_size(payload, 5)

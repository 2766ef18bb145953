from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan import (
    CODECS,
    DEFAULT_QUANTITIES,
    decode_payload,
    encode_payload,
    radio_values,
    values_of_fields,
)

TENTHS = st.integers(-32768, 32767).map(lambda raw: raw / 10)
CLIMATE = st.fixed_dictionaries(
    {
        "battery_pct": st.integers(0, 100),
        "temperature_degc": TENTHS,
        "humidity_pct": st.integers(0, 200).map(lambda raw: raw / 2),
    }
)
LEVEL = st.fixed_dictionaries(
    {
        "battery_pct": st.integers(0, 100),
        "temperature_degc": TENTHS,
        "distance_mm": st.integers(0, 65535),
        "tilt_state": st.integers(0, 1),
    }
)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_codecs_agree_with_the_public_examples(shared: Callable[[str], Path], codec: str) -> None:
    real = json.loads(shared(f"lorawan/ttn/{codec}.json").read_text())
    payload = bytes.fromhex(real["bytes_hex"])
    values = decode_payload(codec, payload)
    assert values == values_of_fields(real["expected"], DEFAULT_QUANTITIES)
    assert encode_payload(codec, values) == payload


@given(values=CLIMATE)
def test_em300_th_gives_back_what_was_encoded(values: dict[str, float]) -> None:
    assert decode_payload("em300-th", encode_payload("em300-th", values)) == values


@given(values=LEVEL)
def test_em400_tld_gives_back_what_was_encoded(values: dict[str, float]) -> None:
    assert decode_payload("em400-tld", encode_payload("em400-tld", values)) == values


@given(codec=st.sampled_from(sorted(CODECS)), payload=st.binary(max_size=60))
def test_arbitrary_payloads_never_crash(codec: str, payload: bytes) -> None:
    try:
        values = decode_payload(codec, payload)
    except Malformed as error:
        assert error.reason
    else:
        assert all(value == value for value in values.values())


def test_what_is_sent_after_joining_is_passed_over() -> None:
    assert decode_payload("em300-th", bytes.fromhex("ff0bffff0101ff166136b40929220004ff090310ff0a0116ff0f00")) == {}


def test_alarm_fields_give_their_measure() -> None:
    assert decode_payload("em400-tld", bytes.fromhex("8367e800018482410601")) == {
        "temperature_degc": 23.2,
        "distance_mm": 1601.0,
    }


def test_encoding_refuses_what_the_device_cannot_say() -> None:
    with pytest.raises(Malformed, match="em300-th does not measure co2_ppm; it measures battery_pct"):
        encode_payload("em300-th", {"co2_ppm": 400.0})
    with pytest.raises(Malformed, match="em300-th cannot say temperature_degc = 9000"):
        encode_payload("em300-th", {"temperature_degc": 9000.0})


@given(
    fields=st.dictionaries(
        st.sampled_from([*DEFAULT_QUANTITIES, "door_state", "mood_state", "level_m", "other"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers())),
    )
)
def test_decoded_fields_are_finite_quantities_or_refused(fields: dict[str, Any]) -> None:
    try:
        values = values_of_fields(fields, DEFAULT_QUANTITIES)
    except Malformed as error:
        assert error.reason
    else:
        assert all(isinstance(value, float) and abs(value) <= 1e12 for value in values.values())


def test_the_loudest_gateway_is_the_one_told() -> None:
    assert radio_values([(-90, 3.0), (-40, None), (None, 9.0)]) == {"rssi_dbm": -40.0}
    assert radio_values([(-40, 2), (-90, 3)]) == {"rssi_dbm": -40.0, "snr_db": 2.0}
    assert radio_values([]) == {}

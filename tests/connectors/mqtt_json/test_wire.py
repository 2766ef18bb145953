from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beffroi.connectors.mqtt_json.wire import Message, decode_report, decode_topic, encode_report, encode_topic
from beffroi.foundation.clock import from_rfc3339
from beffroi.foundation.errors import Malformed

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name not in ("observed_at", "quality"))
SCALARS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20))


def test_golden_frames_are_read() -> None:
    read = {path.stem: decode_report(path.read_bytes()) for path in CAPTURES.glob("*.json")}
    assert read == {
        "light_point__full": Message(
            NOON + 250_000, {"power_w": 78.5, "dim_pct": 80.0, "voltage_v": 231.2, "lamp_state": "on"}
        ),
        "cabinet__epoch_ms": Message(
            NOON, {"voltage_v": 0.0, "power_w": 0.0, "feeder_state": "tripped", "door_state": True}
        ),
        "sensor__no_clock": Message(None, {"temperature_degc": -4.5}),
        "building__uncertain": Message(NOON - 500, {"fire_state": "alarm"}, "uncertain"),
    }


def test_encoding_writes_the_format() -> None:
    assert (
        encode_report(NOON, {"power_w": 78.5, "lamp_state": "on"})
        == b'{"observed_at":"2026-01-31T12:00:00Z","power_w":78.5,"lamp_state":"on"}'
    )


@given(
    observed_at=st.none() | st.integers(min_value=-(10**15), max_value=10**17),
    values=st.dictionaries(NAMES, SCALARS, max_size=8),
    quality=st.none() | st.text(max_size=10),
)
@example(observed_at=None, values={'a"b': 'c"d', "\\": '\\"'}, quality=None)
def test_decoding_gives_back_what_was_encoded(
    observed_at: int | None, values: dict[str, float | str], quality: str | None
) -> None:
    assert decode_report(encode_report(observed_at, values, quality=quality)) == Message(observed_at, values, quality)


@given(payload=st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(payload: bytes) -> None:
    try:
        decode_report(payload)
    except Malformed as error:
        assert error.reason


@given(payload=st.binary(max_size=40), at=st.integers(min_value=0, max_value=100))
def test_damaged_frames_never_crash(payload: bytes, at: int) -> None:
    good = (CAPTURES / "light_point__full.json").read_bytes()
    try:
        decode_report(good[:at] + payload + good[at + len(payload) :])
    except Malformed as error:
        assert error.reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"power_w": NaN}', "JSON is malformed"),
        (b'{"power_w": 1e400}', "out of range"),
        (b'{"power_w": ' + b"9" * 400 + b"}", "out of range"),
        (b'{"power_w": null}', "got `null`"),
        (b'{"power_w": [1]}', "got `array`"),
        (b'{"power_w": {"value": 1}}', "got `object`"),
        (b'{"power_w": 1} {"power_w": 2}', "trailing characters"),
        (b'{"lamp_state": "\xe9teint"}', "not UTF-8"),
        (b'\xef\xbb\xbf{"power_w": 1}', "JSON is malformed"),
        ('{"power_w": 1}'.encode("utf-16"), "JSON is malformed"),
        (b'{"power_w": 1, "power_w": 2}', "'power_w' stands twice"),
        (b'{"power_w": 1, "power_\\u0077": 1}', "'power_w' stands twice"),
        (b'{"lamp_state": "on", "lamp_state": "off"}', "'lamp_state' stands twice"),
        (b'{"quality": 1, "power_w": 1}', "quality is 1.0; expected a word"),
        (b'{"observed_at": true, "power_w": 1}', "observed_at is True"),
        (b'{"observed_at": "noon", "power_w": 1}', "'noon'; expected RFC 3339"),
        (b'{"observed_at": "", "power_w": 1}', "''; expected RFC 3339"),
        (b'{"observed_at": "20260131T120000Z", "power_w": 1}', "expected RFC 3339"),
        (b'{"observed_at": "2026-W05-6T12:00:00Z", "power_w": 1}', "expected RFC 3339"),
        (b'{"observed_at": "2026-01-31T12:00:00", "power_w": 1}', "without a time zone"),
        (b'{"observed_at": "2026-13-31T12:00:00Z", "power_w": 1}', "month must be in 1..12"),
        (b'{"observed_at": 1e300, "power_w": 1}', "beyond the year 9999"),
        (b'{"observed_at": -1e306, "power_w": 1}', "beyond the year 9999"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_report(payload)
    assert reason in caught.value.reason


def test_topics_carry_the_address_whole() -> None:
    assert decode_topic(encode_topic("lighting", "north/L-1"), "lighting") == "north/L-1"


@pytest.mark.parametrize("topic", ["readings/lighting", "readings/traffic/L-1", "reading/lighting/L-1", ""])
def test_topics_of_others_are_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="expected readings/lighting/ADDRESS"):
        decode_topic(topic, "lighting")

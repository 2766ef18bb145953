from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.mqtt_json.connector import CONNECTOR, decode
from beffroi.connectors.mqtt_json.diagnostics import describe
from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import encode_report
from beffroi.foundation.clock import DAY, SECOND, from_rfc3339
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Frame, Quality, Report

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
RECEIVED_AT = NOON + 2 * SECOND
SETTINGS = MqttJsonSettings()


def frame(payload: bytes, topic: str = "readings/lighting/L-1") -> Frame:
    return Frame("lighting", topic, payload, RECEIVED_AT)


def test_golden_frames_become_reports() -> None:
    read = {path.stem: decode(frame(path.read_bytes()), SETTINGS) for path in CAPTURES.glob("*.json")}
    assert read == {
        "light_point__full": (
            Report("L-1", NOON + 250_000, {"power_w": 78.5, "dim_pct": 80.0, "voltage_v": 231.2, "lamp_state": 1.0}),
        ),
        "cabinet__epoch_ms": (
            Report("L-1", NOON, {"voltage_v": 0.0, "power_w": 0.0, "feeder_state": 1.0, "door_state": 1.0}),
        ),
        "sensor__no_clock": (Report("L-1", RECEIVED_AT, {"temperature_degc": -4.5}, Quality.UNCERTAIN),),
        "building__uncertain": (Report("L-1", NOON - 500, {"fire_state": 1.0}, Quality.UNCERTAIN),),
    }


def test_a_device_without_clock_keeps_its_own_doubt() -> None:
    (report,) = decode(frame(b'{"power_w": 1, "quality": "bad"}'), SETTINGS)
    assert report == Report("L-1", RECEIVED_AT, {"power_w": 1.0}, Quality.BAD)


def test_a_state_may_be_its_word_s_place() -> None:
    (report,) = decode(frame(b'{"lamp_state": 2}'), SETTINGS)
    assert report.values == {"lamp_state": 2.0}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "the payload is empty"),
        (b"{}", "0 quantities; expected 1 to 64"),
        (b'{"observed_at": 1769860800000}', "0 quantities"),
        (b'{"power": 1}', "'power' is no quantity"),
        (b'{"Power_W": 1}', "'Power_W' is no quantity"),
        (b'{"power_hp": 1}', "one of the units a, count, db"),
        (b'{"\\u0000_w": 1}', r"'\x00_w' is no quantity"),
        (b'{"mood_state": "good"}', "no known state; known are"),
        (b'{"power_w": "12"}', "power_w is '12'; expected a number"),
        (b'{"power_w": true}', "power_w is 'True'; expected a number"),
        (b'{"power_w": 1.1e12}', "expected a number of 1e+12 at most"),
        (b'{"lamp_state": "burning"}', "'burning'; expected one of off, on, fault"),
        (b'{"lamp_state": true}', "expected one of off, on, fault"),
        (b'{"lamp_state": 3}', "expected one of off, on, fault"),
        (b'{"lamp_state": 0.5}', "expected one of off, on, fault"),
        (b'{"power_w": 1, "quality": "fine"}', "'fine'; expected one of good, uncertain, bad"),
        (b'{"power_w": 1' + b" " * 20_000 + b"}", "20014 bytes; expected 16384 at most"),
        (b"{%s}" % b",".join(b'"v%d_w":1' % n for n in range(65)), "65 quantities; expected 1 to 64"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(frame(payload), SETTINGS)
    assert reason in caught.value.reason


def test_far_dates_are_refused_with_both_instants() -> None:
    for observed_at in (RECEIVED_AT - 30 * DAY, RECEIVED_AT + 300 * SECOND):
        (report,) = decode(frame(encode_report(observed_at, {"power_w": 1.0})), SETTINGS)
        assert report.observed_at == observed_at
    with pytest.raises(
        Malformed, match=r"observed at 2026-01-01T12:00:01.*received at 2026-01-31T12:00:02.*2.592e\+06"
    ):
        decode(frame(encode_report(RECEIVED_AT - 30 * DAY - SECOND, {"power_w": 1.0})), SETTINGS)
    with pytest.raises(Malformed, match=r"observed at 2026-01-31T12:05:03.*received at .*clock is ahead"):
        decode(frame(encode_report(RECEIVED_AT + 301 * SECOND, {"power_w": 1.0})), SETTINGS)


@pytest.mark.parametrize("address", ["", "x" * 129, "L\n1", "L\x001", "L\ud8001"])
def test_addresses_that_cannot_be_written_are_refused(address: str) -> None:
    with pytest.raises(Malformed, match="address"):
        decode(frame(b'{"power_w": 1}', f"readings/lighting/{address}"), SETTINGS)


@given(payload=st.binary(max_size=200), topic=st.text(max_size=60))
def test_arbitrary_frames_never_crash(payload: bytes, topic: str) -> None:
    for one in (frame(payload), frame(payload, topic), frame(b'{"power_w": 1}', f"readings/lighting/{topic}")):
        try:
            decode(one, SETTINGS)
        except Malformed as error:
            error.reason.encode()


@given(
    fields=st.dictionaries(
        st.sampled_from(["power_w", "lamp_state", "observed_at", "quality", "power", "x_count"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers())),
    )
)
def test_wrong_types_never_crash(fields: dict[str, object]) -> None:
    import json

    try:
        reports = decode(frame(json.dumps(fields).encode()), SETTINGS)
    except Malformed as error:
        error.reason.encode()
    else:
        assert all(abs(value) <= 1e12 for report in reports for value in report.values.values())


def test_a_source_publishes_under_its_own_name() -> None:
    assert CONNECTOR.topics(SETTINGS, "lighting") == ("readings/lighting/#", "acknowledgements/lighting/#")
    assert CONNECTOR.commands is not None
    assert CONNECTOR.commands.topics is not None
    assert CONNECTOR.commands.topics(SETTINGS, "lighting") == ("commands/lighting/#",)


def test_diagnostics_show_shapes_and_no_values() -> None:
    contact = Contact()
    contact.note_frame(b'{"observed_at": 1, "power_w": 4321, "lamp_state": "on"}', NOON, reports=1)
    contact.note_error("late", NOON + 1)
    state = describe(contact, SETTINGS)
    assert state["sample"] == {"power_w": "float", "lamp_state": "str"}
    assert (state["last_contact_at"], state["last_error"], state["frames"], state["errors"]) == (NOON, "late", 1, 1)
    assert "4321" not in repr(state)

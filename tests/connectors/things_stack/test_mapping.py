from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beffroi.connectors.things_stack.connector import CONNECTOR, decode
from beffroi.connectors.things_stack.diagnostics import describe
from beffroi.connectors.things_stack.settings import ThingsStackSettings
from beffroi.connectors.things_stack.wire import encode_topic, encode_uplink
from beffroi.foundation.clock import DAY, SECOND, from_rfc3339
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Frame, Quality, Report

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
RECEIVED_AT = NOON + 2 * SECOND
DEVICE = "cellar-1"
SETTINGS = ThingsStackSettings(application="buildings", codec="em400-tld")


def frame(payload: bytes, kind: str = "up", device: str = DEVICE) -> Frame:
    return Frame("things", encode_topic("buildings", "ttn", device, kind), payload, RECEIVED_AT)


def uplink(**changes: Any) -> bytes:
    asked: dict[str, Any] = {
        "application": "buildings",
        "device_id": DEVICE,
        "dev_eui": "0004A30B001C0530",
        "observed_at": NOON,
        "f_cnt": 1,
        "f_port": 85,
        "frm_payload": b"",
    }
    return encode_uplink(**(asked | changes))


def test_golden_frames_become_reports() -> None:
    read = {
        path.stem: decode(frame(path.read_bytes(), path.stem.partition("__")[0]), SETTINGS)
        for path in CAPTURES.glob("*.json")
    }
    assert read == {
        "up__decoded": (
            Report(
                DEVICE,
                NOON + 123_457,
                {
                    "battery_pct": 50.0,
                    "temperature_degc": 20.0,
                    "humidity_pct": 30.0,
                    "rssi_dbm": -35.0,
                    "snr_db": 5.2,
                },
            ),
        ),
        "up__codec": (
            Report(
                DEVICE,
                NOON,
                {
                    "battery_pct": 92.0,
                    "temperature_degc": 25.7,
                    "distance_mm": 2116.0,
                    "tilt_state": 1.0,
                    "rssi_dbm": -35.0,
                },
            ),
        ),
        "up__undated": (Report(DEVICE, RECEIVED_AT, {"temperature_degc": -1.0}, Quality.UNCERTAIN),),
        "join__first": (),
    }


@pytest.mark.parametrize("codec", ["em300-th", "em400-tld"])
@pytest.mark.parametrize("decoded", [True, False])
def test_real_payloads_become_reports(shared: Callable[[str], Path], codec: str, decoded: bool) -> None:
    real = json.loads(shared(f"lorawan/ttn/{codec}.json").read_text())
    payload = uplink(
        f_port=real["fPort"],
        frm_payload=bytes.fromhex(real["bytes_hex"]),
        decoded_payload=real["expected"] if decoded else None,
    )
    settings = ThingsStackSettings(application="buildings", codecs={DEVICE: codec})
    measured = {
        "em300-th": {"battery_pct": 50.0, "temperature_degc": 20.0, "humidity_pct": 30.0},
        "em400-tld": {"battery_pct": 92.0, "temperature_degc": 25.7, "distance_mm": 2116.0, "tilt_state": 1.0},
    }[codec]
    assert decode(frame(payload), settings) == (Report(DEVICE, NOON, {**measured, "rssi_dbm": -80.0, "snr_db": 7.5}),)


@pytest.mark.parametrize("kind", ["join", "down/queued", "down/sent", "down/ack", "service/data", "location/solved"])
def test_other_messages_say_nothing(kind: str) -> None:
    assert decode(frame(b"{}", kind), SETTINGS) == ()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "the payload is empty"),
        (b" " * 70_000, "70000 bytes; expected 65536 at most"),
        (uplink(device_id="attic-1"), "device_id is 'attic-1', but the topic names cellar-1"),
        (uplink(application="other"), "application_id is 'other', but the topic names buildings"),
        (uplink(frm_payload=b"\x07\x07"), "em400-tld: unknown field 0x0707 at byte 0"),
        (uplink(decoded_payload={"temperature": True}), "temperature is 'True'; expected a number"),
        (uplink(observed_at=RECEIVED_AT - 31 * DAY, decoded_payload={"battery": 1}), "s before its receipt"),
        (uplink(observed_at=RECEIVED_AT + DAY, decoded_payload={"battery": 1}), "clock is ahead"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(frame(payload), SETTINGS)
    assert reason in caught.value.reason


@given(payload=st.binary(max_size=100), data=st.binary(max_size=40), kind=st.text(max_size=10))
def test_arbitrary_frames_never_crash(payload: bytes, data: bytes, kind: str) -> None:
    for one in (frame(payload), frame(uplink(frm_payload=data)), frame(payload, kind), frame(payload, "up", kind)):
        try:
            decode(one, SETTINGS)
        except Malformed as error:
            error.reason.encode()


def test_topics_are_every_message_of_the_application() -> None:
    assert CONNECTOR.topics(SETTINGS, "things") == ("v3/buildings@ttn/devices/+/#",)
    own = ThingsStackSettings(application="buildings", tenant="")
    assert CONNECTOR.topics(own, "things") == ("v3/buildings/devices/+/#",)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"application": "Buildings"},
        {"application": "a/#"},
        {"application": "buildings", "tenant": "+"},
        {"application": "buildings", "codec": "em999"},
        {"application": "buildings", "codecs": {"cellar-1": "em999"}},
        {"application": "buildings", "quantities": {"t": "temperature"}},
        {"application": "buildings", "surprise": 1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ThingsStackSettings(**wrong)


def test_diagnostics_show_shapes_and_nobody_s_names() -> None:
    contact = Contact()
    contact.note_frame((CAPTURES / "up__decoded.json").read_bytes(), NOON, reports=1)
    state = describe(contact, SETTINGS)
    assert state["sample"] == {
        "f_port": 85,
        "payload_bytes": 10,
        "decoded_payload": ["battery", "humidity", "temperature"],
        "gateways": 2,
    }
    assert DEVICE not in repr(state)

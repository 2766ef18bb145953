from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beffroi.connectors.chirpstack.connector import CONNECTOR, decode
from beffroi.connectors.chirpstack.diagnostics import describe
from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import encode_topic, encode_uplink
from beffroi.foundation.clock import DAY, SECOND, from_rfc3339
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Frame, Report

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
RECEIVED_AT = NOON + 2 * SECOND
APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
DEVICE = "0101010101010101"
SETTINGS = ChirpStackSettings(application_ids=(APPLICATION,), codec="em400-tld")


def frame(payload: bytes, event: str = "up", device: str = DEVICE, application: str = APPLICATION) -> Frame:
    return Frame("lorawan", encode_topic(application, device, event), payload, RECEIVED_AT)


def uplink(**changes: Any) -> bytes:
    asked: dict[str, Any] = {
        "application_id": APPLICATION,
        "dev_eui": DEVICE,
        "observed_at": NOON,
        "f_cnt": 1,
        "f_port": 85,
        "data": b"",
    }
    return encode_uplink(**(asked | changes))


def test_golden_frames_become_reports() -> None:
    read = {
        path.stem: decode(frame(path.read_bytes(), path.stem.partition("__")[0]), SETTINGS)
        for kind in ("up", "status", "join")
        for path in CAPTURES.glob(f"{kind}__*.json")
    }
    assert read == {
        "up__object": (
            Report(
                DEVICE,
                NOON + 775_023,
                {
                    "battery_pct": 50.0,
                    "temperature_degc": 20.0,
                    "humidity_pct": 30.0,
                    "rssi_dbm": -36.0,
                    "snr_db": 10.5,
                },
            ),
        ),
        "up__codec": (
            Report(
                DEVICE,
                NOON,
                {"battery_pct": 92.0, "temperature_degc": 25.7, "distance_mm": 2116.0, "tilt_state": 1.0},
            ),
        ),
        "up__empty": (),
        "status__battery": (Report(DEVICE, NOON, {"battery_pct": 75.5}),),
        "status__mains": (),
        "join__first": (),
    }


@pytest.mark.parametrize("codec", ["em300-th", "em400-tld"])
@pytest.mark.parametrize("decoded", [True, False])
def test_real_payloads_become_reports(shared: Callable[[str], Path], codec: str, decoded: bool) -> None:
    real = json.loads(shared(f"lorawan/ttn/{codec}.json").read_text())
    payload = uplink(
        f_port=real["fPort"],
        data=bytes.fromhex(real["bytes_hex"]),
        decoded=real["expected"] if decoded else None,
    )
    settings = ChirpStackSettings(application_ids=(APPLICATION,), codecs={DEVICE: codec})
    measured = {
        "em300-th": {"battery_pct": 50.0, "temperature_degc": 20.0, "humidity_pct": 30.0},
        "em400-tld": {"battery_pct": 92.0, "temperature_degc": 25.7, "distance_mm": 2116.0, "tilt_state": 1.0},
    }[codec]
    assert decode(frame(payload), settings) == (Report(DEVICE, NOON, {**measured, "rssi_dbm": -80.0, "snr_db": 7.5}),)


def test_names_are_those_of_the_settings() -> None:
    settings = ChirpStackSettings(application_ids=(APPLICATION,), quantities={"t": "water_temperature_degc"})
    (report,) = decode(frame(uplink(decoded={"t": 4, "battery": 3.6, "level_m": 2.5})), settings)
    assert report.values == {
        "water_temperature_degc": 4.0,
        "level_m": 2.5,
        "rssi_dbm": -80.0,
        "snr_db": 7.5,
    }


@pytest.mark.parametrize("event", ["join", "location", "integration"])
def test_other_events_say_nothing(event: str) -> None:
    assert decode(frame(b"{}", event), SETTINGS) == ()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "the payload is empty"),
        (b" " * 70_000, "70000 bytes; expected 65536 at most"),
        (uplink(dev_eui="0202020202020202"), "but the topic names 0101010101010101"),
        (uplink(application_id="other"), "applicationId is 'other', but the topic names"),
        (uplink(data=b"\x07\x07"), "em400-tld: unknown field 0x0707 at byte 0"),
        (uplink(data=b"\x01"), "em400-tld: unknown field 0x01 at byte 0"),
        (uplink(data=b"\x03\x67\x01"), "em400-tld: cut short at byte 3; the field at byte 0 ends at 4"),
        (uplink(data=b"\x01\x75\xff"), "battery_pct is 255; expected 0 to 100"),
        (uplink(decoded={"temperature": "hot"}), "temperature is 'hot'; expected a number"),
        (uplink(decoded={"temperature": 1e13}), "temperature is beyond 1e+12"),
        (uplink(decoded={"position": "upside down"}), "expected one of normal, tilt"),
        (uplink(rssi_dbm=10**9), "rssi is 1e+09 dBm; expected -200 to 50"),
        (uplink(snr_db=1e9), "snr is 1e+09 dB; expected -100 to 100"),
        (uplink(observed_at=RECEIVED_AT - 31 * DAY, decoded={"battery": 1}), "more than 2.592e+06 s before"),
        (uplink(observed_at=RECEIVED_AT + DAY, decoded={"battery": 1}), "clock is ahead"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(frame(payload), SETTINGS)
    assert reason in caught.value.reason


def test_a_payload_nobody_can_decode_is_refused() -> None:
    settings = ChirpStackSettings(application_ids=(APPLICATION,))
    with pytest.raises(Malformed, match="payload 0x0102 was not decoded by the server, and no codec is set"):
        decode(frame(uplink(data=b"\x01\x02")), settings)
    with pytest.raises(Malformed, match="no field is a known quantity: firmware"):
        decode(frame(uplink(data=b"\x01\x02", decoded={"firmware": "v1"})), settings)


def test_an_impossible_battery_is_refused() -> None:
    payload = (CAPTURES / "status__battery.json").read_bytes().replace(b"75.5", b"255")
    with pytest.raises(Malformed, match="batteryLevel is 255; expected 0 to 100"):
        decode(frame(payload, "status"), SETTINGS)


def test_another_application_is_refused() -> None:
    with pytest.raises(Malformed, match="application 'other' is not of this source"):
        decode(frame(uplink(), application="other"), SETTINGS)


@given(payload=st.binary(max_size=100), data=st.binary(max_size=40), event=st.sampled_from(["up", "status"]))
def test_arbitrary_frames_never_crash(payload: bytes, data: bytes, event: str) -> None:
    for one in (payload, uplink(data=data)):
        try:
            decode(frame(one, event), SETTINGS)
        except Malformed as error:
            error.reason.encode()


def test_topics_are_every_event_of_each_application() -> None:
    settings = ChirpStackSettings(application_ids=("one", "two"))
    assert CONNECTOR.topics(settings, "lorawan") == (
        "application/one/device/+/event/+",
        "application/two/device/+/event/+",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"application_ids": ()},
        {"application_ids": ("a/#",)},
        {"application_ids": ("a",), "codec": "em999"},
        {"application_ids": ("a",), "codecs": {"0101010101010101": "em999"}},
        {"application_ids": ("a",), "codecs": {"XYZ": "em300-th"}},
        {"application_ids": ("a",), "quantities": {"t": "temperature"}},
        {"application_ids": ("a",), "surprise": 1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChirpStackSettings(**wrong)


def test_diagnostics_show_shapes_and_nobody_s_names() -> None:
    contact = Contact()
    contact.note_frame((CAPTURES / "up__object.json").read_bytes(), NOON, reports=1)
    state = describe(contact, SETTINGS)
    assert state["sample"] == {
        "f_port": 85,
        "payload_bytes": 10,
        "object": ["alarm", "battery", "firmware_version", "humidity", "temperature"],
        "gateways": 2,
        "profile": "EM300-TH",
    }
    assert "town hall" not in repr(state)
    assert DEVICE not in repr(state)

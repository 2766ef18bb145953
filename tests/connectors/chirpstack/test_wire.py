from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.chirpstack.wire import (
    EVENTS,
    DeviceInfo,
    RxInfo,
    Status,
    Topic,
    Uplink,
    decode_status,
    decode_topic,
    decode_uplink,
    encode_event,
    encode_topic,
    encode_uplink,
)
from beffroi.foundation.clock import from_rfc3339, to_datetime
from beffroi.foundation.errors import Malformed

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DEVICE = DeviceInfo(
    dev_eui="0101010101010101",
    application_id="17c82e96-be03-4f38-aef3-f83d48582d97",
    application_name="buildings",
    device_name="town hall, cellar",
    device_profile_name="EM300-TH",
    tenant_id="52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
    tags={"floor": "-1"},
)
TEXTS = st.text(max_size=12)
MOMENTS = st.integers(0, 2**57).map(to_datetime)
DEVICES = st.builds(DeviceInfo, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3))
GATEWAYS = st.builds(RxInfo, TEXTS, st.none() | st.integers(-150, 0), st.none() | st.floats(-30, 30))
FIELDS = st.dictionaries(TEXTS, st.one_of(st.none(), st.booleans(), st.integers(-9999, 9999), TEXTS), max_size=4)
UPLINKS = st.builds(
    Uplink,
    DEVICES,
    MOMENTS,
    f_cnt=st.integers(0, 2**32 - 1),
    f_port=st.integers(0, 255),
    data=st.binary(max_size=51),
    object=st.none() | FIELDS,
    rx_info=st.lists(GATEWAYS, max_size=3).map(tuple),
)


def test_golden_uplinks_are_read() -> None:
    read = {path.stem: decode_uplink(path.read_bytes()) for path in CAPTURES.glob("up__*.json")}
    assert read == {
        "up__object": Uplink(
            device_info=DEVICE,
            time=MOMENT + timedelta(microseconds=775_023),
            deduplication_id="3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
            dev_addr="00189440",
            adr=True,
            dr=1,
            f_cnt=4,
            f_port=85,
            data=bytes.fromhex("0175320367C80004683C"),
            object={"battery": 50, "temperature": 20.0, "humidity": 30.0, "firmware_version": "v1.2", "alarm": None},
            rx_info=(RxInfo("0016c001f153a14c", -104, -3.5), RxInfo("0016c001f153a14d", -36, 10.5)),
        ),
        "up__codec": Uplink(
            device_info=DEVICE,
            time=MOMENT,
            f_cnt=5,
            f_port=85,
            data=bytes.fromhex("01755C0367010104824408050001"),
            rx_info=(RxInfo("0016c001f153a14c", None, 7.25),),
        ),
        "up__empty": Uplink(device_info=DEVICE, time=MOMENT),
    }


def test_golden_statuses_are_read() -> None:
    read = {path.stem: decode_status(path.read_bytes()) for path in CAPTURES.glob("status__*.json")}
    assert read == {
        "status__battery": Status(DEVICE, MOMENT, deduplication_id="a", margin=10, battery_level=75.5),
        "status__mains": Status(DEVICE, MOMENT, margin=10, external_power_source=True, battery_level=0.0),
    }


def test_encoding_an_uplink_says_what_was_asked() -> None:
    payload = encode_uplink(
        application_id="app",
        dev_eui="00aa00aa00aa00aa",
        observed_at=NOON + 1,
        f_cnt=7,
        f_port=85,
        data=b"\x01\x75\x32",
        decoded={"battery": 50},
        device_name="cellar",
        gateway_id="00bb00bb00bb00bb",
        rssi_dbm=-99,
        snr_db=-1.5,
    )
    assert decode_uplink(payload) == Uplink(
        device_info=DeviceInfo(dev_eui="00aa00aa00aa00aa", application_id="app", device_name="cellar"),
        time=MOMENT + timedelta(microseconds=1),
        f_cnt=7,
        f_port=85,
        data=b"\x01\x75\x32",
        object={"battery": 50},
        rx_info=(RxInfo("00bb00bb00bb00bb", -99, -1.5),),
    )


@given(uplink=UPLINKS)
def test_decoding_gives_back_the_uplink_encoded(uplink: Uplink) -> None:
    assert decode_uplink(encode_event(uplink)) == uplink


@given(status=st.builds(Status, DEVICES, MOMENTS, battery_level=st.none() | st.floats(0, 100)))
def test_decoding_gives_back_the_status_encoded(status: Status) -> None:
    assert decode_status(encode_event(status)) == status


@given(noise=st.binary(max_size=60), at=st.integers(0, 1200))
def test_arbitrary_and_damaged_bytes_never_crash(noise: bytes, at: int) -> None:
    good = (CAPTURES / "up__object.json").read_bytes()
    for payload in (noise, good[:at] + noise + good[at + len(noise) :], good[:at]):
        for decode in (decode_uplink, decode_status):
            try:
                decode(payload)
            except Malformed as error:
                error.reason.encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "truncated"),
        (b"{}", "missing required field `deviceInfo`"),
        (b'{"deviceInfo": {"devEui": "01"}}', "missing required field `time`"),
        (b'{"deviceInfo": {"devEui": 1}, "time": "2026-01-31T12:00:00Z"}', "`$.deviceInfo.devEui`"),
        (b'{"deviceInfo": {"devEui": "01"}, "time": "2026-01-31T12:00:00"}', "timezone"),
        (b'{"deviceInfo": {"devEui": "01"}, "time": "noon"}', "Invalid RFC3339"),
        (b'{"deviceInfo": {"devEui": "01"}, "time": "2026-01-31T12:00:00Z", "data": "*"}', "base64"),
        (b'{"deviceInfo": {"devEui": "01"}, "time": "2026-01-31T12:00:00Z", "object": [1]}', "`$.object`"),
        (b'{"deviceInfo": {"devEui": "\xff"}}', "not UTF-8"),
        (b'{"object": {"a":' + b"[" * 100_000, "nested too deep"),
        (b'{"unknown": ' + b"[" * 100_000, "nested too deep"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_uplink(payload)
    assert reason in caught.value.reason


@pytest.mark.parametrize("event", EVENTS)
def test_topics_are_read_back(event: str) -> None:
    topic = encode_topic("app", "00AA00AA00AA00AA", event)
    assert decode_topic(topic) == Topic("app", "00aa00aa00aa00aa", event)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "application/app/device/00aa00aa00aa00aa/event/sing",
        "application/app/device/00aa/event/up",
        "application/app/device/00aa00aa00aa00aa\n/event/up",
        "application/app/device/00aa00aa00aa00aa/command/down",
        "gateway/00aa00aa00aa00aa/event/up",
        "application/app/device/00aa00aa00aa00aa/event/up/more",
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="expected application/ID/device/DEVEUI/event/"):
        decode_topic(topic)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.things_stack.wire import (
    KINDS,
    ApplicationIds,
    EndDeviceIds,
    GatewayIds,
    RxMetadata,
    Topic,
    Uplink,
    UplinkMessage,
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
DEVICE = EndDeviceIds("cellar-1", ApplicationIds("buildings"), "0004A30B001C0530", "00BCB929")
CORRELATION = ("as:up:01E0WZGT6Y7657CPFPE5WEYDSQ",)
TEXTS = st.text(max_size=12)
MOMENTS = st.none() | st.integers(0, 2**57).map(to_datetime)
DEVICES = st.builds(EndDeviceIds, TEXTS, st.builds(ApplicationIds, TEXTS), TEXTS, TEXTS)
LEVELS = st.none() | st.floats(-150, 50)
GATEWAYS = st.builds(RxMetadata, st.builds(GatewayIds, TEXTS, TEXTS), LEVELS, LEVELS)
FIELDS = st.dictionaries(TEXTS, st.one_of(st.none(), st.booleans(), st.integers(-9999, 9999), TEXTS), max_size=4)
MESSAGES = st.builds(
    UplinkMessage,
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=51),
    st.none() | FIELDS,
    st.lists(GATEWAYS, max_size=3).map(tuple),
    MOMENTS,
)
UPLINKS = st.builds(Uplink, DEVICES, MESSAGES, MOMENTS, st.lists(TEXTS, max_size=2).map(tuple), st.booleans())


def test_golden_uplinks_are_read() -> None:
    read = {path.stem: decode_uplink(path.read_bytes()) for path in CAPTURES.glob("up__*.json")}
    assert read == {
        "up__decoded": Uplink(
            DEVICE,
            UplinkMessage(
                f_port=85,
                f_cnt=1,
                frm_payload=bytes.fromhex("0175320367C80004683C"),
                decoded_payload={"battery": 50, "temperature": 20.0, "humidity": 30.0},
                rx_metadata=(
                    RxMetadata(GatewayIds("roof", "0242020000247803"), -35.0, 5.2),
                    RxMetadata(GatewayIds("hill"), -107.0, -7.0),
                ),
                received_at=MOMENT + timedelta(microseconds=123_457),
            ),
            MOMENT + timedelta(microseconds=787_000),
            CORRELATION,
        ),
        "up__codec": Uplink(
            DEVICE,
            UplinkMessage(
                f_port=85,
                frm_payload=bytes.fromhex("01755C0367010104824408050001"),
                rx_metadata=(RxMetadata(GatewayIds("roof"), -35.0),),
            ),
            MOMENT,
            CORRELATION,
        ),
        "up__undated": Uplink(DEVICE, UplinkMessage(f_port=85, decoded_payload={"temperature": -1}), None, CORRELATION),
    }


def test_encoding_an_uplink_says_what_was_asked() -> None:
    payload = encode_uplink(
        application="buildings",
        device_id="cellar-2",
        dev_eui="00AA00AA00AA00AA",
        observed_at=NOON + 1,
        f_cnt=7,
        f_port=85,
        frm_payload=b"\x01\x75\x32",
        decoded_payload={"battery": 50},
        gateway_id="hill",
        rssi_dbm=-99.0,
        snr_db=-1.5,
    )
    moment = MOMENT + timedelta(microseconds=1)
    message = UplinkMessage(
        85, 7, b"\x01\x75\x32", {"battery": 50}, (RxMetadata(GatewayIds("hill"), -99.0, -1.5),), moment
    )
    device = EndDeviceIds("cellar-2", ApplicationIds("buildings"), "00AA00AA00AA00AA")
    assert decode_uplink(payload) == Uplink(device, message, moment)


@given(uplink=UPLINKS)
def test_decoding_gives_back_what_was_encoded(uplink: Uplink) -> None:
    assert decode_uplink(encode_event(uplink)) == uplink


@given(noise=st.binary(max_size=60), at=st.integers(0, 1200))
def test_arbitrary_and_damaged_bytes_never_crash(noise: bytes, at: int) -> None:
    good = (CAPTURES / "up__decoded.json").read_bytes()
    for payload in (noise, good[:at] + noise + good[at + len(noise) :], good[:at]):
        try:
            decode_uplink(payload)
        except Malformed as error:
            error.reason.encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "truncated"),
        (b"{}", "missing required field `end_device_ids`"),
        (b'{"end_device_ids": {"device_id": "a"}}', "missing required field `uplink_message`"),
        (b'{"end_device_ids": {"device_id": 1}}', "`$.end_device_ids.device_id`"),
        (b'{"end_device_ids": {"device_id": "a"}, "received_at": "2026-01-31T12:00:00"}', "timezone"),
        (b'{"uplink_message": {"frm_payload": "*"}}', "base64"),
        (b'{"uplink_message": {"rx_metadata": [{"rssi": "loud"}]}}', "`$.uplink_message.rx_metadata[0].rssi`"),
        (b'{"end_device_ids": {"device_id": "\xff"}}', "not UTF-8"),
        (b'{"uplink_message": {"decoded_payload": {"a":' + b"[" * 100_000, "nested too deep"),
    ],
)
def test_refusals_say_what_is_wrong(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_uplink(payload)
    assert reason in caught.value.reason


@pytest.mark.parametrize("tenant", ["ttn", ""])
@pytest.mark.parametrize("kind", [*KINDS, "down/sent", "service/data", "location/solved"])
def test_topics_are_read_back(tenant: str, kind: str) -> None:
    topic = encode_topic("buildings", tenant, "cellar-1", kind)
    assert decode_topic(topic, application="buildings", tenant=tenant) == Topic("cellar-1", kind)


def test_an_open_source_stack_names_no_tenant() -> None:
    assert encode_topic("buildings", "", "cellar-1") == "v3/buildings/devices/cellar-1/up"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "v3/buildings@ttn/devices/cellar-1",
        "v3/buildings@ttn/devices//up",
        "v3/buildings@ttn/devices/cellar-1/sing",
        "v3/buildings@other/devices/cellar-1/up",
        "v3/other@ttn/devices/cellar-1/up",
        "v3/buildings/devices/cellar-1/up",
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="expected v3/buildings@ttn/devices/DEVICE/"):
        decode_topic(topic, application="buildings", tenant="ttn")

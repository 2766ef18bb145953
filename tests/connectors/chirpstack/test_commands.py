"""Downlinks: what a command sends, what counts as its answer, and a network server of ours that obeys, loses and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beffroi.connectors.chirpstack.connector import CONNECTOR, decode
from beffroi.connectors.chirpstack.mapping import encode
from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import (
    Acknowledgement,
    DeviceInfo,
    DownlinkCommand,
    Log,
    Transmission,
    decode_acknowledgement,
    decode_command_topic,
    decode_downlink,
    decode_log,
    decode_transmission,
    encode_downlink,
    encode_event,
    encode_topic,
    encode_uplink,
)
from beffroi.foundation.clock import SECOND, from_rfc3339, to_datetime
from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan_downlink import fill_template
from beffroi.kernel.twin.types import Answer, Frame, Order, Report, Unsupported, WireCommand

CAPTURES = Path(__file__).parent / "captures"
NOON = from_rfc3339("2026-01-31T12:00:00Z")
APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
DEVICE = "0101010101010101"
COMMAND = "0199a0c2-5f10-7a3b-8c44-0d6b2f1e9a77"
COMMANDS: dict[str, Any] = {
    "em300-th": {
        "set_report_period": {"payload": "FF03 {period_s:u16le}", "f_port": 85},
        "restart_sensor": {"payload": "FF10FF", "f_port": 85, "confirmed": False},
    },
    "valve": {"set_valve": {"payload": "01{position:u8}", "f_port": 10, "words": {"position": {"open": 1, "shut": 0}}}},
}


def settings(**changes: Any) -> ChirpStackSettings:
    asked = {"application_ids": (APPLICATION,), "commands": COMMANDS, "model": "em300-th"}
    return ChirpStackSettings.model_validate(asked | changes)


def order(ability: str = "set_report_period", device: str = DEVICE, **parameters: float | str) -> Order:
    return Order(COMMAND, "lorawan", device, "sensor", ability, parameters or {"period_s": 1200.0}, NOON + 900 * SECOND)


def frame(payload: bytes, event: str) -> Frame:
    return Frame("lorawan", encode_topic(APPLICATION, DEVICE, event), payload, NOON + 2 * SECOND)


def answers(name: str, **changes: Any) -> tuple[Report | Answer, ...]:
    return decode(frame((CAPTURES / f"{name}.json").read_bytes(), name.partition("__")[0]), settings(**changes))


def test_a_command_becomes_the_downlink_of_the_golden_frame() -> None:
    (wire,) = encode(order(), settings())
    assert wire.topic == f"application/{APPLICATION}/device/{DEVICE}/command/down"
    golden = decode_downlink((CAPTURES / "down__period.json").read_bytes())
    assert (
        decode_downlink(wire.payload) == golden == DownlinkCommand(COMMAND, DEVICE, True, 85, bytes.fromhex("ff03b004"))
    )


def test_words_and_unconfirmed_downlinks_are_sent_as_the_settings_say() -> None:
    (shut,) = encode(order("set_valve", position="shut"), settings(model="valve"))
    assert decode_downlink(shut.payload) == DownlinkCommand(COMMAND, DEVICE, True, 10, b"\x01\x00")
    (restart,) = encode(order("restart_sensor"), settings(models={DEVICE: "em300-th"}, model=None))
    assert decode_downlink(restart.payload) == DownlinkCommand(COMMAND, DEVICE, False, 85, b"\xff\x10\xff")


def test_a_device_of_several_applications_is_found_by_the_inventory() -> None:
    several = settings(application_ids=("a", APPLICATION))
    with pytest.raises(Unsupported, match="import its `application_id`"):
        encode(order(), several)
    known = Order(COMMAND, "lorawan", DEVICE, "sensor", "restart_sensor", {}, NOON, {"application_id": APPLICATION})
    (wire,) = encode(known, several)
    assert decode_command_topic(wire.topic) == (APPLICATION, DEVICE)


@pytest.mark.parametrize(
    ("asked", "changes", "reason"),
    [
        (
            order("open_door"),
            {},
            "the model em300-th has no payload for `open_door`; it has restart_sensor, set_report_period",
        ),
        (order(), {"model": None}, f"no model is set for the device {DEVICE}"),
        (order(period_s=70_000.0), {}, "period_s = 70000 does not fit u16le"),
        (order(period_s="often"), {}, "period_s is 'often'; the device knows no word"),
        (order(other=1.0), {}, "period_s is None; expected a number"),
    ],
)
def test_commands_without_bytes_of_their_own_are_refused(asked: Order, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        encode(asked, settings(**changes))


def test_only_the_device_s_confirmation_is_an_answer() -> None:
    assert answers("ack__confirmed") == (Answer(DEVICE, COMMAND, True, "", NOON),)
    assert answers("ack__timed_out") == ()
    assert answers("txack__sent") == ()
    assert answers("log__join") == ()


def test_the_gateway_s_word_counts_where_the_settings_say_so() -> None:
    assert answers("txack__sent", acknowledged_by="gateway") == (Answer(DEVICE, COMMAND, True, "", NOON),)


def test_a_downlink_thrown_away_by_the_server_is_a_refusal() -> None:
    reason = (
        "the server has thrown the downlink away: DOWNLINK_PAYLOAD_SIZE, Device queue-item discarded because it exceeds the"
        " max. payload size"
    )
    assert answers("log__too_long") == (Answer(DEVICE, COMMAND, False, reason, NOON),)


@pytest.mark.parametrize("event", ["ack", "txack", "log"])
def test_events_that_are_none_are_refused(event: str) -> None:
    for payload, reason in (
        (b"{}", "deviceInfo"),
        (b'{"deviceInfo": {"devEui": "02"}}', "time"),
        (b"\xff", "not a ChirpStack v4"),
    ):
        with pytest.raises(Malformed, match=reason):
            decode(frame(payload, event), settings())


def test_an_answer_about_another_device_than_its_topic_s_is_refused() -> None:
    payload = (CAPTURES / "ack__confirmed.json").read_bytes()
    topic = encode_topic(APPLICATION, "0202020202020202", "ack")
    with pytest.raises(Malformed, match="but the topic names 0202020202020202"):
        decode(Frame("lorawan", topic, payload, NOON), settings())


TEXTS = st.text(max_size=12)
DEVICES = st.builds(DeviceInfo, TEXTS, TEXTS)
MOMENTS = st.integers(0, 2**57).map(to_datetime)


@given(event=st.builds(Acknowledgement, DEVICES, MOMENTS, TEXTS, TEXTS, st.booleans(), st.integers(0, 2**32 - 1)))
def test_decoding_gives_back_the_acknowledgement_encoded(event: Acknowledgement) -> None:
    assert decode_acknowledgement(encode_event(event)) == event


@given(event=st.builds(Transmission, DEVICES, MOMENTS, st.integers(0, 2**32 - 1), TEXTS))
def test_decoding_gives_back_the_transmission_encoded(event: Transmission) -> None:
    assert decode_transmission(encode_event(event)) == event


@given(event=st.builds(Log, DEVICES, MOMENTS, TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3)))
def test_decoding_gives_back_the_log_encoded(event: Log) -> None:
    assert decode_log(encode_event(event)) == event


@given(downlink=st.builds(DownlinkCommand, TEXTS, TEXTS, st.booleans(), st.integers(1, 223), st.binary(max_size=51)))
def test_decoding_gives_back_the_downlink_encoded(downlink: DownlinkCommand) -> None:
    assert decode_downlink(encode_downlink(downlink)) == downlink


@given(noise=st.binary(max_size=60))
def test_arbitrary_bytes_never_crash(noise: bytes) -> None:
    for read in (decode_acknowledgement, decode_transmission, decode_log, decode_downlink):
        try:
            read(noise)
        except Malformed as error:
            assert error.reason


@pytest.mark.parametrize(
    ("template", "parameters", "payload"),
    [
        ("FF03 {p:u16le}", {"p": 1200}, "ff03b004"),
        ("{p:u16be}", {"p": 1200}, "04b0"),
        ("{p:i8}", {"p": -2}, "fe"),
        ("{p:u8*2.55} 00", {"p": 100}, "ff00"),
        ("{p:f32be}", {"p": 21.5}, "41ac0000"),
        ("{a:u8}{b:i32le}", {"a": 1, "b": -1}, "01ffffffff"),
    ],
)
def test_templates_are_filled(template: str, parameters: Mapping[str, object], payload: str) -> None:
    assert fill_template(template, parameters).hex() == payload


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ({"m": {"a": {"payload": "FF0", "f_port": 1}}}, "cannot be read from '0'"),
        ({"m": {"a": {"payload": "FF {p}", "f_port": 1}}}, "cannot be read from '{p}'"),
        ({"m": {"a": {"payload": "{p:u12}", "f_port": 1}}}, "no layout is called 'u12'"),
        ({"m": {"a": {"payload": "{p:u8*0}", "f_port": 1}}}, "cannot be multiplied by '0'"),
        ({"m": {"a": {"payload": " ", "f_port": 1}}}, "cannot be read from|the payload is empty"),
        ({"m": {"a": {"payload": "FF", "f_port": 0}}}, "greater than or equal to 1"),
        ({"m": {"a": {"payload": "FF", "f_port": 224}}}, "less than or equal to 223"),
        ({"m": {}}, "no model is called 'em300-th' in `commands`; there are m"),
    ],
)
def test_wrong_commands_are_refused_with_what_to_write(commands: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(commands=commands)


@dataclass
class NetworkServer:
    """A ChirpStack of ours and its one device, a class A sensor: a downlink waits for the next uplink."""

    heard: bool = True
    longest: int = 51
    queue: list[DownlinkCommand] = field(default_factory=list)
    period_s: int = 600

    def take(self, wire: WireCommand) -> None:
        assert decode_command_topic(wire.topic) == (APPLICATION, DEVICE)
        self.queue.append(decode_downlink(wire.payload))

    def uplink(self) -> list[Frame]:
        """The device speaks; the server answers with what waits; the events that are published, in order."""
        device = DeviceInfo(dev_eui=DEVICE, application_id=APPLICATION)
        moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
        payload = encode_uplink(
            application_id=APPLICATION, dev_eui=DEVICE, observed_at=NOON, f_cnt=1, f_port=85, data=b"\x01\x75\x32"
        )
        events = [frame(payload, "up")]
        for downlink in self.queue:
            if len(downlink.data) > self.longest:
                context = {"queue_item_id": downlink.id}
                log = Log(device, moment, "ERROR", "DOWNLINK_PAYLOAD_SIZE", "too long", context)
                events.append(frame(encode_event(log), "log"))
                continue
            sent = Transmission(device, moment, 1, downlink.id, 1, "0016c001f153a14c")
            events.append(frame(encode_event(sent), "txack"))
            if self.heard:
                self.period_s = int.from_bytes(downlink.data[2:], "little")
            confirmed = Acknowledgement(device, moment, "", downlink.id, self.heard, 1)
            events.append(frame(encode_event(confirmed), "ack"))
        self.queue.clear()
        return events


def answered(server: NetworkServer) -> list[Answer]:
    (wire,) = encode(order(), settings())
    server.take(wire)
    events = server.uplink()
    return [each for event in events for each in decode(event, settings(codec="em300-th")) if isinstance(each, Answer)]


def test_a_device_that_hears_the_downlink_confirms_the_command() -> None:
    server = NetworkServer()
    assert answered(server) == [Answer(DEVICE, COMMAND, True, "", NOON)]
    assert server.period_s == 1200


def test_a_device_out_of_reach_leaves_the_command_without_an_answer() -> None:
    assert answered(NetworkServer(heard=False)) == []


def test_a_server_that_cannot_send_says_so() -> None:
    (answer,) = answered(NetworkServer(longest=2))
    assert (answer.accepted, answer.command) == (False, COMMAND)


def test_the_manifest_tells_what_the_server_listens_to() -> None:
    commands = CONNECTOR.commands
    assert commands is not None and commands.topics is not None and commands.client is None
    assert commands.topics(settings(), "lorawan") == (f"application/{APPLICATION}/device/+/command/down",)
    assert commands.pace(settings(downlinks_per_s=0.5)) == 0.5

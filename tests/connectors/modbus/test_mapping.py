"""What polls mean, what commands write, what settings refuse."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beffroi.connectors.modbus.connector import CONNECTOR, decode
from beffroi.connectors.modbus.diagnostics import describe
from beffroi.connectors.modbus.mapping import writes_of
from beffroi.connectors.modbus.settings import ModbusSettings, Model
from beffroi.connectors.modbus.wire import (
    Adu,
    Answer,
    Exchange,
    Poll,
    Refusal,
    Request,
    encode_adu,
    encode_answer,
    encode_poll,
    encode_request,
    read,
    write,
)
from beffroi.foundation.clock import SECOND
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Frame, Rejected, Report

from .boiler import BOILER, boilers

CAPTURES = Path(__file__).parent / "captures"
NOON = 1_769_860_800 * SECOND
SETTINGS = boilers(502)


def frame(payload: bytes, topic: str = "frames/boilers") -> Frame:
    return Frame("boilers", topic, payload, NOON)


def exchange(answer: Answer | Refusal, *, unit: int = 1, answered: int = 7) -> Exchange:
    asked = encode_adu(Adu(7, unit, encode_request(answer.request)))
    return Exchange(asked, encode_adu(Adu(answered, unit, encode_answer(answer))))


def poll(*exchanges: Exchange, device: str = "CH-1") -> bytes:
    return encode_poll(Poll(device, exchanges))


INPUTS = Answer(read("input_register", 0, 3), (1, 713, 65486))
SETPOINT = Answer(read("holding_register", 0, 1), (685,))
DOOR = Answer(read("discrete_input", 3, 1), (1,))
WHOLE = {
    "boiler_state": 1.0,
    "flow_temperature_degc": 71.3,
    "return_temperature_degc": -5.0,
    "setpoint_degc": 68.5,
    "door_state": 1.0,
}


def test_a_poll_becomes_the_report_of_its_device() -> None:
    read_back = decode(frame(poll(exchange(INPUTS), exchange(SETPOINT), exchange(DOOR))), SETTINGS)
    assert read_back == (Report("CH-1", NOON, WHOLE),)


def test_the_golden_poll_becomes_a_report_and_a_refusal() -> None:
    assert decode(frame((CAPTURES / "poll__boiler.json").read_bytes()), SETTINGS) == (
        Report("CH-1", NOON, {name: value for name, value in WHOLE.items() if name != "door_state"}),
        Rejected(
            "asked to read discrete_input 3, the device answers with exception 2, illegal data address",
            bytes.fromhex("000900000003018202"),
        ),
    )


def test_a_state_that_the_model_does_not_name_is_rejected_and_the_rest_stands() -> None:
    odd = Answer(INPUTS.request, (9, 713, 65486))
    assert decode(frame(poll(exchange(odd))), SETTINGS) == (
        Report("CH-1", NOON, {"flow_temperature_degc": 71.3, "return_temperature_degc": -5.0}),
        Rejected("CH-1: boiler_state is 9; the model says what 0, 1, 2 mean", b""),
    )


def test_one_bit_of_a_register_is_taken() -> None:
    model = {
        "registers": [
            {
                "quantity": "door_state", "table": "holding_register", "address": 5, "layout": "uint16", "bit": 3,
                "states": {0: "closed", 1: "open"},
            }
        ]
    }  # fmt: skip
    settings = boilers(502, models={"boiler": model})
    for word, state in ((0b1000, 1.0), (0b0111, 0.0)):
        answered = exchange(Answer(read("holding_register", 5, 1), (word,)))
        assert decode(frame(poll(answered)), settings) == (Report("CH-1", NOON, {"door_state": state}),)


@pytest.mark.parametrize(
    ("payload", "topic", "reason"),
    [
        (poll(exchange(INPUTS), device="CH-9"), "frames/boilers", "device 'CH-9' is not of this source"),
        (poll(exchange(INPUTS, answered=8)), "frames/boilers", "of another transaction or unit"),
        (poll(exchange(INPUTS, unit=2)), "frames/boilers", "of another transaction or unit"),
        (poll(Exchange(b"", b"")), "frames/boilers", "0 bytes; a frame has 8 at least"),
        (b"{}", "frames/boilers", "not a poll"),
        (b"", "frames/boilers", "the payload is empty"),
        (poll(exchange(INPUTS)), "readings/boilers/CH-1", "expected frames/boilers"),
    ],
)
def test_what_is_no_poll_of_this_source_is_quarantined(payload: bytes, topic: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode(frame(payload, topic), SETTINGS)


@given(payload=st.binary(max_size=200), at=st.integers(0, 400))
def test_damaged_polls_never_crash(payload: bytes, at: int) -> None:
    good = poll(exchange(INPUTS), exchange(SETPOINT))
    for damaged in (payload, good[:at] + payload + good[at:]):
        try:
            decode(frame(damaged), SETTINGS)
        except Malformed as error:
            assert error.reason


def requests(ability: str, model: Any = BOILER, **parameters: object) -> tuple[Request, ...]:
    return writes_of(ability, parameters, Model.model_validate(model))


def test_commands_are_written_as_the_model_says() -> None:
    assert requests("stop_boiler") == (write("coil", 0, [0]),)
    assert requests("set_setpoint", setpoint_degc=68.5) == (write("holding_register", 0, [685]),)
    assert requests("set_setpoint", setpoint_degc=-5) == (write("holding_register", 0, [65486]),)


def test_adjacent_writes_leave_in_one_request() -> None:
    model = BOILER | {
        "commands": {
            "night": [
                {"table": "holding_register", "address": 4, "layout": "uint16", "value": 2},
                {"table": "holding_register", "address": 5, "layout": "float32", "parameter": "setpoint_degc"},
                {"table": "coil", "address": 2, "layout": "bit", "value": 1},
                {"table": "coil", "address": 3, "layout": "bit", "value": 0},
                {"table": "coil", "address": 9, "layout": "bit", "parameter": "mode", "states": {"eco": 1, "full": 0}},
            ]
        }
    }
    assert requests("night", model, setpoint_degc=21.5, mode="eco") == (
        write("holding_register", 4, [2, 0x41AC, 0]),
        write("coil", 2, [1, 0]),
        write("coil", 9, [1]),
    )


def test_a_device_that_knows_only_multiple_writes_is_written_to_so() -> None:
    model = BOILER | {"write_multiple_only": True}
    assert [int(each.function) for each in requests("stop_boiler", model)] == [15]
    assert [int(each.function) for each in requests("set_setpoint", model, setpoint_degc=1)] == [16]


@pytest.mark.parametrize(
    ("ability", "parameters", "reason"),
    [
        ("open_door", {}, "no write is set for `open_door`: the model knows set_setpoint, start_boiler, stop_boiler"),
        ("set_setpoint", {}, "setpoint_degc is None; expected a number"),
        ("set_setpoint", {"setpoint_degc": "hot"}, "setpoint_degc is 'hot'; the device knows no word"),
        ("set_setpoint", {"setpoint_degc": 4000}, "a int16 cannot hold 40000"),
    ],
)
def test_commands_that_cannot_be_written_are_refused(ability: str, parameters: dict[str, object], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        requests(ability, **parameters)


def changed(where: str, **change: Any) -> dict[str, Any]:
    """The settings with one register, write, device or the model changed."""
    settings: dict[str, Any] = copy.deepcopy(
        {"models": {"boiler": BOILER}, "devices": [{"address": "CH-1", "host": "h", "model": "boiler"}]}
    )
    boiler = settings["models"]["boiler"]
    target: dict[str, Any] = {
        "register": boiler["registers"][1],
        "state": boiler["registers"][0],
        "write": boiler["commands"]["set_setpoint"][0],
        "model": boiler,
        "device": settings["devices"][0],
    }[where]
    target |= change
    return settings


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (changed("register", layout="bit"), "a input_register cannot hold a bit"),
        (changed("register", table="coil"), "a coil cannot hold a int16"),
        (changed("register", address=65535, layout="float32"), "beyond the last register"),
        (changed("register", quantity="warmth"), "its last word must be a unit"),
        (changed("register", quantity="boiler_state"), "`states` must say which raw number"),
        (changed("register", states={1: "on"}), "flow_temperature_degc is a number"),
        (changed("register", bit=3), "a bit of a int16 cannot be taken"),
        (changed("register", quantity="return_temperature_degc"), "return_temperature_degc is read twice"),
        (changed("state", states={0: "lukewarm"}), "`states` must say which raw number"),
        (changed("write", table="input_register"), "a input_register cannot be written"),
        (changed("write", value=3), "give either `value`"),
        (changed("write", scale=0), "`scale` is 0"),
        (changed("model", commands={"stop": []}), "the command stop has 0 writes"),
        (changed("model", colour="red"), "Extra inputs are not permitted"),
        (changed("device", model="pump"), "which `models` does not hold"),
        (changed("device", port=0), "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_refused_with_what_to_write(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ModbusSettings.model_validate(settings)


def test_a_device_cannot_stand_twice() -> None:
    for second in ({"address": "CH-1", "unit": 2}, {"address": "CH-2", "unit": 1}):
        settings = changed("device")
        settings["devices"].append({"host": "h", "model": "boiler", **second})
        with pytest.raises(ValidationError, match="stands twice"):
            ModbusSettings.model_validate(settings)


def test_diagnostics_hold_no_host_and_no_value() -> None:
    contact = Contact()
    contact.note_frame(poll(exchange(INPUTS)), NOON)
    contact.note_error("127.0.0.1:502, unit 1: no answer within 3 s", NOON)
    state = describe(contact, SETTINGS)
    assert state["sample"] == [{"function": 4, "bytes": 15}]
    assert state["devices"] == 1
    assert state["last_error"] == "***:502, unit 1: no answer within 3 s"
    assert "127.0.0.1" not in repr(state) and "713" not in repr(state)
    assert describe(Contact(), SETTINGS)["sample"] == "no frame yet"


def test_the_manifest_reads_what_is_polled() -> None:
    assert CONNECTOR.topics(SETTINGS, "boilers") == ()
    assert CONNECTOR.client is not None

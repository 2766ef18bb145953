"""Commands as they leave, and what equipment says of them."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from beffroi.connectors.mqtt_json.connector import CONNECTOR, decode
from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import Answered, decode_answer, decode_command, encode_answer, encode_command
from beffroi.foundation.clock import MINUTE, SECOND, from_rfc3339
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Answer, Frame, Order, Unsupported, WireCommand

SETTINGS = MqttJsonSettings()
AT = from_rfc3339("2026-01-31T12:00:00Z")


def order(**more: Any) -> Order:
    fields = {
        "command": "019ac8f2", "source": "lighting", "address": "L-00001", "asset_class": "light_point",
        "ability": "set_level", "parameters": {"level_pct": 30.0}, "expires_at": AT + 30 * MINUTE,
    }  # fmt: skip
    return Order(**fields | more)  # type: ignore[arg-type]


def heard(payload: bytes, topic: str = "acknowledgements/lighting/L-00001", received_at: int = AT) -> Any:
    return decode(Frame("lighting", topic, payload, received_at), SETTINGS)


def test_an_order_leaves_as_the_specification_writes_it() -> None:
    assert CONNECTOR.commands is not None
    (wire,) = CONNECTOR.commands.encode(order(), SETTINGS)
    assert wire == WireCommand(
        "commands/lighting/L-00001",
        b'{"command":"019ac8f2","ability":"set_level","parameters":{"level_pct":30.0},"expires_at":"2026-01-31T12:30:00Z"}',
    )
    assert CONNECTOR.commands.pace(SETTINGS) == 200


@pytest.mark.parametrize("address", ["#", "L/+", "a#b"])
def test_an_address_that_would_reach_others_is_not_written(address: str) -> None:
    assert CONNECTOR.commands is not None
    with pytest.raises(Unsupported):
        CONNECTOR.commands.encode(order(address=address), SETTINGS)


def test_an_answer_is_read_whole() -> None:
    said = b'{"command":"019ac8f2","accepted":false,"reason":"commande locale","observed_at":"2026-01-31T11:59:59Z"}'
    assert heard(said) == (Answer("L-00001", "019ac8f2", False, "commande locale", AT - SECOND),)
    undated = heard(b'{"command":"019ac8f2","accepted":true,"firmware":"2.1"}', "acknowledgements/lighting/rue/12")
    assert undated == (Answer("rue/12", "019ac8f2", True, "", AT),)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"yes",
        b"\xff",
        b"{}",
        b'{"command": "x"}',
        b'{"command": 7, "accepted": true}',
        b'{"command": "x", "accepted": "yes"}',
        b'{"command": "", "accepted": true}',
        b'{"command": "%s", "accepted": true}' % (b"x" * 65),
        b'{"command": "x", "accepted": false, "reason": "%s"}' % (b"x" * 501),
        b'{"command": "x", "accepted": true, "observed_at": "yesterday"}',
        b'{"command": "x", "accepted": true, "observed_at": 0}',
    ],
)
def test_an_answer_that_is_none_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        heard(payload)


@given(st.text(min_size=1, max_size=64), st.booleans(), st.text(max_size=500), st.integers(0, 10**15))
def test_an_answer_comes_back_as_it_was_written(command: str, accepted: bool, reason: str, at: int) -> None:
    assert decode_answer(encode_answer(command, accepted, at, reason)) == Answered(command, accepted, reason, at)


@given(st.dictionaries(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)))
def test_a_command_comes_back_as_it_was_written(parameters: dict[str, Any]) -> None:
    asked = decode_command(encode_command("n", "set_level", parameters, AT))
    assert (asked.command, asked.ability, dict(asked.parameters)) == ("n", "set_level", parameters)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_an_answer_or_malformed(payload: bytes) -> None:
    for read in (decode_answer, decode_command):
        try:
            read(payload)
        except Malformed:
            continue


def test_the_captures_of_the_page_are_the_format() -> None:
    shown = {"command": "x", "accepted": True}
    assert decode_answer(json.dumps(shown).encode()) == Answered("x", True)

"""What a plain JSON payload means: names are quantities, words are states, instants are near their receipt."""

from __future__ import annotations

from functools import lru_cache

from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import Answered, Message, Scalar, command_topic, encode_command
from beffroi.foundation.bounds import MAX_VALUE, check_instant
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, UNITS, is_quantity, unit_of
from beffroi.kernel.twin.types import Answer, Order, Quality, Report, Unsupported, WireCommand

MAX_NUMBER = 64
MAX_REASON = 500
_QUALITIES = {"good": Quality.GOOD, "uncertain": Quality.UNCERTAIN, "bad": Quality.BAD}


def to_report(message: Message, *, address: str, received_at: Instant, settings: MqttJsonSettings) -> Report:
    """Return what the payload says of the asset. Raises Malformed: one bad value condemns the message.

    A payload without instant is dated from its receipt and is at best UNCERTAIN: it may have waited on its way.
    """
    quality = Quality.GOOD if message.quality is None else _quality(message.quality)
    if message.observed_at is None:
        observed_at = received_at
        quality = max(quality, Quality.UNCERTAIN)
    else:
        observed_at = message.observed_at
        check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    if not 1 <= len(message.values) <= settings.max_quantities:
        raise Malformed(f"{len(message.values)} quantities; expected 1 to {settings.max_quantities}")
    values = {}
    for name, value in message.values.items():
        words = _words(name)
        if words is None and value.__class__ is float and -MAX_VALUE <= value <= MAX_VALUE:  # type: ignore[operator]
            values[name] = value
        else:
            values[name] = _value(name, words, value)
    return Report(address, observed_at, values, quality)  # type: ignore[arg-type]


def to_answer(said: Answered, *, address: str, received_at: Instant, settings: MqttJsonSettings) -> Answer:
    """Return what equipment says of a command. Raises Malformed: a word too long, an instant that cannot be true."""
    if not 1 <= len(said.command) <= MAX_NUMBER or len(said.reason) > MAX_REASON:
        raise Malformed(f"a command's number has 1 to {MAX_NUMBER} characters, a reason {MAX_REASON} at most")
    observed_at = received_at if said.observed_at is None else said.observed_at
    check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    return Answer(address, said.command, said.accepted, said.reason, observed_at)


def to_wire(order: Order, settings: MqttJsonSettings) -> tuple[WireCommand, ...]:
    """Return the one message of an order: the ability's own name and parameters. Raises Unsupported.

    An address that holds a wildcard of MQTT would reach other equipment than the one that is meant.
    """
    if set("+#") & set(order.address):
        raise Unsupported(f"the address {order.address[:60]!r} cannot be written as a topic")
    payload = encode_command(order.command, order.ability, order.parameters, order.expires_at)
    return (WireCommand(command_topic(order.source, order.address), payload),)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...] | None:
    """Return the words of a state, or None for a quantity that is a number. Raises Malformed for no quantity."""
    if not is_quantity(name):
        units = ", ".join(sorted(UNITS))
        raise Malformed(f"{name[:60]!r} is no quantity; expected lower-case words and one of the units {units}")
    if unit_of(name) != "state":
        return None
    if name not in STATES:
        raise Malformed(f"{name[:60]!r} is no known state; known are {', '.join(sorted(STATES))}")
    return STATES[name]


def _value(name: str, words: tuple[str, ...] | None, value: Scalar) -> float:
    if words is None:
        raise Malformed(f"{name} is {str(value)[:60]!r}; expected a number of {MAX_VALUE:g} at most in size")
    if isinstance(value, str):
        if value in words:
            return float(words.index(value))
    elif isinstance(value, bool):
        if len(words) == 2:
            return float(value)
    elif value.is_integer() and 0 <= value < len(words):
        return value
    raise Malformed(f"{name} is {str(value)[:60]!r}; expected one of {', '.join(words)}")


def _quality(word: str) -> Quality:
    try:
        return _QUALITIES[word]
    except KeyError:
        raise Malformed(f"quality is {word[:60]!r}; expected one of {', '.join(_QUALITIES)}") from None

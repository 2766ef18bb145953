"""The bytes of a plain JSON reading, and nothing of their meaning.

Specification: docs/reference/connectors/mqtt_json.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Malformed

OBSERVED_AT = "observed_at"
QUALITY = "quality"
_FARTHEST_MS = 253_402_300_799_999  # The last millisecond of the year 9999, where dates with a zone end.
_DATE_MARKS = frozenset({"--T::", "--t::", "-- ::"})
"""Every third character of an RFC 3339 date from the fifth: what other ISO 8601 forms have elsewhere."""

Scalar = float | str | bool


class Message(msgspec.Struct, frozen=True, gc=False):
    """One payload: when (None: the device did not say), what, and how far the device trusts it (a word, or None)."""

    observed_at: Instant | None
    values: Mapping[str, Scalar]
    quality: str | None = None


_decode_object = msgspec.json.Decoder(dict[str, Scalar]).decode
_encode_object = msgspec.json.Encoder().encode


def decode_report(payload: bytes) -> Message:
    """Decode one payload. Raises Malformed for what is not one flat UTF-8 JSON object with each name once."""
    try:
        fields = _decode_object(payload)
    except msgspec.DecodeError as error:
        raise Malformed(f"not a flat JSON object of numbers, words and booleans: {error}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} at byte {error.start} of a text") from error
    _refuse_repeated_names(payload, fields)
    observed_at = fields.pop(OBSERVED_AT, None)
    quality = fields.pop(QUALITY, None)
    if quality is not None and not isinstance(quality, str):
        raise Malformed(f"quality is {quality!r}; expected a word")
    return Message(None if observed_at is None else _instant(observed_at), fields, quality)


def encode_report(
    observed_at: Instant | None, values: Mapping[str, float | str], *, quality: str | None = None
) -> bytes:
    """Encode one payload: the instant as RFC 3339 in UTC, to the microsecond (None: left out), then the quantities."""
    fields: dict[str, Any] = {} if observed_at is None else {OBSERVED_AT: to_datetime(observed_at)}
    fields.update(values)
    if quality is not None:
        fields[QUALITY] = quality
    return _encode_object(fields)


def _refuse_repeated_names(payload: bytes, fields: Mapping[str, Scalar]) -> None:
    """Raise Malformed when a name stands twice: which of the two was meant cannot be known.

    A decoder keeps the last one silently. Every name and every word takes two quotation marks, so equal counts prove
    that nothing was dropped; only unequal ones (a repeated name, or an escaped mark) are worth a second reading.
    """
    texts = len(fields) + list(map(type, fields.values())).count(str)
    if payload.count(b'"') == 2 * texts:
        return
    seen: set[str] = set()
    for name, _ in json.loads(payload, object_pairs_hook=list):
        if name in seen:
            raise Malformed(f"{name[:60]!r} stands twice; expected each name once")
        seen.add(name)


def _instant(value: Scalar) -> Instant:
    """Return the instant meant by RFC 3339 text or by a number of milliseconds since 1970. Raises Malformed."""
    if isinstance(value, str):
        return _instant_of_text(value)
    if isinstance(value, bool):
        raise Malformed(f"observed_at is {value!r}; expected RFC 3339 text or milliseconds since 1970")
    if abs(value) > _FARTHEST_MS:
        raise Malformed(f"observed_at is {value!r} milliseconds since 1970, beyond the year 9999")
    return round(value * 1000)


def _instant_of_text(text: str) -> Instant:
    if text[4:17:3] not in _DATE_MARKS:
        raise Malformed(f"observed_at is {text[:60]!r}; expected RFC 3339 such as 2026-01-31T12:00:00Z")
    try:
        return from_datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise Malformed(f"observed_at is {text[:60]!r}; expected RFC 3339 with a zone: {error}") from error


class Asked(msgspec.Struct, frozen=True):
    """One command as it leaves: its number, what, with which parameters, until when it may be begun (RFC 3339, UTC)."""

    command: str
    ability: str
    parameters: Mapping[str, Scalar]
    expires_at: datetime


class Answered(msgspec.Struct, frozen=True):
    """What equipment says of a command. `observed_at` as in a reading; None: it did not say."""

    command: str
    accepted: bool
    reason: str = ""
    observed_at: Instant | None = None


class _Answer(msgspec.Struct):
    command: str
    accepted: bool
    reason: str | None = None
    observed_at: Scalar | None = None


_decode_command = msgspec.json.Decoder(Asked).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


def encode_command(command: str, ability: str, parameters: Mapping[str, Scalar], expires_at: Instant) -> bytes:
    """Encode one command."""
    return _encode_object(Asked(command, ability, dict(parameters), to_datetime(expires_at)))


def decode_command(payload: bytes) -> Asked:
    """Decode one command, as equipment does. Raises Malformed."""
    try:
        return _decode_command(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not a command: {error}") from error


def encode_answer(command: str, accepted: bool, observed_at: Instant | None, reason: str = "") -> bytes:
    """Encode what equipment says of a command."""
    fields: dict[str, Any] = {"command": command, "accepted": accepted}
    if reason:
        fields["reason"] = reason
    if observed_at is not None:
        fields[OBSERVED_AT] = to_datetime(observed_at)
    return _encode_object(fields)


def decode_answer(payload: bytes) -> Answered:
    """Decode what equipment says of a command. Raises Malformed for what is none; unknown names are passed over."""
    try:
        said = _decode_answer(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not an acknowledgement: {error}") from error
    observed_at = None if said.observed_at is None else _instant(said.observed_at)
    return Answered(said.command, said.accepted, said.reason or "", observed_at)


def command_topic(source: str, address: str) -> str:
    """Return the topic on which the post publishes a command to an asset."""
    return f"commands/{source}/{address}"


def answer_topic(source: str, address: str) -> str:
    """Return the topic on which equipment says what it makes of a command."""
    return f"acknowledgements/{source}/{address}"


def encode_topic(source: str, address: str) -> str:
    """Return the topic on which an asset's readings are published."""
    return f"readings/{source}/{address}"


def decode_topic(topic: str, source: str) -> str:
    """Return the address of the asset: all that follows `readings/{source}/`. Raises Malformed for another topic."""
    return _address(topic, f"readings/{source}/")


def decode_answer_topic(topic: str, source: str) -> str:
    """Return the address of the asset that answers. Raises Malformed for another topic."""
    return _address(topic, f"acknowledgements/{source}/")


def _address(topic: str, prefix: str) -> str:
    if not topic.startswith(prefix):
        raise Malformed(f"topic is {topic[:160]!r}; expected {prefix}ADDRESS")
    return topic[len(prefix) :]

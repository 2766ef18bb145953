"""The state of a source of plain JSON readings, as it may be sent to support: shapes, never values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import decode_report
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed


def describe(contact: Contact, settings: MqttJsonSettings) -> Mapping[str, Any]:
    """Return last contact, last error, counters, settings, and the names and kinds in the last frame."""
    state = asdict(contact)
    state["sample"] = _shape(contact.sample)
    return {**state, "settings": settings.model_dump(mode="json")}


def _shape(sample: bytes) -> Mapping[str, str] | str:
    if not sample:
        return "no frame yet"
    try:
        message = decode_report(sample)
    except Malformed:
        return f"{len(sample)} bytes that cannot be read"
    return {name: type(value).__name__ for name, value in message.values.items()}

"""The state of a source of The Things Stack as it may be sent to support: no device names, no payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from beffroi.connectors.things_stack.settings import ThingsStackSettings
from beffroi.connectors.things_stack.wire import decode_uplink
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed


def describe(contact: Contact, settings: ThingsStackSettings) -> Mapping[str, Any]:
    """Return last contact, last error, counters, settings, and the shape of the last uplink."""
    state = asdict(contact)
    state["sample"] = _shape(contact.sample)
    return {**state, "settings": settings.model_dump(mode="json", exclude={"codecs"}), "codecs": len(settings.codecs)}


def _shape(sample: bytes) -> Mapping[str, Any] | str:
    if not sample:
        return "no frame yet"
    try:
        message = decode_uplink(sample).uplink_message
    except Malformed:
        return f"{len(sample)} bytes that are no uplink, or the first part of a longer one"
    return {
        "f_port": message.f_port,
        "payload_bytes": len(message.frm_payload),
        "decoded_payload": sorted(message.decoded_payload or ()),
        "gateways": len(message.rx_metadata),
    }

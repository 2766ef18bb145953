"""The state of a ChirpStack source as it may be sent to support: no device names, no tags, no payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import decode_uplink
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed


def describe(contact: Contact, settings: ChirpStackSettings) -> Mapping[str, Any]:
    """Return last contact, last error, counters, settings, and the shape of the last uplink."""
    state = asdict(contact)
    state["sample"] = _shape(contact.sample)
    return {**state, "settings": settings.model_dump(mode="json", exclude={"codecs"}), "codecs": len(settings.codecs)}


def _shape(sample: bytes) -> Mapping[str, Any] | str:
    if not sample:
        return "no frame yet"
    try:
        uplink = decode_uplink(sample)
    except Malformed:
        return f"{len(sample)} bytes that are no uplink, or the first part of a longer one"
    return {
        "f_port": uplink.f_port,
        "payload_bytes": len(uplink.data),
        "object": sorted(uplink.object or ()),
        "gateways": len(uplink.rx_info),
        "profile": uplink.device_info.device_profile_name,
    }

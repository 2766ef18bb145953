"""The state of a source of Modbus devices as it may be sent to support: no host, no register's value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from beffroi.connectors.modbus.settings import ModbusSettings
from beffroi.connectors.modbus.wire import decode_adu, decode_poll
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed


def describe(contact: Contact, settings: ModbusSettings) -> Mapping[str, Any]:
    """Return last contact, last error, counters, settings without hosts, and the functions and lengths in the last poll."""
    state = asdict(contact)
    state["sample"] = _shape(contact.sample)
    state["last_error"] = _without_hosts(contact.last_error, settings)
    shown = settings.model_dump(mode="json", exclude={"devices"})
    return {**state, "settings": shown, "devices": len(settings.devices)}


def _shape(sample: bytes) -> list[Mapping[str, int]] | str:
    if not sample:
        return "no frame yet"
    try:
        exchanges = decode_poll(sample).exchanges
        return [{"function": decode_adu(each.answer).pdu[0], "bytes": len(each.answer)} for each in exchanges]
    except Malformed:
        return f"{len(sample)} bytes that are no poll, or the first part of a longer one"


def _without_hosts(text: str, settings: ModbusSettings) -> str:
    for host in {device.host for device in settings.devices}:
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "***", text)
    return text

"""The manifest of ChirpStack v4, and the assembly of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from beffroi.connectors.chirpstack import mapping, wire
from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.foundation.bounds import check_size
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Answer, Commander, Connector, Frame, Report

_READ: Mapping[str, tuple[Callable[[bytes], Any], Callable[..., Report | Answer | None]]] = {
    "up": (wire.decode_uplink, mapping.report_of_uplink),
    "status": (wire.decode_status, mapping.report_of_status),
    "ack": (wire.decode_acknowledgement, mapping.answer_of_acknowledgement),
    "txack": (wire.decode_transmission, mapping.answer_of_transmission),
    "log": (wire.decode_log, mapping.answer_of_log),
}
"""Event -> how it is read, and what it means. The other events say nothing."""


def decode(frame: Frame, settings: ChirpStackSettings) -> tuple[Report | Answer, ...]:
    """Return the report of an uplink or of a device status, the answer to a downlink, or nothing. Raises Malformed."""
    topic = wire.decode_topic(frame.topic)
    if topic.application_id not in settings.application_ids:
        known = ", ".join(settings.application_ids)
        raise Malformed(f"application {topic.application_id[:64]!r} is not of this source, which has {known}")
    check_size(frame.payload, settings.max_bytes)
    if topic.event not in _READ:
        return ()
    read, mean = _READ[topic.event]
    event = read(frame.payload)
    _check_device(topic, event.device_info)
    meant = mean(event, address=topic.dev_eui, received_at=frame.received_at, settings=settings)
    return () if meant is None else (meant,)


def topics(settings: ChirpStackSettings, source: str) -> tuple[str, ...]:
    """Return a filter for each application: every event of every device."""
    return tuple(f"application/{application_id}/device/+/event/+" for application_id in settings.application_ids)


def command_topics(settings: ChirpStackSettings, source: str) -> tuple[str, ...]:
    """Return what the server listens to: the downlinks of each application."""
    return tuple(f"application/{application_id}/device/+/command/down" for application_id in settings.application_ids)


def pace(settings: ChirpStackSettings) -> float:
    """Return how many downlinks a second are given to the server."""
    return settings.downlinks_per_s


def _check_device(topic: wire.Topic, device: wire.DeviceInfo) -> None:
    """Refuse a payload about another device than its topic's: one of the two is wrong, and which cannot be known."""
    if device.dev_eui.lower() != topic.dev_eui:
        raise Malformed(f"devEui is {device.dev_eui[:32]!r}, but the topic names {topic.dev_eui}")
    if device.application_id not in ("", topic.application_id):
        raise Malformed(f"applicationId is {device.application_id[:64]!r}, but the topic names {topic.application_id}")


CONNECTOR = Connector(
    slug="chirpstack",
    title="connector.chirpstack.title",
    edition="ChirpStack v4, JSON",
    settings=ChirpStackSettings,
    decode=decode,
    topics=topics,
    direction="read-command",
    commands=Commander(mapping.encode, pace, topics=command_topics),
)

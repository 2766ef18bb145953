"""The manifest of plain JSON readings over MQTT, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.mqtt_json.mapping import to_report
from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import decode_report, decode_topic
from beffroi.foundation.bounds import check_address, check_size
from beffroi.kernel.twin.types import Connector, Frame, Report


def decode(frame: Frame, settings: MqttJsonSettings) -> tuple[Report, ...]:
    """Return the one report of a message. Raises Malformed."""
    address = check_address(decode_topic(frame.topic, frame.source))
    check_size(frame.payload, settings.max_bytes)
    message = decode_report(frame.payload)
    return (to_report(message, address=address, received_at=frame.received_at, settings=settings),)


def topics(settings: MqttJsonSettings, source: str) -> tuple[str, ...]:
    """Return the filter of everything a source may publish. An address may itself hold slashes."""
    return (f"readings/{source}/#",)


CONNECTOR = Connector(
    slug="mqtt_json",
    title="connector.mqtt_json.title",
    edition="1",
    settings=MqttJsonSettings,
    decode=decode,
    topics=topics,
)

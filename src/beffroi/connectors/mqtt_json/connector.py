"""The manifest of plain JSON readings over MQTT, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.mqtt_json.mapping import to_answer, to_report, to_wire
from beffroi.connectors.mqtt_json.settings import MqttJsonSettings
from beffroi.connectors.mqtt_json.wire import decode_answer, decode_answer_topic, decode_report, decode_topic
from beffroi.foundation.bounds import check_address, check_size
from beffroi.kernel.twin.types import Answer, Commander, Connector, Frame, Report


def decode(frame: Frame, settings: MqttJsonSettings) -> tuple[Report | Answer, ...]:
    """Return the one report of a message, or what equipment says of a command. Raises Malformed."""
    if frame.topic.startswith("acknowledgements/"):
        address = check_address(decode_answer_topic(frame.topic, frame.source))
        check_size(frame.payload, settings.max_bytes)
        said = decode_answer(frame.payload)
        return (to_answer(said, address=address, received_at=frame.received_at, settings=settings),)
    address = check_address(decode_topic(frame.topic, frame.source))
    check_size(frame.payload, settings.max_bytes)
    message = decode_report(frame.payload)
    return (to_report(message, address=address, received_at=frame.received_at, settings=settings),)


def topics(settings: MqttJsonSettings, source: str) -> tuple[str, ...]:
    """Return the filters of everything a source may publish. An address may itself hold slashes."""
    return (f"readings/{source}/#", f"acknowledgements/{source}/#")


def command_topics(settings: MqttJsonSettings, source: str) -> tuple[str, ...]:
    """Return the filter of the commands that a source's gateways may subscribe to."""
    return (f"commands/{source}/#",)


CONNECTOR = Connector(
    slug="mqtt_json",
    title="connector.mqtt_json.title",
    edition="1",
    settings=MqttJsonSettings,
    decode=decode,
    topics=topics,
    direction="read-command",
    commands=Commander(encode=to_wire, pace=lambda settings: settings.commands_per_s, topics=command_topics),
)

"""The manifest of ChirpStack v4, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.chirpstack.mapping import report_of_status, report_of_uplink
from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import DeviceInfo, Topic, decode_status, decode_topic, decode_uplink
from beffroi.foundation.bounds import check_size
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Connector, Frame, Report


def decode(frame: Frame, settings: ChirpStackSettings) -> tuple[Report, ...]:
    """Return the report of an uplink or of a device status; nothing for the other events. Raises Malformed."""
    topic = decode_topic(frame.topic)
    if topic.application_id not in settings.application_ids:
        known = ", ".join(settings.application_ids)
        raise Malformed(f"application {topic.application_id[:64]!r} is not of this source, which has {known}")
    check_size(frame.payload, settings.max_bytes)
    report = None
    if topic.event == "up":
        uplink = decode_uplink(frame.payload)
        _check_device(topic, uplink.device_info)
        report = report_of_uplink(uplink, address=topic.dev_eui, received_at=frame.received_at, settings=settings)
    elif topic.event == "status":
        status = decode_status(frame.payload)
        _check_device(topic, status.device_info)
        report = report_of_status(status, address=topic.dev_eui, received_at=frame.received_at, settings=settings)
    return () if report is None else (report,)


def topics(settings: ChirpStackSettings, source: str) -> tuple[str, ...]:
    """Return a filter for each application: every event of every device."""
    return tuple(f"application/{application_id}/device/+/event/+" for application_id in settings.application_ids)


def _check_device(topic: Topic, device: DeviceInfo) -> None:
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
)

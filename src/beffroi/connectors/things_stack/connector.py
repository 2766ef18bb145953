"""The manifest of The Things Stack v3, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.things_stack.mapping import report_of_uplink
from beffroi.connectors.things_stack.settings import ThingsStackSettings
from beffroi.connectors.things_stack.wire import EndDeviceIds, decode_topic, decode_uplink, encode_prefix
from beffroi.foundation.bounds import check_address, check_size
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Connector, Frame, Report


def decode(frame: Frame, settings: ThingsStackSettings) -> tuple[Report, ...]:
    """Return the report of an uplink; nothing for the other messages. Raises Malformed."""
    topic = decode_topic(frame.topic, application=settings.application, tenant=settings.tenant)
    address = check_address(topic.device_id)
    check_size(frame.payload, settings.max_bytes)
    if topic.kind != "up":
        return ()
    uplink = decode_uplink(frame.payload)
    _check_device(address, uplink.end_device_ids, settings.application)
    report = report_of_uplink(uplink, address=address, received_at=frame.received_at, settings=settings)
    return () if report is None else (report,)


def topics(settings: ThingsStackSettings, source: str) -> tuple[str, ...]:
    """Return the filter of the application: every message of every device."""
    return (f"{encode_prefix(settings.application, settings.tenant)}+/#",)


def _check_device(address: str, device: EndDeviceIds, application: str) -> None:
    """Refuse a payload about another device than its topic's: one of the two is wrong, and which cannot be known."""
    if device.device_id != address:
        raise Malformed(f"device_id is {device.device_id[:64]!r}, but the topic names {address}")
    if device.application_ids.application_id not in ("", application):
        named = device.application_ids.application_id[:64]
        raise Malformed(f"application_id is {named!r}, but the topic names {application}")


CONNECTOR = Connector(
    slug="things_stack",
    title="connector.things_stack.title",
    edition="The Things Stack v3, JSON",
    settings=ThingsStackSettings,
    decode=decode,
    topics=topics,
)

"""The manifest of Modbus TCP, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.modbus.client import ModbusClient, ModbusSender
from beffroi.connectors.modbus.mapping import encode, to_reports
from beffroi.connectors.modbus.settings import ModbusSettings
from beffroi.connectors.modbus.wire import decode_poll
from beffroi.foundation.bounds import check_size
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Commander, Connector, Frame, Rejected, Report

MAX_BYTES = 1_048_576
"""Bytes of one poll: a thousand exchanges, more than a model's five hundred registers can need."""


def decode(frame: Frame, settings: ModbusSettings) -> tuple[Report | Rejected, ...]:
    """Return the report of the device polled, and what it refused. Raises Malformed for the whole poll."""
    if frame.topic != f"frames/{frame.source}":
        raise Malformed(f"topic is {frame.topic[:160]!r}; expected frames/{frame.source}")
    check_size(frame.payload, MAX_BYTES)
    return to_reports(decode_poll(frame.payload), received_at=frame.received_at, settings=settings)


def topics(settings: ModbusSettings, source: str) -> tuple[str, ...]:
    """Return no filter: nobody publishes to this source, it is polled."""
    return ()


def pace(settings: ModbusSettings) -> float:
    """Return how many commands a second are borne: two for each host, whose devices are asked one after the other."""
    return 2.0 * len({(device.host, device.port) for device in settings.devices})


CONNECTOR = Connector(
    slug="modbus",
    title="connector.modbus.title",
    edition="Modbus TCP, Application Protocol V1.1b3",
    settings=ModbusSettings,
    decode=decode,
    topics=topics,
    client=ModbusClient,
    direction="read-command",
    commands=Commander(encode, pace, client=ModbusSender),
)

"""ChirpStack v4 events and downlinks in JSON: `integration.proto` written as the proto3 JSON mapping writes it.

Names are the format's own (camelCase on the wire). Fields we do not read are skipped, so a newer server is still
understood; zeros and empty texts may be left out by the server and are then the defaults here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Malformed

ZonedDate = Annotated[datetime, msgspec.Meta(tz=True)]


class DeviceInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Who speaks. `dev_eui` is 16 hexadecimal digits."""

    dev_eui: str
    application_id: str = ""
    application_name: str = ""
    device_name: str = ""
    device_profile_name: str = ""
    tenant_id: str = ""
    tags: dict[str, str] = {}


class RxInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One gateway that heard the uplink: strength in dBm, signal to noise in dB."""

    gateway_id: str = ""
    rssi: int | None = None
    snr: float | None = None


class Uplink(msgspec.Struct, frozen=True, rename="camel"):
    """`event/up`: a device's payload, and what the server's own codec read in it when it has one."""

    device_info: DeviceInfo
    time: ZonedDate
    deduplication_id: str = ""
    dev_addr: str = ""
    adr: bool = False
    dr: int = 0
    f_cnt: int = 0
    f_port: int = 0
    confirmed: bool = False
    data: bytes = b""
    object: dict[str, Any] | None = None
    rx_info: tuple[RxInfo, ...] = ()


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """`event/status`: margin in dB, battery in per cent of full."""

    device_info: DeviceInfo
    time: ZonedDate
    deduplication_id: str = ""
    margin: int = 0
    external_power_source: bool = False
    battery_level_unavailable: bool = False
    battery_level: float | None = None


class Acknowledgement(msgspec.Struct, frozen=True, rename="camel"):
    """`event/ack`: a confirmed downlink was confirmed by the device, or was not in time (`acknowledged` false)."""

    device_info: DeviceInfo
    time: ZonedDate
    deduplication_id: str = ""
    queue_item_id: str = ""
    acknowledged: bool = False
    f_cnt_down: int = 0


class Transmission(msgspec.Struct, frozen=True, rename="camel"):
    """`event/txack`: a gateway has taken a downlink for transmission. Whether the device heard it is not said."""

    device_info: DeviceInfo
    time: ZonedDate
    downlink_id: int = 0
    queue_item_id: str = ""
    f_cnt_down: int = 0
    gateway_id: str = ""


class Log(msgspec.Struct, frozen=True, rename="camel"):
    """`event/log`: something about a device; `context` holds `queue_item_id` when it is about a downlink."""

    device_info: DeviceInfo
    time: ZonedDate
    level: str = "INFO"
    code: str = "UNKNOWN"
    description: str = ""
    context: dict[str, str] = {}


class DownlinkCommand(msgspec.Struct, frozen=True, rename="camel"):
    """`command/down`: what is put in a device's queue. `id` comes back as `queueItemId`."""

    id: str
    dev_eui: str
    confirmed: bool
    f_port: int
    data: bytes


_uplinks = msgspec.json.Decoder(Uplink)
_statuses = msgspec.json.Decoder(Status)
_acknowledgements = msgspec.json.Decoder(Acknowledgement)
_transmissions = msgspec.json.Decoder(Transmission)
_logs = msgspec.json.Decoder(Log)
_downlinks = msgspec.json.Decoder(DownlinkCommand)
_encode = msgspec.json.Encoder().encode
_Event = TypeVar("_Event")
Event = Uplink | Status | Acknowledgement | Transmission | Log


def decode_uplink(payload: bytes) -> Uplink:
    """Decode `event/up`. Raises Malformed with the field at fault."""
    return _decode(_uplinks, payload, "uplink")


def decode_status(payload: bytes) -> Status:
    """Decode `event/status`. Raises Malformed with the field at fault."""
    return _decode(_statuses, payload, "status")


def decode_acknowledgement(payload: bytes) -> Acknowledgement:
    """Decode `event/ack`. Raises Malformed with the field at fault."""
    return _decode(_acknowledgements, payload, "acknowledgement")


def decode_transmission(payload: bytes) -> Transmission:
    """Decode `event/txack`. Raises Malformed with the field at fault."""
    return _decode(_transmissions, payload, "transmission")


def decode_log(payload: bytes) -> Log:
    """Decode `event/log`. Raises Malformed with the field at fault."""
    return _decode(_logs, payload, "log")


def decode_downlink(payload: bytes) -> DownlinkCommand:
    """Decode `command/down`, as the server does. Raises Malformed with the field at fault."""
    return _decode(_downlinks, payload, "downlink")


def encode_downlink(downlink: DownlinkCommand) -> bytes:
    """Encode `command/down`."""
    return _encode(downlink)


def encode_event(event: Event) -> bytes:
    """Encode an event as the server would; what is None is left out."""
    fields = msgspec.to_builtins(event, builtin_types=(datetime, bytes))
    return _encode({name: value for name, value in fields.items() if value is not None})


def encode_uplink(
    *,
    application_id: str,
    dev_eui: str,
    observed_at: Instant,
    f_cnt: int,
    f_port: int,
    data: bytes,
    decoded: Mapping[str, Any] | None = None,
    device_name: str = "",
    device_profile_name: str = "",
    gateway_id: str = "0000000000000000",
    rssi_dbm: int = -80,
    snr_db: float = 7.5,
) -> bytes:
    """Encode one uplink heard by one gateway; `decoded` is what the server's own codec would have added."""
    device = DeviceInfo(
        dev_eui=dev_eui,
        application_id=application_id,
        device_name=device_name,
        device_profile_name=device_profile_name,
    )
    return encode_event(
        Uplink(
            device_info=device,
            time=to_datetime(observed_at),
            f_cnt=f_cnt,
            f_port=f_port,
            data=data,
            object=None if decoded is None else dict(decoded),
            rx_info=(RxInfo(gateway_id=gateway_id, rssi=rssi_dbm, snr=snr_db),),
        )
    )


def _decode(decoder: msgspec.json.Decoder[_Event], payload: bytes, what: str) -> _Event:
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise Malformed(f"not a ChirpStack v4 {what}: {error}") from error
    except RecursionError as error:
        raise Malformed(f"not a ChirpStack v4 {what}: nested too deep") from error
    except UnicodeDecodeError as error:
        raise Malformed(
            f"not a ChirpStack v4 {what}: not UTF-8, {error.reason} at byte {error.start} of a text"
        ) from error


class Topic(msgspec.Struct, frozen=True):
    """Where an event was published. `dev_eui` in lower case."""

    application_id: str
    dev_eui: str
    event: str


EVENTS = ("up", "join", "ack", "txack", "log", "status", "location", "integration")


def encode_topic(application_id: str, dev_eui: str, event: str = "up") -> str:
    """Return the topic of a device's event."""
    return f"application/{application_id}/device/{dev_eui}/event/{event}"


def encode_command_topic(application_id: str, dev_eui: str) -> str:
    """Return the topic on which a device's downlinks are given to the server."""
    return f"application/{application_id}/device/{dev_eui}/command/down"


def decode_command_topic(topic: str) -> tuple[str, str]:
    """Return the application and the device (DevEUI in lower case) of a downlink's topic. Raises Malformed."""
    match topic.split("/"):
        case ["application", application_id, "device", dev_eui, "command", "down"]:
            if re.fullmatch("[0-9a-fA-F]{16}", dev_eui):
                return application_id, dev_eui.lower()
    raise Malformed(f"topic is {topic[:160]!r}; expected application/ID/device/DEVEUI/command/down")


def decode_topic(topic: str) -> Topic:
    """Read a topic. Raises Malformed for what is not a device's event."""
    match topic.split("/"):
        case ["application", application_id, "device", dev_eui, "event", event] if event in EVENTS:
            if re.fullmatch("[0-9a-fA-F]{16}", dev_eui):
                return Topic(application_id, dev_eui.lower(), event)
    expected = f"application/ID/device/DEVEUI/event/ one of {', '.join(EVENTS)}"
    raise Malformed(f"topic is {topic[:160]!r}; expected {expected}")

"""The Things Stack v3 uplinks in JSON, after its "Data Formats" page.

Names are the format's own. Fields we do not read are skipped, so a newer stack is still understood. The stack leaves
out fields that are empty, zero or false: they are the defaults here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Malformed

ZonedDate = Annotated[datetime, msgspec.Meta(tz=True)]


class ApplicationIds(msgspec.Struct, frozen=True):
    """The application a device belongs to."""

    application_id: str = ""


class EndDeviceIds(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who speaks. `device_id` is the name given in the console, `dev_eui` 16 hexadecimal digits."""

    device_id: str
    application_ids: ApplicationIds = ApplicationIds()
    dev_eui: str = ""
    dev_addr: str = ""


class GatewayIds(msgspec.Struct, frozen=True, omit_defaults=True):
    """A gateway's name in the console, and its EUI."""

    gateway_id: str = ""
    eui: str = ""


class RxMetadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """One gateway that heard the uplink: strength in dBm, signal to noise in dB."""

    gateway_ids: GatewayIds = GatewayIds()
    rssi: float | None = None
    snr: float | None = None


class UplinkMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload, and what the stack's payload formatter read in it when it has one."""

    f_port: int = 0
    f_cnt: int = 0
    frm_payload: bytes = b""
    decoded_payload: dict[str, Any] | None = None
    rx_metadata: tuple[RxMetadata, ...] = ()
    received_at: ZonedDate | None = None


class Uplink(msgspec.Struct, frozen=True, omit_defaults=True):
    """The envelope. `received_at` is when the application server had it; the message's own is earlier and nearer."""

    end_device_ids: EndDeviceIds
    uplink_message: UplinkMessage
    received_at: ZonedDate | None = None
    correlation_ids: tuple[str, ...] = ()
    simulated: bool = False


_uplinks = msgspec.json.Decoder(Uplink)
_encode = msgspec.json.Encoder().encode


def decode_uplink(payload: bytes) -> Uplink:
    """Decode one uplink. Raises Malformed with the field at fault."""
    try:
        return _uplinks.decode(payload)
    except msgspec.DecodeError as error:
        raise Malformed(f"not an uplink of The Things Stack v3: {error}") from error
    except RecursionError as error:
        raise Malformed("not an uplink of The Things Stack v3: nested too deep") from error
    except UnicodeDecodeError as error:
        reason = f"not UTF-8, {error.reason} at byte {error.start} of a text"
        raise Malformed(f"not an uplink of The Things Stack v3: {reason}") from error


def encode_event(event: Uplink) -> bytes:
    """Encode an uplink as the stack would: what is empty, zero or false is left out."""
    return _encode(event)


def encode_uplink(
    *,
    application: str,
    device_id: str,
    dev_eui: str,
    observed_at: Instant,
    f_cnt: int,
    f_port: int,
    frm_payload: bytes,
    decoded_payload: Mapping[str, Any] | None = None,
    gateway_id: str = "gateway",
    rssi_dbm: float = -80.0,
    snr_db: float = 7.5,
) -> bytes:
    """Encode one uplink heard by one gateway; `decoded_payload` is what a payload formatter would have added."""
    moment = to_datetime(observed_at)
    message = UplinkMessage(
        f_port=f_port,
        f_cnt=f_cnt,
        frm_payload=frm_payload,
        decoded_payload=None if decoded_payload is None else dict(decoded_payload),
        rx_metadata=(RxMetadata(gateway_ids=GatewayIds(gateway_id=gateway_id), rssi=rssi_dbm, snr=snr_db),),
        received_at=moment,
    )
    device = EndDeviceIds(
        device_id=device_id, application_ids=ApplicationIds(application_id=application), dev_eui=dev_eui
    )
    return encode_event(Uplink(end_device_ids=device, uplink_message=message, received_at=moment))


class Topic(msgspec.Struct, frozen=True):
    """Where a message was published: the device, and the kind of message (`up`, `join`, `down/sent`...)."""

    device_id: str
    kind: str


KINDS = ("up", "join", "down", "service", "location")


def encode_prefix(application: str, tenant: str) -> str:
    """Return what the topics of an application begin with; an open-source stack names no tenant."""
    return f"v3/{application}@{tenant}/devices/" if tenant else f"v3/{application}/devices/"


def encode_topic(application: str, tenant: str, device_id: str, kind: str = "up") -> str:
    """Return the topic of a device's message."""
    return f"{encode_prefix(application, tenant)}{device_id}/{kind}"


def decode_topic(topic: str, *, application: str, tenant: str) -> Topic:
    """Read a topic of this application. Raises Malformed for another, or for a kind of message that there is not."""
    prefix = encode_prefix(application, tenant)
    device_id, _, kind = topic[len(prefix) :].partition("/")
    if topic.startswith(prefix) and device_id and kind.partition("/")[0] in KINDS:
        return Topic(device_id, kind)
    raise Malformed(f"topic is {topic[:160]!r}; expected {prefix}DEVICE/ followed by one of {', '.join(KINDS)}")

"""Payloads of LoRaWAN devices, whatever network server carried them: by codec name, or as the server decoded them.

A codec is a table of what may stand in a payload: two bytes announce a field, its length follows from them. An unknown
announcement makes the rest unreadable, so the whole payload is then Malformed. Codecs are written after the
manufacturer's published payload definitions and tried on the examples of the public device repository, never on a
device.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, is_quantity, state_value, unit_of

MAX_PAYLOAD_BYTES = 242
"""The largest application payload of LoRaWAN (regional parameters, highest data rate)."""

DEFAULT_QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature_degc",
        "humidity": "humidity_pct",
        "battery": "battery_pct",
        "distance": "distance_mm",
        "position": "tilt_state",
        "co2": "co2_ppm",
        "pressure": "pressure_hpa",
    }
)
"""Name in a decoded payload -> our quantity, as the codecs of the public device repository mostly mean them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a payload: its layout (struct format, little endian), what it measures (None: passed over)."""

    layout: str
    quantity: str | None = None
    divisor: float = 1.0
    lowest: float = -math.inf
    highest: float = math.inf


_BATTERY = Field("<B", "battery_pct", lowest=0, highest=100)
_TEMPERATURE = Field("<h", "temperature_degc", 10.0)
_HUMIDITY = Field("<B", "humidity_pct", 2.0, lowest=0, highest=100)
_DISTANCE = Field("<H", "distance_mm")
_TILT = Field("<B", "tilt_state", lowest=0, highest=1)
_ABOUT_THE_DEVICE: Mapping[bytes, Field] = {
    b"\xff\x01": Field("<B"),
    b"\xff\x09": Field("<2s"),
    b"\xff\x0a": Field("<2s"),
    b"\xff\x0b": Field("<B"),
    b"\xff\x0f": Field("<B"),
    b"\xff\x16": Field("<8s"),
    b"\xff\xff": Field("<2s"),
}
"""Protocol, hardware and firmware versions, power on, class, serial number: sent once after joining."""

CODECS: Mapping[str, Mapping[bytes, Field]] = {
    "em300-th": {
        **_ABOUT_THE_DEVICE,
        b"\x01\x75": _BATTERY,
        b"\x03\x67": _TEMPERATURE,
        b"\x04\x68": _HUMIDITY,
        b"\x20\xce": Field("<7s"),
    },
    "em400-tld": {
        **_ABOUT_THE_DEVICE,
        b"\x01\x75": _BATTERY,
        b"\x03\x67": _TEMPERATURE,
        b"\x04\x82": _DISTANCE,
        b"\x05\x00": _TILT,
        b"\x06\x88": Field("<9s"),
        b"\x83\x67": Field("<hx", "temperature_degc", 10.0),
        b"\x84\x82": Field("<Hx", "distance_mm"),
    },
}
"""Codec name -> announcement -> field. Stored measurements sent late (0x20 0xCE) are passed over: they are old."""


def decode_payload(codec: str, payload: bytes) -> dict[str, float]:
    """Return the quantities of a payload. Raises Malformed with the offset; KeyError for a codec we do not have."""
    table = CODECS[codec]
    values: dict[str, float] = {}
    offset = 0
    while offset < len(payload):
        announced = payload[offset : offset + 2]
        field = table.get(announced)
        if field is None:
            raise Malformed(f"{codec}: unknown field 0x{announced.hex()} at byte {offset} of 0x{payload[:64].hex()}")
        end = offset + 2 + struct.calcsize(field.layout)
        if end > len(payload):
            raise Malformed(f"{codec}: cut short at byte {len(payload)}; the field at byte {offset} ends at {end}")
        if field.quantity is not None:
            raw = struct.unpack_from(field.layout, payload, offset + 2)[0]
            values[field.quantity] = _scaled(codec, field, raw)
        offset = end
    return values


def measured(
    *, fields: Mapping[str, Any] | None, quantities: Mapping[str, str], payload: bytes, codec: str | None
) -> dict[str, float]:
    """Return what an uplink measured: as the network server decoded it, else by our codec; nothing for no payload.

    Raises Malformed when there is something to read and neither the fields nor a codec make sense of it.
    """
    values = values_of_fields(fields, quantities) if fields else {}
    if values or not (payload or fields):
        return values
    if codec is not None:
        return decode_payload(codec, payload)
    if fields:
        raise Malformed(
            f"no field is a known quantity: {', '.join(fields)[:200]}; name them in `quantities` or set a codec"
        )
    raise Malformed(f"payload 0x{payload[:64].hex()} was not decoded by the server, and no codec is set for the device")


def radio_values(heard: Iterable[tuple[float | None, float | None]]) -> dict[str, float]:
    """Return `rssi_dbm` and `snr_db` of the gateway that heard loudest, of (RSSI, SNR) pairs. Raises Malformed."""
    loudest = max(((rssi, snr) for rssi, snr in heard if rssi is not None), key=lambda pair: pair[0], default=None)
    if loudest is None:
        return {}
    rssi, snr = loudest
    if not -200 <= rssi <= 50:
        raise Malformed(f"rssi is {rssi:g} dBm; expected -200 to 50")
    if snr is None:
        return {"rssi_dbm": float(rssi)}
    if not -100 <= snr <= 100:
        raise Malformed(f"snr is {snr:g} dB; expected -100 to 100")
    return {"rssi_dbm": float(rssi), "snr_db": float(snr)}


def encode_payload(codec: str, values: Mapping[str, float]) -> bytes:
    """Return the payload a device with this codec would send, rounded to its steps. Raises Malformed out of range."""
    parts = []
    by_quantity: dict[str, tuple[bytes, Field]] = {}
    for announced, field in CODECS[codec].items():
        if field.quantity is not None:
            by_quantity.setdefault(field.quantity, (announced, field))
    for quantity, value in values.items():
        if quantity not in by_quantity:
            raise Malformed(f"{codec} does not measure {quantity}; it measures {', '.join(sorted(by_quantity))}")
        announced, field = by_quantity[quantity]
        try:
            parts.append(announced + struct.pack(field.layout, round(value * field.divisor)))
        except struct.error as error:
            raise Malformed(f"{codec} cannot say {quantity} = {value}: {error}") from error
    return b"".join(parts)


def values_of_fields(fields: Mapping[str, Any], quantities: Mapping[str, str]) -> dict[str, float]:
    """Return the quantities in a payload that the network server has decoded.

    `quantities` renames its fields; a field already named as one of our quantities is taken as it is. Fields that are
    neither, and empty ones, are passed over. Raises Malformed when a quantity's field holds something else.
    """
    values: dict[str, float] = {}
    for name, value in fields.items():
        quantity = quantities.get(name, name)
        if value is not None and is_quantity(quantity):
            values[quantity] = _value(name, quantity, value)
    return values


def known_codec(name: str | None) -> str | None:
    """Return the codec's name, or None. Raises ValueError, for a setting, with those there are."""
    if name is not None and name not in CODECS:
        raise ValueError(f"no codec is called {name!r}; there are {', '.join(sorted(CODECS))}")
    return name


def known_quantities(quantities: Mapping[str, str]) -> Mapping[str, str]:
    """Return the renaming. Raises ValueError, for a setting, with the first name that is no quantity of ours."""
    for name, quantity in quantities.items():
        if not is_quantity(quantity):
            raise ValueError(f"{name!r} is to become {quantity!r}, which is no quantity: its last word must be a unit")
    return quantities


def _value(name: str, quantity: str, value: Any) -> float:
    if unit_of(quantity) == "state":
        return _state(name, quantity, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"{name} is {str(value)[:60]!r}; expected a number for {quantity}")
    if not abs(value) <= MAX_VALUE:
        raise Malformed(f"{name} is beyond {MAX_VALUE:g} in size; expected {quantity}")
    return float(value)


def _state(name: str, quantity: str, value: Any) -> float:
    words = STATES.get(quantity, ())
    if isinstance(value, bool | int) and 0 <= value < len(words):
        return float(value)
    place = state_value(quantity, value) if isinstance(value, str) else None
    if place is None:
        raise Malformed(f"{name} is {str(value)[:60]!r}; expected one of {', '.join(words) or 'no known words'}")
    return place


def _scaled(codec: str, field: Field, raw: int) -> float:
    value = raw / field.divisor
    if not field.lowest <= value <= field.highest:
        raise Malformed(f"{codec}: {field.quantity} is {value:g}; expected {field.lowest:g} to {field.highest:g}")
    return value

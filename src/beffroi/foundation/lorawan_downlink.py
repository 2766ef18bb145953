"""What a command sends to a LoRaWAN device: a template of bytes, as manufacturers print them, with the command's parameters in it.

`FF03 {period_s:u16le}` is two bytes, then the parameter `period_s` in two more, the low one first. A number may be multiplied on
its way (`{level:u8*2.55}`); a word is sent as the number that `words` gives for it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan import MAX_PAYLOAD_BYTES

LAYOUTS: Mapping[str, str] = {
    "u8": "<B", "i8": "<b",
    "u16le": "<H", "u16be": ">H", "i16le": "<h", "i16be": ">h",
    "u32le": "<I", "u32be": ">I", "i32le": "<i", "i32be": ">i",
    "f32le": "<f", "f32be": ">f",
}  # fmt: skip
_PIECE = re.compile(
    r"\s*(?:(?P<hex>(?:[0-9A-Fa-f]{2})+)|\{(?P<name>[a-z][a-z0-9_]*):(?P<layout>\w+)(?:\*(?P<factor>[0-9.]+))?\})\s*"
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a parameter goes: its layout, and what it is multiplied by."""

    parameter: str
    layout: str
    factor: float = 1.0


def parse_template(text: str) -> tuple[bytes | Slot, ...]:
    """Return the pieces of a template. Raises Malformed showing where it cannot be read."""
    pieces: list[bytes | Slot] = []
    place = 0
    while place < len(text):
        match = _PIECE.match(text, place)
        if match is None:
            raise Malformed(
                f"the payload cannot be read from {text[place:][:40]!r}: write pairs of hexadecimal digits, or {{parameter:layout}}"
            )
        place = match.end()
        if match["hex"]:
            pieces.append(bytes.fromhex(match["hex"]))
        elif match["layout"] not in LAYOUTS:
            raise Malformed(f"no layout is called {match['layout'][:20]!r}; there are {', '.join(LAYOUTS)}")
        else:
            pieces.append(Slot(match["name"], match["layout"], _factor(match["factor"])))
    if not pieces:
        raise Malformed("the payload is empty: write pairs of hexadecimal digits, or {parameter:layout}")
    return tuple(pieces)


def fill_template(
    text: str, parameters: Mapping[str, object], words: Mapping[str, Mapping[str, int]] | None = None
) -> bytes:
    """Return the bytes of a template. Raises Malformed for a parameter that is missing, is no number or does not fit."""
    payload = b"".join(
        piece if isinstance(piece, bytes) else _packed(piece, parameters.get(piece.parameter), words or {})
        for piece in parse_template(text)
    )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Malformed(f"the payload has {len(payload)} bytes; LoRaWAN carries {MAX_PAYLOAD_BYTES} at most")
    return payload


def _factor(text: str | None) -> float:
    try:
        factor = 1.0 if text is None else float(text)
    except ValueError:
        factor = 0.0
    if factor <= 0:
        raise Malformed(f"a number cannot be multiplied by {text!r}: write a positive number")
    return factor


def _packed(slot: Slot, value: object, words: Mapping[str, Mapping[str, int]]) -> bytes:
    if isinstance(value, str):
        known = words.get(slot.parameter, {})
        if value not in known:
            raise Malformed(f"{slot.parameter} is {value[:60]!r}; the device knows {', '.join(known) or 'no word'}")
        value = known[value]
    if not isinstance(value, int | float):
        raise Malformed(f"{slot.parameter} is {value!r}; expected a number")
    sent = value * slot.factor
    try:
        return struct.pack(LAYOUTS[slot.layout], sent if slot.layout.startswith("f") else round(sent))
    except (struct.error, OverflowError, ValueError) as error:
        raise Malformed(f"{slot.parameter} = {value:g} does not fit {slot.layout}: {error}") from error

"""Modbus TCP, both ways: frames (MBAP header and PDU), requests, answers, numbers in registers. Pure.

Clauses in brackets are those of the Application Protocol Specification V1.1b3; [TCP] those of the Implementation Guide. A
poll is kept as one frame of ours, JSON: the device's address and each exchange byte for byte, request and answer, because an
answer alone does not say which registers it holds.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from beffroi.connectors.modbus.settings import BIT_TABLES, WIDTHS, Place
from beffroi.foundation.errors import Malformed

HEADER_BYTES = 7
MAX_PDU_BYTES = 253
"""[4.1] 256 bytes of a serial line, less the server's address and the checksum."""
MOST = {"coil": 2000, "discrete_input": 2000, "holding_register": 125, "input_register": 125}
"""[6.1 to 6.4] What one request may read."""
MOST_WRITTEN = {"coil": 1968, "holding_register": 123}
"""[6.11, 6.12] What one request may write."""


class Function(IntEnum):
    """[5.1] The public function codes that we speak."""

    READ_COILS = 1
    READ_DISCRETE_INPUTS = 2
    READ_HOLDING_REGISTERS = 3
    READ_INPUT_REGISTERS = 4
    WRITE_COIL = 5
    WRITE_REGISTER = 6
    WRITE_COILS = 15
    WRITE_REGISTERS = 16


EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
"""[7] Exception code -> its name."""
TRANSIENT = frozenset({5, 6, 10, 11})
"""Exceptions that say `later`: nothing is wrong with the request."""
TABLES = {1: "coil", 2: "discrete_input", 3: "holding_register", 4: "input_register"}
_READS = {table: Function(code) for code, table in TABLES.items()}
_ON = 0xFF00


class Request(msgspec.Struct, frozen=True):
    """A request: what is read (`values` empty, `count` of them) or written. Bits are 0 or 1, registers 0 to 65535."""

    function: Function
    address: int
    count: int
    values: tuple[int, ...] = ()

    @property
    def table(self) -> str:
        """The table that is read or written."""
        return TABLES.get(self.function, "coil" if self.function in (5, 15) else "holding_register")


class Answer(msgspec.Struct, frozen=True):
    """What was read, or the written place said back (`values` empty)."""

    request: Request
    values: tuple[int, ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """[7] An exception: the device understood, and did not do it."""

    request: Request
    code: int

    @property
    def name(self) -> str:
        """The exception's name in the specification."""
        return EXCEPTIONS.get(self.code, "an exception that the specification does not know")

    @property
    def sentence(self) -> str:
        """The exception in words, with what was asked."""
        request = self.request
        asked = "to write" if request.values else "to read"
        places = f"{request.table} {request.address}"
        if request.count > 1:
            places += f" to {request.address + request.count - 1}"
        return f"asked {asked} {places}, the device answers with exception {self.code}, {self.name}"


class Adu(NamedTuple):
    """One frame on the line."""

    transaction: int
    unit: int
    pdu: bytes


class Exchange(msgspec.Struct, frozen=True):
    """A request and its answer, frames as they went over the line (base64 in JSON)."""

    request: bytes
    answer: bytes


class Poll(msgspec.Struct, frozen=True):
    """One poll of one device: the frame that goes on the bus."""

    device: str
    exchanges: tuple[Exchange, ...]


_decode_poll = msgspec.json.Decoder(Poll).decode
_encode_poll = msgspec.json.Encoder().encode


def encode_poll(poll: Poll) -> bytes:
    """Encode a poll as it is kept."""
    return _encode_poll(poll)


def decode_poll(payload: bytes) -> Poll:
    """Decode a poll. Raises Malformed."""
    try:
        return _decode_poll(payload)
    except msgspec.DecodeError as error:
        raise Malformed(f"not a poll: {error}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"not a poll: not UTF-8, {error.reason}") from error


# -- frames --------------------------------------------------------------------------------------------------------


def encode_adu(adu: Adu) -> bytes:
    """Return the frame: MBAP header [TCP 3.1.3], then the PDU."""
    return struct.pack(">HHHB", adu.transaction, 0, len(adu.pdu) + 1, adu.unit) + adu.pdu


def body_bytes(header: bytes) -> int:
    """Return how many bytes follow a header of HEADER_BYTES. Raises Malformed when it is none of Modbus TCP."""
    _, protocol, length, _ = struct.unpack(">HHHB", header)
    if protocol != 0:
        raise Malformed(f"protocol identifier is {protocol}; expected 0: this is not Modbus TCP")
    if not 2 <= length <= MAX_PDU_BYTES + 1:
        raise Malformed(f"length is {length}; expected 2 to {MAX_PDU_BYTES + 1}")
    return int(length) - 1


def decode_adu(frame: bytes) -> Adu:
    """Read one whole frame. Raises Malformed."""
    if len(frame) < HEADER_BYTES:
        raise Malformed(f"{len(frame)} bytes; a frame has {HEADER_BYTES + 1} at least")
    expected = HEADER_BYTES + body_bytes(frame[:HEADER_BYTES])
    if len(frame) != expected:
        raise Malformed(f"the frame has {len(frame)} bytes, its header says {expected}")
    transaction, _, _, unit = struct.unpack(">HHHB", frame[:HEADER_BYTES])
    return Adu(transaction, unit, frame[HEADER_BYTES:])


# -- requests ------------------------------------------------------------------------------------------------------


def read(table: str, address: int, count: int) -> Request:
    """Return the request that reads."""
    return Request(_READS[table], address, count)


def write(table: str, address: int, values: Sequence[int], *, multiple: bool = False) -> Request:
    """Return the request that writes: function 5 or 6 for one value, unless `multiple`; 15 or 16 for several."""
    several = multiple or len(values) > 1
    if table == "coil":
        function = Function.WRITE_COILS if several else Function.WRITE_COIL
    else:
        function = Function.WRITE_REGISTERS if several else Function.WRITE_REGISTER
    return Request(function, address, len(values), tuple(values))


def encode_request(request: Request) -> bytes:
    """Return the PDU of a request [6.1 to 6.6, 6.11, 6.12]."""
    function, address, values = request.function, request.address, request.values
    match function:
        case Function.WRITE_COIL:
            return struct.pack(">BHH", function, address, _ON if values[0] else 0)
        case Function.WRITE_REGISTER:
            return struct.pack(">BHH", function, address, values[0])
        case Function.WRITE_COILS:
            packed = _pack_bits(values)
            return struct.pack(">BHHB", function, address, len(values), len(packed)) + packed
        case Function.WRITE_REGISTERS:
            count = len(values)
            return struct.pack(f">BHHB{count}H", function, address, count, 2 * count, *values)
    return struct.pack(">BHH", function, address, request.count)


def decode_request(pdu: bytes) -> Request:
    """Read a request, as a device does. Raises Malformed with the bound that was passed."""
    function = _function(pdu)
    if len(pdu) < 5:
        raise Malformed(f"a request of {len(pdu)} bytes; expected 5 at least")
    address, second = struct.unpack(">HH", pdu[1:5])
    match function:
        case Function.WRITE_COIL:
            if second not in (0, _ON):
                raise Malformed(f"a coil is written {second:#06x}; expected 0x0000 or 0xFF00")
            request = Request(function, address, 1, (int(second == _ON),))
        case Function.WRITE_REGISTER:
            request = Request(function, address, 1, (second,))
        case Function.WRITE_COILS:
            _check_count(second, MOST_WRITTEN["coil"])
            request = Request(function, address, second, _unpack_bits(_counted(pdu[5:], (second + 7) // 8), second))
        case Function.WRITE_REGISTERS:
            _check_count(second, MOST_WRITTEN["holding_register"])
            request = Request(function, address, second, struct.unpack(f">{second}H", _counted(pdu[5:], 2 * second)))
        case _:
            _check_count(second, MOST[TABLES[function]])
            request = Request(function, address, second)
    if address + request.count > 65536:
        raise Malformed(f"{request.count} values from address {address} go beyond 65535")
    if len(pdu) != len(encode_request(request)):
        raise Malformed(f"a request of {len(pdu)} bytes; expected {len(encode_request(request))}")
    return request


def encode_batch(unit: int, requests: Sequence[Request]) -> bytes:
    """Return requests to one unit, one frame after the other: a command as it is handed over. Transactions are given later."""
    return b"".join(encode_adu(Adu(0, unit, encode_request(request))) for request in requests)


def decode_batch(batch: bytes) -> tuple[int, tuple[Request, ...]]:
    """Return the unit and the requests of a batch. Raises Malformed."""
    adus: list[Adu] = []
    while batch:
        end = HEADER_BYTES + (body_bytes(batch[:HEADER_BYTES]) if len(batch) > HEADER_BYTES else 0)
        adus.append(decode_adu(batch[:end]))
        batch = batch[end:]
    if len({adu.unit for adu in adus}) != 1:
        raise Malformed(f"{len(adus)} requests to {len({adu.unit for adu in adus})} units; expected some, to one")
    return adus[0].unit, tuple(decode_request(adu.pdu) for adu in adus)


# -- answers -------------------------------------------------------------------------------------------------------


def encode_answer(answer: Answer | Refusal) -> bytes:
    """Return the PDU of an answer or an exception."""
    request = answer.request
    if isinstance(answer, Refusal):
        return bytes((request.function | 0x80, answer.code))
    if request.function in TABLES:
        bits = request.table in BIT_TABLES
        data = _pack_bits(answer.values) if bits else struct.pack(f">{len(answer.values)}H", *answer.values)
        return bytes((request.function, len(data))) + data
    if request.function in (Function.WRITE_COILS, Function.WRITE_REGISTERS):
        return struct.pack(">BHH", request.function, request.address, request.count)
    return encode_request(request)


def decode_answer(pdu: bytes, request: Request) -> Answer | Refusal:
    """Read the answer to a request. Raises Malformed when it answers another one, or is cut or too long."""
    if len(pdu) == 2 and pdu[0] == request.function | 0x80:
        return Refusal(request, pdu[1])
    if not pdu or pdu[0] != request.function:
        raise Malformed(f"the answer has function {pdu[:1].hex() or 'none'}; expected {request.function:02x}")
    if request.function in TABLES:
        if request.table in BIT_TABLES:
            return Answer(request, _unpack_bits(_counted(pdu[1:], (request.count + 7) // 8), request.count))
        return Answer(request, struct.unpack(f">{request.count}H", _counted(pdu[1:], 2 * request.count)))
    if pdu != encode_answer(Answer(request)):
        raise Malformed(f"the device says back {pdu.hex()}, which is not what was written")
    return Answer(request)


def _function(pdu: bytes) -> Function:
    try:
        return Function(pdu[0])
    except (IndexError, ValueError):
        raise Malformed(
            f"function {pdu[:1].hex() or 'none'}; expected one of {', '.join(map(str, Function))}"
        ) from None


def _check_count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Malformed(f"{count} values; expected 1 to {most}")


def _counted(rest: bytes, expected: int) -> bytes:
    """Return the bytes after their count. Raises Malformed when count, bytes and expectation differ."""
    if not rest or rest[0] != expected or len(rest) != expected + 1:
        raise Malformed(
            f"{max(len(rest) - 1, 0)} bytes of values, counted {rest[0] if rest else 'not at all'}; expected {expected}"
        )
    return rest[1:]


def _pack_bits(values: Sequence[int]) -> bytes:
    """[6.1] The first bit is the lowest of the first byte."""
    return sum(bool(bit) << place for place, bit in enumerate(values)).to_bytes((len(values) + 7) // 8, "little")


def _unpack_bits(packed: bytes, count: int) -> tuple[int, ...]:
    number = int.from_bytes(packed, "little")
    return tuple(number >> place & 1 for place in range(count))


# -- numbers -------------------------------------------------------------------------------------------------------

_FORMATS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "float32": ">f"}


def decode_number(place: Place, words: Sequence[int]) -> float:
    """Return the raw number in a bit, or in the registers of a layout. Raises Malformed for a float that is no number."""
    if place.layout == "bit":
        return words[0]
    ordered = words[::-1] if place.low_word_first else words
    value = struct.unpack(_FORMATS[place.layout], struct.pack(f">{len(words)}H", *ordered))[0]
    if not math.isfinite(value):
        raise Malformed(f"{place.table} {place.address} holds {value}, which is no number")
    return float(value)


def encode_number(place: Place, raw: float) -> tuple[int, ...]:
    """Return the bit or the registers that hold a raw number, whole unless a float. Raises Malformed out of range."""
    if place.layout == "bit":
        if raw not in (0, 1):
            raise Malformed(f"a coil cannot hold {raw:g}; expected 0 or 1")
        return (int(raw),)
    try:
        packed = struct.pack(_FORMATS[place.layout], raw if place.layout == "float32" else round(raw))
    except (struct.error, OverflowError, ValueError) as error:
        raise Malformed(f"a {place.layout} cannot hold {raw:g}: {error}") from error
    words: tuple[int, ...] = struct.unpack(f">{len(packed) // 2}H", packed)
    return words[::-1] if place.low_word_first else words


def plan(places: Sequence[Place], max_gap: int) -> tuple[Request, ...]:
    """Return the fewest requests that read all places, each of one table, reading across gaps of `max_gap` at most."""
    requests: list[Request] = []
    for table, most in MOST.items():
        spans = sorted(
            (place.address, place.address + WIDTHS[place.layout]) for place in places if place.table == table
        )
        if not spans:
            continue
        start, end = spans[0]
        for first, last in spans[1:]:
            if first - end > max_gap or max(end, last) - start > most:
                requests.append(read(table, start, end - start))
                start, end = first, last
            end = max(end, last)
        requests.append(read(table, start, end - start))
    return tuple(requests)

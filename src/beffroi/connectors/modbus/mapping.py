"""What a poll means, and what a command writes: raw numbers become quantities here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.connectors.modbus.settings import WIDTHS, Device, ModbusSettings, Model, Register, Write
from beffroi.connectors.modbus.wire import (
    MOST_WRITTEN,
    Exchange,
    Poll,
    Refusal,
    Request,
    decode_adu,
    decode_answer,
    decode_number,
    decode_request,
    encode_batch,
    encode_number,
    write,
)
from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import state_value
from beffroi.kernel.twin.types import Order, Rejected, Report, Unsupported, WireCommand

EXCERPT_BYTES = 512
Words = dict[tuple[str, int], int]
"""(table, address) -> what was read there."""


def to_reports(poll: Poll, *, received_at: Instant, settings: ModbusSettings) -> tuple[Report | Rejected, ...]:
    """Return the device's report, and what could not be read: an exception, or a register that holds no such value.

    A device has no clock: what it says is dated from the receipt of the poll, which follows the answer at once. Raises Malformed
    for a device that the settings do not hold, and for exchanges that are not Modbus.
    """
    device = settings.device(poll.device)
    if device is None:
        raise Malformed(f"device {poll.device[:60]!r} is not of this source")
    words: Words = {}
    rejected: list[Rejected] = []
    for exchange in poll.exchanges:
        answer = _read(exchange, device)
        if isinstance(answer, Refusal):
            rejected.append(Rejected(answer.sentence, exchange.answer[:EXCERPT_BYTES]))
        else:
            words |= answer
    values: dict[str, float] = {}
    for register in settings.models[device.model].registers:
        try:
            values |= _value(register, words)
        except Malformed as error:
            rejected.append(Rejected(f"{device.address}: {error.reason}", b""))
    reports = [Report(device.address, received_at, values)] if values else []
    return (*reports, *rejected)


def encode(order: Order, settings: ModbusSettings) -> tuple[WireCommand, ...]:
    """Return an order as one wire command: the device's address, and every request of it. Raises Unsupported."""
    device = settings.device(order.address)
    if device is None:
        raise Unsupported(f"device {order.address[:60]!r} is not among the `devices` of the source {order.source}")
    try:
        requests = writes_of(order.ability, order.parameters, settings.models[device.model])
    except Malformed as error:
        raise Unsupported(error.reason) from error
    return (WireCommand(device.address, encode_batch(device.unit, requests)),)


def writes_of(ability: str, parameters: Mapping[str, object], model: Model) -> tuple[Request, ...]:
    """Return the requests that carry a command out, in their order; adjacent writes leave as one request.

    Raises Malformed for an ability the model does not list, a parameter that is missing, and a value that does not fit.
    """
    if ability not in model.commands:
        raise Malformed(
            f"no write is set for `{ability}`: the model knows {', '.join(sorted(model.commands)) or 'none'}"
        )
    requests: list[Request] = []
    for place in model.commands[ability]:
        values = encode_number(place, _raw(place, parameters))
        last = requests[-1] if requests else None
        if (
            last is not None
            and last.table == place.table
            and last.address + last.count == place.address
            and last.count + len(values) <= MOST_WRITTEN[place.table]
        ):
            requests[-1] = write(place.table, last.address, (*last.values, *values))
        else:
            requests.append(write(place.table, place.address, values, multiple=model.write_multiple_only))
    return tuple(requests)


def _raw(place: Write, parameters: Mapping[str, object]) -> float:
    """Return the raw number to write. Raises Malformed."""
    if place.parameter is None:
        return place.value or 0.0
    value = parameters.get(place.parameter)
    if isinstance(value, str):
        if value not in place.states:
            raise Malformed(
                f"{place.parameter} is {value[:60]!r}; the device knows {', '.join(place.states) or 'no word'}"
            )
        return place.states[value]
    if not isinstance(value, int | float):
        raise Malformed(f"{place.parameter} is {value!r}; expected a number")
    return (value - place.offset) / place.scale


def _read(exchange: Exchange, device: Device) -> Words | Refusal:
    """Return what one exchange read. Raises Malformed when the two frames do not belong together."""
    asked, answered = decode_adu(exchange.request), decode_adu(exchange.answer)
    if (asked.transaction, asked.unit, device.unit) != (answered.transaction, answered.unit, answered.unit):
        raise Malformed(f"{device.address}: the answer is of another transaction or unit than what was asked")
    request = decode_request(asked.pdu)
    answer = decode_answer(answered.pdu, request)
    if isinstance(answer, Refusal):
        return answer
    return {(request.table, request.address + place): word for place, word in enumerate(answer.values)}


def _value(register: Register, words: Words) -> Mapping[str, float]:
    """Return the quantity of a register, or nothing when it was not read. Raises Malformed for no such value."""
    places = range(register.address, register.address + WIDTHS[register.layout])
    held = [words[register.table, place] for place in places if (register.table, place) in words]
    if len(held) < len(places):
        return {}
    raw = decode_number(register, held)
    if register.bit is not None:
        raw = int(raw) >> register.bit & 1
    if register.states:
        return {register.quantity: _state(register, raw)}
    value = raw * register.scale + register.offset
    if not abs(value) <= MAX_VALUE:
        raise Malformed(f"{register.quantity} is {value:g}, beyond {MAX_VALUE:g} in size")
    return {register.quantity: round(value, 6)}  # 21.5 must not be 21.500000000000004


def _state(register: Register, raw: float) -> float:
    word = register.states.get(int(raw)) if raw == int(raw) else None
    place = state_value(register.quantity, word) if word is not None else None
    if place is None:
        raise Malformed(
            f"{register.quantity} is {raw:g}; the model says what {', '.join(map(str, register.states))} mean"
        )
    return place

"""Frames, requests, answers and numbers: the specification's own examples, round trips, and bytes that are none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.modbus.settings import Place
from beffroi.connectors.modbus.wire import (
    MOST,
    MOST_WRITTEN,
    Adu,
    Answer,
    Exchange,
    Function,
    Poll,
    Refusal,
    Request,
    body_bytes,
    decode_adu,
    decode_answer,
    decode_batch,
    decode_number,
    decode_poll,
    decode_request,
    encode_adu,
    encode_answer,
    encode_batch,
    encode_number,
    encode_poll,
    encode_request,
    plan,
    read,
    write,
)
from beffroi.foundation.errors import Malformed

CAPTURES = Path(__file__).parent / "captures"
WORDS = st.integers(0, 65535)
BITS = st.integers(0, 1)


def capture(name: str) -> tuple[bytes, bytes]:
    request, answer = (bytes.fromhex(line) for line in (CAPTURES / f"{name}.hex").read_text().split())
    return request, answer


def bits(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.replace(" ", "")))


GOLDEN: dict[str, tuple[Request, tuple[int, ...]]] = {
    "read__coils": (read("coil", 0x13, 19), bits("10110011 11010110 101")),
    "read__discrete_inputs": (read("discrete_input", 0xC4, 22), bits("00110101 11011011 101011")),
    "read__holding_registers": (read("holding_register", 0x6B, 3), (0x22B, 0, 0x64)),
    "read__input_registers": (read("input_register", 8, 1), (10,)),
    "write__coil": (write("coil", 0xAC, [1]), ()),
    "write__register": (write("holding_register", 1, [3]), ()),
    "write__coils": (write("coil", 0x13, bits("10110011 10")), ()),
    "write__registers": (write("holding_register", 1, [10, 0x102]), ()),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_examples_of_the_specification_are_read_and_written(name: str) -> None:
    asked, answered = capture(name)
    request, values = GOLDEN[name]
    assert encode_request(request) == asked
    assert decode_request(asked) == request
    assert decode_answer(answered, request) == Answer(request, values)
    assert encode_answer(Answer(request, values)) == answered


def test_an_exception_is_read_with_its_name() -> None:
    asked, answered = capture("exception__illegal_address")
    request = decode_request(asked)
    refusal = Refusal(request, 2)
    assert decode_answer(answered, request) == refusal
    assert encode_answer(refusal) == answered
    assert refusal.name == "illegal data address"
    assert Refusal(request, 99).name == "an exception that the specification does not know"


def reads() -> st.SearchStrategy[Request]:
    def of(table: str) -> st.SearchStrategy[Request]:
        return st.builds(read, st.just(table), st.integers(0, 60_000), st.integers(1, MOST[table]))

    return st.sampled_from(sorted(MOST)).flatmap(of)


def writes() -> st.SearchStrategy[Request]:
    def of(table: str) -> st.SearchStrategy[Request]:
        values = st.lists(BITS if table == "coil" else WORDS, min_size=1, max_size=MOST_WRITTEN[table])
        return st.builds(write, st.just(table), st.integers(0, 60_000), values, multiple=st.booleans())

    return st.sampled_from(sorted(MOST_WRITTEN)).flatmap(of)


@given(request=reads() | writes())
def test_decoding_gives_back_the_request_encoded(request: Request) -> None:
    assert decode_request(encode_request(request)) == request
    assert len(encode_request(request)) <= 253


@given(request=reads(), data=st.data())
def test_decoding_gives_back_the_answer_encoded(request: Request, data: st.DataObject) -> None:
    word = BITS if request.table in ("coil", "discrete_input") else WORDS
    values = tuple(data.draw(st.lists(word, min_size=request.count, max_size=request.count)))
    assert decode_answer(encode_answer(Answer(request, values)), request) == Answer(request, values)


@given(transaction=WORDS, unit=st.integers(0, 255), pdu=st.binary(min_size=1, max_size=253))
def test_decoding_gives_back_the_frame_encoded(transaction: int, unit: int, pdu: bytes) -> None:
    adu = Adu(transaction, unit, pdu)
    frame = encode_adu(adu)
    assert decode_adu(frame) == adu
    assert body_bytes(frame[:7]) == len(pdu)


@given(noise=st.binary(max_size=300), request=reads() | writes())
def test_arbitrary_bytes_never_crash(noise: bytes, request: Request) -> None:
    for attempt in (
        lambda: decode_adu(noise),
        lambda: decode_request(noise),
        lambda: decode_answer(noise, request),
        lambda: decode_poll(noise),
    ):
        try:
            attempt()
        except Malformed as error:
            assert error.reason


@given(unit=st.integers(0, 255), requests=st.lists(writes(), min_size=1, max_size=4).map(tuple))
def test_decoding_gives_back_the_batch_encoded(unit: int, requests: tuple[Request, ...]) -> None:
    assert decode_batch(encode_batch(unit, requests)) == (unit, requests)


@given(noise=st.binary(max_size=60))
def test_arbitrary_batches_never_crash(noise: bytes) -> None:
    for batch in (noise, encode_batch(1, [write("coil", 0, [1])]) + noise):
        try:
            assert decode_batch(batch)[1]
        except Malformed as error:
            assert error.reason


@pytest.mark.parametrize(
    ("pdu", "reason"),
    [
        ("", "function none"),
        ("63", "function 63"),
        ("0300", "a request of 2 bytes"),
        ("030000007E", "126 values; expected 1 to 125"),
        ("0300000000", "0 values"),
        ("03FFFF0002", "go beyond 65535"),
        ("050000FF01", "expected 0x0000 or 0xFF00"),
        ("100000000103000102", "3 bytes of values|counted 3; expected 2"),
        ("030000000100", "a request of 6 bytes; expected 5"),
    ],
)
def test_wrong_requests_are_refused_with_the_reason(pdu: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_request(bytes.fromhex(pdu))


@pytest.mark.parametrize(
    ("pdu", "reason"),
    [
        ("", "function none; expected 03"),
        ("8602", "function 86; expected 03"),
        ("0404000A0001", "function 04; expected 03"),
        ("0302000A", "counted 2; expected 4"),
        ("0304000A00", "3 bytes of values, counted 4; expected 4"),
    ],
)
def test_answers_to_something_else_are_refused(pdu: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_answer(bytes.fromhex(pdu), read("holding_register", 0, 2))


def test_a_device_that_says_back_another_value_has_not_confirmed() -> None:
    with pytest.raises(Malformed, match="says back 0600010004, which is not what was written"):
        decode_answer(bytes.fromhex("0600010004"), write("holding_register", 1, [3]))


def test_what_is_not_modbus_tcp_is_told_by_its_header() -> None:
    with pytest.raises(Malformed, match="protocol identifier is 18516; expected 0"):
        body_bytes(b"GEHTTP/")
    with pytest.raises(Malformed, match="length is 300"):
        body_bytes(bytes.fromhex("0001000001 2C01".replace(" ", "")))
    with pytest.raises(Malformed, match="the frame has 8 bytes, its header says 9"):
        decode_adu(bytes.fromhex("0001000000030101"))


def place(table: str, address: int, layout: str, **more: Any) -> Place:
    return Place.model_validate({"table": table, "address": address, "layout": layout, **more})


@pytest.mark.parametrize(
    ("layout", "swapped", "raw", "words"),
    [
        ("uint16", False, 65535, (0xFFFF,)),
        ("int16", False, -1, (0xFFFF,)),
        ("uint32", False, 0x12345678, (0x1234, 0x5678)),
        ("uint32", True, 0x12345678, (0x5678, 0x1234)),
        ("int32", False, -2, (0xFFFF, 0xFFFE)),
        ("float32", False, 21.5, (0x41AC, 0x0000)),
        ("float32", True, 21.5, (0x0000, 0x41AC)),
    ],
)
def test_numbers_lie_in_registers_as_their_layout_says(
    layout: str, swapped: bool, raw: float, words: tuple[int, ...]
) -> None:
    where = place("holding_register", 0, layout, low_word_first=swapped)
    assert encode_number(where, raw) == words
    assert decode_number(where, words) == raw


def test_numbers_that_do_not_fit_are_refused() -> None:
    for layout, raw in (("uint16", -1), ("uint16", 65536), ("int16", 40_000), ("uint32", 2**32), ("float32", 1e39)):
        with pytest.raises(Malformed, match=f"a {layout} cannot hold"):
            encode_number(place("holding_register", 0, layout), raw)
    with pytest.raises(Malformed, match="a coil cannot hold 2"):
        encode_number(place("coil", 0, "bit"), 2)
    with pytest.raises(Malformed, match="which is no number"):
        decode_number(place("holding_register", 0, "float32"), (0x7FC0, 0))


def test_places_near_each_other_are_read_together() -> None:
    places = [
        place("holding_register", 10, "float32"),
        place("holding_register", 0, "uint16"),
        place("coil", 4, "bit"),
        place("holding_register", 1, "uint16"),
        place("holding_register", 40, "uint16"),
    ]
    assert plan(places, 8) == (
        read("coil", 4, 1),
        read("holding_register", 0, 12),
        read("holding_register", 40, 1),
    )
    assert plan(places, 0)[1:] == (
        read("holding_register", 0, 2),
        read("holding_register", 10, 2),
        read("holding_register", 40, 1),
    )


@given(
    wanted=st.lists(st.tuples(st.integers(0, 700), st.sampled_from(["uint16", "float32"])), min_size=1, max_size=60),
    gap=st.integers(0, 120),
)
def test_every_place_is_read_whole_by_one_request(wanted: list[tuple[int, str]], gap: int) -> None:
    places = [place("input_register", address, layout) for address, layout in wanted]
    requests = plan(places, gap)
    assert all(1 <= request.count <= 125 for request in requests)
    for each in places:
        width = 2 if each.layout == "float32" else 1
        assert any(
            request.address <= each.address and each.address + width <= request.address + request.count
            for request in requests
        )


@given(
    exchanges=st.lists(st.builds(Exchange, st.binary(max_size=20), st.binary(max_size=20)), max_size=4).map(tuple),
    device=st.text(max_size=20),
)
def test_decoding_gives_back_the_poll_encoded(device: str, exchanges: tuple[Exchange, ...]) -> None:
    assert decode_poll(encode_poll(Poll(device, exchanges))) == Poll(device, exchanges)


def test_functions_are_those_of_the_specification() -> None:
    assert [int(function) for function in Function] == [1, 2, 3, 4, 5, 6, 15, 16]

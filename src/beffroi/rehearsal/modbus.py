"""A Modbus TCP gateway on the loopback: simulated automata answer behind it, each as a unit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from beffroi.connectors.modbus.wire import (
    HEADER_BYTES,
    Adu,
    Answer,
    Refusal,
    Request,
    body_bytes,
    decode_adu,
    decode_request,
    encode_adu,
    encode_answer,
)
from beffroi.foundation.clock import Clock, Instant
from beffroi.foundation.errors import Malformed

Answering = Callable[[int, Request, Instant], Answer | Refusal]
"""Unit, request, instant -> what the unit says."""
IDLE_S = 600.0
ILLEGAL_FUNCTION = 1


async def serve_modbus(answer: Answering, port: int, now: Clock) -> asyncio.Server:
    """Serve on the loopback alone; return the server, to be closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(IDLE_S):
                    header = await reader.readexactly(HEADER_BYTES)
                    asked = decode_adu(header + await reader.readexactly(body_bytes(header)))
                writer.write(encode_adu(Adu(asked.transaction, asked.unit, _answered(answer, asked, now()))))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, Malformed):
            pass  # a client that goes away, or speaks no Modbus, is let go
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


def _answered(answer: Answering, asked: Adu, now: Instant) -> bytes:
    try:
        return encode_answer(answer(asked.unit, decode_request(asked.pdu), now))
    except Malformed:
        return bytes((asked.pdu[0] | 0x80, ILLEGAL_FUNCTION))

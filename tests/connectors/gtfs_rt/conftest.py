from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def capture() -> Callable[[str], bytes]:
    """Return the bytes of a feed written in Protocol Buffers text; it may lack required fields on purpose.

    `BYTES?` becomes what is not UTF-8, which such a text cannot hold.
    """

    def read(name: str) -> bytes:
        text = (CAPTURES / f"{name}.asciipb").read_bytes()
        message = gtfs_realtime_pb2.FeedMessage()
        text_format.Parse(text, message)
        return message.SerializePartialToString().replace(b"BYTES?", b"BYTES\xff")

    return read

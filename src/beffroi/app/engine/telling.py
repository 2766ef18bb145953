"""What an engine tells those who watch: the values that are now the last, and who reports again or no more."""

from __future__ import annotations

import msgspec
from nats.aio.client import Client

from beffroi.app.engine.applying import Changes
from beffroi.foundation import bus as field_bus

FRAME_ROWS = 10_000
"""Most rows of one frame for `live`: some 40 bytes each, and the bus carries a mebibyte."""


async def tell(bus: Client, post: str, changes: Changes) -> None:
    """Publish what a batch or a second changed, in frames that the bus carries."""
    values = changes.values
    for first in range(0, len(values), FRAME_ROWS):
        rows = slice(first, first + FRAME_ROWS)
        frame = {
            "asset": values.asset_id[rows].tolist(),
            "quantity": values.quantity_id[rows].tolist(),
            "value": values.value[rows].tolist(),
            "observed_at": values.observed_at[rows].tolist(),
            "received_at": values.received_at[rows].tolist(),
        }
        await bus.publish(field_bus.values_subject(post), msgspec.msgpack.encode(frame))
    for first in range(0, len(changes.freshness), FRAME_ROWS):
        told = list(changes.freshness[first : first + FRAME_ROWS])
        await bus.publish(field_bus.freshness_subject(post), msgspec.msgpack.encode(told))

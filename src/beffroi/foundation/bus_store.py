"""How much the bus may keep, and what happens at the bound: refused and told, never dropped in silence.

- The server's own bound (`bus_max_gb` on the embedded one): past it a device's publish is not acknowledged and its connection
  is closed, so that it keeps and sends again; engines still read and release, which makes room. Tried on the real server.
- FRAMES refuses what is new when it is full, where JetStream's default would drop the oldest, read or not. What is applied is
  kept for replay, and trimmed from three quarters of the bound on.
- Retained messages are kept by topic, and a gateway may invent topics: past the bound no more are kept as retained. Each is a
  reading of its own all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from beffroi.foundation.bus import FRAMES_STREAM, change_stream
from beffroi.foundation.sharing import other_readers

RETAINED_STREAM = "$MQTT_rmsgs"
RETAINED_MAX = 10_000
RETAINED_MAX_BYTES = 64 << 20
FULL = 0.97
_TRIM_FROM = 0.75
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that the bus keeps for us, and how many it may (None: it does not say)."""

    used_bytes: int
    max_bytes: int | None

    @property
    def full(self) -> bool:
        """Tell whether the bus refuses, or is about to."""
        return self.max_bytes is not None and self.used_bytes >= FULL * self.max_bytes


async def kept_by_bus(bus: Client, max_bytes: int | None) -> Kept:
    """Return what the bus keeps. `max_bytes` is the bound of our own server; elsewhere the account's, if it has one."""
    info = await bus.jetstream().account_info()
    allowed = info.limits.max_storage if info.limits.max_storage > 0 else None
    return Kept(info.storage, max_bytes or allowed)


def words_when_full(kept: Kept) -> str:
    """Return what to say of a bus that is full."""
    used_gb, max_gb = kept.used_bytes / 1e9, (kept.max_bytes or 0) / 1e9
    return (
        f"the field bus is full ({used_gb:.1f} of {max_gb:.1f} GB): what devices publish is refused until engines have read on;"
        " see why they do not, or raise BEFFROI_BUS_MAX_GB"
    )


async def bound_retained(bus: Client) -> None:
    """Bound the retained messages of our own server. There is no such stream before the first MQTT client."""
    await change_stream(bus, RETAINED_STREAM, max_msgs=RETAINED_MAX, max_bytes=RETAINED_MAX_BYTES, discard="new")


async def trim_frames(bus: Client) -> int:
    """Let go of the older half of the fetched frames once they fill three quarters, as far as all are read; return how many."""
    js = bus.jetstream()
    try:
        info = await js.stream_info(FRAMES_STREAM)
    except NotFoundError:
        return 0
    bound = info.config.max_bytes or -1
    if bound <= 0 or info.state.bytes < _TRIM_FROM * bound:
        return 0
    readers = await other_readers(bus, FRAMES_STREAM, _NOBODY, alone=False)  # ours as well
    if not readers:
        return 0  # nobody has read yet: nothing is applied
    read = min(info.state.last_seq if reader.holds_after is None else reader.holds_after for reader in readers)
    upto = min(read + 1, info.state.first_seq + info.state.messages // 2)
    request = json.dumps({"seq": upto}).encode()
    answer = json.loads((await bus.request(f"$JS.API.STREAM.PURGE.{FRAMES_STREAM}", request, timeout=5)).data)
    return int(answer.get("purged", 0))

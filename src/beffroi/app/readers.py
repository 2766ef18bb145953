"""Who reads on the bus, for the command line: to see it, and to put away what a post that is gone left there."""

from __future__ import annotations

from nats.aio.client import Client

from beffroi.foundation import bus as field_bus
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import NotFound, Refused
from beffroi.foundation.sharing import OtherReader, other_readers
from beffroi.kernel.journal.types import Actor
from beffroi.kernel.twin import actions as twin

OLDER = "older"
"""What stands for posts of a version whose readers carry no identity."""


async def readers_of_others(post: str) -> list[tuple[str, OtherReader]]:
    """Return (stream, reader) of all that are not this post's."""
    bus = await field_bus.connect("bus")
    try:
        return [(stream, reader) for stream in field_bus.STREAMS for reader in await _others(bus, stream, post)]
    finally:
        await bus.close()


async def _others(bus: Client, stream: str, post: str) -> list[OtherReader]:
    return await other_readers(bus, stream, post, alone=False)


async def remove_readers(post: str, ours: str) -> int:
    """Remove the readers of another post; return how many there were. Raises Refused for our own, NotFound for none."""
    if post == ours:
        raise Refused("this is the post itself")
    bus = await field_bus.connect("bus")
    try:
        found = [
            (stream, reader.name)
            for stream in field_bus.STREAMS
            for reader in await _others(bus, stream, ours)
            if reader.post == ("" if post == OLDER else post)
        ]
        if not found:
            raise NotFound(f"no reader of the post `{post}` is on this bus: `beffroi bus readers` lists them")
        for stream, name in found:
            await bus.jetstream().delete_consumer(stream, name)
        return len(found)
    finally:
        await bus.close()


def forget(post: str, count: int, *, by: Actor, at: Instant) -> None:
    """Journal what was removed."""
    twin.note_forgotten(post, count, by=by, at=at)

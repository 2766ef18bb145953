"""A bus that others use too: whose each reader is, who would read the same messages, and what they have not read yet.

The consumers of a post carry its identity in their names (`partition-003-1795647600-5f0c2a9b41de`). On the embedded server
every reader is the post's own; on a bus of one's own another post may be there, in the same account by mistake. Two posts
reading the same subjects would each release what the other has not applied, so the second does not begin.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from beffroi.foundation.errors import Conflict

_NAME = re.compile(r"partition-\d{3}-\d+(?:-(?P<post>[0-9a-f]{12}))?")
MARK = "beffroi-post"
MACHINE = "beffroi-machine"
_MOST_NAMES = 4096


class OtherPost(Conflict):
    """Another post reads these messages: this one must not."""


@dataclass(frozen=True, slots=True)
class OtherReader:
    """A reader that is not this post's. `post`: None for no reader of Beffroi's, empty for one of an older version.

    `holds_after`: the number after which it still wants messages; None where it has read all that is there.
    """

    name: str
    post: str | None
    machine: str
    filters: tuple[str, ...]
    made_at: datetime
    holds_after: int | None

    def reads(self, subjects: Iterable[str]) -> bool:
        """Tell whether it reads something of these subjects. Without a filter it reads everything."""
        return not self.filters or any(overlap(mine, subject) for mine in self.filters for subject in subjects)


def overlap(one: str, other: str) -> bool:
    """Tell whether some subject matches both filters (`*` is one word, `>` one word or more)."""
    ours, theirs = one.split("."), other.split(".")
    for mine, his in zip(ours, theirs, strict=False):
        if ">" in (mine, his):
            return True
        if mine != his and "*" not in (mine, his):
            return False
    return len(ours) == len(theirs)


def post_of(name: str) -> str | None:
    """Return the identity of the post whose reader has this name; empty for an older version, None for a stranger."""
    match = _NAME.fullmatch(name)
    return None if match is None else match["post"] or ""


def marks(post: str) -> dict[str, str]:
    """Return what a reader tells of whose it is, for people who look at the server."""
    return {MARK: post, MACHINE: socket.gethostname()[:64]} if post else {}


async def other_readers(bus: Client, stream: str, post: str, *, alone: bool) -> list[OtherReader]:
    """Return the readers of a stream that are not this post's. `alone`: the server is ours, every reader of Beffroi's too.

    Asks for names first, once a second and cheaply, and for more only of strangers. None where there is no such stream.
    """
    js = bus.jetstream()
    found = []
    for name in await _names(bus, stream):
        owner = post_of(name)
        if owner is None or (not alone and owner != post):
            with contextlib.suppress(NotFoundError):
                found.append(await _reader(js, stream, name, owner))
    return found


async def _names(bus: Client, stream: str) -> list[str]:
    names: list[str] = []
    while len(names) < _MOST_NAMES:
        request = json.dumps({"offset": len(names)}).encode()
        answer = json.loads((await bus.request(f"$JS.API.CONSUMER.NAMES.{stream}", request, timeout=5)).data)
        page = answer.get("consumers") or []
        names += page
        if not page or len(names) >= answer.get("total", 0):
            break
    return names


async def _reader(js: JetStreamContext, stream: str, name: str, post: str | None) -> OtherReader:
    info: Any = await js.consumer_info(stream, name)
    config = info.config
    filters = tuple(config.filter_subjects or ([config.filter_subject] if config.filter_subject else ()))
    wants = bool(info.num_pending or info.num_ack_pending)
    explicit = str(getattr(config.ack_policy, "value", config.ack_policy)) != "none"
    after = int((info.ack_floor if explicit else info.delivered).stream_seq)
    machine = str((config.metadata or {}).get(MACHINE, ""))
    return OtherReader(name, post, machine, filters, info.created, after if wants else None)


def refusal(
    others: Sequence[OtherReader], stream: str, filters: Sequence[str], before: tuple[datetime, str] | None = None
) -> OtherPost | None:
    """Return why these subjects must not be read, or None. `before`: only who was there before this instant and name."""
    for other in others:
        if other.post is None or not other.reads(filters):
            continue
        if before is not None and (other.made_at, other.name) > before:
            continue
        who = f"the post {other.post}" if other.post else "a post of an older version"
        where = f" on {other.machine}" if other.machine else ""
        what = next((each for each in filters if other.reads([each])), filters[0])
        return OtherPost(
            f"{who}{where} reads `{what}` on this bus ({other.name} in {stream}): give each post an account of its own"
            f" there, or sources of its own; if that post is gone: `beffroi bus forget {other.post or 'older'}`"
        )
    return None


def may_release(upto: int, filters: Sequence[str], others: Iterable[OtherReader]) -> int:
    """Return up to which number messages may be forgotten: what others have not read stays."""
    held = [other.holds_after for other in others if other.holds_after is not None and other.reads(filters)]
    return min([upto, *held])

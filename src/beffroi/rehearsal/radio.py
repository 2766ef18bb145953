"""How the simulated crews reach the post: its API over HTTP, each with the token of its own account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import httpx
import msgspec

from beffroi.foundation.clock import Clock, Instant
from beffroi.foundation.errors import Misconfigured, NotFound
from beffroi.foundation.log import logger
from beffroi.rehearsal.crews import Act, Crew, Entry, Own
from beffroi.rehearsal.director import Director
from beffroi.rehearsal.equipment.model import Failing
from beffroi.rehearsal.equipment.roads import Position, Roads, metres_between
from beffroi.rehearsal.inventory import Inventory

ROOT = "/api/v1/"
LOOKS_EVERY_S = 3.0
WAITS_S = 10.0
TIMEOUT_S = 10.0
AT_HAND_M = 80.0
"""How near failed equipment is to a mission's place for its crew to repair it."""

log = logger("crews")


def read_crews(path: Path) -> dict[str, Entry]:
    """Return the crews of a file that provisioning wrote; none where there is no file. Raises Misconfigured."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Entry])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(f"the crews' file {path} cannot be read: {error}") from error


def make_crews(
    entries: dict[str, Entry], roads: Roads, inventory: Inventory, director: Director, start: Instant, seed: int
) -> list[Crew]:
    """Make the crews that are played, and teach the director how they fail: silent, or refusing."""
    places = {item.code: (item.lon, item.lat) for item in inventory.items}

    def repair(at: Position, now: Instant) -> str | None:
        for failure in director.failures():
            place = places.get(failure.asset)
            if place is not None and metres_between(place, at) <= AT_HAND_M:
                try:
                    director.repair(failure.asset, now)
                except NotFound:
                    continue  # it ended by itself meanwhile
                return failure.asset
        return None

    crews = [
        Crew(slug, entry, roads, start, Random(f"{seed}/crew/{slug}"), repair, tempo=inventory.tempo)
        for slug, entry in sorted(entries.items())
        if not entry.shared
    ]
    known = {crew.slug: crew for crew in crews}
    for kind, name in (("crew_silent", "silent"), ("crew_refuses", "refuses")):
        director.learn(
            Failing(
                kind,
                tuple(known),
                lambda slug, _at, name=name: setattr(known[slug], name, True),  # type: ignore[misc]
                lambda slug, _at, name=name: setattr(known[slug], name, False),  # type: ignore[misc]
            )
        )
    return crews


async def play_crews(crews: Sequence[Crew], url: str, now: Clock) -> None:
    """Play the crews for ever, each at its own turn; a post that does not answer is tried again."""
    base = url.rstrip("/") + ROOT
    async with httpx.AsyncClient(base_url=base, timeout=TIMEOUT_S) as client, asyncio.TaskGroup() as group:
        for place, crew in enumerate(crews):
            group.create_task(_play(crew, client, now, place / len(crews)))


async def _play(crew: Crew, client: httpx.AsyncClient, now: Clock, turn: float) -> None:
    await asyncio.sleep(LOOKS_EVERY_S * turn)
    headers = {"Authorization": f"Bearer {crew.entry.token}"}
    while True:
        try:
            answer = await client.get("dispatch/mine", headers=headers)
            answer.raise_for_status()
            own = msgspec.json.decode(answer.content, type=Own)
            for act in crew.step(now(), own):
                await _tell(client, act, headers)
            await asyncio.sleep(LOOKS_EVERY_S)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            log.debug("the post does not answer a crew", crew=crew.slug, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(WAITS_S)


async def _tell(client: httpx.AsyncClient, act: Act, headers: dict[str, str]) -> None:
    """Tell one act. What the post refuses is seen at the next look: somebody was first."""
    key = {"Idempotency-Key": act.key} if act.key else {}
    answer = await client.post(act.path, json=dict(act.body), headers=headers | key)
    if answer.status_code >= 500:
        answer.raise_for_status()
    if answer.status_code >= 400:
        log.info("a crew was refused", act=act.path, status=answer.status_code, said=answer.text[:200])

"""Sending commands, in the `connectors` process: so many a second for each source, each marked before it leaves.

What was marked is sent by who marked it and by nobody else, at once or not at all: after a restart, after a cut, or when the
process was held up, it stays in doubt and is never sent again (kernel/commands/actions/sending.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import nats.errors
from django.db import close_old_connections
from nats.aio.client import Client

from beffroi.app.registry import connector_settings, connectors
from beffroi.foundation.bus import subject_of_topic
from beffroi.foundation.clock import Clock, now
from beffroi.foundation.log import logger
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.actions import Claimed
from beffroi.kernel.commands.rules import Pace
from beffroi.kernel.commands.types import Commander, Outcome, Receipt, Sender, Unsupported, WireCommand
from beffroi.kernel.twin.queries import SourceInfo

log = logger("connectors")
LOOK_EVERY_S = 0.2
FLUSH_WITHIN_S = 3.0
FINISH_WITHIN_S = 5.0
SEND_WITHIN_S = 15.0
"""After which a connector that has not said what became of a command is left to it: the command is in doubt."""


class Commanding:
    """The sender of this process, under a name that no other has had."""

    def __init__(self, clock: Clock = now) -> None:
        self.name = secrets.token_hex(6)
        self.clock = clock
        self.sent_total = 0
        self.refused_total = 0
        self.kept_back_total = 0
        self._paces: dict[int, Pace] = {}
        self._senders: dict[int, tuple[SourceInfo, Sender]] = {}
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._found_doubtful = False

    def figures(self) -> dict[str, float]:
        """Return what is counted, for the process's heartbeat."""
        return {
            "commands_sent_total": self.sent_total,
            "commands_refused_total": self.refused_total,
            "commands_kept_back_total": self.kept_back_total,
        }

    async def run(self, bus: Client, sources: Callable[[], Sequence[SourceInfo]]) -> None:
        """Send until cancelled. A source that is slow, or fails, keeps no other waiting."""
        try:
            while True:
                try:
                    await self._look(bus, {source.id: source for source in sources()})
                except Exception as error:
                    log.warning("commands are not sent, trying again", error=f"{type(error).__name__}: {error}")
                    await asyncio.sleep(1)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """Let what is being sent be sent, so that a stop leaves nothing in doubt; then let go."""
        under_way = {task for task in self._serving.values() if not task.done()}
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=FINISH_WITHIN_S)
            for task in late:
                task.cancel()
        self._serving.clear()
        for _, sender in self._senders.values():
            with contextlib.suppress(Exception):
                await sender.close()
        self._senders.clear()

    async def _look(self, bus: Client, sources: dict[int, SourceInfo]) -> None:
        if not self._found_doubtful:
            self._found_doubtful = True
            if doubtful := await _in_thread(queries.doubtful, self.name):
                log.warning("commands of the sender before are in doubt: they are not sent again", commands=doubtful)
        for source_id in await _in_thread(queries.sources_to_serve, self.clock()):
            serving = self._serving.get(source_id)
            if source_id in sources and (serving is None or serving.done()):
                self._serving[source_id] = asyncio.create_task(self._serve(bus, sources[source_id]))

    async def _serve(self, bus: Client, source: SourceInfo) -> None:
        """Send what a source's pace allows now."""
        try:
            commander = connectors()[source.connector].commands
            if commander is None or not bus.is_connected:
                return
            options = connector_settings(connectors()[source.connector], source.settings, source.code)
            pace = self._pace(source.id, commander.pace(options))
            at = self.clock()
            room = pace.room(at)
            if room < 1:
                return
            claimed = await _in_thread(lambda: actions.claim(source.code, source.id, room, sender=self.name, at=at))
            pace.spend(len(claimed))
            if claimed:
                await self._send(bus, source, commander, options, claimed)
        except Exception as error:
            log.warning(
                "commands to a source are not sent", source=source.code, error=f"{type(error).__name__}: {error}"
            )

    def _pace(self, source_id: int, per_s: float) -> Pace:
        known = self._paces.get(source_id)
        if known is None or known.per_s != per_s:
            known = self._paces[source_id] = Pace(per_s)
        return known

    async def _send(
        self, bus: Client, source: SourceInfo, commander: Commander, options: Any, claimed: Sequence[Claimed]
    ) -> None:
        receipts: dict[UUID, Receipt] = {}
        written: list[tuple[Claimed, tuple[WireCommand, ...]]] = []
        for each in claimed:
            try:
                written.append((each, commander.encode(each.order, options)))
            except Unsupported as error:
                receipts[each.id] = Receipt(Outcome.REFUSED, error.reason)
            except Exception as error:
                log.exception("a connector failed on a command: this is a fault of ours", source=source.code)
                receipts[each.id] = Receipt(Outcome.REFUSED, f"the connector failed on it: {type(error).__name__}")
        if commander.client is None:
            left = await self._publish(bus, written, receipts)
            if left:
                await _in_thread(lambda: actions.note_left(left, sender=self.name))
        else:
            await self._by_client(source, commander.client, options, written, receipts)
        self._count(receipts)
        if receipts:
            await _in_thread(lambda: actions.note_receipts(receipts, sender=self.name, at=self.clock()))

    async def _publish(
        self, bus: Client, written: Sequence[tuple[Claimed, tuple[WireCommand, ...]]], receipts: dict[UUID, Receipt]
    ) -> list[UUID]:
        """Publish on the bus; return what has left for certain. What was held up too long does not leave.

        A client that has lost its bus would keep what it is given, and send it later: it is given nothing then.
        """
        left: list[UUID] = []
        for claimed, wires in written:
            if not bus.is_connected or self.clock() > claimed.leave_by:
                receipts[claimed.id] = Receipt(Outcome.UNREACHABLE, "the field bus was not to be reached in time")
                continue
            for wire in wires:
                await bus.publish(subject_of_topic(wire.topic), wire.payload)
            left.append(claimed.id)
        try:
            await bus.flush(FLUSH_WITHIN_S)  # type: ignore[arg-type]  # a fraction is waited for as well
        except (nats.errors.Error, TimeoutError, OSError):
            return []
        self.sent_total += len(left)
        return left

    async def _by_client(
        self,
        source: SourceInfo,
        make: Callable[[Any], Sender],
        options: Any,
        written: Sequence[tuple[Claimed, tuple[WireCommand, ...]]],
        receipts: dict[UUID, Receipt],
    ) -> None:
        """Send one after the other, and take what the other side says of each."""
        known = self._senders.get(source.id)
        if known is None or known[0] != source:
            if known is not None:
                await known[1].close()
            known = self._senders[source.id] = (source, make(options))
        for claimed, wires in written:
            if self.clock() > claimed.leave_by + SEND_WITHIN_S * 1_000_000:
                receipts[claimed.id] = Receipt(Outcome.UNREACHABLE, "its turn did not come in time")
                continue
            receipts[claimed.id] = await _by_turns(known[1], wires)
            self.sent_total += receipts[claimed.id].outcome is not Outcome.UNREACHABLE

    def _count(self, receipts: dict[UUID, Receipt]) -> None:
        outcomes = [receipt.outcome for receipt in receipts.values()]
        self.refused_total += outcomes.count(Outcome.REFUSED)
        self.kept_back_total += outcomes.count(Outcome.UNREACHABLE)


async def _by_turns(sender: Sender, wires: Sequence[WireCommand]) -> Receipt:
    """Send the parts of one command; a part that fails after another has left leaves it in doubt."""
    receipt = Receipt(Outcome.REFUSED, "the connector has nothing to send for it")
    for place, wire in enumerate(wires):
        try:
            receipt = await asyncio.wait_for(sender.send(wire), SEND_WITHIN_S)
        except Exception as error:
            return Receipt(Outcome.IN_DOUBT, f"{type(error).__name__}: {error}")
        if receipt.outcome is not Outcome.ACCEPTED:
            lost = place > 0 and receipt.outcome is Outcome.UNREACHABLE
            return Receipt(Outcome.IN_DOUBT, receipt.reason) if lost else receipt
    return receipt


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    def attempt() -> Any:
        close_old_connections()
        return work(*arguments)

    return await asyncio.to_thread(attempt)

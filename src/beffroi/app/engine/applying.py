"""One batch, one transaction: values, counts, alarms, incidents, journal, and the position of each partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
from django.db import connection, transaction

from beffroi.app.engine.decoding import Decoded, Decoding
from beffroi.app.engine.proving import Proving
from beffroi.foundation.bus import Arrived
from beffroi.foundation.clock import DAY, SECOND, Clock, Instant
from beffroi.foundation.units import is_quantity
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.alarms.types import Transition
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.commands import queries as command_queries
from beffroi.kernel.commands.types import Answered, Proven
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as twin_queries
from beffroi.kernel.twin.rules import Columns, Heard, Hearing, columns, columns_of

RELEASE_EVERY = 5 * SECOND
MOST_SILENCES = 1_000
"""Silences of equipment that begin or end in one tick, of those that their source may explain: when a hundred thousand do in
one second, readings and all other alarms go before. What is left follows tick by tick; a restart finds it again by itself."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of one partition of one stream, oldest first."""

    stream: str
    partition: int
    epoch: int
    messages: Sequence[Arrived]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch changed, for those who watch: the values that are now the last, and who reports again or no more."""

    values: Columns
    freshness: Sequence[tuple[int, int]] = ()
    stored: int = 0


@dataclass(slots=True)
class Applier:
    """Applies batches for one engine. Not thread-safe: one thread calls it."""

    decoding: Decoding
    hearing: Hearing
    watch: Watch
    clock: Clock
    quantities: dict[str, int] = field(default_factory=dict)
    proving: Proving = field(default_factory=Proving)
    representatives: Mapping[int, int] = field(default_factory=dict)
    """The asset that stands for each source: heard whenever a message of the source is."""

    fetched: Sequence[int] = ()
    """Sources that are fetched: when they last answered is in the store, as an answer may bring nothing new."""

    _days: set[Instant] = field(default_factory=set)
    _released_at: Instant = 0
    _left: list[Transition] = field(default_factory=list)

    def apply(self, batch: Sequence[Taken], decoded: Decoded | None = None) -> Changes:
        """Apply a batch and commit it with its positions. Raises what the database raises, Conflict when fenced off.

        `decoded`: what `Decoding.decode` made of it, if it was decoded beforehand. After an exception nothing is
        committed, and what this engine holds in memory must be loaded anew.
        """
        now = self.clock()
        decoded = decoded or self.decoding.decode(messages_of(batch))
        self.decoding.settle(decoded, find=_find, owners=_owners, known=command_queries.known_commands)
        with transaction.atomic():
            cursor = raw_cursor()
            values = twin.store_values(cursor, self._columns(decoded.heard))
            twin.quarantine(cursor, decoded.aside)
            twin.count(cursor, decoded.tallies)
            proven = self._observe(values, decoded)
            self._follow(self._due(now, 0), decoded.answered, proven, now)
            for taken in batch:
                last = taken.messages[-1]
                twin.advance_position(
                    cursor, taken.stream, taken.partition, last.sequence, taken.epoch, last.received_at
                )
        return Changes(values, (), sum(tally.stored for tally in decoded.tallies.values()))

    def tick(self) -> Changes:
        """Let time pass: silence, conditions whose delay is over, alarms whose explanation has ceased, proofs just awaited."""
        now = self.clock()
        release = now - self._released_at >= RELEASE_EVERY
        if self.fetched:
            self._hear_sources(twin_queries.sources_last_heard(self.fetched))
        freshness = self.hearing.sweep(now)
        self.watch.hear(self.hearing.ids, self.hearing.missed(now), now, heard=self.hearing.answered())
        due = self._due(now, MOST_SILENCES)
        proven = self.proving.look(now)
        if freshness or due or proven or release:
            self._released_at = now
            with transaction.atomic():
                twin.set_freshness(raw_cursor(), freshness, now)
                self._follow(due, (), proven, now, release=True)
        return Changes(columns([]), freshness)

    def _due(self, now: Instant, most: int) -> list[Transition]:
        """Return the transitions to apply now, the oldest first, with at most so many of those that may be left for later."""
        due: list[Transition] = []
        for transition in self.watch.due(now):
            (self._left if transition.code in self.watch.collective else due).append(transition)
        taken, self._left = self._left[:most], self._left[most:]
        return sorted([*due, *taken], key=lambda transition: transition.at)

    def _columns(self, heard: Sequence[Heard]) -> Columns:
        names = {name for report in heard for name in report[4]} - self.quantities.keys()
        if names:
            self.quantities |= twin.ensure_quantities(name for name in names if is_quantity(name))
        packed = columns_of(heard, self.quantities)
        self._ensure_days(packed.received_at)
        return packed

    def _ensure_days(self, received_at: Any) -> None:
        days = {int(day) for day in np.unique(received_at // DAY)} - self._days
        for day in days:
            twin.ensure_history(day * DAY, day * DAY)
            self._days.add(day)

    def _observe(self, values: Columns, decoded: Decoded) -> list[Proven]:
        """Show the last values to the alarms' conditions and to the proofs that are awaited; return what they prove."""
        proven: list[Proven] = []
        names = {number: name for name, number in self.quantities.items()}
        for number in np.unique(values.quantity_id):
            rows = values.take(np.flatnonzero(values.quantity_id == number))
            self.watch.observe(names[int(number)], rows.asset_id, rows.value, rows.observed_at)
            proven += self.proving.proofs.observe(names[int(number)], rows.asset_id, rows.value, rows.observed_at)
        if decoded.heard:
            count = len(decoded.heard)
            ids = np.fromiter((report[0] for report in decoded.heard), np.int64, count)
            self.hearing.heard(ids, np.fromiter((report[2] for report in decoded.heard), np.int64, count))
        self._hear_sources(
            (self.representatives[source], tally.last_received_at)
            for source, tally in decoded.tallies.items()
            if source in self.representatives
        )
        proven += self.proving.proofs.acknowledge(each.command for each in decoded.answered if each.accepted)
        return proven

    def _hear_sources(self, heard: Iterable[tuple[int, Instant]]) -> None:
        assets, instants = zip(*heard, strict=True) if (heard := list(heard)) else ((), ())
        self.hearing.heard(np.array(assets, np.int64), np.array(instants, np.int64))

    @staticmethod
    def _follow(
        due: Sequence[Transition],
        answered: Sequence[Answered],
        proven: Sequence[Proven],
        now: Instant,
        *,
        release: bool = False,
    ) -> None:
        """Let alarms, then incidents, then commands follow; every line at once: the journal's head is held for a moment.

        `release`: also when no condition is due, alarms whose explanation has ceased are looked for.
        """
        lines: list[Entry] = []
        if due or release:
            applied = alarms.apply_transitions(due, at=now)
            lines += [*applied.lines, *incidents.follow_alarms(applied, at=now)]
        if answered or proven:
            lines += commands.hear(answered, proven, at=now)
        if lines:
            append(lines, at=now)


def messages_of(batch: Iterable[Taken]) -> Iterator[tuple[str, Arrived]]:
    """Return each message of a batch with the stream it is of, as `Decoding.decode` takes them."""
    return ((taken.stream, message) for taken in batch for message in taken.messages)


def raw_cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor of psycopg's own on Django's connection: binary parameters and COPY, the same transaction."""
    connection.ensure_connection()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    raw.prepare_threshold = 3
    return psycopg.Cursor(raw)


def _find(wanted: list[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
    return {key: found[0] for key, found in twin_queries.find_addresses(wanted).items()}


def _owners(addresses: list[str]) -> Mapping[str, str]:
    return twin_queries.owners_of(addresses)

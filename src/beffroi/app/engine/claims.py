"""Which partitions this engine reads: shared fairly among those alive, held by locks that die with the process.

A lock keeps two engines off one partition; the epoch in `twin_position` keeps one that lost its lock without noticing
from committing anything (fencing).
"""

from __future__ import annotations

from typing import Any

import psycopg

PRESENCE = 0xBEF0
PARTITION = 0xBEF1
_MOST_ENGINES = 64


class Claims:
    """The claims of one engine, on a connection of its own."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], partitions: int) -> None:
        self.connection = connection
        self.partitions = partitions
        self.held: set[int] = set()
        self.number = next((number for number in range(_MOST_ENGINES) if self._lock(PRESENCE, number)), _MOST_ENGINES)

    def _lock(self, kind: int, number: int) -> bool:
        row = self.connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, number]).fetchone()
        return bool(row and row[0])

    def engines(self) -> int:
        """Return how many engines are alive."""
        row = self.connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [PRESENCE],
        ).fetchone()
        return max(1, int(row[0]) if row else 1)

    def fair_share(self) -> int:
        """Return how many partitions this engine may hold."""
        return -(-self.partitions // self.engines())

    def surplus(self) -> list[int]:
        """Return partitions to give up, the highest first, because other engines are there to read them."""
        return sorted(self.held, reverse=True)[: max(0, len(self.held) - self.fair_share())]

    def release(self, partition: int) -> None:
        """Give a partition up. Nothing of it may be under way."""
        self.connection.execute("SELECT pg_advisory_unlock(%s, %s)", [PARTITION, partition])
        self.held.discard(partition)

    def acquire(self) -> list[int]:
        """Take free partitions up to the fair share; return those taken now."""
        taken: list[int] = []
        room = self.fair_share() - len(self.held)
        for partition in range(self.partitions):
            if room <= 0:
                break
            if partition not in self.held and self._lock(PARTITION, partition):
                self.held.add(partition)
                taken.append(partition)
                room -= 1
        return taken

    def moved(self) -> bool:
        """Tell whether partitions are to be given up, or taken: engines came or went."""
        return bool(self.surplus()) or len(self.held) < min(self.fair_share(), self.partitions - self._held_by_others())

    def _held_by_others(self) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [PARTITION],
        ).fetchone()
        return int(row[0]) if row else 0

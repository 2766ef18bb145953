"""Faults at every boundary: cut the database off after each round trip of an act, and see that it is done whole or not.

For a test with real transactions (`@pytest.mark.django_db(transaction=True)`):

    assert_whole_or_nothing(lambda: actions.take_incident(number, by=nadia, at=T0))

The act is first done and undone to learn what it leads to. Then it is done again and again, failing one round trip
further each time, until it passes whole. After each fault every table (journal and jobs included) must be as before, or
as after; a state between is a fault of the act. Round trips are counted under Django, in psycopg: statements, each part
of a COPY, cursors of psycopg's own on the same connection, and COMMIT.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from django.db import connection, transaction

Fault = Literal["killed", "lost"]
"""`killed`: PostgreSQL ends the session before a round trip, as when either machine dies. `lost`: the round trip is done,
and its answer never comes; after a COMMIT, nobody was told of what is done."""

World = dict[str, list[str]]
"""Every row of every table, as text."""

MOST_ROUND_TRIPS = 400
_NOT_OURS = r"^(django_|procrastinate_(events|periodic_defers|workers|version))"
_RANDOM = {
    "journal_line": ["id", "digest", "personal"],
    "journal_key": ["id", "wrapped"],
    "incidents_evidence": ["picture", "thumbnail"],
    "procedures_letter": ["address"],
    "procedures_contact": ["address"],
}
"""Columns that differ each time an act is done: the random part of a line's number, the digest over it, keys, ciphertexts."""

_KEPT = re.compile(r"(?<=x)01[0-9a-f]{88,}|A[Q-Za-f][A-Za-z0-9+/]{58,}=*")
"""What is encrypted, in a column or in a line that tells what a row became: it differs each time too."""


class AnswerLost(psycopg.OperationalError):
    """The database did what it was asked, and its answer was lost."""


def world() -> World:
    """Return every row of every table of ours, without what is random in it."""
    with connection.cursor() as cursor:
        return _read(cursor)


def changes(before: World, after: World) -> dict[str, dict[str, list[str]]]:
    """Return what two worlds do not share, by table: what a failing test prints."""
    return {
        name: {
            "gone": [row for row in before[name] if row not in after[name]],
            "come": [row for row in after[name] if row not in before[name]],
        }
        for name in before
        if before[name] != after[name]
    }


def assert_whole_or_nothing(act: Callable[[], object], *, least: int = 3) -> int:
    """Do an act with a fault at its first round trip, then its second, to its COMMIT; return how many were borne.

    The act stays done in the end. `least` guards against an act that does nothing. An act of several transactions is
    given one at a time.
    """
    assert not connection.in_atomic_block, "mark the test django_db(transaction=True): its commits must be real"
    with Witness() as witness:
        before = world()
        with transaction.atomic():
            act()
            after = world()
            transaction.set_rollback(True)
        assert after != before, "the act changes nothing: there is nothing to try"
        borne, found = 0, before
        for place in range(1, MOST_ROUND_TRIPS):
            faults: tuple[Fault, ...] = ("killed", "lost")
            for fault in faults:
                if found == before:
                    witness.give_numbers_back()
                    borne += with_fault(act, fault, place, witness)
                    found = witness.world()
                    assert found in (before, after), (
                        f"{fault} at round trip {place} left it half done: {changes(before, found)}"
                    )
            if found == after:
                break
    assert found == after, f"not done after {MOST_ROUND_TRIPS} round trips"
    assert borne >= least, f"only {borne} faults: the act is not what this test believes"
    return borne


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do acts at the same instant, each on a connection of its own; return what each gave or raised, in their order."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            gate.wait(10)
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


class Witness:
    """Looks on from a session of its own, which no fault touches: after a fault the act's own one is new, and slow at first."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences")
            numbers = cursor.fetchall()
        self.numbers = (
            [name for name, _ in numbers],
            [last or 1 for _, last in numbers],
            [bool(n) for _, n in numbers],
        )
        self.session = psycopg.connect(**{**connection.get_connection_params(), "options": ""}, autocommit=True)

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *fault: object) -> None:
        self.session.close()

    def world(self) -> World:
        """Return what is done."""
        return _read(self.session.cursor())

    def give_numbers_back(self) -> None:
        """Set the sequences back, so that the act is given the same numbers each time."""
        self.session.execute(
            "SELECT setval(name::regclass, last, given) FROM unnest(%s::text[], %s::bigint[], %s::bool[]) AS t(name, last, given)",
            self.numbers,
        )

    def kill(self, backend: int) -> None:
        """End a session, and wait until it is gone: PostgreSQL's own waiting takes a tenth of a second at the least."""
        self.session.execute("SELECT pg_terminate_backend(%s)", [backend])
        end = time.monotonic() + 10
        while self.session.execute("SELECT FROM pg_stat_get_activity(%s)", [backend]).rowcount:
            assert time.monotonic() < end, "the session did not end"
            time.sleep(0.0005)


def _read(cursor: Any) -> World:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace AND relname !~ %s ORDER BY relname",
        [_NOT_OURS],
    )
    tables = [name for (name,) in cursor.fetchall()]
    found: World = {name: [] for name in tables}
    masks = [_RANDOM.get(name, []) for name in tables]
    every = " UNION ALL ".join(f"SELECT '{name}', (to_jsonb(t) - %s::text[])::text FROM {name} t" for name in tables)
    cursor.execute(every, masks)
    for name, row in cursor.fetchall():
        found[name].append(_KEPT.sub("kept", row))
    return {name: sorted(rows) for name, rows in found.items()}


def with_fault(act: Callable[[], object], fault: Fault, place: int, witness: Witness) -> bool:
    """Do the act with one fault; tell whether it met it. Where it did not, the act is done."""
    with _cut(fault, place, witness) as cut:
        try:
            act()
        except Exception:
            if not cut.met:
                raise
        finally:
            connection.close()
    return cut.met


class _Cut:
    def __init__(self, fault: Fault, place: int) -> None:
        self.fault, self.left, self.met = fault, place, False


@contextmanager
def _cut(fault: Fault, place: int, witness: Witness) -> Iterator[_Cut]:
    """Have one round trip of this connection fail."""
    cut = _Cut(fault, place)
    connection.ensure_connection()
    raw: Any = connection.connection
    honest = raw.wait

    def wait(*arguments: Any, **options: Any) -> Any:
        cut.left -= 1
        now = cut.left == 0
        if now and fault == "killed":
            cut.met = True
            witness.kill(raw.info.backend_pid)
        answer = honest(*arguments, **options)
        if now and fault == "lost":
            cut.met = True
            raise AnswerLost("the answer of the database was lost")
        return answer

    raw.wait = wait
    yield cut  # the act done, the connection is thrown away, and `wait` with it

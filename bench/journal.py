"""Measures the proof of a large journal: `python -m bench.journal --lines 10000000`.

Starts a PostgreSQL of its own in a temporary folder, fills it with lines by COPY (digests, seals and the seals outside by
the post's own code), then verifies all of it with one process and with several, verifies behind a checkpoint, and asks the
journal page's questions. Prints figures; what ends with 1 is a journal that does not stand.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.results import table

START = 1_700_000_000_000_000
STEP = 3_000_000
A_SEAL = 20
ACTORS = [f"agent{n:02d}" for n in range(40)]
VERBS = [
    ("alarms", "raise_alarm", "rule"), ("alarms", "return_alarm", "rule"), ("alarms", "acknowledge_alarm", "person"),
    ("incidents", "open_incident", "rule"), ("incidents", "take_incident", "person"),
    ("incidents", "close_incident", "person"), ("people", "sign_in", "person"), ("twin", "add_gateway", "system"),
]  # fmt: skip
WEIGHTS = [30, 30, 12, 8, 8, 8, 3.99, 0.01]
PLACES = ["rue de la Liberté", "place Darcy", "boulevard de Sévigné", "rue Musette", "quai Gauthey", "rue d’Auxonne"]


def entries(count: int, seed: int) -> Iterator[Any]:
    """Return what a city's rooms would write: rules mostly, then people."""
    from beffroi.kernel.journal.types import Actor, ActorKind, Entry

    chance = random.Random(seed)
    for number in range(1, count + 1):
        room, verb, kind = chance.choices(VERBS, WEIGHTS)[0]
        who = chance.choice(ACTORS) if kind == "person" else f"{room}_{kind}"
        incident = number // 10 + 1
        content = {
            "reference": f"OD-26-{incident}", "state": "new", "priority": chance.randint(1, 4), "desk": "lighting",
            "commune": "Dijon", "title": f"Armoire disjonctée – {chance.choice(PLACES)}", "value": chance.random(),
        }  # fmt: skip
        if number % 500_000 == 7:
            content["title"] = "fuite de chlore"
        related = (f"asset:ARM-{chance.randint(1, 3000)}", f"alarm:{number // 5}")
        yield Entry(Actor(ActorKind(kind), who, who.title()), room, verb, f"incident:{incident}", related, content)


def build(url: str, lines: int, folder: Path) -> float:
    """Fill the tables and the file outside; return the seconds it took."""
    from beffroi.foundation.clock import to_datetime
    from beffroi.foundation.ids import new_id
    from beffroi.kernel.journal import rules
    from beffroi.kernel.journal.actions.witness import write_seals
    from beffroi.kernel.journal.actions.writing import _COPY, _row
    from beffroi.kernel.journal.queries import Witness
    from beffroi.kernel.journal.types import Seal

    began, leaves, seals = time.monotonic(), [], []
    last: Seal | None = None
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'journal_line' AND indexname NOT LIKE '%pkey'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ).fetchall()
        connection.execute(
            "ALTER TABLE journal_line DISABLE TRIGGER USER; ALTER TABLE journal_seal DISABLE TRIGGER USER"
        )
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for seq, entry in enumerate(entries(lines, 7), 1):
                at = START + seq * STEP
                record = rules.record_of(entry, seq=seq, line_id=new_id(at), at=at)
                row = _row(record)
                copy.write_row(row)
                leaves.append(row[-1])
                if len(leaves) == A_SEAL or seq == lines - 3:
                    root = rules.merkle_root(leaves)
                    previous = last.digest if last else rules.NO_SEAL
                    draft = Seal((last.number if last else 0) + 1, seq - len(leaves) + 1, seq, root, previous, b"", at)
                    last = rules.with_digest(draft)
                    seals.append(last)
                    leaves = []
        columns = "number, first_seq, last_seq, root, previous, digest, sealed_at"
        with connection.cursor() as cursor, cursor.copy(f"COPY journal_seal ({columns}) FROM STDIN") as copy:
            for each in seals:
                moment = to_datetime(each.sealed_at)
                copy.write_row(
                    (each.number, each.first_seq, each.last_seq, each.root, each.previous, each.digest, moment)
                )
        witness = Witness(folder)
        day: list[Seal] = []
        for each in seals:
            if day and each.sealed_at // 86_400_000_000 != day[-1].sealed_at // 86_400_000_000:
                write_seals(witness, day, at=day[-1].sealed_at)
                day = []
            day.append(each)
        write_seals(witness, day, at=day[-1].sealed_at)
        connection.execute("UPDATE journal_head SET seq = %s", [lines])
        filled = time.monotonic() - began
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("ALTER TABLE journal_line ENABLE TRIGGER USER; ALTER TABLE journal_seal ENABLE TRIGGER USER")
        connection.execute("VACUUM ANALYZE journal_line")
        connection.execute("VACUUM ANALYZE journal_seal")
    return filled


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds an act took, and what it returned."""
    began = time.monotonic()
    result = act()
    return time.monotonic() - began, result


def verification(folder: Path) -> tuple[list[tuple[str, str]], bool]:
    """Return what each verification took, and whether the journal stood in all of them."""
    from beffroi.app.commands.journal import _spread
    from beffroi.kernel.journal import actions, queries

    witness = queries.Witness(folder)
    told, stands = [], True
    for processes in dict.fromkeys((1, os.cpu_count() or 1)):
        took, found = timed(partial(queries.verify, witness=witness, processes=processes, spread=_spread))
        stands &= not found.breaks
        for each in found.breaks[:5]:
            print(f"BROKEN at {each.where}: {each.what}")
        minutes = 10_000_000 / found.lines * took / 60
        told.append((f"all of it, {processes} process(es)", f"{took:.1f} s, {found.lines / took:,.0f} lines/s"))
        told.append(("  of 10,000,000 lines", f"{minutes:.1f} min"))
    last = queries.last_seal()
    near = queries.get_seal(max(1, (last.number if last else 1) - 600))
    actions.keep_checkpoint(witness, found, whole=True, at=START)
    took, found = timed(lambda: queries.verify(witness=witness, after=near))
    stands &= not found.breaks
    told.append((f"behind a checkpoint, {found.lines:,} lines and {found.seals} seals", f"{took * 1000:.0f} ms"))
    return told, stands


def questions(lines: int) -> list[tuple[str, str]]:
    """Return the median and the 95th percentile of what the journal page asks, at places drawn at random."""
    from beffroi.kernel.journal import queries
    from beffroi.kernel.journal.queries import Filters
    from beffroi.kernel.journal.types import EVERYTHING

    chance = random.Random(3)

    def place() -> int:
        return chance.randint(1, lines)

    def day(**filters: str) -> Filters:
        since = START + place() * STEP
        return Filters(
            since=since, until=since + 86_400_000_000, room=filters.get("room", ""), text=filters.get("text", "")
        )

    asked: dict[str, Callable[[], Filters]] = {
        "a page at random": lambda: Filters(before_seq=place()),
        "a room": lambda: Filters(room="people", before_seq=place()),
        "a rare verb": lambda: Filters(verb="add_gateway", before_seq=place()),
        "a person": lambda: Filters(actor=chance.choice(ACTORS), before_seq=place()),
        "a person and a verb": lambda: Filters(actor=chance.choice(ACTORS), verb="sign_in", before_seq=place()),
        "a person in a room where they wrote nothing": lambda: Filters(actor=chance.choice(ACTORS), room="twin"),
        "an incident": lambda: Filters(subject=f"incident:{place() // 10 + 1}"),
        "a piece of equipment": lambda: Filters(subject=f"asset:ARM-{chance.randint(1, 3000)}"),
        "a day": day,
        "a day and a room": lambda: day(room="people"),
        "a rare word": lambda: Filters(text="chlore"),
        "a common word": lambda: Filters(text="disjonctée"),
        "a word in a day": lambda: day(text="musette"),
        "words that no line has": lambda: Filters(text="zeppelin"),
    }
    told = []
    for name, make in asked.items():
        made = [make() for _ in range(40)]
        times = sorted(timed(partial(queries.list_lines, each, limit=101, reach=EVERYTHING))[0] for each in made)
        told.append((name, f"{times[20] * 1000:.0f} / {times[37] * 1000:.0f} ms"))
    return told


def main() -> int:
    """Build, verify, ask; say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    ours = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beffroi-bench-journal-") as box:
        os.environ |= {"BEFFROI_DATA": box, "DJANGO_SETTINGS_MODULE": "beffroi.app.django"}
        from beffroi.app.embedded.postgres import Postgres

        folder = Path(box)
        overrides = {"fsync": "off", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
        postgres = Postgres(
            folder / "postgres", secrets=folder / "secrets", log=folder / "postgres.log", overrides=overrides
        )
        postgres.start()
        try:
            url = getattr(postgres, "owner_url", postgres.url)
            os.environ["BEFFROI_DATABASE_URL"] = url
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", interactive=False, verbosity=0)
            filled = build(url, ours.lines, folder / "seals")
            with psycopg.connect(url) as connection:
                size = connection.execute("SELECT pg_size_pretty(pg_total_relation_size('journal_line'))").fetchone()
            print(f"{ours.lines:,} lines built at {ours.lines / filled:,.0f} lines/s; with their indexes {size[0]}")  # type: ignore[index]
            told, stands = verification(folder / "seals")
            print(table(["verification", "took"], told))
            print(table(["question (100 lines)", "p50 / p95"], questions(ours.lines)))
        finally:
            postgres.stop()
    print("the journal stands" if stands else "the journal does not stand")
    return 0 if stands else 1


if __name__ == "__main__":
    sys.exit(main())

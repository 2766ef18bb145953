"""Search among 100,000 plausible incidents: `python -m bench.search`. Prints p50 and p95 of each kind of question.

On a PostgreSQL of its own (the wheel's, in a temporary folder), as an operator of the whole city asks: narrowed to what may
be seen, a page of fifty with all that its rows show. The limit beside it is a bare read of fifty rows by their numbers.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STREETS = (
    "rue de la Liberté",
    "rue Musette",
    "boulevard de Sévigné",
    "rue de l’Évêché",
    "place Darcy",
    "avenue du Drapeau",
    "rue Monge",
    "quai Nicolas-Rolin",
    "rue des Forges",
    "allée des Tilleuls",
    "impasse du Puits",
    "cours du Parc",
)
COMMUNES = ("Dijon", "Chenôve", "Talant", "Quetigny", "Longvic", "Fontaine-lès-Dijon", "Saint-Apollinaire", "Marsannay")
WORDS = (
    "lampadaire",
    "éteint",
    "clignote",
    "devant",
    "école",
    "depuis",
    "hier",
    "voiture",
    "gênante",
    "trottoir",
    "chaussée",
    "branche",
    "tilleul",
    "fuite",
    "regard",
    "bruit",
    "chantier",
    "carrefour",
    "piétons",
    "borne",
    "bloquée",
    "odeur",
    "câble",
    "armoire",
    "ouverte",
    "fumée",
    "verglas",
    "bus",
    "arrêt",
    "poubelles",
)
RARE = 1_000
"""Of the words, so many are names that few incidents hold."""


def main() -> None:
    """Make the incidents, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    box = Path(tempfile.mkdtemp(prefix="beffroi-search-"))
    os.environ |= {"BEFFROI_DATA": str(box), "DJANGO_SETTINGS_MODULE": "beffroi.app.django"}
    from beffroi.app.embedded.postgres import Postgres

    server = Postgres(box / "postgres", secrets=box / "secrets", log=box / "log" / "postgres.log")
    server.start()
    try:
        os.environ["BEFFROI_DATABASE_URL"] = server.owner_url
        import django

        django.setup()
        measure(asked.incidents, asked.rounds)
    finally:
        server.stop()
        shutil.rmtree(box, ignore_errors=True)


def measure(count: int, rounds: int) -> None:
    """Load that many incidents and time each kind of question."""
    from django.core.management import call_command
    from django.db import connection

    from beffroi.app.provision import PROFILE, SYSTEM
    from beffroi.foundation.clock import now
    from beffroi.kernel.incidents import actions
    from beffroi.kernel.incidents.rules import parse_categories
    from beffroi.kernel.people import actions as people
    from beffroi.kernel.people.queries import viewer_named

    call_command("migrate", interactive=False, verbosity=0)
    people.ensure_demonstration_accounts(now())
    viewer = viewer_named("chefsalle")
    categories = parse_categories((PROFILE / "categories.yaml").read_text())
    actions.publish_profile(categories, [], by=SYSTEM, at=now())
    began = time.perf_counter()
    load(count, [category.code for category in categories], viewer.id or 0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE incidents_incident")
        cursor.execute("SELECT pg_size_pretty(pg_total_relation_size('incidents_incident'))")
        print(f"{count} incidents in {time.perf_counter() - began:.1f} s, {cursor.fetchone()[0]} with their indexes\n")
    dice = random.Random(7)
    print(f"{'question':42} {'p50 ms':>8} {'p95 ms':>8} {'found':>6}")
    for name, ask in questions(viewer, dice, count):
        show(name, ask, rounds)


def load(count: int, categories: Sequence[str], owner: int) -> None:
    """Put the incidents in, three years of them, one in a hundred still open."""
    from datetime import UTC, datetime, timedelta

    from django.apps import apps

    from beffroi.foundation.geo import point_to_metres

    dice = random.Random(1)
    west, south = point_to_metres(4.95, 47.27)
    east, north = point_to_metres(5.12, 47.37)
    first = datetime(2023, 11, 25, tzinfo=UTC)
    table = apps.get_model("incidents", "Incident")
    rows = []
    for place in range(count):
        x, y = dice.random(), dice.random()
        opened = first + timedelta(seconds=place * 3 * 365 * 86_400 / count)
        is_open = place >= count - count // 100
        category = dice.choice(categories)
        rows.append(
            table(
                title=f"{category.replace('_', ' ').title()} {dice.choice(WORDS)}",
                category=category,
                priority=dice.choice((1, 2, 3, 3, 4, 4)),
                state="new" if is_open else "closed",
                desk="lighting",
                place=f"{dice.randrange(1, 200)} {dice.choice(STREETS)}",
                commune=dice.choice(COMMUNES),
                lon=4.95 + x * 0.17,
                lat=47.27 + y * 0.1,
                x_m=west + x * (east - west),
                y_m=south + y * (north - south),
                opened_at=opened,
                closed_at=None if is_open else opened + timedelta(hours=5),
                close_reason="" if is_open else "repaired",
                description=" ".join([*dice.choices(WORDS, k=6), f"nom{dice.randrange(RARE)}"]),
                origin="person",
                channel="phone",
                to_compare=False,
                owner_id=owner if dice.random() < 0.3 else None,
            )
        )
        if len(rows) == 5_000 or place == count - 1:
            keep(rows, place + 1 - len(rows))
            table.objects.bulk_create(rows)
            rows = []


def keep(rows: Sequence[Any], before: int) -> None:
    """Put the words of incidents under the keys of their cases, as the post does, many at once."""
    import secrets

    from django.apps import apps

    from beffroi.foundation.clock import now, to_datetime
    from beffroi.foundation.ids import new_id
    from beffroi.kernel.incidents.rules import case_of
    from beffroi.kernel.journal import actions, queries, rules
    from beffroi.kernel.journal.types import WORDS

    at, table, made = now(), apps.get_model("journal", "Key"), []
    ring = queries.masters() or dict([actions.make_master(at)])
    name, master = list(ring.items())[-1]
    for place, row in enumerate(rows, before + 1):
        about, key, number = case_of(place), secrets.token_bytes(rules.KEY_BYTES), new_id(at)
        wrapped = rules.wrap_key(key, master=master, subject=about, nonce=secrets.token_bytes(rules.NONCE_BYTES))
        made.append(table(id=number, subject=about, wrapped=wrapped, master=name, made_at=to_datetime(at)))
        row.description = rules.encrypt_kept(
            row.description.encode(),
            key=key,
            key_id=number,
            name=WORDS,
            about=about,
            nonce=secrets.token_bytes(rules.NONCE_BYTES),
        )
    table.objects.bulk_create(made)


def questions(viewer: Any, dice: random.Random, count: int) -> list[tuple[str, Callable[[], int]]]:
    """Return each kind of question by its name; each asking is for other words, places and days."""
    from beffroi.foundation.clock import DAY, from_rfc3339
    from beffroi.kernel.incidents import queries
    from beffroi.kernel.incidents.queries import Filters
    from beffroi.kernel.incidents.types import IncidentState

    first = from_rfc3339("2023-11-25T00:00:00Z")

    def place() -> tuple[float, float]:
        return 4.96 + dice.random() * 0.15, 47.28 + dice.random() * 0.08

    def asks(make: Callable[[], Filters], *, deep: bool = False) -> Callable[[], int]:
        def ask() -> int:
            before = dice.randrange(count // 10, count) if deep else None
            return len(queries.list_incidents(make(), seen_by=viewer, before=before, limit=50))

        return ask

    def since(days: int) -> dict[str, Any]:
        start = first + dice.randrange(1_000) * DAY
        return {"since": start, "until": start + days * DAY}

    return [
        ("limit: fifty rows by their numbers", lambda: len(queries.of_ids(range(count - 50, count), seen_by=viewer))),
        ("everything, newest first", asks(Filters)),
        ("everything, a page far down", asks(Filters, deep=True)),
        ("one common word", asks(lambda: Filters(text=dice.choice(WORDS)))),
        ("two common words", asks(lambda: Filters(text=" ".join(dice.sample(WORDS, 2))))),
        ("four common words", asks(lambda: Filters(text=" ".join(dice.sample(WORDS, 4))))),
        ("a rare word, told", asks(lambda: Filters(text=f"nom{dice.randrange(RARE)}"))),
        ("a rare word, told, in a month", asks(lambda: Filters(text=f"nom{dice.randrange(RARE)}", **since(30)))),
        ("a rare and a common word", asks(lambda: Filters(text=f"nom{dice.randrange(RARE)} {dice.choice(WORDS)}"))),
        ("a word that nothing holds", asks(lambda: Filters(text=f"introuvable{dice.randrange(99)}"))),
        ("the beginning of a word", asks(lambda: Filters(text=dice.choice(WORDS)[:4]))),
        ("an address", asks(lambda: Filters(text=f"{dice.randrange(1, 200)} {dice.choice(STREETS)}"))),
        ("a street and its commune", asks(lambda: Filters(text=f"{dice.choice(STREETS)} {dice.choice(COMMUNES)}"))),
        ("a reference", asks(lambda: Filters(text=f"BF-24-{dice.randrange(1, count):06}"))),
        ("a commune", asks(lambda: Filters(commune=dice.choice(COMMUNES)))),
        ("a category", asks(lambda: Filters(category=dice.choice(("street_dark", "noise", "waste"))))),
        ("a state", asks(lambda: Filters(state=IncidentState.NEW))),
        ("an owner, a commune", asks(lambda: Filters(owner="chefsalle", commune=dice.choice(COMMUNES)))),
        ("a week", asks(lambda: Filters(**since(7)))),
        ("within 100 m", asks(lambda: Filters(around=place(), within_m=100))),
        ("within 1,000 m", asks(lambda: Filters(around=place(), within_m=1_000))),
        ("within 5,000 m", asks(lambda: Filters(around=place(), within_m=5_000))),
        ("a word within 500 m", asks(lambda: Filters(text=dice.choice(WORDS), around=place(), within_m=500))),
        ("a word, a commune, a month", asks(lambda: Filters(text=dice.choice(WORDS), commune="Talant", **since(30)))),
        (
            "a word, a category, a month, 2 km",
            asks(
                lambda: Filters(text=dice.choice(WORDS), category="waste", around=place(), within_m=2_000, **since(30))
            ),
        ),
    ]


def show(name: str, ask: Callable[[], int], rounds: int) -> None:
    """Ask again and again, and print what it took."""
    times, found = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        found.append(ask())
        times.append((time.perf_counter() - began) * 1_000)
    times.sort()
    middle, high = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.95))]
    print(f"{name:42} {middle:8.1f} {high:8.1f} {statistics.mean(found):6.1f}")


if __name__ == "__main__":
    main()

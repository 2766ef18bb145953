"""Asking for 34,000 lights at once: `python -m bench.asking`. Prints the dry run, the confirm page, its whole list, and the ask.

On a PostgreSQL of its own (the wheel's, in a temporary folder), in one process: what the kernel and the pages cost, without
the wire. Beside it the limit: a bare insert of as many rows into a table with the same indexes and keys. `--profile` prints
the functions that take most of the dry run and of the ask.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.results import save, table

COMMUNES = ("Dijon", "Chenôve", "Talant", "Quetigny", "Longvic", "Fontaine-lès-Dijon", "Saint-Apollinaire", "Marsannay")


def main() -> int:
    """Make the lights, ask, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lamps", type=int, default=34_000)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    box = Path(tempfile.mkdtemp(prefix="beffroi-asking-"))
    os.environ |= {"BEFFROI_DATA": str(box), "DJANGO_SETTINGS_MODULE": "beffroi.app.django"}
    from beffroi.app.embedded.postgres import Postgres

    server = Postgres(box / "postgres", secrets=box / "secrets", log=box / "log" / "postgres.log")
    server.start()
    try:
        os.environ["BEFFROI_DATABASE_URL"] = server.owner_url
        import django

        django.setup()
        figures = measure(asked.lamps, profile=asked.profile)
    finally:
        server.stop()
        shutil.rmtree(box, ignore_errors=True)
    cpu = figures["cpu"]
    rows = [
        (
            what,
            f"{value:.2f} s" if isinstance(value, float) else f"{value:,}",
            f"{cpu[what]:.2f} s" if what in cpu else "",
        )
        for what, value in figures.items()
        if what != "cpu"
    ]
    print(table(("What", "Figure", "CPU of the process"), rows))
    print(save("asking", figures))
    return 0 if figures["lamps touched"] == figures["commands written"] == asked.lamps else 1


def measure(lamps: int, *, profile: bool) -> dict[str, Any]:
    """Return how long each thing takes for so many lights, in seconds."""
    from django.core.management import call_command
    from django.test import Client

    from beffroi.foundation.clock import now
    from beffroi.kernel.commands import actions, queries
    from beffroi.kernel.commands.models import Command
    from beffroi.kernel.commands.types import Request
    from beffroi.kernel.people import actions as people
    from beffroi.kernel.people.queries import viewer_named

    call_command("migrate", interactive=False, verbosity=0)
    people.ensure_demonstration_accounts(now())
    viewer = viewer_named("chefsalle")
    load(lamps)
    wish = Request("set_level", {"level_pct": 30.0}, zone="*", reason="banc")
    codes = Request("set_level", {"level_pct": 30.0}, assets=tuple(f"L-{n:05d}" for n in range(lamps)), reason="banc")
    found: dict[str, Any] = {}
    spent: dict[str, float] = {}

    def timed(what: str, work: Callable[[], Any], *, looked_at: bool = False) -> Any:
        profiler = cProfile.Profile() if looked_at and profile else None
        began, cpu = time.perf_counter(), time.process_time()
        result = profiler.runcall(work) if profiler else work()
        found[what], spent[what] = time.perf_counter() - began, time.process_time() - cpu
        if profiler:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)
        return result

    run = timed("dry run of the whole city", lambda: queries.dry_run(wish, seen_by=viewer, at=now()), looked_at=True)
    timed("dry run of as many codes", lambda: queries.dry_run(codes, seen_by=viewer, at=now()))
    screen = Client(HTTP_HOST="127.0.0.1")
    screen.force_login(people_row("chefsalle"), backend="django.contrib.auth.backends.ModelBackend")
    form = {"ability": "set_level", "p_level_pct": "30", "zone": "*", "reason": "banc", "key": "banc"}
    page = timed("confirm page", lambda: screen.post("/commands/new", form))
    timed("confirm page 340", lambda: screen.post("/commands/new", form | {"page": str(-(-lamps // 100))}))
    whole = timed("whole list as a file", lambda: screen.post("/commands/new", form | {"do": "list"}).getvalue())
    asked = timed("asking, one transaction", lambda: actions.ask(wish, by=viewer, at=now()), looked_at=True)
    timed("the page of the request", lambda: screen.get(f"/commands/{asked.id}"))
    bare(timed, lamps)
    return {
        **found,
        "cpu": spent,
        "bytes of the confirm page": len(page.content),
        "lines of the file": whole.count(b"\n"),
        "lamps touched": len(run.touched),
        "commands written": Command.objects.count(),
    }


def people_row(username: str) -> Any:
    """Return an account, to sign it in."""
    from django.apps import apps

    return apps.get_model("people", "Person").objects.get(username=username)


def load(lamps: int) -> None:
    """Put the lights in, on a source that was just heard; what they can be asked for."""
    from django.apps import apps
    from django.db import connection

    from beffroi.app.provision import PROFILE, SYSTEM
    from beffroi.foundation.clock import now, to_datetime
    from beffroi.kernel.commands import actions
    from beffroi.kernel.commands.rules import parse_abilities

    at = now()
    actions.publish_abilities(
        parse_abilities((PROFILE / "abilities.yaml").read_text()), connectors=("mqtt_json",), by=SYSTEM, at=at
    )
    source = apps.get_model("twin", "Source").objects.create(
        code="lighting", connector="mqtt_json", settings={}, partition=0, created_at=to_datetime(at)
    )
    apps.get_model("twin", "Counter").objects.create(source=source, last_received_at=to_datetime(at))
    asset = apps.get_model("twin", "Asset")
    asset.objects.bulk_create(
        [
            asset(
                code=f"L-{n:05d}", asset_class="light_point", name=f"Point lumineux {n}", source=source, address=f"L-{n}",
                lon=5 + n % 200 / 2000, lat=47.3 + n // 200 / 4000, x_m=850_000.0, y_m=6_690_000.0,
                place=f"rue {n // 40}", commune=COMMUNES[n // 40 % len(COMMUNES)], period_s=900,
                properties={"rated_w": 75}, created_at=to_datetime(at),
            )
            for n in range(lamps)
        ],
        batch_size=5_000,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE twin_asset")


def bare(timed: Callable[..., Any], lamps: int) -> None:
    """Insert as many rows as the ask does, by one statement, into a copy of its table with its indexes and keys."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (LIKE commands_command INCLUDING ALL)")
        cursor.execute("ALTER TABLE bare ADD FOREIGN KEY (asset_id) REFERENCES twin_asset")
        cursor.execute("ALTER TABLE bare ADD FOREIGN KEY (request_id) REFERENCES commands_request")
        cursor.execute("ALTER TABLE bare ADD FOREIGN KEY (source_id) REFERENCES twin_source")

    def insert() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO bare SELECT * FROM commands_command LIMIT %s", [lamps])

    timed("bare insert of as many rows (limit)", insert)


if __name__ == "__main__":
    raise SystemExit(main())

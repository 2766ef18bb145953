"""What applying costs: microseconds per reading by size of batch, and by function with `--profile`.

Run: `python -m bench.apply`. One batch after the other on an embedded PostgreSQL of its own, without a bus: the engine's
share of the way alone. The limit beside it: binary COPY of the same values.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import code_of, payload, source_of, write_inventory
from bench.results import table

PROFILE = Path(__file__).parent.parent / "src/beffroi/app/profile/alarms.yaml"


@contextmanager
def store() -> Iterator[Path]:
    """Serve an empty database of ours for the time of the block; settings and Django are made ready for it."""
    from beffroi.app.embedded.postgres import Postgres

    folder = Path(tempfile.mkdtemp(prefix="beffroi-bench-"))
    os.environ["BEFFROI_DATA"] = str(folder)
    postgres = Postgres(folder / "postgres", secrets=folder / "secrets", log=folder / "postgres.log")
    postgres.start()
    os.environ |= {"BEFFROI_DATABASE_URL": postgres.owner_url, "DJANGO_SETTINGS_MODULE": "beffroi.app.django"}
    try:
        import django

        django.setup()
        yield folder
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Apply batches of several sizes and print what each reading cost."""
    from django.core.management import call_command

    from beffroi.app.engine.applying import Applier, Taken
    from beffroi.app.engine.decoding import Decoding, reader_of
    from beffroi.foundation.bus import MQTT_STREAM, Arrived
    from beffroi.foundation.clock import now
    from beffroi.kernel.alarms.rules import Watch, parse_definitions
    from beffroi.kernel.journal.types import Actor, ActorKind
    from beffroi.kernel.twin import actions, queries
    from beffroi.kernel.twin.rules import Hearing
    from bench.limits import bare_copy

    call_command("migrate", interactive=False, verbosity=0)
    inventory = folder / "inventory.csv"
    write_inventory(inventory, options.assets, 0, 1)
    actions.import_assets(inventory, by=Actor(ActorKind.SYSTEM, "bench", "Banc"), at=now())
    (source,) = queries.sources()
    decoding = Decoding([reader_of(source)])
    hearing = Hearing(listening_since=now())
    known = list(queries.asset_index([source.id]))
    for asset_id, source_id, address, _, _ in known:
        decoding.learn(source_id, address, asset_id)
    hearing.set_assets((asset_id, period, None, 0) for asset_id, _, _, _, period in known)
    watch = Watch(parse_definitions(PROFILE.read_text()), [(asset_id, kind) for asset_id, _, _, kind, _ in known])
    applier = Applier(decoding, hearing, watch, now, queries.quantity_ids())
    _, epoch = actions.claim_position(MQTT_STREAM, source.partition)
    topics = [f"readings/{source_of(0)}/{code_of(k)}" for k in range(options.assets)]
    n = 0

    def batch(size: int) -> list[Taken]:
        nonlocal n
        messages = []
        for _ in range(size):
            at = now()
            n += 1
            body = payload(at, n, options.quantities, fault=False)
            messages.append(Arrived(n, topics[n % options.assets], at, body, 0, ""))
        return [Taken(MQTT_STREAM, source.partition, epoch, messages)]

    for taken in (batch(5_000) for _ in range(-(-options.assets // 5_000))):
        applier.apply(taken)  # each asset has its row of state from here on
    rows = []
    profile = cProfile.Profile()
    for size in options.sizes:
        batches = [batch(size) for _ in range(max(2, options.readings // size))]
        cpu, began = time.process_time(), time.perf_counter()
        if options.profile:
            profile.enable()
        for taken in batches:
            applier.apply(taken)
        profile.disable()
        count = size * len(batches)
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        rows.append((size, f"{count / took:,.0f}", f"{took / count * 1e6:.1f}", f"{spent / count * 1e6:.1f}"))
    print(table(("batch", "readings/s", "us each", "CPU us each (engine alone)"), rows))
    copied = bare_copy(os.environ["BEFFROI_DATABASE_URL"], 3)
    print(f"\nbinary COPY alone: {copied:,.0f} rows/s, that is {copied / options.quantities:,.0f} readings/s")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.apply", description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--readings", type=int, default=50_000, help="for each size of batch")
    parser.add_argument("--quantities", type=int, default=4, choices=(1, 2, 3, 4))
    parser.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[10, 100, 1_000, 5_000]
    )
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with store() as folder:
        measure(folder, options)


if __name__ == "__main__":
    main()

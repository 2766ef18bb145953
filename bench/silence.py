"""A gateway of many pieces of equipment falls silent and comes back: what each second costs the engine.

Run: `python -m bench.silence`. An embedded PostgreSQL of its own, without a bus; the clock is the bench's own, so that
minutes pass at once. Beside it: the same second while all is well, and a batch of readings in the midst of the silence.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from bench.apply import PROFILE, store
from bench.results import table


def measure(folder: Path, assets: int, spread_s: int) -> None:
    """Have a source of so many cabinets speak, fall silent, and come back."""
    from django.core.management import call_command

    from beffroi.app.engine.decoding import Decoded, make_ready
    from beffroi.app.engine.knowing import learn
    from beffroi.foundation.clock import SECOND, now
    from beffroi.kernel.alarms import actions as alarms
    from beffroi.kernel.alarms.rules import parse_definitions
    from beffroi.kernel.journal.types import Actor, ActorKind
    from beffroi.kernel.twin import actions, queries
    from beffroi.kernel.twin.actions import Tally
    from beffroi.kernel.twin.rules import Heard

    call_command("migrate", interactive=False, verbosity=0)
    by = Actor(ActorKind.SYSTEM, "bench", "Banc")
    rows = (
        f"A-{k},lighting_cabinet,{5 + k % 300 / 3000:.4f},{47.3 + k // 300 / 9000:.4f},a,lighting"
        for k in range(assets)
    )
    (folder / "assets.csv").write_text("\n".join(["asset,class,lon,lat,name,source", *rows]) + "\n")
    began = time.perf_counter()
    actions.import_assets(folder / "assets.csv", by=by, at=now())
    print(f"{assets:,} assets imported in {time.perf_counter() - began:.1f} s, that of their source with them")
    alarms.publish_definitions(parse_definitions(PROFILE.read_text()), by=by, at=now())
    clock = now()
    (source,) = queries.sources()
    applier, _ = learn([source], make_ready([source])[0], clock=lambda: clock)
    stands = queries.get_asset("source:lighting").id
    ids = [asset for asset, *_ in queries.asset_index([source.id]) if asset != stands]
    found: dict[str, list[float]] = {}

    def second(phase: str, heard: list[int]) -> None:
        nonlocal clock
        clock += SECOND
        began = time.perf_counter()
        for first in range(0, len(heard), 5_000):
            some = heard[first : first + 5_000]
            reports: list[Heard] = [(asset, clock, clock, 0, {"voltage_v": 231.0}) for asset in some]
            tally = Tally(received=len(some), stored=len(some), last_received_at=clock)
            applier.apply([], Decoded(heard=reports, tallies={source.id: tally}))
        between = time.perf_counter()
        applier.tick()
        found.setdefault(f"{phase}, readings", []).append(between - began)
        found.setdefault(f"{phase}, tick", []).append(time.perf_counter() - between)

    def some(k: int) -> list[int]:
        return ids[k % 60 :: spread_s] if k % 60 < spread_s else []

    for k in range(120):
        second("all is well", some(k))
    for _ in range(60 - spread_s):
        second("no report", [])
    for _ in range(239):
        second("no report", [])
    for _ in range(3):
        second("the source's alarm", [])
    for _ in range(118):
        second("no report", [])
    for _ in range(180):
        second("its equipment falls silent", [])
    for k in range(180):
        second("it is back", some(k))
    shown = []
    for phase, took in found.items():
        if any(took) and max(took) > 1e-4:
            ordered = sorted(took)
            shown.append((phase, len(took), f"{ordered[len(took) // 2] * 1e3:.1f}", f"{ordered[-1] * 1e3:.1f}"))
    print(table(("what the second held", "seconds", "median ms", "longest ms"), shown))
    from collections import Counter

    from beffroi.kernel.alarms.models import Alarm

    print(dict(Counter(f"{code} {state}" for code, state in Alarm.objects.values_list("code", "state"))))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.silence", description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--spread", type=int, default=60, help="seconds over which the reports of a minute are spread")
    options = parser.parse_args()
    os.environ.setdefault("BEFFROI_PARTITIONS", "8")
    with store() as folder:
        measure(folder, options.assets, options.spread)


if __name__ == "__main__":
    main()

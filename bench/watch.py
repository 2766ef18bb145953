"""What watching costs: microseconds per reading, by size of batch, on 100,000 assets.

Run: `python bench/watch.py`. The limit beside it: one numpy comparison and one binary search of the same batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms.rules import Watch, parse_definitions

PROFILE = Path(__file__).parent.parent / "src/beffroi/app/profile/alarms.yaml"
ASSETS = 100_000
SHARES = (("light_point", 0.9), ("lighting_cabinet", 0.03), ("building", 0.03), ("sensor", 0.04))
ABNORMAL = 0.02
ROUNDS = 200


def inventory() -> list[tuple[int, str]]:
    classes = [name for name, share in SHARES for _ in range(round(ASSETS * share))]
    return [(3 * place + 17, name) for place, name in enumerate(classes)]


def seconds_per_round(act: Callable[[int], None]) -> float:
    for place in range(5):
        act(place)
    began = time.perf_counter()
    for place in range(ROUNDS):
        act(place)
    return (time.perf_counter() - began) / ROUNDS


def measure(size: int) -> tuple[float, float]:
    """Return microseconds per reading of the watch, and of its bare limit."""
    noise = np.random.default_rng(7)
    assets = inventory()
    ids = np.array([asset for asset, name in assets if name == "light_point"], np.int64)
    watch = Watch(parse_definitions(PROFILE.read_text()), assets)
    faulty = noise.choice(ids, int(len(ids) * ABNORMAL), replace=False)
    batches = [np.sort(noise.choice(ids, size, replace=False)) for _ in range(20)]
    values = [np.where(np.isin(batch, faulty), 2.0, 1.0) for batch in batches]
    volts = [noise.normal(231, 3, size) for _ in batches]

    def one(place: int) -> None:
        batch, at = batches[place % 20], np.full(size, place * SECOND, np.int64)
        watch.observe("lamp_state", batch, values[place % 20], at)
        watch.observe("voltage_v", batch, volts[place % 20], at)
        watch.due(place * SECOND)

    def bare(place: int) -> None:
        batch = batches[place % 20]
        for column in (values[place % 20], volts[place % 20]):
            np.searchsorted(ids, batch)
            np.flatnonzero(column == 2.0)

    return seconds_per_round(one) / (2 * size) * 1e6, seconds_per_round(bare) / (2 * size) * 1e6


def main() -> None:
    for size in (100, 1_000, 5_000):
        ours, limit = measure(size)
        print(f"batch of {size:>5} reports: {ours:.3f} us a reading; bare limit {limit:.3f}; ratio {limit / ours:.2f}")


if __name__ == "__main__":
    main()

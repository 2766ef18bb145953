"""Measures the readings path: `python -m bench.ingest` (about 20 minutes; `--seconds 10 --rates 500` for a trial).

For each flush setting a post is started on 100,000 light points with the alarm rules on. Each offered rate is held, then
everything acknowledged is sought in the store. Beside it, in the same run, stand the bare limits. It asserts nothing
about time; it ends with 1 when the store does not hold exactly what was acknowledged.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.compare import compare, wait_drained
from bench.limits import BareBus, bare_bus, bare_copy
from bench.listen import Watchers, WatchSpec, percentiles_ms
from bench.load import Load, LoadSpec
from bench.mqtt import Login
from bench.post import Post, Usage
from bench.results import save, shown, table

PROBES = 8
SOURCES = 4
PROBE_EVERY_S = 1.1
RATES = {"always": (500, 2_000, 4_000), "200ms": (5_000, 10_000)}
WITNESS_S = 10.0
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is common to all runs of one post."""

    post: Post
    logins: tuple[Login, ...]
    cookie: str | None
    assets: int
    quantities: int


def hold(trial: Trial, rate: float, seconds: float) -> Figures:
    """Offer a rate for a time (0: as fast as it is acknowledged), then compare; return the figures."""
    before_counts, before_usage = trial.post.counters(), trial.post.usage()
    watchers = Watchers(WatchSpec(trial.post.bus_url(), trial.post.url, trial.cookie, PROBES))
    began, ours = time.time_ns() // 1000, os.times()
    spec = LoadSpec(
        trial.logins,
        trial.assets,
        rate,
        seconds,
        probes=PROBES,
        probe_every=max(1, round((rate or 5_000) * PROBE_EVERY_S / PROBES)),
        quantities=trial.quantities,
    )
    record = Load(spec).finish(within_s=seconds + 120)
    sent_until = time.time_ns() // 1000
    drained_s = wait_drained(trial.post, before_counts["received"] + record.acknowledged)
    usage = trial.post.usage()
    watched = watchers.finish()
    subscriber, screen = watched.between(began, sent_until)
    stored = trial.post.counters()["stored"] - before_counts["stored"]
    found = compare(trial.post, record, trial.quantities)
    acknowledged_at = record.acked_at[record.acked_at > 0]
    return {
        "offered_per_s": rate,
        "acknowledged_per_s": record.rate_per_s,
        "stored_per_s": stored / (record.seconds + drained_s),
        "seconds": record.seconds,
        "drained_s": drained_s,
        "stored_counter": stored,
        "comparison": found.figures(),
        "puback_ms": percentiles_ms(acknowledged_at - record.observed_at[record.acked_at > 0]),
        "subscriber_ms": percentiles_ms(subscriber),
        "screen_ms": percentiles_ms(screen),
        "screen_values": len(screen),
        "watchers_fault": watched.fault,
        "cpu_s": _spent(before_usage, usage),
        "memory_mb": {name: round(each.memory_bytes / 1e6, 1) for name, each in usage.items()},
        "generator_cpu_s": record.cpu_s,
        "harness_cpu_s": os.times().user - ours.user,
    }


def _spent(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, float]:
    return {name: round(after[name].cpu_s - each.cpu_s, 1) for name, each in before.items() if name in after}


def drain(trial: Trial, backlog: int) -> Figures:
    """Let a backlog gather while the engine is stopped (SIGSTOP), then time how long it takes to apply it."""
    before = trial.post.counters()["received"]
    engine = trial.post.processes()["engine-1"]
    time.sleep(1.5)  # the engine is between two batches: nothing comes
    os.kill(engine, signal.SIGSTOP)
    try:
        spec = LoadSpec(trial.logins, trial.assets, 0, 300, quantities=trial.quantities, most_messages=backlog)
        record = Load(spec).finish(within_s=400)
        cpu = trial.post.usage()
    finally:
        os.kill(engine, signal.SIGCONT)
    took = wait_drained(trial.post, before + record.acknowledged, within_s=300)
    spent = _spent(cpu, trial.post.usage())  # before the comparison, which is work of its own for PostgreSQL
    found = compare(trial.post, record, trial.quantities)
    return {
        "backlog": record.acknowledged,
        "loading_per_s": record.rate_per_s,
        "seconds": took,
        "applied_per_s": record.acknowledged / took if took else None,
        "comparison": found.figures(),
        "cpu_s": spent,
    }


def measure(sync: str, rates: Sequence[int], options: argparse.Namespace) -> Figures:
    """Measure one flush setting: the bare limits, a post at each rate, a flood, a backlog."""
    _say(f"sync_interval {sync}: bare bus …")
    bus = bare_bus(sync, min(WITNESS_S, options.seconds), sources=SOURCES)
    _say(f"  {bus.messages_per_s:,.0f} acknowledged/s, {bus.acknowledged} acknowledged, {bus.kept} kept")
    with Post(sync_interval=sync, keep=options.keep) as post:
        _say(f"post ready in {post.start_s:.1f} s; importing {options.assets} assets …")
        logins = post.equip(options.assets, probes=PROBES, sources=SOURCES)
        trial = Trial(post, logins, _session(post), options.assets, options.quantities)
        _settle(post)
        runs = []
        for rate in rates:
            runs.append(hold(trial, rate, options.seconds))
            _say(_line(runs[-1]))
        copied = bare_copy(post.owner_url(), min(5.0, options.seconds))
        flood = hold(trial, 0, min(20.0, options.seconds))
        _say("flood: " + _line(flood))
        backlog = drain(trial, options.backlog) if options.backlog else {}
    return {
        "sync_interval": sync,
        "start_s": post.start_s,
        "bare_bus": asdict(bus),
        "bare_copy_rows_per_s": copied,
        "runs": runs,
        "flood": flood,
        "backlog": backlog,
        "ratio": _ratio(flood, bus, copied, options.quantities),
    }


def _ratio(flood: Figures, bus: BareBus, copied: float, quantities: int) -> Figures:
    stored = flood["stored_per_s"]
    limit = min(bus.messages_per_s, copied / quantities)
    return {
        "stored_to_bare_bus": stored / bus.messages_per_s,
        "values_to_bare_copy": stored * quantities / copied,
        "stored_to_limit": stored / limit,
    }


def _session(post: Post) -> str | None:
    try:
        return post.sign_in()
    except (OSError, RuntimeError) as error:
        _say(f"no screen in this run: {error}")
        return None


def _settle(post: Post) -> None:
    """Wait until the engine has taken up the inventory: its partitions have been quiet for two seconds."""
    quiet = 0
    while quiet < 4:
        before = post.usage()["engine-1"].cpu_s
        time.sleep(0.5)
        quiet = quiet + 1 if post.usage()["engine-1"].cpu_s - before < 0.1 else 0


def _line(run: Figures) -> str:
    found = run["comparison"]
    return (
        f"{run['offered_per_s'] or 'all'}/s: {found['acknowledged']} acknowledged, {found['stored']} stored,"
        f" stands={found['stands']}, subscriber {run['subscriber_ms']} ms, screen {run['screen_ms']} ms,"
        f" drained {run['drained_s']:.2f} s after"
    )


def report(measured: Sequence[Figures]) -> str:
    """Return the tables for people."""
    head = ("flush", "offered/s", "acked/s", "acknowledged", "stored", "rows", "lost", "doubled", "PUBACK p50/p99 ms",
            "subscriber p50/p99 ms", "screen p50/p99 ms", "CPU s: nats, postgres, engine, live, web, worker")  # fmt: skip
    rows = []
    for each in measured:
        for run in [*each["runs"], each["flood"]]:
            found, cpu = run["comparison"], run["cpu_s"]
            rows.append((
                each["sync_interval"],
                run["offered_per_s"] or "flood",
                shown(run["acknowledged_per_s"], 0),
                found["acknowledged"],
                found["stored"],
                found["rows"],
                found["lost"],
                found["doubled"],
                *("/".join(shown(part) for part in run[name]) for name in ("puback_ms", "subscriber_ms", "screen_ms")),
                ", ".join(shown(cpu.get(n)) for n in ("nats-server", "postgres", "engine-1", "live", "web", "worker")),
            ))  # fmt: skip
    limits = table(
        ("flush", "bare bus msg/s", "bare COPY rows/s", "flood stored/s", "/ bare bus", "/ bare COPY", "/ limit",
         "backlog", "drained msg/s"),
        [(
            each["sync_interval"],
            shown(each["bare_bus"]["messages_per_s"], 0),
            shown(each["bare_copy_rows_per_s"], 0),
            shown(each["flood"]["stored_per_s"], 0),
            *(shown(each["ratio"][n], 2) for n in ("stored_to_bare_bus", "values_to_bare_copy", "stored_to_limit")),
            each["backlog"].get("backlog", "-"),
            shown(each["backlog"].get("applied_per_s"), 0),
        ) for each in measured],
    )  # fmt: skip
    return f"{table(head, rows)}\n\n{limits}\n\n{_memory(measured)}"


def _memory(measured: Sequence[Figures]) -> str:
    last = measured[-1]["runs"][-1]["memory_mb"] if measured[-1]["runs"] else measured[-1]["flood"]["memory_mb"]
    shares = ", ".join(f"{name} {size:.0f}" for name, size in sorted(last.items(), key=lambda item: -item[1]))
    return f"Memory of the post (proportional set size), MB: {sum(last.values()):.0f} ({shares})"


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="for each rate")
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--quantities", type=int, default=4, choices=(1, 2, 3, 4), help="in each message")
    parser.add_argument("--sync", choices=(*RATES, "both"), default="both", help="flush setting of the bus")
    parser.add_argument("--rates", type=lambda text: tuple(map(int, text.split(","))), help="instead of the usual ones")
    parser.add_argument("--backlog", type=int, default=300_000, help="messages to drain; 0: none (200ms alone)")
    parser.add_argument("--keep", action="store_true", help="leave the post's folder in place")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print, save."""
    options = _options()
    measured = []
    for sync in RATES if options.sync == "both" else (options.sync,):
        once = argparse.Namespace(**{**vars(options), "backlog": options.backlog if sync != "always" else 0})
        measured.append(measure(sync, options.rates if options.rates is not None else RATES[sync], once))
    print(report(measured))
    file = save("ingest", {"options": vars(options), "measured": measured})
    print(f"\nsaved in {file}")
    runs = [run for each in measured for run in [*each["runs"], each["flood"], each["backlog"]] if run]
    if not all(run["comparison"]["stands"] for run in runs):
        print("THE STORE DOES NOT HOLD EXACTLY WHAT WAS ACKNOWLEDGED")
        sys.exit(1)


if __name__ == "__main__":
    main()

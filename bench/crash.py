"""Kills processes of a post under load: `python -m bench.crash --rounds 50` (`make crash ROUNDS=50`).

Each round one process, chosen by the seed, gets SIGKILL while 2,000 readings a second come in; then the time until that
part runs anew and `/health/ready` answers 200 is taken. At the end the store must hold every acknowledged reading exactly
once and nothing that was not sent, the alarms and incidents that those readings call for must stand once each, and so must
the journal. Ends with 1 when they do not, or when the post stays down.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.compare import compare, wait_drained
from bench.effects import settled
from bench.load import Load, LoadSpec
from bench.post import Post
from bench.results import save, shown, table

PARTS = ("nats-server", "postgres", "engine-1", "live", "worker", "web", "connectors", "front")
GIVE_UP_S = 60.0
CABINETS = 20
GOAL_S = 10.0


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: which part, how long until the post was ready again (None: it was given up), how long until readings
    were stored again."""

    number: int
    part: str
    ready_s: float | None
    stored_s: float | None
    reasons: tuple[str, ...]


def kill(post: Post, number: int, part: str) -> Round:
    """Kill a part and wait until the post is whole again."""
    pid = post.processes()[part]
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    killed_at = time.time_ns() // 1000
    ready_s = stored_s = None
    reasons: list[str] = []
    while time.monotonic() - began < GIVE_UP_S and None in {ready_s, stored_s}:
        if ready_s is None and post.processes().get(part, pid) != pid:
            seen = post.reasons()
            reasons = seen or reasons
            if not seen:
                ready_s = time.monotonic() - began
        if stored_s is None and _stored_since(post, killed_at):
            stored_s = time.monotonic() - began
        time.sleep(0.05)
    return Round(number, part, ready_s, stored_s, tuple(reasons) if ready_s is None else ())


def order(parts: Sequence[str], rounds: int, choice: random.Random) -> list[str]:
    """Return which part to kill in each round: all of them in an order of chance, then all again in another."""
    found: list[str] = []
    while len(found) < rounds:
        found += choice.sample(parts, len(parts))
    return found[:rounds]


def _stored_since(post: Post, at: int) -> bool:
    """Tell whether a reading observed after an instant is in the store."""
    try:
        with post.database() as connection:
            row = connection.execute(
                "SELECT 1 FROM twin_position WHERE received_at > to_timestamp(%s / 1e6) LIMIT 1", [at]
            ).fetchone()
    except Exception:
        return False  # PostgreSQL is the one that was killed
    return row is not None


def crash(options: argparse.Namespace) -> dict[str, Any]:
    """Run the rounds; return the figures."""
    choice = random.Random(options.seed)
    parts = options.parts or PARTS
    with Post(sync_interval=options.sync, keep=options.keep) as post:
        _say(f"post ready in {post.start_s:.1f} s; importing {options.assets} assets …")
        logins = post.equip(options.assets, probes=0, sources=4, cabinets=CABINETS)
        spec = LoadSpec(logins, options.assets, options.rate, 0, fault_every=500, most_behind_s=0.5, cabinets=CABINETS)
        load = Load(spec)
        time.sleep(2)
        rounds = []
        for number, part in enumerate(order(parts, options.rounds, choice), 1):
            rounds.append(kill(post, number, part))
            _say(_line(rounds[-1]))
            time.sleep(choice.uniform(*options.pause))
        record = load.finish(now=True)
        wait_drained(post, record.acknowledged, within_s=120)
        found = compare(post, record, quantities=4)
        effects = settled(post, record)
        counters = post.counters()
        said = post.run("journal", "verify", check=False)
        reasons = post.reasons()
    return {
        "seed": options.seed,
        "sync_interval": options.sync,
        "rounds": [asdict(each) for each in rounds],
        "comparison": found.figures(),
        "effects": effects.figures(),
        "counters": counters,
        "load": {"losses": record.losses, "refusals": record.refusals, "skipped": record.skipped},
        "journal": said.strip(),
        "journal_stands": "the journal stands" in said,
        "ready_at_end": not reasons,
    }


def _line(each: Round) -> str:
    outcome = f"ready after {each.ready_s:.1f} s" if each.ready_s is not None else f"NOT READY: {each.reasons}"
    return f"{each.number:3} kill -9 {each.part:12} {outcome}, readings stored after {shown(each.stored_s)} s"


def report(figures: dict[str, Any]) -> str:
    """Return the table for people."""
    by_part: dict[str, list[dict[str, Any]]] = {}
    for each in figures["rounds"]:
        by_part.setdefault(each["part"], []).append(each)
    rows = []
    for part, rounds in by_part.items():
        ready = [each["ready_s"] if each["ready_s"] is not None else GIVE_UP_S for each in rounds]
        stored = [each["stored_s"] if each["stored_s"] is not None else GIVE_UP_S for each in rounds]
        past = sum(seconds > GOAL_S for seconds in ready)
        rows.append((part, len(rounds), shown(statistics.median(ready)), shown(max(ready)), past,
                     shown(statistics.median(stored)), shown(max(stored))))  # fmt: skip
    found = figures["comparison"]
    head = (
        "killed",
        "times",
        "ready: median s",
        "worst s",
        f"past {GOAL_S:.0f} s",
        "stored again: median s",
        "worst s",
    )
    lines = [
        table(head, rows),
        "",
        f"sent {found['sent']}, acknowledged {found['acknowledged']}, stored {found['stored']} "
        f"(of them {found['unacknowledged_stored']} unacknowledged), lost {found['lost']}, doubled {found['doubled']}, "
        f"partial {found['partial']}, invented {found['invented']}",
        f"connections lost {figures['load']['losses']}, refused and tried again {figures['load']['refusals']}",
        f"counters {figures['counters']}",
        f"effects {figures['effects']}",
        f"journal: {figures['journal']}",
    ]
    return "\n".join(lines)


def stands(figures: dict[str, Any]) -> bool:
    """Tell whether nothing was lost or doubled, the journal stands, and the post is whole again."""
    counted = figures["counters"]["stored"] == figures["comparison"]["stored"]
    return bool(
        figures["comparison"]["stands"]
        and figures["effects"]["stand"]
        and counted
        and figures["journal_stands"]
        and figures["ready_at_end"]
    ) and all(each["ready_s"] is not None for each in figures["rounds"])


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def _pause(text: str) -> tuple[float, float]:
    first, _, last = text.partition(",")
    return float(first), float(last or first)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, save."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--rate", type=float, default=2_000, help="readings a second")
    parser.add_argument("--assets", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sync", default="always", help="flush setting of the bus")
    parser.add_argument("--pause", type=_pause, default=(1.0, 4.0), help="seconds between rounds, from and to")
    parser.add_argument("--parts", type=lambda text: tuple(text.split(",")), help="kill these alone")
    parser.add_argument("--keep", action="store_true", help="leave the post's folder in place")
    options = parser.parse_args(arguments)
    figures = crash(options)
    print(report(figures))
    print(f"\nsaved in {save('crash', figures)}")
    if not stands(figures):
        print("THE POST DOES NOT STAND")
        sys.exit(1)


if __name__ == "__main__":
    main()

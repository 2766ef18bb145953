"""How long a post takes to start: the first time (the city is generated and imported), then with its data present.

Run: `python -m bench.start`. Beside each time stands the CPU that all processes took until `ready`: divided by the cores it
is the least that any order of starting could reach, and it moves far less with the neighbours than the time does.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.post import TICKS, Post


def cpu_s(root: int) -> float:
    """Return the CPU seconds of a process, of those below it, and of those of theirs that ended."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(folder.name)] = int(fields[1])
        spent[int(folder.name)] = sum(map(int, fields[11:15])) / TICKS
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(spent.get(process, 0.0) for process in family)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start, say how long it took, stop, as often as asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--starts", type=int, default=5, help="starts with the data present, after the first")
    parser.add_argument("--city", default="dijon", help="the generated city; empty: without one")
    parser.add_argument("--runs-s", type=float, default=5.0, help="seconds to run between two starts")
    options = parser.parse_args(arguments)
    post = Post(city=options.city)
    try:
        for number in range(options.starts + 1):
            post.start()
            assert post.process is not None
            what = "with data " if number else "first     "
            print(
                f"{what} {post.start_s:6.1f} s  CPU {cpu_s(post.process.pid):6.1f} s  load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            time.sleep(options.runs_s)
            post.stop()
    finally:
        post.__exit__()


if __name__ == "__main__":
    main()

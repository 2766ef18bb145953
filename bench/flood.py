"""Replay 300 alarms in 60 s before a real browser: rows added each second, announcements, groups, and pictures of it.

`python -m bench.flood [--alarms 300] [--seconds 60] [--pictures bench/results]`. Plays the journey of `tests/journeys/test_flood.py`
at its full length and prints what the screen did. Figures only; the journey itself holds the limits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

JOURNEY = "tests/journeys/test_flood.py::test_storm_is_gathered_says_so_and_never_hides_a_priority_1"


def main() -> int:
    """Run the journey and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alarms", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pictures", type=Path, default=Path("bench/results"))
    asked = parser.parse_args()
    asked.pictures.mkdir(parents=True, exist_ok=True)
    wanted = {
        "BEFFROI_FLOOD_ALARMS": str(asked.alarms),
        "BEFFROI_FLOOD_S": str(asked.seconds),
        "BEFFROI_FLOOD_PICTURES": str(asked.pictures.absolute()),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", JOURNEY, "-q", "-n", "0"], env=os.environ | wanted, check=False
    )
    print((asked.pictures / "storm.json").read_text())
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

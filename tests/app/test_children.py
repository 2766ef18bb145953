"""What a process started by `spawn` does when who started it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.app.conftest import wait_for

DEAF = """
import signal, threading
from beffroi.app.embedded.children import end_with_parent
signal.signal(signal.SIGINT, signal.SIG_IGN)
end_with_parent(within_s=0.1)
def waits_for_ever():
    threading.Event().wait()
waits_for_ever()
"""
STARTS = """
import pathlib, sys, threading
from beffroi.app.embedded.children import spawn
print(spawn([sys.executable, "-c", sys.argv[1]], output=pathlib.Path(sys.argv[2])).pid, flush=True)
threading.Event().wait()
"""
ALONE = """
import threading
from beffroi.app.embedded.children import end_with_parent
end_with_parent()
print(threading.active_count())
"""


def test_child_that_cannot_stop_says_where_it_stands_and_ends_with_its_parent(tmp_path: Path) -> None:
    words = tmp_path / "words.log"
    parent = subprocess.Popen([sys.executable, "-c", STARTS, DEAF, str(words)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    tasks = Path(f"/proc/{child}/task")
    wait_for(lambda: tasks.exists() and len(list(tasks.iterdir())) > 1, "it watches")
    parent.kill()
    parent.wait()
    wait_for(lambda: not runs(child), "the child has ended")
    assert "waits_for_ever" in words.read_text()


def test_child_started_by_a_person_is_left_alone() -> None:
    said = subprocess.run(
        [sys.executable, "-c", ALONE],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "BEFFROI_PARENT_PID"},
    )
    assert said.stdout.strip() == "1"


def runs(pid: int) -> bool:
    """Tell whether a process still runs: a dead one that nobody asked after does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, ProcessLookupError):
        return False

"""The embedded PostgreSQL when something else was there first: a server left behind, a folder of somebody's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from beffroi.app.embedded import children
from beffroi.app.embedded import postgres as module
from beffroi.app.embedded.postgres import Postgres
from beffroi.foundation.errors import Misconfigured, Unreachable
from tests.app.conftest import wait_for


def _server(folder: Path) -> Postgres:
    return Postgres(
        folder / "postgres",
        secrets=folder / "secrets",
        log=folder / "postgres.log",
        overrides={"shared_buffers": "16MB"},
    )


def test_a_server_left_behind_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _server(tmp_path)
    first.start()
    try:
        monkeypatch.setattr(module, "_RETRY_FOR_S", 0.5)
        with pytest.raises(Unreachable, match=r"postmaster\.pid"):
            _server(tmp_path).start()
    finally:
        first.stop()


@pytest.mark.parametrize("interrupts", ["SIG_DFL", "SIG_IGN"])
def test_what_runs_as_another_user_is_still_told_of_our_end(tmp_path: Path, interrupts: str) -> None:
    """A change of user forgets it: asked for before alone, PostgreSQL outlived a supervisor that was killed.

    What a shell puts in the background ignores SIGINT, and so would its children: told of our end, they lived on.
    """
    sleeping = children.as_unprivileged(["sleep", "60"], Path("/usr/bin"))
    parent = (
        "import os, signal, sys, time\\n"
        f"signal.signal(signal.SIGINT, signal.{interrupts})\\n"
        "from pathlib import Path\\n"
        "from beffroi.app.embedded.children import spawn\\n"
        "child = spawn(sys.argv[2:], output=Path(sys.argv[1]))\\n"
        "while Path(f'/proc/{child.pid}/comm').read_text().strip() != 'sleep': time.sleep(0.01)\\n"
        "print(child.pid, flush=True)\\n"
        "os._exit(0)\\n"
    ).replace("\\n", "\n")
    said = subprocess.run(
        [sys.executable, "-c", parent, str(tmp_path / "words"), *sleeping],
        capture_output=True,
        text=True,
        check=True,
    )
    child = Path(f"/proc/{said.stdout.strip()}")

    def ended() -> bool:
        try:
            return child.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_for(ended, "the end of what we left", 10)


@pytest.mark.parametrize("kind", ["link", "open"])
def test_sockets_are_not_put_in_a_folder_that_others_prepared(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "sockets"
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(Misconfigured, match="remove it"):
        module._own_folder(folder)

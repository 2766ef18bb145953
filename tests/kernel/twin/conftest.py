"""A small twin on the real database. Places and equipment are invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from beffroi.foundation.clock import SECOND
from beffroi.kernel.journal.types import Actor, ActorKind

NOW = 1_780_000_000 * SECOND
BY = Actor(ActorKind.PERSON, "technicien", "Le technicien")
HEADER = "asset,class,lon,lat,name,source"
Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a CSV file from its lines."""

    def write(lines: Sequence[str], name: str = "assets.csv") -> Path:
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    return write

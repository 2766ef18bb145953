"""A small twin on the real database. Places and equipment are invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from beffroi.foundation.clock import SECOND
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.twin.actions import import_assets
from beffroi.kernel.twin.queries import get_asset

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


@pytest.fixture
def light(written: Written) -> int:
    """Number of one light point of the source `lighting`."""
    import_assets(written([HEADER, "A-1,light_point,5.04,47.32,Lampadaire 1,lighting"]), by=BY, at=NOW)
    return get_asset("A-1").id

"""A small generated city, made once for the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from beffroi.rehearsal import generate
from beffroi.rehearsal.inventory import Inventory, read_inventory

SEED = 7


@pytest.fixture(scope="session")
def bourg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small city's files."""
    folder = tmp_path_factory.mktemp("bourg")
    generate("bourg", SEED, folder)
    return folder


@pytest.fixture(scope="session")
def bourg_inventory(bourg: Path) -> Inventory:
    """The small city as its simulated equipment reads it."""
    return read_inventory(bourg)

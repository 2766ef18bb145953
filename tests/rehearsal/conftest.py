"""A small generated city, made once for the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from beffroi.rehearsal import generate

SEED = 7


@pytest.fixture(scope="session")
def bourg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small city's files."""
    folder = tmp_path_factory.mktemp("bourg")
    generate("bourg", SEED, folder)
    return folder

"""What the connectors' tests share: the folder of real captures, frames, garbage."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a real capture of the shared folder, which is read and never committed; skip where it is absent."""
    folder = Path(os.environ.get("BEFFROI_SHARED", ROOT / ".." / "shared"))

    def find(name: str) -> Path:
        path = folder / "data" / name
        if not path.exists():
            pytest.skip(f"the shared folder of real captures has no {name} (set BEFFROI_SHARED to where it is)")
        return path

    return find

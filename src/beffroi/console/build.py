"""Where the built scripts and style are: the names that Vite gave them, from its manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_BUILD = Path(__file__).parent / "static" / "build"
_ENTRY = "src/console.ts"


@dataclass(frozen=True, slots=True)
class Build:
    """Paths under `/static/` of what a page loads. Empty while `make setup` has not built them."""

    script: str = ""
    styles: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def build() -> Build:
    """Return the built files, read once for the life of the process: a new build comes with a restart."""
    try:
        entry = json.loads((_BUILD / "manifest.json").read_text())[_ENTRY]
    except FileNotFoundError:
        return Build()
    return Build(f"build/{entry['file']}", tuple(f"build/{name}" for name in entry.get("css", ())))

"""Where the built scripts and style are: the names that Vite gave them, from its manifest. And the worker of crews' phones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_BUILD = Path(__file__).parent / "static" / "build"
_ENTRY = "src/console.ts"
_CREW, _WORKER = "src/crew/crew.ts", "src/crew/worker.ts"


@dataclass(frozen=True, slots=True)
class Build:
    """Paths under `/static/` of what a page loads. Empty while `make setup` has not built them."""

    script: str = ""
    styles: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def build() -> Build:
    """Return the built files, read once for the life of the process: a new build comes with a restart."""
    return _built(_ENTRY)


@lru_cache(maxsize=1)
def crew_build() -> Build:
    """Return the built files of the crews' pages."""
    return _built(_CREW)


@lru_cache(maxsize=1)
def crew_worker() -> str:
    """Return the service worker of the crews' pages: what it keeps, under a name that changes with it, then its script."""
    manifest, worker = _manifest(), _manifest("worker.json")
    if _WORKER not in worker or _CREW not in manifest:
        return ""
    kept = [f"/static/build/{name}" for name in sorted(_needed(manifest, _CREW))]
    script = (_BUILD / worker[_WORKER]["file"]).read_text()
    name = hashlib.sha256(json.dumps([kept, script]).encode()).hexdigest()[:16]
    return f"self.KEPT = {json.dumps(kept)};\nself.NAME = {json.dumps(name)};\n{script}"


def _needed(manifest: dict[str, Any], entry: str) -> set[str]:
    """Return every file that an entry loads: scripts that it imports, style, fonts."""
    told = manifest[entry]
    files = {told["file"], *told.get("css", ()), *told.get("assets", ())}
    return files.union(*(_needed(manifest, each) for each in told.get("imports", ())))


def _manifest(name: str = "manifest.json") -> dict[str, Any]:
    try:
        return dict(json.loads((_BUILD / name).read_text()))
    except FileNotFoundError:
        return {}


def _built(name: str) -> Build:
    manifest = _manifest()
    if name not in manifest:
        return Build()
    return Build(f"build/{manifest[name]['file']}", tuple(f"build/{style}" for style in _styles(manifest, name)))


def _styles(manifest: dict[str, Any], entry: str) -> list[str]:
    """Return the style of an entry, after that of what it imports: what two entries share stands apart."""
    told = manifest[entry]
    shared = [style for each in told.get("imports", ()) for style in _styles(manifest, each)]
    return [*shared, *told.get("css", ())]

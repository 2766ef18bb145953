"""The house keeps its shape: import floors, tables that belong to their room, no drawers, no blobs, nothing left for later."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "beffroi"
MOST_LINES = 500
MOST_BYTES = 300_000
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "shared", "lib"}
LEFT_FOR_LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
GENERATED = {"package-lock.json", "dev.txt", "runtime.txt"}


@lru_cache(maxsize=1)
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("beffroi", cache_dir=None)


def sources(*suffixes: str) -> list[Path]:
    """What people write in src and web: nothing built, nothing installed."""
    roots = (SOURCES, ROOT / "web" / "src")
    files = (file for root in roots for file in root.rglob("*") if file.suffix in suffixes)
    return [file for file in files if "static/build" not in str(file)]


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: the repository's files cannot be listed")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def named(files: list[Path]) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for file in files)


def test_the_floors_of_the_house_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    said = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-3000:]


def test_a_rooms_tables_are_touched_by_that_room_alone() -> None:
    strangers = []
    for module in graph().modules:
        if not module.endswith(".models"):
            continue
        room = module.rpartition(".")[0]
        importers = graph().find_modules_that_directly_import(module)
        strangers += [f"{each} -> {module}" for each in importers if not f"{each}.".startswith(f"{room}.")]
    assert sorted(strangers) == []


def test_a_rooms_front_holds_its_words_only() -> None:
    """Purity is checked through indirect imports: an `__init__` that imports would break it for the whole room."""
    rooms = [SOURCES / "kernel", *(SOURCES / "kernel").iterdir(), *(SOURCES / "connectors").iterdir()]
    fronts = [room / "__init__.py" for room in rooms if (room / "__init__.py").is_file()]
    assert len(fronts) > 5
    assert named([front for front in fronts if re.search(r"^\s*(from|import) ", front.read_text(), re.MULTILINE)]) == []


def test_there_are_no_drawers() -> None:
    assert named([file for file in sources(".py", ".ts") if file.stem.lower() in DRAWERS]) == []
    assert named([file.parent for file in sources(".py", ".ts") if file.parent.name.lower() in DRAWERS]) == []


def test_files_can_be_held_in_the_head() -> None:
    files = sources(".py", ".ts", ".css")
    assert len(files) > 50
    assert named([file for file in files if len(file.read_text().splitlines()) > MOST_LINES]) == []


def test_nothing_is_left_for_later() -> None:
    assert (
        named([file for file in sources(".py", ".ts", ".css", ".html") if LEFT_FOR_LATER.search(file.read_text())])
        == []
    )


def test_no_large_file_is_committed() -> None:
    large = [file for file in committed() if file.stat().st_size > MOST_BYTES and file.name not in GENERATED]
    assert named(large) == []


def test_nothing_built_or_kept_is_committed() -> None:
    kept = {"node_modules", "__pycache__", ".venv", "var", "build", "dist"}
    assert named([file for file in committed() if kept & set(file.relative_to(ROOT).parts)]) == []

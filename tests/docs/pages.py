"""The documentation as the tests read it: pages, tables, links, code blocks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def pages() -> list[Path]:
    """Every page: docs/ and the papers at the root of the repository, and deploy/."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose_of(page: Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", page.read_text())


def blocks_of(page: Path, language: str) -> list[str]:
    return [match["body"] for match in _FENCE.finditer(page.read_text()) if match["language"] == language]


def links_of(page: Path) -> list[str]:
    return [match["target"] for match in _LINK.finditer(prose_of(page))]


def titles_of(page: Path) -> list[str]:
    return [line for line in prose_of(page).splitlines() if line.startswith("# ")]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a forge gives to a page's headings."""
    headings = [line.lstrip("#").strip() for line in prose_of(page).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    level = heading.split(" ", 1)[0]
    found: list[str] = []
    inside = False
    for line in page.read_text().splitlines():
        if line == heading:
            inside = True
        elif inside and re.match(rf"#{{1,{len(level)}}} ", line):
            break
        elif inside:
            found.append(line)
    return "\n".join(found)


def rows_of(text: str) -> list[list[str]]:
    """The cells of every table row, headers and rules left out."""
    found: list[list[str]] = []
    lines = text.splitlines()
    for place, line in enumerate(lines):
        follows = lines[place + 1] if place + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("| ---") and not follows.startswith("| ---"):
            found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def words_in_code(text: str) -> list[str]:
    """What stands between single backquotes."""
    return re.findall(r"`([^`]+)`", text)

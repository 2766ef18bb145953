"""Every page is sound: one title, links that lead somewhere, no address that is not ours to name."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, anchors_of, links_of, name_of, pages, titles_of

PAGES = pages()
FOLDERS = {"tutorials", "how-to", "reference", "explanation", "decisions", "images"}
NO_REGISTRIES = re.compile(
    r"\b(?:pypi\.(?:org|python\.org)|files\.pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com"
    r"|deb\.debian\.org|docker\.io|ghcr\.io|quay\.io|crates\.io)\b"
)
NO_MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title_on_its_first_line(page: Path) -> None:
    assert titles_of(page) == [page.read_text().splitlines()[0]]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


def test_titles_are_each_used_once() -> None:
    titles = [title for page in PAGES for title in titles_of(page)]
    assert sorted(titles) == sorted(set(titles))


def test_the_index_leads_to_every_page_of_its_folders() -> None:
    indexes = [DOCS / "index.md", *(page for page in PAGES if page.name == "index.md" and page != DOCS / "index.md")]
    led = {(index.parent / link.partition("#")[0]).resolve() for index in indexes for link in links_of(index)}
    missing = [name_of(page) for page in DOCS.rglob("*.md") if page != DOCS / "index.md" and page.resolve() not in led]
    assert missing == []


def test_docs_holds_no_other_folder() -> None:
    assert {path.name for path in DOCS.iterdir() if path.is_dir()} <= FOLDERS


def committed_texts() -> list[Path]:
    """Every text file of the repository as git knows it, outside lock files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: the repository's files cannot be listed")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and file.name != "package-lock.json"]


def test_the_repository_names_no_registry_and_no_machine_path() -> None:
    found = []
    for file in committed_texts():
        if file == Path(__file__):
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if NO_REGISTRIES.search(text) or NO_MACHINE_PATHS.search(text):
            found.append(name_of(file))
    assert found == []


def test_lock_files_name_no_host() -> None:
    locked = [*(ROOT / "requirements").glob("*.txt"), ROOT / "web" / "package-lock.json"]
    assert [name_of(file) for file in locked if NO_REGISTRIES.search(file.read_text())] == []

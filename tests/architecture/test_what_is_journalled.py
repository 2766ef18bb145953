"""Every verb of the journal against a reviewed table: who does it, what it asks, who may read it, what it tells.

`journal_verbs.csv` beside this file is that table. A verb that the code writes and the table lacks fails, and the reverse.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from beffroi.kernel.journal.types import Sensitivity
from tests.docs.pages import DOCS, rows_of, section, words_in_code

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "src" / "beffroi" / "kernel"
TABLE = Path(__file__).parent / "journal_verbs.csv"
VERB = re.compile(r"[a-z]+(_[a-z]+)+")
NO_LINE = re.compile(r"objects|links|values_list|order_by|select_related|^(F|Actor|getattr)$|\.get$|_analyse|number_of")
"""Calls whose words are no verbs: fields of tables, names of rules."""

NO_VERB = {"mqtt_json"}


@lru_cache(maxsize=1)
def table() -> tuple[dict[str, str], ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def rooms() -> list[str]:
    return list(dict.fromkeys(row["room"] for row in table()))


@lru_cache(maxsize=16)
def sources(room: str) -> tuple[str, ...]:
    files = [*(KERNEL / room).glob("actions/*.py"), *(KERNEL / room).glob("actions.py")]
    assert files, room
    return tuple(file.read_text() for file in sorted(files))


def _words(call: ast.Call) -> Iterator[str]:
    given = [*call.args, *(each.value for each in call.keywords if each.arg == "verb")]
    for argument in given:
        for each in [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]:
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and VERB.fullmatch(each.value):
                yield each.value


def written(room: str) -> set[str]:
    """Return what looks like a verb among what the room's writes pass on."""
    calls = [node for text in sources(room) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return {word for call in calls if not NO_LINE.search(ast.unparse(call.func)) for word in _words(call)} - NO_VERB


def acts(room: str) -> dict[str, tuple[ast.FunctionDef, str]]:
    """Return the room's functions by their name, with their text."""
    return {
        node.name: (node, ast.get_source_segment(text, node) or "")
        for text in sources(room)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


def test_every_room_that_writes_in_the_journal_is_in_the_table() -> None:
    writers = {
        file.relative_to(KERNEL).parts[0] for file in KERNEL.rglob("actions*/*.py") if "Entry(" in file.read_text()
    } | {file.parent.name for file in KERNEL.glob("*/actions.py") if "Entry(" in file.read_text()}
    assert writers == set(rooms())


@pytest.mark.parametrize("room", rooms())
def test_every_verb_that_is_written_is_in_the_table(room: str) -> None:
    lacking = sorted(written(room) - {row["verb"] for row in table()})
    assert lacking == [], f"add rows to {TABLE.name}: room,verb,by,asks,sensitivity,encrypted,tells"


@pytest.mark.parametrize("room", rooms())
def test_every_verb_of_the_table_is_written(room: str) -> None:
    code = "\n".join(file.read_text() for file in (KERNEL / room).rglob("*.py"))
    assert [row["verb"] for row in table() if row["room"] == room and f'"{row["verb"]}"' not in code] == []


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row['room']}-{row['verb']}")
def test_each_verb_asks_what_the_table_says(row: dict[str, str]) -> None:
    assert row["tells"], "say what the line tells"
    assert row["by"] in {"person", "rule", "system", "person or rule", "person or system"}
    assert row["sensitivity"] in set(Sensitivity)
    act = acts(row["room"]).get(row["verb"])
    if act is None:
        return
    node, text = act
    taken = {each.arg for each in [*node.args.args, *node.args.kwonlyargs]}
    asked = "reason" if "reason" in taken else "purpose" if "purpose" in taken else ""
    assert (asked, "yes" if re.search(r"\bpersonal\b", text) else "") == (row["asks"], row["encrypted"])


@pytest.mark.parametrize("room", rooms())
def test_no_room_writes_with_another_sensitivity_than_the_table(room: str) -> None:
    named = {name.lower() for text in sources(room) for name in re.findall(r"sensitivity=Sensitivity\.(\w+)", text)}
    assert named <= {row["sensitivity"] for row in table() if row["room"] == room}


def test_the_reference_names_no_other_verb() -> None:
    known = {(row["room"], row["verb"]) for row in table()}
    rows = rows_of(section(DOCS / "reference" / "journal.md", "## Verbs"))
    assert {(row[0].strip("`"), verb) for row in rows for verb in words_in_code(row[1])} - known == set()

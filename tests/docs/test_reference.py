"""The reference says what the code says: settings, commands, quantities, classes, metrics, dependencies, words."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator

import click
import pytest

from beffroi.app.commands import main
from beffroi.app.registry import CONNECTORS
from beffroi.foundation.settings import Settings
from beffroi.foundation.units import STATES, UNITS
from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.twin.types import CLASSES
from tests.docs.pages import DOCS, ROOT, blocks_of, name_of, pages, rows_of, section, words_in_code

REFERENCE = DOCS / "reference"
COMMANDS = REFERENCE / "commands.md"
QUANTITIES = REFERENCE / "quantities.md"


# -- settings ------------------------------------------------------------------------------------------------------


def test_every_setting_is_documented_word_for_word() -> None:
    expected = []
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        expected.append([f"`BEFFROI_{name.upper()}`", f"`{name}`", default, str(field.description)])
    assert rows_of((REFERENCE / "settings.md").read_text()) == expected


def test_settings_named_anywhere_exist() -> None:
    known = {f"BEFFROI_{name.upper()}" for name in Settings.model_fields} | {"BEFFROI_CHROMIUM"}
    named = {
        (name_of(page), word) for page in pages() for word in re.findall(r"\bBEFFROI_[A-Z_]+[A-Z]\b", page.read_text())
    }
    assert {(page, word) for page, word in named if word not in known} == set()


# -- commands ------------------------------------------------------------------------------------------------------


def commands(
    command: click.Command = main, path: tuple[str, ...] = ("beffroi",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command that people see, with the words that call it."""
    if command.hidden:
        return
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))


def parameters(command: click.Command) -> list[tuple[str, str]]:
    """Name as the page writes it, and the help that must stand beside it."""
    found = []
    for each in command.params:
        if isinstance(each, click.Option):
            found.append(("/".join([*each.opts, *each.secondary_opts]), each.help or ""))
        else:
            found.append((str(each.name).upper(), ""))
    return found


def test_every_command_is_documented_and_no_other() -> None:
    headings = [line for line in COMMANDS.read_text().splitlines() if line.startswith("## `")]
    assert headings == [f"## `{words}`" for words, _ in commands()]


@pytest.mark.parametrize("words, command", list(commands()), ids=[words for words, _ in commands()])
def test_every_option_is_documented_and_no_other(words: str, command: click.Command) -> None:
    text = section(COMMANDS, f"## `{words}`")
    rows = rows_of(text)
    assert [row[0].strip("`") for row in rows] == [name for name, _ in parameters(command)]
    assert [row for row, (_, told) in zip(rows, parameters(command), strict=True) if told not in row[1]] == []
    assert all(row[1] for row in rows)
    assert " ".join((command.help or "").split()) in " ".join(text.split())


def shown_commands() -> list[tuple[str, str]]:
    """Each line of a shell block that begins with `beffroi`, and the page it stands on."""
    found = []
    for page in pages():
        for block in blocks_of(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = line.strip()
                if re.match(r"(?:\S*/)?beffroi(?: |$)", words):
                    found.append((name_of(page), words.partition(" | ")[0].partition(" > ")[0]))
    return found


@pytest.mark.parametrize("page, line", shown_commands(), ids=lambda text: text)
def test_commands_shown_in_the_docs_are_accepted(page: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words[:1] != ["--help"]:
        found = command.commands.get(words[0]) if words else None
        assert found is not None, f"{page}: `{line}` is no command"
        command, words = found, words[1:]
    for each in command.params:
        if isinstance(each.type, click.Path):
            monkeypatch.setattr(each.type, "exists", False)  # the files of an example are the reader's
        if isinstance(each, click.Option):
            monkeypatch.setattr(each, "prompt", None)
    if "--help" not in words:
        command.make_context(command.name or "", words)


# -- connectors, quantities, classes -------------------------------------------------------------------------------


def test_every_connector_has_its_page_and_no_other() -> None:
    found = {page.stem for page in (REFERENCE / "connectors").glob("*.md")} - {"index"}
    assert found == set(CONNECTORS)


def test_asset_classes_are_documented() -> None:
    expected = []
    for entry in CLASSES.values():
        quantities = list(entry.quantities)
        period = "none" if entry.period_s is None else str(entry.period_s)
        expected.append((entry.slug, quantities, period))
    rows = rows_of(section(QUANTITIES, "## Asset classes"))
    assert [(row[0].strip("`"), words_in_code(row[2]), row[3]) for row in rows] == expected


def test_units_and_states_are_documented() -> None:
    units = rows_of(section(QUANTITIES, "## Units"))
    assert [row[0].strip("`") for row in units] == list(UNITS)
    assert all(symbol in row[1] for row, symbol in zip(units, UNITS.values(), strict=True))
    states = {row[0].strip("`"): tuple(words_in_code(row[1])) for row in rows_of(section(QUANTITIES, "## States"))}
    assert states == dict(STATES)


def test_what_alarms_look_at_is_documented() -> None:
    definitions = parse_definitions((ROOT / "src/beffroi/app/profile/alarms.yaml").read_text())
    documented = {row[0].strip("`"): words_in_code(row[2]) for row in rows_of(section(QUANTITIES, "## Asset classes"))}
    strange = [
        definition.code
        for definition in definitions
        if definition.quantity is not None and definition.quantity not in documented.get(definition.asset_class, [])
    ]
    assert strange == []


def test_metrics_of_the_database_are_documented() -> None:
    source = (ROOT / "src/beffroi/app/metrics.py").read_text()
    families = set(re.findall(r'"(beffroi_[a-z_]+[a-z])"', source)) - {"beffroi_reports"} | {"beffroi_reports_total"}
    listed = {row[0].strip("`") for row in rows_of(section(REFERENCE / "health-and-metrics.md", "## `GET /metrics`"))}
    assert {name for name in listed if not name.startswith("beffroi_process_")} == families


# -- words and packages --------------------------------------------------------------------------------------------


def test_terms_of_the_glossary_are_used() -> None:
    code = "\n".join(file.read_text() for file in sorted((ROOT / "src").rglob("*.py")))
    rows = rows_of((DOCS / "glossary.md").read_text())
    assert [row[2] for row in rows if not re.search(rf"(?<![a-zA-Z]){re.escape(row[2].strip('`'))}", code)] == []
    terms = [row[0] for row in rows]
    assert sorted(terms) == sorted(set(terms))


def test_dependencies_are_those_of_the_decision() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[><=~!]", text)[0] for text in project["dependencies"]}
    rows = rows_of((DOCS / "decisions" / "0010-dependencies.md").read_text())
    assert {row[0].strip("`") for row in rows if "(npm)" not in row[0]} == declared
    assert all(len(row) == 4 and all(row) for row in rows)


def test_the_decisions_have_their_form() -> None:
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        text = page.read_text()
        assert re.match(rf"# {page.name[:4]}\. [A-Z]", text), page.name
        headings = [line for line in text.splitlines() if line.startswith("## ")]
        needed = ["## Context", "## Decision", "## Consequences", "## Options", "## Enforced by", "## Sources"]
        assert [heading for heading in headings if heading in needed] == needed, page.name
        assert re.search(r"^Status: (draft|accepted|rejected|superseded by \d{4})", text, re.MULTILINE), page.name


def test_make_shows_what_the_docs_tell_people_to_type() -> None:
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"make ([a-z-]+)", said))
    told = set()
    for page in pages():
        for block in blocks_of(page, "sh"):
            told |= {(name_of(page), target) for target in re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)}
    assert {(page, target) for page, target in told if target not in targets} == set()


def test_the_read_me_shows_what_exists() -> None:
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        file = ROOT / picture
        assert file.is_file(), picture
        assert file.stat().st_size < 300_000, picture


def test_units_files_call_processes_that_exist() -> None:
    from beffroi.app.commands.processes import PROCESSES

    called: set[str] = set()
    for unit in sorted((ROOT / "deploy").rglob("*.service")):
        called |= set(re.findall(r"beffroi process ([a-z]+)", unit.read_text()))
    assert called <= set(PROCESSES)
    assert called == set(PROCESSES) - {"city"}


def test_paths_named_in_the_docs_exist() -> None:
    own = re.compile(r"(src|tests|docs|deploy|web|bench|requirements)/[\w./-]+")
    named = ((name_of(page), word) for page in pages() for word in words_in_code(page.read_text()))
    assert [(page, word) for page, word in named if own.fullmatch(word) and not (ROOT / word).exists()] == []


def test_the_keys_of_the_console_are_documented() -> None:
    shown = (ROOT / "src/beffroi/console/templates/console/keys.html").read_text()
    keys = {key.replace("Échap", "Esc") for key in re.findall(r"<kbd>([^<]+)</kbd>", shown)}
    told = re.findall(r"<kbd>([^<]+)</kbd>", (DOCS / "how-to" / "use-the-situation-page.md").read_text())
    assert keys - set(told) == set()

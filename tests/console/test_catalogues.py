"""The catalogues: complete, compiled from what is written, with the same blanks to fill."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.utils import translation

import beffroi.console
from beffroi.console import words

ROOM = Path(beffroi.console.__file__).parent
LANGUAGES = ("en", "pt_BR")
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext_lazy"}
BLANK = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")


def entries(language: str) -> list[dict[str, str]]:
    """Return what a .po file says, entry by entry."""
    text = (ROOM / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    line = re.compile(r'^(\S+) (".*")$', re.MULTILINE)
    return [{key: ast.literal_eval(value) for key, value in line.findall(block)} for block in text.split("\n\n")[1:]]


def written(language: str) -> dict[str, str]:
    """Return source -> translation, plurals as entries of their own."""
    found: dict[str, str] = {}
    for said in entries(language):
        found[said["msgid"]] = said.get("msgstr", said.get("msgstr[0]", ""))
        if "msgid_plural" in said:
            found[said["msgid_plural"]] = said["msgstr[1]"]
    return found


def sources() -> set[str]:
    """Return every source string of the room's Python and templates."""
    found: set[str] = set()
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                texts = [
                    each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                found |= set(texts[1:] if node.func.id == "pgettext_lazy" else texts)
    for file in ROOM.rglob("*.html"):
        text = file.read_text()
        found |= {
            quoted
            for pair in re.findall(r"""\{% trans (?:"([^"]*)"|'([^']*)') %\}""", text)
            for quoted in pair
            if quoted
        }
        for block in re.findall(r"\{% blocktrans.*?%\}(.*?)\{% endblocktrans %\}", text, re.DOTALL):
            forms = re.split(r"\{% plural %\}", block)
            found |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", form) for form in forms}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_every_source_and_nothing_else(language: str) -> None:
    catalogue = written(language)
    assert (sources() - set(catalogue), set(catalogue) - sources()) == (set(), set())
    assert [source for source, told in catalogue.items() if not told.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_blanks_to_fill(language: str) -> None:
    assert [s for s, t in written(language).items() if sorted(BLANK.findall(s)) != sorted(BLANK.findall(t))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_says_what_is_written(language: str) -> None:
    """After a change: `msgfmt -o django.mo django.po` in the language's folder."""
    with (ROOM / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for said in entries(language):
        source = said["msgid"]
        if "msgctxt" in said:
            assert compiled.pgettext(said["msgctxt"], source) == said["msgstr"]
        elif plural := said.get("msgid_plural"):
            assert [compiled.ngettext(source, plural, n) for n in (1, 2)] == [said["msgstr[0]"], said["msgstr[1]"]]
        else:
            assert compiled.gettext(source) == said["msgstr"]


def test_scripts_get_their_words_in_the_language_of_the_person() -> None:
    with translation.override("pt-br"):
        assert words.for_scripts()["stream.frozen"] == "dados congelados há {n} s"
        assert words.value_words("temperature_degc", 21.5) == "21,5\u202f°C"
    with translation.override("en"):
        assert words.value_words("temperature_degc", 21.5) == "21.5\u202f°C"
        assert words.value_words("feeder_state", 1.0) == "tripped"

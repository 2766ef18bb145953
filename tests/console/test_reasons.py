"""What connectors say of frames and of commands, in the words of who reads it: none is forgotten, none is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from beffroi.connectors.modbus.wire import EXCEPTIONS, Refusal, Request
from beffroi.console.reasons import REASONS, said

SOURCE = Path(__file__).parents[2] / "src" / "beffroi"
RAISED = {"Malformed", "Refused", "Unreachable", "Unsupported", "Unanswered", "Rejected", "Receipt"}
FILES = (
    *(SOURCE / "connectors").rglob("*.py"),
    SOURCE / "foundation/bounds.py",
    SOURCE / "app/processes/commanding.py",
)
PARTS = {"{}: {}", "{}{}", "{}", ""}
"""Sentences that only put others together."""

HELD = {
    "no answer", "no connection", "nested too deep", "more than {} s before its receipt",
    "more than {} s after its receipt: the sender's clock is ahead", "after {} of {} writes: {}",
    "asked to read {}, the device answers with exception {}, {}", "asked to write {}, the device answers with exception {}, {}", "{}:{}, unit {}: exception {}, {}",
    "the server has thrown the downlink away: {}, {}", "not UTF-8, {} at byte {} of a text",
    "it names a quantity not met before, and {} are known: correct the name at the source", "no source reads this topic",
    "the connector failed on it ({}: {}): this is a fault of ours, report it", "`{}` belongs to source `{}`, not to `{}`",
    "no asset of source `{}` has the address `{}`: import it first", "no command `{}` was sent to `{}` over source `{}`",
    "an exception that the specification does not know", *EXCEPTIONS.values(),
    *(f"{table} {{}}{more}" for table in ("coil", "discrete_input", "holding_register", "input_register") for more in ("", " to {}")),
}  # fmt: skip
"""Sentences that are made before they are raised, parts of others, and what the engine says of frames."""


def template(node: ast.expr) -> str | None:
    """Return a text with `{}` for each of its figures, or None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    if isinstance(node, ast.Subscript):
        return template(node.value)
    if isinstance(node, ast.BinOp):
        return (template(node.left) or "{}") + (template(node.right) or "{}")
    return None


def raised() -> Iterator[str]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED:
                yield from (found for each in node.args if (found := template(each)) is not None)


def plain(sentence: str) -> str:
    return re.sub(r"{\d}", "{}", sentence)


def test_every_reason_of_a_connector_has_its_words_and_no_other_is_kept() -> None:
    wanted = {sentence for sentence in raised() if sentence not in PARTS}
    # One sentence may hold another that is known by itself: `not an uplink of …: nested too deep`.
    known = {plain(english) for english in REASONS}
    missing = {each for each in wanted - known if not _held(each, known)}
    assert (missing, known - wanted - HELD) == (set(), set())


def _held(sentence: str, known: set[str]) -> bool:
    head, colon, tail = sentence.partition(": ")
    return bool(colon) and f"{head}: {{}}".replace("{}: {}", "{}: {}") in known and (tail in known or tail == "{}")


@pytest.mark.parametrize("english", list(REASONS))
def test_each_is_recognised_with_its_figures(english: str) -> None:
    figures = [f"F{place}X" for place in range(english.count("{"))]
    with translation.override("fr"):
        told = said(english.format(*figures))
    assert told == str(REASONS[english]).format(*figures)
    assert all(figure in told for figure in figures)


def test_what_modbus_says_is_read_in_french_whole() -> None:
    refusal = Refusal(Request(3, 2, 4), 2)
    with translation.override("fr"):
        assert said(refusal.sentence) == (
            "prié de lire les registres 2 à 5, l’appareil répond par l’exception 2, adresse inconnue de l’appareil"
        )
        assert said("10.0.0.9:502, unit 3: no answer within 3 s") == "10.0.0.9:502, unité 3 : pas de réponse en 3 s"
        assert said("none of the 2 devices answers: 10.0.0.9:502, unit 3: no connection within 3 s") == (
            "aucun des 2 appareils ne répond : 10.0.0.9:502, unité 3 : pas de connexion en 3 s"
        )
        assert said("CH-1: flow_degc is 900, beyond 500 in size") == "CH-1: flow_degc vaut 900, plus de 500 en grandeur"
        assert said("porte ouverte, commande locale") == "porte ouverte, commande locale"


@pytest.mark.parametrize(("language", "told"), [("en", "the payload is empty"), ("pt-br", "a mensagem está vazia")])
def test_reasons_are_read_in_the_other_languages(language: str, told: str) -> None:
    with translation.override(language):
        assert said("the payload is empty") == told

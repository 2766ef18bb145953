from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.places import rules
from beffroi.kernel.places.types import Address


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Général-Delestraint", "general delestraint"),
        ("  L'ŒUVRE d’Orgeux ", "l oeuvre d orgeux"),
        ("12\tBIS", "12 bis"),
        ("", ""),
    ],
)
def test_folding_leaves_letters_and_figures(text: str, plain: str) -> None:
    assert rules.folded(text) == plain


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert rules.folded(rules.folded(text)) == rules.folded(text)


@given(st.text(max_size=300))
def test_anything_typed_is_read(text: str) -> None:
    wanted = rules.sought(text)
    assert len(wanted.words) <= rules.MAX_WORDS
    assert all(form for forms in wanted.words for form in forms)


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("12 rue Monge, Dijon", "12", "rue monge dijon"),
        ("rue monge 12 bis", "12 bis", "rue monge"),
        ("12bis rue monge", "12 bis", "rue monge"),
        ("12 B rue monge", "12", "b rue monge"),
        ("bd de la Trémouille", "", "boulevard tremouille"),
        ("pl 8 mai", "8", "place mai"),
        ("de la", "", "de la"),
        ("", "", ""),
    ],
)
def test_what_is_sought_is_read_from_what_is_typed(text: str, number: str, words: str) -> None:
    wanted = rules.sought(text)
    assert (wanted.number, wanted.text) == (number, words)


def test_short_forms_may_also_begin_a_word() -> None:
    assert rules.sought("st").words == (("st", "saint"),)


def test_street_is_folded_with_its_commune_and_spaces_at_both_ends() -> None:
    assert rules.folded_street("Bd St-Michel", "Chenôve") == " boulevard saint michel chenove "


@pytest.mark.parametrize(
    ("number", "kept"), [("12 BIS", "12 bis"), ("12bis", "12 bis"), ("7", "7"), ("", ""), ("A 3", "a 3")]
)
def test_numbers_are_written_one_way(number: str, kept: str) -> None:
    assert rules.folded_number(number) == kept


def test_address_is_written_as_people_write_it() -> None:
    assert Address("12 bis", "rue Monge", "Dijon", 5.0, 47.3).text == "12 bis rue Monge, Dijon"
    assert Address("", "rue Monge", "Dijon", 5.0, 47.3).text == "rue Monge, Dijon"

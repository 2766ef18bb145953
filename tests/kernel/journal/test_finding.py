"""Lines found by what they say, and by several filters at once."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.settings import settings
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.queries import Filters
from beffroi.kernel.journal.rules import finding
from beffroi.kernel.journal.types import (
    COMMON_ONLY,
    EVERYTHING,
    EVERYWHERE,
    Actor,
    ActorKind,
    Entry,
    Reach,
    Sensitivity,
)
from tests.database import as_owner

AT = 1_780_000_000_000_000
NADIA = Actor(ActorKind.PERSON, "nadia", "Nadia Méric")


@pytest.fixture(autouse=True)
def ring(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")


def write(number: int = 1, **fields: object) -> int:
    values = {"actor": NADIA, "room": "incidents", "verb": "note", "subject": f"incident:{number}"} | fields
    with transaction.atomic():
        return actions.append([Entry(**values)], at=AT + number)  # type: ignore[arg-type]


def found(text: str, reach: Reach = EVERYTHING, **filters: object) -> list[int]:
    lines = queries.list_lines(Filters(text=text, **filters), reach=reach)  # type: ignore[arg-type]
    return [line.seq for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "disjonctée",
        "DISJONCTEE",
        "disj",
        "armoire liberté",
        "Méric armoire",
        "OD-26-42",
        "incident:1",
        "orage",
        "veille",
    ],
)
def test_words_are_found_without_case_nor_accents_and_by_their_beginning(text: str) -> None:
    content = {"title": "Armoire disjonctée", "place": "rue de la Liberté", "reference": "OD-26-42"}
    seq = write(1, content=content, reason="orage", purpose="veille")
    write(2, content={"title": "Autre"}, actor=Actor(ActorKind.RULE, "r", "Règle"))
    assert found(text) == [seq]


@pytest.mark.parametrize("text", ["liberté musette", "zeppelin", "oire", "4", "  ", "%", "'"])
def test_words_that_no_line_holds_find_nothing(text: str) -> None:
    write(1, content={"title": "Armoire disjonctée", "place": "rue de la Liberté", "reference": "OD-26-42"})
    assert found(text) == []


def test_text_is_narrowed_by_the_other_filters_and_paged() -> None:
    numbers = [write(n, content={"title": "lampe"}, verb="note" if n % 2 else "close") for n in range(1, 9)]
    assert found("lampe", verb="close") == numbers[1::2][::-1]
    assert found("lampe", before_seq=4) == [3, 2, 1]
    assert found("lampe", after_seq=2, before_seq=6) == [5, 4, 3]
    assert found("lampe", since=AT + 2, until=AT + 5) == [4, 3]
    assert found("lampe", subject="incident:3") == [3]
    assert [line.seq for line in queries.list_lines(Filters(text="lampe"), limit=2)] == [8, 7]


def test_encrypted_words_are_found_by_who_may_read_them_until_they_are_erased() -> None:
    part = {"about": "case:incident-1", "personal": {"text": "Appelé Mme Untel"}}
    seq = write(1, content={"desk": "lighting"}, **part)
    assert [found("untel"), found("untel", COMMON_ONLY), found("untel", Reach(personal=EVERYWHERE))] == [
        [seq],
        [],
        [seq],
    ]
    assert found("untel", Reach(personal=frozenset({("traffic", "")}))) == []
    actions.erase_personal("case:incident-1", reason="motif", by=NADIA, at=AT)
    assert found("untel") == []


def test_reserved_lines_are_not_found_by_what_they_say() -> None:
    vault = write(1, content={"title": "secret"}, sensitivity=Sensitivity.VAULT)
    desk = write(2, content={"title": "secret", "desk": "police"}, sensitivity=Sensitivity.DESK)
    assert found("secret") == [desk, vault]
    assert found("secret", Reach(desks=EVERYWHERE, personal=EVERYWHERE)) == [desk]
    assert found("secret", COMMON_ONLY) == []


@given(st.text(max_size=60))
def test_database_folds_words_as_the_search_does(text: str) -> None:
    stored = text.replace("\x00", "")
    if not stored.isascii() and any(sign.lower() != sign.lower().lower() for sign in stored):
        return
    plain = "".join(sign for sign in stored if sign.isascii() or sign in "àâäáãåçéèêëíìîïñóòôöõúùûüýÿÀÉÈ")
    with connection.cursor() as cursor:
        cursor.execute("SELECT journal_fold(%s)", [plain])
        assert tuple(dict.fromkeys(cursor.fetchone()[0].split())) == rules.words_of(plain)


@given(st.integers(0, 12_000_000), st.integers(0, 12_000_000))
def test_stretches_cover_each_number_once_the_newest_first(a: int, b: int) -> None:
    oldest, newest = sorted((a, b))
    spans = [(first, last) for _, first, last in finding.stretches(newest, oldest)]
    assert spans[0][1] >= newest
    assert spans[-1][0] <= oldest
    assert all(later[1] + 1 == earlier[0] for earlier, later in pairwise(spans))


def test_lines_of_every_stretch_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With real numbers: the index names the stretch that the search asks for."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE journal_head DISABLE TRIGGER USER")
        numbers = []
        for place in (3, 9_999, 10_000, 49_999, 260_001, 999_999, 1_000_000, 2_400_000):
            cursor.execute("UPDATE journal_head SET seq = %s", [place - 1])
            numbers.append(write(random.Random(place).randint(1, 9), content={"title": "phare"}))
        cursor.execute("ALTER TABLE journal_head ENABLE TRIGGER USER")
    assert found("phare") == numbers[::-1]
    assert found("phare", before_seq=1_000_000) == [999_999, 260_001, 49_999, 10_000, 9_999, 3]

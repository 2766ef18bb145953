from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.errors import Refused
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, Record, Seal

ENTRY = Entry(
    Actor(ActorKind.PERSON, "nadia", "Nadia M."), "incidents", "take", "incident:1", content={"b": 1, "a": "é"}
)
ID = UUID("01900000-0000-7000-8000-000000000000")


def _record(**changes: object) -> Record:
    return rules.record_of(replace(ENTRY, **changes), seq=1, line_id=ID, at=1_700_000_000_000_000)


def _root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + _root_by_definition(leaves[:k]) + _root_by_definition(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_merkle_root_is_that_of_the_standard(leaves: list[bytes]) -> None:
    assert rules.merkle_root(leaves) == _root_by_definition(leaves)


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=40), st.data())
def test_merkle_root_changes_with_any_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]]
    assert rules.merkle_root(leaves) != rules.merkle_root(other)


def test_merkle_memory_is_logarithmic() -> None:
    tree = rules.MerkleTree()
    for number in range(1000):
        tree.add(number.to_bytes(2, "big"))
    assert (tree.size, len(tree._peaks)) == (1000, 6)


def test_content_has_one_text() -> None:
    assert rules.canonical_content({"b": [1, {"d": 1, "c": None}], "a": "é"}) == '{"a":"é","b":[1,{"c":null,"d":1}]}'


def test_content_that_is_not_json_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be written as JSON"):
        rules.canonical_content({"person": object()})


def test_line_digest_can_be_taken_again_with_other_means() -> None:
    text = (
        '{"seq":1,"id":"01900000-0000-7000-8000-000000000000","recorded_at":1700000000000000,'
        '"effective_at":1700000000000000,"actor_kind":"person","actor_id":"nadia","actor_name":"Nadia M.",'
        '"room":"incidents","verb":"take","subject":"incident:1","related":[],"purpose":"","reason":"",'
        '"sensitivity":"common","content":"{\\"a\\":\\"é\\",\\"b\\":1}"}'
    )
    assert rules.line_digest(_record()) == hashlib.sha256(b"beffroi journal line 1\n" + text.encode()).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"actor": Actor(ActorKind.RULE, "nadia", "Nadia M.")},
        {"verb": "close"},
        {"subject": "incident:2"},
        {"related": ("alarm:1",)},
        {"content": {}},
        {"purpose": "x"},
        {"reason": "x"},
        {"effective_at": 5},
    ],
)
def test_line_digest_covers_every_field(change: dict[str, object]) -> None:
    assert rules.line_digest(_record(**change)) != rules.line_digest(_record())


@pytest.mark.parametrize("change", [{"verb": ""}, {"room": "r" * 33}, {"subject": "incident:" + "1" * 160}])
def test_entry_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Refused, match="has 1 to"):
        _record(**change)


def test_zero_characters_are_replaced() -> None:
    record = _record(reason="a\x00b", related=("asset:\x00",))
    assert (record.reason, record.related) == ("a\ufffdb", ("asset:\ufffd",))


def test_seal_digest_covers_every_field() -> None:
    seal = Seal(1, 1, 9, b"r" * 32, b"p" * 32, b"", 5)
    others = [replace(seal, **{name: 2}) for name in ("number", "first_seq", "last_seq", "sealed_at")]
    others += [replace(seal, root=b"x"), replace(seal, previous=b"x")]
    assert len({rules.seal_digest(each) for each in (seal, *others)}) == 7

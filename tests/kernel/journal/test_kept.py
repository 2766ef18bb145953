"""What other rooms keep about persons, under the keys of the journal: opened under its own name alone, erased with its key."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.errors import Conflict, Malformed, Refused
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, Kept, PersonalState, Sealed, ToKeep

AT = 1_780_000_000_000_000
LUCIE = Actor(ActorKind.PERSON, "lucie", "Lucie M.")
CASE, OTHER = "case:incident-7", "case:incident-8"
KEY, OTHER_KEY, KEY_ID, NONCE = b"k" * 32, b"o" * 32, UUID(int=2), b"n" * 12


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of master keys for this test alone."""
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")
    return tmp_path / "keys"


def _keep(*items: ToKeep) -> list[Sealed]:
    with transaction.atomic():
        parts = actions.encrypt_kept(items, at=AT)
    return [Sealed(item.about, item.name, part) for item, part in zip(items, parts, strict=True)]


@given(st.binary(max_size=200))
def test_what_is_kept_opens_with_its_key_under_its_name_alone(data: bytes) -> None:
    part = rules.encrypt_kept(data, key=KEY, key_id=KEY_ID, name="photo:1", about=CASE, nonce=NONCE)
    assert rules.key_of_part(part) == KEY_ID
    assert rules.decrypt_kept(part, key=KEY, name="photo:1", about=CASE) == data
    for key, name, about in ((OTHER_KEY, "photo:1", CASE), (KEY, "photo:2", CASE), (KEY, "photo:1", OTHER)):
        with pytest.raises(Malformed):
            rules.decrypt_kept(part, key=key, name=name, about=about)


def test_what_is_kept_is_no_part_of_a_line() -> None:
    part = rules.encrypt_kept(b"{}", key=KEY, key_id=KEY_ID, name="photo:1", about=CASE, nonce=NONCE)
    with pytest.raises(Malformed):
        rules.decrypt_part(part, key=KEY, line_id="photo:1", about=CASE)


@pytest.mark.usefixtures("db")
def test_many_things_kept_are_opened_together_each_with_its_own_key() -> None:
    kept = _keep(ToKeep(CASE, "photo:1", b"one"), ToKeep(OTHER, "photo:2", b"two"), ToKeep(CASE, "note:3", b""))
    assert b"one" not in kept[0].part
    readable = [Kept(PersonalState.READABLE, data) for data in (b"one", b"two", b"")]
    assert queries.open_kept(kept) == readable
    assert queries.open_kept([]) == []


@pytest.mark.usefixtures("db")
def test_one_erasure_reaches_lines_and_what_is_kept_beside_them() -> None:
    ours, other = _keep(ToKeep(CASE, "photo:1", b"one"), ToKeep(OTHER, "photo:2", b"two"))
    with transaction.atomic():
        line = actions.append(
            [Entry(LUCIE, "incidents", "note_incident", "incident:7", about=CASE, personal={"text": "vu"})], at=AT
        )
    actions.erase_personal(CASE, reason="conservation", by=LUCIE, at=AT + 1)
    assert queries.open_kept([ours, other]) == [
        Kept(PersonalState.ERASED, b"", AT + 1, "conservation"),
        Kept(PersonalState.READABLE, b"two"),
    ]
    assert getattr(queries.get_line(line).personal, "state", None) is PersonalState.ERASED
    (again,) = _keep(ToKeep(CASE, "photo:3", b"three"))
    assert queries.open_kept([again]) == [Kept(PersonalState.READABLE, b"three")]


@pytest.mark.usefixtures("db")
def test_what_is_altered_or_without_its_master_key_is_keyless(ring: Path) -> None:
    (ours,) = _keep(ToKeep(CASE, "photo:1", b"one"))
    altered = Sealed(ours.about, ours.name, ours.part[:-1] + bytes([ours.part[-1] ^ 1]))
    strange = Sealed(CASE, "photo:1", b"no part at all")
    keyless = Kept(PersonalState.KEYLESS)
    assert queries.open_kept([altered, strange]) == [keyless, keyless]
    for file in ring.iterdir():
        file.unlink()
    assert queries.open_kept([ours]) == [keyless]


@pytest.mark.usefixtures("db")
def test_what_is_about_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="neither"):
        _keep(ToKeep("incident:7", "photo:1", b"one"))


@pytest.mark.django_db(transaction=True)
def test_encrypting_outside_a_transaction_is_refused() -> None:
    with pytest.raises(Conflict, match="transaction"):
        actions.encrypt_kept([ToKeep(CASE, "photo:1", b"one")], at=AT)

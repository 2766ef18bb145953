"""Content about persons: encrypted for one person or case, opened for those who may, erased with its key."""

from __future__ import annotations

import string
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import DAY
from beffroi.foundation.errors import Conflict, Malformed, NotFound, Refused
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.models import Key
from beffroi.kernel.journal.types import (
    COMMON_ONLY,
    EVERYTHING,
    EVERYWHERE,
    Actor,
    ActorKind,
    Entry,
    Personal,
    PersonalState,
    Reach,
    Sensitivity,
)

AT = 1_780_000_000_000_000
LUCIE = Actor(ActorKind.PERSON, "lucie", "Lucie M.")
PAUL = Actor(ActorKind.PERSON, "paul", "Paul B.")
CASE = "case:incident-7"
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
LINE, KEY_ID = UUID(int=1), UUID(int=2)
NONCE = b"n" * 12


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of master keys for this test alone."""
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")
    return tmp_path / "keys"


def _write(text: str = "appelé au 3", about: str = CASE, **fields: Any) -> int:
    values = {"content": {"desk": "lighting"}, "about": about, "personal": {"text": text}} | fields
    with transaction.atomic():
        return actions.append([Entry(LUCIE, "incidents", "note_incident", "incident:7", **values)], at=AT)


def _read(seq: int, reach: Reach = EVERYTHING) -> Personal | None:
    return queries.get_line(seq, reach=reach).personal


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(string.printable, max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
contents = st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=8), json_values, max_size=5)


@given(contents, st.randoms())
def test_content_has_one_text_however_it_is_ordered(content: dict[str, Any], order: Any) -> None:
    names = list(content)
    order.shuffle(names)
    text = rules.canonical_content({name: content[name] for name in names})
    assert (text, rules.content_of(text)) == (rules.canonical_content(content), content)


@given(contents, st.binary(min_size=12, max_size=12))
def test_what_is_encrypted_opens_with_its_key_on_its_line_alone(content: dict[str, Any], nonce: bytes) -> None:
    text = rules.canonical_content(content)
    part = rules.encrypt_part(text, key=KEY, key_id=KEY_ID, line_id=LINE, about=CASE, nonce=nonce)
    assert rules.key_of_part(part) == KEY_ID
    assert rules.decrypt_part(part, key=KEY, line_id=str(LINE), about=CASE) == text
    for wrong in (
        {"key": OTHER_KEY, "line_id": str(LINE), "about": CASE},
        {"key": KEY, "line_id": str(KEY_ID), "about": CASE},
        {"key": KEY, "line_id": str(LINE), "about": "person:x"},
    ):
        with pytest.raises(Malformed):
            rules.decrypt_part(part, **wrong)  # type: ignore[arg-type]


@given(st.data())
def test_an_altered_part_does_not_open(data: Any) -> None:
    part = rules.encrypt_part('{"text":"x"}', key=KEY, key_id=KEY_ID, line_id=LINE, about=CASE, nonce=NONCE)
    place = data.draw(st.integers(17, len(part) - 1))
    altered = part[:place] + bytes([part[place] ^ data.draw(st.integers(1, 255))]) + part[place + 1 :]
    with pytest.raises(Malformed):
        rules.decrypt_part(altered, key=KEY, line_id=str(LINE), about=CASE)


@given(st.binary(max_size=40))
def test_what_is_no_encrypted_part_names_no_key_or_does_not_open(noise: bytes) -> None:
    if rules.key_of_part(noise) is not None:
        with pytest.raises(Malformed):
            rules.decrypt_part(noise, key=KEY, line_id=str(LINE), about=CASE)


@given(st.binary(min_size=32, max_size=32))
def test_a_wrapped_key_belongs_to_one_subject(key: bytes) -> None:
    wrapped = rules.wrap_key(key, master=KEY, subject=CASE, nonce=NONCE)
    assert rules.unwrap_key(wrapped, master=KEY, subject=CASE) == key
    for master, subject in ((OTHER_KEY, CASE), (KEY, "person:x")):
        with pytest.raises(Malformed):
            rules.unwrap_key(wrapped, master=master, subject=subject)


@pytest.mark.usefixtures("db")
def test_personal_part_is_in_the_database_as_ciphertext_only() -> None:
    seq = _write("Mme Untel, 3e étage")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(l)::text FROM journal_line l WHERE seq = %s", [seq])
        assert "Untel" not in cursor.fetchone()[0]
        cursor.execute("SELECT personal FROM journal_line WHERE seq = %s", [seq])
        assert b"Untel" not in bytes(cursor.fetchone()[0])
    assert _read(seq) == Personal(CASE, PersonalState.READABLE, {"text": "Mme Untel, 3e étage"})
    assert queries.verify().breaks == ()


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("reach", "state"),
    [
        (COMMON_ONLY, PersonalState.WITHHELD),
        (Reach(desks=EVERYWHERE), PersonalState.WITHHELD),
        (Reach(personal=frozenset({("traffic", "")})), PersonalState.WITHHELD),
        (Reach(personal=frozenset({("lighting", "Fénay")})), PersonalState.WITHHELD),
        (Reach(personal=frozenset({("lighting", "")})), PersonalState.READABLE),
        (Reach(personal=frozenset({("", "Dijon")})), PersonalState.READABLE),
        (EVERYTHING, PersonalState.READABLE),
    ],
)
def test_personal_part_is_read_where_the_reach_says(reach: Reach, state: PersonalState) -> None:
    seq = _write(content={"desk": "lighting", "commune": "Dijon"})
    found = _read(seq, reach)
    assert found is not None
    assert (found.state, bool(found.content)) == (state, state is PersonalState.READABLE)


@pytest.mark.usefixtures("db")
def test_desk_and_vault_lines_are_shown_without_content_to_who_may_not() -> None:
    told = {"content": {"desk": "police", "x": 1}, "reason": "motif", "purpose": "finalité", "related": ("asset:A",)}
    desk, vault = (_write(sensitivity=level, **told) for level in (Sensitivity.DESK, Sensitivity.VAULT))
    seen = queries.get_line(desk)
    assert (seen.withheld, seen.content, seen.reason, seen.purpose, seen.subject) == (True, {}, "", "", "incident:7")
    hidden = queries.get_line(vault, reach=Reach(EVERYWHERE, EVERYWHERE))
    assert (hidden.withheld, hidden.content, hidden.subject, hidden.related, hidden.personal) == (
        True,
        {},
        "",
        (),
        None,
    )
    at_desk = queries.get_line(desk, reach=Reach(desks=frozenset({("police", "")})))
    assert (at_desk.withheld, at_desk.reason, at_desk.content["x"]) == (False, "motif", 1)
    assert queries.get_line(vault, reach=EVERYTHING).subject == "incident:7"
    assert [line.seq for line in queries.lines_of("incident:7", reach=Reach(EVERYWHERE, EVERYWHERE))] == [desk]
    assert [line.seq for line in queries.lines_of("incident:7", reach=EVERYTHING)] == [vault, desk]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "fields",
    [{"about": ""}, {"personal": {}}, {"about": "asset:A"}, {"about": "person:a b"}, {"about": "case:" + "1" * 160}],
)
def test_personal_part_without_a_person_or_case_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"about whom|neither"):
        _write(**fields)
    assert (queries.last_seq(), Key.objects.count()) == (0, 0)


@pytest.mark.usefixtures("db")
def test_erasure_destroys_the_content_and_leaves_the_chain_whole() -> None:
    first, second = _write("un"), _write("deux")
    other = _write("trois", about="person:martin")
    actions.seal(AT)
    assert actions.erase_personal(CASE, reason=" demande  de la personne ", by=LUCIE, at=AT + DAY) == 2
    erased = Personal(CASE, PersonalState.ERASED, {}, AT + DAY, "demande de la personne")
    assert [_read(first), _read(second, COMMON_ONLY)] == [erased, erased]
    assert _read(other) == Personal("person:martin", PersonalState.READABLE, {"text": "trois"})
    line = queries.list_lines()[0]
    assert (line.verb, line.subject, line.related, line.reason, line.content) == (
        "erase_personal", CASE, ("incident:7",), "demande de la personne", {"keys": 1, "lines": 2},
    )  # fmt: skip
    assert bytes(Key.objects.get(subject=CASE).wrapped) == b""
    assert queries.verify().breaks == ()
    with pytest.raises(NotFound):
        actions.erase_personal(CASE, reason="encore", by=LUCIE, at=AT + DAY)


@pytest.mark.usefixtures("db")
def test_what_is_written_after_an_erasure_has_another_key() -> None:
    before = _write("avant")
    actions.erase_personal(CASE, reason="motif", by=LUCIE, at=AT)
    after = _write("après")
    assert [getattr(_read(seq), "state", None) for seq in (before, after)] == ["erased", "readable"]
    assert [(holder.subject, holder.keys, bool(holder.erased_at)) for holder in queries.holders()] == [(CASE, 1, True)]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("subject", "reason"), [(CASE, "  "), (CASE, "x" * 501), ("asset:1", "motif")])
def test_erasure_without_reason_or_subject_is_refused(subject: str, reason: str) -> None:
    seq = _write("un")
    with pytest.raises(Refused):
        actions.erase_personal(subject, reason=reason, by=LUCIE, at=AT)
    assert getattr(_read(seq), "state", None) == "readable"


@pytest.mark.usefixtures("db")
def test_erasure_is_asked_by_one_and_confirmed_by_another() -> None:
    seq = _write("un")
    asked = actions.ask_erasure(CASE, reason="droit à l’effacement", by=LUCIE, at=AT)
    with pytest.raises(Conflict, match="asked already"):
        actions.ask_erasure(CASE, reason="encore", by=PAUL, at=AT)
    with pytest.raises(Refused, match="second person"):
        actions.confirm_erasure(asked.id, by=LUCIE, at=AT)
    assert getattr(_read(seq), "state", None) == "readable"
    assert queries.erasures_waiting() == (asked,)
    assert actions.confirm_erasure(asked.id, by=PAUL, at=AT + 1) == 1
    assert getattr(_read(seq), "state", None) == "erased"
    assert queries.erasures_waiting() == ()
    with pytest.raises(Conflict, match=r"decided already by Paul"):
        actions.confirm_erasure(asked.id, by=PAUL, at=AT + 2)
    assert [line.verb for line in queries.list_lines(limit=2)] == ["erase_personal", "ask_erasure"]


@pytest.mark.usefixtures("db")
def test_request_to_erase_is_withdrawn_with_a_reason() -> None:
    seq = _write("un")
    asked = actions.ask_erasure(CASE, reason="motif", by=LUCIE, at=AT)
    with pytest.raises(Refused):
        actions.withdraw_erasure(asked.id, reason="", by=LUCIE, at=AT)
    actions.withdraw_erasure(asked.id, reason="enquête en cours", by=LUCIE, at=AT)
    assert getattr(_read(seq), "state", None) == "readable"
    line = queries.list_lines()[0]
    assert (line.verb, line.subject, line.reason) == ("withdraw_erasure", CASE, "enquête en cours")
    with pytest.raises(NotFound):
        actions.ask_erasure("person:nobody", reason="motif", by=LUCIE, at=AT)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM journal_key",
        "TRUNCATE journal_key",
        "UPDATE journal_key SET subject = 'person:x'",
        "UPDATE journal_key SET destroyed_at = NULL WHERE destroyed_at IS NOT NULL",
        "UPDATE journal_key SET wrapped = 'x' WHERE destroyed_at IS NOT NULL",
    ],
)
def test_database_keeps_keys_where_they_are(sql: str) -> None:
    _write("un")
    _write("deux", about="person:b")
    actions.erase_personal("person:b", reason="motif", by=LUCIE, at=AT)
    with pytest.raises(DatabaseError, match="journal"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.usefixtures("db")
def test_change_of_the_master_key_keeps_what_is_readable_and_forgets_the_old_one(ring: Path) -> None:
    kept, erased = _write("un"), _write("deux", about="person:b")
    backup = {row.subject: bytes(row.wrapped) for row in Key.objects.all()}
    actions.erase_personal("person:b", reason="motif", by=LUCIE, at=AT)
    (before,) = queries.masters()
    assert actions.rotate_master(by=LUCIE, at=AT + DAY) == 1
    (after,) = queries.masters()
    assert (before != after, [file.stat().st_mode & 0o777 for file in ring.iterdir()]) == (True, [0o600])
    assert _read(kept) == Personal(CASE, PersonalState.READABLE, {"text": "un"})
    assert getattr(_read(erased), "state", None) == "erased"
    for subject, wrapped in backup.items():
        with pytest.raises(Malformed):
            rules.unwrap_key(wrapped, master=queries.masters()[after], subject=subject)
    assert queries.list_lines()[0].verb == "rotate_master_key"


@pytest.mark.usefixtures("db")
def test_lost_master_key_is_told_and_stops_nobody_from_writing(ring: Path) -> None:
    before = _write("un")
    for file in ring.iterdir():
        file.unlink()
    assert getattr(_read(before), "state", None) == "keyless"
    after = _write("deux")
    assert [getattr(_read(seq), "state", None) for seq in (before, after)] == ["keyless", "readable"]
    with pytest.raises(Conflict, match="does not hold"):
        actions.rotate_master(by=LUCIE, at=AT)
    assert actions.erase_personal(CASE, reason="motif", by=LUCIE, at=AT) == 2


@pytest.mark.django_db(transaction=True)
def test_writing_and_erasing_at_the_same_instant_leave_every_line_readable_or_erased() -> None:
    _write("premier")
    ready = threading.Barrier(3)

    def write() -> None:
        try:
            ready.wait(10)
            for number in range(15):
                _write(f"ligne {number}")
        finally:
            connection.close()

    def erase() -> None:
        try:
            ready.wait(10)
            for _ in range(8):
                try:
                    actions.erase_personal(CASE, reason="motif", by=LUCIE, at=AT)
                except NotFound:
                    continue
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        for task in [pool.submit(act) for act in (write, write, erase)]:
            task.result(60)
    lines = [line for line in queries.list_lines(reach=EVERYTHING) if line.personal]
    assert len(lines) == 31
    assert {line.personal.state for line in lines if line.personal} <= {PersonalState.READABLE, PersonalState.ERASED}
    assert queries.verify().breaks == ()

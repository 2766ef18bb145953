"""Everything that someone with every right on the database can do to the journal, done to it, found and located."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection, transaction

from beffroi.foundation.clock import DAY
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import actions, queries
from beffroi.kernel.journal.models import Line as LineRow
from beffroi.kernel.journal.models import Seal as SealRow
from beffroi.kernel.journal.queries import Part, Witness, verifying
from beffroi.kernel.journal.rules import line_digest, merkle_root
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, Seal
from tests.database import as_owner

AT = 1_780_000_000_000_000
NADIA = Actor(ActorKind.PERSON, "nadia", "Nadia M.")
LINES, SEALED = 14, 12


def run(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@contextmanager
def every_right() -> Iterator[None]:
    with as_owner():
        for table in ("journal_line", "journal_seal", "journal_head", "journal_key"):
            run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in ("journal_line", "journal_seal", "journal_head", "journal_key"):
            run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def write(number: int) -> None:
    entry = Entry(
        NADIA, "incidents", "note_incident", f"incident:{number}", (f"asset:A-{number}", "alarm:1"), {"n": number},
        purpose="veille", reason="motif", about=f"case:incident-{number}", personal={"text": f"note {number}"},
    )  # fmt: skip
    with transaction.atomic():
        actions.append([entry], at=AT + number)


@pytest.fixture
def witness(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Witness:
    """Four seals over lines 1-3, 4-6, 7-9, 10-12, kept outside too, and two lines not sealed yet."""
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")
    outside = Witness(tmp_path / "seals")
    for number in range(1, LINES + 1):
        write(number)
        if number % 3 == 0:
            actions.seal(AT + number, witness=outside)
    return outside


def found(witness: Witness | None, after: Seal | None = None) -> set[str]:
    """Return where the journal is broken."""
    return {each.where for each in queries.verify(witness=witness, after=after).breaks}


def rewrite_line(seq: int) -> None:
    """Give a line the digest of what it says now."""
    with transaction.atomic():
        rows = {record.seq: record for record, _ in verifying._stream_lines(Part(None, 0, 10**6, None))}
    run("UPDATE journal_line SET digest = %s WHERE seq = %s", line_digest(rows[seq]), seq)


def rewrite_seals() -> None:
    """Compute every seal anew over the lines as they are: what a forger who knows the algorithm does."""
    from beffroi.kernel.journal.rules import NO_SEAL, with_digest

    previous = NO_SEAL
    for row in SealRow.objects.order_by("number"):
        leaves = LineRow.objects.filter(seq__gte=row.first_seq, seq__lte=row.last_seq).order_by("seq")
        root = merkle_root(bytes(line.digest) for line in leaves)
        seal = queries.get_seal(row.number)
        assert seal is not None
        seal = with_digest(replace(seal, root=root, previous=previous))
        run(
            "UPDATE journal_seal SET root = %s, previous = %s, digest = %s WHERE number = %s",
            seal.root, seal.previous, seal.digest, seal.number,
        )  # fmt: skip
        previous = seal.digest


def test_an_untouched_journal_stands_with_and_without_its_witness(witness: Witness) -> None:
    for outside in (None, witness):
        result = queries.verify(witness=outside)
        assert (result.lines, result.seals, result.last_seq, result.sealed_seq, result.breaks, result.notes) == (
            LINES, 4, LINES, SEALED, (), (),
        )  # fmt: skip


OF_A_LINE = {
    "id": "gen_random_uuid()",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "effective_at": "effective_at - interval '1 day'",
    "actor_kind": "'rule'",
    "actor_id": "'karim'",
    "actor_name": "'Karim B.'",
    "room": "'alarms'",
    "verb": "'close_incident'",
    "subject": "'incident:99'",
    "related": "ARRAY['alarm:1', 'asset:A-5']",
    "purpose": "purpose || '.'",
    "reason": "''",
    "sensitivity": "'desk'",
    "content": "replace(content, ':', ': ')",
    "digest": "sha256('x')",
    "about": "'case:incident-6'",
    "personal": "set_byte(personal, 40, get_byte(personal, 40) # 1)",
}


def test_every_column_of_a_line_is_in_the_table_of_alterations() -> None:
    assert {field.column for field in LineRow._meta.concrete_fields} - {"seq"} == set(OF_A_LINE)


@pytest.mark.parametrize("column", OF_A_LINE)
def test_any_column_of_a_line_that_was_altered_is_found(witness: Witness, column: str) -> None:
    with every_right():
        run(f"UPDATE journal_line SET {column} = {OF_A_LINE[column]} WHERE seq = 5")
    broken = {"line 5", "seal 2"} if column == "digest" else {"line 5"}
    assert found(None) == found(witness) == broken


@pytest.mark.parametrize("column", [name for name in OF_A_LINE if name != "digest"])
def test_a_line_altered_with_its_digest_is_found_by_its_seal(witness: Witness, column: str) -> None:
    with every_right():
        run(f"UPDATE journal_line SET {column} = {OF_A_LINE[column]} WHERE seq = 5")
        rewrite_line(5)
    assert found(None) == found(witness) == {"seal 2"}


OF_A_SEAL = {
    "number": ("40", {"seal 3", "seal 40", "seal 2"}),
    "first_seq": ("5", {"seal 2"}),
    "last_seq": ("5", {"seal 2", "seal 3"}),
    "root": ("sha256('x')", {"seal 2"}),
    "previous": ("sha256('x')", {"seal 2"}),
    "digest": ("sha256('x')", {"seal 2", "seal 3"}),
    "sealed_at": ("sealed_at + interval '1 microsecond'", {"seal 2"}),
}


@pytest.mark.parametrize("column", OF_A_SEAL)
def test_any_column_of_a_seal_that_was_altered_is_found(witness: Witness, column: str) -> None:
    value, where = OF_A_SEAL[column]
    with every_right():
        run(f"UPDATE journal_seal SET {column} = {value} WHERE number = 2")
    assert found(None) & where
    assert "seal 2" in found(witness)
    assert found(witness) >= found(None) - {"seal 40"}


SHIFT = ["UPDATE journal_line SET seq = -seq - 1 WHERE seq >= 5", "UPDATE journal_line SET seq = -seq WHERE seq < 0"]
COPY = """
INSERT INTO journal_line (seq, id, recorded_at, effective_at, actor_kind, actor_id, actor_name, room, verb, subject, related,
purpose, reason, sensitivity, content, digest, about, personal)
SELECT {seq}, gen_random_uuid(), recorded_at, effective_at, actor_kind, actor_id, actor_name, room, verb, subject, related,
purpose, reason, sensitivity, content, digest, about, personal FROM journal_line WHERE seq = 5
"""
SWAP = [
    "UPDATE journal_line SET seq = 100 WHERE seq = 4",
    "UPDATE journal_line SET seq = 4 WHERE seq = 5",
    "UPDATE journal_line SET seq = 5 WHERE seq = 100",
]
ATTEMPTS: dict[str, tuple[list[str], set[str]]] = {
    "a line removed": (["DELETE FROM journal_line WHERE seq = 5"], {"line 5", "seal 2"}),
    "the lines of a seal removed": (["DELETE FROM journal_line WHERE seq BETWEEN 4 AND 6"], {"line 4 to 6", "seal 2"}),
    "the first line removed": (["DELETE FROM journal_line WHERE seq = 1"], {"line 1", "seal 1"}),
    "the last sealed line removed": (["DELETE FROM journal_line WHERE seq = 12"], {"line 12", "seal 4"}),
    "a line not sealed removed": (["DELETE FROM journal_line WHERE seq = 13"], {"line 13"}),
    "the last line removed": (["DELETE FROM journal_line WHERE seq = 14"], {"head"}),
    "every line removed": (["DELETE FROM journal_line"], {"seal 1", "seal 2", "seal 3", "seal 4", "head"}),
    "two lines swapped": (SWAP, {"line 4", "line 5", "seal 2"}),
    "two lines of different seals swapped": (
        [sql.replace("seq = 5", "seq = 8").replace("WHERE seq = 4", "WHERE seq = 4") for sql in SWAP],
        {"line 4", "line 8", "seal 2", "seal 3"},
    ),
    "a line inserted and the rest renumbered": (
        [*SHIFT, COPY.format(seq=5).replace("seq = 5", "seq = 6"), "UPDATE journal_head SET seq = 15"],
        {"line 5", "line 6", "line 7", "line 15", "seal 2", "seal 3", "seal 4"},
    ),
    "a line duplicated at the end": (
        [COPY.format(seq=15), "UPDATE journal_head SET seq = 15"],
        {"line 15"},
    ),
    "a line before the first": ([COPY.format(seq=0)], {"line 0"}),
    "a line beyond the head": ([COPY.format(seq=15)], {"line 15", "head"}),
    "the head moved on": (["UPDATE journal_head SET seq = 20"], {"head"}),
    "the head moved back": (["UPDATE journal_head SET seq = 5"], {"head"}),
    "a seal removed": (["DELETE FROM journal_seal WHERE number = 2"], {"seal 3"}),
    "the first seal removed": (["DELETE FROM journal_seal WHERE number = 1"], {"seal 2"}),
    "two seals swapped": (
        [
            "UPDATE journal_seal SET number = 100 WHERE number = 2",
            "UPDATE journal_seal SET number = 2 WHERE number = 3",
            "UPDATE journal_seal SET number = 3 WHERE number = 100",
        ],
        {"seal 2", "seal 3", "seal 4"},
    ),
    "a seal inserted": (
        ["INSERT INTO journal_seal SELECT 5, 13, 14, root, digest, digest, sealed_at FROM journal_seal WHERE number = 4"],
        {"seal 5"},
    ),
    "a seal over lines to come": (
        ["INSERT INTO journal_seal SELECT 5, 13, 90, root, digest, digest, sealed_at FROM journal_seal WHERE number = 4"],
        {"seal 5"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_was_removed_inserted_or_reordered_is_found_and_located(witness: Witness, attempt: str) -> None:
    statements, where = ATTEMPTS[attempt]
    with every_right():
        for statement in statements:
            run(statement)
    alone, both = found(None), found(witness)
    assert alone >= where, alone
    assert both >= alone


def _cut_the_end() -> None:
    run("DELETE FROM journal_seal WHERE number >= 3")
    run("DELETE FROM journal_line WHERE seq >= 7")
    run("UPDATE journal_head SET seq = 6")


def _cut_the_last_seal_with_its_lines() -> None:
    run("DELETE FROM journal_seal WHERE number = 4")
    run("DELETE FROM journal_line WHERE seq >= 10")
    run("UPDATE journal_head SET seq = 9")


def _empty_it() -> None:
    run("DELETE FROM journal_seal")
    run("DELETE FROM journal_line")
    run("UPDATE journal_head SET seq = 0")


def _write_anew_from_the_fifth_line() -> None:
    run("UPDATE journal_line SET reason = 'autre', actor_id = 'karim' WHERE seq = 5")
    rewrite_line(5)
    rewrite_seals()


def _write_another_journal() -> None:
    _empty_it()
    for number in range(1, LINES + 1):
        write(number)
        if number % 3 == 0:
            actions.seal(AT + number)


def _remove_a_line_and_close_the_gap() -> None:
    run("DELETE FROM journal_line WHERE seq = 8")
    for seq in range(9, LINES + 1):
        run("UPDATE journal_line SET seq = %s WHERE seq = %s", seq - 1, seq)
        rewrite_line(seq - 1)
    run("DELETE FROM journal_seal WHERE number = 4")
    run("UPDATE journal_head SET seq = %s", LINES - 1)
    rewrite_seals()


FORGED: dict[str, tuple[Callable[[], None], set[str]]] = {
    "the end cut off with its seals and the head": (_cut_the_end, {"seal 3 to 4"}),
    "the last seal cut off with its lines": (_cut_the_last_seal_with_its_lines, {"seal 4"}),
    "everything removed": (_empty_it, {"seal 1 to 4"}),
    "written anew from a line on, seals included": (_write_anew_from_the_fifth_line, {"seal 2", "seal 3", "seal 4"}),
    "another journal, whole and consistent": (_write_another_journal, {"seal 1", "seal 2", "seal 3", "seal 4"}),
    "a line removed and the gap closed": (_remove_a_line_and_close_the_gap, {"seal 3", "seal 4"}),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_consistent_forgery_is_found_by_the_witness(witness: Witness, forgery: str) -> None:
    act, where = FORGED[forgery]
    with every_right():
        act()
    assert (found(None), found(witness)) == (set(), where)


def test_a_seal_removed_with_its_lines_left_is_told_and_written_again(witness: Witness) -> None:
    before = queries.get_seal(4)
    with every_right():
        run("DELETE FROM journal_seal WHERE number = 4")
    result = queries.verify(witness=witness)
    assert (result.breaks, len(result.notes)) == ((), 1)
    assert "seal 4 is outside and not in the database yet" in result.notes[0]
    assert actions.seal(AT + DAY, witness=witness) == before


def test_checkpoint_is_not_moved_by_who_has_the_database_alone(witness: Witness) -> None:
    result = queries.verify(witness=witness)
    actions.keep_checkpoint(witness, result, whole=True, at=AT)
    kept = queries.checkpoint(witness)
    assert kept is not None
    assert (kept.after, kept.whole_at) == (queries.get_seal(4), AT)
    assert found(witness, kept.after) == set()
    with every_right():
        _write_another_journal()
    assert found(None, kept.after) == {"seal 4"}
    assert found(witness, kept.after) == {"seal 4"}


def test_verification_behind_a_checkpoint_reads_what_follows_and_moves_it(witness: Witness) -> None:
    actions.keep_checkpoint(witness, queries.verify(witness=witness), whole=True, at=AT)
    write(15)
    actions.seal(AT + 20, witness=witness)
    kept = queries.checkpoint(witness)
    assert kept is not None
    result = queries.verify(witness=witness, after=kept.after)
    assert (result.lines, result.seals, result.breaks) == (3, 1, ())
    actions.keep_checkpoint(witness, result, whole=False, at=AT + DAY)
    moved = queries.checkpoint(witness)
    assert moved is not None
    assert (moved.after.number, moved.at, moved.whole_at) == (5, AT + DAY, AT)


def test_checkpoint_is_not_kept_of_a_broken_journal(witness: Witness) -> None:
    with every_right():
        run("UPDATE journal_line SET reason = 'x' WHERE seq = 5")
    actions.keep_checkpoint(witness, queries.verify(witness=witness), whole=True, at=AT)
    assert queries.checkpoint(witness) is None


@pytest.mark.parametrize("attempt", ["", *ATTEMPTS])
def test_parts_verified_apart_find_what_the_whole_finds(
    witness: Witness, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "LEAST_PART", 1)
    with every_right():
        for statement in ATTEMPTS[attempt][0] if attempt else []:
            run(statement)
    whole, apart = queries.verify(witness=witness), queries.verify(witness=witness, processes=4)
    assert bool(whole.breaks) == bool(apart.breaks) == bool(attempt)
    assert {each.where for each in apart.breaks} >= {each.where for each in whole.breaks if each.where != "line 15"}
    if not attempt:
        assert (apart.lines, apart.seals, apart.sealed_seq) == (whole.lines, whole.seals, whole.sealed_seq)


def test_parts_cover_every_line_once(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "LEAST_PART", 1)
    parts = verifying._parts(None, 4, LINES, witness, 3)
    assert [part.after.number if part.after else 0 for part in parts] == [0, 1, 3]
    assert all(a.last_number == b.after.number for a, b in pairwise(parts) if b.after)
    assert [part.last_seq for part in parts] == [3, 9, LINES]

"""Seals outside the database: written before it, mended after a crash, refused when they tell of another journal."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.clock import DAY
from beffroi.foundation.errors import Conflict, Misconfigured, Refused, Unreachable
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.actions import sealing
from beffroi.kernel.journal.models import Seal as SealRow
from beffroi.kernel.journal.queries import Witness
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, Seal, WitnessSeal
from tests.kernel.journal.test_tampering import every_right, run

AT = 1_780_000_000_000_000
DAY_OF_AT = "2026-05-28"
NADIA = Actor(ActorKind.PERSON, "nadia", "Nadia M.")
whole = st.integers(0, 2**53)
digests = st.binary(min_size=32, max_size=32)


def write(count: int = 2, *, at: int = AT) -> None:
    with transaction.atomic():
        actions.append([Entry(NADIA, "incidents", "note", f"incident:{n}") for n in range(count)], at=at)


@pytest.fixture
def witness(db: None, tmp_path: Path) -> Witness:
    return Witness(tmp_path / "seals")


def numbers(witness: Witness) -> list[int]:
    return [told.number for told in witness.seals()]


@given(st.tuples(whole, whole, whole, digests, digests, digests, whole, whole))
def test_a_seal_is_read_from_the_file_as_it_was_written(fields: Any) -> None:
    number, first, last, root, previous, digest, at, copied = fields
    seal = Seal(number, first, last, root, previous, digest, at)
    line = rules.to_witness(seal, copied_at=copied)
    told = rules.read_witness_line(line)
    assert isinstance(told, WitnessSeal)
    assert (rules.from_witness(told), told.copied_at, line.count(b"\n")) == (seal, copied, 1)


@given(st.binary(max_size=80))
def test_garbage_in_the_file_is_no_seal(noise: bytes) -> None:
    assert rules.read_witness_line(noise) is None


def test_seals_are_appended_a_file_a_day_with_their_rights(witness: Witness) -> None:
    for day in range(3):
        write(at=AT + day * DAY)
        actions.seal(AT + day * DAY, witness=witness)
    names = [f"2026-05-{28 + day}.00.seals" for day in range(3)]
    assert [file.name for file in witness.files()] == names
    assert [file.stat().st_mode & 0o777 for file in witness.files()] == [0o440, 0o440, 0o640]
    assert [rules.from_witness(told) for told in witness.seals()] == queries.seals_after(0, limit=10)
    assert [told.number for told in witness.seals(after=2)] == [3]


def test_a_clock_that_goes_back_opens_no_older_file(witness: Witness) -> None:
    for at in (AT + DAY, AT):
        write(at=at)
        actions.seal(at, witness=witness)
    assert ([file.name for file in witness.files()], numbers(witness)) == (["2026-05-29.00.seals"], [1, 2])


def test_crash_between_file_and_database_is_mended_with_the_same_seal(witness: Witness) -> None:
    write()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.seal(AT, witness=witness)
        raise ZeroDivisionError
    assert (queries.last_seal(), numbers(witness)) == (None, [1])
    write()
    (left,) = witness.seals()
    assert actions.seal(AT + 5, witness=witness) == rules.from_witness(left)
    assert actions.seal(AT + 5, witness=witness) is not None
    assert (numbers(witness), queries.verify(witness=witness).breaks) == ([1, 2], ())


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_line_cut_off_by_a_crash_is_written_again(witness: Witness, cut: int) -> None:
    write()
    actions.seal(AT, witness=witness)
    write()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.seal(AT, witness=witness)
        raise ZeroDivisionError
    (file,) = witness.files()
    os.truncate(file, file.stat().st_size - cut)
    while actions.seal(AT + 5, witness=witness):
        pass
    assert (numbers(witness), queries.verify(witness=witness).breaks) == ([1, 2], ())


def test_file_that_cannot_be_written_leaves_the_lines_unsealed(witness: Witness) -> None:
    write()
    witness.folder.mkdir()
    target = witness.folder / f"{DAY_OF_AT}.00.seals"
    target.mkdir()
    with pytest.raises(Unreachable, match="outside the database"):
        actions.seal(AT, witness=witness)
    assert queries.last_seal() is None
    target.rmdir()
    assert actions.seal(AT, witness=witness) is not None


def test_witness_that_begins_late_or_lost_seals_takes_copies_and_says_so(witness: Witness) -> None:
    for at in range(3):
        write()
        actions.seal(AT + at)
    assert queries.verify(witness=witness).notes == (
        "no seal was kept outside the database yet: nothing to compare with",
    )
    assert actions.seal(AT + 9, witness=witness) is None
    write()
    actions.seal(AT + 10, witness=witness)
    assert [(told.number, told.copied_at) for told in witness.seals()] == [
        (1, AT + 9), (2, AT + 9), (3, AT + 9), (4, 0),
    ]  # fmt: skip
    result = queries.verify(witness=witness)
    assert (result.breaks, result.notes) == (
        (), ("3 seals outside were copied from the database: they witness nothing from before the copy",),
    )  # fmt: skip


def test_database_that_was_written_anew_is_not_sealed_over(witness: Witness) -> None:
    write()
    actions.seal(AT, witness=witness)
    with every_right():
        run("UPDATE journal_seal SET digest = sha256('x')")
    write()
    with pytest.raises(Conflict, match="written anew"):
        actions.seal(AT + 1, witness=witness)
    assert numbers(witness) == [1]


def _restore(seals: int) -> None:
    """What a restore from a backup of that time leaves."""
    kept = SealRow.objects.get(number=seals).last_seq
    with every_right():
        run("DELETE FROM journal_seal WHERE number > %s", seals)
        run("DELETE FROM journal_line WHERE seq > %s", kept)
        run("UPDATE journal_head SET seq = %s", kept)


def test_restored_database_is_sealed_again_once_it_was_accepted_and_is_told_for_ever(witness: Witness) -> None:
    for at in range(5):
        write()
        actions.seal(AT + at, witness=witness)
    _restore(2)
    with pytest.raises(Conflict, match="beffroi journal adopt"):
        actions.seal(AT + 9, witness=witness)
    with pytest.raises(Refused, match="write the reason"):
        actions.adopt_restored(witness, reason=" ", by=NADIA, at=AT + 9)
    assert actions.adopt_restored(witness, reason="disque perdu", by=NADIA, at=AT + 9) == 3
    while actions.seal(AT + 10, witness=witness):
        pass
    write(at=AT + DAY)
    actions.seal(AT + DAY, witness=witness)
    assert numbers(witness) == [1, 2, 3, 4]
    result = queries.verify(witness=witness)
    assert result.breaks == ()
    assert result.notes == (
        "a restored database was accepted by Nadia M. at 2026-05-28T20:26:40.000009Z: seals 3 to 5, up to line 10, were"
        " lost; reason: disque perdu",
    )
    line = queries.list_lines(queries.Filters(verb="adopt_restored"))[0]
    assert (line.reason, line.content) == ("disque perdu", {"seal": 2, "lost_seals": 3, "lost_up_to_line": 10})
    with pytest.raises(Refused, match="nothing to accept"):
        actions.adopt_restored(witness, reason="encore", by=NADIA, at=AT + 10)


def test_forged_database_is_not_accepted_as_a_restored_one(witness: Witness) -> None:
    for at in range(3):
        write()
        actions.seal(AT + at, witness=witness)
    _restore(2)
    with every_right():
        run("UPDATE journal_seal SET digest = sha256('x') WHERE number = 2")
    with pytest.raises(Conflict, match="no older state"):
        actions.adopt_restored(witness, reason="disque perdu", by=NADIA, at=AT)


def test_checkpoint_that_cannot_be_read_asks_for_the_whole(witness: Witness) -> None:
    witness.folder.mkdir()
    (witness.folder / "verified.json").write_text("{")
    with pytest.raises(Misconfigured, match="--full"):
        queries.checkpoint(witness)


@pytest.mark.django_db(transaction=True)
def test_many_who_seal_keep_one_chain_inside_and_outside(tmp_path: Path) -> None:
    witness, ready = Witness(tmp_path / "seals"), threading.Barrier(4)

    def work() -> None:
        try:
            ready.wait(10)
            for _ in range(10):
                write()
                actions.seal(AT, witness=witness)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for task in [pool.submit(work) for _ in range(4)]:
            task.result(60)
    while actions.seal(AT, witness=witness):
        pass
    result = queries.verify(witness=witness)
    assert (result.lines, result.sealed_seq, result.breaks, result.notes) == (80, 80, (), ())
    assert numbers(witness) == list(range(1, result.seals + 1))


def test_seals_copied_are_bounded_in_memory(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MAX_SEALS_COPIED", 2)
    for at in range(5):
        write()
        actions.seal(AT + at)
    actions.seal(AT + 9, witness=witness)
    assert numbers(witness) == [1, 2, 3, 4, 5]

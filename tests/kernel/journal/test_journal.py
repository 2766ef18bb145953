"""The journal on the real PostgreSQL: what it refuses, what it finds, and how it numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest
from django.db import DatabaseError, connection, transaction

from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.journal import actions, queries
from beffroi.kernel.journal.actions import sealing
from beffroi.kernel.journal.queries import Filters, Part, verifying
from beffroi.kernel.journal.rules import line_digest
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind, Break, Entry, Sensitivity
from tests.database import as_owner

AT = 1_780_000_000_000_000
NADIA = Actor(ActorKind.PERSON, "nadia", "Nadia M.")
RULE = Actor(ActorKind.RULE, "cabinet_tripped", "Armoire déclenchée")


def _entry(number: int = 0, **fields: object) -> Entry:
    values = {"actor": NADIA, "room": "incidents", "verb": "note", "subject": f"incident:{number}"} | fields
    return Entry(**values)  # type: ignore[arg-type]


def _append(count: int, *, at: int = AT) -> int:
    with transaction.atomic():
        return actions.append([_entry(number) for number in range(count)], at=at)


def _run(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@contextmanager
def _triggers_off() -> Iterator[None]:
    """What someone with the account of the tables' owner can do."""
    with as_owner():
        for table in ("journal_line", "journal_seal", "journal_head"):
            _run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in ("journal_line", "journal_seal", "journal_head"):
            _run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def sealed(db: None) -> None:
    """Three seals over lines 1-3, 4-6, 7-9, and two lines not sealed yet."""
    for place in range(3):
        _append(3, at=AT + place)
        actions.seal(AT + place)
    _append(2)


@pytest.mark.usefixtures("db")
def test_append_gives_back_what_was_written() -> None:
    entry = _entry(
        7,
        actor=RULE,
        related=("alarm:3", "asset:CAB-1"),
        content={"value": 1.5, "words": ["é", None]},
        reason="seuil dépassé",
        purpose="veille",
        sensitivity=Sensitivity.DESK,
        effective_at=AT - 5,
    )
    with transaction.atomic():
        assert actions.append([_entry(1), entry], at=AT) == 2
    line = queries.list_lines(reach=EVERYTHING)[0]
    assert (line.seq, line.recorded_at, line.effective_at, line.actor) == (2, AT, AT - 5, RULE)
    assert (line.subject, line.related, line.content) == (entry.subject, entry.related, entry.content)
    assert (line.reason, line.purpose, line.sensitivity) == (entry.reason, entry.purpose, Sensitivity.DESK)


@pytest.mark.usefixtures("db")
def test_append_of_nothing_writes_nothing() -> None:
    _append(2)
    with transaction.atomic():
        assert actions.append([], at=AT) == 2
    assert queries.last_seq() == 2


@pytest.mark.django_db(transaction=True)
def test_append_outside_a_transaction_is_refused() -> None:
    with pytest.raises(Conflict):
        actions.append([_entry()], at=AT)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal_line SET reason = 'x' WHERE seq = 2",
        "DELETE FROM journal_line WHERE seq = 2",
        "TRUNCATE journal_line",
        "UPDATE journal_seal SET last_seq = 4 WHERE number = 1",
        "DELETE FROM journal_seal",
        "TRUNCATE journal_seal",
        "UPDATE journal_head SET seq = 1",
        "DELETE FROM journal_head",
    ],
)
@pytest.mark.parametrize("role", ["owner", "post"])
def test_database_refuses_to_change_the_journal(sql: str, role: str) -> None:
    """Its triggers refuse the owner of the tables, and the post's role has not the right in the first place."""
    with (
        nullcontext() if role == "post" else as_owner(),
        pytest.raises(DatabaseError, match="journal"),
        transaction.atomic(),
    ):
        _run(sql)
    assert queries.verify().breaks == ()


@pytest.mark.usefixtures("sealed")
def test_verification_of_an_untouched_journal_finds_nothing() -> None:
    found = queries.verify()
    assert (found.lines, found.seals, found.last_seq, found.sealed_seq, found.breaks) == (11, 3, 11, 9, ())
    assert queries.sealed_seq() == 9


@pytest.mark.usefixtures("db")
def test_verification_of_an_empty_journal_finds_nothing() -> None:
    assert queries.verify().breaks == ()
    assert (queries.last_seq(), queries.sealed_seq(), actions.seal(AT)) == (0, 0, None)


@pytest.mark.usefixtures("sealed")
def test_verification_since_a_seal_reads_only_what_follows() -> None:
    found = queries.verify(since_seal=2)
    assert (found.lines, found.seals, found.breaks) == (5, 1, ())
    with pytest.raises(NotFound):
        queries.verify(since_seal=9)


COPY_LINE = """
INSERT INTO journal_line SELECT %s, gen_random_uuid(), recorded_at, effective_at, actor_kind, actor_id, actor_name, room,
verb, subject, related, purpose, reason, sensitivity, content, digest FROM journal_line WHERE seq = 2
"""
ALTERED = "altered: its digest is not that of what it says"
TAMPERED: list[tuple[list[str], list[Break]]] = [
    (["UPDATE journal_line SET reason = 'x' WHERE seq = 5"], [Break("line 5", ALTERED)]),
    (["UPDATE journal_line SET reason = 'x' WHERE seq = 11"], [Break("line 11", ALTERED)]),
    (
        ["DELETE FROM journal_line WHERE seq = 5"],
        [Break("line 5", "missing"), Break("seal 2", "does not fit the lines 4 to 6 that it covers")],
    ),
    (
        ["DELETE FROM journal_line WHERE seq BETWEEN 4 AND 6"],
        [Break("seal 2", "does not fit the lines 4 to 6 that it covers"), Break("line 4 to 6", "missing")],
    ),
    (["DELETE FROM journal_line WHERE seq = 11"], [Break("head", "the last number given is 11, the last line is 10")]),
    (
        [COPY_LINE % 12],
        [Break("line 12", ALTERED), Break("head", "the last number given is 11, the last line is 12")],
    ),
    ([COPY_LINE % 0], [Break("line 0", "out of order: 1 was expected"), Break("line 0", ALTERED)]),
    (
        [
            "UPDATE journal_line SET seq = 100 WHERE seq = 4",
            "UPDATE journal_line SET seq = 4 WHERE seq = 5",
            "UPDATE journal_line SET seq = 5 WHERE seq = 100",
        ],
        [
            Break("line 4", ALTERED),
            Break("line 5", ALTERED),
            Break("seal 2", "does not fit the lines 4 to 6 that it covers"),
        ],
    ),
    (["UPDATE journal_seal SET sealed_at = now() WHERE number = 2"], [Break("seal 2", ALTERED)]),
    (
        ["UPDATE journal_seal SET first_seq = 400, last_seq = 600 WHERE number = 3"],
        [
            Break("seal 3", "covers 400 to 600; expected from 7"),
            Break("seal 3", ALTERED),
            Break("seal 3", "does not fit the lines 400 to 600 that it covers"),
            Break("seal 3", "covers lines up to 600, the last line is 11"),
        ],
    ),
    (
        ["DELETE FROM journal_seal WHERE number = 2"],
        [
            Break("seal 3", "seal 2 was expected"),
            Break("seal 3", "covers 7 to 9; expected from 4"),
            Break("seal 3", "is not chained to the seal before it"),
        ],
    ),
]


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(("statements", "breaks"), TAMPERED)
def test_verification_finds_and_locates_what_was_altered(statements: list[str], breaks: list[Break]) -> None:
    with _triggers_off():
        for statement in statements:
            _run(statement)
    assert list(queries.verify().breaks) == breaks


@pytest.mark.usefixtures("sealed")
def test_verification_finds_a_line_whose_digest_was_rewritten_too() -> None:
    with _triggers_off():
        _run("UPDATE journal_line SET reason = 'x' WHERE seq = 5")
        with transaction.atomic():
            rows = list(verifying._stream_lines(Part(None, 0, 5, None)))
        _run("UPDATE journal_line SET digest = %s WHERE seq = 5", line_digest(rows[4][0]))
    assert queries.verify().breaks == (Break("seal 2", "does not fit the lines 4 to 6 that it covers"),)


@pytest.mark.django_db(transaction=True)
def test_abandoned_append_leaves_no_gap() -> None:
    _append(2)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.append([_entry()], at=AT)
        raise ZeroDivisionError
    assert _append(1) == 3
    assert queries.verify().breaks == ()


def _in_thread(act: Callable[[], object]) -> object:
    try:
        return act()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_concurrent_appenders_are_numbered_in_the_order_they_commit() -> None:
    holds, free = threading.Event(), threading.Event()
    committed: list[int] = []

    def first() -> None:
        with transaction.atomic():
            number = actions.append([_entry(1)], at=AT)
            holds.set()
            free.wait(10)
        committed.append(number)

    def second() -> None:
        holds.wait(10)
        free.set()
        with transaction.atomic():
            number = actions.append([_entry(2), _entry(2)], at=AT)
        committed.append(number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_in_thread, (first, second)))
    assert committed == [1, 3]


@pytest.mark.django_db(transaction=True)
def test_many_appenders_and_sealers_leave_a_whole_journal() -> None:
    def write() -> None:
        for _ in range(10):
            _append(3)
            actions.seal(AT)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_in_thread, [write] * 4))
    while actions.seal(AT):
        pass
    found = queries.verify()
    assert (found.lines, found.last_seq, found.sealed_seq, found.breaks) == (120, 120, 120, ())


@pytest.mark.usefixtures("db")
def test_seal_is_bounded_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MAX_LINES_A_SEAL", 4)
    _append(10)
    seals = [actions.seal(AT) for _ in range(4)]
    assert [(seal.number, seal.first_seq, seal.last_seq) for seal in seals if seal] == [
        (1, 1, 4),
        (2, 5, 8),
        (3, 9, 10),
    ]
    assert queries.verify().breaks == ()


@pytest.mark.django_db(transaction=True)
def test_append_tells_who_listens() -> None:
    _run("LISTEN journal")
    _append(3)
    assert connection.connection is not None
    told = [note.payload for note in connection.connection.notifies(timeout=5, stop_after=1)]
    _run("UNLISTEN journal")
    assert told == ["3"]


@pytest.mark.usefixtures("db")
def test_lines_are_found_by_filters() -> None:
    with transaction.atomic():
        actions.append([_entry(1), _entry(2, verb="close"), _entry(3, related=("incident:1",))], at=AT)
        actions.append([_entry(4, actor=RULE, room="alarms", sensitivity=Sensitivity.VAULT)], at=AT + 10)

    def found(**filters: object) -> list[int]:
        return [line.seq for line in queries.list_lines(Filters(**filters), reach=EVERYTHING)]  # type: ignore[arg-type]

    assert found() == [4, 3, 2, 1]
    assert found(before_seq=3) == [2, 1]
    assert found(after_seq=2) == [3, 4]
    assert found(subject="incident:1") == [3, 1]
    assert [line.seq for line in queries.lines_of("incident:1")] == [3, 1]
    assert found(verb="close") == [2]
    assert found(room="alarms", actor="cabinet_tripped") == [4]
    assert (found(since=AT), found(until=AT + 10)) == ([4], [3, 2, 1])
    assert found(sensitivities=(Sensitivity.COMMON,)) == [3, 2, 1]
    assert found(subject="incident:\x00", actor="\x00") == []


@pytest.mark.usefixtures("db")
def test_subjects_changed_are_those_of_the_lines_between() -> None:
    with transaction.atomic():
        actions.append([_entry(1), _entry(2, related=("alarm:9",)), _entry(2), _entry(3)], at=AT)
    assert queries.subjects_changed(1, 3) == ("alarm:9", "incident:2")

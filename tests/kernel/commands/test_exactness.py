"""Two at the same instant, and a fault at each boundary: one wins and the other is told; whole or nothing, sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from uuid import UUID

import pytest
from django.db import transaction

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict
from beffroi.foundation.ids import new_id
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.actions import asking
from beffroi.kernel.commands.models import Command as Row
from beffroi.kernel.commands.types import CommandState, Outcome, Receipt
from beffroi.kernel.journal.queries import list_lines
from tests.kernel.commands.scene import (
    T0,
    ask,
    cabinet,
    chief,
    equipment_says,
    karim,
    lights,
    make_source,
    nadia,
    no,
    seen,
    send,
    set_up,
    shown,
    states,
    verbs,
    yes,
)
from tests.kernel.faults import assert_whole_or_nothing, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source(transactional_db: None) -> Iterator[int]:
    set_up()
    yield make_source("lighting", heard=T0 + 2 * HOUR)
    Row.objects.all().update(reverts=None)  # rows that name rows of their own table, before the tables are emptied


# -- two at once ---------------------------------------------------------------------------------------------------


def test_same_command_at_the_same_instant_has_one_winner_and_the_other_is_told(source: int) -> None:
    lights(1, source)
    first, second = nadia(), karim()
    for turn in range(5):
        at = T0 + turn * MINUTE
        results = at_once(lambda at=at: ask(by=first, at=at), lambda at=at: ask(by=second, at=at))  # type: ignore[misc]
        refused = [each for each in results if isinstance(each, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], Conflict)
        assert "already commanded by" in str(refused[0])
        (winner,) = [each for each in results if not isinstance(each, Exception)]
        actions.cancel(winner.id, "encore", by=first, at=at)


def test_two_groups_that_overlap_share_the_equipment_and_neither_waits_for_the_other(source: int) -> None:
    lights(30, source)
    codes = [f"L-{n:05d}" for n in range(1, 31)]
    first, second = nadia(), karim()
    results = at_once(
        lambda: ask(by=first, assets=tuple(codes[:20])), lambda: ask(by=second, assets=tuple(reversed(codes[10:])))
    )
    assert not [each for each in results if isinstance(each, Exception)]
    assert [len(each.commands) + len(each.left_out) for each in results] == [20, 20]
    assert sum(len(each.commands) for each in results) == 30
    assert Row.objects.filter(holds=True).count() == 30


def test_same_key_at_the_same_instant_is_one_request(source: int) -> None:
    lights(1, source)
    who = nadia()
    one, other = at_once(lambda: ask(by=who, key="k"), lambda: ask(by=who, key="k"))
    assert (one.id, sorted([one.again, other.again])) == (other.id, [False, True])
    assert verbs() == ["ask_command"]


def test_of_two_second_persons_one_decides_and_the_other_is_told(source: int) -> None:
    cabinet("A-014", source, lights(1, source))
    agrees, denies = karim(), chief()
    for turn in range(5):
        at = T0 + turn * MINUTE
        asked = ask("open_feeder", assets=("A-014",), at=at)
        results = at_once(
            lambda id=asked.id, at=at: actions.authorise(id, by=agrees, at=at),  # type: ignore[misc]
            lambda id=asked.id, at=at: actions.deny(id, "non", by=denies, at=at),  # type: ignore[misc]
        )
        refused = [each for each in results if isinstance(each, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], Conflict)
        assert ("Karim" in str(refused[0])) is (seen(asked.id).state == "authorised")
        if seen(asked.id).state == "authorised":
            actions.cancel(asked.id, "encore", by=agrees, at=at)


def test_two_senders_at_once_send_each_command_once(source: int) -> None:
    lights(40, source)
    ask(zone="Dijon")
    results = at_once(*(lambda n=n: send(source, sender=f"s{n}") for n in range(3)))  # type: ignore[misc]
    sent = [id for each in results for id in each]
    assert (len(sent), len(set(sent))) == (40, 40)
    assert [line.verb for line in list_lines(limit=20)].count("begin_sending") == 1


def test_cancelling_and_sending_at_once_leave_one_of_the_two(source: int) -> None:
    lights(1, source)
    who = nadia()
    for turn in range(5):
        at = T0 + turn * MINUTE
        asked = ask(by=who, at=at)
        sent, cancelled = at_once(
            lambda at=at: send(source, at=at),  # type: ignore[misc]
            lambda id=asked.id, at=at: actions.cancel(id, "erreur", by=who, at=at),  # type: ignore[misc]
        )
        if isinstance(cancelled, Conflict):
            assert (sent, seen(asked.id).state) == ([asked.id], "sent")
            equipment_says(no(asked.id, source), at=at)
        else:
            assert (sent, seen(asked.id).state) == ([], "cancelled")


def test_worker_twice_at_once_expires_returns_and_sums_up_once(source: int) -> None:
    lights(25, source)
    ask(zone="Dijon", hold_s=600)
    send(source)
    for at in (T0 + 121 * SECOND, T0 + 601 * SECOND):
        results = at_once(lambda at=at: actions.pass_time(at), lambda at=at: actions.pass_time(at))  # type: ignore[misc]
        assert not [each for each in results if isinstance(each, Exception)], results
    assert verbs() == ["ask_command", "begin_sending", "finish_sending", "ask_undoing"]
    assert states().count("authorised") == 25


def test_answer_and_expiry_at_once_leave_one_of_the_two(source: int) -> None:
    lights(1, source)
    for turn in range(5):
        at = T0 + turn * 10 * MINUTE
        asked = ask(at=at)
        send(source, at=at)
        later = at + 120 * SECOND
        at_once(
            lambda id=asked.id, at=later: equipment_says(shown(id, at=at), at=at),  # type: ignore[misc]
            lambda at=later: actions.expire_commands(at),  # type: ignore[misc]
        )
        state = seen(asked.id).state
        told = [line.verb for line in list_lines(limit=6) if line.subject == f"command:{asked.id}"]
        assert ("prove_command" in told, "expire_command" in told) == (state == "effective", state == "expired")


# -- faults at every boundary --------------------------------------------------------------------------------------


def asked_two(source: int) -> UUID:
    lights(2, source)
    return ask(hold_s=600).id


def dangerous(source: int) -> UUID:
    cabinet("A-014", source, lights(1, source))
    return ask("open_feeder", assets=("A-014",)).id


def marked(source: int) -> UUID:
    id = asked_two(source)
    actions.claim("lighting", source, 10, sender="one", at=T0)
    return id


def done(source: int) -> UUID:
    id = marked(source)
    equipment_says(shown(id))
    return id


def undoing(source: int) -> UUID:
    id = done(source)
    back = actions.revert(id, by=karim(), at=T0 + MINUTE).id
    send(source, at=T0 + MINUTE)
    return back


def large(source: int) -> UUID:
    lights(22, source)
    id = ask(zone="Dijon").id
    sent = send(source)
    equipment_says(*(shown(each) for each in sent))
    return id


def ask_two(_: UUID, source: int) -> None:
    ask(by=karim(), assets=("L-00002",), incident=3, key="k", at=T0 + SECOND)


FAULTS: dict[str, tuple[Callable[[int], UUID], Callable[[UUID, int], object]]] = {
    "ask": (asked_two, ask_two),
    "authorise": (dangerous, lambda id, _: actions.authorise(id, by=karim(), at=T0 + SECOND)),
    "deny": (dangerous, lambda id, _: actions.deny(id, "non", by=karim(), at=T0 + SECOND)),
    "cancel": (asked_two, lambda id, _: actions.cancel(id, "erreur", by=karim(), at=T0 + SECOND)),
    "mark": (asked_two, lambda _, source: actions.claim("lighting", source, 10, sender="one", at=T0)),
    "note_left": (marked, lambda id, _: actions.note_left([id], sender="one")),
    "receipt_refused": (marked, lambda id, _: receipt(id, Outcome.REFUSED)),
    "receipt_unreachable": (marked, lambda id, _: receipt(id, Outcome.UNREACHABLE)),
    "acknowledge": (marked, lambda id, source: equipment_says(yes(id, source))),
    "refuse": (marked, lambda id, source: equipment_says(no(id, source))),
    "prove": (marked, lambda id, _: equipment_says(shown(id))),
    "prove_undoing": (undoing, lambda id, _: equipment_says(shown(id, 0.0))),
    "expire": (marked, lambda _id, _: actions.expire_commands(T0 + 121 * SECOND)),
    "return": (done, lambda _id, _: actions.return_commands(T0 + 601 * SECOND)),
    "revert": (done, lambda id, _: actions.revert(id, by=karim(), at=T0 + MINUTE)),
    "sum_up": (large, lambda _id, _: actions.sum_up_requests(T0 + MINUTE)),
}


def receipt(id: UUID, outcome: Outcome) -> None:
    actions.note_receipts({id: Receipt(outcome, "non")}, sender="one", at=T0)


@pytest.mark.parametrize("name", list(FAULTS))
def test_act_bears_a_fault_at_every_boundary(source: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, act = FAULTS[name]
    assert len({nadia().id, karim().id, chief().id}) == 3  # their accounts are opened before, and not by the act
    id = prepare(source)

    def again() -> None:
        """Do the act with the same numbers each time, so that its two worlds can be compared."""
        numbers = count(1)
        monkeypatch.setattr(asking, "new_id", lambda at: new_id(at, next(numbers).to_bytes(10, "big")))
        act(id, source)

    borne = assert_whole_or_nothing(again, least=2 if name == "note_left" else 6)
    print(f"{name}: {borne} faults borne")


def test_mark_whose_commitment_was_not_told_is_never_sent_again(source: int) -> None:
    """The sender does not know whether it marked: what it may have marked is in doubt, and nobody sends it."""
    id = asked_two(source)
    with transaction.atomic():
        actions.claim("lighting", source, 10, sender="lost", at=T0)
    assert send(source, sender="next", at=T0 + SECOND) == []
    assert seen(id).in_doubt
    assert queries.command(id).state == CommandState.SENT

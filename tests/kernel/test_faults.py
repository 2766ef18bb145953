"""The harness of faults, tried on acts that are right and on acts that are not."""

from __future__ import annotations

import pytest
from django.db import transaction

from beffroi.foundation.clock import SECOND
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from tests.kernel.alarms.factories import make_asset
from tests.kernel.faults import assert_whole_or_nothing, at_once, world

T0 = 1_780_000_000 * SECOND
LINE = Entry(Actor(ActorKind.SYSTEM, "test", "Essai"), "twin", "declare", "asset:A-1")
pytestmark = pytest.mark.django_db(transaction=True)


def declare() -> None:
    with transaction.atomic():
        make_asset("A-1")
        append([LINE], at=T0)


def test_act_of_one_transaction_bears_every_fault() -> None:
    borne = assert_whole_or_nothing(declare, least=8)
    assert (len(list_lines()), len(world()["twin_asset"])) == (1, 1)
    assert borne % 2 == 0


def test_act_that_commits_twice_is_found_half_done() -> None:
    def declare_and_forget() -> None:
        make_asset("A-1")
        with transaction.atomic():
            append([LINE], at=T0)

    with pytest.raises(AssertionError, match=r"lost at round trip \d+ left it half done.*twin_asset"):
        assert_whole_or_nothing(declare_and_forget)


def test_act_that_does_nothing_is_no_trial() -> None:
    with pytest.raises(AssertionError, match="changes nothing"):
        assert_whole_or_nothing(lambda: None)


def test_acts_at_once_give_what_each_gave_or_raised() -> None:
    done = at_once(lambda: append([], at=T0), lambda: 2)
    assert (type(done[0]).__name__, done[1]) == ("Conflict", 2)

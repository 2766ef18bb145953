"""The acts on links, with the database cut off at each of their round trips: done whole, or not at all."""

from __future__ import annotations

import pytest

from beffroi.kernel.incidents import actions, queries
from tests.kernel.alarms.factories import make_asset, relate, viewer
from tests.kernel.faults import assert_whole_or_nothing
from tests.kernel.incidents.factories import T0, alarm, call, incident_of, set_up, told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two() -> tuple[int, int, int]:
    """A cabinet that tripped, another with an alarm and a call; return their incidents and the second's alarm."""
    set_up()
    first, second = (alarm("cabinet_tripped", make_asset(code), T0 + 1) for code in ("A-1", "A-2"))
    one, other = incident_of(first), incident_of(second)
    actions.attach_signal(other, told(), by=viewer("lucie"), at=T0 + 2)
    return one, other, second


def test_opening_is_whole_or_nothing() -> None:
    set_up()
    by = viewer("lucie")
    assert_whole_or_nothing(lambda: actions.open_incident(told(), by=by, at=T0, key="k"), least=5)


def test_attaching_is_whole_or_nothing(two: tuple[int, int, int]) -> None:
    by = viewer("lucie")
    assert_whole_or_nothing(lambda: actions.attach_signal(two[0], told(), by=by, at=T0 + 3), least=5)


def test_uniting_is_whole_or_nothing(two: tuple[int, int, int]) -> None:
    by = viewer("lucie")
    assert_whole_or_nothing(lambda: actions.merge_incidents(two[1], two[0], by=by, at=T0 + 3), least=8)


def test_separating_is_whole_or_nothing(two: tuple[int, int, int]) -> None:
    by = viewer("lucie")
    actions.merge_incidents(two[1], two[0], by=by, at=T0 + 3)
    assert_whole_or_nothing(lambda: actions.separate_incident(two[1], by=by, at=T0 + 4), least=8)


def test_taking_apart_is_whole_or_nothing(two: tuple[int, int, int]) -> None:
    by = viewer("lucie")
    actions.merge_incidents(two[1], two[0], by=by, at=T0 + 3)
    assert_whole_or_nothing(lambda: actions.split_incident(two[0], alarm_ids=[two[2]], by=by, at=T0 + 4), least=8)


def test_confirming_and_rejecting_are_whole_or_nothing() -> None:
    set_up()
    first, second, third = (call(at=T0 + place).id for place in range(3))
    while actions.compare_incidents(at=T0 + 5):
        pass
    assert len(queries.proposals_of(first, seen_by=viewer("lucie"))) == 2
    by = viewer("lucie")
    assert_whole_or_nothing(lambda: actions.reject_link(first, third, by=by, at=T0 + 6), least=6)
    assert_whole_or_nothing(lambda: actions.confirm_link(second, first, by=by, at=T0 + 7), least=8)


def test_uniting_by_a_rule_is_done_in_the_end_whatever_fails() -> None:
    """The rule acts in transactions of its own, one after the other: cut off anywhere, the next turn ends the work."""
    set_up()
    cabinet, gateway = make_asset("A-1"), make_asset("G-1", "sensor")
    relate(cabinet, "feeds", gateway)
    silent, tripped = alarm("cabinet_silent", gateway), alarm("cabinet_tripped", cabinet, T0 + 1)
    from tests.kernel.incidents import factories

    kept, moved = incident_of(tripped), incident_of(silent)
    held = queries.compared((kept, moved), queries.categories())
    assert len(held) == 2
    from beffroi.kernel.incidents.actions.comparing import _unite
    from beffroi.kernel.incidents.types import Facts

    assert_whole_or_nothing(lambda: _unite(moved, kept, factories.SAFE, Facts(0.0, 1), T0 + 2), least=8)
    assert queries.get(kept, viewer("lucie")).alarm_ids == (silent, tripped)

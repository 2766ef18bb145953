"""One act on a group: one line that names all, and what changed meanwhile left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from beffroi.foundation.clock import now
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.types import Role, Viewer
from tests.console import scene
from tests.kernel.alarms.factories import viewer

pytestmark = pytest.mark.django_db
CONTENT = {"key": "abc", "kind": "commune"}


@pytest.fixture
def town(db: None, tmp_path: Path) -> tuple[list[str], list[str]]:
    """Three cabinets that tripped, two lamps in fault: (incidents, alarms without one), as the journal names them."""
    scene.set_up(tmp_path)
    scene.happen("raise", scene.TRIPPED, ["ARM-1", "ARM-2", "ARM-3"])
    scene.happen("raise", "light_point_fault", ["L-1", "L-2"])
    who = scene.who("chefsalle")
    opened = [f"incident:{each.id}" for each in queries.list_open(seen_by=who)]
    within = {alarm for each in queries.list_open(seen_by=who) for alarm in each.alarm_ids}
    return opened, [f"alarm:{each.id}" for each in alarms.list_open(seen_by=who) if each.id not in within]


def _acknowledge(names: list[str], seen: int, by: Viewer | None = None) -> actions.Together:
    who = by or scene.who()
    return actions.acknowledge_group(names, title="Armoire", seen_at_seq=seen, by=who, at=now(), content=CONTENT)


def _states() -> tuple[list[str], list[str]]:
    who = scene.who("chefsalle")
    return (
        ["acknowledged" if each.acknowledged_at else str(each.state) for each in queries.list_open(seen_by=who)],
        sorted(str(each.state) for each in alarms.list_open(seen_by=who)),
    )


def test_group_is_acknowledged_by_one_line_that_names_all(town: tuple[list[str], list[str]]) -> None:
    opened, loose = town
    seen = journal.last_seq()
    together = _acknowledge([*opened, *loose], seen)
    assert together == actions.Together(tuple(sorted([*loose, *opened])), ())
    assert _states() == (["acknowledged"] * 3, ["acknowledged"] * 5)
    assert journal.last_seq() == seen + 1
    line = journal.list_lines()[0]
    assert (line.verb, line.subject, line.actor.id, line.content["count"]) == (
        "acknowledge_group", "group:abc", "operatrice", 5,
    )  # fmt: skip
    linked = {f"alarm:{alarm}" for each in queries.list_open(seen_by=scene.who()) for alarm in each.alarm_ids}
    assert {*opened, *loose, *linked, "asset:ARM-1", "asset:L-2"} <= set(line.related)
    first = queries.list_open(seen_by=scene.who())[0]
    assert line in queries.history(first.id)
    assert (first.acknowledged_by, first.version) == ("Lucie Marchand", 2)


def test_what_changed_since_it_was_seen_is_left_alone_and_named(town: tuple[list[str], list[str]]) -> None:
    opened, loose = town
    seen = journal.last_seq()
    number = int(opened[0].partition(":")[2])
    actions.note_incident(number, "Coupure annoncée.", by=scene.who("chefsalle"), at=now())
    scene.happen("return", "light_point_fault", ["L-1"])
    together = _acknowledge([*opened, *loose], seen)
    assert together == actions.Together((loose[1], *opened[1:]), (loose[0], opened[0]))
    assert _states() == (
        ["new", "acknowledged", "acknowledged"],
        ["acknowledged", "acknowledged", "acknowledged", "returned_unacknowledged", "unacknowledged"],
    )
    assert journal.list_lines()[0].content["left"] == [loose[0], opened[0]]


def test_group_of_which_nothing_is_left_is_refused_and_nothing_is_written(town: tuple[list[str], list[str]]) -> None:
    opened, _loose = town
    seen = journal.last_seq()
    _acknowledge(opened, seen)
    after = journal.last_seq()
    with pytest.raises(Conflict, match="nothing of it"):
        _acknowledge(opened, seen)
    with pytest.raises(Conflict, match="nothing of it"):
        _acknowledge(opened, after)
    assert journal.last_seq() == after


def test_group_is_narrowed_to_what_the_person_may_acknowledge(town: tuple[list[str], list[str]]) -> None:
    opened, loose = town
    stranger = viewer("nadia", role=Role.OPERATOR, desk="traffic")
    with pytest.raises(Conflict):
        _acknowledge([*opened, *loose], journal.last_seq(), stranger)
    visitor = scene.who("visiteur")
    with pytest.raises(Conflict):
        _acknowledge([*opened, *loose], journal.last_seq(), visitor)
    assert _states()[0] == ["new"] * 3


def test_picture_that_is_too_old_and_group_that_is_too_large_are_refused(
    town: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beffroi.kernel.incidents.actions.grouping.OLDEST_PICTURE", 3)
    with pytest.raises(Conflict, match="too old"):
        _acknowledge(town[0], 0)
    with pytest.raises(Refused, match="at most 2000"):
        _acknowledge([f"alarm:{i}" for i in range(2_001)], 0)
    assert people.SYSTEM.id == "beffroi"

"""Silences of crews, and distress: told on time, once, to everybody; answered by one person, by name."""

from __future__ import annotations

import pytest

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Point, UnitStatus
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import viewer
from tests.kernel.dispatch.scene import (
    HERE,
    T0,
    crew,
    do,
    lines,
    mission,
    on_duty,
    proposed,
    room,
    seen,
    set_up,
    unit,
    verbs,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _profile(db: None) -> None:
    set_up()


def test_mission_that_nobody_accepts_is_told_once_on_time() -> None:
    found = proposed(at=T0)
    assert actions.pass_time(T0 + 120 * SECOND - 1) == 0
    assert actions.pass_time(T0 + 120 * SECOND) == 1
    assert actions.pass_time(T0 + HOUR) == 0
    assert (mission(found.number).silent, mission(found.number).state) == ("no_answer", "proposed")
    line = lines()[-1]
    assert (line.verb, line.content["silence"], line.actor.kind) == ("fall_silent", "no_answer", "rule")
    assert f"incident:{found.incident}" in line.related
    do("accept", found.number, crew(), T0 + HOUR)
    assert mission(found.number).silent == ""


def test_crew_that_neither_moves_nor_arrives_is_told_and_one_that_moves_is_not() -> None:
    found = proposed()
    do("depart", found.number, crew(), T0 + MINUTE)
    for minute in range(2, 12):
        actions.report_position(5.05 - minute * 0.001, 47.32, by=crew(), at=T0 + minute * MINUTE)
    assert actions.pass_time(T0 + 20 * MINUTE) == 0
    for minute in range(12, 21):
        actions.report_position(5.039, 47.32, by=crew(), at=T0 + minute * MINUTE)
    assert actions.pass_time(T0 + 21 * MINUTE) == 1
    assert mission(found.number).silent == "no_move"
    actions.report_position(5.035, 47.32, by=crew(), at=T0 + 22 * MINUTE)
    assert mission(found.number).silent == ""


def test_somebody_alone_without_sign_of_life_raises_a_distress_of_the_first_priority() -> None:
    found = proposed(headcount=1)
    do("depart", found.number, crew(), T0 + MINUTE)
    do("arrive", found.number, crew(), T0 + 2 * MINUTE)
    do("sign", found.number, crew(), T0 + 10 * MINUTE)
    assert actions.pass_time(T0 + 25 * MINUTE - 1) == 0
    actions.report_position(5.04, 47.32, by=crew(), at=T0 + 24 * MINUTE)  # a phone on the ground reports too
    assert actions.pass_time(T0 + 25 * MINUTE) == 1
    (distress,) = queries.standing_distresses(seen_by=room())
    opened = seen(distress.incident)
    assert (distress.kind, distress.callsign, distress.mission) == ("silence", "LUM 1", found.number)
    assert (opened.priority, opened.title, opened.desk) == (
        1,
        "Travailleur isolé sans signe de vie – LUM 1",
        "lighting",
    )
    assert unit().status == UnitStatus.DISTRESS
    assert actions.pass_time(T0 + HOUR) == 0


def test_crew_of_two_is_not_watched_as_lone() -> None:
    found = proposed(headcount=2)
    do("depart", found.number, crew(), T0 + MINUTE)
    do("arrive", found.number, crew(), T0 + 2 * MINUTE)
    assert actions.pass_time(T0 + 5 * HOUR) == 0
    assert mission(found.number).due_at is None


def test_distress_stands_before_everybody_with_its_place_until_one_person_answers_it_by_name() -> None:
    on_duty()
    raised = actions.raise_distress(position=HERE, by=crew(), at=T0 + MINUTE, token="s1")
    assert (raised.kind, raised.lon, raised.lat, raised.raised_by) == ("button", HERE.lon, HERE.lat, "Maud")
    assert [each.id for each in queries.standing_distresses(seen_by=room())] == [raised.id]
    assert unit().status == UnitStatus.DISTRESS
    incident = seen(raised.incident)
    assert (incident.priority, incident.state) == (1, "new")
    with pytest.raises(Refused, match="nobody answered"):
        actions.end_distress(raised.id, reason="erreur", by=room(), at=T0 + 2 * MINUTE)
    answered = actions.answer_distress(raised.id, by=room("paul"), at=T0 + 2 * MINUTE)
    assert answered.answered_name == "Paul"
    assert seen(raised.incident).owner == "paul"
    with pytest.raises(Conflict, match=r"was answered by Paul at"):
        actions.answer_distress(raised.id, by=room("lucie"), at=T0 + 3 * MINUTE)
    actions.end_distress(raised.id, reason="agent au téléphone, tout va bien", by=room("paul"), at=T0 + 5 * MINUTE)
    assert queries.standing_distresses(seen_by=room()) == ()
    assert unit().status == UnitStatus.AVAILABLE
    with pytest.raises(Conflict, match="was ended by Paul"):
        actions.end_distress(raised.id, reason="x", by=room(), at=T0 + 6 * MINUTE)
    assert verbs() == ["go_on_duty", "raise_distress", "answer_distress", "end_distress"]


def test_distress_is_never_refused_for_want_of_a_place_nor_off_duty() -> None:
    raised = actions.raise_distress(by=crew(), at=T0)
    assert (raised.lon, seen(raised.incident).lon) == (None, 5.05)
    assert lines()[-1].content["place_known"] is False


def test_distress_raised_again_is_the_same_one() -> None:
    on_duty()
    first = actions.raise_distress(position=HERE, by=crew(), at=T0 + MINUTE, token="s1")
    assert actions.raise_distress(position=HERE, by=crew(), at=T0 + 2 * MINUTE, token="s1") == first
    assert actions.raise_distress(position=HERE, by=crew("yann"), at=T0 + 2 * MINUTE, token="s2").id == first.id
    assert len(incidents.list_open(seen_by=room())) == 1


def test_who_may_not_hear_a_distress_does_not_and_nobody_raises_one_for_another_crew() -> None:
    on_duty()
    with pytest.raises(Forbidden):
        actions.raise_distress(unit="lumiere-1", by=crew("omar"), at=T0)
    raised = actions.raise_distress(by=crew(), at=T0)
    assert queries.standing_distresses(seen_by=viewer("v", role=Role.VISITOR)) == ()
    with pytest.raises(Forbidden):
        actions.answer_distress(raised.id, by=crew(), at=T0 + 1)


def test_crew_in_distress_is_not_sent_nor_off_duty() -> None:
    on_duty()
    raised = actions.raise_distress(by=crew(), at=T0)
    with pytest.raises(Conflict, match="in distress"):
        actions.propose_mission(raised.incident, "lumiere-1", by=room(), at=T0 + 1)
    with pytest.raises(Conflict, match="distress stands"):
        actions.end_duty(by=crew(), at=T0 + 1)


def test_distress_during_a_mission_names_it_and_answering_starts_the_watch_anew() -> None:
    found = proposed(headcount=1)
    do("depart", found.number, crew(), T0 + MINUTE)
    do("arrive", found.number, crew(), T0 + 2 * MINUTE)
    raised = actions.raise_distress(position=Point(5.041, 47.321), by=crew(), at=T0 + 3 * MINUTE)
    assert raised.mission == found.number
    actions.answer_distress(raised.id, by=room(), at=T0 + 4 * MINUTE)
    actions.end_distress(raised.id, reason="fausse manœuvre", by=room(), at=T0 + 5 * MINUTE)
    assert mission(found.number).due_at == T0 + 20 * MINUTE

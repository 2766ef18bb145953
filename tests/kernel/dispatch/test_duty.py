"""On duty and off, breaks, positions and how long they are kept, who looked: the liberties of those who work outside."""

from __future__ import annotations

import pytest

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.models import Aboard, LastPosition, TrackPoint
from beffroi.kernel.dispatch.rules import coarse, metres_between
from beffroi.kernel.dispatch.types import DutyState, Point, UnitStatus
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import viewer
from tests.kernel.dispatch.scene import T0, crew, do, lines, on_duty, proposed, room, set_up, unit, verbs

pytestmark = pytest.mark.django_db
LON, LAT = 5.0512, 47.3219


@pytest.fixture(autouse=True)
def _profile(db: None) -> None:
    set_up()


def tell(at: int, lon: float = LON, lat: float = LAT, username: str = "maud") -> None:
    actions.report_position(lon, lat, accuracy_m=8, by=crew(username), at=at)


def test_off_duty_no_position_is_taken_and_none_is_kept() -> None:
    with pytest.raises(Refused, match="off duty"):
        tell(T0)
    on_duty()
    tell(T0 + SECOND)
    assert LastPosition.objects.count() == 1
    actions.end_duty(by=crew(), at=T0 + MINUTE)
    assert LastPosition.objects.count() == 0
    with pytest.raises(Refused, match="off duty"):
        tell(T0 + 2 * MINUTE)
    assert (unit().status, unit().position, LastPosition.objects.count()) == (UnitStatus.OFF_DUTY, None, 0)


def test_switch_of_the_crew_stops_its_position_and_erases_the_last_one() -> None:
    on_duty()
    tell(T0 + SECOND)
    assert actions.share_position(False, by=crew(), at=T0 + MINUTE).shares is False
    assert LastPosition.objects.count() == 0
    with pytest.raises(Refused, match="switched"):
        tell(T0 + 2 * MINUTE)
    with pytest.raises(Forbidden, match="crew's own"):
        actions.share_position(True, unit="lumiere-1", by=room(), at=T0 + MINUTE)
    actions.share_position(True, by=crew(), at=T0 + 3 * MINUTE)
    tell(T0 + 4 * MINUTE)
    assert unit().position is not None


def test_break_keeps_a_square_and_never_the_place() -> None:
    on_duty()
    tell(T0 + SECOND)
    actions.take_break(by=crew(), at=T0 + MINUTE)
    square = coarse(LON, LAT, 500)
    for moment in (T0 + MINUTE, T0 + 2 * MINUTE):
        if moment > T0 + MINUTE:
            tell(moment, LON + 0.0001, LAT + 0.0001)
        row = LastPosition.objects.get()
        assert (row.lon, row.lat, row.coarse, row.accuracy_m) == (square.lon, square.lat, True, None)
    assert 20 < metres_between(Point(LON, LAT), square) < 360
    actions.end_break(by=crew(), at=T0 + 3 * MINUTE)
    tell(T0 + 4 * MINUTE)
    assert LastPosition.objects.get().coarse is False


def test_position_is_erased_on_time() -> None:
    on_duty()
    tell(T0)
    assert actions.pass_time(T0 + HOUR - 1) == 0
    assert LastPosition.objects.count() == 1
    actions.pass_time(T0 + HOUR)
    assert LastPosition.objects.count() == 0


def test_way_is_kept_under_a_mission_only_and_erased_on_time_with_a_proof() -> None:
    found = proposed()
    tell(T0 + 2 * SECOND)
    assert TrackPoint.objects.count() == 0
    do("depart", found.number, crew(), T0 + MINUTE)
    for step in range(5):
        tell(T0 + MINUTE + (step + 1) * 15 * SECOND, LON + step * 0.001)
    assert TrackPoint.objects.count() == 5
    kept_until = T0 + MINUTE + 259_200 * SECOND
    actions.pass_time(kept_until - 1)
    assert TrackPoint.objects.count() == 5
    actions.pass_time(kept_until)
    assert TrackPoint.objects.count() == 0
    assert (lines()[-1].verb, lines()[-1].content["points"]) == ("erase_track", 5)


def test_way_is_opened_for_a_purpose_only_and_who_opened_it_is_told() -> None:
    found = proposed()
    do("depart", found.number, crew(), T0 + MINUTE)
    tell(T0 + 2 * MINUTE)
    chief = viewer("chief", role=Role.ROOM_SUPERVISOR)
    with pytest.raises(Forbidden):
        actions.open_track(found.number, purpose="curiosité", by=room(), at=T0 + HOUR)
    with pytest.raises(Refused, match="purpose"):
        actions.open_track(found.number, purpose=" ", by=chief, at=T0 + HOUR)
    points = actions.open_track(found.number, purpose="réclamation d’un riverain", by=chief, at=T0 + HOUR)
    assert [(point.lon, point.lat) for point in points] == [(LON, LAT)]
    line = lines()[-1]
    assert (line.verb, line.purpose, line.actor.id) == ("open_track", "réclamation d’un riverain", "chief")
    assert f"incident:{found.incident}" in line.related


def test_no_line_of_the_journal_holds_a_position() -> None:
    found = proposed()
    do("depart", found.number, crew(), T0 + MINUTE)
    tell(T0 + 2 * MINUTE)
    told = " ".join(str(line.content) for line in lines())
    assert "5.0512" not in told


def test_who_looks_at_positions_is_told_once_an_hour() -> None:
    assert actions.look_at_positions(by=room(), at=T0)
    assert not actions.look_at_positions(by=room(), at=T0 + MINUTE)
    assert actions.look_at_positions(by=room(), at=T0 + HOUR)
    assert verbs().count("look_at_positions") == 2
    with pytest.raises(Forbidden):
        actions.look_at_positions(by=viewer("v", role=Role.VISITOR), at=T0)


def test_old_or_late_position_changes_nothing() -> None:
    on_duty()
    tell(T0 + MINUTE)
    kept = actions.report_position(LON + 1, LAT, observed_at=T0 + 30 * SECOND, by=crew(), at=T0 + 2 * MINUTE)
    assert kept.lon == LON
    with pytest.raises(Refused, match="older"):
        actions.report_position(LON, LAT, observed_at=T0, by=crew(), at=T0 + HOUR)


def test_last_one_out_ends_the_duty_of_the_crew() -> None:
    on_duty("maud", headcount=2)
    actions.go_on_duty(headcount=2, by=crew("yann"), at=T0 + SECOND)
    actions.end_duty(by=crew("maud"), at=T0 + MINUTE)
    assert (unit().status, unit().headcount, unit().alone) == (UnitStatus.AVAILABLE, 1, True)
    actions.end_duty(by=crew("yann"), at=T0 + 2 * MINUTE)
    assert (unit().status, Aboard.objects.filter(ended_at=None).count()) == (UnitStatus.OFF_DUTY, 0)


def test_nobody_leaves_a_mission_behind() -> None:
    found = proposed()
    for leave in (actions.take_break, actions.end_duty):
        with pytest.raises(Conflict, match=f"mission {found.number} goes on"):
            leave(by=crew(), at=T0 + MINUTE)


def test_duty_that_is_forgotten_ends_by_itself_but_not_in_a_mission() -> None:
    found = proposed()
    do("depart", found.number, crew(), T0 + MINUTE)
    late = T0 + 13 * HOUR
    actions.pass_time(late)
    assert unit().duty is DutyState.ON
    do("cancel", found.number, room(), late)
    actions.pass_time(late + SECOND)
    assert (unit().duty, verbs()[-1]) == (DutyState.OFF, "go_off_duty")
    assert lines()[-1].actor.kind == "rule"


def test_people_of_a_patrol_are_counted_and_never_named() -> None:
    on_duty("pm1", headcount=3)
    found = unit("patrouille-1")
    assert (found.headcount, found.crew) == (3, ())
    assert unit("lumiere-1").crew == ()


def test_crew_sees_its_own_unit_and_no_other() -> None:
    on_duty()
    assert queries.unit_of_person(crew()) == queries.unit("lumiere-1", seen_by=crew())
    assert queries.units(seen_by=crew()) == ()
    assert [each.slug for each in queries.units(seen_by=room("tania", desk="police"))] == ["patrouille-1"]


def test_repeated_token_of_a_phone_begins_a_duty_once() -> None:
    first = actions.go_on_duty(headcount=2, by=crew(), at=T0, token="d1")
    assert actions.go_on_duty(headcount=2, by=crew(), at=T0 + MINUTE, token="d1") == first
    assert verbs() == ["go_on_duty"]


def test_unavailable_crew_is_not_sent_and_says_why() -> None:
    on_duty()
    actions.set_unavailable(reason="refuelling", by=crew(), at=T0 + SECOND)
    assert (unit().status, unit().reason) == (UnitStatus.UNAVAILABLE, "refuelling")
    actions.end_break(by=crew(), at=T0 + MINUTE)
    assert unit().status == UnitStatus.AVAILABLE

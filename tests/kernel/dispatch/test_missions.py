"""A mission from its proposal to its end: the whole table, who may, what the incident's clocks and the thread say of it."""

from __future__ import annotations

import itertools

import pytest

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.rules import TABLE, next_state
from beffroi.kernel.dispatch.types import LIVE_STATES, MissionEvent, MissionState, UnitStatus
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.queries import history
from beffroi.kernel.journal.actions import erase_personal
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import viewer
from tests.kernel.dispatch.scene import (
    SYSTEM,
    T0,
    call,
    crew,
    do,
    lines,
    mission,
    on_duty,
    prepare,
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


def test_what_is_not_in_the_table_of_states_is_refused() -> None:
    for state, event in itertools.product(MissionState, MissionEvent):
        assert next_state(state, event) == TABLE.get((state, event))
    assert {state for state, _ in TABLE} == set(LIVE_STATES)


def test_mission_goes_from_its_proposal_to_its_end_and_the_incident_follows() -> None:
    found = proposed()
    maud, at = crew(), T0 + MINUTE
    assert (found.state, found.title, found.hazards) == ("proposed", "Rue dans le noir", "Armoire sous tension.")
    assert [item.text for item in found.checklist] == ["Baliser", "Photo avant"]
    assert unit().status == UnitStatus.ALERTED
    assert seen(found.incident).engaged_at is None
    actions.accept_mission(found.number, by=maud, at=at)
    assert (unit().status, seen(found.incident).engaged_at) == (UnitStatus.ALERTED, at)
    actions.depart(found.number, by=maud, at=at + MINUTE)
    assert unit().status == UnitStatus.EN_ROUTE
    actions.arrive(found.number, by=maud, at=at + 9 * MINUTE)
    assert (unit().status, seen(found.incident).on_site_at) == (UnitStatus.ON_SITE, at + 9 * MINUTE)
    actions.make_safe(found.number, by=maud, at=at + 15 * MINUTE)
    assert seen(found.incident).safe_at == at + 15 * MINUTE
    done = actions.finish(found.number, outcome="repaired", comment="réarmé", by=maud, at=at + HOUR)
    assert (done.state, done.outcome, done.safe_at, done.ended_at) == (
        "done",
        "repaired",
        at + 15 * MINUTE,
        at + HOUR,
    )
    assert unit().status == UnitStatus.AVAILABLE
    assert verbs() == [
        "go_on_duty",
        "propose_mission",
        "accept_mission",
        "depart_for_mission",
        "arrive_on_site",
        "make_site_safe",
        "finish_mission",
    ]


def test_thread_of_the_incident_tells_its_missions() -> None:
    found = proposed()
    do("accept", found.number, crew())
    told = [line.verb for line in history(found.incident)]
    assert "propose_mission" in told
    assert "accept_mission" in told


def test_one_touch_accepts_and_departs() -> None:
    found = proposed()
    gone = actions.depart(found.number, by=crew(), at=T0 + MINUTE)
    assert (gone.state, gone.accepted_at, gone.departed_at) == ("en_route", T0 + MINUTE, T0 + MINUTE)
    assert seen(found.incident).engaged_at == T0 + MINUTE


def test_refusal_gives_its_reason_and_frees_the_crew() -> None:
    found = proposed()
    with pytest.raises(Refused, match="empty"):
        actions.refuse_mission(found.number, reason="  ", by=crew(), at=T0 + MINUTE)
    refused = actions.refuse_mission(found.number, reason="pneu crevé", by=crew(), at=T0 + MINUTE)
    assert (refused.state, refused.reason, unit().status) == ("refused", "pneu crevé", UnitStatus.AVAILABLE)
    assert seen(found.incident).engaged_at is None


def test_words_that_people_wrote_are_encrypted_in_the_journal() -> None:
    found = proposed()
    do("refuse", found.number, crew())
    line = lines()[-1]
    assert (line.verb, "panne" in str(line.content), line.personal is not None) == ("refuse_mission", False, True)


def test_crew_that_was_never_on_site_can_only_say_that_it_was_not_done() -> None:
    found = proposed()
    do("accept", found.number, crew())
    with pytest.raises(Refused, match="not on site"):
        actions.finish(found.number, outcome="repaired", by=crew(), at=T0 + HOUR)
    with pytest.raises(Refused, match="why"):
        actions.finish(found.number, outcome="not_done", by=crew(), at=T0 + HOUR)
    ended = actions.finish(found.number, outcome="not_done", comment="nacelle en panne", by=crew(), at=T0 + HOUR)
    assert (ended.state, seen(found.incident).safe_at) == ("done", None)


def test_late_act_is_told_who_called_the_crew_back() -> None:
    found = proposed()
    do("cancel", found.number, room(), T0 + MINUTE)
    with pytest.raises(Conflict, match=r"was cancelled by Lucie at \d\d:\d\d:\d\d; it is cancelled") as told:
        actions.depart(found.number, by=crew(), at=T0 + 2 * MINUTE)
    assert told.value.key == "mission-moved-on"


def test_repeated_token_gives_the_first_answer_and_is_not_done_again() -> None:
    found = proposed()
    first = actions.accept_mission(found.number, by=crew(), at=T0 + MINUTE, token="x1")
    actions.depart(found.number, by=crew(), at=T0 + 2 * MINUTE, token="x2")
    assert actions.accept_mission(found.number, by=crew(), at=T0 + 3 * MINUTE, token="x1") == first
    assert verbs().count("accept_mission") == 1
    with pytest.raises(Refused, match="used for something else"):
        actions.arrive(found.number, by=crew(), at=T0 + 3 * MINUTE, token="x1")


def test_phone_without_network_tells_when_it_happened_within_what_can_be() -> None:
    found = proposed()
    actions.accept_mission(found.number, by=crew(), at=T0 + HOUR, effective_at=T0 + MINUTE)
    actions.depart(found.number, by=crew(), at=T0 + HOUR, effective_at=T0)  # before it was accepted
    arrived = actions.arrive(found.number, by=crew(), at=T0 + HOUR, effective_at=T0 + 3 * HOUR)  # a wrong clock
    assert (arrived.accepted_at, arrived.departed_at, arrived.arrived_at) == (T0 + MINUTE, T0 + MINUTE, T0 + HOUR)
    assert seen(found.incident).engaged_at == T0 + MINUTE


def test_room_acts_on_the_word_of_a_crew_by_radio() -> None:
    found = proposed()
    actions.depart(found.number, by=room("paul"), at=T0 + MINUTE)
    assert lines()[-1].content["by_radio"] is True
    with pytest.raises(Forbidden):
        actions.arrive(found.number, by=room("tania", desk="traffic"), at=T0 + MINUTE)


def test_nobody_acts_for_another_crew() -> None:
    found = proposed()
    with pytest.raises(Forbidden, match="not of the crew"):
        actions.accept_mission(found.number, by=crew("omar"), at=T0 + MINUTE)
    with pytest.raises(NotFound):
        queries.mission(found.number, seen_by=crew("omar"))
    assert queries.mission(found.number, seen_by=crew()).number == found.number


def test_crew_is_engaged_by_one_only_and_the_other_is_told_by_whom() -> None:
    found = proposed()
    other = call(T0 + 1)
    with pytest.raises(Conflict, match=r"Éclairage 1 was engaged for BF-\d\d-\d+ by Lucie at"):
        actions.propose_mission(other.id, "lumiere-1", by=room("paul"), at=T0 + MINUTE)
    prepare("finish", found.number, crew())
    do("finish", found.number, crew())
    assert actions.propose_mission(other.id, "lumiere-1", by=room("paul"), at=T0 + MINUTE).live


def test_nobody_is_sent_off_duty_nor_for_an_incident_that_ended() -> None:
    incident = call()
    with pytest.raises(Conflict, match="off duty"):
        actions.propose_mission(incident.id, "lumiere-1", by=room(), at=T0 + 1)
    on_duty()
    incidents.close_incident(incident.id, reason="no_action", comment="essai", by=room(), at=T0 + 1)
    with pytest.raises(Conflict, match="was closed by"):
        actions.propose_mission(incident.id, "lumiere-1", by=room(), at=T0 + 2)


def test_who_may_not_send_crews_of_a_desk_is_refused() -> None:
    on_duty()
    incident = call()
    with pytest.raises((Forbidden, NotFound)):
        actions.propose_mission(incident.id, "lumiere-1", by=room("tania", desk="traffic"), at=T0 + 1)
    with pytest.raises((Forbidden, NotFound)):
        actions.propose_mission(incident.id, "lumiere-1", by=crew(), at=T0 + 1)
    with pytest.raises(Forbidden):
        actions.propose_mission(incident.id, "lumiere-1", by=viewer("v", role=Role.VISITOR), at=T0 + 1)


def test_list_is_checked_line_by_line() -> None:
    found = proposed()
    prepare("check", found.number, crew())
    actions.check_item(found.number, 1, by=crew(), at=T0 + MINUTE)
    assert [item.checked_at for item in mission(found.number).checklist] == [None, T0 + MINUTE]
    actions.check_item(found.number, 1, checked=False, by=crew(), at=T0 + MINUTE)
    assert [item.checked_at for item in mission(found.number).checklist] == [None, None]
    with pytest.raises(Refused, match="2 lines"):
        actions.check_item(found.number, 2, by=crew(), at=T0 + MINUTE)


def test_clock_that_somebody_dated_is_not_dated_again() -> None:
    found = proposed()
    incidents.take_incident(found.incident, by=room(), at=T0 + SECOND)
    incidents.mark_incident(found.incident, "engaged", by=room(), at=T0 + 2 * SECOND)
    do("accept", found.number, crew())
    assert seen(found.incident).engaged_at == T0 + 2 * SECOND


def test_mission_of_an_incident_that_was_united_dates_the_one_it_lives_in() -> None:
    found = proposed()
    kept = call(T0 + 1)
    incidents.merge_incidents(found.incident, kept.id, by=room(), at=T0 + 2)
    do("accept", found.number, crew())
    assert seen(kept.id).engaged_at == T0 + MINUTE
    assert [each.number for each in queries.missions_of_incident(kept.id)] == [found.number]


def test_person_of_a_crew_sees_its_missions_of_the_day_the_live_one_first() -> None:
    first = proposed()
    do("cancel", first.number, room(), T0 + MINUTE)
    second = actions.propose_mission(first.incident, "lumiere-1", by=room(), at=T0 + 2 * MINUTE)
    found = queries.missions_of_person("maud", at=T0 + HOUR)
    assert [(each.number, each.state) for each in found] == [
        (second.number, "proposed"),
        (first.number, "cancelled"),
    ]
    assert [each.number for each in queries.missions_of_person("maud", at=T0 + 26 * HOUR)] == [second.number]
    assert queries.missions_of_person("omar", at=T0 + HOUR) == ()


def test_what_people_wrote_goes_with_the_key_of_the_case() -> None:
    found = actions.propose_mission(call().id, on_duty().slug, instructions="code 12", by=room(), at=T0 + 1)
    do("cancel", found.number, room())
    assert (mission(found.number).instructions, mission(found.number).reason) == ("code 12", "erreur d’adresse")
    erase_personal(f"case:incident-{found.incident}", reason="demande", by=SYSTEM, at=T0 + HOUR)
    assert (mission(found.number).instructions, mission(found.number).reason) == ("", "")
    assert mission(found.number).state == "cancelled"

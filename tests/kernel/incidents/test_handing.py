"""Other desks and other bodies: what they see and may do, what is proposed, accepted, refused, or left without answer."""

from __future__ import annotations

from typing import Any

import pytest

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.types import IncidentState, TransferState
from beffroi.kernel.people.types import Viewer
from tests.kernel.alarms.factories import viewer
from tests.kernel.incidents.scene import T0, chief, do, lines, seen, set_up, traffic, trip, verbs

pytestmark = pytest.mark.django_db
S = IncidentState


@pytest.fixture
def cabinet(db: None) -> int:
    return set_up()


def sees(who: Viewer, incident: int) -> bool:
    return incident in {found.id for found in queries.list_open(seen_by=who)}


def test_associated_desk_sees_notes_and_dates_and_leads_nothing(cabinet: int) -> None:
    incident, nadia, patrol = trip(cabinet), viewer("nadia"), viewer("paul", desk="police")
    assert not sees(patrol, incident)
    with pytest.raises(Forbidden):
        do("note", incident, patrol)
    do("take", incident, nadia, T0 + 1)
    assert do("associate", incident, nadia, T0 + 2).associated == ("police",)
    assert sees(patrol, incident)
    do("note", incident, patrol, T0 + 3)
    assert do("mark", incident, patrol, T0 + 4).engaged_at == T0 + 4
    for act in ("close", "hold", "propose", "dissociate", "take"):
        with pytest.raises(Forbidden):
            do(act, incident, patrol, T0 + 5)
    with pytest.raises(Conflict, match="Police municipale has BF-26-"):
        do("associate", incident, nadia, T0 + 6)
    do("dissociate", incident, nadia, T0 + 7)
    assert not sees(patrol, incident)
    with pytest.raises(Conflict, match="police is not associated"):
        do("dissociate", incident, nadia, T0 + 8)
    with pytest.raises(Refused, match="no desk of this post"):
        actions.associate_desk(incident, "state_roads", by=nadia, at=T0 + 9)


def test_first_desk_stays_responsible_until_the_other_accepts(cabinet: int) -> None:
    incident, nadia, tania = trip(cabinet), viewer("nadia"), traffic()
    do("take", incident, nadia, T0 + 1)
    asked = do("propose", incident, nadia, T0 + 2)
    assert (asked.desk, asked.owner, asked.proposed_to) == ("lighting", "nadia", "traffic")
    assert sees(tania, incident)
    assert [found.id for found in queries.list_incidents(queries.Filters(proposed_to="traffic"), seen_by=tania)] == [
        incident
    ]
    with pytest.raises(Forbidden):
        do("accept", incident, viewer("nadia", desk="lighting"), T0 + 3)
    found = do("accept", incident, tania, T0 + 4)
    assert (found.desk, found.owner, found.state, found.associated, found.proposed_to) == (
        "traffic", "tania", S.IN_PROGRESS, ("lighting",), "",
    )  # fmt: skip
    (transfer,) = queries.transfers(incident)
    assert (transfer.state, transfer.to_name, transfer.reason.text, transfer.proposed_by, transfer.answered_by) == (
        TransferState.ACCEPTED, "Circulation", "feu tricolore", "Nadia", "Tania",
    )  # fmt: skip
    assert (transfer.proposed_at, transfer.due_at, transfer.answered_at) == (T0 + 2, T0 + 2 + 15 * MINUTE, T0 + 4)


def test_refusal_says_why_and_leaves_it_where_it_was(cabinet: int) -> None:
    incident, nadia, tania = trip(cabinet), viewer("nadia"), traffic()
    do("take", incident, nadia, T0 + 1)
    do("propose", incident, nadia, T0 + 2)
    with pytest.raises(Refused, match="the reason is empty"):
        actions.refuse_transfer(incident, reason="", by=tania, at=T0 + 3)
    found = do("refuse", incident, tania, T0 + 3)
    assert (found.desk, found.owner, found.state, found.proposed_to) == ("lighting", "nadia", S.IN_PROGRESS, "")
    assert not sees(tania, incident)
    assert (queries.transfers(incident)[0].state, queries.transfers(incident)[0].answer.text) == (
        "refused",
        "pas un feu",
    )
    for late in ("accept", "withdraw"):
        with pytest.raises(Conflict, match="was refused by Tania"):
            do(late, incident, chief(), T0 + 4)


def test_one_proposal_stands_at_a_time_and_not_to_oneself(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    with pytest.raises(Refused, match="this desk's already"):
        actions.propose_transfer(incident, to="lighting", reason="x", by=nadia, at=T0 + 1)
    with pytest.raises(Refused, match="no desk and no body"):
        actions.propose_transfer(incident, to="nobody", reason="x", by=nadia, at=T0 + 1)
    with pytest.raises(Conflict, match="is proposed to nobody"):
        do("withdraw", incident, nadia, T0 + 1)
    do("propose", incident, nadia, T0 + 2)
    with pytest.raises(Conflict, match="already proposed to traffic"):
        do("outside", incident, nadia, T0 + 3)
    do("withdraw", incident, nadia, T0 + 4)
    assert do("outside", incident, nadia, T0 + 5).proposed_to == "state_roads"


def test_body_outside_accepts_by_who_said_yes_and_when(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    do("outside", incident, nadia, T0 + MINUTE)
    with pytest.raises(Refused, match="write who said yes"):
        do("accept", incident, nadia, T0 + 2 * MINUTE)
    for wrong in (T0 + 1, T0 + 9 * MINUTE):
        with pytest.raises(Refused, match="between the proposal and now"):
            actions.record_acceptance(incident, who="M. Garde", effective_at=wrong, by=nadia, at=T0 + 3 * MINUTE)
    found = actions.record_acceptance(
        incident, who="M. Garde, permanence", effective_at=T0 + 2 * MINUTE, by=nadia, at=T0 + 3 * MINUTE
    )
    assert (found.state, found.close_reason, found.transferred_to, found.owner, found.closed_at) == (
        S.NOT_COMPETENT, "not_competent", "state_roads", "nadia", T0 + 3 * MINUTE,
    )  # fmt: skip
    (line,) = lines(incident, "accept_transfer")
    assert line.personal is not None
    assert (line.content["to_name"], line.personal.content["comment"], line.effective_at) == (
        "Routes de l'État", "M. Garde, permanence", T0 + 2 * MINUTE,
    )  # fmt: skip


def test_desk_of_the_post_accepts_in_the_console_only(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("propose", incident, nadia, T0 + 1)
    with pytest.raises(Refused, match="Circulation accepts it in this console"):
        do("outside_yes", incident, chief(), T0 + 2)


def test_proposal_without_answer_ends_and_is_told_once(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("take", incident, nadia, T0 + 1)
    do("propose", incident, nadia, T0 + 2)
    actions.pass_time(T0 + 15 * MINUTE + 1)
    assert seen(incident).proposed_to == "traffic"
    for at in (0, 1):
        actions.pass_time(T0 + 15 * MINUTE + (3 + at) * SECOND)
    found = seen(incident)
    assert (found.proposed_to, found.missed, found.owner, found.desk) == ("", ("transfer",), "nadia", "lighting")
    assert queries.transfers(incident)[0].state == TransferState.EXPIRED
    (line,) = lines(incident, "expire_transfer")
    assert (line.content["to"], line.effective_at) == ("traffic", T0 + 2 + 15 * MINUTE)
    assert do("propose", incident, nadia, T0 + 16 * MINUTE).missed == ()


def test_closing_withdraws_what_was_proposed(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")
    do("propose", incident, nadia, T0 + 1)
    do("close", incident, nadia, T0 + 2)
    assert (seen(incident).proposed_to, queries.transfers(incident)[0].state) == ("", TransferState.WITHDRAWN)
    with pytest.raises(Conflict):
        do("accept", incident, traffic(), T0 + 3)


def test_lists_are_asked_by_who_is_concerned_and_by_what_is_late(cabinet: int) -> None:
    incident, nadia = trip(cabinet), viewer("nadia")

    def found(**asked: Any) -> list[int]:
        return [each.id for each in queries.list_incidents(queries.Filters(**asked), seen_by=chief())]

    assert (found(concerns="police"), found(late=True), found(reopened=True)) == ([], [], [])
    do("associate", incident, nadia, T0 + 1)
    actions.pass_time(T0 + 2 * MINUTE)
    assert (found(concerns="police"), found(concerns="lighting"), found(late=True)) == ([incident],) * 3
    do("close", incident, nadia, T0 + 3 * MINUTE)
    do("reopen", incident, nadia, T0 + 4 * MINUTE)
    assert (found(reopened=True), verbs(incident)[-1]) == ([incident], "reopen_incident")


def test_bodies_are_put_in_force_once(cabinet: int) -> None:
    bodies = queries.bodies()
    assert not actions.publish_bodies(bodies, by=chief().actor, at=T0)
    assert actions.publish_bodies(bodies[1:], by=chief().actor, at=T0)
    assert queries.bodies() == bodies[1:]

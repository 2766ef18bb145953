"""Whoever told an incident and left an address is written to when it is over: once a round, by what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import DAY, Instant
from beffroi.foundation.errors import Malformed, Refused
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.incidents.types import Incident, IncidentState
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Role
from beffroi.kernel.procedures import actions, queries, rules
from beffroi.kernel.procedures.actions.answering import STEADY
from beffroi.kernel.procedures.types import LetterState
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.incidents import factories
from tests.kernel.procedures.cards import later, nadia
from tests.kernel.procedures.test_mailing import Box, box

__all__ = ["box"]

ANSWERS = rules.parse_answers((PROFILE / "letters.yaml").read_text())
MAIL = "riverain@example.org"


def opened(address: str = MAIL, **told: Any) -> Incident:
    """Open an incident by a call of somebody who wants the answer."""
    factories.set_up()
    return actions.open_with_address(factories.told(**told), address, by=nadia(), at=later(0)).incident


def resolve(incident: Incident, at: Instant) -> None:
    incidents.resolve_incident(incident.id, text="Réparé.", by=nadia(), at=at)


def answer(at: Instant) -> int:
    return actions.answer_tellers(ANSWERS, at=at)


def letters(incident: Incident) -> list[str]:
    return [each.subject for each in reversed(queries.letters_of(incident.id))]


@pytest.mark.django_db
def test_teller_is_written_to_when_it_is_resolved_and_not_before_nor_twice(box: Box) -> None:
    incident = opened()
    assert (answer(later(1)), queries.has_address(incident.id)) == (0, True)
    resolve(incident, later(2))
    assert (answer(later(3)), answer(later(4)), actions.send_letters(later(5))) == (1, 0, 1)
    (sent,) = box.letters
    assert (sent["To"], sent["Subject"]) == (MAIL, f"Votre signalement {incident.reference} est traité")
    assert "Rue dans le noir, 12 rue Monge, Dijon" in sent.get_content()
    incidents.close_incident(incident.id, reason="repaired", by=nadia(), at=later(6))
    assert answer(later(7)) == 0
    verbs = [line.verb for line in list_lines(limit=50) if line.room == "procedures"]
    assert verbs == ["send_letter", "answer_teller", "leave_address"]
    assert MAIL not in repr(list_lines(limit=50))


@pytest.mark.django_db
def test_a_reopened_incident_is_told_of_again_and_each_end_has_its_words(box: Box) -> None:
    incident = opened()
    incidents.close_incident(incident.id, reason="no_action", comment="rien", by=nadia(), at=later(1))
    assert answer(later(2)) == 1
    incidents.reopen_incident(incident.id, reason="encore", by=nadia(), at=later(3))
    assert answer(later(4)) == 0
    resolve(incident, later(5))
    assert answer(later(6)) == 1
    assert letters(incident) == [
        f"Votre signalement {incident.reference} est clos",
        f"Votre signalement {incident.reference} est traité",
    ]


@pytest.mark.django_db
def test_what_was_united_is_told_by_the_end_of_what_it_was_united_with_under_its_own_reference(box: Box) -> None:
    first = opened()
    second = opened("voisine@example.org", lon=5.0402)
    incidents.merge_incidents(second.id, first.id, by=nadia(), at=later(1))
    assert answer(later(2)) == 0
    told = factories.told(description="Moi aussi.")
    actions.attach_with_address(first.id, told, "troisieme@example.org", by=nadia(), at=later(3))
    resolve(first, later(4))
    assert (answer(later(5)), actions.send_letters(later(6))) == (3, 3)
    assert sorted((each["To"], each["Subject"].split()[2]) for each in box.letters) == [
        (MAIL, first.reference),
        ("troisieme@example.org", first.reference),
        ("voisine@example.org", second.reference),
    ]


@pytest.mark.django_db
def test_an_incident_of_alarms_is_called_over_once_it_stays_resolved() -> None:
    factories.set_up()
    asset = make_asset("A-1")
    number = factories.incident_of(factories.alarm("cabinet_tripped", asset, later(0)))
    actions.leave_address(number, MAIL, by=nadia(), at=later(1))
    factories.alarm("cabinet_tripped", asset, later(2), "return")
    assert (answer(later(3)), answer(later(2) + STEADY)) == (0, 1)


@pytest.mark.django_db
def test_after_an_erasure_nobody_is_written_to(box: Box) -> None:
    incident = opened()
    journal.erase_personal(case_of(incident.id), reason="demande", by=nadia().actor, at=later(1))
    resolve(incident, later(2))
    assert (answer(later(3)), answer(later(4)), letters(incident)) == (0, 0, [])
    again = opened("autre@example.org", lon=5.2)
    resolve(again, later(5))
    assert answer(later(6)) == 1
    journal.erase_personal(case_of(again.id), reason="demande", by=nadia().actor, at=later(7))
    assert (actions.send_letters(later(8)), box.letters) == (0, [])
    assert queries.letters_of(again.id)[0].state is LetterState.GIVEN_UP


@pytest.mark.django_db
def test_what_is_no_address_opens_nothing() -> None:
    factories.set_up()
    with pytest.raises(Refused, match="no mail address"):
        actions.open_with_address(factories.told(), "riverain", by=nadia(), at=later(0))
    assert incident_queries.list_incidents(seen_by=viewer("chief", role=Role.ROOM_SUPERVISOR)) == ()


@pytest.mark.django_db
def test_an_address_is_forgotten_on_demand_and_after_four_hundred_days() -> None:
    incident, old = opened(), opened("vieux@example.org", lon=5.2)
    actions.leave_address(incident.id, "", by=nadia(), at=later(1))
    for each in (incident, old):
        resolve(each, later(2))
    assert answer(later(3) + 401 * DAY) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_once() -> None:
    incident = opened()
    resolve(incident, later(1))
    at_once(lambda: answer(later(2)), lambda: answer(later(2)))
    assert len(letters(incident)) == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_stands_whole_or_not_at_all() -> None:
    incident = opened()
    resolve(incident, later(1))
    assert assert_whole_or_nothing(lambda: answer(later(2))) > 4


def test_the_citys_letters_are_read_and_wrong_ones_say_what_to_write() -> None:
    assert set(ANSWERS) <= set(rules.ENDS)
    assert {IncidentState.RESOLVED, IncidentState.CLOSED} <= set(ANSWERS)
    for text, told in (
        ("- a", "expected the ends as keys"),
        ("new: {subject: a, text: b}", "`new` is no end"),
        ("closed: {subject: a}", "write `subject` and `text`"),
        ("closed: {subject: '', text: b}", "1 to 2000 characters"),
        ("closed: [", "no YAML"),
    ):
        with pytest.raises(Malformed, match=told):
            rules.parse_answers(text)

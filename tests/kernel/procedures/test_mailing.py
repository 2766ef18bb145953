"""Letters against a real SMTP server: sent once, tried again when it may be, in doubt when it must be, never twice by itself."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from django.apps import apps

from beffroi.app.embedded.children import free_port
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.foundation.settings import settings
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Role
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import LetterState, LettersWaiting, Run
from tests.kernel.alarms.factories import viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.procedures.cards import an_incident, assert_replayed, in_force, later, nadia, states

TELL = """
code: dark
version: 1
title: Fuite
desk: lighting
purpose: Prévenir.
for: {categories: [street_dark]}
roles: [{code: operator, title: Opérateur}]
steps:
  - {id: tell, kind: notification, title: Prévenir, to: [{mail: astreinte@eaux.example.org}, {teller: true}],
     message: "{reference} : {title}, {place}, {commune}. Une équipe est prévenue."}
tests: [{name: tout seul, expect: [{at_s: 0, step: tell}, {at_s: 0, end: done}]}]
"""


class Box:
    """A mail server's box, and how it answers."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer in ("250 OK", "cut"):
            self.letters.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=default)))
        if answer == "cut":
            server.transport.abort()
        return answer if answer != "cut" else "250 OK"


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """A real SMTP server on loopback, and the post set up for it."""
    found = Box()
    port = free_port()
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    for name, value in (("host", "127.0.0.1"), ("port", port), ("security", "none"), ("from", "post@city.example.org")):
        monkeypatch.setattr(settings(), f"smtp_{name}", value)
    yield found
    server.stop()


def told(address: str = "riverain@example.org") -> Run:
    """Start the card on an incident whose teller left an address, or none."""
    in_force(TELL)
    incident = an_incident()
    if address:
        actions.leave_address(incident.id, address, by=nadia(), at=later(0))
    return actions.start("dark", incident.id, by=nadia(), at=later(1))


def outbox(run: Run) -> list[LetterState]:
    """Return the states of a run's letters, the oldest first."""
    return [each.state for each in reversed(queries.letters_of(run.incident))]


@pytest.mark.django_db
def test_a_step_writes_to_a_body_and_to_whoever_told_it(box: Box) -> None:
    run = told()
    assert outbox(run) == [LetterState.WAITING, LetterState.WAITING]
    assert actions.send_letters(later(2)) == 2
    assert actions.send_letters(later(3)) == 0
    assert outbox(run) == [LetterState.SENT, LetterState.SENT]
    assert [letter["To"] for letter in box.letters] == ["astreinte@eaux.example.org", "riverain@example.org"]
    letter = box.letters[0]
    assert "12 rue Monge, Dijon. Une équipe est prévenue." in letter.get_content()
    assert letter["From"] == "post@city.example.org"
    assert letter["Subject"].startswith("BF-26-")
    assert len({each["Message-ID"] for each in box.letters}) == 2
    assert_replayed(run.id)


@pytest.mark.django_db
def test_letters_that_wait_are_told_with_what_they_wait_for(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    told()
    assert queries.letters_waiting() is None, "their turn comes within seconds"
    monkeypatch.setattr(settings(), "smtp_host", None)
    assert actions.send_letters(later(2)) == 0
    assert queries.letters_waiting() == LettersWaiting(2, later(1), True, "")
    monkeypatch.setattr(settings(), "smtp_host", "127.0.0.1")
    box.answers = ["451 not now"]
    assert actions.send_letters(later(3)) == 1
    waiting = queries.letters_waiting()
    assert waiting is not None and (waiting.count, waiting.no_server) == (1, False) and "not now" in waiting.reason
    assert actions.send_letters(later(120)) == 1
    assert queries.letters_waiting() is None
    assert [line.verb for line in list_lines(limit=50) if "outbox:letters" in line.related] == ["send_letter"] * 2


@pytest.mark.django_db
def test_without_an_address_nobody_is_written_to_and_the_run_goes_on(box: Box) -> None:
    run = told(address="")
    assert outbox(run) == [LetterState.WAITING]
    assert states(run) == {"tell": "done"}


@pytest.mark.django_db
def test_the_address_stands_nowhere_in_the_clear_and_goes_with_its_case(box: Box) -> None:
    from beffroi.kernel.journal import actions as journal

    run = told()
    rows = str(
        [apps.get_model("procedures", name).objects.values_list() for name in ("Letter", "Contact", "Run", "Move")]
    )
    lines = str([(line.content, line.personal) for line in list_lines(limit=100)])
    assert "riverain" not in rows
    assert "riverain" not in lines
    person = viewer("dpo", role=Role.DATA_PROTECTION)
    other = viewer("dpo2", role=Role.DATA_PROTECTION)
    asked = journal.ask_erasure(case_of(run.incident), reason="demande de la personne", by=person.actor, at=later(2))
    journal.confirm_erasure(asked.id, by=other.actor, at=later(3))
    assert actions.send_letters(later(4)) == 0
    assert box.letters == []
    assert outbox(run) == [LetterState.GIVEN_UP, LetterState.GIVEN_UP]


@pytest.mark.django_db
def test_a_server_that_says_not_now_is_tried_again_later_and_later(box: Box) -> None:
    run = told(address="")
    box.answers = ["451 try again later"] * 2
    assert actions.send_letters(later(2)) == 0
    assert actions.send_letters(later(30)) == 0
    assert actions.send_letters(later(63)) == 0
    assert actions.send_letters(later(200)) == 0
    assert actions.send_letters(later(63 + 300)) == 1
    (letter,) = queries.letters_of(run.incident)
    assert (letter.state, letter.attempts) == (LetterState.SENT, 3)
    assert len(box.letters) == 1


@pytest.mark.django_db
def test_a_server_that_does_not_answer_is_tried_for_a_day_then_given_up(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = told(address="")
    monkeypatch.setattr(settings(), "smtp_port", 1)
    at = 2.0
    for _ in range(20):
        actions.send_letters(later(at))
        at += 50_000
    (letter,) = queries.letters_of(run.incident)
    assert (letter.state, letter.attempts) == (LetterState.GIVEN_UP, 8)
    monkeypatch.undo()


@pytest.mark.django_db
def test_a_mailbox_that_does_not_exist_is_refused_and_not_tried_again(box: Box) -> None:
    run = told("nobody@example.org")
    assert actions.send_letters(later(2)) == 1
    assert outbox(run) == [LetterState.SENT, LetterState.REFUSED]
    assert actions.send_letters(later(90_000)) == 0


@pytest.mark.django_db
def test_a_letter_whose_answer_was_lost_is_in_doubt_and_only_a_person_sends_it_again(box: Box) -> None:
    run = told(address="")
    box.answers = ["cut"]
    assert actions.send_letters(later(2)) == 0
    assert actions.send_letters(later(90_000)) == 0
    assert (outbox(run), len(box.letters)) == ([LetterState.IN_DOUBT], 1)
    (letter,) = queries.letters_of(run.incident)
    with pytest.raises(Forbidden):
        actions.send_again(letter.id, by=viewer("lise", role=Role.VISITOR), at=later(90_001))
    actions.send_again(letter.id, by=nadia(), at=later(90_001))
    assert actions.send_letters(later(90_002)) == 1
    with pytest.raises(Conflict):
        actions.send_again(letter.id, by=nadia(), at=later(90_003))


@pytest.mark.django_db
def test_a_post_that_was_killed_while_a_letter_left_does_not_send_it_twice(box: Box) -> None:
    from beffroi.kernel.procedures.actions.mailing import _mark

    run = told(address="")
    assert _mark(later(2)) is not None  # and here the process is killed
    assert actions.send_letters(later(60)) == 0
    assert outbox(run) == [LetterState.SENDING]
    assert actions.send_letters(later(200)) == 0
    assert (outbox(run), box.letters) == ([LetterState.IN_DOUBT], [])


@pytest.mark.django_db
def test_without_a_mail_server_letters_wait() -> None:
    run = told(address="")
    assert actions.send_letters(later(2)) == 0
    assert outbox(run) == [LetterState.WAITING]


@pytest.mark.django_db
def test_an_address_is_checked_forgotten_and_left_by_who_may() -> None:
    incident = an_incident()
    for wrong in ("nobody", "a@b", "a b@example.org", "a@example.org\nBcc: x@example.org", "<a@example.org>"):
        with pytest.raises(Refused):
            actions.leave_address(incident.id, wrong, by=nadia(), at=later(1))
    with pytest.raises(Forbidden):
        actions.leave_address(incident.id, "a@example.org", by=viewer("lise", role=Role.VISITOR), at=later(1))
    actions.leave_address(incident.id, "a@example.org", by=nadia(), at=later(1))
    assert queries.given_of(incident.id, later(2)).teller is True
    actions.leave_address(incident.id, "", by=nadia(), at=later(3))
    assert queries.given_of(incident.id, later(4)).teller is False


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_letter_once(box: Box) -> None:
    run = told()
    at_once(*(lambda: actions.send_letters(later(2)) for _ in range(4)))
    assert outbox(run) == [LetterState.SENT, LetterState.SENT]
    assert len(box.letters) == 2


@pytest.mark.django_db(transaction=True)
def test_a_step_that_writes_letters_is_whole_or_nothing() -> None:
    in_force(TELL)
    incident, one = an_incident(), nadia()
    actions.leave_address(incident.id, "riverain@example.org", by=one, at=later(0))
    assert_whole_or_nothing(lambda: actions.start("dark", incident.id, by=one, at=later(1)))
    assert len(queries.letters_of(incident.id)) == 2

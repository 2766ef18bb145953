"""Answering whoever told an incident: an address left when it is opened, and a letter when it is over. Once a round.

They are told when the incident, or the one it was united with, is closed, or resolved: at once where people told of it
alone, after a while where alarms are of it too, which may come back. The letter goes through the outbox like any other.
"""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import DAY, MINUTE, Instant, to_datetime
from beffroi.kernel.incidents import actions as incident_actions
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.actions import Opened
from beffroi.kernel.incidents.queries import Ended
from beffroi.kernel.incidents.types import Incident, IncidentState, Told
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.lines import letter_line
from beffroi.kernel.procedures.actions.mailing import check_address, keep_address, sealed
from beffroi.kernel.procedures.actions.telling import TELLER, facts_of
from beffroi.kernel.procedures.rules import Answers, Wording

LONGEST: Instant = 400 * DAY
"""How long after it was left an address is still written to."""

MOST_LOOKED_AT = 2_000
STEADY: Instant = 5 * MINUTE
"""How long an incident of alarms stays resolved before it is called over."""


def open_with_address(told: Told, address: str, *, by: Viewer, at: Instant, key: str = "") -> Opened:
    """Open an incident as `incidents.open_incident`, and note where who told it wants the answer. All of it, or nothing.

    With their consent, which who opens it attests. Raises as `open_incident`, and Refused for what is no mail address.
    """
    stated = check_address(address)
    with transaction.atomic():
        opened = incident_actions.open_incident(told, by=by, at=at, key=key)
        if stated and opened.new:
            keep_address(opened.incident, stated, by=by, at=at)
    return opened


def attach_with_address(incident_id: int, told: Told, address: str, *, by: Viewer, at: Instant) -> Incident:
    """Attach a word to an incident as `incidents.attach_signal`, and note where who told it wants the answer too."""
    stated = check_address(address)
    with transaction.atomic():
        after = incident_actions.attach_signal(incident_id, told, by=by, at=at)
        if stated:
            keep_address(after, stated, by=by, at=at, beside=True)
    return after


def answer_tellers(answers: Answers, *, at: Instant) -> int:
    """Write to those who told incidents that are over by now; return how many letters came. Called every few seconds.

    Whoever is killed meanwhile, or calls at the same instant, nobody is written to twice about one round.
    """
    since = to_datetime(at - LONGEST)
    left = models.Contact.objects.filter(left_at__gt=since).order_by("-id").values_list("incident_id", "told_round")
    waiting: dict[int, int] = {}
    for number, told_round in left[:MOST_LOOKED_AT]:
        waiting[number] = min(told_round, waiting.get(number, told_round))
    over = incidents.ended_among(waiting) if waiting else {}
    due = {number: ended for number, ended in over.items() if _is_due(ended, waiting[number], at)}
    return sum(_answer(number, ended, answers.get(ended.state), at) for number, ended in sorted(due.items()))


def _is_due(ended: Ended, told_round: int, at: Instant) -> bool:
    steady = at - ended.at >= STEADY if ended.alarmed and ended.state is IncidentState.RESOLVED else True
    return told_round < ended.round and steady


def _answer(number: int, ended: Ended, wording: Wording | None, at: Instant) -> int:
    with transaction.atomic():
        mine = models.Contact.objects.select_for_update(skip_locked=True, of=("self",))
        rows = list(mine.filter(incident_id=number, told_round__lt=ended.round).order_by("id"))
        models.Contact.objects.filter(pk__in=[row.pk for row in rows]).update(told_round=ended.round)
        left = [(row.pk, address) for row in rows if (address := queries.address_of_contact(row))]
        if not left or wording is None:
            return 0
        told = incidents.known([number])[number]
        letters = [_letter(told, contact, address, wording, ended, at) for contact, address in left]
        lines = [letter_line(each, "answer_teller", opened_at=told.opened_at, end=str(ended.state)) for each in letters]
        append(lines, at=at)
    return len(letters)


def _letter(told: Incident, contact: int, address: str, wording: Wording, ended: Ended, at: Instant) -> models.Letter:
    facts = facts_of(told, at)
    message_id = f"<answer-{told.id}.{contact}.{ended.number}.{ended.round}@beffroi>"
    return models.Letter.objects.create(
        run=None,
        step="answer",
        incident_id=told.id,
        to_name=TELLER,
        address=sealed(address, f"procedures_letter.address:{message_id}", told.id, at),
        message_id=message_id,
        subject=rules.filled(wording.subject, facts)[:200],
        text=rules.filled(wording.text, facts),
        written_at=to_datetime(at),
        due_at=to_datetime(at),
    )

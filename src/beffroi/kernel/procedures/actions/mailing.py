"""The outbox: letters written with the step that sends them, sent by the worker, each at most once by itself.

A letter is marked before it leaves. One found marked past its time may have left: it is in doubt, told to the room, and sent
again by a person only. A server that says not now is tried again, later and later, for a day.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from beffroi.foundation import mail
from beffroi.foundation.clock import MINUTE, SECOND, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, Misconfigured, NotFound, Refused, Unreachable
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.actions import append, encrypt_kept
from beffroi.kernel.journal.types import ToKeep
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import models, queries
from beffroi.kernel.procedures.actions.lines import contact_line, letter_line
from beffroi.kernel.procedures.types import LetterState

RETRIES: tuple[Instant, ...] = tuple(m * MINUTE for m in (1, 5, 15, 60, 180, 360, 720))
"""How long after each attempt the next comes; past the last, the letter is given up."""

DOUBTFUL_AFTER: Instant = 120 * SECOND
MOST_AT_ONCE = 20


def check_address(address: str) -> str:
    """Return an address without spaces around, empty for none. Raises Refused for what is no mail address."""
    stated = address.strip()
    if stated and not mail.is_address(stated):
        raise Refused("this is no mail address: write name@example.org", key="address-wrong")
    return stated


def leave_address(incident: int, address: str, *, by: Viewer, at: Instant) -> None:
    """Note where whoever told an incident wants to be written to; an empty address forgets it. Journalled, encrypted.

    With their consent, which who notes it attests. They are then written to when it is over (`answering`). Raises Forbidden, NotFound, Refused for what is no mail address.
    """
    found = incidents.get(incident, by)
    stated = check_address(address)
    with transaction.atomic():
        require(by, Verb.NOTE, Kind.INCIDENT, desk=found.desk, commune=found.commune)
        keep_address(found, stated, by=by, at=at)


def keep_address(found: Incident, address: str, *, by: Viewer, at: Instant, beside: bool = False) -> None:
    """Write a checked address, or that there is none any more, in the caller's transaction, with its line.

    `beside`: of another person who told the same; those that were left before stay.
    """
    if not beside:
        models.Contact.objects.filter(incident_id=found.id).delete()
    if address:
        part = sealed(address, f"procedures_contact.address:{found.id}", found.id, at)
        models.Contact.objects.create(incident_id=found.id, address=part, left_at=to_datetime(at), by_id=by.id)
    append([contact_line(found, "leave_address" if address else "forget_address", by.actor)], at=at)


def write_letters(
    row: models.Run, incident: Incident, step: str, to: list[tuple[str, str]], text: str, at: Instant
) -> int:
    """Put letters in the outbox, in the caller's transaction: to each (name, address). Return how many."""
    for place, (name, address) in enumerate(to, 1):
        letter = models.Letter(
            run=row,
            step=step,
            incident_id=incident.id,
            to_name=name[:120],
            address=b"",
            message_id=f"<run-{row.pk}.{row.moves}.{step}.{place}@beffroi>",
            subject=f"{incident.reference} – {incident.title}"[:200],
            text=text,
            written_at=to_datetime(at),
            due_at=to_datetime(at),
        )
        letter.address = sealed(address, f"procedures_letter.address:{letter.message_id}", incident.id, at)
        letter.save()
    return len(to)


def send_letters(at: Instant, *, limit: int = MOST_AT_ONCE) -> int:
    """Send the letters whose turn has come; return how many the server took. Not in a transaction: each is marked first.

    Without a mail server nothing is tried: letters wait, and the post's state says so.
    """
    _doubt(at)
    if not mail.is_set_up():
        return 0
    taken = 0
    for _ in range(limit):
        letter = _mark(at)
        if letter is None:
            break
        taken += _send(letter, at)
    return taken


def send_again(letter: int, *, by: Viewer, at: Instant) -> None:
    """Have a letter that is in doubt, refused or given up tried once more, knowing that it may arrive twice. Journalled.

    Raises NotFound, Forbidden, Conflict when it is waiting or was sent.
    """
    with transaction.atomic():
        row = models.Letter.objects.select_for_update(of=("self",)).select_related("run").filter(pk=letter).first()
        if row is None:
            raise NotFound(f"there is no letter {letter}")
        found = incidents.get(row.incident_id, by)
        require(by, Verb.RUN, Kind.PROCEDURE, desk=found.desk, commune=found.commune)
        if row.state not in (LetterState.IN_DOUBT, LetterState.REFUSED, LetterState.GIVEN_UP):
            raise Conflict(f"this letter is {row.state}", key="letter-goes-on")
        row.state, row.due_at, row.attempts, row.ended_at = LetterState.WAITING, to_datetime(at), 0, None
        row.save()
        append([letter_line(row, "send_letter_again", actor=by.actor, opened_at=found.opened_at)], at=at)


def _mark(at: Instant) -> models.Letter | None:
    """Take the next letter whose turn has come, and mark it before it leaves."""
    with transaction.atomic():
        due = models.Letter.objects.filter(state=LetterState.WAITING, due_at__lte=to_datetime(at))
        row = due.select_for_update(of=("self",), skip_locked=True).order_by("due_at", "id").first()
        if row is not None:
            row.state, row.marked_at = LetterState.SENDING, to_datetime(at)
            row.attempts += 1
            row.save()
        return row


def _send(row: models.Letter, at: Instant) -> bool:
    address = queries.address_of_letter(row)
    if not address:
        _end(row, LetterState.GIVEN_UP, "its address was erased", at)
        return False
    try:
        mail.send(mail.Letter(address, row.subject, row.text, row.message_id, from_datetime(row.written_at)))
    except mail.InDoubt as error:
        _end(row, LetterState.IN_DOUBT, error.reason, at)
    except (Unreachable, Misconfigured) as error:
        _later(row, error.reason, at)
    except Refused as error:
        _end(row, LetterState.REFUSED, error.reason, at)
    else:
        _end(row, LetterState.SENT, "", at)
        return True
    return False


def _later(row: models.Letter, reason: str, at: Instant) -> None:
    if row.attempts > len(RETRIES):
        _end(row, LetterState.GIVEN_UP, reason, at)
        return
    due = to_datetime(at) + timedelta(microseconds=RETRIES[row.attempts - 1])
    models.Letter.objects.filter(pk=row.pk, state=LetterState.SENDING).update(
        state=LetterState.WAITING, due_at=due, reason=reason[:300]
    )


def _doubt(at: Instant) -> None:
    """Say of letters that were marked and of which nothing came back that they may have left."""
    since = to_datetime(at - DOUBTFUL_AFTER)
    for row in models.Letter.objects.filter(state=LetterState.SENDING, marked_at__lt=since).order_by("id")[
        :MOST_AT_ONCE
    ]:
        _end(row, LetterState.IN_DOUBT, "the post stopped while it was leaving", at)


def _end(row: models.Letter, state: LetterState, reason: str, at: Instant) -> None:
    """Write how a letter ended, with its line, once."""
    verbs = {LetterState.SENT: "send_letter", LetterState.IN_DOUBT: "doubt_letter"}
    with transaction.atomic():
        mine = models.Letter.objects.select_for_update(of=("self",)).select_related("run").filter(pk=row.pk)
        letter = mine.filter(state=LetterState.SENDING).first()
        if letter is None:
            return
        letter.state, letter.reason, letter.ended_at = state, reason[:300], to_datetime(at)
        letter.save()
        found = incidents.known([letter.incident_id])[letter.incident_id]
        verb = verbs.get(state, "give_letter_up")
        append([letter_line(letter, verb, opened_at=found.opened_at, label=reason[:300])], at=at)


def sealed(address: str, name: str, incident: int, at: Instant) -> bytes:
    """Return an address as its table keeps it, under the key of the incident's case."""
    return encrypt_kept([ToKeep(case_of(incident), name, address.encode())], at=at)[0]

"""Letters of runs, and where they go: the addresses are opened for the mail server, and for nobody else."""

from __future__ import annotations

from django.db.models import Count, Min

from beffroi.foundation import mail
from beffroi.foundation.clock import from_datetime
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.journal.queries import open_kept
from beffroi.kernel.journal.types import PersonalState, Sealed
from beffroi.kernel.procedures import models
from beffroi.kernel.procedures.types import Letter, LetterState, LettersWaiting


def has_address(incident: int) -> bool:
    """Tell whether whoever told an incident left an address."""
    return models.Contact.objects.filter(incident_id=incident).exists()


def address_left(incident: int) -> str:
    """Return where whoever told an incident is written to; empty where nobody left one, or it was erased."""
    row = models.Contact.objects.filter(incident_id=incident).order_by("id").first()
    return address_of_contact(row) if row else ""


def address_of_contact(row: models.Contact) -> str:
    """Return where one of those who told an incident is written to; empty where its case was erased."""
    return _opened(bytes(row.address), f"procedures_contact.address:{row.incident_id}", row.incident_id)


def address_of_letter(row: models.Letter) -> str:
    """Return where a letter goes; empty where its case was erased."""
    return _opened(bytes(row.address), f"procedures_letter.address:{row.message_id}", row.incident_id)


def letters_of(incident: int) -> tuple[Letter, ...]:
    """Return the letters that runs on an incident wrote, the newest first. The caller has asked the door."""
    return tuple(
        Letter(
            id=row.pk,
            run=row.run_id or 0,
            step=row.step,
            to_name=row.to_name,
            subject=row.subject,
            text=row.text,
            state=LetterState(row.state),
            written_at=from_datetime(row.written_at),
            attempts=row.attempts,
            ended_at=from_datetime(row.ended_at) if row.ended_at else None,
            reason=row.reason,
        )
        for row in models.Letter.objects.filter(incident_id=incident).order_by("-id")[:100]
    )


def letters_waiting() -> LettersWaiting | None:
    """Return what does not leave: without a mail server all that waits, with one what it did not take at the first attempt.

    None when nothing waits. It names no incident and no address: for who keeps the post, whatever they may see.
    """
    no_server = not mail.is_set_up()
    rows = models.Letter.objects.filter(state=LetterState.WAITING)
    rows = rows if no_server else rows.filter(attempts__gt=0)
    found = rows.aggregate(count=Count("id"), since=Min("written_at"))
    if not found["count"]:
        return None
    last = "" if no_server else rows.order_by("-marked_at").values_list("reason", flat=True).first() or ""
    return LettersWaiting(found["count"], from_datetime(found["since"]), no_server, last)


def _opened(part: bytes, name: str, incident: int) -> str:
    (kept,) = open_kept([Sealed(case_of(incident), name, part)])
    return kept.data.decode() if kept.state is PersonalState.READABLE else ""

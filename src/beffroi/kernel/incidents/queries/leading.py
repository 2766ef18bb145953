"""What leads an incident: its marks, its pauses, its proposals; the city's deadlines and bodies."""

from __future__ import annotations

from django.db.models import F

from beffroi.foundation.clock import from_datetime
from beffroi.kernel.incidents import models
from beffroi.kernel.incidents.types import Body, Deadline, Mark, Pause, Span, Transfer, TransferState
from beffroi.kernel.journal.queries import Reading, read_words


def marks(incident_id: int, *, readable: bool = True) -> tuple[Mark, ...]:
    """Return the clocks that people dated in the present round, in the order in which they were written.

    Here and below: not `readable`, and the texts that may name persons are withheld; the caller asks the door.
    """
    rows = list(
        models.Mark.objects.filter(incident_id=incident_id, incident__round=F("round"))
        .select_related("by")
        .order_by("id")[:200]
    )
    read = read_words([row.reason for row in rows], readable=readable)
    return tuple(
        Mark(
            row.clock,
            from_datetime(row.effective_at),
            from_datetime(row.recorded_at),
            row.by.display_name if row.by else "",
            read.words(row.reason),
            row.corrects,
        )
        for row in rows
    )


def pauses(incident_id: int, *, readable: bool = True) -> tuple[Pause, ...]:
    """Return the pauses of the present round, corrected ones too, in the order in which they were written."""
    rows = list(
        models.Pause.objects.filter(incident_id=incident_id, incident__round=F("round"))
        .select_related("by")
        .order_by("id")[:200]
    )
    read = read_words([part for row in rows for part in (row.reason, row.proof)], readable=readable)
    return tuple(
        Pause(
            row.pk,
            Span(from_datetime(row.begin), from_datetime(row.end) if row.end else None),
            read.words(row.reason),
            read.words(row.proof),
            row.by.display_name if row.by else "",
            row.corrected,
        )
        for row in rows
    )


def transfers(incident_id: int, *, readable: bool = True) -> tuple[Transfer, ...]:
    """Return the proposals to hand an incident over, the latest first, with their answers."""
    found = models.Transfer.objects.filter(incident_id=incident_id).select_related("proposed_by", "answered_by")
    rows, known = list(found.order_by("-id")[:50]), {body.code: body for body in bodies()}
    read = read_words([part for row in rows for part in (row.reason, row.answer)], readable=readable)
    return tuple(_transfer(row, known.get(row.to), read) for row in rows)


def _transfer(row: models.Transfer, body: Body | None, read: Reading) -> Transfer:
    return Transfer(
        id=row.pk,
        from_desk=row.from_desk,
        to=row.to,
        to_name=body.name if body else row.to,
        inside=body is not None and body.inside,
        reason=read.words(row.reason),
        proposed_at=from_datetime(row.proposed_at),
        proposed_by=row.proposed_by.display_name if row.proposed_by else "",
        due_at=from_datetime(row.due_at) if row.due_at else None,
        state=TransferState(row.state),
        answered_at=from_datetime(row.answered_at) if row.answered_at else None,
        answered_by=row.answered_by.display_name if row.answered_by else "",
        answer=read.words(row.answer),
    )


def bodies() -> tuple[Body, ...]:
    """Return the desks and the bodies outside, in the order of the city's profile."""
    rows = models.Body.objects.order_by("place", "code")
    return tuple(Body(row.code, row.name, row.inside, row.reach) for row in rows)


def deadlines() -> tuple[Deadline, ...]:
    """Return the deadlines in force."""
    rows = models.Deadline.objects.order_by("id")
    return tuple(Deadline(row.clock, row.within_s, row.category, row.priority) for row in rows)

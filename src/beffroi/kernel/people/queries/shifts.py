"""Shifts, who is on duty, instructions that stand, and hand-overs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db.models import QuerySet

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal.queries import Reading, lines_of, read_words
from beffroi.kernel.people import models
from beffroi.kernel.people.queries.door import require
from beffroi.kernel.people.rules import LONGEST_SHIFT
from beffroi.kernel.people.types import (
    Duty,
    Handover,
    HandoverState,
    Instruction,
    InstructionEnd,
    InstructionKind,
    Kind,
    Shift,
    Verb,
    Viewer,
)

MAX_STANDING = 200
_WHOLE_DAY = (Shift("day", "Journée", 0, 0),)


def shifts() -> tuple[Shift, ...]:
    """Return the shifts of the room in the order of the day; one of a whole day where the city names none."""
    rows = models.Shift.objects.order_by("place")
    return tuple(Shift(row.code, row.title, row.begins_min, row.ends_min) for row in rows) or _WHOLE_DAY


def is_on_duty(username: str, *, at: Instant) -> bool:
    """Tell whether a person is at work: on duty, or signed in for less than a shift and neither out nor relieved since."""
    if not models.Person.objects.filter(username=username, is_active=True).exists():
        return False
    if duty_of(username) is not None:
        return True
    told = (line for line in lines_of(f"person:{username}", limit=50) if line.verb in ("sign_in", "sign_out"))
    last = next(told, None)
    if last is None or last.verb == "sign_out" or at - last.recorded_at >= LONGEST_SHIFT:
        return False
    relieved = models.Duty.objects.filter(person__username=username, ended_at__gte=to_datetime(last.recorded_at))
    return not relieved.exists()


def duty_of(username: str) -> Duty | None:
    """Return where a person is on duty, None when they are not."""
    row = models.Duty.objects.select_related("person").filter(person__username=username, ended_at=None).first()
    return None if row is None else _duty(row)


def on_duty(post: str | None = None) -> tuple[Duty, ...]:
    """Return who is on duty, at a post or at all of them, the longest first."""
    rows = models.Duty.objects.select_related("person").filter(ended_at=None).order_by("began_at", "id")
    return tuple(_duty(row) for row in (rows if post is None else rows.filter(post=post))[:MAX_STANDING])


def standing_instructions(posts: tuple[str, ...]) -> tuple[Instruction, ...]:
    """Return the instructions and promises that stand at these posts: promises by their date, then instructions."""
    rows = list(_instructions().filter(end="", post__in=posts).order_by("-kind", "due_at", "id")[:MAX_STANDING])
    read = _read_instructions(rows)
    return tuple(_instruction(row, read) for row in rows)


def get_instruction(number: int) -> Instruction:
    """Return an instruction by its number. Raises NotFound."""
    row = _instructions().filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no instruction {number}")
    return _instruction(row, _read_instructions([row]))


def waiting_handover(post: str) -> Handover | None:
    """Return the hand-over of a post that waits for its second signature, None when there is none."""
    row = _handovers().filter(post=post, state=HandoverState.SIGNED_OUT).first()
    return None if row is None else _handover(row, _read_handovers([row]))


def get_handover(number: int, *, seen_by: Viewer) -> Handover:
    """Return a hand-over by its number. Raises Forbidden, NotFound."""
    require(seen_by, Verb.SEE, Kind.SHIFT)
    row = _handovers().filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no hand-over {number}")
    return _handover(row, _read_handovers([row]))


def list_handovers(*, seen_by: Viewer, post: str | None = None, limit: int = 20) -> tuple[Handover, ...]:
    """Return the last hand-overs, the newest first. Raises Forbidden."""
    require(seen_by, Verb.SEE, Kind.SHIFT)
    found = _handovers().order_by("-out_at", "-id")
    rows = list((found if post is None else found.filter(post=post))[: min(limit, 200)])
    read = _read_handovers(rows)
    return tuple(_handover(row, read) for row in rows)


def _instructions() -> QuerySet[models.Instruction]:
    return models.Instruction.objects.select_related("written_by", "ended_by")


def _handovers() -> QuerySet[models.Handover]:
    return models.Handover.objects.select_related("out_by", "in_by")


def _read_instructions(rows: Sequence[models.Instruction]) -> Reading:
    return read_words([part for row in rows for part in (row.text, row.end_reason)])


def _read_handovers(rows: Sequence[models.Handover]) -> Reading:
    return read_words([part for row in rows for part in (row.text, row.remark, row.withdraw_reason)])


def _duty(row: models.Duty) -> Duty:
    person = row.person
    return Duty(person.username, person.display_name, person.initials, row.post, from_datetime(row.began_at))


def _instruction(row: models.Instruction, read: Reading) -> Instruction:
    return Instruction(
        id=row.pk,
        post=row.post,
        kind=InstructionKind(row.kind),
        text=read.words(row.text),
        subject=row.subject,
        due_at=from_datetime(row.due_at) if row.due_at else None,
        written_by=row.written_by.display_name,
        written_at=from_datetime(row.written_at),
        end=InstructionEnd(row.end) if row.end else None,
        ended_by=row.ended_by.display_name if row.ended_by else "",
        ended_at=from_datetime(row.ended_at) if row.ended_at else None,
        end_reason=read.words(row.end_reason),
        kept=bytes(row.text),
    )


def _handover(row: models.Handover, read: Reading) -> Handover:
    return Handover(
        id=row.pk,
        post=row.post,
        shift_out=row.shift_out,
        shift_in=row.shift_in,
        state=HandoverState(row.state),
        text=read.words(row.text),
        content=json.loads(row.content),
        digest=row.digest,
        out_by=row.out_by.username,
        out_name=row.out_by.display_name,
        out_at=from_datetime(row.out_at),
        in_name=row.in_by.display_name if row.in_by else "",
        in_at=from_datetime(row.in_at) if row.in_at else None,
        remark=read.words(row.remark),
        withdrawn_at=from_datetime(row.withdrawn_at) if row.withdrawn_at else None,
        withdraw_reason=read.words(row.withdraw_reason),
    )

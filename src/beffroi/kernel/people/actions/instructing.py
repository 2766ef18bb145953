"""What one shift leaves to the next at a post: standing instructions (consignes), and promises with their date."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people import models, queries, rules
from beffroi.kernel.people.actions.accounts import ROOM, signed_in
from beffroi.kernel.people.types import Instruction, InstructionEnd, InstructionKind, Kind, Verb, Viewer

_RULE = Actor(ActorKind.RULE, "instruction_expiry", "Fin de consigne")


def write_instruction(
    kind: str, text: str, *, subject: str = "", due_at: Instant | None = None, by: Viewer, at: Instant
) -> Instruction:
    """Leave an instruction or a promise at the post where one sits. Journalled.

    A promise has a date by which it is due; an instruction ends by itself at its date, in 90 days without one. `subject`
    is what it is about (`incident:42`). Raises Forbidden, Refused saying what is missing.
    """
    queries.require(by, Verb.NOTE, Kind.SHIFT)
    if kind not in set(InstructionKind):
        raise Refused(f"choose among {', '.join(InstructionKind)}", key="instruction-kind")
    written = rules.check_text(text, needed=True, what="the instruction")
    if kind == InstructionKind.PROMISE and due_at is None:
        raise Refused("say by when it was promised", key="due-missing")
    due = rules.check_due(due_at, at)
    with transaction.atomic():
        row = models.Instruction.objects.create(
            post=by.post.code,
            kind=kind,
            text=b"",
            subject=subject[:160],
            due_at=to_datetime(due),
            written_by_id=signed_in(by),
            written_at=to_datetime(at),
        )
        row.text = keep_words(_case_of(row), written, at=at)
        row.save(update_fields=["text"])
        append([_about(row, "write_instruction", by.actor, {"kind": kind, "due_at": due}, text=written)], at=at)
    return queries.get_instruction(row.pk)


def end_instruction(number: int, how: str, *, reason: str = "", by: Viewer, at: Instant) -> Instruction:
    """Say that a promise was kept, or give an instruction up with a reason. Journalled.

    Raises Forbidden, NotFound, Refused without the reason, and Conflict naming who ended it first.
    """
    queries.require(by, Verb.NOTE, Kind.SHIFT)
    if how not in (InstructionEnd.KEPT, InstructionEnd.WITHDRAWN):
        raise Refused("an instruction is kept or withdrawn", key="instruction-end")
    why = rules.check_text(reason, needed=how == InstructionEnd.WITHDRAWN, what="why it is given up")
    with transaction.atomic():
        # Locked first, read after: a row read while waiting for its lock would still be joined with nobody.
        list(models.Instruction.objects.select_for_update().filter(pk=number).values_list("id"))
        row = models.Instruction.objects.select_related("ended_by").filter(pk=number).first()
        if row is None:
            raise NotFound(f"there is no instruction {number}")
        if row.end:
            who = row.ended_by.display_name if row.ended_by else "its date"
            raise Conflict(f"this instruction was ended by {who}", key="instruction-ended")
        row.end, row.ended_by_id, row.ended_at, row.end_reason = (
            how,
            signed_in(by),
            to_datetime(at),
            keep_words(_case_of(row), why, at=at),
        )
        row.save()
        line = _about(row, "end_instruction", by.actor, {"end": how}, reason=why)
        append([line], at=at)
    return queries.get_instruction(number)


def expire_instructions(*, at: Instant, limit: int = 200) -> int:
    """End the instructions whose date has passed, as a rule; promises stand until somebody says what became of them.

    Called by the worker every minute; each ends once, whoever else looks. Returns how many ended.
    """
    with transaction.atomic():
        rows = list(
            models.Instruction.objects.select_for_update(skip_locked=True)
            .filter(end="", kind=InstructionKind.INSTRUCTION, due_at__lte=to_datetime(at))
            .order_by("id")[:limit]
        )
        if not rows:
            return 0
        models.Instruction.objects.filter(pk__in=[row.pk for row in rows]).update(
            end=InstructionEnd.EXPIRED, ended_at=to_datetime(at)
        )
        lines = [_about(row, "end_instruction", _RULE, {"end": InstructionEnd.EXPIRED}) for row in rows]
        append(lines, at=at)
    return len(rows)


def _about(
    row: models.Instruction,
    verb: str,
    actor: Actor,
    content: Mapping[str, object],
    *,
    reason: str = "",
    text: str = "",
) -> Entry:
    """Return the line of an instruction. What was written freely may name persons: it is encrypted."""
    personal = {name: written for name, written in (("reason", reason), ("text", text)) if written}
    about = _case_of(row) if personal else ""
    related = (f"post:{row.post}", *([row.subject] if row.subject else []))
    subject = f"instruction:{row.pk}"
    return Entry(actor, ROOM, verb, subject, related, content, about=about, personal=personal)


def _case_of(row: models.Instruction) -> str:
    """Return whose key keeps what an instruction says: its incident's, which it goes with, else its own."""
    kind, _sep, number = row.subject.partition(":")
    return f"case:incident-{number}" if kind == "incident" and number.isdigit() else f"case:instruction-{row.pk}"

"""Shift hand-over (relève): who leaves signs what they leave, who comes signs that they have it; and who is on duty.

A hand-over freezes what the leaving shift showed, and the journal line of its signature carries the digest of it. One waits at
a post at a time: the database says so. What happens between the two signatures is told by the journal, not by changing
what was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound, Refused
from beffroi.kernel.journal.actions import append, keep_words
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people import models, queries, rules
from beffroi.kernel.people.actions.accounts import ROOM, signed_in
from beffroi.kernel.people.types import Handover, HandoverState, Kind, Shift, Verb, Viewer


def publish_shifts(shifts: Iterable[Shift], *, by: Actor, at: Instant) -> bool:
    """Make these the shifts of the room; return whether anything changed. Journalled as one line."""
    wanted = tuple(shifts)
    with transaction.atomic():
        if queries.shifts() == wanted:
            return False
        models.Shift.objects.all().delete()
        models.Shift.objects.bulk_create(
            models.Shift(
                code=shift.code, title=shift.title, begins_min=shift.begins_min, ends_min=shift.ends_min, place=place
            )
            for place, shift in enumerate(wanted)
        )
        content = {"shifts": [[shift.code, shift.title, shift.begins_min] for shift in wanted]}
        append([Entry(by, ROOM, "publish_shifts", "room:shifts", content=content)], at=at)
    return True


def begin_duty(*, by: Viewer, at: Instant) -> None:
    """Come on duty at the post where one sits, leaving any other. Journalled; saying it twice changes nothing."""
    queries.require(by, Verb.HAND_OVER, Kind.SHIFT)
    with transaction.atomic():
        append(_on_duty(by, at), at=at)


def end_duty(*, by: Viewer, at: Instant, reason: str = "") -> None:
    """Go off duty without a hand-over: the day is over and nobody follows. Journalled. Raises Conflict when not on duty."""
    queries.require(by, Verb.HAND_OVER, Kind.SHIFT)
    why = rules.check_text(reason, needed=False, what="why")
    with transaction.atomic():
        lines = _off_duty(by, at, why)
        if not lines:
            raise Conflict(f"{by.display_name} is not on duty", key="not-on-duty")
        append(lines, at=at)


def hand_over_shift(
    *, text: str, content: Mapping[str, Any], shift_out: str, shift_in: str, by: Viewer, at: Instant
) -> Handover:
    """Sign what one leaves at the post where one sits, and go off duty. Journalled with the digest of the content.

    Raises Forbidden, Refused for a text or a content that is too long, and Conflict naming who signed first while a
    hand-over of this post waits for its second signature.
    """
    queries.require(by, Verb.HAND_OVER, Kind.SHIFT)
    written = rules.check_text(text, needed=False, what="the word of the shift")
    frozen, digest = rules.freeze(content)
    try:
        with transaction.atomic():
            row = models.Handover.objects.create(
                post=by.post.code,
                shift_out=shift_out[:120],
                shift_in=shift_in[:120],
                state=HandoverState.SIGNED_OUT,
                content=frozen,
                digest=digest,
                out_by_id=signed_in(by),
                out_at=to_datetime(at),
            )
            row.text = keep_words(_case_of(row.pk), written, at=at)
            row.save(update_fields=["text"])
            told = {"post": by.post.title, "shift_out": shift_out, "shift_in": shift_in, "sha256": digest}
            line = _about(row.pk, "hand_over_shift", by, told, text=written)
            append([*_off_duty(by, at, ""), line], at=at)
    except IntegrityError as error:
        first = queries.waiting_handover(by.post.code)
        who = f"{first.out_name} signed it at {first.out_at}" if first else "somebody signed it just now"
        raise Conflict(f"a hand-over of {by.post.title} waits already: {who}", key="handover-waits") from error
    return queries.get_handover(row.pk, seen_by=by)


def take_over_shift(handover_id: int, *, remark: str = "", by: Viewer, at: Instant) -> Handover:
    """Sign that one has what the leaving shift left: the hand-over is closed, and one is on duty at its post. Journalled.

    Raises Forbidden, NotFound, Refused for one's own hand-over, and Conflict when it was signed or taken back before.
    """
    queries.require(by, Verb.HAND_OVER, Kind.SHIFT)
    written = rules.check_text(remark, needed=False, what="the remark")
    with transaction.atomic():
        row = _waiting(handover_id)
        if row.out_by_id == by.id:
            raise Refused(
                "a hand-over is signed by two people: the second signature is of who comes", key="handover-two"
            )
        if by.post.code != row.post:
            raise Refused(f"sit at the post {row.post} first (preferences): it is its hand-over", key="handover-post")
        row.state, row.in_by_id, row.in_at = HandoverState.CLOSED, signed_in(by), to_datetime(at)
        row.remark = keep_words(_case_of(row.pk), written, at=at)
        row.save()
        line = _about(row.pk, "take_over_shift", by, {"sha256": row.digest}, text=written)
        append([*_on_duty(by, at), line], at=at)
    return queries.get_handover(row.pk, seen_by=by)


def withdraw_handover(handover_id: int, *, reason: str, by: Viewer, at: Instant) -> Handover:
    """Take back a hand-over that nobody countersigned, and be on duty again: what was signed stays to be read. Journalled.

    Only who signed it may. Raises Forbidden, NotFound, Refused without a reason, Conflict once it was countersigned.
    """
    queries.require(by, Verb.HAND_OVER, Kind.SHIFT)
    why = rules.check_text(reason, needed=True, what="why you take it back")
    with transaction.atomic():
        row = _waiting(handover_id)
        if row.out_by_id != by.id:
            raise Refused("only who signed a hand-over takes it back", key="handover-not-yours")
        row.state, row.withdrawn_at = HandoverState.WITHDRAWN, to_datetime(at)
        row.withdraw_reason = keep_words(_case_of(row.pk), why, at=at)
        row.save()
        append([*_on_duty(by, at), _about(row.pk, "withdraw_handover", by, {}, reason=why)], at=at)
    return queries.get_handover(row.pk, seen_by=by)


def _waiting(handover_id: int) -> models.Handover:
    # Locked first, read after: a row read while waiting for its lock would still be joined with who was there before.
    list(models.Handover.objects.select_for_update().filter(pk=handover_id).values_list("id"))
    row = models.Handover.objects.select_related("out_by", "in_by").filter(pk=handover_id).first()
    if row is None:
        raise NotFound(f"there is no hand-over {handover_id}")
    if row.state == HandoverState.CLOSED and row.in_by is not None:
        raise Conflict(f"{row.in_by.display_name} has countersigned this hand-over", key="handover-closed")
    if row.state == HandoverState.WITHDRAWN:
        raise Conflict(f"{row.out_by.display_name} took this hand-over back", key="handover-withdrawn")
    return row


def _on_duty(by: Viewer, at: Instant) -> list[Entry]:
    """Have a person on duty at their post, and return the lines that tell it: none when they are."""
    person = signed_in(by)
    models.Person.objects.select_for_update().filter(pk=person).first()  # two screens of one person, in turn
    present = models.Duty.objects.filter(person_id=person, ended_at=None).first()
    if present is not None and present.post == by.post.code:
        return []
    lines = _off_duty(by, at, "") if present is not None else []
    models.Duty.objects.create(person_id=person, post=by.post.code, began_at=to_datetime(at))
    return [*lines, _duty_line("begin_duty", by, by.post.code, "")]


def _off_duty(by: Viewer, at: Instant, reason: str) -> list[Entry]:
    present = models.Duty.objects.select_for_update().filter(person_id=signed_in(by), ended_at=None).first()
    if present is None:
        return []
    models.Duty.objects.filter(pk=present.pk).update(ended_at=to_datetime(at))
    return [_duty_line("end_duty", by, present.post, reason)]


def _duty_line(verb: str, by: Viewer, post: str, reason: str) -> Entry:
    return Entry(by.actor, ROOM, verb, f"person:{by.username}", (f"post:{post}",), reason=reason)


def _about(
    number: int, verb: str, by: Viewer, content: Mapping[str, object], *, reason: str = "", text: str = ""
) -> Entry:
    """Return the line of a signature. What people wrote freely may name persons: it is encrypted."""
    personal = {name: written for name, written in (("reason", reason), ("text", text)) if written}
    about = _case_of(number) if personal else ""
    related = (f"post:{by.post.code}",)
    return Entry(by.actor, ROOM, verb, f"handover:{number}", related, content, about=about, personal=personal)


def _case_of(number: int) -> str:
    return f"case:handover-{number}"

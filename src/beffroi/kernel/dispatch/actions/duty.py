"""Coming on duty in a crew, breaks, going off duty, and the switch of one's position. By the crew, or on its word by radio."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.actions.acting import (
    Sent,
    answered_before,
    changed,
    keep_answer,
    live_mission,
    lock_unit,
    require_crew,
    unit_line,
)
from beffroi.kernel.dispatch.models import Aboard, Distress, LastPosition, Unit
from beffroi.kernel.dispatch.queries import read_unit, slug_of_person, times
from beffroi.kernel.dispatch.types import DutyState
from beffroi.kernel.dispatch.types import Unit as Seen
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.actions.accounts import signed_in
from beffroi.kernel.people.types import Kind, Viewer

HOURS = Actor(ActorKind.RULE, "longest_duty", "Durée de service la plus longue")


def go_on_duty(
    unit: str = "", *, headcount: int = 1, shares: bool = True, by: Viewer, at: Instant, token: str = ""
) -> Seen:
    """Come on duty in a crew (one's own when none is named). Journalled. From now on its position may be taken.

    `headcount` is how many go out together; `shares`, whether the position is switched on. Raises Forbidden, NotFound,
    Refused, and Conflict when one is aboard of another crew.
    """
    people = rules.check_headcount(headcount)
    sent = Sent(token, "go_on_duty", f"unit:{unit}", {"headcount": headcount, "shares": shares})
    with transaction.atomic():
        row = lock_unit(unit or _own(by))
        as_crew = require_crew(by, row, Kind.UNIT)
        before = answered_before(sent, by, Seen)
        if before is not None:
            return before
        if as_crew:
            _come_aboard(row, by, at)
        if row.duty == DutyState.OFF:
            row.duty_since = to_datetime(at)
            row.duty_until = row.duty_since + timedelta(seconds=times().longest_duty_s)
            row.headcount, row.shares = people, shares
        row.headcount = max(row.headcount, people, row.aboard.filter(ended_at=None).count())
        row.duty, row.reason = DutyState.ON, ""
        told = unit_line(row, "go_on_duty", by.actor, headcount=row.headcount, shares=row.shares, by_radio=not as_crew)
        return _done(row, told, sent, by, at)


def take_break(*, unit: str = "", by: Viewer, at: Instant, token: str = "") -> Seen:
    """Begin a break: what is kept of the position becomes coarse at once. Journalled.

    Raises Forbidden, Refused, and Conflict off duty or with a mission that goes on.
    """
    with transaction.atomic():
        row, as_crew, sent, before = _begin(unit, "take_break", by, token)
        if before is not None:
            return before
        _check_on(row)
        _check_no_mission(row)
        row.duty = DutyState.BREAK
        blur(row)
        return _done(row, unit_line(row, "take_break", by.actor, by_radio=not as_crew), sent, by, at)


def end_break(*, unit: str = "", by: Viewer, at: Instant, token: str = "") -> Seen:
    """End a break, or be available again. Journalled. Raises Forbidden, Refused, Conflict off duty."""
    with transaction.atomic():
        row, as_crew, sent, before = _begin(unit, "end_break", by, token)
        if before is not None:
            return before
        _check_on(row)
        row.duty, row.reason = DutyState.ON, ""
        return _done(row, unit_line(row, "end_break", by.actor, by_radio=not as_crew), sent, by, at)


def set_unavailable(*, reason: str, unit: str = "", by: Viewer, at: Instant, token: str = "") -> Seen:
    """Say that the crew cannot be sent for now, and why (one of `Unavailability`). Journalled.

    Raises Forbidden, Refused for another reason, Conflict off duty or with a mission that goes on.
    """
    why = rules.check_unavailable(reason)
    with transaction.atomic():
        row, as_crew, sent, before = _begin(unit, "set_unavailable", by, token)
        if before is not None:
            return before
        _check_on(row)
        _check_no_mission(row)
        row.duty, row.reason = DutyState.UNAVAILABLE, why
        line = unit_line(row, "set_unavailable", by.actor, reason=why, by_radio=not as_crew)
        return _done(row, line, sent, by, at)


def share_position(shares: bool, *, unit: str = "", by: Viewer, at: Instant, token: str = "") -> Seen:
    """Switch one's position on or off. Off, the last one is erased at once. Journalled. Only the crew itself may.

    Raises Forbidden, Refused, Conflict off duty.
    """
    with transaction.atomic():
        row, as_crew, sent, before = _begin(unit, "share_position", by, token, shares=shares)
        if before is not None:
            return before
        if not as_crew:
            raise Forbidden("the switch of a position is the crew's own")
        _check_on(row)
        row.shares = shares
        if not shares:
            forget(row)
        return _done(row, unit_line(row, "share_position", by.actor, shares=shares), sent, by, at)


def end_duty(*, unit: str = "", by: Viewer, at: Instant, token: str = "") -> Seen:
    """Go off duty. The last one out ends the crew's duty, and its position is erased at once. Journalled.

    Raises Forbidden, Refused, and Conflict: not on duty, a mission goes on, or a distress stands.
    """
    with transaction.atomic():
        row, as_crew, sent, before = _begin(unit, "end_duty", by, token)
        if before is not None:
            return before
        _check_on(row)
        _check_no_mission(row)
        _check_no_distress(row)
        staying = row.aboard.filter(ended_at=None)
        staying = staying.exclude(person__username=by.username) if as_crew else staying.none()
        if staying.exists():
            row.aboard.filter(person__username=by.username, ended_at=None).update(ended_at=to_datetime(at))
            row.headcount = max(1, row.headcount - 1)
        else:
            close_duty(row, at)
        line = unit_line(row, "go_off_duty", by.actor, headcount=row.headcount, by_radio=not as_crew)
        return _done(row, line, sent, by, at)


def close_duty(row: Unit, at: Instant) -> None:
    """Write in a crew that is locked that it is off duty, and erase where it was."""
    row.aboard.filter(ended_at=None).update(ended_at=to_datetime(at))
    row.duty, row.duty_since, row.duty_until = DutyState.OFF, None, None
    row.headcount, row.shares, row.reason = 0, False, ""
    forget(row)


def end_long_duty(slug: str, at: Instant) -> bool:
    """End a duty that lasted the longest there is: a crew that forgot to sign off is followed no more. Journalled.

    Not while a mission goes on or a distress stands: then at the next turn. Called by the worker.
    """
    with transaction.atomic():
        row = lock_unit(slug)
        over = row.duty_until is not None and row.duty_until <= to_datetime(at)
        if not over or live_mission(row) is not None or _distress(row):
            return False
        close_duty(row, at)
        changed(row)
        append([unit_line(row, "go_off_duty", HOURS, headcount=0)], at=at)
        return True


def forget(row: Unit) -> None:
    """Erase where a crew was last."""
    LastPosition.objects.filter(unit_id=row.pk).delete()


def blur(row: Unit) -> None:
    """Keep of a crew's last position no more than the square it lies in."""
    last = LastPosition.objects.filter(unit_id=row.pk).first()
    if last is not None:
        point = rules.coarse(last.lon, last.lat, times().grid_m)
        last.lon, last.lat, last.accuracy_m, last.coarse = point.lon, point.lat, None, True
        last.save()


def _own(by: Viewer) -> str:
    slug = slug_of_person(by)
    if slug is None:
        raise Refused("you are in no crew: name one, or ask for yours to be declared", key="no-crew")
    return slug


def _begin(unit: str, act: str, by: Viewer, token: str, **body: object) -> tuple[Unit, bool, Sent, Seen | None]:
    """Lock a crew, ask the door, and look for the first answer of the same token."""
    row = lock_unit(unit or _own(by))
    as_crew = require_crew(by, row, Kind.UNIT)
    sent = Sent(token, act, f"unit:{unit}", body)
    return row, as_crew, sent, answered_before(sent, by, Seen)


def _done(row: Unit, line: Entry, sent: Sent, by: Viewer, at: Instant) -> Seen:
    changed(row)
    append([line], at=at)
    answer = read_unit(row.slug, by)
    keep_answer(sent, by, answer, at)
    return answer


def _come_aboard(row: Unit, by: Viewer, at: Instant) -> None:
    present = Aboard.objects.select_related("unit").filter(person__username=by.username, ended_at=None).first()
    if present is not None and present.unit_id != row.pk:
        raise Conflict(f"you are on duty in {present.unit.name}: go off duty there first", key="aboard-elsewhere")
    if present is None:
        Aboard.objects.create(unit=row, person_id=signed_in(by), began_at=to_datetime(at))


def _check_on(row: Unit) -> None:
    if row.duty == DutyState.OFF:
        raise Conflict(f"{row.name} is off duty", key="off-duty")


def _check_no_mission(row: Unit) -> None:
    other = live_mission(row)
    if other is not None:
        raise Conflict(f"mission {other.pk} goes on: end it, refuse it, or be called back first", key="mission-goes-on")


def _distress(row: Unit) -> bool:
    return Distress.objects.filter(unit_id=row.pk, ended_at=None).exists()


def _check_no_distress(row: Unit) -> None:
    if _distress(row):
        raise Conflict("a distress stands: it is ended by the person who answered it", key="in-distress")

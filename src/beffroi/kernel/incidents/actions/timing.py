"""The deadlines of an incident as its row holds them, and what comes by itself: a deadline that passes, a hold that ends.

A row is judged with every act on it and, at the instant its columns name, by `pass_time`, which the worker calls each
second. What was missed stands in the row and in one line of the journal, written in one transaction: a post that stops
between two calls misses nothing and tells nothing twice (docs/decisions/0022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import Q

from beffroi.foundation.clock import SECOND, Instant, from_datetime, to_datetime
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Mark, Pause, Transfer
from beffroi.kernel.incidents.queries import deadlines
from beffroi.kernel.incidents.types import (
    DUE_CLOCKS,
    OPEN_STATES,
    TRANSFER,
    Clock,
    Deadline,
    IncidentEvent,
    IncidentState,
    Span,
    TransferState,
)
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.types import Viewer

MOST_AT_ONCE = 200
DEADLINES = Actor(ActorKind.RULE, "incident_deadlines", "Délais de la métropole")
HOLDS = Actor(ActorKind.RULE, "incident_holds", "Échéance de la mise en attente")
_COLUMNS = {
    Clock.ACKNOWLEDGED: "acknowledged_at",
    Clock.TAKEN: "taken_at",
    Clock.ENGAGED: "engaged_at",
    Clock.ON_SITE: "on_site_at",
    Clock.SAFE: "safe_at",
    Clock.RESOLVED: "resolved_at",
    Clock.CLOSED: "closed_at",
}


def pass_time(at: Instant, *, limit: int = MOST_AT_ONCE) -> int:
    """Do what is due by itself at an instant, one incident a transaction; return how many were touched.

    A deadline that passed is told once; a hold whose date came goes on; a proposal without answer ends and is told.
    """
    moment = to_datetime(at)
    due = Q(due_at__lt=moment) | Q(held_until__lte=moment) | Q(proposed_until__lte=moment)
    numbers = list(Row.objects.filter(due).order_by("id").values_list("id", flat=True)[:limit])
    for number in numbers:
        with transaction.atomic():
            row = Row.objects.select_for_update(of=("self",)).select_related("asset").filter(due, pk=number).first()
            if row is not None:
                _pass(row, at)
    return len(numbers)


def _pass(row: Row, at: Instant) -> None:
    moment = to_datetime(at)
    lines: list[Entry] = []
    if row.held_until is not None and row.held_until <= moment:
        lines.append(_resume(row, at))
    if row.proposed_until is not None and row.proposed_until <= moment:
        lines.append(_expire(row, at))
    lines += settled(row, at)
    row.version += bool(lines)
    row.save()
    append(lines, at=at)


def _resume(row: Row, at: Instant) -> Entry:
    until = row.held_until
    after = rules.next_state(IncidentState(row.state), IncidentEvent.RESUME, owned=row.owner_id is not None)
    row.state = row.state if after is None else after
    end_hold(row, at)
    line = line_of(row, "resume_incident", HOLDS, asset_code=code_of_asset(row), title=row.title)
    return replace(line, effective_at=from_datetime(until) if until else None)


def _expire(row: Row, at: Instant) -> Entry:
    asked, until = row.proposed_to, row.proposed_until
    Transfer.objects.filter(incident_id=row.pk, state=TransferState.PROPOSED).update(
        state=TransferState.EXPIRED, answered_at=to_datetime(at)
    )
    clear_proposal(row)
    if TRANSFER not in row.missed.split():
        row.missed = f"{row.missed} {TRANSFER}".strip()
    line = line_of(row, "expire_transfer", DEADLINES, asset_code=code_of_asset(row), title=row.title, to=asked)
    return replace(line, effective_at=from_datetime(until) if until else None)


def clear_proposal(row: Row) -> None:
    """Write in the row that nobody is asked to take the incident over."""
    row.proposed_to, row.proposed_until = "", None


def end_hold(row: Row, at: Instant) -> None:
    """End the hold of a row, and the pause that goes with it."""
    row.held_until, row.hold_reason = None, b""
    if row.paused:
        Pause.objects.filter(incident_id=row.pk, round=row.round, end=None).update(end=to_datetime(at))
        row.paused = False


def settled(
    row: Row,
    at: Instant,
    *,
    within: Sequence[Deadline] | None = None,
    pauses: Sequence[Span] | None = None,
) -> list[Entry]:
    """Judge a row's deadlines and write what they say in it; return the lines that tell what was missed, or taken back.

    The caller saves the row and appends the lines after its own. `within` and `pauses` spare reading them again.
    """
    table = deadlines() if within is None else within
    stops = pauses_of(row) if pauses is None else pauses
    judged = rules.judge(begin_of(row), rules.within_of(table, row.category, row.priority), clocks_of(row), stops, at)
    _write_due(row, judged)
    before, now = row.missed.split(), dict(judged.missed)
    lines = []
    for clock in (*now, *(each for each in before if each in DUE_CLOCKS and each not in now)):
        if clock in now and clock in before:
            continue
        kept = [*before, clock] if clock in now else [each for each in before if each != clock]
        before, row.missed = kept, " ".join(kept)
        verb = "miss_deadline" if clock in now else "excuse_deadline"
        line = line_of(row, verb, DEADLINES, asset_code=code_of_asset(row), title=row.title, clock=clock)
        lines.append(replace(line, effective_at=now.get(clock)))
    return lines


def _write_due(row: Row, judged: rules.Judged) -> None:
    ended = row.state not in OPEN_STATES
    due = None if ended else judged.due
    row.due_clock = due.clock if due else ""
    row.due_at = to_datetime(due.at) if due and due.at is not None else None
    row.due_left_s = int(due.left // SECOND) if due and due.at is None else None


def begin_of(row: Row) -> Instant:
    """Return when the present round of an incident began: its reception, or its reopening."""
    return from_datetime(row.round_at or row.received_at or row.opened_at)


def clocks_of(row: Row) -> dict[str, Instant]:
    """Return the clocks that stopped in the present round."""
    found: Mapping[str, object] = {clock: getattr(row, column) for clock, column in _COLUMNS.items()}
    return {str(clock): from_datetime(moment) for clock, moment in found.items() if moment is not None}  # type: ignore[arg-type]


def write_mark(
    row: Row, clock: str, moment: Instant, *, by: Viewer, at: Instant, reason: bytes = b"", corrects: bool = False
) -> None:
    """Keep who dated a clock of this round, and when."""
    Mark.objects.create(
        incident_id=row.pk,
        round=row.round,
        clock=clock,
        effective_at=to_datetime(moment),
        recorded_at=to_datetime(at),
        by_id=by.id,
        reason=reason,
        corrects=corrects,
    )


def pauses_of(row: Row) -> list[Span]:
    """Return the pauses of the present round that count."""
    return pauses_of_many([row]).get(row.pk, [])


def pauses_of_many(rows: Sequence[Row]) -> dict[int, list[Span]]:
    """Return the pauses that count of several incidents, by their number, in one statement."""
    rounds = {row.pk: row.round for row in rows if row.pk is not None}
    found: dict[int, list[Span]] = {}
    if rounds:
        for each in Pause.objects.filter(incident_id__in=rounds, corrected=False).order_by("begin", "id"):
            if rounds[each.incident_id] == each.round:
                span = Span(from_datetime(each.begin), from_datetime(each.end) if each.end else None)
                found.setdefault(each.incident_id, []).append(span)
    return found

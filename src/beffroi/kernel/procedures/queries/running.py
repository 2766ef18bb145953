"""Runs as people see them: where each stands, what was written at each step, what was told to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal.queries import lines_of_any
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import models, rules
from beffroi.kernel.procedures.types import Message, Placed, Run, RunState, RunStatus, StepState

MOST_NOTES = 500
MOST_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class RunsAsked:
    """Which runs are asked for; what is left empty does not filter. `incident` is a number."""

    incident: int | None = None
    procedure: str = ""
    running_only: bool = False


def run(number: int, seen_by: Viewer) -> Run:
    """Return a run with what was written at its steps. Raises NotFound, also for what this person may not see."""
    row = models.Run.objects.select_related("started_by").filter(pk=number).first() if 0 < number < 2**62 else None
    if row is None:
        raise NotFound(f"there is no run {number} of a procedure, or you may not see it")
    incidents.get(row.incident_id, seen_by)
    return run_of_row(row, _notes([row.pk], seen_by).get(row.pk, {}))


def runs_of_incident(number: int, seen_by: Viewer | None = None) -> tuple[Run, ...]:
    """Return the runs on an incident, those that go on first, then the newest; with their notes for a person.

    The caller has asked the door for the incident.
    """
    rows = list(models.Run.objects.select_related("started_by").filter(incident_id=number).order_by("-id"))
    notes = _notes([row.pk for row in rows], seen_by) if seen_by and rows else {}
    found = [run_of_row(row, notes.get(row.pk, {})) for row in rows]
    return tuple(sorted(found, key=lambda each: each.state.status is not RunStatus.RUNNING))


def list_running(*, seen_by: Viewer, limit: int = 200) -> tuple[Run, ...]:
    """Return the runs that go on, on incidents that this person may see, the oldest first."""
    rows = list(models.Run.objects.select_related("started_by").filter(status=RunStatus.RUNNING).order_by("id")[:limit])
    visible = {each.id for each in incidents.of_ids([row.incident_id for row in rows], seen_by=seen_by)}
    return tuple(run_of_row(row) for row in rows if row.incident_id in visible)


def list_runs(
    asked: RunsAsked, *, seen_by: Viewer, before: int | None = None, limit: int = 100
) -> tuple[tuple[Run, str], ...]:
    """Return runs with their incidents' references, the newest first: those on incidents that this person may see.

    Read on until there are as many as asked for, or no more: what a person may not see shortens no page.
    """
    found: list[tuple[Run, str]] = []
    while len(found) < limit:
        rows = list(_asked_rows(asked, before)[:limit])
        visible = {
            each.id: each.reference for each in incidents.of_ids({row.incident_id for row in rows}, seen_by=seen_by)
        }
        found += [(run_of_row(row), visible[row.incident_id]) for row in rows if row.incident_id in visible]
        if len(rows) < limit:
            break
        before = rows[-1].pk
    return tuple(found[:limit])


def _asked_rows(asked: RunsAsked, before: int | None) -> QuerySet[models.Run]:
    rows = models.Run.objects.select_related("started_by").order_by("-id")
    if asked.incident is not None:
        rows = rows.filter(incident_id=asked.incident)
    if asked.procedure:
        rows = rows.filter(code=asked.procedure)
    if asked.running_only:
        rows = rows.filter(status=RunStatus.RUNNING)
    return rows.filter(pk__lt=before) if before is not None else rows


def next_of(found: Run) -> Placed | None:
    """Return the first step of a run that waits for a person; None when none does."""
    for each in rules.placed(found.state):
        waits = each.run is not None and rules.is_standing(each.run) and each.run.state is not StepState.ASKED
        if waits and rules.is_by_hand(each.step):
            return each
    return None


def messages_for(viewer: Viewer) -> tuple[Message, ...]:
    """Return what is told to the person's post and nobody said seen, the urgent and the newest first.

    A post is told what is for it, for its desks, or for the whole room; of incidents that this person may see.
    """
    post = viewer.post
    mine = Q(to_post=post.code) | Q(to_post="", to_desk="")
    mine |= Q(to_post="", to_desk__in=post.desks) if post.desks else Q(to_post="")
    rows = list(
        models.Message.objects.select_related("seen_by")
        .filter(mine, seen_at=None)
        .order_by("-urgent", "-told_at", "-id")[:MOST_MESSAGES]
    )
    visible = (
        {each.id for each in incidents.of_ids([row.incident_id for row in rows], seen_by=viewer)} if rows else set()
    )
    return tuple(message_of(row) for row in rows if row.incident_id in visible)


def messages_of(number: int) -> tuple[Message, ...]:
    """Return what was told about an incident, the newest first. The caller has asked the door."""
    rows = models.Message.objects.select_related("seen_by").filter(incident_id=number).order_by("-id")[:MOST_MESSAGES]
    return tuple(message_of(row) for row in rows)


def run_of_row(row: models.Run, notes: Mapping[str, tuple[str, ...]] | None = None) -> Run:
    """Return a run as the other rooms see it."""
    return Run(
        id=row.pk,
        incident=row.incident_id,
        code=row.code,
        version=row.version,
        title=row.title,
        desk=row.desk,
        commune=row.commune,
        state=state_of(row),
        started_at=from_datetime(row.started_at),
        started_by=row.started_by.display_name if row.started_by else "",
        ended_at=_instant(row.ended_at),
        ended_by=row.ended_by,
        moves=row.moves,
        notes=notes or {},
    )


def state_of(row: models.Run) -> RunState:
    """Return what a run remembers."""
    return msgspec.convert(row.state, RunState)


def message_of(row: models.Message) -> Message:
    """Return a message as it is shown."""
    return Message(
        id=row.pk,
        run=row.run_id,
        step=row.step,
        incident=row.incident_id,
        to_post=row.to_post,
        to_desk=row.to_desk,
        to_name=row.to_name,
        text=row.text,
        told_at=from_datetime(row.told_at),
        wants_answer=row.wants_answer,
        urgent=row.urgent,
        seen_by=row.seen_by.display_name if row.seen_by else "",
        seen_at=_instant(row.seen_at),
    )


def _notes(numbers: Iterable[int], viewer: Viewer) -> dict[int, dict[str, tuple[str, ...]]]:
    """Return what people wrote at the steps of runs, read from the journal; erased there, it is erased here."""
    if not people.may(viewer, Verb.SEE, Kind.PERSONAL):
        return {}
    found: dict[int, dict[str, tuple[str, ...]]] = {}
    subjects = [f"run:{number}" for number in numbers]
    for line in reversed(lines_of_any(subjects, limit=MOST_NOTES, reach=people.reach_of(viewer))):
        step = line.content.get("step")
        text = (line.personal.content.get("text") if line.personal else None) or line.content.get("text")
        if isinstance(step, str) and text:
            of_run = found.setdefault(int(line.subject.partition(":")[2] or 0), {})
            of_run[step] = (*of_run.get(step, ()), str(text))
    return found


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)

"""Saying that a message of the post is seen."""

from __future__ import annotations

from django.db import transaction

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.lines import line_of
from beffroi.kernel.procedures.actions.recording import doer_of, hold, write
from beffroi.kernel.procedures.actions.telling import hour_of
from beffroi.kernel.procedures.types import Message, Notification, StepState


def acknowledge_message(number: int, *, by: Viewer, at: Instant, token: str = "") -> Message:
    """Say that a message is seen, for everyone at its post; a step that waits for it goes on. Journalled.

    With a token, who said it already is answered the same. Raises NotFound, Forbidden for who may not run procedures
    there, Conflict naming who said it first.
    """
    with transaction.atomic():
        found = models.Message.objects.filter(pk=number).values_list("run_id", flat=True).first()
        if found is None:
            raise NotFound(f"there is no message {number}")
        held = hold(found, at)
        row = models.Message.objects.select_for_update(of=("self",)).select_related("seen_by").get(pk=number)
        incidents.get(row.incident_id, by)
        _require(row, held.incident, by)
        if row.seen_at is not None and token and row.seen_by_id == by.id:
            return queries.message_of(row)
        if row.seen_at is not None:
            who = row.seen_by.display_name if row.seen_by else "somebody"
            raise Conflict(
                f"this message was seen by {who} at {hour_of(from_datetime(row.seen_at))}", key="already-seen"
            )
        row.seen_by_id, row.seen_at = by.id, to_datetime(at)
        row.save()
        placed = rules.step_named(held.state, row.step)
        opened_at = held.incident.opened_at
        line = line_of(held.row, "acknowledge_message", by.actor, opened_at=opened_at, step=row.step, placed=placed)
        waits = placed is not None and placed.run is not None and placed.run.state is StepState.ASKED
        if placed is not None and waits and isinstance(placed.step, Notification):
            moved = rules.confirm(held.state, row.step, by=doer_of(by), given=held.given, now=at, noted=True)
            write(held, moved, "seen", [line], by=by, at=at, step=row.step)
        else:
            append([line], at=at)
        return queries.message_of(models.Message.objects.select_related("seen_by").get(pk=number))


def _require(row: models.Message, incident: Incident, by: Viewer) -> None:
    desks = dict.fromkeys([row.to_desk, *by.post.desks, incident.desk, ""] if row.to_desk else [incident.desk, ""])
    if not any(people.may(by, Verb.RUN, Kind.PROCEDURE, desk=desk, commune=incident.commune) for desk in desks):
        raise Forbidden("you may not answer for this post: no clearance in force gives it")

"""The journal line about a run: about the run itself, related to the incident, whose thread then tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents.rules import case_of, reference_of
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.procedures import models
from beffroi.kernel.procedures.types import OUTBOX, Placed

ROOM = "procedures"


def rule_of(row: models.Run) -> Actor:
    """Return the procedure as the journal names it when it acts by itself."""
    return Actor(ActorKind.RULE, f"procedure:{row.code}", row.title)


def contact_line(incident: Incident, verb: str, actor: Actor) -> Entry:
    """Return the line that tells that an address was left or forgotten; the address itself is told nowhere."""
    content = {"reference": incident.reference, "desk": incident.desk, "commune": incident.commune}
    return Entry(actor, ROOM, verb, f"incident:{incident.id}", content=content)


ANSWERS = Actor(ActorKind.RULE, "answer_teller", "Réponse à qui a signalé")
"""Who writes to whoever told an incident once it is over."""


def letter_line(
    row: models.Letter, verb: str, *, opened_at: Instant, actor: Actor | None = None, **content: Any
) -> Entry:
    """Return a line about a letter: about the run that wrote it, else about the incident that it answers for."""
    if row.run is not None:
        who = actor or rule_of(row.run)
        line = line_of(row.run, verb, who, opened_at=opened_at, step=row.step, to_name=row.to_name, **content)
        return replace(line, related=(*line.related, OUTBOX))
    told = {"reference": reference_of(row.incident_id, opened_at), "to_name": row.to_name, **content}
    return Entry(actor or ANSWERS, ROOM, verb, f"incident:{row.incident_id}", (OUTBOX,), told)


def line_of(
    row: models.Run,
    verb: str,
    actor: Actor,
    *,
    opened_at: Instant,
    step: str = "",
    placed: Placed | None = None,
    reason: str = "",
    text: str = "",
    effective_at: Instant | None = None,
    **content: object,
) -> Entry:
    """Return a line about a run. `text` is what a person wrote: it is encrypted with the key of the incident's case."""
    told = {
        "reference": reference_of(row.incident_id, opened_at),
        "title": row.title,
        "version": row.version,
        "desk": row.desk,
        "commune": row.commune,
        **_step(step, placed),
        **content,
    }
    return Entry(
        actor,
        ROOM,
        verb,
        f"run:{row.pk}",
        (f"incident:{row.incident_id}", f"procedure:{row.code}"),
        told,
        reason=reason,
        effective_at=effective_at,
        about=case_of(row.incident_id) if text else "",
        personal={"text": text} if text else {},
    )


def _step(key: str, placed: Placed | None) -> dict[str, str]:
    """Return which step a line is about: its key, and its title as people read it."""
    named = placed.key if placed else key
    return ({"step": named} if named else {}) | ({"step_title": placed.step.title} if placed else {})

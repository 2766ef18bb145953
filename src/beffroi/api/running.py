"""How a run is answered: its steps where they stand, with what proves them, and what it told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beffroi.api import shapes
from beffroi.api.paging import write_instant
from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Evidence, Incident
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries, rules
from beffroi.kernel.procedures.types import Call, Checklist, Letter, Message, Parallel, Placed, Question, Run


def shape_of_run(run: Run, reference: str) -> shapes.Run:
    """Return a run as lists answer it."""
    return shapes.Run(**_fields(run, reference))


def shape_with_steps(run: Run, seen_by: Viewer) -> shapes.RunDetail:
    """Return a run with its steps, for a person who may see its incident."""
    incident = incidents.get(run.incident, seen_by)
    pictures = incidents.evidence_of(incident.id) if _reads(seen_by, incident) else ()
    return shapes.RunDetail(
        **_fields(run, incident.reference),
        items=[_step(run, each, pictures) for each in rules.placed(run.state)],
        messages=[shape_of_message(each) for each in queries.messages_of(incident.id) if each.run == run.id],
        letters=[_letter(each) for each in queries.letters_of(incident.id) if each.run == run.id],
    )


def shape_of_message(message: Message) -> shapes.Message:
    """Return a message as the API answers it."""
    return shapes.Message(
        id=message.id,
        run=message.run,
        incident=message.incident,
        step=message.step,
        to=message.to_name,
        text=message.text,
        told_at=write_instant(message.told_at) or "",
        wants_answer=message.wants_answer,
        urgent=message.urgent,
        seen_by=message.seen_by,
        seen_at=write_instant(message.seen_at),
    )


def _fields(run: Run, reference: str) -> dict[str, Any]:
    leaves = [each for each in rules.placed(run.state) if not isinstance(each.step, Parallel | Call)]
    reached = [each.run for each in leaves if each.run is not None]
    standing = [each for each in reached if rules.is_standing(each)]
    return {
        "id": run.id,
        "incident": run.incident,
        "reference": reference,
        "procedure": run.code,
        "version": run.version,
        "title": run.title,
        "desk": run.desk,
        "state": str(run.state.status),
        "steps_done": len(reached) - len(standing),
        "steps": len(leaves),
        "late": sum(each.late for each in standing),
        "started_at": write_instant(run.started_at) or "",
        "started_by": run.started_by,
        "ended_at": write_instant(run.ended_at),
        "ended_by": run.ended_by,
    }


def _step(run: Run, placed: Placed, pictures: Sequence[Evidence]) -> shapes.RunStep:
    step, known = placed.step, placed.run
    kind, _, name = (known.reference if known else "").partition(":")
    answers = step.answers if isinstance(step, Question) else ()
    items = step.items if isinstance(step, Checklist) else ()
    ticked = known.ticked if known else ()
    return shapes.RunStep(
        step=placed.key,
        kind=str(step.__struct_config__.tag),
        title=step.title,
        text=step.text,
        role=placed.role.title,
        desk=placed.role.desk,
        depth=placed.depth,
        lane=placed.lane,
        state=str(known.state) if known else None,
        standing=known is not None and rules.is_standing(known),
        opened_at=_reached(known.opened_at if known else 0),
        due_at=_reached(known.due_at if known else 0),
        late=bool(known and known.late),
        escalated=bool(known and known.escalated),
        waits_until=_reached(known.wake_at if known else 0),
        ended_at=_reached(known.ended_at if known else 0),
        by=known.by_name if known else "",
        answer=known.answer if known and answers else "",
        answers=[shapes.ProcedureAnswer(each.value, each.label) for each in answers],
        items=[shapes.RunItem(text, place in ticked) for place, text in enumerate(items)],
        wants=str(step.evidence),
        notes=list(run.notes.get(placed.key, ())),
        pictures=[str(each.id) for each in queries.of_step(pictures, run.id, placed)]
        if step.evidence == "picture"
        else [],
        command=name if kind == "command" else None,
        group=name if kind == "group" else None,
        mission=int(kind) if kind.isdigit() else None,
        attempts=known.attempts if known else 0,
    )


def _letter(letter: Letter) -> shapes.RunLetter:
    return shapes.RunLetter(
        id=letter.id,
        step=letter.step,
        to=letter.to_name,
        state=str(letter.state),
        written_at=write_instant(letter.written_at) or "",
        ended_at=write_instant(letter.ended_at),
        reason=letter.reason,
    )


def _reads(viewer: Viewer, incident: Incident) -> bool:
    desks = (incident.desk, *incident.associated)
    return any(people.may(viewer, Verb.SEE, Kind.PERSONAL, desk=desk, commune=incident.commune) for desk in desks)


def _reached(at: Instant) -> str | None:
    """Return an instant of a step; 0 is never."""
    return write_instant(at) if at else None

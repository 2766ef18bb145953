"""Messages inside the post: a line told to a post or a desk, shown until somebody says seen."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.settings import settings
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.people import queries as people
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.mailing import write_letters
from beffroi.kernel.procedures.types import Notification, Placed, RoleOf

TELLER = "déclarant"
"""How a letter's line names whoever told the incident: never by name."""


def tell_step(row: models.Run, incident: Incident, placed: Placed, at: Instant) -> list[str]:
    """Write the messages and the letters of a notification step; return to whom, by name, each once."""
    step = placed.step
    assert isinstance(step, Notification)
    text = rules.filled(step.message, facts_of(incident, at))
    roles = {role.code: role for lane in queries.state_of(row).lanes for role in lane.roles}
    told: list[models.Message] = []
    letters: list[tuple[str, str]] = []
    for recipient in step.to:
        if recipient.mail or recipient.teller:
            address = recipient.mail or queries.address_left(incident.id)
            letters += [(recipient.mail or TELLER, address)] if address else []
            continue
        role = roles.get(recipient.role, placed.role if recipient.role else RoleOf("", ""))
        post, desk = recipient.post or role.post, recipient.desk or role.desk
        wants = {"wants_answer": step.acknowledged}
        told.append(
            _message(row, incident, placed.key, post=post, desk=desk, name=role.title, text=text, at=at, **wants)
        )
    models.Message.objects.bulk_create(told)
    write_letters(row, incident, placed.key, letters, text, at)
    return list(dict.fromkeys([*(message.to_name for message in told), *(name for name, _address in letters)]))


def tell_late(row: models.Run, incident: Incident, placed: Placed, to: str, at: Instant) -> models.Message:
    """Tell a role that a step is late; it is urgent, and asks to be seen."""
    roles = {role.code: role for lane in queries.state_of(row).lanes for role in lane.roles}
    role = roles.get(to, placed.role)
    text = f"{incident.reference} – {row.title} : « {placed.step.title or placed.key} » en retard ({placed.role.title})"
    message = _message(
        row, incident, placed.key, post=role.post, desk=role.desk, name=role.title, text=text, at=at, urgent=True
    )
    message.save()
    return message


def facts_of(incident: Incident, at: Instant) -> dict[str, str]:
    """Return what a message may name of an incident."""
    return {
        "reference": incident.reference,
        "title": incident.title,
        "place": incident.place,
        "commune": incident.commune,
        "priority": str(incident.priority),
        "time": hour_of(at),
    }


def _message(
    row: models.Run,
    incident: Incident,
    step: str,
    *,
    post: str,
    desk: str,
    name: str,
    text: str,
    at: Instant,
    wants_answer: bool = False,
    urgent: bool = False,
) -> models.Message:
    titles = {each.code: each.title for each in people.posts()}
    return models.Message(
        run=row,
        step=step,
        incident_id=incident.id,
        to_post=post if post in titles else "",
        to_desk=desk,
        to_name=(titles.get(post, "") or name or desk or "salle")[:120],
        text=text,
        told_at=to_datetime(at),
        wants_answer=wants_answer,
        urgent=urgent,
    )


def hour_of(at: Instant) -> str:
    """Return the hour of an instant as people of the post read it."""
    return f"{to_datetime(at).astimezone(ZoneInfo(settings().timezone)):%H:%M:%S}"

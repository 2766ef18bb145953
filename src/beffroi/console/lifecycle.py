"""What a row and a panel show of the life of an incident: its clocks, its deadlines, the desks, and the acts that lead it."""

from __future__ import annotations

from typing import Any

from beffroi.console import words
from beffroi.console.pictures import Detail
from beffroi.kernel.incidents.types import TOLD_CLOCKS, Clock, Incident, IncidentState
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

_MAY_WAIT = (IncidentState.QUALIFIED, IncidentState.REOPENED, IncidentState.ASSIGNED, IncidentState.IN_PROGRESS)
_LED = (IncidentState.ASSIGNED, IncidentState.IN_PROGRESS, IncidentState.ON_HOLD)


def comes_before(incident: Incident, viewer: Viewer) -> bool:
    """Tell whether an incident comes before the post where this person sits."""
    desks = (incident.desk, *incident.associated, incident.proposed_to)
    return any(viewer.post.answers_for(desk) for desk in desks if desk)


def is_asked(incident: Incident, viewer: Viewer) -> bool:
    """Tell whether it is this person's desk, at the post where they sit, that is asked to take it over."""
    desk = incident.proposed_to
    if not desk or desk not in words.DESKS or not viewer.post.answers_for(desk):
        return False
    return people.may(viewer, Verb.TRANSFER, Kind.INCIDENT, desk=desk, commune=incident.commune)


def shown(detail: Detail, viewer: Viewer) -> dict[str, Any]:
    """Return what the panel shows of clocks, deadlines, pauses and desks, and the acts that lead an incident."""
    incident = detail.incident
    marked = {mark.clock: mark for mark in detail.marks}
    clocks = [
        {
            "name": str(name),
            "at": at,
            "by": marked[name].by if name in marked else by,
            "late": name in incident.missed,
            "corrected": name in marked and marked[name].corrects,
        }
        for name, at, by in _clocks(incident)
    ]
    led = incident.state in _LED
    known = {body.code: body for body in detail.bodies}
    asked = known.get(incident.proposed_to)
    return {
        "clocks": clocks,
        "correctable": [clock for clock in clocks if clock["at"] and clock["name"] != "closed"],
        "next_mark": next((name for name in TOLD_CLOCKS if getattr(incident, f"{name}_at") is None), "") if led else "",
        "left": words.duration(max(60, (incident.due_left_s or 0) // 60 * 60))
        if incident.due_left_s is not None
        else "",
        "pauses": detail.pauses,
        "transfers": [(each, words.body_words(each.to, each.to_name)) for each in detail.transfers],
        "desks": [
            body for body in detail.bodies if body.inside and body.code not in (incident.desk, *incident.associated)
        ],
        "outside": [body for body in detail.bodies if not body.inside],
        "asked": is_asked(incident, viewer),
        "asked_outside": asked is not None and not asked.inside,
        "proposed_to": words.body_words(incident.proposed_to, incident.proposed_name),
        "transferred_to": words.body_words(incident.transferred_to, incident.transferred_name),
        "reach": asked.reach if asked else "",
        "takers": [each for each in detail.people if each[0] != incident.owner],
        "may_hold": incident.state in _MAY_WAIT,
    }


def _clocks(incident: Incident) -> list[tuple[Clock, int | None, str]]:
    return [
        (Clock.RECEIVED, incident.received_at, ""),
        (Clock.ACKNOWLEDGED, incident.acknowledged_at, incident.acknowledged_by),
        (Clock.TAKEN, incident.taken_at, incident.owner_name if incident.taken_at else ""),
        (Clock.ENGAGED, incident.engaged_at, ""),
        (Clock.ON_SITE, incident.on_site_at, ""),
        (Clock.SAFE, incident.safe_at, ""),
        (Clock.RESOLVED, incident.resolved_at, ""),
        (Clock.CLOSED, incident.closed_at, incident.closed_by),
    ]

"""What a crew's phone is told, whole: the person, their crew, its missions, a distress that stands, what may be signalled.

The phone keeps it, and shows it when there is no network. It holds nothing of other crews, nor of the queue.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_lazy as _

from beffroi.console import words
from beffroi.console.pictures import place_words
from beffroi.console.told_crews import OUTCOMES, UNAVAILABLE
from beffroi.foundation.clock import Instant
from beffroi.foundation.settings import settings
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.dispatch.types import Distress, DutyState, Mission, Unit
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import queries as procedures

MISSIONS: words.Words = {
    "proposed": _("proposée"),
    "accepted": _("acceptée"),
    "refused": _("refusée"),
    "en_route": _("en route"),
    "on_site": _("sur place"),
    "done": _("terminée"),
    "cancelled": _("annulée"),
}
STATUSES: words.Words = {
    "off_duty": _("hors service"),
    "available": _("disponible"),
    "alerted": _("mission proposée"),
    "en_route": _("en route"),
    "on_site": _("sur place"),
    "break": _("en pause"),
    "unavailable": _("indisponible"),
    "distress": _("détresse"),
}


def day_of(viewer: Viewer, at: Instant) -> dict[str, Any]:
    """Return all that a phone shows, in the words of the language in force. Instants in microseconds."""
    unit = dispatch.unit_of_person(viewer)
    standing = dispatch.distress_of_unit(unit.slug) if unit is not None and unit.distress else None
    return {
        "at": at,
        "person": {"username": viewer.username, "name": viewer.display_name},
        "unit": _unit(unit) if unit is not None else None,
        "missions": [_mission(each) for each in dispatch.missions_of_person(viewer.username, at=at)],
        "distress": _distress(standing) if standing is not None else None,
        "categories": [{"code": each.code, "title": each.title} for each in incidents.categories()],
        "phone": settings().crew_phone,
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "slug": unit.slug,
        "name": unit.name,
        "callsign": unit.callsign,
        "status": str(unit.status),
        "said": words.told(STATUSES, str(unit.status)),
        "reason": words.told(UNAVAILABLE, unit.reason) if unit.duty is DutyState.UNAVAILABLE else "",
        "duty": str(unit.duty),
        "duty_until": unit.duty_until,
        "shares": unit.shares,
        "headcount": unit.headcount,
        "alone": unit.alone,
        "vehicle": str(unit.vehicle),
        "version": unit.version,
    }


def _mission(mission: Mission) -> dict[str, Any]:
    pictures = [str(each.kind) for each in incidents.evidence_of_mission(mission.number)]
    return {
        "number": mission.number,
        "reference": mission.reference,
        "state": str(mission.state),
        "said": words.told(MISSIONS, str(mission.state)),
        "live": mission.live,
        "priority": mission.priority,
        "title": mission.title,
        "where": place_words(mission.address, mission.commune),
        "lon": mission.lon,
        "lat": mission.lat,
        "instructions": mission.instructions,
        "hazards": mission.hazards,
        "checklist": [asdict(item) for item in mission.checklist],
        "proposed_at": mission.proposed_at,
        "proposed_name": mission.proposed_name,
        "ended_at": mission.ended_at,
        "reason": mission.reason,
        "outcome": words.told(OUTCOMES, mission.outcome) if mission.outcome else "",
        "last_by": mission.last_by,
        "last_at": mission.last_at,
        "travel_s": mission.travel_s,
        "sign_due": mission.due_at if mission.state == "on_site" else None,
        "pictures": {kind: pictures.count(kind) for kind in ("before", "after", "other")},
        "steps": _steps(mission),
        "version": mission.version,
    }


def _steps(mission: Mission) -> list[dict[str, Any]]:
    """Return the steps of procedures for which a picture is wanted where the crew goes."""
    wanted = procedures.steps_to_picture(mission.incident) if mission.live else ()
    return [{"name": each.name, "title": each.title, "taken": each.taken} for each in wanted]


def _distress(distress: Distress) -> dict[str, Any]:
    return {"id": distress.id, "raised_at": distress.raised_at, "answered_name": distress.answered_name}

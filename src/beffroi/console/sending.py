"""What an incident's panel shows of crews: those sent for it, and those that may be sent, the first to think of first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.console.told_crews import OUTCOMES, SILENCES, UNAVAILABLE
from beffroi.foundation import clock
from beffroi.kernel.dispatch import queries
from beffroi.kernel.dispatch.rules import sentence
from beffroi.kernel.dispatch.types import (
    Candidate,
    CrewsOut,
    Distress,
    DutyState,
    Mission,
    MissionState,
    Outcome,
    Point,
    Unit,
    UnitStatus,
)
from beffroi.kernel.incidents.types import OPEN_STATES, Incident
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

OFFERED = 6
"""Crews offered at once: who is further down is found on the page of crews."""

SHOWN = 12
"""Missions of an incident shown at once, the live ones first."""

MISSION_STATES: Mapping[str, object] = {
    MissionState.PROPOSED: _("proposée"),
    MissionState.ACCEPTED: _("acceptée"),
    MissionState.REFUSED: _("refusée"),
    MissionState.EN_ROUTE: _("en route"),
    MissionState.ON_SITE: _("sur place"),
    MissionState.DONE: _("terminée"),
    MissionState.CANCELLED: _("rappelée"),
}
STATUSES: Mapping[str, object] = {
    UnitStatus.OFF_DUTY: _("hors service"),
    UnitStatus.AVAILABLE: _("disponible"),
    UnitStatus.ALERTED: _("alerté"),
    UnitStatus.EN_ROUTE: _("en route"),
    UnitStatus.ON_SITE: _("sur place"),
    UnitStatus.BREAK: _("en pause"),
    UnitStatus.UNAVAILABLE: _("indisponible"),
    UnitStatus.DISTRESS: _("en détresse"),
}
STEPS: Mapping[str, tuple[str, object]] = {
    MissionState.PROPOSED: ("accept", _("Accepte (radio)")),
    MissionState.ACCEPTED: ("depart", _("En route (radio)")),
    MissionState.EN_ROUTE: ("arrive", _("Sur place (radio)")),
    MissionState.ON_SITE: ("safe", _("En sécurité (radio)")),
}
"""The step that comes next, as a crew says it by radio."""

REASONS = (
    _("à %(minutes)d min par les rues"),
    _("à %(minutes)d min environ, en ligne droite"),
    _("par une rue fermée à la circulation"),
    _("compté depuis son point d’attache"),
    _("position approchée, pendant la pause"),
    _("position vieille de %(minutes)d min, comptés en plus"),
    _("sans %(skills)s"),
    _("de service depuis %(hours)d h"),
    _("disponible"),
    _("en pause"),
    _("déjà alerté"),
    _("déjà en route ailleurs"),
    _("déjà sur place ailleurs"),
    _("indisponible"),
    _("en détresse"),
)
"""The parts of a crew's sentence (kernel/dispatch/rules/nearest.py), named here for the catalogues."""


def missions_of(incident: Incident, viewer: Viewer) -> tuple[Mission, ...]:
    """Return the missions for an incident that this person may see, the live ones first."""
    found = queries.missions_of_incident(incident.id, seen_by=viewer)
    return tuple(sorted(found, key=lambda each: (not each.live, -each.number)))[:SHOWN]


def candidates_for(incident: Incident, viewer: Viewer) -> tuple[Candidate, ...]:
    """Return the crews that this person may send for an incident that is open."""
    if incident.state not in OPEN_STATES or not people.may(viewer, Verb.PROPOSE, Kind.MISSION):
        return ()
    card = queries.card_of(incident.category)
    place = Point(incident.lon, incident.lat)
    return queries.nearest(place, skills=card.skills, seen_by=viewer, at=clock.now(), limit=OFFERED)


def context(incident: Incident, missions: Iterable[Mission], viewer: Viewer) -> dict[str, Any]:
    """Return what the panel's parts about crews show, in the language in force.

    Not who is nearest: that is reckoned along the streets, and asked for by who opens it (`render_offers`).
    """
    open_now = incident.state in OPEN_STATES
    return {
        "missions": [_shown(each, viewer) for each in missions],
        "may_engage": open_now and people.may(viewer, Verb.PROPOSE, Kind.MISSION),
        "outcomes": [(str(each), str(OUTCOMES[each])) for each in Outcome],
    }


def render_offers(incident: Incident, viewer: Viewer) -> SafeString:
    """Draw the crews that may be sent for an incident, the first to think of first, and the form that sends one."""
    candidates = candidates_for(incident, viewer)
    with translation.override(viewer.language):
        offered = [_offer(each) for each in candidates]
        told = {
            "incident": incident,
            "offered": offered,
            "first_offer": next((each["slug"] for each in offered if each["free"]), ""),
            "closed": incident.state not in OPEN_STATES,
        }
        return SafeString(render_to_string("console/incident_crews.html", told).strip())


def status_words(status: str) -> str:
    """Return what a crew is doing, in the language in force."""
    return str(STATUSES.get(status, status))


def unavailable_words(unit: Unit) -> str:
    """Return why a crew cannot be sent for now, in the language in force; nothing for one that can."""
    return str(UNAVAILABLE.get(unit.reason, "")) if unit.duty is DutyState.UNAVAILABLE else ""


def silence_words(silent: str) -> str:
    """Return what a crew did not do in its time, in the language in force; nothing for nothing."""
    return str(SILENCES.get(silent, ""))


def crews_words(out: CrewsOut) -> str:
    """Return how many crews are out for an incident, as its row says it."""
    if out.count == 1:
        return gettext("1 équipage")
    return gettext("%(n)s équipages") % {"n": out.count}


def _offer(candidate: Candidate) -> dict[str, Any]:
    unit = candidate.unit
    reason = sentence(candidate, queries.skills(), gettext)
    minutes = max(1, round(candidate.travel_s / 60))
    return {
        "slug": unit.slug,
        "name": unit.name,
        "callsign": unit.callsign,
        "minutes": minutes,
        "travel_s": candidate.travel_s,
        "reason": reason,
        "free": candidate.free,
        "headcount": unit.headcount,
        "alone": unit.alone,
    }


def _shown(mission: Mission, viewer: Viewer) -> dict[str, Any]:
    step = STEPS.get(mission.state)
    may = people.may(viewer, Verb.MARK, Kind.MISSION, desk=mission.desk)
    return {
        "it": mission,
        "state": str(MISSION_STATES[mission.state]),
        "outcome": str(OUTCOMES.get(mission.outcome, "")),
        "silent": str(SILENCES.get(mission.silent, "")) if mission.live else "",
        "step": step[0] if step and may and not (step[0] == "safe" and mission.safe_at) else "",
        "step_words": str(step[1]) if step else "",
        "may_finish": may and mission.live and mission.state != MissionState.PROPOSED,
        "may_open_track": mission.accepted_at is not None
        and people.may(viewer, Verb.OPEN, Kind.POSITION, desk=mission.desk),
        "may_cancel": mission.live and people.may(viewer, Verb.CANCEL, Kind.MISSION, desk=mission.desk),
        "times": [
            (str(label), at)
            for label, at in (
                (_("proposée"), mission.proposed_at),
                (_("acceptée"), mission.accepted_at),
                (_("en route"), mission.departed_at),
                (_("sur place"), mission.arrived_at),
                (_("en sécurité"), mission.safe_at),
                (_("fin"), mission.ended_at),
            )
            if at is not None
        ],
    }


def _where(distress: Distress) -> str:
    """Return where somebody is, as it is said by radio: the address, else the degrees."""
    named = ", ".join(part for part in (distress.place, distress.commune) if part)
    if named or distress.lon is None or distress.lat is None:
        return named
    return f"{distress.lat:.5f}, {distress.lon:.5f}"


def render_distress(viewer: Viewer) -> SafeString:
    """Draw the distresses that stand, above every page of who may hear them; an empty place where there is none."""
    found = queries.standing_distresses(seen_by=viewer)
    with translation.override(viewer.language):
        told = [
            {
                "it": each,
                "may_answer": each.answered_at is None
                and people.may(viewer, Verb.ACKNOWLEDGE, Kind.DISTRESS, desk=each.desk),
                "may_end": each.answered_at is not None
                and people.may(viewer, Verb.CLOSE, Kind.DISTRESS, desk=each.desk),
                "where": _where(each),
            }
            for each in found
        ]
        return SafeString(render_to_string("console/distress.html", {"distresses": told}).strip())

"""What branches and waits may know of an incident, read when a run moves."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.procedures.queries.mailing import has_address
from beffroi.kernel.procedures.types import Given, Until
from beffroi.kernel.twin import queries as twin

NIGHT_BEGINS_H, NIGHT_ENDS_H = 21, 6
"""Night as procedures mean it, in the post's local hours: the crews of the day are home, and a dark street is dark."""


def incidents_known(numbers: Iterable[int]) -> dict[int, Incident]:
    """Return incidents by their number, for the room's own work: the caller asks the door."""
    return incidents.known(numbers)


def given_of(number: int, at: Instant) -> Given:
    """Return what is known of an incident at an instant. Raises NotFound."""
    found = incidents_known([number]).get(number)
    if found is None:
        raise NotFound(f"there is no incident {number}")
    return given_from(found, at)


def given_from(incident: Incident, at: Instant) -> Given:
    """Return what is known of an incident that was just read."""
    standing = alarms.of_ids(incident.alarm_ids)
    asset = twin.assets_by_id([incident.asset_id]).get(incident.asset_id) if incident.asset_id else None
    hour = to_datetime(at).astimezone(ZoneInfo(settings().timezone)).hour
    codes = {alarm.definition.code for alarm in standing}
    return Given(
        category=incident.category,
        alarms=tuple(sorted(codes)),
        priority=incident.priority,
        desk=incident.desk,
        asset_class=asset.asset_class if asset else "",
        commune=incident.commune,
        night=hour >= NIGHT_BEGINS_H or hour < NIGHT_ENDS_H,
        teller=has_address(incident.id),
        reached=_reached(incident),
    )


def _reached(incident: Incident) -> tuple[str, ...]:
    clocks = {
        Until.ENGAGED: incident.engaged_at,
        Until.ON_SITE: incident.on_site_at,
        Until.SAFE: incident.safe_at,
        Until.RESOLVED: incident.resolved_at,
    }
    reached = [str(until) for until, at in clocks.items() if at is not None]
    if incident.alarm_ids and not alarms.active_among(incident.alarm_ids):
        reached.append(str(Until.ALARMS_RETURNED))
    return tuple(reached)

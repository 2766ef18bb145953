"""Incidents under lock, several at once, in the order of the house: alarms, openings on equipment, incidents, journal.

Whoever moves alarms from one incident to another holds the alarms too: an engine that moves one of them waits, and then
reads in which incident it is. It holds the openings on their equipment as well, so that no incident opens beside.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.actions import lock_alarms
from beffroi.kernel.incidents.models import Incident, IncidentAlarm

OPENING_LOCK = (
    0x696E6369  # "inci": with an asset's place among these, the advisory lock of whoever opens an incident on it
)
OPENING_PLACES = 512
"""A whole city may fall dark in one transaction: so many locks at most, which neighbours in number share."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Held:
    """Incidents under lock, and the numbers of the alarms that each holds, under lock too."""

    rows: dict[int, Incident]
    alarms: dict[int, list[int]]

    def of(self, number: int) -> Incident:
        """Return one of them."""
        return self.rows[number]


def lock_openings(asset_ids: Collection[int]) -> None:
    """Wait until nobody else opens an incident on this equipment; nobody will until this transaction ends."""
    places = sorted({asset % OPENING_PLACES for asset in asset_ids})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, a) FROM unnest(%s::int[]) AS a", [OPENING_LOCK, places])


def hold_openings(asset_id: int) -> list[int]:
    """Lock a piece of equipment's openings with the alarms that stand there in no incident; return these alarms.

    Raises Conflict when alarms are raised there without rest.
    """
    for _ in range(ATTEMPTS):
        point = transaction.savepoint()
        before = _alone_on(asset_id)
        if before:
            lock_alarms(before)
        lock_openings([asset_id])
        after = _alone_on(asset_id)
        if set(after) <= set(before):
            transaction.savepoint_commit(point)
            return after
        transaction.savepoint_rollback(point)
    raise Conflict("alarms are raised on this equipment at this very moment: try again", key="changing")


def _alone_on(asset_id: int) -> list[int]:
    standing = alarms.active_on(asset_id)
    gathered = set(IncidentAlarm.objects.filter(alarm_id__in=standing).values_list("alarm_id", flat=True))
    return [alarm for alarm in standing if alarm not in gathered]


def hold(*numbers: int) -> Held:
    """Lock these incidents with all that they hold. Raises NotFound, and Conflict when alarms join them without rest."""
    for _ in range(ATTEMPTS):
        point = transaction.savepoint()
        held = _hold(sorted(set(numbers)))
        if held is not None:
            transaction.savepoint_commit(point)
            return held
        transaction.savepoint_rollback(point)
    raise Conflict("alarms are joining this incident at this very moment: try again", key="changing")


def _hold(numbers: Sequence[int]) -> Held | None:
    """Lock, then look again: None when an alarm joined between the two, or equipment changed."""
    before = _alarms_of(numbers)
    if before:
        lock_alarms(before)
    assets = set(Incident.objects.filter(pk__in=numbers, asset__isnull=False).values_list("asset_id", flat=True))
    lock_openings({asset for asset in assets if asset is not None})
    list(Incident.objects.select_for_update().filter(pk__in=numbers).order_by("id").values_list("id"))
    people = Incident.objects.select_related("asset", "owner", "acknowledged_by", "closed_by", "duplicate_of")
    rows = {row.pk: row for row in people.filter(pk__in=numbers)}
    missing = [number for number in numbers if number not in rows]
    if missing:
        raise NotFound(f"there is no incident {missing[0]}")
    links = IncidentAlarm.objects.filter(incident_id__in=numbers).order_by("alarm_id")
    held: dict[int, list[int]] = {number: [] for number in numbers}
    for incident, alarm in links.values_list("incident_id", "alarm_id"):
        held[incident].append(alarm)
    if {alarm for each in held.values() for alarm in each} - set(before):
        return None
    return Held(rows, held)


def _alarms_of(numbers: Sequence[int]) -> list[int]:
    links = IncidentAlarm.objects.filter(incident_id__in=numbers).order_by("alarm_id")
    return list(links.values_list("alarm_id", flat=True))

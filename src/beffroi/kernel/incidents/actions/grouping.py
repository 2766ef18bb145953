"""Acknowledging a group by one act: what a person saw together is acknowledged together, and told in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms.actions import acknowledge_alarms, lock_alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.lines import ROOM, changes_of
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import IncidentAlarm
from beffroi.kernel.incidents.rules import CHANGES
from beffroi.kernel.incidents.types import IncidentEvent, IncidentState
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people.queries import may
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin

MOST = 2_000
OLDEST_PICTURE = 20_000
"""Lines of the journal after which a picture is too old to act upon as a whole."""


@dataclass(frozen=True, slots=True)
class Together:
    """What one act acknowledged, by name in the journal, and what it left alone since it had changed meanwhile."""

    acknowledged: tuple[str, ...]
    changed: tuple[str, ...]


def acknowledge_group(
    names: Iterable[str], *, title: str, seen_at_seq: int, by: Viewer, at: Instant, content: Mapping[str, object]
) -> Together:
    """Acknowledge the incidents and alarms (`incident:42`, `alarm:7`) that a person saw together. One journal line.

    `seen_at_seq` is the journal's number at which they were seen: what the journal tells of since then is left alone and
    named in the answer, as is what this person may not acknowledge. Raises Conflict when nothing could be acknowledged
    or the picture is too old, Refused for more than 2,000 things.
    """
    wanted = sorted(set(names))
    if len(wanted) > MOST:
        raise Refused(f"{len(wanted)} things at once; acknowledge at most {MOST}")
    numbers = {kind: {int(n.partition(":")[2]) for n in wanted if n.startswith(kind)} for kind in ("incident", "alarm")}
    with transaction.atomic():
        group = _Locked(numbers["incident"], numbers["alarm"])
        last = journal.last_seq()
        if last - seen_at_seq > OLDEST_PICTURE:
            raise Conflict("the picture is too old: look again before you act on all of it", key="picture-too-old")
        changed = set(journal.subjects_changed(seen_at_seq, last)) & set(wanted)
        done = group.acknowledge(changed, by, at)
        if not done:
            raise Conflict("nothing of it is still to be acknowledged: look again", key="group-changed")
        told = {"title": title, **content, "count": len(done), "left": sorted(changed), CHANGES: group.changes}
        related = (*done, *sorted(group.alarm_names - set(done)), *group.asset_names)
        append([Entry(by.actor, ROOM, "acknowledge_group", f"group:{content['key']}", related, told)], at=at)
    return Together(tuple(done), tuple(sorted(changed)))


class _Locked:
    """Alarms, then incidents, under lock, both by number."""

    def __init__(self, incident_ids: set[int], alarm_ids: set[int]) -> None:
        links = IncidentAlarm.objects.filter(incident_id__in=incident_ids).values_list("incident_id", "alarm_id")
        self.of_incident: dict[int, list[int]] = {}
        for incident, alarm in links:
            self.of_incident.setdefault(incident, []).append(alarm)
        linked = {alarm for alarms in self.of_incident.values() for alarm in alarms}
        self.loose = alarm_ids
        self.alarms = {row.id: row for row in lock_alarms(alarm_ids | linked)}
        self.assets = twin.assets_by_id({row.asset_id for row in self.alarms.values()})
        rows = Row.objects.select_for_update(of=("self",)).select_related("asset").filter(pk__in=incident_ids)
        self.incidents = list(rows.order_by("id"))
        self.alarm_names: set[str] = set()
        self.asset_names: tuple[str, ...] = ()
        self.changes: dict[str, dict[str, Any]] = {}

    def acknowledge(self, changed: set[str], by: Viewer, at: Instant) -> list[str]:
        """Acknowledge what did not change and what this person may; return the names of it."""
        incidents = [row for row in self.incidents if self._waits(row, changed, by)]
        loose = [alarm for alarm in sorted(self.loose) if self._is_theirs(alarm, changed, by)]
        alarms = {alarm for row in incidents for alarm in self.of_incident.get(row.pk, [])}
        lines = acknowledge_alarms(sorted({*alarms, *loose}), by=by, at=at)
        self.alarm_names = {line.subject for line in lines}
        touched = {name for line in lines for name in line.related if name.startswith("asset:")}
        done = [f"alarm:{alarm}" for alarm in loose if f"alarm:{alarm}" in self.alarm_names]
        for row in incidents:
            if not self._moved(row, by, at):
                continue
            done.append(f"incident:{row.pk}")
            if row.asset is not None:
                touched.add(f"asset:{row.asset.code}")
        self.asset_names = tuple(sorted(touched))
        return sorted(done)

    def _waits(self, row: Row, changed: set[str], by: Viewer) -> bool:
        after = rules.next_state(IncidentState(row.state), IncidentEvent.ACKNOWLEDGE, owned=row.owner_id is not None)
        allowed = may(by, Verb.ACKNOWLEDGE, Kind.INCIDENT, desk=row.desk, commune=row.commune)
        return f"incident:{row.pk}" not in changed and after is not None and allowed

    def _is_theirs(self, alarm_id: int, changed: set[str], by: Viewer) -> bool:
        row = self.alarms.get(alarm_id)
        if row is None or f"alarm:{alarm_id}" in changed:
            return False
        commune = self.assets[row.asset_id].commune
        return may(by, Verb.ACKNOWLEDGE, Kind.ALARM, desk=row.definition.desk, commune=commune)

    def _moved(self, row: Row, by: Viewer, at: Instant) -> bool:
        """Write an incident's acknowledgement, unless it had one and no alarm of it waited."""
        waited = any(f"alarm:{alarm}" in self.alarm_names for alarm in self.of_incident.get(row.pk, []))
        if row.acknowledged_at is not None and not waited:
            return False
        after = rules.next_state(IncidentState(row.state), IncidentEvent.ACKNOWLEDGE, owned=row.owner_id is not None)
        if row.acknowledged_at is None:
            row.acknowledged_at, row.acknowledged_by_id = to_datetime(at), by.id
        row.state = after or row.state
        row.version += 1
        row.due_at = to_datetime(at)  # its deadlines are judged at once
        self.changes[str(row.pk)] = changes_of(row)
        row.save(update_fields=["state", "version", "acknowledged_at", "acknowledged_by", "due_at"])
        return True

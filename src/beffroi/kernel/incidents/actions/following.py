"""Following alarms: incidents opened from those that ask for one, gathered by equipment, resolved when all returned.

Called by the engine in the transaction that moved the alarms, whose rows are then already locked; incidents are locked
next, by number, and the caller appends the journal lines last. So no two acts can wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Applied, Raised
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of
from beffroi.kernel.incidents.actions.locking import lock_openings
from beffroi.kernel.incidents.actions.rounds import begin_again
from beffroi.kernel.incidents.actions.timing import end_hold, pauses_of_many, settled
from beffroi.kernel.incidents.models import Incident, IncidentAlarm
from beffroi.kernel.incidents.queries import deadlines, incidents_of_alarms
from beffroi.kernel.incidents.rules import next_state
from beffroi.kernel.incidents.types import OPEN_STATES, Deadline, IncidentEvent, IncidentState, Span
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

_CHANGING = {
    "title": "text",
    "category": "text",
    "state": "text",
    "priority": "int",
    "version": "int",
    "owner_id": "bigint",
    "assigned_by_id": "bigint",
    "acknowledged_by_id": "bigint",
    "closed_by_id": "bigint",
    **dict.fromkeys(("acknowledged_at", "taken_at", "engaged_at", "on_site_at", "safe_at"), "timestamptz"),
    **dict.fromkeys(("resolved_at", "closed_at", "held_until", "round_at", "due_at"), "timestamptz"),
    **dict.fromkeys(("close_reason", "missed", "transferred_to", "due_clock"), "text"),
    **dict.fromkeys(("close_comment", "hold_reason"), "bytea"),
    "paused": "bool",
    "round": "int",
    "due_left_s": "int",
}
"""What alarms may change in an incident, and how PostgreSQL calls each."""

_CHANGE = f"""
UPDATE incidents_incident i SET {", ".join(f"{name} = w.{name}" for name in _CHANGING)}
FROM unnest(%s::bigint[], {", ".join(f"%s::{kind}[]" for kind in _CHANGING.values())})
    AS w(id, {", ".join(_CHANGING)})
WHERE i.id = w.id
"""
_UNITED = """
WITH RECURSIVE up(asset, first, id, over) AS (
    SELECT asset_id, id, id, duplicate_of_id FROM incidents_incident
    WHERE asset_id = ANY(%s) AND duplicate_of_id IS NOT NULL
    UNION SELECT up.asset, up.first, i.id, i.duplicate_of_id FROM incidents_incident i JOIN up ON i.id = up.over
)
SELECT DISTINCT ON (up.asset) up.asset, up.id, up.first FROM up JOIN incidents_incident i ON i.id = up.id
WHERE up.over IS NULL AND i.state = ANY(%s) ORDER BY up.asset, up.first DESC
"""
_OPEN = [str(state) for state in OPEN_STATES]


def follow_alarms(applied: Applied, *, at: Instant) -> tuple[Entry, ...]:
    """Open, gather, resolve and bring back incidents after what alarms did; return the journal lines to append.

    An alarm raised on equipment whose incident is open joins it. An incident is resolved when none of its alarms stands
    by itself any more (returned, or explained by another alarm), and comes back when one does.
    """
    moved = [*(each.alarm_id for each in applied.raised), *applied.returned, *applied.suppressed]
    if not moved:
        return ()
    work = _Following(applied, at)
    work.lock(moved)
    for raised in sorted(applied.raised, key=lambda each: (each.priority, each.at)):
        work.take_up(raised)
    work.settle([*applied.returned, *applied.suppressed])
    return work.finish()


class _Following:
    """The work of one call: incidents under lock, what changed in them, and the lines that tell it."""

    def __init__(self, applied: Applied, at: Instant) -> None:
        self.at = at
        self.links: dict[int, int] = {}
        self.rows: dict[int, Incident] = {}
        self.on_asset: dict[int, Incident] = {}
        self.united: dict[int, tuple[int, int]] = {}
        self.changed: dict[int, Incident] = {}
        self.opened: list[tuple[Incident, Raised]] = []
        self.joined: list[tuple[Incident, Raised]] = []
        self.lines: list[Entry] = []
        self.deadlines: tuple[Deadline, ...] = ()
        self.pauses: Mapping[int, list[Span]] = {}
        self.raised = applied.raised
        self.assets: Mapping[int, Asset] = twin.assets_by_id({each.asset_id for each in applied.raised})

    def lock(self, alarm_ids: Sequence[int]) -> None:
        """Lock the incidents of these alarms, and the open ones of the equipment where alarms were raised."""
        assets = sorted(self.assets)
        if assets:
            lock_openings(assets)
        self.links = incidents_of_alarms(alarm_ids)
        here = Incident.objects.filter(asset_id__in=assets, state__in=_OPEN).values_list("id", flat=True)
        self.united = _united(assets)
        wanted = set(self.links.values()) | set(here) | {root for root, _first in self.united.values()}
        people = ("asset", "owner", "closed_by")
        locked = Incident.objects.select_for_update(of=("self",)).select_related(*people).filter(pk__in=wanted)
        self.rows = {row.pk: row for row in locked.order_by("id")}
        for asset, (root, _first) in self.united.items():
            if root in self.rows and self.rows[root].state in _OPEN:
                self.on_asset[asset] = self.rows[root]
        for row in reversed(list(self.rows.values())):
            if row.asset_id is not None and row.state in _OPEN:
                self.on_asset[row.asset_id] = row
        self.deadlines = deadlines()
        self.pauses = pauses_of_many(list(self.rows.values()))

    def take_up(self, raised: Raised) -> None:
        """Give an alarm its incident: the one it has, the open one of its equipment, or a new one."""
        known = self.rows.get(self.links.get(raised.alarm_id, 0))
        here = self.on_asset.get(raised.asset_id)
        if known is not None:
            self._bring_back(known, raised)
        elif here is not None:
            self._join(here, raised)
        elif raised.opens_incident:
            self._open(raised)

    def _open(self, raised: Raised) -> None:
        asset = self.assets[raised.asset_id]
        row = Incident(
            title=_title(raised, asset),
            category=raised.code,
            priority=raised.priority,
            state=IncidentState.NEW,
            desk=raised.desk,
            place=asset.place,
            commune=asset.commune,
            lon=asset.lon,
            lat=asset.lat,
            x_m=asset.x_m,
            y_m=asset.y_m,
            asset_id=asset.id,
            opened_at=to_datetime(self.at),
            received_at=to_datetime(self.at),
            round_at=to_datetime(self.at),
        )
        self._judge(row)
        self.on_asset[asset.id] = row
        self.opened.append((row, raised))

    def _join(self, row: Incident, raised: Raised) -> None:
        self.joined.append((row, raised))
        if raised.priority < row.priority:
            row.priority, row.category = raised.priority, raised.code
            row.title = _title(raised, self.assets[raised.asset_id])
        self._come_back(row)

    def _bring_back(self, row: Incident, raised: Raised) -> None:
        """An alarm of this incident stands again: so does the incident, even if somebody closed it meanwhile."""
        verb, before = self._come_back(row)
        self._tell(row, verb, raised.alarm_id, raised.code, raised.title, **before)

    def _come_back(self, row: Incident) -> tuple[str, dict[str, Any]]:
        """Bring an incident back where it was resolved or closed; return the verb that tells it, and its end before."""
        self._changed(row)
        state = IncidentState(row.state)
        revived = next_state(state, IncidentEvent.REVIVE, owned=row.owner_id is not None)
        if revived is not None:
            row.state, row.resolved_at = revived, None
            return "revive_incident", {}
        reopened = next_state(state, IncidentEvent.REOPEN)
        if reopened is None:
            return "note_alarm", {}
        before = begin_again(row, self.at)
        row.state = reopened
        return "reopen_incident", before

    def _judge(self, row: Incident) -> list[Entry]:
        return settled(row, self.at, within=self.deadlines, pauses=self.pauses.get(row.pk, []))

    def _changed(self, row: Incident) -> None:
        if row.pk is not None and row.pk not in self.changed:
            row.version += 1
            self.changed[row.pk] = row

    def settle(self, ceased: Sequence[int]) -> None:
        """Write what was opened and joined; then resolve the incidents of which nothing stands any more."""
        Incident.objects.bulk_create([row for row, _ in self.opened])
        gathered = [*self.opened, *self.joined]
        IncidentAlarm.objects.bulk_create(
            [
                IncidentAlarm(incident=row, alarm_id=raised.alarm_id, first_id=self._first(row, raised))
                for row, raised in gathered
            ]
        )
        self.links |= {raised.alarm_id: row.pk for row, raised in gathered}
        self.rows |= {row.pk: row for row, _ in self.opened}
        for row, raised in self.opened:
            self._tell(row, "open_incident", raised.alarm_id, raised.code, raised.title)
        for row, raised in self.joined:
            self._tell(row, "attach_alarm", raised.alarm_id, raised.code, raised.title)
        self._resolve({self.links[alarm]: alarm for alarm in ceased if alarm in self.links})

    def _first(self, row: Incident, raised: Raised) -> int | None:
        """Return the duplicate through whose equipment an alarm came, and with which it would leave again."""
        root, first = self.united.get(raised.asset_id, (0, 0))
        return first if root == row.pk and row.asset_id != raised.asset_id else None

    def _resolve(self, last_of: Mapping[int, int]) -> None:
        if not last_of:
            return
        links = IncidentAlarm.objects.filter(incident_id__in=last_of).values_list("incident_id", "alarm_id")
        standing = set(alarms.active_among([alarm for _, alarm in links]))
        alive = {incident for incident, alarm in links if alarm in standing}
        told = alarms.named(last_of.values())
        for number, alarm in last_of.items():
            row = self.rows[number]
            after = next_state(IncidentState(row.state), IncidentEvent.RESOLVE)
            if after is None:
                continue
            verb = "note_return"
            if number not in alive:
                row.state, row.resolved_at = after, to_datetime(self.at)
                end_hold(row, self.at)
                verb = "resolve_incident"
            self._changed(row)
            self._tell(row, verb, alarm, *told[alarm])

    def finish(self) -> tuple[Entry, ...]:
        """Write what changed in the incidents that were there, and return the lines."""
        rows = list(self.changed.values())
        for row in rows:
            self.lines += self._judge(row)
        if rows:
            columns = [[_plain(getattr(row, name)) for row in rows] for name in _CHANGING]
            with connection.cursor() as cursor:
                cursor.execute(_CHANGE, [[row.pk for row in rows], *columns])
        if self.joined:
            Incident.objects.filter(pk__in={row.pk for row, _ in self.joined}).update(to_compare=True)
        return tuple(self.lines)

    def _tell(self, row: Incident, verb: str, alarm: int, code: str, title: str, **content: Any) -> None:
        known = self.assets.get(row.asset_id or 0)
        asset_code = known.code if known else code_of_asset(row)
        rule = Actor(ActorKind.RULE, code, title)
        line = line_of(row, verb, rule, asset_code=asset_code, alarms=(alarm,), reason="", title=row.title, **content)
        self.lines.append(line)


def _plain(value: object) -> object:
    if isinstance(value, memoryview):
        return bytes(value)
    return str(value) if isinstance(value, StrEnum) else value


def _title(raised: Raised, asset: Asset) -> str:
    return f"{raised.title} – {asset.name or asset.code}"[:200]


def _united(asset_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return, for equipment whose incident was united with another that is open: (that other, the duplicate)."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITED, [list(asset_ids), _OPEN])
        return {int(asset): (int(root), int(first)) for asset, root, first in cursor.fetchall()}

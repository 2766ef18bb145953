"""Applying transitions: alarms raised, returned, explained by others, and let stand by themselves again.

Order of locks, the same for every room: alarms by number, then incidents, then the journal's head. So what an engine
calls returns its journal lines instead of writing them: the caller appends them last, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.announcing import note_announcements
from beffroi.kernel.alarms.actions.rows import (
    ROOM,
    Row,
    check_transaction,
    lock_open,
    lock_released,
    open_rows,
    rule_actor,
    told,
)
from beffroi.kernel.alarms.rules import explanations, next_state
from beffroi.kernel.alarms.types import (
    ACTIVE_STATES,
    AlarmEvent,
    AlarmState,
    Applied,
    Raised,
    Transition,
)
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

MAX_NAMED = 50
"""Assets named in one journal line about a batch of explained alarms; the others are counted."""


def apply_transitions(transitions: Iterable[Transition], *, at: Instant) -> Applied:
    """Raise and return alarms, in the caller's transaction; the caller appends `lines` at its end.

    Two engines that raise the same alarm make one: the database decides. An alarm that another one explains is
    suppressed and linked; when the explanation comes later, alarms that nobody acknowledged are suppressed then.
    Explained alarms whose explanation has ceased for long enough stand by themselves (`release_suppressed`).
    """
    check_transaction()
    batch = _Batch(at)
    for wave in _waves(transitions):
        batch.move(wave)
    batch.release()
    applied = batch.applied()
    note_announcements(applied.lines, at=at)
    return applied


def release_suppressed(*, at: Instant) -> Applied:
    """Put before people the explained alarms whose explanation has ceased for their release delay, and that did not.

    Called when time passes and nothing else happens; in the caller's transaction, which appends `lines`.
    """
    return apply_transitions((), at=at)


def _waves(transitions: Iterable[Transition]) -> list[list[Transition]]:
    """Split so that each wave has one transition for an alarm, in order: almost always one wave."""
    waves: list[list[Transition]] = []
    seen: Counter[tuple[str, int]] = Counter()
    for transition in transitions:
        key = (transition.code, transition.asset_id)
        if seen[key] == len(waves):
            waves.append([])
        waves[seen[key]].append(transition)
        seen[key] += 1
    return waves


@dataclass(frozen=True, slots=True)
class _Event:
    """What one journal line will tell of an alarm."""

    verb: str
    alarm_id: int
    at: Instant
    value: float | None


_INSERT = """
INSERT INTO alarms_alarm
    (definition_id, code, priority, desk, asset_id, value, state, raised_at, announced_at)
SELECT d.id, d.code, d.priority, d.desk, w.asset_id, w.value, 'unacknowledged', w.at, %s
FROM unnest(%s::text[], %s::bigint[], %s::float8[], %s::timestamptz[]) AS w(code, asset_id, value, at)
JOIN alarms_definition d ON d.code = w.code AND d.in_force
ORDER BY w.code, w.asset_id
ON CONFLICT DO NOTHING RETURNING id, code, asset_id
"""

_MOVE = """
UPDATE alarms_alarm a SET
    state = w.state,
    value = CASE WHEN w.raised THEN w.value ELSE a.value END,
    raised_at = CASE WHEN w.raised THEN w.at ELSE a.raised_at END,
    announced_at = CASE WHEN w.raised THEN %s ELSE a.announced_at END,
    returned_at = CASE WHEN w.raised THEN NULL ELSE w.at END,
    ended_at = CASE WHEN w.state = 'normal' THEN w.at END
FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::float8[], %s::timestamptz[]) AS w(id, state, raised, value, at)
WHERE a.id = w.id
"""

_EXPLAIN = """
UPDATE alarms_alarm a SET
    state = %s, suppressed_by_id = w.cause, announced_at = CASE WHEN w.new THEN NULL ELSE a.announced_at END
FROM unnest(%s::bigint[], %s::bigint[], %s::bool[]) AS w(id, cause, new)
WHERE a.id = w.id
"""

_ACTIVE_UPSTREAM = """
SELECT w.id, a.id
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) WITH ORDINALITY AS w(id, code, asset_id, place)
JOIN alarms_alarm a ON a.code = w.code AND a.asset_id = w.asset_id
WHERE a.state = ANY(%s)
ORDER BY w.place DESC
"""


class _Batch:
    """The work of one call of `apply_transitions`: what it changed so far, in the order in which it happened."""

    def __init__(self, at: Instant) -> None:
        self.at = at
        self.rows: dict[int, Row] = {}
        self.events: list[_Event] = []
        self.step = 0  # where the events of the present wave begin
        self.suppressed: list[tuple[int, int]] = []
        self.ended: list[tuple[int, int]] = []
        self.ignored = 0
        self.definitions = {definition.code: definition for definition in queries.definitions_in_force()}

    def move(self, wave: Sequence[Transition]) -> None:
        """Apply transitions of different alarms, then link those that others explain."""
        self.step = len(self.events)
        known = lock_open([(transition.code, transition.asset_id) for transition in wave])
        fresh = [t for t in wave if t.kind == "raise" and (t.code, t.asset_id) not in known]
        made = self._insert(fresh)
        if len(made) < len(fresh):  # another engine was first, or the definition is no longer in force
            known |= lock_open([key for t in fresh if (key := (t.code, t.asset_id)) not in made])
        moved = []
        for transition in wave:
            key = (transition.code, transition.asset_id)
            row = known.get(key)
            after = next_state(row.state, AlarmEvent(transition.kind)) if row else None
            if row is not None and after is not None:
                moved.append((row, after, transition))
            elif key not in made:
                self.ignored += 1
        self._update(moved)
        touched = [*made.values(), *(row for row, _, _ in moved)]
        self.rows |= {row.id: row for row in touched}
        self._suppress([row for row in touched if row.state == AlarmState.UNACKNOWLEDGED])

    def _insert(self, fresh: Sequence[Transition]) -> dict[tuple[str, int], Row]:
        by_key = {(t.code, t.asset_id): t for t in fresh if t.code in self.definitions}
        if not by_key:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [to_datetime(self.at), *_columns(list(by_key.values()))])
            made = cursor.fetchall()
        rows = {}
        for alarm_id, code, asset_id in made:
            row = Row(alarm_id, code, asset_id, AlarmState.UNACKNOWLEDGED, self.definitions[code], None, new=True)
            transition = by_key[row.key]
            self.events.append(_Event("raise_alarm", row.id, transition.at, transition.value))
            rows[row.key] = row
        return rows

    def _update(self, moved: Sequence[tuple[Row, AlarmState, Transition]]) -> None:
        """Write the states that the table gives, in one statement."""
        if not moved:
            return
        transitions = [transition for _, _, transition in moved]
        kinds = [transition.kind == "raise" for transition in transitions]
        states = [str(after) for _, after, _ in moved]
        with connection.cursor() as cursor:
            ids = [row.id for row, _, _ in moved]
            cursor.execute(_MOVE, [to_datetime(self.at), ids, states, kinds, *_columns(transitions)[2:]])
        for row, after, transition in moved:
            if row.state == AlarmState.SUPPRESSED:
                self.ended.append((row.id, row.suppressed_by or row.id))
            else:
                self.events.append(_Event(f"{transition.kind}_alarm", row.id, transition.at, transition.value))
            row.state, row.new = after, transition.kind == "raise"

    def _suppress(self, fresh: Sequence[Row]) -> None:
        """Link the alarms that others explain: those just raised, and older ones that those just raised explain."""
        if fresh:
            self._explain({row.id: row for row in (*self._downstream(fresh), *fresh)})

    def _downstream(self, causes: Sequence[Row]) -> list[Row]:
        """Lock the open alarms that these may explain and that nobody acknowledged."""
        pairs: set[tuple[str, int]] = set()
        for definition in self.definitions.values():
            for relation, cause in explanations(definition):
                sources = [row.asset_id for row in causes if row.code == cause]
                pairs |= {(definition.code, asset) for asset in _along(relation, sources)}
        waiting = (AlarmState.UNACKNOWLEDGED, AlarmState.SUPPRESSED)
        return [row for row in lock_open(sorted(pairs)).values() if row.state in waiting]

    def _explain(self, candidates: Mapping[int, Row]) -> set[int]:
        """Suppress those of the candidates that an active alarm explains; return the numbers of those."""
        found = _explanations_of(candidates.values())
        moved = [(candidates[key], cause) for key, cause in found.items() if candidates[key].suppressed_by != cause]
        if moved:
            with connection.cursor() as cursor:
                columns: list[list[Any]] = [
                    [row.id for row, _ in moved],
                    [cause for _, cause in moved],
                    [row.new for row, _ in moved],
                ]
                cursor.execute(_EXPLAIN, [AlarmState.SUPPRESSED, *columns])
        hidden = {row.id for row, _ in moved if row.new}
        self.events[self.step :] = [event for event in self.events[self.step :] if event.alarm_id not in hidden]
        for row, cause in moved:
            row.state, row.suppressed_by = AlarmState.SUPPRESSED, cause
            self.rows[row.id] = row
            self.suppressed.append((row.id, cause))
        return set(found)

    def release(self) -> None:
        """Let stand by themselves the alarms whose explanation ceased long enough ago."""
        waiting = lock_released(self.at)
        explained = self._explain({row.id: row for row in waiting})
        freed = [row for row in waiting if row.id not in explained]
        if not freed:
            return
        models.Alarm.objects.filter(pk__in=[row.id for row in freed]).update(
            state=AlarmState.UNACKNOWLEDGED, suppressed_by=None, announced_at=to_datetime(self.at)
        )
        for row in freed:
            row.state, row.suppressed_by = AlarmState.UNACKNOWLEDGED, None
            self.rows[row.id] = row
            self.events.append(_Event("release_alarm", row.id, self.at, None))

    def applied(self) -> Applied:
        """Return what changed, with the lines that tell it: as it happened, then one for each explanation."""
        raised = {event.alarm_id: event for event in self.events if event.verb != "return_alarm"}
        returned = {event.alarm_id for event in self.events if event.verb == "return_alarm"}
        raised = {key: event for key, event in raised.items() if self.rows[key].state != AlarmState.SUPPRESSED}
        return Applied(
            raised=tuple(_raised(self.rows[key], event.at) for key, event in raised.items()),
            returned=tuple(sorted(returned)),
            suppressed=tuple(sorted({key for key, _ in self.suppressed})),
            ignored=self.ignored,
            lines=tuple(self._lines()),
        )

    def _lines(self) -> list[Entry]:
        causes = {cause for _, cause in (*self.suppressed, *self.ended)}
        self.rows |= {row.id: row for row in open_rows(pk__in=causes - self.rows.keys())}
        assets = twin.assets_by_id({row.asset_id for row in self.rows.values()})
        events = sorted(self.events, key=lambda event: event.at)
        lines = [told(event.verb, self.rows[event.alarm_id], assets, event.at, event.value) for event in events]
        lines += self._told_together("suppress_alarms", self.suppressed, assets)
        lines += self._told_together("end_suppressed_alarms", self.ended, assets)
        return lines

    def _told_together(self, verb: str, pairs: Sequence[tuple[int, int]], assets: Mapping[int, Asset]) -> list[Entry]:
        lines = []
        for cause in dict.fromkeys(cause for _, cause in pairs):
            rows = [self.rows[key] for key, by in pairs if by == cause]
            because = self.rows[cause]
            content = {
                "title": because.definition.title,
                "count": len(rows),
                "codes": dict(Counter(row.code for row in rows)),
                "assets": [assets[row.asset_id].code for row in rows[:MAX_NAMED]],
            }
            related = (f"asset:{assets[because.asset_id].code}",)
            lines.append(Entry(rule_actor(because.definition), ROOM, verb, f"alarm:{cause}", related, content))
        return lines


def _along(relation: str, assets: Sequence[int]) -> set[int]:
    if not assets or relation == "self":
        return set(assets)
    return {asset for found in twin.downstream(assets, relation).values() for asset in found}


def _raised(row: Row, at: Instant) -> Raised:
    about = row.definition
    return Raised(row.id, row.asset_id, row.code, about.title, about.priority, about.desk, about.opens_incident, at)


def _columns(transitions: Sequence[Transition]) -> list[list[Any]]:
    return [
        [transition.code for transition in transitions],
        [transition.asset_id for transition in transitions],
        [transition.value for transition in transitions],
        [to_datetime(transition.at) for transition in transitions],
    ]


def _explanations_of(rows: Iterable[Row]) -> dict[int, int]:
    """Return, for each alarm that an active alarm explains, the number of that alarm: the first named wins."""
    asked = [(row, relation, code) for row in rows for relation, code in explanations(row.definition)]
    upstream = {
        relation: twin.upstream({row.asset_id for row, kind, _ in asked if kind == relation}, relation)
        for relation in {relation for _, relation, _ in asked} - {"self"}
    }
    wanted = []
    for row, relation, code in asked:
        asset = row.asset_id if relation == "self" else upstream[relation].get(row.asset_id)
        if asset is not None:
            wanted.append((row.id, code, asset))
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE_UPSTREAM, [*columns, [str(state) for state in ACTIVE_STATES]])
        return dict(cursor.fetchall())

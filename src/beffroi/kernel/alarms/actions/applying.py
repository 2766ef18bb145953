"""Applying transitions: alarms raised, returned, explained by others, and let stand by themselves again.

Order of locks, the same for every room: alarms by number, then incidents, then the journal's head. So what an engine
calls returns its journal lines instead of writing them: the caller appends them last, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms.actions.batch import Batch, Event
from beffroi.kernel.alarms.actions.covering import Cover, covers_in_force, hold_covers
from beffroi.kernel.alarms.actions.rows import Row, check_transaction, lock_open
from beffroi.kernel.alarms.rules import next_state
from beffroi.kernel.alarms.types import AlarmEvent, AlarmState, Applied, Transition

_INSERT = """
INSERT INTO alarms_alarm
    (definition_id, code, priority, desk, asset_id, value, raised_at, state, shelving_id, withdrawal_id, announced_at, rung)
SELECT d.id, d.code, d.priority, d.desk, w.asset_id, w.value, w.at, w.state, w.shelving, w.withdrawal,
    CASE WHEN w.state = 'unacknowledged' THEN %s::timestamptz END, 0
FROM unnest(%s::text[], %s::bigint[], %s::float8[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[])
    AS w(code, asset_id, value, at, state, shelving, withdrawal)
JOIN alarms_definition d ON d.code = w.code AND d.in_force
ORDER BY w.code, w.asset_id
ON CONFLICT DO NOTHING RETURNING id, code, asset_id
"""

_MOVE = """
UPDATE alarms_alarm a SET
    state = w.state,
    value = CASE WHEN w.raised THEN w.value ELSE a.value END,
    raised_at = CASE WHEN w.raised THEN w.at ELSE a.raised_at END,
    announced_at = CASE WHEN w.raised AND w.state = 'unacknowledged' THEN %s ELSE a.announced_at END,
    acknowledged_at = CASE WHEN w.raised THEN NULL ELSE a.acknowledged_at END,
    acknowledged_by_id = CASE WHEN w.raised THEN NULL ELSE a.acknowledged_by_id END,
    rung = CASE WHEN w.raised THEN 0 ELSE a.rung END,
    escalated_at = CASE WHEN w.raised THEN NULL ELSE a.escalated_at END,
    returned_at = CASE WHEN w.raised THEN NULL ELSE w.at END,
    ended_at = CASE WHEN w.state = 'normal' THEN w.at END
FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::float8[], %s::timestamptz[]) AS w(id, state, raised, value, at)
WHERE a.id = w.id
"""

_HIDDEN_TOO = (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
_VERBS = {("raise", True): "record_alarm", ("return", True): "record_return"}
"""What is told of an alarm that somebody keeps from people: it is recorded, and nobody is called."""


def apply_transitions(transitions: Iterable[Transition], *, at: Instant) -> Applied:
    """Raise and return alarms, in the caller's transaction; the caller appends `lines` at its end.

    Two engines that raise the same alarm make one: the database decides. An alarm that another one explains is
    suppressed and linked; when the explanation comes later, alarms that nobody acknowledged are suppressed then. So is
    one that a command of ours explains, if its condition began after the command had left.
    Explained alarms whose explanation has ceased for long enough stand by themselves (`release_suppressed`). What is
    shelved or out of service is recorded in that state, and nobody is called.
    """
    check_transaction()
    hold_covers()
    batch = _Applying(at)
    for wave in _waves(transitions):
        batch.move(wave)
    batch.release()
    return batch.applied()


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


class _Applying(Batch):
    """The work of one call of `apply_transitions`."""

    def move(self, wave: Sequence[Transition]) -> None:
        """Apply transitions of different alarms, then link those that others explain."""
        self.step = len(self.events)
        keys = [(transition.code, transition.asset_id) for transition in wave]
        known = lock_open(keys)
        covers = covers_in_force().over(keys)
        fresh = [t for t in wave if t.kind == "raise" and (t.code, t.asset_id) not in known]
        made = self._insert(fresh, covers)
        if len(made) < len(fresh):  # another engine was first, or the definition is no longer in force
            known |= lock_open([key for t in fresh if (key := (t.code, t.asset_id)) not in made])
        moved = []
        for transition in wave:
            key = (transition.code, transition.asset_id)
            row = known.get(key)
            after = _after(row, transition, covers.get(key)) if row else None
            if row is not None and after is not None:
                moved.append((row, after, transition))
            elif key not in made:
                self.ignored += 1
        self._update(moved)
        touched = [*made.values(), *(row for row, _, _ in moved)]
        self.rows |= {row.id: row for row in touched}
        self.suppress([row for row in touched if row.state in (AlarmState.UNACKNOWLEDGED, *_HIDDEN_TOO) and row.holds])

    def _insert(self, fresh: Sequence[Transition], covers: dict[tuple[str, int], Cover]) -> dict[tuple[str, int], Row]:
        by_key = {(t.code, t.asset_id): t for t in fresh if t.code in self.definitions}
        if not by_key:
            return {}
        standing = Cover(AlarmState.UNACKNOWLEDGED)
        over = [covers.get(key, standing) for key in by_key]
        hidden: list[list[Any]] = [
            [str(cover.state) for cover in over],
            [cover.shelving for cover in over],
            [cover.withdrawal for cover in over],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [to_datetime(self.at), *_columns(list(by_key.values())), *hidden])
            made = cursor.fetchall()
        rows = {}
        for alarm_id, code, asset_id in made:
            state = covers.get((code, asset_id), standing).state
            row = Row(alarm_id, code, asset_id, state, self.definitions[code], None, new=True)
            self._told(row, by_key[row.key], hidden=state in _HIDDEN_TOO)
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
            before, row.state = row.state, after
            row.new = row.holds = transition.kind == "raise"
            if before == AlarmState.SUPPRESSED:
                self.returns_explained(row)
            else:
                self._told(row, transition, hidden=before in _HIDDEN_TOO)

    def _told(self, row: Row, transition: Transition, *, hidden: bool) -> None:
        verb = _VERBS.get((transition.kind, hidden), f"{transition.kind}_alarm")
        self.events.append(Event(verb, row.id, transition.at, row.state, transition.value))


def _after(row: Row, transition: Transition, cover: Cover | None) -> AlarmState | None:
    return next_state(
        row.state,
        AlarmEvent(transition.kind),
        latching=row.definition.latching,
        holds=row.holds,
        cover=cover.state if cover else None,
    )


def _columns(transitions: Sequence[Transition]) -> list[list[Any]]:
    return [
        [transition.code for transition in transitions],
        [transition.asset_id for transition in transitions],
        [transition.value for transition in transitions],
        [to_datetime(transition.at) for transition in transitions],
    ]

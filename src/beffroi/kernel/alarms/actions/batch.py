"""The work of one act or one batch on alarms: what it changed so far, and the lines that tell it, as they happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.announcing import note_announcements
from beffroi.kernel.alarms.actions.explaining import commands_of, downstream, explanations_of
from beffroi.kernel.alarms.actions.rows import ROOM, Row, lock_released, open_rows, rule_actor, told
from beffroi.kernel.alarms.rules.flood import ANNOUNCING
from beffroi.kernel.alarms.types import STANDING_STATES, AlarmState, Applied, Raised
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

MAX_NAMED = 50
"""Assets named in one journal line about a batch of explained alarms; the others are counted."""

CEASES = frozenset({"return_alarm", "record_return", "reset_alarm"})
"""Verbs of lines that tell of a condition that ceased, or of a latched alarm that was reset."""

_EXPLAIN = """
UPDATE alarms_alarm a SET
    state = %s, suppressed_by_id = w.cause, commanded_id = w.commanded,
    announced_at = CASE WHEN w.new THEN NULL ELSE a.announced_at END
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bool[]) AS w(id, cause, commanded, new)
WHERE a.id = w.id
"""


@dataclass(frozen=True, slots=True)
class Event:
    """What one journal line will tell of an alarm. `why` is what a person wrote: it is told under the key of its case."""

    verb: str
    alarm_id: int
    at: Instant
    state: AlarmState
    value: float | None = None
    actor: Actor | None = None
    why: str = ""
    more: Mapping[str, object] = field(default_factory=dict)


class Batch:
    """What one act or one batch of transitions does, in the caller's transaction. The alarms are locked first."""

    def __init__(self, at: Instant) -> None:
        self.at = at
        self.rows: dict[int, Row] = {}
        self.events: list[Event] = []
        self.step = 0  # where the events of the present wave begin
        self.suppressed: list[tuple[int, int]] = []
        self.ended: list[tuple[int, int]] = []
        self.expected: list[tuple[int, int]] = []
        self.expected_over: list[tuple[int, int]] = []
        self.ignored = 0
        self.definitions = {definition.code: definition for definition in queries.definitions_in_force()}

    def happened(self, verb: str, row: Row, *, actor: Actor | None = None, why: str = "", **more: object) -> None:
        """Note what one line will tell of an alarm, in the state that it has come to."""
        self.rows[row.id] = row
        self.events.append(Event(verb, row.id, self.at, row.state, None, actor, why, more))

    def come_out(self, verb: str, rows: Sequence[Row], *, otherwise: str, actor: Actor | None = None) -> None:
        """Put before people, as new, alarms whose `state` says so, unless another alarm explains them (`otherwise`)."""
        if not rows:
            return
        for state in {row.state for row in rows}:
            models.Alarm.objects.filter(pk__in=[row.id for row in rows if row.state == state]).update(
                state=state, rung=0, escalated_at=None, acknowledged_at=None, acknowledged_by=None, stale_at=None
            )
        states = {row.id: row.state for row in rows}
        self.explain({row.id: row for row in rows if row.state == AlarmState.UNACKNOWLEDGED})
        standing = [row.id for row in rows if row.state != AlarmState.SUPPRESSED]
        models.Alarm.objects.filter(pk__in=standing).update(announced_at=to_datetime(self.at))
        for row in rows:
            self.rows[row.id] = row
            word = otherwise if row.state == AlarmState.SUPPRESSED else verb
            self.events.append(Event(word, row.id, self.at, states[row.id], actor=actor))

    def suppress(self, fresh: Sequence[Row]) -> None:
        """Link the alarms that others explain: those just raised, and older ones that those just raised explain."""
        if fresh:
            ours = {row.id: row for row in fresh if row.state == AlarmState.UNACKNOWLEDGED}
            self.explain({row.id: row for row in downstream(fresh, self.definitions.values())} | ours)

    def explain(self, candidates: Mapping[int, Row]) -> set[int]:
        """Suppress those of the candidates that an active alarm explains, or else a command; return their numbers."""
        causes = explanations_of(candidates.values())
        commands = commands_of(row for key, row in candidates.items() if key not in causes)
        found = [(row, causes.get(key), commands.get(key)) for key, row in candidates.items()]
        found = [(row, cause, command) for row, cause, command in found if cause or command]
        moved = [each for each in found if (each[0].suppressed_by, each[0].commanded) != each[1:]]
        if moved:
            rows, *by = (list(column) for column in zip(*moved, strict=True))
            with connection.cursor() as cursor:
                values = [[row.id for row in rows], *by, [row.new for row in rows]]
                cursor.execute(_EXPLAIN, [AlarmState.SUPPRESSED, *values])
        hidden = {row.id for row, _, _ in moved if row.new}
        self.events[self.step :] = [event for event in self.events[self.step :] if event.alarm_id not in hidden]
        for row, cause, command in moved:
            row.state, row.suppressed_by, row.commanded = AlarmState.SUPPRESSED, cause, command
            self.rows[row.id] = row
            if cause is not None:
                self.suppressed.append((row.id, cause))
            elif command is not None:
                self.expected.append((row.id, command))
        return {row.id for row, _, _ in found}

    def returns_explained(self, row: Row) -> None:
        """Note that the condition of an alarm ceased while something explained it: it is told with the others."""
        if row.commanded is not None:
            self.expected_over.append((row.id, row.commanded))
        else:
            self.ended.append((row.id, row.suppressed_by or row.id))

    def release(self) -> None:
        """Let stand by themselves the alarms whose explanation ceased long enough ago."""
        waiting = lock_released(self.at)
        explained = self.explain({row.id: row for row in waiting})
        freed = [row for row in waiting if row.id not in explained]
        if not freed:
            return
        models.Alarm.objects.filter(pk__in=[row.id for row in freed]).update(
            state=AlarmState.UNACKNOWLEDGED, suppressed_by=None, commanded=None, rung=0,
            announced_at=to_datetime(self.at),
        )  # fmt: skip
        for row in freed:
            row.state, row.suppressed_by, row.commanded = AlarmState.UNACKNOWLEDGED, None, None
            self.happened("release_alarm", row)

    def applied(self, *lines: Entry) -> Applied:
        """Return what changed, with the lines that tell it: as it happened, then one for each explanation, then these."""
        last = {event.alarm_id: event for event in self.events if event.verb in ANNOUNCING}
        raised = {key: event for key, event in last.items() if self.rows[key].state in STANDING_STATES}
        told_of = (*self._lines(), *lines)
        note_announcements(told_of, at=self.at)
        return Applied(
            raised=tuple(raised_of(self.rows[key], event.at) for key, event in raised.items()),
            returned=tuple(sorted({event.alarm_id for event in self.events if event.verb in CEASES})),
            suppressed=tuple(sorted({key for key, _ in (*self.suppressed, *self.expected)})),
            ignored=self.ignored,
            lines=told_of,
        )

    def _lines(self) -> list[Entry]:
        causes = {cause for _, cause in (*self.suppressed, *self.ended)}
        self.rows |= {row.id: row for row in open_rows(pk__in=causes - self.rows.keys())}
        assets = twin.assets_by_id({row.asset_id for row in self.rows.values()})
        lines = [
            told(
                event.verb, self.rows[event.alarm_id], assets, event.at, event.value,
                state=event.state, actor=event.actor, why=event.why, **event.more,
            )
            for event in sorted(self.events, key=lambda event: event.at)
        ]  # fmt: skip
        lines += self._told_together("suppress_alarms", self.suppressed, assets)
        lines += self._told_together("end_suppressed_alarms", self.ended, assets)
        lines += expected_lines("expect_alarms", self.expected, self.rows, assets)
        lines += expected_lines("end_expected_alarms", self.expected_over, self.rows, assets)
        return lines

    def _told_together(self, verb: str, pairs: Sequence[tuple[int, int]], assets: Mapping[int, Asset]) -> list[Entry]:
        lines = []
        for cause in dict.fromkeys(cause for _, cause in pairs):
            rows = [self.rows[key] for key, by in pairs if by == cause]
            because = self.rows[cause]
            content = {"title": because.definition.title, **together(rows, assets)}
            related = (f"asset:{assets[because.asset_id].code}",)
            lines.append(Entry(rule_actor(because.definition), ROOM, verb, f"alarm:{cause}", related, content))
        return lines


def expected_lines(
    verb: str, pairs: Sequence[tuple[int, int]], rows: Mapping[int, Row], assets: Mapping[int, Asset]
) -> list[Entry]:
    """Return one line for each command, about the alarms that it explains, or that it explained and that returned."""
    by_command: dict[int, list[Row]] = {}
    for key, command in pairs:
        by_command.setdefault(command, []).append(rows[key])
    found = models.Commanded.objects.select_related("asset").filter(pk__in=by_command).order_by("pk")
    lines = []
    for row in found:
        explained = by_command[row.pk]
        content = {"title": row.title, "ability": row.ability, **together(explained, assets)}
        related = (f"asset:{row.asset.code}", *(f"alarm:{each.id}" for each in explained[:MAX_NAMED]))
        actor = rule_actor(explained[0].definition)
        lines.append(Entry(actor, ROOM, verb, f"command:{row.command}", related, content))
    return lines


def together(rows: Iterable[Row], assets: Mapping[int, Asset]) -> dict[str, object]:
    """Return what a line tells of many alarms: how many, of which definitions, each by its number, some equipment."""
    every = list(rows)
    return {
        "count": len(every),
        "codes": dict(Counter(row.code for row in every)),
        "alarms": [row.id for row in every],
        "assets": [assets[row.asset_id].code for row in every[:MAX_NAMED]],
    }


def raised_of(row: Row, at: Instant) -> Raised:
    """Return what an incident is opened from."""
    about = row.definition
    return Raised(row.id, row.asset_id, row.code, about.title, about.priority, about.desk, about.opens_incident, at)

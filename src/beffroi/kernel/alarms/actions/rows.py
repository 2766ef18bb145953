"""Open alarms under lock, and the journal line that tells what became of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.rules import case_of_alarm
from beffroi.kernel.alarms.types import ACTIVE_STATES, OPEN_STATES, AlarmState, Definition
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

ROOM = "alarms"


@dataclass(slots=True)
class Row:
    """An open alarm under lock, as the batch goes on. `new`: raised in this very step, shown to nobody yet."""

    id: int
    code: str
    asset_id: int
    state: AlarmState
    definition: Definition
    suppressed_by: int | None
    holds: bool = True
    new: bool = False
    commanded: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What makes an open alarm unique: its definition and its asset."""
        return self.code, self.asset_id


def lock_open(keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Row]:
    """Lock the open alarms of these (code, asset), in the order of their numbers."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM alarms_alarm a JOIN unnest(%s::text[], %s::bigint[]) AS w(code, asset_id)"
            " ON a.code = w.code AND a.asset_id = w.asset_id WHERE a.state = ANY(%s) ORDER BY a.id FOR UPDATE OF a",
            [[code for code, _ in keys], [asset for _, asset in keys], [str(state) for state in OPEN_STATES]],
        )
        locked = [row[0] for row in cursor.fetchall()]
    return {row.key: row for row in open_rows(pk__in=locked, state__in=OPEN_STATES)}


def lock_released(at: Instant) -> list[Row]:
    """Lock the suppressed alarms whose explanation, an alarm or a command, ceased at least their release delay ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM alarms_alarm a LEFT JOIN alarms_alarm u ON u.id = a.suppressed_by_id"
            " LEFT JOIN alarms_commanded c ON c.id = a.commanded_id"
            " JOIN alarms_definition d ON d.id = a.definition_id WHERE a.state = %s"
            " AND (c.id IS NOT NULL OR NOT u.state = ANY(%s) OR u.returned_at IS NOT NULL)"
            " AND coalesce(c.ended_at, u.returned_at, u.ended_at) + d.release_delay_s * interval '1 second' <= %s"
            " ORDER BY a.id FOR UPDATE OF a",
            [AlarmState.SUPPRESSED, [str(state) for state in ACTIVE_STATES], to_datetime(at)],
        )
        locked = [row[0] for row in cursor.fetchall()]
    return open_rows(pk__in=locked, state=AlarmState.SUPPRESSED) if locked else []


def open_rows(**which: object) -> list[Row]:
    """Return alarms that meet a condition, by number, as they stand; lock them first."""
    rows = models.Alarm.objects.filter(**which).select_related("definition").defer("definition__tests").order_by("id")
    return [
        Row(
            row.pk,
            row.code,
            row.asset_id,
            AlarmState(row.state),
            queries.definition_of(row.definition),
            row.suppressed_by_id,
            row.returned_at is None,
            commanded=row.commanded_id,
        )
        for row in rows
    ]


def lock_alarms(alarm_ids: Iterable[int]) -> list[Row]:
    """Lock alarms in the order of their numbers: what a room above does before it locks its own rows."""
    wanted = list(alarm_ids)
    list(models.Alarm.objects.select_for_update().filter(pk__in=wanted).order_by("id").values_list("id"))
    return open_rows(pk__in=wanted)


def lock_alarm(alarm_id: int) -> Row:
    """Lock one alarm. Raises NotFound."""
    rows = lock_alarms([alarm_id])
    if not rows:
        raise NotFound(f"there is no alarm {alarm_id}")
    return rows[0]


def ask(row: Row, by: Viewer, verb: Verb) -> None:
    """Ask the door for an act on an alarm. Raises Forbidden."""
    commune = twin.assets_by_id([row.asset_id])[row.asset_id].commune
    require(by, verb, Kind.ALARM, desk=row.definition.desk, commune=commune)


def person(by: Viewer) -> int:
    """Return the number of who acts. Raises Forbidden for nobody: what is kept aside has somebody's name on it."""
    if by.id is None:
        raise Forbidden("sign in first: what is kept from people has somebody's name on it")
    return by.id


def rule_actor(definition: Definition) -> Actor:
    """Return the rule as the journal names who acted."""
    return Actor(ActorKind.RULE, definition.code, definition.title)


def told(
    verb: str,
    row: Row,
    assets: Mapping[int, Asset],
    at: Instant,
    value: float | None = None,
    *,
    state: AlarmState | None = None,
    actor: Actor | None = None,
    why: str = "",
    **more: object,
) -> Entry:
    """Return the line that tells what became of one alarm, with what a reader needs to understand it by itself.

    `state` is the one it came to, that of the row unless it has moved on since; the rule acted unless `actor` did. `why` is
    what a person wrote, which is told under the key of the alarm's case.
    """
    asset, about = assets[row.asset_id], row.definition
    content: dict[str, object] = {
        "title": about.title,
        "code": row.code,
        "asset": asset.code,
        "asset_name": asset.name,
        "place": asset.place,
        "commune": asset.commune,
        "priority": about.priority,
        "desk": about.desk,
        "state": str(state or row.state),
        **more,
    }
    if value is not None:
        content |= {"quantity": about.quantity or "silence_periods", "value": value}
    return Entry(
        actor or rule_actor(about), ROOM, verb, f"alarm:{row.id}", (f"asset:{asset.code}",), content,
        effective_at=at, about=case_of_alarm(row.id) if why else "", personal={"reason": why} if why else {},
    )  # fmt: skip


def check_transaction() -> None:
    """Raise Conflict outside a transaction: what moved the alarms and the alarms stand or fall together."""
    if not connection.in_atomic_block:
        raise Conflict("alarms move in the transaction of what moved them: open one")

"""Which active alarm, or which command of ours, explains which alarm: suppression by design, along the twin's relations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.actions.rows import Row, lock_open
from beffroi.kernel.alarms.rules import commands_that_explain, explanations
from beffroi.kernel.alarms.types import ACTIVE_STATES, AlarmState, Definition
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import SOURCE

_WAITING = (AlarmState.UNACKNOWLEDGED, AlarmState.SUPPRESSED)
_ACTIVE_UPSTREAM = """
SELECT w.id, a.id
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) WITH ORDINALITY AS w(id, code, asset_id, place)
JOIN alarms_alarm a ON a.code = w.code AND a.asset_id = w.asset_id
WHERE a.state = ANY(%s) AND a.returned_at IS NULL
ORDER BY w.place DESC
"""
_COMMANDED = """
SELECT w.id, c.id
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) WITH ORDINALITY AS w(id, ability, asset_id, place)
JOIN alarms_commanded c ON c.ability = w.ability AND c.asset_id = w.asset_id AND c.ended_at IS NULL
JOIN alarms_alarm a ON a.id = w.id JOIN alarms_definition d ON d.id = a.definition_id
WHERE a.raised_at - d.on_delay_s * interval '1 second' >= c.since - interval '5 seconds'
ORDER BY w.place DESC, c.id
"""
"""Only of a condition that began once the command had left, give or take the clock of the equipment."""


def downstream(causes: Sequence[Row], definitions: Iterable[Definition]) -> list[Row]:
    """Lock the open alarms that these may explain and that nobody acknowledged."""
    pairs: set[tuple[str, int]] = set()
    reported: dict[str, set[int]] = {}
    for definition in definitions:
        for relation, cause in explanations(definition):
            sources = [row.asset_id for row in causes if row.code == cause]
            if relation != SOURCE:
                pairs |= {(definition.code, asset) for asset in _along(relation, sources)}
            elif sources:
                reported.setdefault(definition.code, set()).update(sources)
    pairs |= _reported_by(reported)
    return [row for row in lock_open(sorted(pairs)).values() if row.state in _WAITING]


def _reported_by(sources: Mapping[str, set[int]]) -> set[tuple[str, int]]:
    """Return the open alarms of each code on what these sources report.

    From the alarms to their source: a source may report a hundred thousand pieces of equipment, few of which have one.
    """
    if not sources:
        return set()
    found = models.Alarm.objects.filter(code__in=sources, state__in=_WAITING).values_list("code", "asset_id")
    keys = list(found)
    stands = twin.upstream({asset for _, asset in keys}, SOURCE)
    return {(code, asset) for code, asset in keys if stands.get(asset) in sources[code]}


def explanations_of(rows: Iterable[Row]) -> dict[int, int]:
    """Return, for each alarm that an active alarm explains, the number of that alarm: the first named wins.

    An alarm that is shelved or out of service explains as well: its condition holds, and somebody answers for it.
    """
    asked = [(row, relation, code) for row in rows for relation, code in explanations(row.definition)]
    wanted = _upstream(asked)
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE_UPSTREAM, [*columns, [str(state) for state in ACTIVE_STATES]])
        return dict(cursor.fetchall())


def commands_of(rows: Iterable[Row]) -> dict[int, int]:
    """Return, for each alarm that a command in force explains, the number of what is kept of that command."""
    asked = [(row, relation, ability) for row in rows for relation, ability in commands_that_explain(row.definition)]
    wanted = _upstream(asked)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_COMMANDED, [list(column) for column in zip(*wanted, strict=True)])
        return dict(cursor.fetchall())


def under_commands(commanded: Iterable[tuple[str, int]], definitions: Iterable[Definition]) -> list[Row]:
    """Lock the alarms that nobody acknowledged and that these commands, as (ability, asset), may explain."""
    by_ability: dict[str, list[int]] = {}
    for ability, asset in commanded:
        by_ability.setdefault(ability, []).append(asset)
    pairs: set[tuple[str, int]] = set()
    for definition in definitions:
        for relation, ability in commands_that_explain(definition):
            pairs |= {(definition.code, asset) for asset in _along(relation, by_ability.get(ability, []))}
    return [row for row in lock_open(sorted(pairs)).values() if row.state == AlarmState.UNACKNOWLEDGED]


def _upstream(asked: Sequence[tuple[Row, str, str]]) -> list[tuple[int, str, int]]:
    """Return (alarm, what explains it, the asset on which that would stand) for each explanation that has such an asset."""
    upstream = {
        relation: twin.upstream({row.asset_id for row, kind, _ in asked if kind == relation}, relation)
        for relation in {relation for _, relation, _ in asked} - {"self"}
    }
    wanted = []
    for row, relation, name in asked:
        asset = row.asset_id if relation == "self" else upstream[relation].get(row.asset_id)
        if asset is not None:
            wanted.append((row.id, name, asset))
    return wanted


def _along(relation: str, assets: Sequence[int]) -> set[int]:
    if not assets or relation == "self":
        return set(assets)
    return {asset for found in twin.downstream(assets, relation).values() for asset in found}

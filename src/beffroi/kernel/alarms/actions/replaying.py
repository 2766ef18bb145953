"""What if: an open change and the version in force, both played over the stored days. In the web's own thread, bounded.

Bounds: 14 days, 200,000 values a day (equipment is sampled evenly beyond, and the outcome says so), 5 s for each read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError

from beffroi.foundation.clock import DAY, SECOND, Instant
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import queries
from beffroi.kernel.alarms.actions.revising import keep_what_if
from beffroi.kernel.alarms.rules.conditions import quantities_of
from beffroi.kernel.alarms.rules.replay import Replay
from beffroi.kernel.alarms.types import Definition, Revision
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import CLASSES

MAX_DAYS = 14
MAX_VALUES_A_DAY = 200_000


@dataclass(frozen=True, slots=True)
class _Sample:
    """Equipment over which both are played: `chosen` of `total`, evenly taken."""

    chosen: tuple[int, ...]
    total: int
    period_s: float


def replay_revision(revision_id: int, *, days: int, by: Viewer, at: Instant) -> Revision:
    """Play an open change and the version in force over the last days, and keep what was found beside the change.

    Journalled: who decides on the change reads it, and the other screens that show it follow. Raises Refused for days out of bounds, NotFound, and Conflict
    when the change is closed.
    """
    if not 1 <= days <= MAX_DAYS:
        raise Refused(f"write a number of days from 1 to {MAX_DAYS}", key="days-out-of-bounds")
    revision = queries.get_revision(revision_id, by)
    if not revision.is_open:
        raise Conflict("this change is closed", key="change-closed")
    since = at - days * DAY
    outcome: dict[str, Any] = {"days": days, "at": at}
    for name, definition in (("present", queries.version_in_force(revision.code)), ("proposed", revision.definition)):
        outcome[name] = _play(definition, since, days) if definition is not None else None
    return keep_what_if(revision_id, outcome, by=by, at=at)


def _play(definition: Definition, since: Instant, days: int) -> Mapping[str, Any]:
    names = quantities_of(definition) or CLASSES[definition.asset_class].quantities
    sample = _sample(definition.asset_class, names)
    replay = Replay(definition, sample.chosen, dict.fromkeys(sample.chosen, sample.period_s))
    for day in range(days):
        begin = since + day * DAY
        try:
            values = twin.stored_values(names, sample.chosen, begin, begin + DAY)
        except OperationalError as error:
            raise Refused("the history is too long to read: choose fewer days", key="replay-too-long") from error
        replay.take(values, begin + DAY)
    found = replay.outcome(since, days)
    known = twin.assets_by_id(asset for asset, _ in found["top"])
    top = [[known[asset].code, count] for asset, count in found["top"] if asset in known]
    return {**found, "top": top, "assets": sample.total, "sampled": len(sample.chosen)}


def _sample(asset_class: str, names: Sequence[str]) -> _Sample:
    every = sorted(twin.ids_of_class(asset_class))
    period_s = CLASSES[asset_class].period_s or 60
    expected = len(every) * len(names) * DAY / SECOND / period_s
    step = max(1, math.ceil(expected / MAX_VALUES_A_DAY))
    return _Sample(tuple(every[::step]), len(every), float(period_s))

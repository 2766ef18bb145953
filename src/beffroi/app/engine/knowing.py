"""What an engine knows of the sources it reads: their equipment, who was heard when, last values, conditions that stand.

Loaded from the store whenever something is not sure any more: PostgreSQL is never wrong about what was committed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from beffroi.app.engine.applying import Applier
from beffroi.app.engine.decoding import Decoding, Reader
from beffroi.app.engine.proving import Proving
from beffroi.app.registry import is_fetched
from beffroi.foundation.clock import Clock
from beffroi.kernel.alarms import queries as alarm_queries
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.twin import queries as twin_queries
from beffroi.kernel.twin.queries import SourceInfo
from beffroi.kernel.twin.rules import Hearing

Classes = list[tuple[int, str]]
"""(asset, its class) of the inventory."""


def learn(
    sources: Sequence[SourceInfo],
    readers: Iterable[Reader],
    *,
    clock: Clock,
    poison: Container[tuple[str, int]] = (),
    before: Watch | None = None,
) -> tuple[Applier, Classes]:
    """Return what applies batches of these sources, with the inventory it was made of. `before`: the watch it follows."""
    ids = [source.id for source in sources]
    known = twin_queries.quantity_ids()
    decoding = Decoding(readers, poison=poison, quantities=known)
    hearing = Hearing(listening_since=clock())
    classes = _learn_assets(ids, decoding, hearing)
    applier = Applier(
        decoding,
        hearing,
        watch_over(ids, classes, before),
        clock,
        known,
        Proving(ids),
        representatives=twin_queries.representatives(ids),
        fetched=[source.id for source in sources if is_fetched(source.connector)],
    )
    return applier, classes


def watch_over(source_ids: Sequence[int], classes: Classes, before: Watch | None) -> Watch:
    """Return a watch of the definitions in force, restored from the store; delays that ran in the one before go on."""
    watch = Watch(alarm_queries.definitions_in_force(), classes)
    watch.restore(
        {quantity: twin_queries.current_values(quantity, source_ids) for quantity in sorted(watch.quantities)},
        alarm_queries.open_conditions(),
    )
    if before is not None:
        watch.keep_delays(before)
    return watch


def _learn_assets(source_ids: Sequence[int], decoding: Decoding, hearing: Hearing) -> Classes:
    heard = twin_queries.last_heard(source_ids)
    levels = twin_queries.freshness_levels()
    classes: Classes = []
    rows: list[tuple[int, float | None, int | None, int]] = []
    for asset_id, source_id, address, asset_class, period_s in twin_queries.asset_index(source_ids):
        decoding.learn(source_id, address, asset_id)
        classes.append((asset_id, asset_class))
        rows.append((asset_id, period_s, heard.get(asset_id), levels.get(asset_id, 0)))
    hearing.set_assets(rows)
    return classes

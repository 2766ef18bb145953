"""Pure decisions of the twin: partitions, which value is the last, who has fallen silent, how a row is packed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import methodcaller

import numpy as np
from numpy.typing import NDArray

from beffroi.foundation.clock import SECOND, Instant

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Heard = tuple[int, Instant, Instant, int, Mapping[str, float]]
"""A report of a known asset: its number, observed, received, quality, and the value of each quantity."""

STALE_AFTER_PERIODS = 3.0
SILENT_AFTER_PERIODS = 6.0
LIVE, STALE, SILENT = 0, 1, 2
RUN_TIME_RIGHTS: Mapping[str, frozenset[str]] = {"twin_history": frozenset({"SELECT", "INSERT"})}
"""What the role under which the post runs may do of the history: its days are made and dropped by the owner's functions."""

_POSTGRES_EPOCH: Instant = 946_684_800 * SECOND
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TAIL = b"\xff\xff"
_HISTORY_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("observed_len", ">i4"),
        ("observed_at", ">i8"),
        ("received_len", ">i4"),
        ("received_at", ">i8"),
        ("value_len", ">i4"),
        ("value", ">f8"),
        ("asset_len", ">i4"),
        ("asset_id", ">i8"),
        ("quantity_len", ">i4"),
        ("quantity_id", ">i2"),
        ("quality_len", ">i4"),
        ("quality", ">i2"),
    ]
)


def partition_of(source: str, partitions: int) -> int:
    """Return the partition of a source: a hash of its code that no version of Python changes (CRC-32)."""
    return zlib.crc32(source.encode()) % partitions


@dataclass(frozen=True, slots=True)
class Columns:
    """Values to store, as columns of one length. Instants in microseconds."""

    asset_id: Ints
    quantity_id: Ints
    value: Floats
    observed_at: Ints
    received_at: Ints
    quality: Ints

    def __len__(self) -> int:
        return len(self.asset_id)

    def take(self, places: Ints) -> Columns:
        """Return the rows at these places."""
        return Columns(
            self.asset_id[places],
            self.quantity_id[places],
            self.value[places],
            self.observed_at[places],
            self.received_at[places],
            self.quality[places],
        )


def columns(rows: Sequence[tuple[int, int, float, int, int, int]]) -> Columns:
    """Turn rows (asset, quantity, value, observed, received, quality) into columns."""
    count = len(rows)
    assets, quantities, values, observed, received, quality = zip(*rows, strict=True) if rows else ((),) * 6
    return Columns(
        np.fromiter(assets, np.int64, count),
        np.fromiter(quantities, np.int64, count),
        np.fromiter(values, np.float64, count),
        np.fromiter(observed, np.int64, count),
        np.fromiter(received, np.int64, count),
        np.fromiter(quality, np.int64, count),
    )


def columns_of(heard: Sequence[Heard], numbers: Mapping[str, int]) -> Columns:
    """Turn reports into columns, a row for each value in their order. `numbers` holds each quantity's number.

    No object is made for a row: at forty thousand values a second, rows as tuples cost more than reading the messages.
    """
    if not heard:
        return columns([])
    count = len(heard)
    assets, observed, received, quality, values = zip(*heard, strict=True)
    each = np.fromiter(map(len, values), np.int64, count)
    total = int(each.sum())
    return Columns(
        np.repeat(np.fromiter(assets, np.int64, count), each),
        np.fromiter(map(numbers.__getitem__, chain.from_iterable(values)), np.int64, total),
        np.fromiter(chain.from_iterable(map(methodcaller("values"), values)), np.float64, total),
        np.repeat(np.fromiter(observed, np.int64, count), each),
        np.repeat(np.fromiter(received, np.int64, count), each),
        np.repeat(np.fromiter(quality, np.int64, count), each),
    )


def last_values(batch: Columns) -> Columns:
    """Return one row per (asset, quantity): the one observed last; of two at the same instant, the one that came last."""
    if not len(batch):
        return batch
    order = np.lexsort((np.arange(len(batch)), batch.observed_at, batch.quantity_id, batch.asset_id))
    assets, quantities = batch.asset_id[order], batch.quantity_id[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (assets[1:] != assets[:-1]) | (quantities[1:] != quantities[:-1])
    return batch.take(order[last])


def pack_history(batch: Columns) -> bytes:
    """Return the rows as one binary COPY stream for `twin_history` (PostgreSQL: COPY, binary format)."""
    rows = np.zeros(len(batch), _HISTORY_ROW)
    rows["fields"] = 6
    rows["observed_len"] = rows["received_len"] = rows["value_len"] = rows["asset_len"] = 8
    rows["quantity_len"] = rows["quality_len"] = 2
    rows["observed_at"] = batch.observed_at - _POSTGRES_EPOCH
    rows["received_at"] = batch.received_at - _POSTGRES_EPOCH
    rows["value"], rows["asset_id"] = batch.value, batch.asset_id
    rows["quantity_id"], rows["quality"] = batch.quantity_id, batch.quality
    return _COPY_HEAD + rows.tobytes() + _COPY_TAIL


class Hearing:
    """When each asset was last heard, and which have not kept their period.

    An asset is judged from the later of its last report and the instant from which the post listened: a post that was
    stopped cannot blame the equipment. Assets without a period are never judged.
    """

    def __init__(self, *, listening_since: Instant) -> None:
        self.listening_since = listening_since
        self.ids: Ints = np.empty(0, np.int64)
        self._period: Floats = np.empty(0, np.float64)
        self._heard: Ints = np.empty(0, np.int64)
        self._level: NDArray[np.int8] = np.empty(0, np.int8)

    def __len__(self) -> int:
        return len(self.ids)

    def set_assets(self, rows: Iterable[tuple[int, float | None, Instant | None, int]]) -> None:
        """Take the inventory: (asset id, period in seconds, last heard, level already recorded), any order."""
        known = sorted(rows)
        count = len(known)
        self.ids = np.fromiter((row[0] for row in known), np.int64, count)
        self._period = np.fromiter((row[1] * 1e6 if row[1] else np.inf for row in known), np.float64, count)
        self._heard = np.fromiter((row[2] or 0 for row in known), np.int64, count)
        self._level = np.fromiter((row[3] for row in known), np.int8, count)

    def heard(self, asset_ids: Ints, received_at: Ints) -> None:
        """Note that assets reported. Ids that are not of the inventory are passed over."""
        places = np.searchsorted(self.ids, asset_ids)
        inside = places < len(self.ids)
        places, received_at, asset_ids = places[inside], received_at[inside], asset_ids[inside]
        ours = self.ids[places] == asset_ids
        np.maximum.at(self._heard, places[ours], received_at[ours])

    def missed(self, now: Instant) -> Floats:
        """Return how many periods each asset has let pass, in the order of `ids`; NaN where it is not judged."""
        since = np.maximum(self._heard, self.listening_since)
        judged = np.isfinite(self._period) & (self._heard > 0)
        return np.where(judged, np.maximum(now - since, 0) / self._period, np.nan)

    def answered(self) -> NDArray[np.bool_]:
        """Tell which assets reported since this post listens, in the order of `ids`."""
        return self._heard >= self.listening_since

    def sweep(self, now: Instant) -> list[tuple[int, int]]:
        """Return (asset id, new level) for each asset whose freshness changed since the last sweep.

        A level recorded before this post listened stands until the asset reports: a restart is no sign of life.
        """
        missed = np.nan_to_num(self.missed(now))
        level = np.where(missed >= SILENT_AFTER_PERIODS, SILENT, np.where(missed >= STALE_AFTER_PERIODS, STALE, LIVE))
        level = np.where(self.answered(), level, np.maximum(level, self._level))
        level = np.where(np.isfinite(self._period), level, LIVE).astype(np.int8)
        changed = np.flatnonzero(level != self._level)
        self._level[changed] = level[changed]
        return [(int(self.ids[place]), int(level[place])) for place in changed]

    def never_heard(self) -> int:
        """Return how many assets with a period have never reported."""
        return int(np.count_nonzero(np.isfinite(self._period) & (self._heard == 0)))

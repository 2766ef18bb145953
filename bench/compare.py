"""What the store holds against what the devices were told: lost, doubled, invented."""

from __future__ import annotations

import io
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psycopg

from bench.load import CABINET, Ints, Record, code_of
from bench.post import Post

_STORED = """
COPY (SELECT asset_id::bigint, (extract(epoch FROM observed_at) * 1000000)::bigint, count(*)::bigint,
    count(DISTINCT quantity_id)::bigint FROM twin_history WHERE observed_at >= to_timestamp(%s::bigint / 1e6)
    GROUP BY 1, 2) TO STDOUT (FORMAT BINARY)"""
_ROW = np.dtype(
    [("fields", ">i2")] + [(f"{kind}{n}", size) for n in range(4) for kind, size in (("len", ">i4"), ("value", ">i8"))]
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Messages, each known by its asset and the instant it was observed."""

    sent: int
    acknowledged: int
    stored: int  # distinct
    rows: int
    lost: int  # acknowledged and absent
    doubled: int  # present more than once
    partial: int  # present without all its quantities
    invented: int  # present and never sent
    unacknowledged_stored: int  # allowed: the acknowledgement was lost, not the message

    @property
    def stands(self) -> bool:
        """Every acknowledged message is there exactly once, and nothing else but what was sent."""
        return not (self.lost or self.doubled or self.partial or self.invented)

    def figures(self) -> dict[str, Any]:
        """Return the comparison for a file of results."""
        return {**asdict(self), "stands": self.stands}


def read_stored(connection: psycopg.Connection[tuple[Any, ...]], since: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return (asset id, observed at, rows, quantities) of each message stored since an instant, in any order."""
    data = io.BytesIO()
    with connection.cursor().copy(_STORED % since) as copy:
        for part in copy:
            data.write(part)
    rows = np.frombuffer(data.getbuffer()[19:-2], _ROW)  # between the signature and the trailer of binary COPY
    return tuple(rows[f"value{n}"].astype(np.int64) for n in range(4))  # type: ignore[return-value]


def compare(post: Post, record: Record, quantities: int) -> Comparison:
    """Compare a load with what the store holds of it. `quantities`: of each message of a light point; a cabinet's has two."""
    with post.database() as connection:
        ids = {code: key for key, code in connection.execute("SELECT id, code FROM twin_asset").fetchall()}
        first = int(record.observed_at[0]) if len(record.observed_at) else 0
        asset, observed_at, rows, kinds = read_stored(connection, first)
    wanted = {int(k): ids[code_of(int(k))] for k in np.unique(record.asset)}
    sent_asset = np.fromiter((wanted[int(k)] for k in record.asset), np.int64, len(record.asset))
    place = np.searchsorted(record.observed_at, observed_at)  # instants are unique and rising within a load
    place = np.minimum(place, len(record.observed_at) - 1)
    ours = (record.observed_at[place] == observed_at) & (sent_asset[place] == asset)
    present = np.zeros(len(record.asset), np.int64)
    np.add.at(present, place[ours], 1)
    acknowledged = record.acked_at > 0
    return Comparison(
        sent=len(record.asset),
        acknowledged=record.acknowledged,
        stored=int(np.count_nonzero(ours)),
        rows=int(rows[ours].sum()),
        lost=int(np.count_nonzero(acknowledged & (present == 0))),
        doubled=int(np.count_nonzero(rows[ours] > kinds[ours])),
        partial=int(np.count_nonzero(kinds[ours] < np.where(record.asset[place[ours]] <= CABINET, 2, quantities))),
        invented=int(np.count_nonzero(~ours)),
        unacknowledged_stored=int(np.count_nonzero(~acknowledged & (present > 0))),
    )


def wait_drained(post: Post, at_least: int, *, within_s: float = 120.0) -> float:
    """Wait until that many reports were counted and no more come for a second; return how long it took, in seconds."""
    began = time.monotonic()
    last, since = -1, began
    while time.monotonic() - began < within_s:
        try:
            count = sum(post.counters()[name] for name in ("received", "unclaimed"))
        except (psycopg.Error, OSError):
            time.sleep(0.2)
            continue
        if count != last:
            last, since = count, time.monotonic()
        if count >= at_least and time.monotonic() - since > 1.0:
            return since - began
        time.sleep(0.05)
    return time.monotonic() - began

"""A load of light points: a process of its own that publishes at a rate and remembers each message's fate."""

from __future__ import annotations

import multiprocessing
import time
from array import array
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.mqtt import Login, Publisher, text

Ints = NDArray[np.int64]
WORDS = (b"off", b"on", b"fault")
LON, LAT = (4.95, 5.12), (47.26, 47.38)


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """What is published. `rate_per_s` 0: as fast as acknowledgements allow. `seconds` 0: until told to stop.

    Asset k reports under source k % len(logins). Every `probe_every`-th message comes from one of `probes` further assets,
    which screens watch. A message in `fault_every` says that the lamp has failed. Every `cabinet_every`-th comes from one of
    `cabinets`, each of which trips and closes again every `trip_s` seconds: alarms and incidents have work.
    """

    logins: tuple[Login, ...]
    assets: int
    rate_per_s: float
    seconds: float
    probes: int = 0
    probe_every: int = 0
    quantities: int = 4
    fault_every: int = 50_000
    links: int = 5
    window: int = 100
    most_behind_s: float = 2.0
    most_messages: int = 0
    cabinets: int = 0
    cabinet_every: int = 20
    trip_s: float = 40.0


@dataclass(slots=True)
class Record:
    """Every message sent: by which asset (negative: a probe), observed when, acknowledged when (0: never)."""

    asset: Ints
    observed_at: Ints
    acked_at: Ints
    seconds: float
    skipped: int
    losses: int
    refusals: int
    cpu_s: float

    @property
    def acknowledged(self) -> int:
        """How many were acknowledged."""
        return int(np.count_nonzero(self.acked_at))

    @property
    def rate_per_s(self) -> float:
        """How many were acknowledged a second while the load lasted; what came after its end is not counted."""
        if not len(self.observed_at):
            return 0.0
        end = self.observed_at[0] + int(self.seconds * 1e6)
        return float(np.count_nonzero((self.acked_at > 0) & (self.acked_at <= end)) / self.seconds)


CABINET = -1_000
"""From here downwards the numbers of cabinets; -1 to -999 are probes."""


def code_of(asset: int) -> str:
    """Return the code of a light point (from 0), a probe (from -1) or a cabinet (from CABINET)."""
    if asset <= CABINET:
        return f"CABINET-{CABINET - asset:03d}"
    return f"LP-{asset:07d}" if asset >= 0 else f"PROBE-{-asset:02d}"


def source_of(group: int) -> str:
    """Return the code of the source that a group of assets reports under."""
    return f"field-{group + 1}"


def write_inventory(file: Path, assets: int, probes: int, sources: int, cabinets: int = 0) -> None:
    """Write the inventory that `beffroi import assets` reads: light points on a grid, and cabinets."""
    side = max(1, int(assets**0.5))
    with file.open("w") as out:
        out.write("asset,class,lon,lat,name,source\n")
        for k in [*range(assets), *range(-1, -probes - 1, -1), *range(CABINET, CABINET - cabinets, -1)]:
            kind = "lighting_cabinet" if k <= CABINET else "light_point"
            lon = LON[0] + (LON[1] - LON[0]) * (abs(k) % side) / side
            lat = LAT[0] + (LAT[1] - LAT[0]) * (abs(k) // side % side) / side
            out.write(f"{code_of(k)},{kind},{lon:.6f},{lat:.6f},{code_of(k)},{source_of(k % sources)}\n")


def payload(observed_at: int, n: int, quantities: int, fault: bool) -> bytes:
    """Return what a light point says: about 120 bytes with its four quantities. `observed_at` in microseconds."""
    values = (
        b'"power_w":%d.%d' % (40 + n % 60, n % 10),
        b'"voltage_v":%d.%d' % (225 + n % 12, n % 10),
        b'"dim_pct":%d' % (n % 101),
        b'"lamp_state":"%b"' % WORDS[2 if fault else 1],
    )
    return b'{"observed_at":%d.%03d,%b}' % (*divmod(observed_at, 1000), b",".join(values[-quantities:]))


def tripped(cabinet: int, elapsed_s: float, trip_s: float) -> bool:
    """Tell whether a cabinet is tripped; each in its own rhythm, so that trips do not all fall together."""
    return int(elapsed_s / trip_s + cabinet * 0.37) % 2 == 1


def cabinet_payload(observed_at: int, trip: bool) -> bytes:
    """Return what a cabinet says."""
    word = b"tripped" if trip else b"energised"
    return b'{"observed_at":%d.%03d,"feeder_state":"%b","voltage_v":%d}' % (
        *divmod(observed_at, 1000),
        word,
        0 if trip else 231,
    )


def run_load(spec: LoadSpec, ended: Connection) -> Record:
    """Publish until the time is over or the other end says stop; then wait for the last acknowledgements."""
    asset, observed_at, acked_at = array("q"), array("q"), array("q")

    def acked(number: int) -> None:
        acked_at[number] = time.time_ns() // 1000

    publisher = Publisher(list(spec.logins), links=spec.links, window=spec.window, acked=acked)
    publisher.connect(60)
    groups = len(spec.logins)
    numbers = [*range(spec.assets), *range(-1, -spec.probes - 1, -1), *range(CABINET, CABINET - spec.cabinets, -1)]
    topics = {k: text(f"readings/{source_of(k % groups)}/{code_of(k)}".encode()) for k in numbers}
    began, last, skipped, n = time.monotonic(), 0, 0, 0
    cpu = time.process_time()
    end = began + spec.seconds if spec.seconds else float("inf")
    while (
        (present := time.monotonic()) < end
        and not ended.poll()
        and not (spec.most_messages and n >= spec.most_messages)
    ):
        due = int((present - began) * spec.rate_per_s) - skipped if spec.rate_per_s else n + 200
        if spec.rate_per_s and due - n > spec.most_behind_s * spec.rate_per_s:
            skipped += due - n  # devices do not send tomorrow what could not be sent today
            due = n
        blocked = False
        while n < due and not blocked:
            last = max(time.time_ns() // 1000, last + 1)  # unique: a message is known by its instant
            if spec.cabinets and n % spec.cabinet_every == 0:
                k = CABINET - (n // spec.cabinet_every) % spec.cabinets
                body = cabinet_payload(last, tripped(CABINET - k, present - began, spec.trip_s))
            else:
                probe = spec.probe_every and n % spec.probe_every == 0
                k = -1 - (n // spec.probe_every) % spec.probes if probe else n % spec.assets
                body = payload(last, n, spec.quantities, n % spec.fault_every == spec.fault_every - 1)
            topic = topics[k]
            if publisher.offer(k % groups, n, topic, body):
                asset.append(k)
                observed_at.append(last)
                acked_at.append(0)
                n += 1
            else:
                blocked = True
        idle = (n + skipped + 1) / spec.rate_per_s - (time.monotonic() - began) if spec.rate_per_s else 0.0
        publisher.turn(0.002 if blocked else min(max(idle, 0.0), 0.05))
    seconds = time.monotonic() - began
    publisher.settle(30)
    publisher.close()
    return Record(
        np.frombuffer(asset, np.int64),
        np.frombuffer(observed_at, np.int64),
        np.frombuffer(acked_at, np.int64),
        seconds,
        skipped,
        sum(link.losses for link in publisher.links),
        sum(link.refusals for link in publisher.links),
        time.process_time() - cpu,
    )


def _child(spec: LoadSpec, pipe: Connection) -> None:
    try:
        pipe.send(run_load(spec, pipe))
    except TimeoutError as error:
        pipe.send(error)


class Load:
    """A load in a process of its own, begun at once."""

    def __init__(self, spec: LoadSpec) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_child, args=(spec, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def finish(self, *, now: bool = False, within_s: float = 900) -> Record:
        """Return what became of every message, once the load is over (`now`: tell it to stop). Raises TimeoutError."""
        if now:
            self.pipe.send("stop")
        if not self.pipe.poll(within_s):
            self.process.kill()
            raise TimeoutError("the load did not end")
        record = self.pipe.recv()
        self.process.join(10)
        if isinstance(record, Exception):
            raise record
        assert isinstance(record, Record)
        return record

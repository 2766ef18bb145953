"""Heartbeats: each process says, in a small file of the run folder, whether it serves, why not, and its figures."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.settings import settings

STALE_AFTER: Instant = 8 * SECOND


class Heartbeat(msgspec.Struct, frozen=True):
    """What a process last said of itself. `figures` are gauges and counters named with their unit last."""

    name: str
    pid: int
    at: Instant
    ready: bool
    reasons: tuple[str, ...] = ()
    figures: dict[str, float] = {}


def _folder() -> Path:
    return settings().run / "heartbeats"


def beat(
    name: str,
    at: Instant,
    *,
    ready: bool = True,
    reasons: Sequence[str] = (),
    figures: Mapping[str, float] | None = None,
) -> None:
    """Say that this process lives, whether it is ready, and its figures (its own memory and processor time are added).

    A disk that is full silences it, which others see; it does not end who speaks.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = {"memory_bytes": resident_bytes(os.getpid()), "cpu_s": usage.ru_utime + usage.ru_stime}
    heartbeat = Heartbeat(name, os.getpid(), at, ready, tuple(reasons), {**own, **(figures or {})})
    folder = _folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_bytes(msgspec.json.encode(heartbeat))
        draft.replace(folder / f"{name}.json")


def resident_bytes(pid: int) -> float:
    """Return the resident memory of a process, or 0 when it is gone or the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return float(pages * resource.getpagesize())


def heartbeats() -> dict[str, Heartbeat]:
    """Return the last heartbeat of every process of this post; unreadable ones are absent."""
    found: dict[str, Heartbeat] = {}
    for file in sorted(_folder().glob("*.json")):
        try:
            found[file.stem] = msgspec.json.decode(file.read_bytes(), type=Heartbeat)
        except (OSError, msgspec.DecodeError):
            continue
    return found


def forget(name: str) -> None:
    """Withdraw the heartbeat of a process that was stopped or has died."""
    (_folder() / f"{name}.json").unlink(missing_ok=True)

"""Writing seals outside the database: appended, flushed to the disk, a file a day."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Unreachable
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.checkpoint import NAME, Checkpoint, checkpoint
from beffroi.kernel.journal.queries.witness import SUFFIX, Witness
from beffroi.kernel.journal.types import Seal, Verification, WitnessAdoption

_OPEN = 0o640
_CLOSED = 0o440


def write_seals(witness: Witness, seals: Iterable[Seal], *, at: Instant, copied: bool = False) -> None:
    """Append seals to the day's file; they are on the disk when this returns. Raises Unreachable when they cannot be."""
    lines = b"".join(rules.to_witness(seal, copied_at=at if copied else 0) for seal in seals)
    if lines:
        _append(witness, _file_of_day(witness, at), lines)


def write_adoption(witness: Witness, adoption: WitnessAdoption) -> None:
    """Begin a new file with the acceptance of a restored database. Raises Unreachable when it cannot be written."""
    today = _file_of_day(witness, adoption.at)
    stem, _, turn = today.name.removesuffix(SUFFIX).rpartition(".")
    _append(witness, witness.folder / f"{stem}.{int(turn) + 1:02d}{SUFFIX}", msgspec.json.encode(adoption) + b"\n")


def keep_checkpoint(witness: Witness, found: Verification, *, whole: bool, at: Instant) -> None:
    """Keep up to where the journal was found good. Nothing is kept of a broken one, or of one without a seal."""
    if found.breaks or found.last_seal is None:
        return
    before = checkpoint(witness) if not whole else None
    told = rules.witness_seal(found.last_seal)
    kept = Checkpoint(told, at, at if whole or before is None else before.whole_at)
    draft = witness.folder / f".{NAME}"
    try:
        witness.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OPEN), "wb") as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(witness.folder / NAME)
    except OSError as error:
        raise Unreachable(f"the checkpoint cannot be written in {witness.folder}: {error}") from error


def _file_of_day(witness: Witness, at: Instant) -> Path:
    """Return the file to append to: never one that is older than the last, even when the clock goes back."""
    last = witness.files()[-1:]
    today = f"{to_datetime(at):%Y-%m-%d}"
    if last and last[0].name[: len(today)] >= today:
        return last[0]
    for file in last:
        file.chmod(_CLOSED)
    return witness.folder / f"{today}.00{SUFFIX}"


def _append(witness: Witness, file: Path, lines: bytes) -> None:
    try:
        witness.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, _OPEN)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a crash cut the last line off: what it was is written again after it
            written = os.write(handle, lines)
            os.fsync(handle)
        finally:
            os.close(handle)
        if not size:
            _flush_folder(witness.folder)
    except OSError as error:
        raise Unreachable(f"the seals cannot be written outside the database, in {file}: {error}") from error
    if written != len(lines):
        raise Unreachable(f"{file} took {written} bytes of {len(lines)}: its disk is full; sealing waits")


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""How the post is doing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class ReadingTotals(msgspec.Struct):
    """Reports since the store began: received = stored + quarantined + refused, in all and for each source."""

    received: int
    stored: int
    quarantined: int
    refused: int
    by_source: Mapping[str, Mapping[str, int]]


class OpenCount(msgspec.Struct):
    """How many are open."""

    open: int


class JournalMarks(msgspec.Struct):
    """Number of the last line, and of the last line that a seal covers; when it was sealed, and whether sealing stands still."""

    sequence: int
    sealed: int
    sealed_at: str | None
    stands_still: bool


class QuarantineMarks(msgspec.Struct):
    """Frames kept aside and their bytes, and how many went for want of room before their time."""

    frames: int
    bytes: int
    dropped: int


class Status(msgspec.Struct):
    """How the post is doing. `lag_s` has one entry for each partition in use: seconds its oldest message waits."""

    readings: ReadingTotals
    lag_s: Mapping[str, float]
    alarms: OpenCount
    incidents: OpenCount
    journal: JournalMarks
    quarantine: QuarantineMarks

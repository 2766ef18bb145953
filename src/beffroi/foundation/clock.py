"""Time: instants are integers, microseconds since the Unix epoch in UTC.

An integer orders, subtracts and packs into PostgreSQL's binary format without a conversion, which the readings path
needs ten thousand times a second. Dates with a zone exist at the edges only: in forms, in pages, in payloads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""

Clock = Callable[[], Instant]
"""What tells the time. Passed in, so that an exercise can freeze it and a test can set it."""

SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> Instant:
    """Return the present instant from the system's clock."""
    return time.time_ns() // 1000


def to_datetime(instant: Instant) -> datetime:
    """Return the instant as a date with zone UTC. Raises OverflowError past year 9999."""
    return _EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> Instant:
    """Return the date as an instant. Raises ValueError for a date without a zone: guess no zone."""
    if moment.tzinfo is None:
        raise ValueError("a date without a time zone cannot be placed in time")
    return (moment - _EPOCH) // _MICROSECOND


def to_rfc3339(instant: Instant) -> str:
    """Return the instant as RFC 3339 text in UTC, with microseconds."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_rfc3339(text: str) -> Instant:
    """Return the instant of an RFC 3339 date. Raises ValueError when it is none, or has no zone."""
    return from_datetime(datetime.fromisoformat(text))
